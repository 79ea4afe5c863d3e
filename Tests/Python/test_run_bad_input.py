"""What cannot be is refused with an error of our own that says what to do, and the run goes on."""

import os
import types

import pytest

import artifactd
from artifactd.messages import CommitWaited, Error


@pytest.fixture
def run(tracker):
    with tracker.start_run("e") as run:
        yield run


def refuses(kind, text, call):
    with pytest.raises(kind, match=text or None) as refusal:
        call()
    assert isinstance(refusal.value, artifactd.ArtifactError) and refusal.value.code


# --- Paths ---


# Paths that cannot be keys are refused at once, whatever is logged, and leave nothing behind.
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("../a", "'../a' cannot be .* the part '..'; write the plain path"),
        ("a/../b", "the part '..'"),
        ("./a", "the part '.'"),
        ("/a", "begins or ends with a slash"),
        ("a//b", "two in a row"),
        ("a/", "ends with a slash"),
        ("", "it is empty; name one"),
        ("a\nb", "control characters; rename it"),
        ("a\x85b", "control characters"),
        ("a\udcff", "no UTF-8 form; rename it"),
        ("a" * 1025, "1025 bytes, and keys in S3 have at most 1024; shorten it"),
        (7, "must be text such as 'plots/loss.png', not int"),
        (None, "must be text"),
    ],
    ids=repr,
)
def test_paths(run, path, text):
    figure = types.SimpleNamespace(savefig=lambda file, format: file.write(b"x"))
    refuses(artifactd.InvalidKey, text, lambda: run.log_text("x", path))
    refuses(artifactd.InvalidKey, text, lambda: run.log_dict({}, path))
    refuses(artifactd.InvalidKey, text, lambda: run.log_figure(figure, path))
    refuses(artifactd.InvalidKey, text, lambda: run.open_artifact(path))
    refuses(artifactd.InvalidKey, text, lambda: run.group("g", 1, 0).log_text("x", path))
    assert run.list_artifacts() == []


# The directory of the run too; there a slash at the end may stand.
def test_directories(run, tmp_path):
    (tmp_path / "f").write_bytes(b"x")
    for path in ("..", "/a", "a//b", 7):
        refuses(artifactd.InvalidKey, "artifact's path", lambda path=path: run.log_artifact(tmp_path / "f", path))
        refuses(artifactd.InvalidKey, "artifact's path", lambda path=path: run.log_artifacts(tmp_path, path))
    run.log_artifact(tmp_path / "f", "a/b/")
    assert [each.path for each in run.list_artifacts()] == ["a/b/f"]


# A name that the store cannot hold is the ticket's to tell.
def test_name_that_the_store_cannot_hold(tracker):
    with pytest.raises(artifactd.ArtifactsFailed), tracker.start_run("e") as run:
        ticket = run.log_text("x", "a" * 256)
        refuses(artifactd.InvalidKey, "shorten|longer|255", lambda: ticket.wait(timeout=10))


# --- What is logged ---


# What is no file is refused, and says what to do.
def test_sources(run, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    refuses(artifactd.InvalidSource, "is not there; give a file", lambda: run.log_artifact(tmp_path / "absent"))
    refuses(artifactd.InvalidSource, "log what is in it with log_artifacts", lambda: run.log_artifact(tmp_path))
    refuses(artifactd.InvalidSource, "is a FIFO", lambda: run.log_artifact(tmp_path / "fifo"))
    refuses(artifactd.InvalidSource, "takes a file's path, not a dict; use log_dict", lambda: run.log_artifact({}))
    refuses(artifactd.InvalidSource, "log a single file with log_artifact", lambda: run.log_artifacts(tmp_path / "fifo"))
    refuses(artifactd.InvalidSource, "give a directory that is", lambda: run.log_artifacts(tmp_path / "absent"))


# Values without a form name the place in them.
def test_values(run):
    refuses(artifactd.NotSerialisable, r"`a\.b\[0\]` is a object", lambda: run.log_dict({"a": {"b": [object()]}}, "a.json"))
    refuses(artifactd.NotSerialisable, "takes a str, not a bytes", lambda: run.log_text(b"x", "a"))
    refuses(artifactd.NotSerialisable, "no UTF-8 form", lambda: run.log_text("\udcff", "a"))
    refuses(artifactd.NotSerialisable, "is no figure", lambda: run.log_figure("x", "a.png"))
    refuses(artifactd.NotSerialisable, "`a` is an int with too many digits", lambda: run.log_dict({"a": 10**5000}, "a.json"))
    refuses(artifactd.NotSerialisable, "too many digits", lambda: run.log_dict({10**5000: 1}, "a.yaml"))
    for value in (None, "text", b"x", 7):
        refuses(artifactd.NotSerialisable, "takes a dict or a list, not", lambda value=value: run.log_dict(value, "a.json"))
    assert run.list_artifacts() == []


# In a directory whatever cannot be handed over is named, and raised when the block is left; the rest is there.
def test_directory_with_bad_files(tracker, tmp_path, monkeypatch):
    place = tmp_path / "files"
    (place / "inner").mkdir(parents=True)
    (place / "closed").mkdir()
    (place / "inner" / "loop").symlink_to("..")
    (place / "gone").symlink_to("nothing")
    os.mkfifo(place / "fifo")
    (place / "line\nbreak").touch()
    os.close(os.open(os.fsencode(place) + b"/\xff", os.O_CREAT))
    for name in ("good", "inner/good", "secret", "closed/f"):
        (place / name).write_bytes(b"x")
    (place / "secret").chmod(0)
    (place / "closed").chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(place)
    bad = {"inner/loop", "gone", "fifo", "line\nbreak", "\\udcff", "secret", "closed"}
    try:
        with pytest.raises(artifactd.ArtifactsFailed, match="7 artifacts of the run failed") as failed:
            with tracker.start_run("e") as run:
                is_root = os.geteuid() == 0
                # Nothing is unreadable for root. The daemon knows who connected.
                if is_root:
                    os.seteuid(65534)
                try:
                    tickets = run.log_artifacts(".", "all")
                finally:
                    if is_root:
                        os.seteuid(0)
                with pytest.raises(artifactd.ArtifactsFailed):
                    tickets.wait("stored", timeout=10)
                assert set(tickets.errors) == {f"all/{name}" for name in bad} and tickets.done
    finally:
        (place / "closed").chmod(0o700)
    errors = failed.value.errors
    assert set(errors) == {f"all/{name}" for name in bad}
    assert isinstance(errors["all/secret"], artifactd.SourceUnreadable) and "permissions" in str(errors["all/secret"])
    assert isinstance(errors["all/inner/loop"], artifactd.InvalidSource) and "remove the link" in str(errors["all/inner/loop"])
    assert [each.path for each in run.list_artifacts()] == ["all/good", "all/inner/good"]


# --- Arguments ---

SECONDS = "must be a number of seconds, finite and not negative"
NO_DURATIONS = ("x", b"1", -1, float("nan"), float("inf"), 10**400, True, [1], 10**5000)


# What waits takes seconds and nothing else, says so by the argument's name, before anything is made.
@pytest.mark.parametrize("timeout", NO_DURATIONS, ids=lambda value: type(value).__name__)
def test_timeouts(run, tmp_path, timeout):
    (tmp_path / "empty").mkdir()
    client, tracker, ticket, group = run.client, run._tracker, run.log_text("x", "a"), run.group("g", 1, 0)
    for call in (
        ticket.wait,
        run.wait,
        run.flush,
        run.list_artifacts,
        run.download_artifacts,
        group.wait,
        group.flush,
        run.log_artifacts(tmp_path / "empty").wait,
        client.wait,
        client.flush,
        client.connect,
        client.status,
        client.jobs,
        client.retry,
        client.open_spool,
    ):
        refuses(artifactd.InvalidRequest, f"timeout {SECONDS}", lambda call=call: call(timeout=timeout))
    refuses(artifactd.InvalidRequest, f"attach_run: timeout {SECONDS}", lambda: tracker.attach_run("r", timeout=timeout))
    refuses(artifactd.InvalidRequest, f"start_run: timeout {SECONDS}", lambda: tracker.start_run("other", timeout=timeout))
    refuses(artifactd.InvalidRequest, "", lambda: run.open_artifact("b", timeout=timeout))
    for name in ("retry_timeout", "answer_timeout", "exit_timeout"):
        refuses(artifactd.InvalidRequest, f"{name} {SECONDS}", lambda name=name: artifactd.Client(**{name: timeout}))
        refuses(artifactd.InvalidRequest, f"{name} {SECONDS}", lambda name=name: artifactd.ExperimentTracker(**{name: timeout}))
    assert [each.name for each in tracker.search_experiments()] == ["e"]


# Arguments of other kinds are named too, with what to give.
@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda run: artifactd.ExperimentTracker(tenant_id=5), "tenant_id must be a str that is not empty, or None, not 5"),
        (lambda run: artifactd.ExperimentTracker(tenant_id=""), "tenant_id must be a str"),
        (lambda run: artifactd.ExperimentTracker(5), "socket must be a path"),
        (lambda run: artifactd.ExperimentTracker(b"/s"), "socket must be a path"),
        (lambda run: artifactd.ExperimentTracker(offline_dir=5), "offline_dir must be a path"),
        (lambda run: artifactd.Client(""), "socket must be a path"),
        (lambda run: artifactd.Client(tenant=b"x"), "tenant must be a str"),
        (lambda run: artifactd.RunConfig(tenant_id=5), "tenant_id must be a str"),
        (lambda run: artifactd.ExperimentConfig("e", tenant_id=5), "tenant_id must be a str"),
        (lambda run: artifactd.ExperimentConfig(None), "name must be a str"),
        (lambda run: run._tracker.start_run("n", {"run_name": "x"}), r"config must be a RunConfig, not a dict; .*RunConfig\("),
        (lambda run: run._tracker.start_run("n", run_name=5), "a run's name must be text, not int"),
        (lambda run: run._tracker.start_run("n", run_name=b"x"), "must be text, not bytes"),
        (lambda run: run._tracker.start_run("n", tags={1: "x"}), "a tag's key must be text, not int"),
        (lambda run: run._tracker.start_run("n", tags={"k": 10**5000}), "the value of tag 'k' has too many digits"),
        (lambda run: run._tracker.start_run("n", wait_on_exit=None), "choose one of accepted"),
        (lambda run: run._tracker.start_run(experiment_id=5), "experiment_id must be a str"),
        (lambda run: run._tracker.create_experiment(None), "config must be a ExperimentConfig, not a NoneType"),
        (lambda run: run._tracker.create_experiment("n", artifact_location=5), "artifact_location must be a str"),
        (lambda run: run._tracker.get_experiment(5), "name must be a str"),
        (lambda run: run._tracker.get_experiment(experiment_id=""), "experiment_id must be a str"),
        (lambda run: run._tracker.search_experiments(5), "search must be a str"),
        (lambda run: run._tracker.search_experiments(lifecycle_stage={}), "choose one of active, deleted"),
        (lambda run: run._tracker.list_runs(limit="x"), "limit must be an int"),
        (lambda run: run._tracker.list_runs(offset=-1), "offset must be an int that is not negative"),
        (lambda run: run._tracker.list_runs(status=["running"]), "choose one of running"),
        (lambda run: run._tracker.end_run("absent", None), ""),
        (lambda run: run._tracker.attach_run(None), "cannot be a run's id"),
        (lambda run: run.end(None), "finished, failed or killed"),
        (lambda run: run.wait(None), "choose one of"),
        (lambda run: run.wait(progress="no"), "progress must be True or False"),
        (lambda run: run.delete_artifacts("a", "yes"), "recursive must be True or False"),
        (lambda run: run.list_artifacts(kind=5), "choose one of model"),
        (lambda run: run.download_artifacts("a", 5), "dst_path must be a path"),
        (lambda run: run.log_artifacts(None), "log_artifacts: local_dir must be a path"),
        (lambda run: run.log_artifacts(""), "local_dir must be a path"),
        (lambda run: run.log_text("x", "a", colour="red"), "log_text has no option 'colour'; its options are level"),
        (lambda run: run.log_text("x", "a", level="stored"), "choose one of accepted, durable"),
        (lambda run: run.log_text("x", "a", compression={}), "choose one of none, gzip"),
        (lambda run: run.log_text("x", "a", content_type=b"text/plain"), "content_type must be a str"),
        (lambda run: run.log_text("x", "a", idempotency_key="x"), "idempotency_key must be 1 to 128 bytes"),
        (lambda run: run.log_figure(object(), "a.png", save_options="dpi"), "save_options must be a dict whose keys are str"),
        (lambda run: run.open_artifact("a", size_hint="x"), "size_hint must be an int"),
        (lambda run: run.open_artifact("a", colour="red"), "no option 'colour'"),
        (lambda run: run.group("g", "2"), "1 to 10,000 members"),
        (lambda run: run.group(None, 2), "name must be a str"),
        (lambda run: run.client.put(b"x", None), "destination must be a URI, a key"),
        (lambda run: run.client.put(b"x", ""), "destination must be a URI, a key"),
        (lambda run: run.client.wait("0198c0de-1234-7abc-8def-0123456789ab"), "jobs must be a list of tickets"),
        (lambda run: run.client.wait([7]), "jobs must be tickets or jobs' ids; 7 is none"),
        (lambda run: run.client.wait(run.log_text("x", "a")), "jobs must be a list"),
        (lambda run: run.client.retry("0198c0de"), "ids must be a list"),
        (lambda run: run.client.jobs(5), "state must be a state or a list of states"),
        (lambda run: list(run.client.jobs(["done"])), "choose one of accepted"),
        (lambda run: run.client.get("a", 5), "target must be a path or an open binary file"),
        (lambda run: run.client.delete(None), "uri must be a str"),
        (lambda run: run.client.list_objects(None), "prefix must be a str"),
        (lambda run: list(run.client.list_objects("", page_size=5000)), ""),
    ],
)
def test_arguments(run, call, text):
    refuses(artifactd.InvalidRequest, text, lambda: call(run))


# --- Names ---


# Names, descriptions and tags out of range are refused before anything is sent.
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"experiment_name": "x" * 256}, "an experiment's name has 1 to 255 characters; 'xxx.*…' has 256: choose another"),
        ({"experiment_name": ""}, "has 0"),
        ({"experiment_name": "a\tb"}, "no control characters"),
        ({"experiment_name": 7}, "must be text, not int"),
        ({}, "experiment_name or by experiment_id"),
        ({"experiment_name": "e", "experiment_id": "x"}, "one of the two"),
        ({"experiment_name": "e", "run_name": "x" * 256}, "a run's name has 1 to 255 characters"),
        ({"experiment_name": "e", "description": "x" * 1001}, "up to 1000 characters, this one has 1001"),
        ({"experiment_name": "e", "run_id": "a/b"}, "cannot be a run's id; one has 1 to 64"),
        ({"experiment_name": "e", "run_id": "a" * 65}, "cannot be a run's id"),
        ({"experiment_name": "e", "tags": {"k": object()}}, "the value of tag 'k' must be text"),
        ({"experiment_name": "e", "tags": {"k": "x" * 5001}}, "up to 5000 bytes, that of 'k' has 5001"),
        ({"experiment_name": "e", "tags": {"é" * 126: "x"}}, "1 to 250 bytes; .* has 252"),
        ({"experiment_name": "e", "tags": {str(number): "x" for number in range(101)}}, "at most 100 tags"),
        ({"experiment_name": "e", "tags": ["a"]}, "tags must be a dict"),
        ({"experiment_name": "e", "wait_on_exit": "done"}, "choose one of accepted, durable, stored, committed"),
    ],
)
def test_names(tracker, options, text):
    refuses(artifactd.InvalidRequest, text, lambda: tracker.start_run(**options))
    assert tracker.list_runs() == []


# Names of exactly 255 characters are possible.
def test_longest_names(tracker):
    with tracker.start_run("é" * 255, run_name="x" * 255, description="d" * 1000) as run:
        pass
    assert tracker.get_run(run.run_id).name == "x" * 255


# Pages and experiments that cannot be.
def test_questions(tracker):
    refuses(artifactd.InvalidRequest, "1 to 1,000", lambda: tracker.search_experiments(limit=1001))
    refuses(artifactd.InvalidRequest, "1 to 1,000", lambda: tracker.list_runs(limit=0))
    refuses(artifactd.InvalidRequest, "by its name or by its id", tracker.get_experiment)
    refuses(artifactd.InvalidRequest, "no such field", lambda: tracker.create_experiment("e", colour="red"))
    refuses(artifactd.DestinationNotAllowed, "elsewhere", lambda: tracker.create_experiment("e", artifact_location="s3://elsewhere/a"))
    refuses(artifactd.InvalidRequest, "tags must be a dict", lambda: tracker.update_experiment("e", tags=["a"]))
    refuses(artifactd.NotFound, "", lambda: tracker.get_experiment("absent"))
    refuses(artifactd.NotFound, "", lambda: tracker.archive_experiment("absent"))


# Groups that cannot be.
def test_groups(run):
    refuses(artifactd.InvalidRequest, "use 1 to 128 of", lambda: run.group("a/b", 1))
    refuses(artifactd.InvalidRequest, "1 to 10,000 members", lambda: run.group("g", 0))
    refuses(artifactd.InvalidRequest, "they are 0 to 1", lambda: run.group("g", 2, 2))
    run.group("g", 2, 0).flush()
    refuses(artifactd.Conflict, "", run.group("g", 3, 1).flush)


# Where nodes name different numbers of members, every wait says so.
def test_group_of_two_sizes(run, monkeypatch):
    group = run.group("g", 3, 1)
    group.flush()
    refusal = Error(code="conflict", message="node b says that group g has 2 members")
    answer = CommitWaited(committed=False, missing=[0], error=refusal)
    monkeypatch.setattr(run.client.registry, "wait_commit", lambda *_: answer)
    for _ in range(2):
        refuses(artifactd.Conflict, "2 members", group.wait)


# What can be waited for is named, for each thing its own.
def test_levels(run):
    refuses(artifactd.InvalidRequest, "accepted, durable, stored, committed$", lambda: run.wait("foo"))
    refuses(artifactd.InvalidRequest, "accepted, durable, stored, committed$", lambda: run.group("g", 1, 0).wait("foo"))
    refuses(artifactd.InvalidRequest, "accepted, durable, stored; a run or a group is", lambda: run.log_text("x", "a").wait("committed"))


# --- Runs ---


# Runs that are not there, have ended, or lie in an archived experiment.
def test_runs(tracker):
    for call in (tracker.attach_run, tracker.get_run, tracker.end_run):
        refuses(artifactd.NotFound, "absent", lambda call=call: call("absent"))
        refuses(artifactd.InvalidRequest, "cannot be a run's id", lambda call=call: call("../a"))
    with tracker.start_run("e", run_id="r"):
        pass
    refuses(artifactd.Conflict, "has ended .finished.; start one with another id", lambda: tracker.start_run("e", run_id="r"))
    refuses(artifactd.Conflict, "", lambda: tracker.start_run("other", run_id="r"))
    tracker.archive_experiment("e")
    refuses(artifactd.Conflict, "restore", lambda: tracker.start_run("e"))
    refuses(artifactd.InvalidRequest, "finished, failed or killed", lambda: tracker.start_run("f").end("done"))


# Another tenant's runs and experiments.
def test_tenants(daemon, track):
    acme, other = track(daemon, tenant_id="acme"), track(daemon, tenant_id="other")
    with acme.start_run("e") as run:
        run.log_text("x", "a")
    refuses(artifactd.TenantMismatch, "", lambda: other.attach_run(run.run_id))
    refuses(artifactd.TenantMismatch, "", lambda: other.get_experiment(experiment_id=run.experiment_id))
    refuses(artifactd.TenantMismatch, "", lambda: other.start_run(experiment_id=run.experiment_id))
    assert other.search_experiments() == [] and other.list_runs() == []
    # The tenant can be chosen for a run alone.
    with other.start_run("e", artifactd.RunConfig(tenant_id="acme")) as second:
        assert second.experiment_id == run.experiment_id
    assert len(acme.list_runs("e")) == 2 and len(other.list_runs(tenant_id="acme")) == 2
