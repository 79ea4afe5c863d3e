"""artifactctl itself: exit statuses, patience, and an output that cannot be written."""

import contextlib
import fcntl
import json
import os
import shutil
import struct
import subprocess
import termios
import time

import pytest

import content
import processes
from content import MIB
from protocol_client import Client, Refused


@pytest.fixture
def daemon(daemons):
    return daemons()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    return path


def environment(daemon):
    paths = {"PATH": os.environ["PATH"], "HOME": str(daemon.home), "LANG": "C.UTF-8", "ARTIFACTD_SOCKET": str(daemon.socket)}
    return {**paths, **processes.SANITIZER}


def begin(daemon, *arguments):
    """Starts artifactctl and does not wait."""
    command = [processes.BINARIES / "artifactctl", *arguments]
    return processes.start(command, env=environment(daemon), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def elapsed(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


# Status 75, and what --busy-timeout waits for


def test_put_waits_for_a_connection(daemons, file):
    daemon = daemons(settings={"connections": 4})

    def connected():
        # Places that were left a moment ago may be taken still.
        with contextlib.suppress(Refused):
            return Client(daemon.socket)

    idle = [processes.eventually(connected, "a connection is taken") for _ in range(4)]
    try:
        for command in [["status"], ["put", file, "--to", "q"]]:
            assert "connections" in daemon.ctl(*command, status=75).stderr
        assert elapsed(lambda: daemon.ctl("put", file, "--to", "q", "--busy-timeout", "0.7", status=75)) >= 0.7
        waiting = begin(daemon, "put", file, "--to", "q", "--busy-timeout", "60")
    finally:
        for client in idle:
            client.close()
    assert waiting.wait(60) == 0, waiting.communicate()
    processes.eventually(lambda: daemon.ctl("status", status=None).returncode == 0, "connections are free again")


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


# The command line


def test_socket_or_tenant_that_cannot_be(daemon):
    for options in [["--socket", ""], ["--socket", "/" + "s" * 107], ["--tenant", ""], ["--tenant", "a b"]]:
        said = daemon.ctl("status", *options, status=2).stderr
        assert said.startswith(f"Error: {options[0]} ") and "Usage" in said


# An output that cannot be written


def run(daemon, stdout, *arguments, **options):
    """The status, and what stands on standard error."""
    command = [processes.BINARIES / "artifactctl", *arguments]
    options = {"env": environment(daemon), "stdout": stdout, "stderr": subprocess.PIPE, "text": True, "timeout": 60, **options}
    done = subprocess.run(command, **options)
    return done.returncode, done.stderr


def test_full_standard_output(daemon, file):
    daemon.put(file, to="object", ack="stored")
    lost = "artifactctl: standard output cannot be written (write: No space left on device (ENOSPC))\n"
    with open("/dev/full", "wb") as full:
        for command in [["status"], ["jobs"], ["ls", ""], ["get", "object"], ["version"], ["status", "--json"], ["--help"], ["jobs", "--help"]]:
            assert run(daemon, full, *command) == (1, lost)
        assert "there is no job" in run(daemon, full, "job", "01890000-0000-7000-8000-000000000000", "--json")[1]


def test_closed_standard_output(daemon, file):
    """The daemon's socket does not come into its place."""
    for command in [["put", file, "--to", "x"], ["status"], ["jobs", "--json"]]:
        status, said = run(daemon, None, *command, preexec_fn=lambda: os.close(1))
        assert status == 1 and "standard output cannot be written (write: Bad file descriptor (EBADF))" in said
    assert len(daemon.jobs()) == 1


@pytest.mark.parametrize("options", [[], ["--json"], ["--ack", "stored"]], ids=["text", "json", "stored"])
@pytest.mark.parametrize("kind", ["full", "gone"])
def test_files_are_handed_over_though_reports_are_lost(daemon, tmp_path, kind, options):
    root = tmp_path / "many"
    root.mkdir()
    for number in range(600):
        (root / str(number)).write_bytes(b"x")
    if kind == "full":
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, output = os.pipe()
        os.close(reader)
    status, said = run(daemon, output, "put", "-r", root, "--to", "many/", *options)
    os.close(output)
    (line,) = said.splitlines()
    assert status == 1 and line.startswith("artifactctl: standard output cannot be written (write: ")
    assert line.endswith(": reports are lost, 600 files handed over all the same")
    daemon.wait()
    assert daemon.status()["queue"]["jobs"]["stored"] == 600


# What people look at


def test_watch_fits_a_small_terminal(daemons, place, relay, tmp_path):
    """The last drawing: every line within the terminal, with the time left and the object's end, and the head on top."""
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    between.allow(4 * MIB)
    daemon.put(content.write_noise(tmp_path / "file", 32 * MIB), to="a/long/prefix/that/takes/room/model.pt", compression="none")
    processes.eventually(lambda: daemon.status()["in_flight"], "a job is in flight")
    terminal, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    watching = processes.start(
        [processes.BINARIES / "artifactctl", "status", "--watch", "--interval", "0.1"],
        env=environment(daemon), stdout=inside, stderr=inside,
    )
    os.close(inside)
    drawn = b""
    try:
        while drawn.count(b"\x1b[H") < 4:
            drawn += os.read(terminal, 1 << 16)
    finally:
        watching.kill()
        watching.wait()
        os.close(terminal)
        between.release()
    lines = drawn.split(b"\x1b[H")[-2].decode().replace("\x1b[K", "").replace("\x1b[J", "").rstrip("\r\n").split("\r\n")
    assert len(lines) < 24 and max(map(len, lines)) < 80, lines
    assert lines[0].startswith("daemon ") and any(line.endswith("/model.pt") and "%" in line for line in lines), lines


def test_the_newest_jobs(daemon, tmp_path):
    for number in range(30):
        (tmp_path / f"f{number:02}").write_bytes(b"x")
    daemon.put(*sorted(tmp_path.glob("f*")), to="all/", ack="stored")
    documents = [json.loads(line) for line in daemon.ctl("jobs", "--newest", "--limit", "3", "--json").stdout.splitlines()]
    assert [each["sequence"] for each in documents] == [each["sequence"] for each in daemon.jobs()][-3:]
    assert "--limit" in daemon.ctl("jobs", "--newest", status=2).stderr
