"""Everything that is no hand-over: jobs, status, objects, spool files."""

import gc
import io
import os

import pytest

import artifactd
from artifactd.messages import Status
from artifactd.requests import Request


# A connection names what is in force on it.
def test_connect(client, daemon):
    welcome = client.connect(timeout=5)
    assert (welcome.pid, client.store, client.tenant) == (daemon.process.pid, f"file://{daemon.store}", "default")


# The socket is found by the environment.
def test_environment(daemon, monkeypatch):
    monkeypatch.setenv("ARTIFACTD_SOCKET", str(daemon.socket))
    with artifactd.Client() as client:
        assert client.connect(timeout=5).pid == daemon.process.pid


# The status document comes as a dictionary.
def test_status(client, daemon):
    status = client.status(timeout=5)
    assert status["daemon"]["pid"] == daemon.process.pid


# Jobs are listed in the order of their acceptance, by their states, and no more than asked for.
def test_jobs(client):
    tickets = [client.put(b"x", str(number)) for number in range(5)]
    client.wait(tickets, timeout=10)
    assert [job.id for job in client.jobs()] == [ticket.job_id for ticket in tickets]
    assert [job.id for job in client.jobs(limit=2)] == [ticket.job_id for ticket in tickets[:2]]
    assert len(list(client.jobs("stored"))) == 5 and list(client.jobs(["failed", "cancelled"])) == []


# More jobs than a page has.
def test_pages_of_jobs(client):
    tickets = [client.put(b"x", str(number)) for number in range(1100)]
    client.wait(tickets, timeout=30)
    assert [job.id for job in client.jobs()] == [ticket.job_id for ticket in tickets]


# A job that is not known, and what is no id.
def test_unknown_job(client):
    unknown = "0198c0de-1234-7abc-8def-0123456789ab"
    for ask in (client.job, client.cancel, lambda id: client.wait([id])):
        with pytest.raises(artifactd.NotFound, match=unknown):
            ask(unknown)
    count, refusals = client.retry([unknown])
    assert count == 0 and isinstance(refusals[0], artifactd.NotFound)
    with pytest.raises(artifactd.InvalidRequest, match="no job id"):
        client.job("7")


# A failed job goes on when it is retried after its reason is gone.
def test_retry(put_what_fails):
    client, _, bad = put_what_fails()
    client.delete("a")
    assert client.retry([bad.job_id]) == (1, [])
    bad.wait("stored", timeout=10)
    assert bad.error is None and [each.uri.rsplit("/", 2)[1:] for each in client.list_objects("a/")] == [["a", "b"]]


# Objects are listed below a prefix, over as many pages as it takes.
def test_list_objects(client):
    client.wait([client.put(b"xy", f"{directory}/{number}") for directory in "ab" for number in range(5)], timeout=10)
    found = list(client.list_objects("a/", page_size=2))
    assert [each.uri.rsplit("/", 2)[1:] for each in found] == [["a", str(number)] for number in range(5)]
    assert found[0].size == 2 and len(list(client.list_objects())) == 10 and list(client.list_objects("c")) == []


# An object comes back as it was, decoded, under the name that was asked for and nothing beside it.
def test_get_to_a_path(client, tmp_path):
    content = b"content " * 100_000
    client.put(content, "a.txt", compression="zstd").wait("stored", timeout=10)
    place = tmp_path / "out"
    place.mkdir()
    (place / "f").write_bytes(b"earlier")
    got = client.get("a.txt", place / "f", timeout=10)
    assert (got.size, got.encoding, got.content_type) == (len(content), "zstd", "text/plain")
    assert (place / "f").read_bytes() == content and os.listdir(place) == ["f"]


# An open file gets the bytes from its position on; one without a descriptor too.
def test_get_to_a_file(client, tmp_path):
    client.put(b"content", "a").wait("stored", timeout=10)
    with open(tmp_path / "f", "w+b") as file:
        file.write(b"before, ")
        client.get("a", file, timeout=10)
        file.write(b", after")
    assert (tmp_path / "f").read_bytes() == b"before, content, after"
    memory = io.BytesIO()
    client.get("a", memory, timeout=10)
    assert memory.getvalue() == b"content"


# A part of an object is read alone, and says what it is a part of; of an encoded one only as it lies there.
def test_get_of_a_part(client):
    content = bytes(range(256)) * 1000
    client.put(content, "a", compression="none").wait("stored", timeout=10)
    client.put(content, "b", compression="zstd").wait("stored", timeout=10)

    def read(key, **part):
        memory = io.BytesIO()
        return client.get(key, memory, timeout=10, **part), memory.getvalue()

    got, found = read("a", offset=1000, length=20)
    assert found == content[1000:1020] and (got.size, got.total_size, got.encoding) == (20, len(content), "identity")
    assert got.etag == read("a")[0].etag == read("a", offset=len(content))[0].etag
    assert read("a", offset=len(content) - 3)[1] == content[-3:] and read("a", length=0)[1] == b""
    whole, raw = read("b", raw=True)
    assert (whole.encoding, whole.size, whole.total_size) == ("zstd", len(raw), len(raw)) and len(raw) < len(content)
    assert read("b", offset=5, length=7, raw=True)[1] == raw[5:12] and read("b")[1] == content
    with pytest.raises(artifactd.Conflict, match="raw"):
        read("b", offset=5)
    with pytest.raises(artifactd.InvalidRequest, match="offset"):
        read("a", offset=-1)


# What is not there leaves nothing behind, and what was there as it was.
def test_get_of_nothing(client, tmp_path):
    (tmp_path / "f").write_bytes(b"earlier")
    before = set(os.listdir(tmp_path))
    with pytest.raises(artifactd.NotFound):
        client.get("absent", tmp_path / "f", timeout=10)
    assert set(os.listdir(tmp_path)) == before and (tmp_path / "f").read_bytes() == b"earlier"


# A place that cannot be written to is named.
def test_get_to_nowhere(client, tmp_path):
    client.put(b"x", "a").wait("stored", timeout=10)
    with pytest.raises(artifactd.InvalidRequest, match="a directory"):
        client.get("a", tmp_path)
    with pytest.raises(artifactd.InvalidRequest, match="absent/f"):
        client.get("a", tmp_path / "absent" / "f")


# A deleted object is gone; one that is not there cannot be deleted.
def test_delete(client, daemon):
    client.put(b"x", "a").wait("stored", timeout=10)
    client.delete("a")
    assert daemon.keys() == []
    with pytest.raises(artifactd.NotFound):
        client.delete("a")


# What is written to a spool file is handed over when its block is left, DURABLE at once.
def test_spool(client, daemon):
    with client.open_spool("a", size_hint=10, content_type="x/y") as file:
        file.write(b"con")
        file.write(b"tent")
    file.ticket.wait("stored", timeout=10)
    assert daemon.content("a") == b"content"
    assert file.ticket.accepted.pin == "spool" and client.job(file.ticket.job_id).content_type == "x/y"


# A spool file can be read over again while it is written, and its destination chosen at the end.
def test_spool_with_a_late_destination(client, daemon):
    file = client.open_spool()
    file.write(b"-" * 10)
    file.seek(0)
    file.write(b"content")
    ticket = file.put("a").wait("stored", timeout=10)
    assert daemon.content("a") == b"content---" and file.ticket is ticket
    with pytest.raises(artifactd.InvalidRequest, match="open another"):
        file.put("b")


# An exception in the block, closing without a destination, and forgetting it hand nothing over and give the room back.
def test_spool_given_up(client, daemon):
    with pytest.raises(ZeroDivisionError), client.open_spool("a", size_hint=1 << 20) as file:
        raise ZeroDivisionError
    assert file.ticket is None
    client.open_spool(size_hint=1 << 20).close()
    client.open_spool("a", size_hint=1 << 20)
    gc.collect()
    # Answers come in any order, but what a connection sent before takes effect before.
    while client.status()["spool"]["used"]:
        pass
    assert daemon.keys() == [] and list(client.jobs()) == []


# No room in the spool: busy, after as many attempts as the client's patience allows; what can never have room is too large.
def test_full_spool(start_daemon, connect):
    client = connect(start_daemon(spool_quota=1 << 20), retry_timeout=0.5)
    with client.open_spool(size_hint=1 << 20) as file:
        with pytest.raises(artifactd.Busy):
            client.open_spool(size_hint=1 << 20)
        file.discard()
    with pytest.raises(artifactd.TooLarge, match="quota"):
        client.open_spool(size_hint=1 << 30)


# A store that does not answer is asked again for a time that counts from the first sending: the daemon has waited for it already.
def test_store_that_does_not_answer():
    request = Request(Status())
    request.note_sending()
    away = artifactd.StoreError("store_unavailable", "the store has not answered in time")
    assert request.pause_after(away, 30.0, 10.0) is not None
    assert request.pause_after(away, 30.0, 0.0) is None
    assert request.pause_after(artifactd.Busy("busy", ""), 30.0, 0.0) is not None


# A client that was closed says so.
def test_closed(daemon):
    with artifactd.Client(daemon.socket) as client:
        client.put(b"x", "a")
    with pytest.raises(artifactd.InvalidRequest, match="closed"):
        client.put(b"x", "b")


# A client that nobody holds any more ends its connection, and what it handed over goes on.
def test_forgotten_client(daemon, connect):
    watcher = connect(daemon)
    before = watcher.status()["connections"]["used"]
    artifactd.Client(daemon.socket).put(b"x", "a")
    gc.collect()
    while watcher.status()["connections"]["used"] > before or not daemon.keys():
        pass
    assert daemon.content("a") == b"x"
