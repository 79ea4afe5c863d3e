"""artifactctl itself: exit statuses, patience, and an output that cannot be written."""

import os
import shutil
import subprocess
import time

import pytest

import content
import processes
from content import MIB
from protocol_client import Client


@pytest.fixture
def daemon(daemons):
    return daemons()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    return path


def begin(daemon, *arguments):
    """Starts artifactctl and does not wait."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(daemon.home), "LANG": "C.UTF-8", "ARTIFACTD_SOCKET": str(daemon.socket)}
    return processes.start(
        [processes.BINARIES / "artifactctl", *arguments],
        env={**environment, **processes.SANITIZER}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def elapsed(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


# Status 75, and what --busy-timeout waits for


def test_put_waits_for_a_connection(daemons, file):
    daemon = daemons(settings={"connections": 4})
    idle = [Client(daemon.socket) for _ in range(4)]
    try:
        for command in [["status"], ["put", file, "--to", "q"]]:
            assert "connections" in daemon.ctl(*command, status=75).stderr
        assert elapsed(lambda: daemon.ctl("put", file, "--to", "q", "--busy-timeout", "0.7", status=75)) >= 0.7
        waiting = begin(daemon, "put", file, "--to", "q", "--busy-timeout", "60")
    finally:
        for client in idle:
            client.close()
    assert waiting.wait(60) == 0, waiting.communicate()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small disk")
def test_put_waits_for_room_on_the_disk(daemons, tmp_path):
    daemon = daemons(f"file://{tmp_path}/store", start=False)
    daemon.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", daemon.state], check=True)
    try:
        daemon.start()
        path = content.write_noise(tmp_path / "file", 20 * MIB)
        put = ["put", path, "--to", "file", "--ack", "durable"]
        filler = daemon.state / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(daemon.state).free - 10 * MIB))
        (report,) = daemon.put(path, to="file", ack="durable", status=75)
        assert report["error"]["code"] == "local_storage_failed"
        assert elapsed(lambda: daemon.ctl(*put, "--busy-timeout", "0.7", status=75)) >= 0.7
        waiting = begin(daemon, *put, "--busy-timeout", "30")
        filler.unlink()
        assert waiting.wait(60) == 0, waiting.communicate()
        daemon.stop()
    finally:
        if daemon.is_running():
            daemon.kill()
        subprocess.run(["umount", daemon.state], check=True)


def test_a_store_that_is_away_is_a_reason_to_try_again(daemons, place, relay, file, tmp_path):
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    daemon.put(file, to="object", ack="stored")
    between.down()
    for command in [["ls", ""], ["get", "object", "-o", tmp_path / "got"], ["rm", "object"]]:
        assert str(between.port) in daemon.ctl(*command, status=75).stderr
    between.up()
    assert "there is no" in daemon.ctl("get", "nothing", "-o", tmp_path / "got", status=1).stderr


def test_what_is_refused_for_good_does_not_hide_behind_a_full_queue(daemons, place, relay, file, tmp_path):
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint), settings={"queue_jobs": 1})
    daemon.put(file, to="first")
    said = daemon.ctl("put", file, tmp_path / "nothing", "--to", "more/", status=1).stderr
    assert "is not there" in said and "1 file not handed over, try again later: the queue is full" in said
