"""What is handed over lies in the store."""

import io
import os
import tempfile
import threading

import pytest

import artifactd

BIG = bytes(range(256)) * 1024


# A file goes up by its path; the ticket tells the job's id and the object's URI.
def test_file_by_path(client, daemon, tmp_path):
    path = tmp_path / "größe 1%2e.txt"
    path.write_bytes(BIG)
    ticket = client.put(path, "runs/7/größe 1%2e.txt").wait("stored", timeout=10)
    assert daemon.content("runs/7/größe 1%2e.txt") == BIG
    assert ticket.done and ticket.error is None and ticket.state == "stored"
    assert ticket.destination == f"file://{daemon.store}/runs/7/größe 1%2e.txt"
    job = client.job(ticket.job_id)
    assert (job.label, job.size, job.kind) == (str(path), len(BIG), "report")


# A relative path is labelled by the absolute one, which leads back to the file.
def test_relative_path(client, daemon, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(b"x")
    ticket = client.put("a", "a").wait("stored", timeout=10)
    assert client.job(ticket.job_id).label == str(tmp_path / "a")


# Bytes go up, whichever way they travel: within the frame, as sealed memory, or none at all.
@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 65536, b"x" * 65537, BIG], ids=len)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes(client, daemon, content, kind):
    ticket = client.put(kind(content), "a").wait("stored", timeout=10)
    assert daemon.content("a") == content
    assert ticket.accepted.level == "durable"


# A buffer may be used again as soon as put has returned.
@pytest.mark.parametrize("size", [100, 100_000])
def test_buffer_is_free_at_once(client, daemon, size):
    buffer = bytearray(b"a" * size)
    ticket = client.put(buffer, "a")
    buffer[:] = b"b" * size
    ticket.wait("stored", timeout=10)
    assert daemon.content("a") == b"a" * size


# Of an open file the whole content counts, what stands in its buffer included, whatever its mode and position.
@pytest.mark.parametrize("mode", ["rb", "r+b", "ab", "wb", "w+b"])
def test_open_file(client, daemon, tmp_path, mode):
    path = tmp_path / "f"
    path.write_bytes(b"content")
    with open(path, mode) as file:
        if "w" in mode:
            file.write(b"content")
        file.seek(3)
        ticket = client.put(file, "a")
    ticket.wait("stored", timeout=10)
    assert daemon.content("a") == b"content"
    assert client.job(ticket.job_id).label == str(path)


# A descriptor is a source; it stays the caller's.
def test_descriptor(client, daemon, tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    client.put(descriptor, "a").wait("stored", timeout=10)
    assert os.read(descriptor, 100) == b"content"
    os.close(descriptor)
    assert daemon.content("a") == b"content"


# A file that was deleted before it is handed over has no way back: it is made DURABLE.
def test_deleted_file(client, daemon):
    with tempfile.TemporaryFile() as file:
        file.write(BIG)
        ticket = client.put(file, "a").wait("accepted", timeout=10)
    assert ticket.accepted.level == "durable"
    ticket.wait("stored", timeout=10)
    assert daemon.content("a") == BIG


# A file may be deleted as soon as it was accepted.
def test_file_deleted_after_acceptance(client, daemon, tmp_path):
    (tmp_path / "f").write_bytes(BIG)
    ticket = client.put(tmp_path / "f", "a").wait("accepted", timeout=10)
    (tmp_path / "f").unlink()
    ticket.wait("stored", timeout=10)
    assert daemon.content("a") == BIG


# Content type and compression arrive as they were chosen.
def test_options(client, daemon):
    ticket = client.put(b"x" * 100_000, "a", compression="gzip", content_type="x/y", label="shown", level="durable")
    job = client.job(ticket.wait("stored", timeout=10).job_id)
    assert (job.compression, job.encoding, job.content_type, job.label) == ("gzip", "gzip", "x/y", "shown")


# Of two hand-overs to one key the later one remains.
def test_order_of_one_key(client, daemon):
    tickets = [client.put(str(number).encode(), "latest") for number in range(50)]
    client.wait(tickets, timeout=10)
    assert daemon.content("latest") == b"49"


# The same idempotency key is the same job.
def test_idempotency_key(client):
    first = client.put(b"x", "a", idempotency_key=b"k").wait(timeout=10)
    second = client.put(b"x", "a", idempotency_key=b"k").wait(timeout=10)
    assert second.job_id == first.job_id and second.accepted.duplicate
    with pytest.raises(artifactd.Conflict):
        client.put(b"x", "b", idempotency_key=b"k").wait(timeout=10)


# Threads share a client.
def test_threads(client, daemon):
    tickets = []

    def work(number):
        tickets.extend(client.put(f"{number} {each}".encode(), f"{number}/{each}") for each in range(50))

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.wait(tickets, timeout=30)
    assert len(daemon.keys()) == 400
    assert daemon.content("7/49") == b"7 49"


# More hand-overs than may be without an answer make put wait, and not fail.
def test_more_than_the_window(client, daemon, tmp_path):
    (tmp_path / "f").write_bytes(BIG[:70000])
    descriptors = len(os.listdir("/proc/self/fd"))
    tickets = [client.put(tmp_path / "f", f"{number}") for number in range(600)]
    client.wait(tickets, timeout=30)
    assert len(daemon.keys()) == 600
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 1


# What cannot be handed over is refused at once, and says what to do.
@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda directory: directory / "absent", artifactd.InvalidSource, "not there"),
        (lambda directory: directory, artifactd.InvalidSource, "hand its files over"),
        (lambda directory: os.mkfifo(directory / "fifo") or directory / "fifo", artifactd.InvalidSource, "FIFO"),
        (lambda _: "/dev/null", artifactd.InvalidSource, "device"),
        (lambda _: "a\0b", artifactd.InvalidSource, "not there"),
        (lambda _: 9999, artifactd.InvalidSource, "descriptor 9999"),
        (lambda _: object(), artifactd.InvalidSource, "give a path, bytes"),
        (lambda _: None, artifactd.InvalidSource, "give a path, bytes"),
    ],
    ids=["absent", "directory", "fifo", "device", "nul", "descriptor", "object", "none"],
)
def test_invalid_sources(client, tmp_path, make, kind, text):
    with pytest.raises(kind, match=text) as refusal:
        client.put(make(tmp_path), "a")
    assert refusal.value.code == "invalid_source"


# Files that the kernel makes up are refused by the daemon.
def test_file_of_procfs(client):
    with pytest.raises(artifactd.InvalidSource):
        client.put("/proc/self/status", "a").wait(timeout=10)


# Arguments out of range are refused before anything is sent.
@pytest.mark.parametrize("options", [{"level": "stored"}, {"compression": "lzma"}, {"on_change": "ignore"}])
def test_invalid_options(client, options):
    with pytest.raises(artifactd.InvalidRequest, match="choose one of"):
        client.put(b"x", "a", **options)


# What the daemon refuses is the ticket's to tell, and concerns no other hand-over.
@pytest.mark.parametrize(
    ("destination", "kind"),
    [("a//b", artifactd.InvalidKey), ("../a", artifactd.InvalidKey), ("s3://elsewhere/a", artifactd.DestinationNotAllowed)],
)
def test_invalid_destinations(client, destination, kind):
    before, bad, after = client.put(b"x", "before"), client.put(b"x", destination), client.put(b"x", "after")
    with pytest.raises(kind):
        bad.wait(timeout=10)
    assert bad.done and isinstance(bad.error, kind) and bad.job_id is None
    before.wait("stored", timeout=10)
    after.wait("stored", timeout=10)


# A job that fails after it was accepted raises its own reason, alone and among others; cancelled, it says so.
def test_job_that_fails(put_what_fails):
    client, good, bad = put_what_fails()
    with pytest.raises(artifactd.ArtifactError, match=bad.job_id) as alone:
        bad.wait("stored", timeout=10)
    assert bad.done and bad.state == "failed" and bad.error.code == alone.value.code
    with pytest.raises(artifactd.JobsFailed, match="1 of the jobs") as among:
        client.wait([good, bad], timeout=10)
    assert among.value.errors[bad.job_id].code == alone.value.code and among.value.count == 1
    with pytest.raises(artifactd.JobsFailed):
        client.wait(timeout=10)
    assert client.cancel(bad.job_id) == "cancelled"
    with pytest.raises(artifactd.ArtifactError):
        bad.wait("stored", timeout=10)
    client.wait(timeout=10)
