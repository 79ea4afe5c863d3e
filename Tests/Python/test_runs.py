"""Experiments, runs and their artifacts, as training code sees them."""

import contextvars
import json
import os
import pathlib
import pickle
import re
import threading
import time

import pytest

import artifactd
from daemon import eventually

# As issue trackers, handbooks and README print it.
SNIPPET = '''
tracker = ExperimentTracker()
with tracker.start_run(experiment_name="fraud-detection") as run:
    run.log_artifact("/tmp/model.pkl", artifact_path="models")
    run.log_dict({"threshold": 0.5, "features": ["amount", "frequency"]}, "config/model_config.json")
    run.log_text("Model achieved 91.2% accuracy on holdout set", "reports/summary.txt")
    run.log_artifact.__self__._tracker.log_figure(fig, "plots/loss_curve.png")
    tracker.log_artifacts("/path/to/artifacts/directory", artifact_path="evaluation")
'''


class Figure:
    """What can be saved as a figure of Matplotlib can."""

    def savefig(self, file, format):
        file.write(b"a " + format.encode())


def content(daemon, run, path):
    return pathlib.Path(f"{run.artifact_uri.removeprefix('file://')}/{path}").read_bytes()


def paths(run, **options):
    return [artifact.path for artifact in run.list_artifacts(**options)]


def manifests(run):
    """What the run's manifests name."""
    directory = pathlib.Path(run.artifact_uri.removeprefix("file://")).parent / "manifests"
    return [json.loads(path.read_text()) for path in directory.glob("*.json")]


# The snippet that people know runs as it stands, paths apart; everything lies at the documented keys.
def test_snippet(daemon, tmp_path, monkeypatch):
    (tmp_path / "model.pkl").write_bytes(b"model")
    (tmp_path / "artifacts" / "inner").mkdir(parents=True)
    (tmp_path / "artifacts" / "a.csv").write_bytes(b"1,2")
    (tmp_path / "artifacts" / "inner" / "b.md").write_bytes(b"# b")
    monkeypatch.setenv("ARTIFACTD_SOCKET", str(daemon.socket))
    code = SNIPPET.replace("/tmp/model.pkl", str(tmp_path / "model.pkl"))
    code = code.replace("/path/to/artifacts/directory", str(tmp_path / "artifacts"))
    names = {"ExperimentTracker": artifactd.ExperimentTracker, "fig": Figure()}
    exec(code, names)
    run = names["run"]
    run.wait("committed", timeout=20)
    assert run.artifact_uri == f"file://{daemon.store}/experiments/{run.experiment_id}/runs/{run.run_id}/artifacts"
    assert {path: content(daemon, run, path) for path in paths(run)} == {
        "config/model_config.json": b'{\n  "threshold": 0.5,\n  "features": [\n    "amount",\n    "frequency"\n  ]\n}\n',
        "evaluation/a.csv": b"1,2",
        "evaluation/inner/b.md": b"# b",
        "models/model.pkl": b"model",
        "plots/loss_curve.png": b"a png",
        "reports/summary.txt": b"Model achieved 91.2% accuracy on holdout set",
    }
    (manifest,) = manifests(run)
    assert [each["path"] for each in manifest["artifacts"]] == paths(run) and manifest["status"] == "finished"
    names["tracker"].close()


# --- Tickets ---


# Each call returns a ticket at once, which says how far the artifact has come.
def test_tickets(tracker, tmp_path):
    (tmp_path / "f").write_bytes(bytes(100_000))
    with tracker.start_run("e") as run:
        tickets = [run.log_text("x", "a.txt"), run.log_dict({}, "b.yaml"), run.log_artifact(tmp_path / "f")]
        for ticket in tickets:
            ticket.wait("stored", timeout=10)
            assert ticket.done and ticket.error is None
        assert [ticket.path for ticket in tickets] == ["a.txt", "b.yaml", "f"]
        assert tickets[1].destination == f"{run.artifact_uri}/b.yaml"


# A directory's tickets can be asked about together.
def test_ticket_set(tracker, tmp_path):
    (tmp_path / "files").mkdir()
    for number in range(600):
        (tmp_path / "files" / str(number)).write_bytes(b"x")
    with tracker.start_run("e") as run:
        tickets = run.log_artifacts(tmp_path / "files")
        tickets.wait("stored", timeout=20)
        assert tickets.done and tickets.error is None and tickets.errors == {} and len(tickets) == 600


# Leaving the block does not wait for the store; what is waited for instead is the caller's choice.
@pytest.mark.parametrize("level", ["durable", "stored", "committed"])
def test_wait_on_exit(tracker, level, tmp_path):
    (tmp_path / "f").write_bytes(bytes(10_000_000))
    with tracker.start_run("e", wait_on_exit=level, timeout=20) as run:
        run.log_artifact(tmp_path / "f")
    if level != "durable":
        assert [artifact.state for artifact in run.list_artifacts()] == ["stored"]
    assert level != "committed" or len(manifests(run)) == 1


# What is flushed is committed while the run goes on; later artifacts come with the next manifest.
def test_flush(tracker):
    with tracker.start_run("e") as run:
        run.log_text("x", "a")
        run.flush()
        run.wait("committed", timeout=10)
        assert [each["path"] for each in manifests(run)[0]["artifacts"]] == ["a"]
        run.log_text("x", "b")
    run.wait("committed", timeout=10)
    assert [each["path"] for each in manifests(run)[0]["artifacts"]] == ["a", "b"]


# A bar is shown on request, and says what was done.
@pytest.mark.parametrize("has_tqdm", [True, False])
def test_progress(tracker, capfd, monkeypatch, has_tqdm):
    if not has_tqdm:
        monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    elif not __import__("importlib.util").util.find_spec("tqdm"):
        pytest.skip("tqdm is not installed")
    with tracker.start_run("e") as run:
        run.log_text("x" * 1000, "a")
        run.wait(progress=True, timeout=10)
    shown = capfd.readouterr().err
    assert "1 artifacts" in shown and "100%" in shown


# A bar on a terminal is drawn over itself.
def test_progress_on_a_terminal(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    from artifactd.progress import Progress

    class Terminal(__import__("io").StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with Progress(4096, "2 artifacts", stream) as bar:
        bar.show(1024)
        bar.show(4096)
    assert stream.getvalue().count("\r") == 2 and "100% of 4.0 KiB" in stream.getvalue() and stream.getvalue().endswith("\n")


# --- Reading back ---


# Artifacts are listed by path and by kind, and come back as they were.
def test_list_and_download(tracker, tmp_path):
    with tracker.start_run("e") as run:
        run.log_text("x", "a/b.txt")
        run.log_text("y" * 100_000, "a/c.csv", compression="zstd")
        run.log_text("z", "ab.onnx")
        assert paths(run, path="a") == ["a/b.txt", "a/c.csv"] and paths(run, path="a/") == ["a/b.txt", "a/c.csv"]
        assert paths(run, kind="data") == ["a/c.csv"] and paths(run, kind="onnx") == ["ab.onnx"] and paths(run, path="x") == []
        run.wait(timeout=10)
        assert run.list_artifacts().incomplete is None
        place = run.download_artifacts("a", tmp_path / "out", timeout=10)
        assert place == str(tmp_path / "out" / "a") and (tmp_path / "out" / "a" / "c.csv").read_text() == "y" * 100_000
        assert sorted(os.listdir(run.download_artifacts(timeout=10))) == ["a", "ab.onnx"]
        assert pathlib.Path(run.download_artifacts("ab.onnx")).read_text() == "z"
        with pytest.raises(artifactd.NotFound, match="has no artifact at or below 'absent'"):
            run.download_artifacts("absent")
        assert run.delete_artifacts("a", recursive=True) == 2 and paths(run) == ["ab.onnx"]
        with pytest.raises(artifactd.NotFound):
            run.delete_artifacts("a")


# What cannot be written where it shall go is named, the rest comes.
def test_download_beside_what_is_there(tracker, tmp_path):
    (tmp_path / "a").touch()
    with tracker.start_run("e") as run:
        run.log_text("x", "a/b")
        run.log_text("y", "c")
        with pytest.raises(artifactd.ArtifactsFailed, match="download to an empty one") as failed:
            run.download_artifacts(None, tmp_path, timeout=10)
    assert list(failed.value.errors) == ["a/b"] and (tmp_path / "c").read_text() == "y"


# An artifact can be written straight into the daemon's spool.
def test_open_artifact(tracker, daemon):
    with tracker.start_run("e") as run:
        with run.open_artifact("models/m.pt", size_hint=7) as file:
            file.write(b"content")
        with pytest.raises(ZeroDivisionError), run.open_artifact("models/n.pt") as file:
            raise ZeroDivisionError
    run.wait(timeout=10)
    assert content(daemon, run, "models/m.pt") == b"content" and paths(run) == ["models/m.pt"]


# --- Experiments ---


# An experiment is made with all its fields, found by name and id, changed, archived and restored.
def test_experiments(tracker, daemon):
    location = f"file://{daemon.store}/elsewhere"
    config = artifactd.ExperimentConfig("é", "about", {"team": "fraud", "priority": 3}, location)
    made = tracker.create_experiment(config)
    assert (made.name, made.description, made.tags) == ("é", "about", {"priority": "3", "team": "fraud"})
    assert (made.artifact_location, made.lifecycle_stage, made.tenant_id) == (location, "active", "default")
    assert tracker.get_experiment("é") == tracker.get_experiment(experiment_id=made.id)
    changed = tracker.update_experiment("é", description="more", tags={"team": None, "new": True})
    assert (changed.description, changed.tags) == ("more", {"new": "True", "priority": "3"})
    assert changed.last_updated >= made.last_updated
    with pytest.raises(artifactd.Conflict):
        tracker.create_experiment("é")
    assert tracker.archive_experiment("é").lifecycle_stage == "deleted"
    with pytest.raises(artifactd.Conflict):
        tracker.start_run("é")
    assert tracker.restore_experiment(experiment_id=made.id).lifecycle_stage == "active"
    with tracker.start_run(experiment_id=made.id) as run:
        run.log_text("x", "a")
    run.wait("committed", timeout=10)
    assert (daemon.store / "elsewhere" / "runs" / run.run_id / "artifacts" / "a").read_bytes() == b"x"


# Experiments are searched by a part of their names, whatever the case, and in pages.
def test_search_experiments(tracker):
    for name in ("Fraud", "fraud-2", "other"):
        tracker.create_experiment(name, tags={"a": "b"})
    tracker.archive_experiment("fraud-2")
    names = [each.name for each in tracker.search_experiments("FRAUD")]
    assert names == ["Fraud", "fraud-2"]
    assert [each.name for each in tracker.search_experiments(lifecycle_stage="deleted")] == ["fraud-2"]
    assert [each.name for each in tracker.search_experiments(limit=1, offset=1)] == ["fraud-2"]
    assert tracker.search_experiments(offset=3) == []


# --- Runs ---


# A run has a name, a description and tags, those of its user and job among them; runs are found again.
def test_runs(tracker):
    config = artifactd.RunConfig("first", user_id="ada", job_id="4711")
    with tracker.start_run("e", config, description="d", tags={"epochs": 3}) as run:
        assert run.name == "first"
        found = tracker.get_run(run.run_id)
        assert (found.name, found.description, found.status, found.ended_at) == ("first", "d", "running", None)
        assert found.tags == {"epochs": "3", "job_id": "4711", "user_id": "ada"}
    with tracker.start_run("e", run_id="chosen-1", run_name="second"):
        pass
    assert [each.name for each in tracker.list_runs("e")] == ["second", "first"]
    assert [each.run_id for each in tracker.list_runs(search="SECOND", status="finished")] == ["chosen-1"]
    assert [each.run_id for each in tracker.list_runs(limit=1, offset=1)] == [run.run_id]
    assert tracker.get_run(run.run_id).ended_at >= found.started_at


# Without a block a run is ended by a call, in whatever state.
@pytest.mark.parametrize("status", ["finished", "failed", "killed"])
def test_end(tracker, status):
    run = tracker.start_run("e")
    tracker.log_text("x", "a")
    run.end(status)
    assert tracker.get_run(run.run_id).status == status
    with pytest.raises(artifactd.Conflict, match="is over"):
        run.log_text("x", "b")
    with pytest.raises(artifactd.NoActiveRun):
        tracker.log_text("x", "b")
    with pytest.raises(artifactd.Conflict):
        tracker.end_run(run.run_id, "finished" if status != "finished" else "failed")
    assert tracker.end_run(run.run_id, status).status == status


# Another tracker attaches to a run by its id; leaving commits what it logged and does not end the run.
def test_attach(tracker, track, daemon):
    run = tracker.start_run("e")
    other = track(daemon)
    with other.attach_run(run.run_id) as attached:
        assert (attached.run_id, attached.experiment_id, attached.artifact_uri) == (run.run_id, run.experiment_id, run.artifact_uri)
        other.log_text("x", "a")
    attached.wait("committed", timeout=10)
    assert [each["path"] for each in manifests(run)[0]["artifacts"]] == ["a"]
    assert tracker.get_run(run.run_id).status == "running"
    run.log_text("y", "b")
    run.end()
    run.wait("committed", timeout=10)
    assert [each["path"] for each in manifests(run)[0]["artifacts"]] == ["a", "b"]


# A run that another node is just starting is looked for until the store shows it.
def test_attach_before_it_is_there(daemon, start_daemon, track):
    other = start_daemon(running=False)
    other.store = daemon.store
    tracker = track(other.start())
    registry, has_looked = tracker._outlet(None).client.registry, threading.Event()
    look = registry.get_run

    def noticed(run_id):
        try:
            return look(run_id)
        finally:
            has_looked.set()

    registry.get_run = noticed
    found = []
    thread = threading.Thread(target=lambda: found.append(tracker.attach_run("r", timeout=30)))
    thread.start()
    assert has_looked.wait(20)
    run = track(daemon).start_run("e", run_id="r")
    thread.join()
    found[0].log_text("x", "a").wait("stored", timeout=10)
    run.end()
    assert paths(found[0]) == ["a"]


# One that is nowhere is not found when the time is up; without any it is looked for once.
def test_attach_to_nothing(tracker):
    registry, asked = tracker._outlet(None).client.registry, []
    look = registry.get_run
    registry.get_run = lambda run_id: asked.append(run_id) or look(run_id)
    with pytest.raises(artifactd.NotFound, match=r"^there is no run 'absent' on this node or in its store; check the id$"):
        tracker.attach_run("absent", timeout=0)
    assert len(asked) == 1
    with pytest.raises(artifactd.NotFound):
        tracker.attach_run("absent", timeout=0.3)
    assert len(asked) > 3


# A run that has ended can be attached to for reading, not for logging.
def test_attach_to_what_has_ended(tracker, track, daemon):
    with tracker.start_run("e") as run:
        run.log_text("x", "a")
    with track(daemon).attach_run(run.run_id) as attached:
        assert paths(attached) == ["a"]
        with pytest.raises(artifactd.Conflict, match=f"run {run.run_id} is over .finished.; start a new one"):
            attached.log_text("x", "b")


# Where another process ends the run first, what is logged then fails and is told.
def test_run_ended_elsewhere(tracker, track, daemon):
    with pytest.raises(artifactd.ArtifactsFailed) as failed, tracker.start_run("e") as run:
        track(daemon).end_run(run.run_id)
        run.log_text("x", "late")
    assert isinstance(failed.value.errors["late"], artifactd.Conflict)


# A run travels between processes, attached.
def test_pickle(tracker):
    with tracker.start_run("e") as run:
        copy = pickle.loads(pickle.dumps(run))
        with copy:
            copy.log_text("x", "a")
        assert copy.run_id == run.run_id and tracker.get_run(run.run_id).status == "running"
        copy._tracker.close()
    assert paths(run) == ["a"]


# --- The active run ---


# Blocks may stand in one another: the innermost run counts.
def test_nested_runs(tracker):
    with tracker.start_run("outer") as outer:
        with tracker.start_run("inner") as inner:
            tracker.log_text("x", "a")
            assert tracker.active_run is inner
        tracker.log_text("y", "b")
    assert paths(inner) == ["a"] and paths(outer) == ["b"]


# Each thread has active runs of its own, each tracker too; a context can be taken along.
def test_active_run_of_threads(tracker, track, daemon):
    found = {}

    def work(name):
        try:
            with tracker.start_run(name) as run:
                found[name] = tracker.active_run is run
        except artifactd.ArtifactError as error:
            found[name] = error

    def ask():
        try:
            found["without"] = tracker.active_run
        except artifactd.NoActiveRun as error:
            found["without"] = str(error)

    with tracker.start_run("e") as run:
        context = contextvars.copy_context()
        threads = [threading.Thread(target=work, args=[name]) for name in "ab"]
        threads += [threading.Thread(target=ask), threading.Thread(target=context.run, args=[tracker.log_text, "x", "from-thread"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with pytest.raises(artifactd.NoActiveRun):
            track(daemon).log_text("x", "a")
    assert found["a"] is found["b"] is True and "no run is active in this thread; log within" in found["without"]
    assert paths(run) == ["from-thread"]


# --- Groups ---


def missing_members(group):
    """The error that names them, once the daemon has looked who is there."""

    def ask():
        with pytest.raises(artifactd.MembersMissing) as missing:
            group.wait("committed", timeout=0.3)
        return missing.value if missing.value.missing else None

    return eventually(ask, "the missing members are known")


# A group is committed when every member's files are stored; until then the missing ones are named at the deadline.
def test_group(tracker, daemon):
    with tracker.start_run("e") as run:
        for rank in (0, 2):
            with run.group("step-1000", members=3, member=rank) as group:
                group.log_text(f"{rank}", f"checkpoints/{rank}.pt")
        missing = missing_members(group)
        assert missing.missing == [1] and isinstance(missing, TimeoutError)
        assert "'step-1000'" in str(missing) and "of 3 members these are missing: 1;" in str(missing)
        with run.group("step-1000", members=3, member=1) as group:
            group.log_text("1", "checkpoints/1.pt")
            with group.open_artifact("checkpoints/1.metadata") as file:
                file.write(b"m")
        run.group("step-1000", members=3).wait(timeout=10)
    commit = pathlib.Path(run.artifact_uri.removeprefix("file://")).parent / "groups" / "step-1000" / "commit.json"
    named = [each["path"] for each in json.loads(commit.read_text())["artifacts"]]
    assert named == ["checkpoints/0.pt", "checkpoints/1.metadata", "checkpoints/1.pt", "checkpoints/2.pt"]


# The member is the rank that torchrun names; who is no member can only wait.
def test_rank_of_a_group(tracker, monkeypatch):
    with tracker.start_run("e") as run:
        with pytest.raises(artifactd.InvalidRequest, match="or RANK in the environment"):
            run.group("g", members=2).log_text("x", "a")
        monkeypatch.setenv("RANK", "1")
        assert run.group("g", members=2).member == 1
        with pytest.raises(artifactd.NotFound, match="asked to commit nothing"):
            run.group("g", members=2).wait(timeout=1)


# A member whose block an exception leaves is not complete.
def test_member_that_fails(tracker):
    with tracker.start_run("e") as run:
        with run.group("g", members=2, member=0) as group:
            group.log_text("x", "a")
        with pytest.raises(ZeroDivisionError), run.group("g", members=2, member=1) as group:
            group.log_text("x", "b")
            raise ZeroDivisionError
        assert missing_members(group).missing == [1]


# --- Time ---


# Hand-overs return long before anything is stored.
def test_calls_return_at_once(tracker, tmp_path):
    (tmp_path / "f").write_bytes(bytes(50_000_000))
    with tracker.start_run("e") as run:
        run.log_text("x", "warm")
        taken = []
        for number in range(5):
            begun = time.monotonic()
            run.log_artifact(tmp_path / "f", f"{number}")
            taken.append(time.monotonic() - begun)
        assert sorted(taken)[2] < 0.02
    assert re.fullmatch("[0-9a-f]{32}", run.run_id)
