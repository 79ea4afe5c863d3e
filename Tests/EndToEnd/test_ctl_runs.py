"""Experiments, runs and artifacts from the shell."""

import base64
import json
import re

import pytest

import content
from protocol_client import HELLO, Client, field

COMMIT = 0x0060
NAMES = {
    "model": "a model.pt",
    "onnx": "deep/net.onnx",
    "configuration": "deep/er/model_config.json",
    "plot": "loss.png",
    "data": "table.csv",
    "report": "summary.md",
    "other": "weights.bin",
}


@pytest.fixture
def files(tmp_path):
    """A directory with a file of every kind."""
    root = tmp_path / "files"
    for number, name in enumerate(NAMES.values()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.json_lines(1000, seed=number))
    return root


def start(daemon, experiment="fraud", *options):
    """A new run's id."""
    return daemon.ctl("runs", "start", experiment, *options).stdout.strip()


def documents(daemon, *arguments, **options):
    return [json.loads(line) for line in daemon.ctl(*arguments, "--json", **options).stdout.splitlines()]


def listed(daemon, run, *options):
    return {each["path"]: each for each in documents(daemon, "artifacts", run, *options)}


def key_of(daemon, run, path=""):
    """The key below the store of a run's artifacts, or of one."""
    (document,) = documents(daemon, "runs", "get", run)
    assert document["artifact_uri"].startswith(daemon.store + "/")
    return document["artifact_uri"].removeprefix(daemon.store + "/") + "/" + path


def manifests(daemon, place, run):
    """What the run's manifests name, by their keys."""
    prefix = key_of(daemon, run).removesuffix("artifacts/") + "manifests/"
    return {key: json.loads(place.read(key)) for key in place.keys() if key.startswith(prefix)}


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return "crc32c:" + base64.b64encode((value ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


# The whole way


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_life_of_a_run(on_seaweedfs, place, files, tmp_path, compression):
    daemon = on_seaweedfs
    run = start(daemon, "fraud", "--name", "night", "--tag", "k=v")
    daemon.ctl("artifacts", "put", run, "--recursive", files, "--to", "all/", "--compression", compression)
    daemon.ctl("runs", "end", run)
    daemon.ctl("runs", "wait", run, "--timeout", "60")

    (experiment,) = documents(daemon, "experiments", "get", "fraud")
    assert key_of(daemon, run) == f"experiments/{experiment['id']}/runs/{run}/artifacts/"
    artifacts = listed(daemon, run)
    assert list(artifacts) == sorted(f"all/{name}" for name in NAMES.values())
    for kind, name in NAMES.items():
        data = (files / name).read_bytes()
        artifact = artifacts[f"all/{name}"]
        assert place.read(key_of(daemon, run, f"all/{name}")) == data
        assert (artifact["kind"], artifact["size"], artifact["state"]) == (kind, len(data), "stored")
        assert artifact["checksum"] == crc32c(data)
        assert artifact["encoding"] == ("zstd" if compression == "zstd" else "identity")
        assert list(listed(daemon, run, "--kind", kind)) == [f"all/{name}"]
        daemon.ctl("artifacts", "get", run, f"all/{name}", "--output", tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == data
    assert daemon.ctl("artifacts", "get", run, "all/loss.png", text=False).stdout == (files / "loss.png").read_bytes()

    (manifest,) = manifests(daemon, place, run).values()
    assert (manifest["run_id"], manifest["status"]) == (run, "finished")
    assert [each["path"] for each in manifest["artifacts"]] == list(artifacts)
    (document,) = documents(daemon, "runs", "list", "fraud", "--status", "finished")
    assert (document["run_id"], document["name"], document["tags"]) == (run, "night", {"k": "v"})


def test_models_of_a_run_as_people_read_them(on_seaweedfs, files):
    run = start(on_seaweedfs)
    on_seaweedfs.ctl("artifacts", "put", run, files / "a model.pt", files / "loss.png", "--ack", "stored")
    data = (files / "a model.pt").read_bytes()
    line = on_seaweedfs.ctl("artifacts", run, "--kind", "model").stdout
    columns = ["stored", f"{len(data) / 1024:.0f} KiB", "model", "application/octet-stream", crc32c(data), "a model.pt\n"]
    assert re.split(" {2,}", line) == columns


def test_a_run_is_shared_between_nodes(daemons, place, files):
    first, second = (daemons(place.url, place.environment()) for _ in range(2))
    run = start(first)
    first.ctl("artifacts", "put", run, files / "a model.pt", "--ack", "stored")
    # The other node has never seen the run: each command finds it by its id alone.
    second.ctl("artifacts", "put", run, files / "loss.png", "--to", "plots/")
    second.ctl("runs", "end", run)
    second.ctl("runs", "wait", run, "--timeout", "60")
    first.ctl("runs", "end", run)
    first.ctl("runs", "wait", run, "--timeout", "60")
    assert sorted(each["path"] for manifest in manifests(first, place, run).values() for each in manifest["artifacts"]) == [
        "a model.pt",
        "plots/loss.png",
    ]
    assert len(manifests(first, place, run)) == 2
    for daemon in (first, second):
        assert list(listed(daemon, run)) == ["a model.pt", "plots/loss.png"]
        assert daemon.ctl("artifacts", "get", run, "plots/loss.png", text=False).stdout == (files / "loss.png").read_bytes()
    third = daemons(place.url, place.environment())
    assert list(listed(third, run, "--prefix", "plots/")) == ["plots/loss.png"]


# Experiments


def test_experiments(on_seaweedfs):
    daemon = on_seaweedfs
    names = ["Abc", "abd", "b", "ä b"]
    ids = {name: daemon.ctl("experiments", "create", name, "--tag", "n=1", "--tag", "m=2").stdout.strip() for name in names}
    assert [each["name"] for each in documents(daemon, "experiments", "list")] == names
    assert [each["name"] for each in documents(daemon, "experiments", "list", "--search", "AB")] == ["Abc", "abd"]
    page = documents(daemon, "experiments", "list", "--offset", "1", "--limit", "2")
    assert [each["name"] for each in page] == ["abd", "b"]

    (changed,) = documents(daemon, "experiments", "update", "ä b", "--description", "d", "--tag", "n=3", "--remove-tag", "m")
    assert (changed["id"], changed["description"], changed["tags"]) == (ids["ä b"], "d", {"n": "3"})
    assert documents(daemon, "experiments", "get", ids["ä b"]) == [changed]
    assert daemon.ctl("experiments", "create", "b", status=1).stderr.startswith("artifactctl: experiment 'b' is there already")

    daemon.ctl("experiments", "archive", "b")
    assert "restore" in daemon.ctl("runs", "start", "b", status=1).stderr
    assert [each["name"] for each in documents(daemon, "experiments", "list", "--stage", "deleted")] == ["b"]
    assert len(documents(daemon, "experiments", "list", "--stage", "all")) == 4
    daemon.ctl("experiments", "restore", ids["b"])
    run = start(daemon, "b", "--id", "7")
    assert run == "7" == start(daemon, "b", "--id", "7")
    assert "7" in daemon.ctl("runs", "start", "abd", "--id", "7", status=1).stderr


def test_an_experiment_has_its_own_place(on_seaweedfs, place, files):
    on_seaweedfs.ctl("experiments", "create", "mine", "--location", f"{place.url}/own/place/")
    run = start(on_seaweedfs, "mine")
    on_seaweedfs.ctl("artifacts", "put", run, files / "loss.png", "--ack", "stored")
    assert place.holds(f"own/place/runs/{run}/artifacts/loss.png")
    said = on_seaweedfs.ctl("experiments", "create", "far", "--location", "s3://elsewhere/x", status=1).stderr
    assert "s3://elsewhere/x" in said


def test_many_runs_are_listed_over_pages(on_seaweedfs):
    for number in range(30):
        start(on_seaweedfs, "many", "--id", f"n{number}", "--name", f"run {number % 3}")
    runs = documents(on_seaweedfs, "runs", "list", "many")
    assert sorted(each["run_id"] for each in runs) == sorted(f"n{number}" for number in range(30))
    assert len(documents(on_seaweedfs, "runs", "list", "--search", "RUN 1")) == 10
    assert documents(on_seaweedfs, "runs", "list", "many", "--offset", "28") == runs[28:]


# What goes wrong


def test_a_store_that_is_away(daemons, place, relay, files):
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    between.down()
    run = start(daemon)
    daemon.ctl("artifacts", "put", run, files / "a model.pt")
    assert "provisional" in daemon.ctl("runs", "get", run).stdout
    assert "'a model.pt' is not stored yet" in daemon.ctl("artifacts", "get", run, "a model.pt", status=75).stderr
    daemon.ctl("runs", "end", run)
    said = daemon.ctl("runs", "wait", run, "--timeout", "1", status=75).stderr
    assert "'a model.pt' is " in said and "1 artifact not stored yet" in said
    (outcome,) = documents(daemon, "runs", "wait", run, "--timeout", "0", status=75)
    assert (outcome["committed"], outcome["pending"]) == (False, 1)
    between.up()
    daemon.ctl("runs", "wait", run, "--timeout", "60")
    assert place.read(key_of(daemon, run, "a model.pt")) == (files / "a model.pt").read_bytes()


def test_a_list_that_lacks_other_nodes_artifacts_says_so(daemons, place, relay, files):
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    run = start(daemon)
    daemon.ctl("artifacts", "put", run, files / "loss.png", "--ack", "stored")
    between.down()
    done = daemon.ctl("artifacts", run, status=75)
    assert done.stdout.endswith("  loss.png\n") and done.stderr.startswith("artifactctl: ")


def test_a_failed_artifact_holds_the_commit_until_it_is_given_up(daemons, place, relay, files):
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    run = start(daemon)
    between.down()
    content.write_noise(files / "big.bin", 200_000)
    reports = documents(daemon, "artifacts", "put", run, files / "big.bin", files / "loss.png")
    (job,) = (each["id"] for each in reports if each["path"].endswith("big.bin"))
    with open(files / "big.bin", "ab") as file:
        file.write(b"changed")
    between.up()
    daemon.await_job(job, "failed")
    daemon.ctl("runs", "end", run)
    said = daemon.ctl("runs", "wait", run, "--timeout", "60", status=1).stderr
    assert f"'big.bin' is failed (job {job}): source_changed" in said and "'loss.png'" not in said
    assert f"{job} is failed" in daemon.ctl("artifacts", "get", run, "big.bin", status=1).stderr
    daemon.ctl("cancel", job)
    daemon.ctl("runs", "wait", run, "--timeout", "60")
    (manifest,) = manifests(daemon, place, run).values()
    assert [each["path"] for each in manifest["artifacts"]] == ["loss.png"]


def test_a_group_names_its_missing_members(on_seaweedfs, place):
    daemon = on_seaweedfs
    run = start(daemon)
    assert "'g'" in daemon.ctl("runs", "wait", run, "--group", "g", status=1).stderr
    with Client(daemon.socket, hello=False) as client:
        client.call(HELLO, field(1, 1) + field(2, 1) + field(3, 7, critical=False))

        def commit(member):
            client.call(COMMIT, field(1, run) + field(2, "g") + field(3, member) + field(4, 3))

        commit(1)
        said = daemon.ctl("runs", "wait", run, "--group", "g", "--timeout", "2", status=75).stderr
        assert "of the group 'g' these members are missing: 0, 2" in said
        (outcome,) = documents(daemon, "runs", "wait", run, "--group", "g", "--timeout", "0", status=75)
        assert (outcome["committed"], outcome["missing"]) == (False, [0, 2])
        commit(0)
        commit(2)
    daemon.ctl("runs", "wait", run, "--group", "g", "--timeout", "60")
    prefix = key_of(daemon, run).removesuffix("artifacts/") + "groups/g/"
    assert json.loads(place.read(prefix + "commit.json"))["members"] == 3


def test_removal(on_seaweedfs, place, files):
    run = start(on_seaweedfs)
    on_seaweedfs.ctl("artifacts", "put", run, "-r", files, "--ack", "stored")
    assert on_seaweedfs.ctl("artifacts", "rm", run, "loss.png").stdout == "removed 1 artifact\n"
    assert not place.holds(key_of(on_seaweedfs, run, "loss.png"))
    assert "deep" in on_seaweedfs.ctl("artifacts", "rm", run, "deep", status=1).stderr
    on_seaweedfs.ctl("artifacts", "rm", run, "/", "--recursive", status=1)
    assert documents(on_seaweedfs, "artifacts", "rm", run, "deep/", "--recursive") == [{"count": 2}]
    assert list(listed(on_seaweedfs, run)) == ["a model.pt", "summary.md", "table.csv", "weights.bin"]
    on_seaweedfs.ctl("artifacts", "rm", run, "--all")
    assert listed(on_seaweedfs, run) == {}
    assert not [key for key in place.keys() if "/artifacts/" in key]


def test_bad_input(on_seaweedfs, files):
    daemon = on_seaweedfs
    run = start(daemon)

    def refused(*arguments, before=()):
        return daemon.ctl(*before, *arguments, status=1).stderr

    assert "a/b" in refused("runs", "get", "a/b")
    assert "nothing" in refused("runs", "get", "nothing")
    assert "nothing" in refused("artifacts", "nothing")
    assert "nothing" in refused("artifacts", "put", "nothing", files / "loss.png")
    assert "nobody" in refused("experiments", "get", "nobody")
    assert "256" in refused("experiments", "create", "x" * 256)
    assert "control characters" in refused("experiments", "create", "a\nb")
    assert ".." in refused("artifacts", "put", run, files / "loss.png", "--to", "../loss.png")
    assert "is a directory" in refused("artifacts", "put", run, files)
    assert "no artifact 'deep'" in refused("artifacts", "get", run, "deep")
    assert f"'artifactctl runs end {run}'" in refused("runs", "wait", run)
    assert "another tenant" in refused("--tenant", "other", "runs", "get", run)
    assert "another tenant" in refused("--tenant", "other", "artifacts", run)
    daemon.ctl("runs", "end", run, "--status", "failed")
    assert "has ended" in refused("artifacts", "put", run, files / "loss.png")
    assert "has ended" in refused("runs", "end", run)
    daemon.ctl("runs", "end", run, "--status", "failed")
