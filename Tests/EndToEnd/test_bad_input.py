"""Bad input of every kind: a message that names the thing and the way out, the right exit status, and others are served."""

import gzip
import http.server
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading

import pytest

import content
import processes
import protocol_client
from content import MIB
from processes import eventually
from protocol_client import Client


@pytest.fixture
def daemon(daemons):
    return daemons()


@pytest.fixture
def serves(tmp_path):
    """That a daemon still takes a good file and stores it."""
    good = tmp_path / "good"
    good.write_bytes(b"good")

    def check(daemon):
        (report,) = daemon.put(good, to="good", ack="stored")
        assert report["state"] == "stored"

    return check


def refusal(daemon, *arguments, status=1, **options):
    """What artifactctl says about it."""
    return daemon.ctl("put", *arguments, status=status, **options).stderr


# Sources


def test_missing_file_does_not_keep_the_others(daemon, tmp_path):
    (tmp_path / "here").write_bytes(b"x")
    reports = daemon.put(tmp_path / "gone", tmp_path / "here", to="run/", status=1, ack="stored")
    assert "error" in reports[0] and reports[0]["path"] == str(tmp_path / "gone")
    assert reports[1]["state"] == "stored"
    assert f"'{tmp_path}/gone' is not there" in refusal(daemon, tmp_path / "gone", "--to", "run/")


def test_directory_needs_recursive(daemon, tmp_path, serves):
    said = refusal(daemon, tmp_path, "--to", "run/")
    assert str(tmp_path) in said and "--recursive" in said
    serves(daemon)


def test_what_is_no_regular_file(daemon, tmp_path, serves):
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path, kind in [(tmp_path / "fifo", "FIFO"), ("/dev/zero", "device"), (tmp_path / "socket", "socket")]:
            said = refusal(daemon, path, "--to", "odd", timeout=10)
            assert str(path) in said and kind.lower() in said.lower()
    said = refusal(daemon, "/proc/self/status", "--to", "odd")
    assert "/proc/self/status" in said and "procfs" in said
    serves(daemon)


def test_tree_with_bad_members_goes_up_without_them(daemon, tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    (root / "good").write_bytes(b"x")
    os.mkfifo(root / "fifo")
    with open(os.fsencode(root) + b"/not-utf-8-\xff", "wb"), open(root / "line\nbreak", "wb"):
        pass
    (root / "dangling").symlink_to("nowhere")
    done = daemon.ctl("put", "-r", root, "--to", "run/", "--ack", "stored", status=1)
    assert done.stdout.count("\n") == 1 and "run/good" in done.stdout
    for name in ["fifo", "not-utf-8-", "line", "dangling"]:
        assert name in done.stderr
    assert "\nbreak" not in done.stderr, "names are escaped"


def test_unreadable_file(tmp_path, serves):
    """As another user where the tests run as root, who can read everything."""
    import daemon as daemons

    with tempfile.TemporaryDirectory(prefix="artifactd-test-") as directory:
        os.chmod(directory, 0o755)
        path = pathlib.Path(directory) / "secret"
        path.write_bytes(b"x" * 100_000)
        path.chmod(0 if os.getuid() else 0o600)
        other = pathlib.Path(directory) / "readable"
        other.write_bytes(b"y" * 100_000)
        other.chmod(0o644)
        one = daemons.Daemon(pathlib.Path(directory) / "d").start()
        try:
            before = ["setpriv", "--reuid=65534", f"--regid={os.getgid()}", "--clear-groups"] if os.getuid() == 0 else []
            binaries = shutil.copytree(processes.BINARIES, pathlib.Path(directory) / "bin", ignore=only("artifactctl"))
            said = refusal(one, path, "--to", "secret", before=before, binaries=binaries)
            assert str(path) in said and "ermission denied" in said
            # A file of another's that he can read he can hand over: the descriptor proves it.
            one.ctl("put", other, "--to", "readable", "--ack", "stored", before=before, binaries=binaries)
            serves(one)
        finally:
            one.close()


def only(name):
    return lambda directory, names: [each for each in names if each != name]


# Destinations


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("s3://elsewhere/key", "lies outside the store"),
        ("file:///etc/passwd", "lies outside the store"),
        ("a/../b", "'..'"),
        ("../b", "'..'"),
        ("a/./b", "'.'"),
        ("a//b", "double slash"),
        ("/absolute", "empty component"),
        ("new\nline", "control character"),
        ("x" * 1025, "1024"),
    ],
)
def test_destination_that_cannot_be(daemon, tmp_path, serves, destination, expected):
    (tmp_path / "file").write_bytes(b"x")
    said = refusal(daemon, tmp_path / "file", "--to", destination)
    assert expected in said and said.startswith("artifactctl: ")
    serves(daemon)


def test_outside_the_prefix_in_the_same_bucket(on_seaweedfs, place, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    sibling = place.url + "-sibling/key"
    assert "lies outside the store" in refusal(on_seaweedfs, tmp_path / "file", "--to", sibling)
    assert "lies outside the store" in on_seaweedfs.ctl("ls", sibling, status=1).stderr
    assert "lies outside the store" in on_seaweedfs.ctl("rm", sibling, status=1).stderr


def test_several_files_need_a_prefix(daemon, tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
    assert "/" in refusal(daemon, tmp_path / "a", tmp_path / "b", "--to", "one-key", status=2)


# The store


class BucketIsMissing(http.server.BaseHTTPRequestHandler):
    """What AWS answers then. SeaweedFS makes the bucket instead, and null-s3 has all."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b"<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def bucketless():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), BucketIsMissing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_wrong_bucket(daemons, null_s3, relay, bucketless, tmp_path):
    """The jobs are kept with their reason, and go up once there is the bucket."""
    server = null_s3("--memory")
    place = server.place("forgotten")
    between = relay(bucketless)
    daemon = daemons(place.url, place.environment(between.endpoint))
    paths = [content.write_noise(tmp_path / f"{size}", size) for size in (1000, 20 * MIB)]
    for path in paths:
        (report,) = daemon.put(path, to=path.name, status=1, ack="stored", compression="none")
        assert report["error"]["code"] == "no_such_bucket" and "forgotten" in report["error"]["message"]
    assert daemon.status()["last_error"]["code"] == "no_such_bucket"
    assert daemon.status()["daemon"]["store_condition"].startswith("no_such_bucket since 20")
    between.down()
    between.target = server.port
    between.up()
    daemon.ctl("retry", "--failed")
    daemon.wait()
    for path in paths:
        content.assert_object(place, path.name, path, None, tmp_path)


def test_wrong_secret_and_retry_once_it_is_mended(daemons, place, tmp_path):
    environment = place.environment()
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    daemon = daemons(place.url, environment, start=False)
    credentials = daemon.home / ".aws" / "credentials"
    credentials.parent.mkdir()

    def write(secret):
        credentials.write_text(f"[default]\naws_access_key_id = {processes.ACCESS_KEY}\naws_secret_access_key = {secret}\n")

    write("a-wrong-secret-that-must-not-show")
    daemon.start()
    path = content.write_noise(tmp_path / "file", 20 * MIB)
    (report,) = daemon.put(path, to="file", status=1, ack="stored", compression="none")
    assert report["error"]["code"] == "store_denied"
    status = daemon.status()
    assert (status["last_error"]["code"], status["queue"]["jobs"]["failed"]) == ("store_denied", 1)
    assert status["daemon"]["store_condition"].startswith("store_denied since 20")
    write(processes.SECRET_KEY)
    daemon.ctl("retry", "--failed")
    daemon.wait()
    content.assert_object(place, "file", path, None, tmp_path)
    assert daemon.status()["daemon"]["store_condition"] == "ok"
    assert "a-wrong-secret" not in daemon.log() + daemon.ctl("jobs", "--json").stdout


def test_no_credentials_at_all(daemons, place, tmp_path):
    environment = place.environment()
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    daemon = daemons(place.url, environment)
    (tmp_path / "file").write_bytes(b"x")
    (report,) = daemon.put(tmp_path / "file", to="file", status=1, ack="stored")
    assert report["error"]["code"] == "store_denied" and "credentials" in report["error"]["message"]


def test_endpoint_down_is_waited_for(daemons, place, relay, tmp_path):
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint))
    path = content.write_noise(tmp_path / "file", 20 * MIB)
    (report,) = daemon.put(path, to="file", compression="none")
    assert report["state"] == "accepted"
    status = eventually(lambda: (s := daemon.status()).get("last_error") and s, "the status says why")
    assert status["last_error"]["code"] == "store_unavailable" and str(between.port) in status["last_error"]["message"]
    assert status["last_error"]["since"] > 0 and status["queue"]["jobs"]["failed"] == 0
    condition = eventually(lambda: (c := daemon.status()["daemon"]["store_condition"]) != "ok" and c, "the store is down")
    assert "since 20" in condition and str(between.port) in condition
    assert "store" in daemon.ctl("status").stdout
    daemon.ctl("wait", report["id"], "--timeout", "0.2", status=75)
    assert daemon.job(report["id"])["error"]["code"] == "store_unavailable"
    between.up()
    daemon.wait(report["id"])
    content.assert_object(place, "file", path, None, tmp_path)
    assert daemon.status()["daemon"]["store_condition"] == "ok"


def test_certificate_that_is_not_trusted(daemons, place, seaweedfs, tmp_path):
    daemon = daemons(place.url, place.environment(seaweedfs.secure_endpoint))
    path = content.write_noise(tmp_path / "file", 20 * MIB)
    (report,) = daemon.put(path, to="file", status=1, ack="stored", compression="none")
    assert report["error"]["code"] == "store_not_trusted" and "AWS_CA_BUNDLE" in report["error"]["message"]
    assert place.keys() == []
    daemon.stop()
    daemon.environment["AWS_CA_BUNDLE"] = str(seaweedfs.authority)
    daemon.start()
    daemon.ctl("retry", "--failed")
    daemon.wait()
    content.assert_object(place, "file", path, None, tmp_path)


@pytest.mark.parametrize(
    "faults",
    [
        ["part:p0.3:500"],
        ["part:p0.3:503slow"],
        ["part:p0.3:reset"],
        ["part:p0.3:cut"],
        ["part:p0.3:swallow"],
        ["part:p0.3:garbage"],
        ["put:1-2:500", "create:1-2:503slow"],
        ["any:p0.2:hang=200"],
        ["list:1:500", "head:1-2:500"],
        ["part:4:nosuchupload"],
        ["any:1-30:skew=3600"],
    ],
    ids=lambda faults: "+".join(faults),
)
def test_store_that_misbehaves_now_and_then(daemons, null_s3, tmp_path, faults):
    arguments = [word for fault in faults for word in ("--fault", fault)]
    server = null_s3("--memory", *arguments)
    place = server.place()
    daemon = daemons(place.url, place.environment())
    large = content.write_noise(tmp_path / "large", 60 * MIB)
    for number in range(20):
        (tmp_path / f"small{number}").write_bytes(content.noise(5000, seed=number))
    small = sorted(tmp_path.glob("small*"))
    daemon.put(large, *small, to="run/", compression="none")
    daemon.wait()
    # Looking at it runs into what is left of the faults: boto3 tries again by itself.
    assert sorted(place.keys()) == sorted(f"run/{path.name}" for path in [large, *small])
    for path in [large, *small]:
        content.assert_object(place, f"run/{path.name}", path, None, tmp_path)
    eventually(lambda: not place.uploads(), "no upload is left over")


def test_redirect_to_another_host_is_refused(daemons, null_s3, tmp_path):
    """No credentials go there."""
    server = null_s3("--memory", "--fault", "put:1-1000:redirect")
    place = server.place()
    daemon = daemons(place.url, place.environment())
    (tmp_path / "file").write_bytes(b"x")
    (report,) = daemon.put(tmp_path / "file", to="file", status=1, ack="stored")
    assert report["error"]["code"] in ("store_rejected", "store_denied")
    assert len([line for line in server.requests() if line[0] == "PUT" and line[1].endswith("/file")]) == 1


# The configuration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("workers: 4\n  bad: indentation\n", [":2", "line 2"]),
        ("workers: 4\nworkrs: 5\n", [":2", "workrs", "workers"]),
        ("\n\nworkers: many\n", [":3", "workers", "many"]),
        ("s3:\n  integrity: crc99\n", [":2", "s3.integrity", "crc99"]),
        ("s3:\n  secret: x\n", [":2", "s3.secret"]),
        ("buffers: 1MiB\n", [":1", "buffers", "32MiB"]),
        ("part_size: 1MiB\n", [":1", "part_size", "5MiB"]),
        ("store: ftp://host/x\n", [":1", "ftp://host/x"]),
        ("destinations: s3://a\n", ["destinations"]),
        ("peers:\n- {user: nobody-of-that-name, tenants: [a]}\n", [":2", "nobody-of-that-name"]),
        ("- a\n- b\n", ["mapping"]),
        ("workers: 4\nworkers: 5\n", [":2", "'workers' stands twice"]),
        ("descriptors: -1\n", [":1", "descriptors", "-1"]),
        ("destinations:\n- s3://good\n- ftp://x\n", [":3", "destinations", "ftp://x"]),
    ],
)
def test_configuration_that_cannot_be(daemons, tmp_path, text, expected):
    path = tmp_path / "artifactd.yaml"
    path.write_text(text)
    daemon = daemons(arguments=["--config", path], start=False)
    daemon.launch()
    assert daemon.process.wait(20) == 2
    said = daemon.log()
    assert said.startswith("artifactd: ") and str(path) in said
    alternatives = [part for part in expected if not part.startswith(":") and not part.startswith("line ")]
    assert all(part in said for part in alternatives), said
    places = [part for part in expected if part.startswith(":") or part.startswith("line ")]
    assert not places or any(part in said for part in places), said
    assert not daemon.state.exists()


def test_configuration_that_is_not_there(daemons, tmp_path):
    daemon = daemons(arguments=["--config", tmp_path / "gone.yaml"], start=False)
    daemon.launch()
    assert daemon.process.wait(20) == 2
    assert str(tmp_path / "gone.yaml") in daemon.log()


def test_flags_over_environment_over_file(daemons, tmp_path):
    path = tmp_path / "artifactd.yaml"
    path.write_text(f"workers: 3\nconnections: 30\nstore: file://{tmp_path}/by-file\n")
    flags = ["--config", path]
    daemon = daemons(f"file://{tmp_path}/by-flag", {}, {"workers": 5, "store": f"file://{tmp_path}/by-environment"}, flags)
    status = daemon.status()
    assert (status["workers"]["limit"], status["connections"]["limit"]) == (5, 30)
    assert status["daemon"]["store"] == f"file://{tmp_path}/by-flag"


def test_usage(daemon):
    for arguments in [["put"], ["put", "x"], ["nonsense"], ["job", "no-id"], ["put", "x", "--to", "y", "--compression", "lzma"]]:
        assert "Usage" in daemon.ctl(*arguments, status=2).stderr


def test_usage_of_the_daemon(daemon):
    for arguments in [["--nonsense"], ["--socket"], ["extra"]]:
        run = subprocess.run([daemon.command()[0], *arguments], capture_output=True, text=True, timeout=30)
        assert (run.returncode, "Usage" in run.stderr) == (2, True)


def test_unknown_variable_is_named(daemons):
    daemon = daemons(settings={"workres": 3})
    assert "ARTIFACTD_WORKRES" in daemon.log() and "is ARTIFACTD_WORKERS meant?" in daemon.log()


def test_paths_as_people_write_them(daemons, tmp_path):
    """With slashes too many, dots, and from the current directory."""
    daemon = daemons(start=False)
    relative = os.path.relpath(tmp_path)
    daemon.command = lambda: [
        *[processes.BINARIES / "artifactd", "--socket", daemon.socket, "--state", f"{relative}//./state/"],
        *["--store", f"{relative}/x/../store/"],
    ]
    daemon.start()
    assert daemon.status()["daemon"]["store"] == f"file://{tmp_path}/store"
    daemon.put("/etc/hostname", to="x", ack="stored")
    assert (tmp_path / "store" / "x").exists() and (tmp_path / "state" / "journal.sqlite").exists()


# The daemon's own place


def test_no_daemon(daemons):
    daemon = daemons(start=False)
    for arguments in [["status"], ["put", "/etc/hostname", "--to", "x"], ["jobs"], ["wait"]]:
        assert str(daemon.socket) in daemon.ctl(*arguments, status=3).stderr


def test_socket_is_for_user_and_group(daemon):
    mode = os.stat(daemon.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    assert stat.S_IMODE(os.stat(daemon.state).st_mode) == 0o700


def test_second_daemon_is_refused(daemon, daemons, serves):
    """On the same state directory, and at the same socket."""
    same_state = daemons(start=False)
    same_state.state = daemon.state
    same_socket = daemons(start=False)
    same_socket.socket = daemon.socket
    for other, name in [(same_state, daemon.state), (same_socket, daemon.socket)]:
        other.launch()
        assert other.process.wait(20) == 1
        assert "another artifactd" in other.log() and str(name) in other.log()
    assert str(daemon.process.pid) in same_state.log()
    serves(daemon)


def test_stale_socket_is_replaced(daemon, serves):
    daemon.kill()
    assert daemon.socket.exists()
    assert "no daemon" in daemon.ctl("status", status=3).stderr
    daemon.start()
    serves(daemon)


def test_file_in_the_sockets_place_is_kept(daemons):
    daemon = daemons(start=False)
    daemon.socket.write_text("precious")
    daemon.launch()
    assert daemon.process.wait(20) == 1
    assert str(daemon.socket) in daemon.log() and daemon.socket.read_text() == "precious"


def test_sigint_stops_in_order(daemon):
    daemon.stop(signal.SIGINT)


# Bounds


def test_full_queue(daemons, place, relay, tmp_path):
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint), settings={"queue_jobs": 3})
    for number in range(5):
        (tmp_path / f"f{number}").write_bytes(b"x")
    reports = daemon.put(*sorted(tmp_path.glob("f*")), to="run/", status=75)
    assert ["error" in report for report in reports] == [False] * 3 + [True] * 2
    assert reports[3]["error"]["code"] == "busy"
    # With patience it goes on as soon as there is room.
    between.up()
    daemon.wait()
    daemon.put(*sorted(tmp_path.glob("f*")), to="run/", busy_timeout=30, ack="stored")


def test_full_queue_by_bytes(daemons, place, relay, tmp_path):
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint), settings={"queue_bytes": "1MiB"})
    for number in range(2):
        content.write_noise(tmp_path / f"f{number}", MIB)
    daemon.put(tmp_path / "f0", to="f0")
    assert "queue" in refusal(daemon, tmp_path / "f1", "--to", "f1", status=75)


def test_spool_quota(daemons, place, relay, tmp_path):
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint), settings={"spool_quota": "1MiB"})
    content.write_noise(tmp_path / "file", MIB)
    daemon.put(tmp_path / "file", to="first", ack="durable")
    assert "quota" in refusal(daemon, tmp_path / "file", "--to", "file", "--ack", "durable", status=75)
    content.write_noise(tmp_path / "file", 2 * MIB)
    assert "raise 'spool_quota'" in refusal(daemon, tmp_path / "file", "--to", "file", "--ack", "durable", status=1)
    assert daemon.status()["queue"]["jobs"]["cancelled"] == 2
    daemon.put(tmp_path / "file", to="file")


def test_file_that_the_buffers_cannot_serve(daemons, place, tmp_path):
    daemon = daemons(place.url, place.environment(), settings={"buffers": "32MiB"})
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(400 << 30)
    said = refusal(daemon, tmp_path / "huge", "--to", "huge", "--compression", "none")
    assert "buffers" in said


def test_failed_jobs_hold_their_bytes_until_they_are_cancelled(daemons, place, tmp_path):
    """Status counts what they hold, and cancelling gives it back."""
    daemon = daemons(place.url, {**place.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"})
    (tmp_path / "file").write_bytes(content.noise(300_000))
    (report,) = daemon.put(tmp_path / "file", to="file")
    daemon.await_job(report["id"], "failed")
    (tmp_path / "file").unlink()
    status = daemon.status()
    assert (status["queue"]["jobs"]["failed"], status["queue"]["bytes"]["failed"]) == (1, 300_000)
    assert [file.stat().st_size for file in (daemon.state / "spool").iterdir()] == [300_000]
    daemon.ctl("cancel", report["id"])
    status = daemon.status()
    assert (status["queue"]["jobs"]["failed"], status["queue"]["bytes"]["failed"]) == (0, 0)
    assert list((daemon.state / "spool").iterdir()) == []


def test_cancel_of_waiting_and_active_jobs(daemons, place, relay, tmp_path):
    between = relay(place.endpoint)
    between.allow(20 * MIB)
    daemon = daemons(place.url, place.environment(between.endpoint))
    path = content.write_noise(tmp_path / "file", 60 * MIB)
    (active,) = daemon.put(path, to="active", compression="none")
    daemon.await_progress(active["id"], 8 * MIB)
    (waiting,) = daemon.put(path, to="active", compression="none")
    daemon.ctl("cancel", waiting["id"])
    # Its parts hang, and are not waited for: artifactctl would wait 30 s for the answer.
    daemon.ctl("cancel", active["id"])
    between.release()
    assert {job["id"]: job["state"] for job in daemon.jobs()} == {active["id"]: "cancelled", waiting["id"]: "cancelled"}
    eventually(lambda: not place.uploads(), "what had been sent is aborted")
    assert place.keys() == []
    assert list((daemon.state / "spool").iterdir()) == []
    daemon.ctl("cancel", active["id"])
    (done,) = daemon.put(path, to="done", ack="stored", compression="none")
    daemon.ctl("cancel", done["id"], status=1)


def test_store_directory_that_is_away(daemon, tmp_path):
    """Jobs wait for it, over a restart too, and status says what for; nothing is begun in its place."""
    store = daemon.state / "store"
    (tmp_path / "file").write_bytes(b"first")
    daemon.put(tmp_path / "file", to="first", ack="stored")
    store.rename(tmp_path / "away")
    (tmp_path / "file").write_bytes(b"second")
    (report,) = daemon.put(tmp_path / "file", to="second")

    def waits():
        condition = daemon.status()["daemon"]["store_condition"]
        return condition.startswith("store_unavailable since") and str(store) in condition

    def explains():
        job = daemon.job(report["id"])
        assert job["state"] in ("accepted", "uploading"), job
        return job.get("error", {}).get("code") == "store_unavailable"

    for _ in range(2):
        # Status is told of the first attempt, the job of the last one.
        eventually(waits, "status says that the store is away")
        eventually(explains, "the job says what it waits for")
        assert not store.exists()
        daemon.restart()
    (tmp_path / "away").rename(store)
    daemon.wait()
    assert ((store / "first").read_bytes(), (store / "second").read_bytes()) == (b"first", b"second")
    assert daemon.status()["daemon"]["store_condition"] == "ok"


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("size", [1 << 10, 20 << 20], ids=["one put", "multipart"])
def test_object_changed_in_its_directory(daemon, tmp_path, size, compression):
    """A flipped bit in the store is not given out as what was stored, though size and times are as they were."""
    (tmp_path / "file").write_bytes(os.urandom(size))
    daemon.put(tmp_path / "file", to="object", compression=compression, ack="stored")
    stored = daemon.state / "store" / "object"
    times = stored.stat()
    with stored.open("r+b") as file:
        file.seek(times.st_size // 2)
        byte = file.read(1)[0]
        file.seek(times.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(stored, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = daemon.ctl("get", "object", "-o", tmp_path / "got", status=1)
    assert "store it again" in done.stderr, done.stderr
    assert not (tmp_path / "got").exists()


def test_object_replaced_in_its_directory(daemon, tmp_path):
    """One that decodes, and is shorter than what was stored under its headers, is not given out as that."""
    (tmp_path / "file").write_bytes(b"long enough to be told from the other\n" * 1000)
    daemon.put(tmp_path / "file", to="object", compression="gzip", ack="stored")
    stored = daemon.state / "store" / "object"
    size = stored.stat().st_size
    for level in range(2000):
        other = gzip.compress(os.urandom(level) if level < size else b"", mtime=0)
        if len(other) == size:
            break
    stored.write_bytes(other)
    assert stored.stat().st_size == size
    done = daemon.ctl("get", "object", "-o", tmp_path / "got", status=1)
    assert "store it again" in done.stderr, done.stderr


def test_object_replaced_in_s3(on_seaweedfs, place, tmp_path):
    """Stored in parts, so without a check of the source among its metadata: the source's size gives the other one away."""
    body = os.urandom(20 * MIB)
    (tmp_path / "file").write_bytes(body)
    on_seaweedfs.put(tmp_path / "file", to="object", compression="none", ack="stored")
    metadata = place.head("object")["Metadata"]
    assert "artifactd-crc32c" not in metadata
    place.s3.put_object(Bucket=place.bucket, Key=f"{place.prefix}/object", Body=body[:-1], Metadata=metadata)
    done = on_seaweedfs.ctl("get", "object", "-o", tmp_path / "got", status=1)
    assert "store it again" in done.stderr, done.stderr
    assert not (tmp_path / "got").exists()


def test_key_that_the_directory_store_cannot_hold(daemon, tmp_path, serves):
    """Refused before the job is accepted, with the way out."""
    (tmp_path / "file").write_bytes(b"x")
    said = refusal(daemon, tmp_path / "file", "--to", "run/" + "n" * 256)
    assert "256 bytes long" in said and "shorten it" in said and daemon.jobs() == []
    serves(daemon)
    said = refusal(daemon, tmp_path / "file", "--to", "good/below")
    assert "good" in said
    assert [job["destination"].rsplit("/", 1)[1] for job in daemon.jobs()] == ["good"]


@pytest.mark.parametrize("name", ["journal.sqlite", "journal.sqlite-wal"])
def test_journal_moved_away_under_the_daemon(daemons, place, relay, tmp_path, serves, name):
    """Hand-overs are refused before they are acknowledged, the jobs at hand go on, and all is well once the file is back."""
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint))
    (tmp_path / "file").write_bytes(content.noise(300_000))
    daemon.put(tmp_path / "file", to="before")
    path = daemon.state / name
    path.rename(tmp_path / "away")
    said = refusal(daemon, tmp_path / "file", "--to", "meanwhile", status=75)
    assert str(path) in said and "move it back" in said
    assert daemon.status()["daemon"]["journal"].startswith(f"displaced: '{path}'")
    eventually(lambda: "the journal takes no hand-overs" in daemon.log(), "the log says so")
    between.up()
    daemon.wait()
    (tmp_path / "away").rename(path)
    serves(daemon)
    assert daemon.status()["daemon"]["journal"] == "ok"
    assert sorted(place.keys()) == ["before", "good"]
    eventually(lambda: "the journal takes hand-overs again" in daemon.log(), "the log says so")


def test_deleted_journal_leaves_the_spool_to_be_looked_at(daemons, place, relay, tmp_path, serves):
    """The new journal knows nothing of what lies there, which may be the only copy."""
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint))
    (tmp_path / "file").write_bytes(content.noise(300_000))
    daemon.put(tmp_path / "file", to="durable", ack="durable")
    (tmp_path / "file").unlink()
    for file in daemon.state.glob("journal.sqlite*"):
        file.unlink()
    daemon.restart()
    between.up()
    serves(daemon)
    daemon.restart()
    (kept,) = daemon.state.glob("spool.orphaned-*")
    assert [file.read_bytes() for file in kept.iterdir()] == [content.noise(300_000)]
    assert str(kept) in daemon.log()


def test_spool_deleted_under_the_daemon(daemon, tmp_path, serves):
    serves(daemon)
    (tmp_path / "file").write_bytes(content.noise(300_000))
    (daemon.state / "spool").rmdir()
    said = refusal(daemon, tmp_path / "file", "--to", "x", "--ack", "durable", status=75)
    assert f"the spool '{daemon.state}/spool'" in said and "restart artifactd" in said
    with Client(daemon.socket) as client, pytest.raises(protocol_client.Refused) as refused:
        client.open_spool(1000)
    assert f"{daemon.state}/spool" in refused.value.message and "restart artifactd" in refused.value.message
    daemon.restart()
    (report,) = daemon.put(tmp_path / "file", to="x", ack="durable")
    assert report["level"] == "durable"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small disk")
def test_full_disk_for_the_journal(daemons, place, relay, tmp_path):
    """Hand-overs are refused before they are acknowledged, and what was accepted goes on; with room again all is well."""
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint), start=False)
    daemon.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", daemon.state], check=True)
    try:
        daemon.start()
        accepted = []
        for number in range(400):
            (tmp_path / "file").write_bytes(content.noise(60_000, seed=number))
            done = daemon.ctl("put", tmp_path / "file", "--to", f"f{number}", "--json", status=None)
            if done.returncode:
                break
            accepted.append(number)
        assert done.returncode == 75 and "is full; free space there" in done.stdout
        assert accepted and daemon.status()["daemon"]["journal"].startswith("full since")
        between.up()
        daemon.wait(timeout=60)
        assert sorted(place.keys()) == sorted(f"f{number}" for number in accepted)
        for number in accepted:
            assert place.read(f"f{number}") == content.noise(60_000, seed=number)
        subprocess.run(["mount", "-o", "remount,size=200m", daemon.state], check=True)
        eventually(lambda: daemon.ctl("put", tmp_path / "file", "--to", "later", status=None).returncode == 0, "there is room")
        daemon.stop()
    finally:
        if daemon.is_running():
            daemon.kill()
        subprocess.run(["umount", daemon.state], check=True)
