"""What a stop of the daemon keeps, under systemd, whose descriptor store does not outlive a stop before version 254."""

import os
import pathlib
import socket
import tempfile
import threading

import pytest

import content
import daemon as daemons_module
import processes
from content import MIB

NOBODY = 61234


@pytest.fixture
def outside():
    """A directory on another file system than the state, which every user can enter."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="artifactd-test-") as directory:
        os.chmod(directory, 0o755)
        yield pathlib.Path(directory)


class Manager:
    """What a service sees of systemd: takes notifications, and descriptors, which it drops at once as it does at a stop."""

    def __init__(self, path):
        self.path = path
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.socket, 4096, 4)
            for descriptor in descriptors:
                os.close(descriptor)
            if data == b"end":
                return
            self.messages.append(data.decode())

    def environment(self):
        return {"NOTIFY_SOCKET": str(self.path), "FDSTORE": "16"}

    def end(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", str(self.path))
        self.thread.join()
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.end()


def test_stored_descriptors_are_copied_at_a_stop(daemons, place, relay, manager, outside):
    """Deleted and kept by systemd's store alone, which is gone after the stop: copied before, and stored after."""
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, {**place.environment(between.endpoint), **manager.environment()})
    size = 65 * MIB
    content.write_noise(outside / "deleted", size)
    (outside / "there").write_bytes(content.noise(300_000, seed=2))
    deleted, there = daemon.put(outside / "deleted", outside / "there", to="c/", compression="none")
    assert deleted["pin"] == there["pin"] == "fdstore"
    expected = (outside / "deleted").read_bytes()
    (outside / "deleted").unlink()
    daemon.stop()
    # The pieces of the copy tell the manager to wait; the one that can be opened again is not copied.
    assert sum("EXTEND_TIMEOUT_USEC" in message for message in manager.messages) == 3
    assert f"FDSTOREREMOVE=1\nFDNAME=job-{deleted['id']}" in manager.messages
    assert [file.stat().st_size for file in (daemon.state / "spool").iterdir()] == [size]
    between.up()
    daemon.start()
    assert daemon.job(deleted["id"])["pin"] == "spool"
    daemon.wait()
    assert place.read("c/deleted") == expected
    assert place.read("c/there") == content.noise(300_000, seed=2)
    assert daemon.status()["spool"]["used"] == 0


@pytest.fixture
def unprivileged(place, relay, manager, outside):
    """A daemon of a user that may not open what root keeps to itself, and the relay to its store."""
    directory = outside / "d"
    between = relay(place.endpoint)
    between.down()
    daemon = daemons_module.Daemon(directory, place.url, {**place.environment(between.endpoint)})
    program = outside / "artifactd"
    program.write_bytes((processes.BINARIES / "artifactd").read_bytes())
    program.chmod(0o755)
    command = daemon.command()
    daemon.command = lambda: [
        *["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", program], *command[1:]
    ]
    for path in (directory, daemon.home):
        os.chown(path, NOBODY, NOBODY)
    yield daemon.start(), between
    daemon.close()


def test_a_file_the_daemon_may_not_open_is_copied_at_a_stop(unprivileged, place, outside):
    daemon, between = unprivileged
    (outside / "private").write_bytes(content.noise(300_000))
    (outside / "private").chmod(0o600)
    (report,) = daemon.put(outside / "private", to="private")
    assert report["pin"] == "descriptor"
    daemon.stop()
    between.up()
    daemon.start()
    daemon.wait()
    assert place.read("private") == content.noise(300_000)


def test_lost_for_lack_of_permission_says_so_and_can_be_mended(unprivileged, place, outside):
    """The file is there, and the daemon's user may not open it: that is said, and a retry stores it once it is allowed."""
    daemon, between = unprivileged
    (outside / "private").write_bytes(content.noise(300_000))
    (outside / "private").chmod(0o600)
    (report,) = daemon.put(outside / "private", to="private")
    daemon.kill()
    between.up()
    daemon.start()
    daemon.wait(report["id"], status=1)
    error = daemon.job(report["id"])["error"]
    assert error["code"] == "source_lost"
    assert f"uid {NOBODY}" in error["message"] and "may not open it" in error["message"], error
    assert "Permission denied" in error["cause"]
    (outside / "private").chmod(0o644)
    daemon.ctl("retry", report["id"])
    daemon.wait(report["id"])
    assert place.read("private") == content.noise(300_000)
