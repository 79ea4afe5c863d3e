"""Runs without a daemon: an error at once, or kept and handed over once, by whoever comes next."""

import gzip
import json
import os
import pathlib
import re
import signal
import stat
import threading

import pytest

import artifactd
from artifactd.offline import OfflineDirectory
from daemon import eventually
from test_recovery import run_python, wait_for_child


@pytest.fixture
def place(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def away(start_daemon):
    """A daemon that does not run yet."""
    return start_daemon(running=False)


def entries(place):
    return sorted(name for name in os.listdir(place) if name != ".lock") if place.exists() else []


def content(run_id, tracker):
    """What lies in the store of a run, when all is stored."""
    tracker._outlet(None).client.wait(timeout=20)
    place = pathlib.Path(tracker.get_run(run_id).artifact_uri.removeprefix("file://"))
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def stored_once(tracker, count):
    client = tracker._outlet(None).client
    client.wait(timeout=20)
    return len(list(client.jobs())) == count


# Without a directory to keep things in, no daemon is an error at once that says what to do.
def test_error_at_once(away, track, monkeypatch):
    monkeypatch.delenv("ARTIFACTD_OFFLINE_DIR", raising=False)
    tracker = track(away)
    for call in (lambda: tracker.start_run("e"), tracker.search_experiments, lambda: tracker.attach_run("a")):
        with pytest.raises(artifactd.DaemonUnavailable, match="start artifactd, or name its socket in ARTIFACTD_SOCKET"):
            call()


# A daemon may be waited for.
def test_daemon_timeout(away, track):
    thread = threading.Thread(target=away.start)
    thread.start()
    with track(away, daemon_timeout=20).start_run("e") as run:
        run.log_text("x", "a")
    thread.join()


def log_a_run(tracker, directory):
    (directory / "files").mkdir()
    (directory / "files" / "big").write_bytes(bytes(3_000_000))
    with tracker.start_run("e", run_name="n", tags={"a": 1}) as run:
        run.log_text("first", "latest")
        run.log_artifacts(directory / "files", "files", compression="gzip")
        (directory / "files" / "big").unlink()
        run.log_text("second", "latest")
        with run.group("g", members=1, member=0) as group:
            group.log_dict({}, "g.json")
        run.flush()
        with pytest.raises(artifactd.DaemonUnavailable, match="handed over by your next tracker"):
            run.wait(timeout=1)
        assert (run.experiment_id, run.artifact_uri, run.name) == ("", "", "n")
    for each in (run, run.group("g", members=1)):
        for timeout in (1, None):
            with pytest.raises(artifactd.DaemonUnavailable, match=f"run {run.run_id} is kept in .*; your next tracker hands it over"):
                each.wait("committed", timeout=timeout)
    return run.run_id


# A run without a daemon is kept whole, privately, and handed over by the user's next tracker: once, in order, and it ends.
def test_kept_and_handed_over(away, track, place, tmp_path):
    run_id = log_a_run(track(away, offline_dir=place), tmp_path)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE((place / name).stat().st_mode) for name in entries(place)} == {0o600}
    away.start()
    tracker = track(away, offline_dir=place)
    with tracker.start_run("other") as run:
        run.log_text("x", "a")
    eventually(lambda: entries(place) == [], "all is handed over")
    attached = tracker.attach_run(run_id)
    attached.wait("committed", timeout=20)
    attached.group("g", members=1).wait(timeout=10)
    found = content(run_id, tracker)
    assert gzip.decompress(found.pop("files/big")) == bytes(3_000_000) and found == {"g.json": b"{}\n", "latest": b"second"}
    found = tracker.get_run(run_id)
    assert (found.name, found.tags, found.status) == ("n", {"a": "1"}, "finished")
    assert [artifact.path for artifact in attached.list_artifacts()] == ["files/big", "g.json", "latest"]
    assert stored_once(tracker, 5)


# The directory is named by the environment too; the status of the run is kept.
def test_environment(away, track, place):
    os.environ["ARTIFACTD_OFFLINE_DIR"] = str(place)
    try:
        code = 'import artifactd\nwith artifactd.ExperimentTracker().start_run("e") as run: run.log_text("x", "a"); 1/0'
        assert run_python(code, away).returncode == 1
    finally:
        del os.environ["ARTIFACTD_OFFLINE_DIR"]
    away.start()
    tracker = track(away, offline_dir=place)
    assert tracker.hand_over_offline() and entries(place) == []
    (run,) = tracker.list_runs()
    assert run.status == "failed" and list(content(run.run_id, tracker)) == ["a"]


# The daemon comes while the run goes on: what was kept goes first, and the tickets are like others from then on.
def test_daemon_that_comes_later(away, track, place):
    tracker = track(away, offline_dir=place)
    with tracker.start_run("e") as run:
        early = run.log_text("early", "a")
        assert not early.done and early.error is None and early.job_id is None and early.state is None
        away.start()
        eventually(lambda: not run.log_text("late", "a").is_kept, "the daemon is found")
        early.wait("stored", timeout=10)
        assert early.done and early.job_id and early.state == "stored"
    run.wait("committed", timeout=20)
    assert content(run.run_id, tracker) == {"a": b"late"} and entries(place) == []


# The daemon goes in the middle of a run: what found none any more is kept, and what comes later too.
def test_daemon_that_goes(daemon, track, place):
    tracker = track(daemon, offline_dir=place, retry_timeout=0.5)
    with tracker.start_run("e") as run:
        run.log_text("x", "a").wait("stored", timeout=10)
        group = run.group("h", 2, 0)
        daemon.signal(signal.SIGSTOP)
        run.log_text("under way", "b")
        group.log_text("under way too", "e")
        daemon.kill()
        run.log_text("y", "c")
        group.flush()
        with run.group("g", 2, 0) as group:
            group.log_text("z", "d")
    assert sum(name.endswith(".bytes") for name in entries(place)) == 4
    daemon.start()
    other = track(daemon, offline_dir=place)
    assert other.hand_over_offline() and entries(place) == []
    assert stored_once(other, 5) and sorted(content(run.run_id, other)) == ["a", "b", "c", "d", "e"]
    assert other.get_run(run.run_id).status == "finished"


# A process killed at any time while it hands over loses and doubles nothing; two at once do neither.
def test_killed_and_concurrent_hand_overs(away, track, place):
    tracker = track(away, offline_dir=place)
    with tracker.start_run("e") as run:
        for number in range(120):
            run.log_text(f"{number}", str(number))
    away.start()
    for round in range(4):
        left = len(entries(place))
        pids = []
        for _ in range(2):
            pid = os.fork()
            if pid == 0:
                try:
                    artifactd.ExperimentTracker(away.socket, offline_dir=place).hand_over_offline()
                finally:
                    os._exit(0)
            pids.append(pid)
        if round < 3:
            eventually(lambda left=left: len(entries(place)) < left - 20 or not entries(place), "some are handed over")
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)
    assert entries(place) == []
    assert stored_once(tracker, 120) and len(content(run.run_id, tracker)) == 120
    assert tracker.get_run(run.run_id).status == "finished"


# An acceptance whose answer was not noted any more: the entry is handed over again, and is the same job.
def test_crash_between_acceptance_and_removal(away, track, place, monkeypatch):
    tracker = track(away, offline_dir=place)
    with tracker.start_run("e") as run:
        run.log_text("x", "a")
    away.start()
    with monkeypatch.context() as patch:
        patch.setattr(OfflineDirectory, "_remove", lambda *_: None)
        assert tracker.hand_over_offline() and entries(place)
    assert tracker.hand_over_offline() and entries(place) == [] and stored_once(tracker, 1)
    assert list(content(run.run_id, tracker)) == ["a"]


# A writer that died leaves nothing that is taken for an entry, and what it left is removed; a living one's is not.
def test_leftovers(away, track, place):
    tracker = track(away, offline_dir=place)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            directory = OfflineDirectory(place)
            directory._write = lambda *_: (os.write(writing, b"x"), threading.Event().wait())
            tracker._outlet(None)._offline = directory
            tracker.start_run("e")
        finally:
            os._exit(1)
    os.read(reading, 1)
    (place / "0-dead.bytes").write_bytes(b"x")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    away.start()
    assert tracker.hand_over_offline() and entries(place) == []
    assert tracker.search_experiments() == []


# What the daemon refuses for good is set aside with its reason, the ticket says so, and the rest goes on.
def test_refused_for_good(away, track, place, caplog):
    tracker = track(away, offline_dir=place)
    with tracker.start_run("e") as run:
        bad, good = run.log_text("x", "b" * 256), run.log_text("y", "good")
    away.start()
    assert tracker.hand_over_offline()
    assert isinstance(bad.error, artifactd.InvalidKey) and bad.done
    good.wait("stored", timeout=10)
    name, kept = (name for name in reversed(entries(place)))
    assert name.endswith(".failed") and kept.endswith(".bytes") and json.loads((place / name).read_text())["error"] == str(bad.error)
    assert any("is refused for good, see" in record.getMessage() for record in caplog.records)
    assert list(content(run.run_id, tracker)) == ["good"]


# A daemon without room for copies of its own gets the bytes all the same; the copy here stays until they are stored.
def test_no_room_in_the_spool(start_daemon, track, place):
    daemon = start_daemon(running=False, spool_quota=100_000)
    tracker = track(daemon, offline_dir=place, retry_timeout=0.5)
    with tracker.start_run("e") as run:
        run.log_text("x" * 1_000_000, "a")
    daemon.start()
    tracker.hand_over_offline()
    content(run.run_id, tracker)
    assert tracker.hand_over_offline() and entries(place) == []
    assert content(run.run_id, tracker) == {"a": b"x" * 1_000_000}
    assert len(list(tracker._outlet(None).client.jobs("stored"))) == 1


# An artifact can be written to a file of the directory's; given up, it leaves nothing.
def test_open_artifact(away, track, place):
    tracker = track(away, offline_dir=place)
    with tracker.start_run("e") as run:
        with run.open_artifact("a", size_hint=10) as file:
            file.write(b"content")
        assert file.ticket.is_kept
        with pytest.raises(ZeroDivisionError), run.open_artifact("b") as file:
            raise ZeroDivisionError
        late = run.open_artifact("c")
        late.write(b"late")
        away.start()
        eventually(lambda: not run.log_text("x", "d").is_kept, "the daemon is found")
        late.close()
    assert content(run.run_id, tracker) == {"a": b"content", "c": b"late", "d": b"x"} and entries(place) == []


# A file that grows while it is copied is refused.
def test_growing_file(away, track, place, tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(bytes(3_000_000))
    read = os.pread

    def growing(*arguments):
        with open(tmp_path / "f", "ab") as file:
            file.write(b"x")
        return read(*arguments)

    monkeypatch.setattr(os, "pread", growing)
    with track(away, offline_dir=place).start_run("e") as run:
        with pytest.raises(artifactd.SourceChanged, match="log it when it is complete"):
            run.log_artifact(tmp_path / "f")
    assert not any(name.endswith(".bytes") for name in entries(place))


# A full disk keeps nothing by halves, and says so.
def test_full_disk(away, track, place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with track(away, offline_dir=place).start_run("e") as run:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(artifactd.Busy, match="'a' cannot be kept in .*; make room"):
                run.log_text("x", "a")
    assert not any(name.endswith((".bytes", ".part")) for name in entries(place))


# A directory that others may write to, that belongs to them, or that is none, is refused.
def test_foreign_directory(away, track, place, tmp_path):
    place.mkdir()
    for mode in (0o775, 0o757):
        place.chmod(mode)
        with pytest.raises(artifactd.Denied, match=f"chmod go-w {place}"):
            track(away, offline_dir=place).start_run("e")
    place.chmod(0o700)
    (tmp_path / "link").symlink_to(place)
    with pytest.raises(artifactd.Denied, match="no directory that can be used"):
        track(away, offline_dir=tmp_path / "link").start_run("e")
    if os.geteuid() == 0:
        os.chown(place, 65534, 65534)
        with pytest.raises(artifactd.Denied, match="belongs to user 65534"):
            track(away, offline_dir=place).start_run("e")


# One that others may list is used, and what lies in it is private all the same.
def test_directory_that_others_may_list(away, track, place):
    place.mkdir()
    place.chmod(0o755)
    with track(away, offline_dir=place).start_run("e") as run:
        run.log_text("x", "a")
    away.start()
    tracker = track(away, offline_dir=place)
    assert len(entries(place)) == 4 and {stat.S_IMODE((place / name).stat().st_mode) for name in entries(place)} == {0o600}
    assert tracker.hand_over_offline() and content(run.run_id, tracker) == {"a": b"x"}


# A directory that cannot be used, whatever lies in it, stops nobody whose daemon runs; the log says what to do.
@pytest.mark.parametrize("trouble", ["writable", "foreign", "file", "unreadable", "lock"])
def test_trouble_with_old_entries(daemon, track, place, tmp_path, caplog, trouble):
    place.mkdir(mode=0o700)
    (place / "1-a.json").write_text(json.dumps({"format": 1, "tenant": None, "run_id": "b", "request": "put"}))
    (place / "2-a.json").write_text("[]")
    advice = "stays there for now"
    if trouble == "writable":
        place.chmod(0o777)
        advice = f"chmod go-w {place}"
    elif trouble == "foreign":
        if os.geteuid() != 0:
            pytest.skip("needs root")
        os.chown(place, 65534, 65534)
    elif trouble == "file":
        place = tmp_path / "file"
        place.touch()
    elif trouble == "unreadable":
        advice = "is refused for good, see"
    else:
        (place / ".lock").symlink_to("nothing")
    track(daemon).start_run("e", run_id="b")
    tracker = track(daemon, offline_dir=place)
    with tracker.start_run("e") as run:
        run.log_text("x", "a")
    with tracker.attach_run("b") as attached:
        attached.log_text("y", "c")
    tracker.close()
    assert any(advice in record.getMessage() for record in caplog.records)
    other = track(daemon)
    assert (content(run.run_id, other), content("b", other)) == ({"a": b"x"}, {"c": b"y"})


# An entry that another could have written, while the directory was open to all, is not handed over in the user's name.
def test_foreign_entry(away, track, place, caplog):
    tracker = track(away, offline_dir=place)
    with tracker.start_run("e") as run:
        run.log_text("x", "a")
        run.log_text("y", "b")
    entry = next(path for path in place.glob("*.json") if json.loads(path.read_text()).get("path") == "a")
    entry.chmod(0o666)
    away.start()
    assert tracker.hand_over_offline() and content(run.run_id, tracker) == {"b": b"y"}
    assert any("others may have written it" in record.getMessage() for record in caplog.records)


# A child that is forked while things are kept goes on keeping, and its files go with the others.
def test_fork(away, track, place):
    tracker = track(away, offline_dir=place)
    with tracker.start_run("e") as run:
        run.log_text("x", "parent")
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                run.log_text("y", "child")
                code = 0
            finally:
                os._exit(code)
        wait_for_child(pid)
    away.start()
    assert tracker.hand_over_offline() and sorted(content(run.run_id, tracker)) == ["child", "parent"]


# --- The end of the process ---

# Keeps runs of several files each.
def keep_runs(tracker, count):
    for number in range(count):
        with tracker.start_run("e", run_id=f"r{number}") as run:
            for each in range(20):
                run.log_text(f"{number} {each}", str(each))


# A next program, however short, hands over all that is kept before it ends.
def test_short_program(away, track, place):
    tracker = track(away, offline_dir=place)
    keep_runs(tracker, 15)
    away.start()
    code = f"""
import artifactd
with artifactd.ExperimentTracker(offline_dir={str(place)!r}).start_run("short"):
    pass
"""
    done = run_python(code, away)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert entries(place) == []
    assert stored_once(tracker, 300) and {each.status for each in tracker.list_runs()} == {"finished"}


# Where the daemon hangs, the program ends after its exit timeout, says how much is left, and the next one hands it over once.
def test_end_while_the_daemon_hangs(away, track, place):
    tracker = track(away, offline_dir=place)
    keep_runs(tracker, 2)
    away.start()
    code = f"""
import artifactd, os, signal
tracker = artifactd.ExperimentTracker(offline_dir={str(place)!r}, exit_timeout=0.3)
tracker._outlet(None).require()
os.kill({away.process.pid}, signal.SIGSTOP)
tracker._look_for_kept(tracker._outlet(None))
"""
    done = run_python(code, away)
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(rf"44 requests, among them 40 files of \d+ bytes, are still kept in {place}; your next program .*\n", done.stderr)
    away.signal(signal.SIGCONT)
    assert tracker.hand_over_offline() and entries(place) == [] and stored_once(tracker, 40)


# What this process kept goes to a daemon that came before its end.
def test_daemon_that_comes_before_the_end(away, track, place):
    tracker = track(away, offline_dir=place)
    keep_runs(tracker, 1)
    away.start()
    tracker.close()
    assert entries(place) == [] and stored_once(tracker, 20) and tracker.get_run("r0").status == "finished"


# Without a daemon the end says what is kept, and where; a forked child, which kept nothing, says nothing.
def test_end_without_a_daemon(away, place):
    code = f"""
import artifactd, multiprocessing
with artifactd.ExperimentTracker(offline_dir={str(place)!r}).start_run("e") as run:
    run.log_text("12345", "a")
    process = multiprocessing.get_context("fork").Process(target=int)
    process.start()
    process.join()
"""
    done = run_python(code, away)
    first, last = done.stderr.splitlines()
    assert done.returncode == 0 and first.startswith("no daemon runs: run") and first.endswith(f"is kept in {place}")
    assert last.startswith(f"3 requests, among them 1 files of 5 bytes, are still kept in {place}; your next program")


# Hand-overs that a daemon does not answer are kept at the end, and are there once when it answers after all.
def test_unanswered_at_the_end(daemon, track, place, caplog):
    tracker = track(daemon, offline_dir=place, exit_timeout=0.3)
    run = tracker.start_run("e")
    run.log_text("x", "a").wait("stored", timeout=10)
    daemon.signal(signal.SIGSTOP)
    ticket = run.log_text("y", "b")
    tracker.close()
    assert ticket.is_kept and any("'b' is kept in" in record.getMessage() for record in caplog.records)
    daemon.signal(signal.SIGCONT)
    other = track(daemon, offline_dir=place)
    assert other.hand_over_offline() and entries(place) == []
    assert stored_once(other, 2) and sorted(content(run.run_id, other)) == ["a", "b"]


# --- What is said meanwhile ---


# A ticket, and a run, say that things are kept and where; the experiment's id and the run's name are known all the same.
def test_what_is_said_while_kept(away, track, place):
    tracker = track(away, offline_dir=place, tenant_id="default")
    kept = f"is kept in {place}, and handed over by your next tracker"
    with tracker.start_run("e", run_name="n") as run:
        ticket = run.log_text("x", "a")
        for wait in (ticket.wait, lambda: ticket.wait("stored"), lambda: run.wait("stored")):
            with pytest.raises(artifactd.DaemonUnavailable, match=f"'a' {kept}"):
                wait()
        for call in (run.list_artifacts, run.download_artifacts, lambda: run.delete_artifacts("a"), lambda: run.wait("committed")):
            with pytest.raises(artifactd.DaemonUnavailable, match=f"run {run.run_id} is kept in {place}; your next tracker"):
                call()
        known = run.experiment_id
        assert run.name == "n" and run.artifact_uri == ""
        away.start()
        eventually(lambda: not run.log_text("y", "b").is_kept, "the daemon is found")
        assert [each.path for each in run.list_artifacts()] == ["a", "b"]
        assert run.artifact_uri.endswith(f"/runs/{run.run_id}/artifacts") and run.experiment_id == known
    assert tracker.get_run(run.run_id).experiment_id == known


# A ticket of a daemon that goes says so too.
def test_ticket_of_a_daemon_that_goes(daemon, track, place):
    tracker = track(daemon, offline_dir=place, retry_timeout=0.3)
    with tracker.start_run("e") as run:
        daemon.signal(signal.SIGSTOP)
        ticket = run.log_text("x", "a")
        assert not ticket.is_kept
        daemon.kill()
        with pytest.raises(artifactd.DaemonUnavailable, match=f"'a' is kept in {place}, and handed over by your next tracker"):
            ticket.wait("stored")
        assert ticket.is_kept and ticket.error is None and not ticket.done
        daemon.start()
        eventually(lambda: not run.log_text("y", "b").is_kept, "the daemon is found")
        ticket.wait("stored", timeout=10)
    assert not ticket.is_kept and stored_once(tracker, 2)


# What was logged to a run of another node, which has not handed it over itself, stays until it has.
def test_run_of_another_node_that_is_offline_too(away, track, place, tmp_path):
    track(away, offline_dir=tmp_path / "other").start_run("e", run_id="shared")
    with track(away, offline_dir=place).attach_run("shared") as run:
        run.log_text("x", "a")
    away.start()
    tracker = track(away, offline_dir=place)
    assert not tracker.hand_over_offline() and len(entries(place)) == 3
    assert track(away, offline_dir=tmp_path / "other").hand_over_offline()
    tracker.hand_over_offline()
    assert entries(place) == []


# What was logged to a run that there never was stays until its entries are dropped as the log says; it holds up no other run.
def test_run_that_never_was(away, track, place, caplog):
    with track(away, offline_dir=place).attach_run("typo-run") as run:
        run.log_text("x", "a")
        run.log_text("y", "b")
    with track(away, offline_dir=place).start_run("e", run_id="run") as run:
        run.log_text("z", "c")
    away.start()
    tracker = track(away, offline_dir=place)
    assert not tracker.hand_over_offline() and content("run", tracker) == {"c": b"z"}
    said = "there is no run 'typo-run' on this node or in its store; check the id, or drop what is kept of it: "
    (message,) = (record.getMessage() for record in caplog.records if said in record.getMessage())
    os.system(message.split(said)[1])
    assert entries(place) == []


# A group of a run that was attached to while no daemon runs is not waited for either.
def test_wait_for_a_group_without_a_daemon(away, track, place):
    with track(away, offline_dir=place).attach_run("a") as run, pytest.raises(artifactd.DaemonUnavailable):
        run.group("g", members=2).wait(timeout=600)
