"""A source that changes while it uploads is never stored as a mixture, and of two versions of a key the later remains."""

import hashlib
import os
import re

import pytest

import content
from content import MIB
from processes import eventually

SIZE = 60 * MIB


def write_in_the_middle(path):
    with open(path, "r+b") as file:
        file.seek(SIZE // 2)
        file.write(b"changed while it was being uploaded")


def append(path):
    with open(path, "ab") as file:
        file.write(b"more")


def truncate(path):
    os.truncate(path, SIZE // 2)


def empty(path):
    os.truncate(path, 0)


CHANGES = [write_in_the_middle, append, truncate, empty]


@pytest.fixture
def half_way(daemons, place, relay, tmp_path):
    """Hands a file over and stops the store's line in the middle of the upload."""

    def begin(compression="none", **options):
        between = relay(place.endpoint)
        between.allow(24 * MIB)
        daemon = daemons(place.url, place.environment(between.endpoint))
        path = content.write_noise(tmp_path / "file", SIZE)
        (report,) = daemon.put(path, to="file", compression=compression, **options)
        daemon.await_progress(report["id"], 1)
        return daemon, between, path, report["id"]

    return begin


@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changed_during_the_upload_fails(half_way, place, change, compression):
    daemon, between, path, identifier = half_way(compression)
    change(path)
    between.release()
    daemon.wait(identifier, status=1)
    job = daemon.job(identifier)
    assert (job["state"], job["error"]["code"]) == ("failed", "source_changed")
    assert place.keys() == []
    eventually(lambda: not place.uploads(), "what had been sent is aborted")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changed_during_the_upload_starts_again_where_that_is_asked_for(half_way, place, change, tmp_path):
    daemon, between, path, identifier = half_way(on_change="restart")
    change(path)
    between.release()
    daemon.wait(identifier)
    content.assert_object(place, "file", path, None, tmp_path)
    assert daemon.job(identifier)["size"] == path.stat().st_size
    eventually(lambda: not place.uploads(), "what had been sent is aborted")


def test_replaced_during_the_upload_is_stored_as_it_was(half_way, place, tmp_path):
    """Renaming another file over it changes the name, not the file that was handed over."""
    daemon, between, path, identifier = half_way()
    before = hashlib.sha256(path.read_bytes()).digest()
    replacement = content.write_noise(tmp_path / "replacement", SIZE, seed=2)
    replacement.rename(path)
    between.release()
    daemon.wait(identifier)
    assert hashlib.sha256(place.read("file")).digest() == before


def test_changed_between_kill_and_restart_fails(half_way, place):
    daemon, between, path, identifier = half_way()
    daemon.kill()
    write_in_the_middle(path)
    between.release()
    daemon.start()
    daemon.wait(identifier, status=1)
    assert daemon.job(identifier)["error"]["code"] == "source_changed"
    assert place.keys() == []
    eventually(lambda: not place.uploads(), "what had been sent is aborted")


def test_ack_stored_says_that_it_changed(daemons, place, relay, tmp_path):
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint))
    path = content.write_noise(tmp_path / "file", SIZE)
    (report,) = daemon.put(path, to="file")
    append(path)
    between.up()
    done = daemon.ctl("wait", report["id"], status=1)
    assert re.search("chang", done.stdout + done.stderr)
    # The same job can be tried again in vain: the file is not what was handed over. A new hand-over takes it as it is now.
    daemon.ctl("retry", report["id"])
    daemon.wait(report["id"], status=1)
    daemon.put(path, to="file", ack="stored", compression="none")
    assert place.read("file") == path.read_bytes()


def test_later_of_two_versions_remains(daemons, place, relay, tmp_path):
    """The second is small and would be there first."""
    between = relay(place.endpoint)
    between.allow(20 * MIB)
    daemon = daemons(place.url, place.environment(between.endpoint))
    first = content.write_noise(tmp_path / "first", SIZE)
    (large,) = daemon.put(first, to="latest.pt", compression="none")
    daemon.await_progress(large["id"], 8 * MIB)
    (tmp_path / "second").write_bytes(b"second")
    (small,) = daemon.put(tmp_path / "second", to="latest.pt")
    between.release()
    daemon.wait()
    assert place.read("latest.pt") == b"second"
    states = {job["id"]: job["state"] for job in daemon.jobs()}
    assert (states[large["id"]], states[small["id"]]) == ("stored", "stored")


def test_later_of_many_versions_remains_across_kill_9(daemons, place, relay, tmp_path):
    between = relay(place.endpoint)
    between.allow(20 * MIB)
    daemon = daemons(place.url, place.environment(between.endpoint))
    large = content.write_noise(tmp_path / "large", SIZE)
    (first,) = daemon.put(large, to="latest.pt", compression="none")
    daemon.await_progress(first["id"], 8 * MIB)
    for number in range(20):
        (tmp_path / "version").write_bytes(f"version {number}".encode())
        daemon.put(tmp_path / "version", to="latest.pt")
    daemon.kill()
    between.release()
    daemon.start()
    daemon.wait()
    assert place.read("latest.pt") == b"version 19"
    assert daemon.status()["queue"]["jobs"]["stored"] == 21


def test_failed_version_does_not_hold_up_the_next(half_way, place, tmp_path):
    daemon, between, path, identifier = half_way()
    append(path)
    (tmp_path / "next").write_bytes(b"next")
    daemon.put(tmp_path / "next", to="file")
    between.release()
    daemon.wait(identifier, status=1)
    daemon.wait(status=1)
    assert place.read("file") == b"next"
    # And it cannot come back over its successor.
    assert "conflict" in daemon.ctl("retry", identifier, "--json", status=1).stdout
