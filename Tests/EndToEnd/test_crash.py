"""kill -9 at every bad moment: what was accepted is stored, once, whole, and nothing is left behind."""

import itertools
import random
import re

import pytest

import content
from content import MIB
from processes import eventually

PART = 8 * MIB


def parts_on(daemon):
    """How many parts the daemon says that it went on from, at each resumption."""
    return [int(count) for count in re.findall(r'msg="an upload is resumed".* parts=(\d+)', daemon.log())]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_killed_upload_goes_on_from_its_parts(daemons, null_s3, relay, tmp_path, compression):
    """By the store's own log no part that was finished is sent a second time."""
    server = null_s3("--memory")
    place = server.place()
    between = relay(server.endpoint)
    path = content.write_mixed(tmp_path / "file", 120 * MIB)
    between.allow(50 * MIB)
    daemon = daemons(place.url, place.environment(between.endpoint))
    (report,) = daemon.put(path, to="file", compression=compression)
    daemon.await_progress(report["id"], 24 * MIB)
    daemon.kill()
    before = server.parts_sent()
    assert before
    between.release()
    daemon.start()
    daemon.wait(report["id"])

    content.assert_object(place, "file", path, None if compression == "none" else compression, tmp_path)
    assert place.uploads() == []
    (resumed,) = parts_on(daemon)
    # What arrived in the moment of the kill may be in the store and not in the journal: that much is sent again, no more.
    assert 0 < resumed <= len(before)
    twice = [number for number in before if server.parts_sent().count(number) > 1]
    assert len(twice) <= len(before) - resumed
    creates = [path for method, path, query, *_ in server.requests() if (method, query) == ("POST", "uploads")]
    assert [path for path in creates if path.endswith("/file")] == [f"/bucket/{place.prefix}/file"]
    assert daemon.job(report["id"])["attempts"] == 2


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_killed_upload_goes_on_from_its_parts_on_seaweedfs(daemons, place, relay, tmp_path, compression):
    """By the bytes that pass to the server after the restart, and by the parts that it lists."""
    between = relay(place.endpoint)
    path = content.write_mixed(tmp_path / "file", 160 * MIB)
    daemon = daemons(place.url, place.environment(between.endpoint))
    between.allow(70 * MIB)
    (report,) = daemon.put(path, to="file", compression=compression)
    daemon.await_progress(report["id"], 32 * MIB)
    daemon.kill()
    (upload,) = place.uploads()
    listed = {part["PartNumber"]: part["ETag"] for part in place.parts(upload)}
    assert listed
    sent = between.sent
    between.release()
    daemon.start()
    daemon.wait(report["id"])

    content.assert_object(place, "file", path, None if compression == "none" else compression, tmp_path)
    assert place.uploads() == []
    (resumed,) = parts_on(daemon)
    assert 0 < resumed <= len(listed)
    smallest_part = PART if compression == "none" else 5 * MIB
    assert between.sent - sent < place.head("file")["ContentLength"] - resumed * smallest_part + 4 * MIB


def test_stopped_in_order_goes_on_as_well(daemons, null_s3, relay, tmp_path):
    """Also when the store has stalled: the stop does not wait for it for ever."""
    server = null_s3("--memory")
    place = server.place()
    between = relay(server.endpoint)
    path = content.write_noise(tmp_path / "file", 100 * MIB)
    between.allow(40 * MIB)
    daemon = daemons(place.url, place.environment(between.endpoint))
    (report,) = daemon.put(path, to="file", compression="none")
    daemon.await_progress(report["id"], 16 * MIB)
    daemon.stop()
    between.release()
    daemon.start()
    daemon.wait()
    content.assert_object(place, "file", path, None, tmp_path)
    assert (place.uploads(), len(parts_on(daemon))) == ([], 1)


def test_upload_whose_id_was_never_learnt_is_aborted(daemons, null_s3, relay, tmp_path):
    """The store has made it, and the daemon dies before the answer comes."""
    server = null_s3("--memory")
    place = server.place()
    between = relay(server.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    path = content.write_noise(tmp_path / "file", 20 * MIB)
    # The first upload finds out what the store verifies; that shall not be in the way.
    daemon.put(path, to="warm", compression="none", ack="stored")
    between.mute()
    (report,) = daemon.put(path, to="file", compression="none")
    eventually(place.uploads, "the store has made the upload")
    daemon.kill()
    between.unmute()
    daemon.start()
    daemon.wait(report["id"])
    assert place.uploads() == []
    content.assert_object(place, "file", path, None, tmp_path)
    assert "an orphaned multipart upload is aborted" in daemon.log()


def test_answer_to_create_lost_leaves_no_orphan(daemons, null_s3, tmp_path):
    """The second and the third: the first is of the probe for what the store verifies."""
    server = null_s3("--memory", "--fault", "create:2-3:swallow")
    place = server.place()
    path = content.write_noise(tmp_path / "file", 20 * MIB)
    daemons(place.url, place.environment()).put(path, to="file", compression="none", ack="stored")
    content.assert_object(place, "file", path, None, tmp_path)
    assert [fault for *_, fault in server.requests()].count("create:2-3:swallow") == 2
    assert place.uploads() == []


@pytest.mark.parametrize("fault", ["swallow", "cut", "200cut", "200error", "500", "503slow", "reset", "garbage"])
def test_answer_to_complete_lost(daemons, null_s3, tmp_path, fault):
    """Whether the object came about is found out, not guessed: one object, and no second upload."""
    server = null_s3("--memory", "--fault", f"complete:1:{fault}")
    place = server.place()
    path = content.write_noise(tmp_path / "file", 20 * MIB)
    daemon = daemons(place.url, place.environment())
    (report,) = daemon.put(path, to="file", compression="none", ack="stored")
    assert report["state"] == "stored"
    content.assert_object(place, "file", path, None, tmp_path)
    assert (place.keys(), place.uploads()) == (["file"], [])
    assert sorted(server.parts_sent()) == [1, 2, 3]


def completions(server):
    return [path for method, path, query, *_ in server.requests() if method == "POST" and "uploadId=" in query]


def test_killed_between_complete_and_journal(daemons, null_s3, tmp_path):
    """The object is in the store and the journal does not know: after the restart it is found there and not sent again."""
    server = null_s3("--memory", "--fault", "head:1:hang=3000")
    place = server.place()
    path = content.write_noise(tmp_path / "file", 20 * MIB)
    daemon = daemons(place.url, place.environment())
    (report,) = daemon.put(path, to="file", compression="none")
    eventually(lambda: completions(server), "the upload is completed")
    # The daemon makes sure of the object's size and dies before it is told.
    daemon.kill()
    daemon.start()
    daemon.wait(report["id"], timeout=20)
    content.assert_object(place, "file", path, None, tmp_path)
    assert (place.keys(), place.uploads()) == (["file"], [])
    assert (sorted(server.parts_sent()), len(completions(server))) == ([1, 2, 3], 1)
    assert "the object was in the store already" in daemon.log()


def test_kill_9_at_random_times_under_load(daemons, place, tmp_path):
    """Five times; every job that was accepted is stored with its own content, and none twice."""
    source = random.Random(4)
    daemon = daemons(place.url, place.environment())
    expected = {}
    identifiers = []
    numbers = itertools.count()
    for round_number in range(5):
        root = tmp_path / f"round{round_number}"
        root.mkdir()
        for _ in range(60):
            number = next(numbers)
            size = source.choice([10, 1000, 60_000, 70_000, 300_000])
            (root / f"{number:04}").write_bytes(content.noise(size, seed=number))
        content.write_mixed(root / "large", source.randrange(9, 40) * MIB, seed=round_number)
        reports = daemon.put(*root.iterdir(), to=f"{round_number}/", compression=source.choice(["none", "gzip", "zstd"]))
        identifiers += [report["id"] for report in reports]
        expected |= {f"{round_number}/{path.name}": path for path in root.iterdir()}
        # A moment that differs from round to round, told by how much is done and not by a clock.
        target = len(identifiers) - source.randrange(1, 50)
        eventually(lambda: daemon.status()["queue"]["jobs"]["stored"] >= target, "enough is stored")
        daemon.kill()
        daemon.start()
    daemon.wait()
    jobs = {job["id"]: job["state"] for job in daemon.jobs()}
    assert [jobs[identifier] for identifier in identifiers] == ["stored"] * len(identifiers)
    assert sorted(place.keys()) == sorted(expected)
    for key, path in expected.items():
        assert place.read(key) == path.read_bytes(), key
    assert place.uploads() == []
    assert list((daemon.state / "spool").iterdir()) == []
