"""How runs end: in order, by exceptions, by signals, in forked children, and with the process."""

import logging
import multiprocessing
import os
import signal
import threading

import pytest

import artifactd
from artifactd.termination import termination
from test_recovery import run_python, wait_for_child


def status_of(tracker, run):
    return tracker.get_run(run.run_id).status


def paths(run):
    return [artifact.path for artifact in run.list_artifacts()]


def only_run(tracker):
    (run,) = tracker.list_runs()
    return run


def log_growing_file(run, directory):
    """Logs a file that grows before the only worker, which has a big one to store first, can have it."""
    with open(directory / "big", "wb") as file:
        file.truncate(300_000_000)
    (directory / "f").write_bytes(bytes(100_000))
    run.log_artifact(directory / "big")
    ticket = run.log_artifact(directory / "f").wait("accepted", timeout=10)
    with open(directory / "f", "ab") as file:
        file.write(b"more")
    return ticket


# --- Exceptions ---


# An exception in the block ends the run as failed, and what was logged is kept; leaving the program in order does not.
@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("x"), "failed"), (KeyboardInterrupt(), "failed"), (SystemExit(1), "failed"), (SystemExit(), "finished")],
)
def test_exception(tracker, error, status):
    with pytest.raises(type(error)) as raised, tracker.start_run("e") as run:
        run.log_text("x", "a")
        raise error
    assert raised.value is error and status_of(tracker, run) == status and paths(run) == ["a"]


# Errors of tickets do not hide the exception of the block; they are logged.
def test_exception_and_failed_tickets(tracker, caplog):
    with pytest.raises(ZeroDivisionError), tracker.start_run("e") as run:
        run.log_text("x", "a/" + "b" * 256)
        raise ZeroDivisionError
    assert status_of(tracker, run) == "failed"
    assert any("an exception has left" in record.getMessage() and "'a/bbb" in record.getMessage() for record in caplog.records)


# What failed early is raised when the block is left, by path; the rest is there.
def test_errors_of_earlier_tickets(tracker):
    with pytest.raises(artifactd.ArtifactsFailed, match="1 artifacts of the run failed: 'a/bb") as failed:
        with tracker.start_run("e") as run:
            bad = run.log_text("x", "a/" + "b" * 256)
            for number in range(600):
                run.log_text("x", str(number))
            with pytest.raises(artifactd.InvalidKey):
                bad.wait()
    assert {path: type(error) for path, error in failed.value.errors.items()} == {"a/" + "b" * 256: artifactd.InvalidKey}
    assert status_of(tracker, run) == "finished" and len(paths(run)) == 600


# A job that failed after it was accepted is raised too.
def test_errors_of_jobs(start_daemon, track, tmp_path):
    tracker = track(start_daemon(workers=1))
    with pytest.raises(artifactd.ArtifactsFailed) as failed, tracker.start_run("e") as run:
        bad = log_growing_file(run, tmp_path)
        with pytest.raises(artifactd.SourceChanged):
            bad.wait("stored", timeout=20)
        with pytest.raises(artifactd.ArtifactsFailed):
            run.wait(timeout=10)
        assert list(run.errors) == ["f"]
    assert list(failed.value.errors) == ["f"]
    with pytest.raises(artifactd.ArtifactsFailed, match="keep run .* from being committed") as kept:
        run.wait("committed", timeout=10)
    assert isinstance(kept.value.errors["f"], artifactd.SourceChanged)


# Another end of a run that has ended is refused, whatever failed in it; that stays known.
def test_another_end_after_failures(tracker, caplog):
    run = tracker.start_run("e")
    run.log_text("x", "a/" + "b" * 256)
    with pytest.raises(artifactd.ArtifactsFailed):
        run.end()
    with pytest.raises(artifactd.Conflict):
        run.end("failed")
    assert len(run.errors) == 1 and status_of(tracker, run) == "finished"


# What was mended by logging it again in the same run is no failure any more; what failed after it was logged in order is one.
def test_mended_failure(start_daemon, track, tmp_path):
    tracker = track(start_daemon(workers=1))
    with tracker.start_run("e") as run:
        bad = log_growing_file(run, tmp_path)
        with pytest.raises(artifactd.SourceChanged):
            bad.wait("stored", timeout=20)
        assert list(run.errors) == ["f"]
        run.log_artifact(tmp_path / "f").wait("stored", timeout=10)
        assert run.errors == {} and isinstance(bad.error, artifactd.SourceChanged)
        run.wait("stored", timeout=10)
    run.wait("committed", timeout=10)
    assert (tmp_path / "f").read_bytes().endswith(b"more")


# A checkpoint that is logged as DURABLE can be written again in place as soon as that is promised, although nothing is stored yet.
def test_checkpoint_written_in_place(start_daemon, track, tmp_path):
    tracker = track(start_daemon(workers=1))
    with open(tmp_path / "big", "wb") as file:
        file.truncate(300_000_000)
    (tmp_path / "last.pt").touch()
    with tracker.start_run("e") as run:
        run.log_artifact(tmp_path / "big")
        tickets = []
        for step in range(3):
            with open(tmp_path / "last.pt", "r+b") as file:
                file.write(bytes([step]) * 100_000)
            tickets.append(run.log_artifact(tmp_path / "last.pt", level="durable").wait(timeout=10))
    run.wait("committed", timeout=60)
    assert [ticket.error for ticket in tickets] == [None, None, None]
    with open(run.artifact_uri.removeprefix("file://") + "/last.pt", "rb") as file:
        assert file.read() == bytes([2]) * 100_000


# A directory's file that could not be handed over is no failure once another one is logged to its place, and one again after that.
def test_mended_refusal(tracker, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").symlink_to("nothing")
    with tracker.start_run("e") as run:
        tickets = run.log_artifacts(tmp_path / "files")
        assert list(run.errors) == ["a"]
        run.log_text("x", "a").wait(timeout=10)
        assert run.errors == {} and list(tickets.errors) == ["a"]
        run.log_artifacts(tmp_path / "files")
        assert list(run.errors) == ["a"]
        run.log_text("y", "a")


# In a group too.
def test_mended_failure_in_a_group(tracker, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").symlink_to("nothing")
    with tracker.start_run("e") as run:
        with run.group("g", 1, 0) as group:
            group.log_artifacts(tmp_path / "files")
            with pytest.raises(artifactd.ArtifactsFailed):
                group.flush()
            group.log_text("x", "a")
        group.wait(timeout=10)


# An artifact that is deleted, or whose job is cancelled, while it is pending has not failed; its own ticket says what became of it.
def test_deleted_while_pending(start_daemon, track, tmp_path):
    tracker = track(start_daemon(workers=1))
    with open(tmp_path / "big", "wb") as file:
        file.truncate(300_000_000)
    with tracker.start_run("e") as run:
        big = run.log_artifact(tmp_path / "big")
        with run.group("g", 1, 0) as group:
            deleted, cancelled = group.log_text("x", "deleted").wait(timeout=10), run.log_text("x", "cancelled").wait(timeout=10)
            assert run.delete_artifacts("deleted") == 1 and run.client.cancel(cancelled.job_id) == "cancelled"
        big.wait("stored", timeout=60)
        run.wait("stored", timeout=10)
        assert run.errors == {}
    for ticket in (deleted, cancelled):
        assert ticket.done and isinstance(ticket.error, artifactd.Cancelled)
        with pytest.raises(artifactd.Cancelled):
            ticket.wait("stored", timeout=10)
    run.wait("committed", timeout=10)
    group.wait(timeout=10)
    assert paths(run) == ["big"]


# --- Waits at the end ---


# Hand-overs that are not accepted in time raise, and the run ends as its block did all the same.
@pytest.mark.parametrize(("error", "status"), [(None, "finished"), (ZeroDivisionError(), "failed")])
def test_wait_that_runs_out(start_daemon, track, tmp_path, error, status):
    # There is no room for a copy: the daemon says that it is busy, for as long as the client asks.
    daemon = start_daemon(spool_quota=1 << 20)
    tracker = track(daemon, exit_timeout=0.1)
    with tracker._outlet(None).client.open_spool(size_hint=1 << 20) as file:
        with pytest.raises(type(error) if error else artifactd.Timeout):
            with tracker.start_run("e", wait_on_exit="stored", timeout=0.3) as run:
                run.log_text("x" * 100_000, "a")
                if error:
                    raise error
        assert status_of(tracker, run) == status
        file.discard()


# An interrupt of the wait at the end ends the run too.
def test_interrupted_end(tracker, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), tracker.start_run("e") as run:
        monkeypatch.setattr(run._tickets, "accept", interrupt)
    assert status_of(tracker, run) == "finished"


# What is not stored in time raises, and the run has ended.
def test_not_stored_in_time(start_daemon, track, tmp_path):
    tracker = track(start_daemon(workers=1))
    with open(tmp_path / "big", "wb") as file:
        file.truncate(1_000_000_000)
    with pytest.raises(artifactd.Timeout):
        with tracker.start_run("e", wait_on_exit="committed", timeout=0) as run:
            run.log_artifact(tmp_path / "big")
    assert status_of(tracker, run) == "finished"


# --- SIGTERM ---

KILLED = """
import artifactd, os, signal, sys, threading
{before}
tracker = artifactd.ExperimentTracker()
with tracker.start_run("e") as run:
    run.log_text("x", "a")
    os.kill(os.getpid(), signal.SIGTERM)
    {inside}
print("behind")
"""


# SIGTERM ends the run as killed and the process by status 143, in the middle of a wait too; what was logged is there.
@pytest.mark.parametrize(
    "inside", ["threading.Event().wait()", "run.group('g', 2, 0).flush(); run.group('g', 2).wait()"], ids=["wait", "call"]
)
def test_sigterm(daemon, tracker, inside):
    done = run_python(KILLED.format(before="", inside=inside), daemon)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")
    run = only_run(tracker)
    assert run.status == "killed" and paths(tracker.attach_run(run.run_id)) == ["a"]


# The program's own handler decides: what it raises ends the run as killed, else the program goes on.
@pytest.mark.parametrize(
    ("handler", "code", "status", "out"),
    [("sys.exit(7)", 7, "killed", "own\n"), ("None", 0, "finished", "own\nbehind\n")],
)
def test_sigterm_with_a_handler(daemon, tracker, handler, code, status, out):
    before = f"signal.signal(signal.SIGTERM, lambda *_: (print('own'), {handler}))"
    done = run_python(KILLED.format(before=before, inside="pass"), daemon)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, "")
    assert only_run(tracker).status == status


# A signal that is ignored stays ignored, and so it is behind the block; another handler of the program's stays too.
def test_sigterm_ignored(daemon, tracker):
    done = run_python(KILLED.format(before="signal.signal(signal.SIGTERM, signal.SIG_IGN)", inside="pass"), daemon)
    assert (done.returncode, done.stdout) == (0, "behind\n")
    assert only_run(tracker).status == "finished"


# Signals that come again while the run ends change nothing.
def test_sigterm_twice(daemon, tracker):
    code = """
import artifactd, os, signal
with artifactd.ExperimentTracker().start_run("e") as run:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        print("cleaned up")
"""
    done = run_python(code, daemon)
    assert (done.returncode, done.stdout, done.stderr) == (143, "cleaned up\n", "")
    assert only_run(tracker).status == "killed"


# A run that another thread ends at that moment does not hold the signal back, nor get it.
def test_sigterm_while_a_thread_ends_a_run(tracker):
    entered, left = threading.Event(), threading.Event()

    def work():
        with termination.deferred():
            entered.set()
            left.wait(20)

    thread = threading.Thread(target=work)
    with pytest.raises(artifactd.RunKilled), tracker.start_run("e") as run:
        thread.start()
        entered.wait(20)
        signal.raise_signal(signal.SIGTERM)
    left.set()
    thread.join()
    assert status_of(tracker, run) == "killed"


# Handlers are what they were behind the block, and blocks in other threads touch none.
def test_handlers_are_put_back(tracker):
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work():
        with tracker.start_run("thread"):
            seen.append(signal.getsignal(signal.SIGTERM))

    with tracker.start_run("outer"):
        with tracker.start_run("inner"):
            assert signal.getsignal(signal.SIGTERM) != before
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


# --- Forks ---


# A forked child logs to the run, and leaving the block there does not end it.
def test_fork_in_the_block(tracker):
    pid, code = None, 1
    try:
        with tracker.start_run("e") as run:
            run.log_text("x", "before")
            pid = os.fork()
            tracker.log_text("x", "child" if pid == 0 else "parent")
            if pid:
                wait_for_child(pid)
                assert status_of(tracker, run) == "running"
        code = 0
    finally:
        if pid == 0:
            os._exit(code)
    assert status_of(tracker, run) == "finished" and paths(run) == ["before", "child", "parent"]


# A child that is ended by SIGTERM ends as children do, and its parent's run goes on.
def test_sigterm_in_a_child(tracker):
    with tracker.start_run("e") as run:
        pid = os.fork()
        if pid == 0:
            try:
                threading.Event().wait()
            finally:
                os._exit(1)
        os.kill(pid, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
        assert status_of(tracker, run) == "running"


def log_some(run, number):
    for each in range(5):
        run.log_text(f"{number} {each}", f"{number}/{each}")


# Processes of multiprocessing, however they are started, log to the run and end at once.
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(tracker, method):
    with tracker.start_run("e") as run:
        run.log_text("x", "parent")
        context = multiprocessing.get_context(method)
        processes = [context.Process(target=log_some, args=[run, number]) for number in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
    assert paths(run) == [*(f"{number}/{each}" for number in range(3) for each in range(5)), "parent"]


# Threads share a run.
def test_threads(tracker):
    with tracker.start_run("e") as run:
        threads = [threading.Thread(target=log_some, args=[run, number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    run.wait("committed", timeout=20)
    assert len(paths(run)) == 40


# --- The end of the process ---


# What was logged is there although nobody waited, nor left the block.
@pytest.mark.parametrize("end", ["sys.exit(0)", "run.__exit__(None, None, None)", "pass"])
def test_exit(daemon, tracker, end):
    code = f"""
import artifactd, sys
run = artifactd.ExperimentTracker().start_run("e")
for number in range(300):
    run.log_text("x" * 1000, str(number))
{end}
"""
    done = run_python(code, daemon)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    run = only_run(tracker)
    assert run.status == ("finished" if "__exit__" in end else "running")
    assert len(paths(tracker.attach_run(run.run_id))) == 300


# --- Daemons that go away ---


# The daemon is started again while a run goes on: nothing is lost, and the run ends.
def test_restart(daemon, tracker):
    with tracker.start_run("e") as run:
        for number in range(60):
            run.log_text(f"{number}", str(number))
            if number % 20 == 10:
                daemon.kill()
                daemon.start()
    run.wait("committed", timeout=20)
    assert len(paths(run)) == 60 and status_of(tracker, run) == "finished"


# A daemon that does not come back holds the end up no longer than it may, and what is lost is said.
def test_daemon_that_does_not_come_back(daemon, track, caplog):
    tracker = track(daemon, retry_timeout=0.5, answer_timeout=0.5, exit_timeout=0.5)
    with caplog.at_level(logging.ERROR, "artifactd"), pytest.raises(artifactd.ArtifactsFailed) as failed:
        with tracker.start_run("e") as run:
            run.log_text("x", "a").wait("stored", timeout=10)
            daemon.kill()
            run.log_text("x", "b")
    assert isinstance(failed.value.errors["b"], artifactd.DaemonUnavailable)
    assert any("could not be ended" in record.getMessage() for record in caplog.records)


# A daemon that hangs neither.
def test_daemon_that_hangs(daemon, track):
    tracker = track(daemon, retry_timeout=0.5, answer_timeout=2, exit_timeout=0.3)
    with pytest.raises(artifactd.Timeout, match="answers nothing"), tracker.start_run("e") as run:
        daemon.signal(signal.SIGSTOP)
        run.log_text("x", "a")
    daemon.signal(signal.SIGCONT)


LOGGING = """
import artifactd, os, random, sys
number = int(sys.argv[1])
tracker = artifactd.ExperimentTracker(daemon_timeout=30)
with tracker.attach_run("shared") as run:
    for each in range(200):
        content = random.Random(number * 1000 + each).randbytes(100_000 if each % 10 == 0 else 2_000)
        if each % 2:
            run.log_artifact(sys.argv[2] + f"/{number}-{each}", f"{number}")
        else:
            with_key = f"{number}/{number}-{each}"
            run._put(content, with_key)
        print(each, flush=True)
run.wait("stored", timeout=60)
"""


# Eight processes log 200 artifacts each while the daemon is killed five times: all are there once, identical.
def test_many_processes_and_a_killed_daemon(daemon, tracker, tmp_path):
    import random
    import subprocess
    import sys

    from daemon import eventually

    run = tracker.start_run("e", run_id="shared")

    def content(number, each):
        return random.Random(number * 1000 + each).randbytes(100_000 if each % 10 == 0 else 2_000)

    files = tmp_path / "files"
    files.mkdir()
    for number in range(8):
        for each in range(1, 200, 2):
            (files / f"{number}-{each}").write_bytes(content(number, each))
    environment = {**os.environ, "ARTIFACTD_SOCKET": str(daemon.socket), "PYTHONPATH": os.pathsep.join(sys.path)}
    logs = [tmp_path / f"log-{number}" for number in range(8)]
    processes = []
    for number in range(8):
        with open(logs[number], "w") as log:
            command = [sys.executable, "-c", LOGGING, str(number), str(files)]
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
    try:
        for kill in range(5):
            many = 250 * (kill + 1)
            eventually(lambda many=many: sum(log.read_text().count("\n") for log in logs) >= many, f"{many} hand-overs", 60)
            daemon.kill()
            daemon.start()
        for number, process in enumerate(processes):
            assert process.wait(90) == 0, logs[number].read_text()
    finally:
        for process in processes:
            process.kill()
            process.wait()
    run.end()
    run.wait("committed", timeout=60)
    artifacts = run.list_artifacts()
    assert len(artifacts) == len({artifact.path for artifact in artifacts}) == 1600
    place = run.artifact_uri.removeprefix("file://")
    for number in range(8):
        for each in range(200):
            with open(f"{place}/{number}/{number}-{each}", "rb") as file:
                assert file.read() == content(number, each), f"{number}-{each}"
    stored = [job.destination for job in tracker._outlet(None).client.jobs("stored")]
    assert len(stored) == len(set(stored)) == 1600
