"""Experiments, runs, manifests and groups, on one node and on several that share a store."""

import base64
import json
import random
import time
import uuid

import pytest

import content
from content import MIB
from processes import eventually
from runs import RunClient, artifactd

NAMESPACE = uuid.UUID("6b2f1f0e-3d0a-5c57-9a43-5f1c8f6d2a11")


def identifier(tenant, name):
    return str(uuid.uuid5(NAMESPACE, f"{tenant}\0{name}"))


def document(place, key):
    return json.loads(place.read(key))


def key_of(place, uri):
    assert uri.startswith(place.url + "/"), uri
    return uri[len(place.url) + 1 :]


def manifests(place, run):
    """What each node says, by the node's id."""
    base = key_of(place, run.artifact_uri).removesuffix("artifacts") + "manifests/"
    return {
        key.removeprefix(base).removesuffix(".json"): document(place, key) for key in place.keys() if key.startswith(base)
    }


def checksum(data):
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return "crc32c:" + base64.b64encode((register ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


def tags(**values):
    return [artifactd.messages.Tag(key=key, value=value) for key, value in values.items()]


def test_layout_in_the_store(daemons, place, tmp_path):
    """Everything lies where the specification says, and says what it says there."""
    daemon = daemons(place.url, place.environment())
    with RunClient(daemon) as client:
        run = client.start("fraud-detection", name="first", tag=tags(team="risk"))
        experiment = identifier("acme", "fraud-detection")
        assert run.experiment_id == experiment
        assert run.artifact_uri == f"{place.url}/experiments/{experiment}/runs/{run.run_id}/artifacts"
        text = b"loss=0.1\n" * 40_000
        large = content.write_mixed(tmp_path / "model", 20 * MIB)
        client.put(run, "reports/summary.txt", text, compression="gzip")
        client.put(run, "models/é model.pt", large, compression="none")
        client.put(run, "reports/summary.txt", b"the second version", compression="none")
        assert client.end(run).status == "finished"
        assert client.wait(run).committed
        ended = client.run(run.run_id)
        listed = client.artifacts(run)

    base = f"experiments/{experiment}"
    written = document(place, f"{base}/experiment.json")
    assert {key: written[key] for key in ("id", "tenant", "name", "artifact_location")} == {
        "id": experiment,
        "tenant": "acme",
        "name": "fraud-detection",
        "artifact_location": f"{place.url}/{base}",
    }
    found = eventually(lambda: (d := document(place, f"runs/{run.run_id}.json"))["status"] == "finished" and d, "the end")
    assert found["ended_at"] == ended.ended_at
    assert (found["experiment_id"], found["tags"], found["name"]) == (experiment, {"team": "risk"}, "first")
    assert found["artifact_uri"] == run.artifact_uri
    ((daemon_id, manifest),) = manifests(place, run).items()
    assert (manifest["run_id"], manifest["daemon"], manifest["status"]) == (run.run_id, daemon_id, "finished")
    model, summary = manifest["artifacts"]
    assert summary["path"] == "reports/summary.txt" and summary["uri"] == f"{run.artifact_uri}/reports/summary.txt"
    assert summary["size"] == len(b"the second version") and summary["checksum"] == checksum(b"the second version")
    assert model["path"] == "models/é model.pt" and model["size"] == 20 * MIB and model["kind"] == "model"
    for artifact in manifest["artifacts"]:
        head = place.head(key_of(place, artifact["uri"]))
        assert (artifact["stored_size"], artifact["etag"].strip('"')) == (head["ContentLength"], head["ETag"].strip('"'))
    assert [(each.path, each.checksum, each.etag) for each in listed] == [
        (each["path"], each["checksum"], each["etag"]) for each in manifest["artifacts"]
    ]


def test_two_nodes_write_to_one_place(daemons, place):
    """The one that creates the experiment decides where it lies; each node leaves a manifest of its own."""
    first, second = (daemons(place.url, place.environment()) for _ in range(2))
    elsewhere = f"{place.url}/team/fraud"
    with RunClient(first) as one, RunClient(second) as two:
        made = one.create("shared", artifact_location=elsewhere + "//")
        assert (made.artifact_location, made.provisional) == (elsewhere, False)
        runs = [one.start("shared"), two.start("shared")]
        for client, run in zip((one, two), runs):
            client.put(run, "own.txt", run.run_id.encode())
        # The second finds the run of the first by its id alone, once that is in the store.
        eventually(lambda: place.holds(f"runs/{runs[0].run_id}.json"), "the run is in the store")
        assert two.run(runs[0].run_id).artifact_uri == f"{elsewhere}/runs/{runs[0].run_id}/artifacts"
        two.put(runs[0], "from/second.txt", b"second")
        for client, run in ((one, runs[0]), (two, runs[0]), (two, runs[1])):
            client.end(run)
            assert client.wait(run).committed
        shared, own = (two.run(run.run_id) for run in runs)
        assert own.artifact_uri == f"{elsewhere}/runs/{own.run_id}/artifacts" and not own.provisional
        assert place.read(key_of(place, own.artifact_uri) + "/own.txt") == own.run_id.encode()
        named = {each["path"]: node for node, document in manifests(place, shared).items() for each in document["artifacts"]}
        assert set(named) == {"own.txt", "from/second.txt"} and len(set(named.values())) == 2
        assert not [key for key in place.keys() if key.startswith("experiments/") and "/runs/" in key]
        # What the other node stored is listed with all that its manifest says.
        for client in (one, two):
            listed = {each.path: each for each in client.artifacts(shared)}
            assert listed["from/second.txt"].checksum == checksum(b"second") and listed["own.txt"].size == len(shared.run_id)
        # And what it deletes is gone here too.
        assert two.delete(shared, "own.txt") == 1
        assert [each.path for each in one.artifacts(shared)] == ["from/second.txt"]


def test_a_store_that_is_down_when_a_run_starts(daemons, place, relay):
    """The run starts at once; where its artifacts go is decided by the store, before their first byte is sent."""
    between = relay(place.endpoint)
    between.down()
    cut_off = daemons(place.url, place.environment(between.endpoint))
    other = daemons(place.url, place.environment())
    elsewhere = f"{place.url}/elsewhere"
    with RunClient(cut_off) as client, RunClient(other) as first:
        run = client.start("shared")
        tickets = [client.put(run, f"a{number}.txt", f"{number}".encode()) for number in range(20)]
        client.end(run)
        assert run.provisional and run.artifact_uri.startswith(f"{place.url}/experiments/")
        standing = client.wait(run, seconds=0)
        assert not standing.committed and standing.pending == 20
        assert client.wait(run, seconds=1).error.code == "store_unavailable"
        page = client.call(artifactd.messages.ListArtifacts(run_id=run.run_id))
        assert len(page.artifact) == 20 and page.incomplete.code == "store_unavailable"
        assert first.create("shared", artifact_location=elsewhere).artifact_location == elsewhere
        cut_off.kill()
        cut_off.start()
        between.up()
        assert client.wait(run, seconds=120).committed
        after = client.run(run.run_id)
        assert (after.artifact_uri, after.provisional) == (f"{elsewhere}/runs/{run.run_id}/artifacts", False)
        for number, ticket in enumerate(tickets):
            assert place.read(f"elsewhere/runs/{run.run_id}/artifacts/a{number}.txt") == f"{number}".encode()
            assert cut_off.job(ticket.job_id)["destination"] == f"{after.artifact_uri}/a{number}.txt"
        assert not [key for key in place.keys() if key.startswith("experiments/") and "/runs/" in key]


def test_killed_between_stored_and_manifest(daemons, place, relay):
    """The manifest is written after the restart, and names everything."""
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    with RunClient(daemon) as client:
        run = client.start("killed")
        for number in range(5):
            client.put(run, f"{number}.txt", b"x" * number).wait("stored", 60)
        between.hold()
        client.end(run, "failed")
        assert not client.wait(run, seconds=0).committed
        daemon.kill()
        assert manifests(place, run) == {}
        between.release()
        daemon.start()
        assert client.wait(run).committed
    ((_, manifest),) = manifests(place, run).items()
    assert [each["path"] for each in manifest["artifacts"]] == [f"{number}.txt" for number in range(5)]
    assert manifest["status"] == "failed"


def test_killed_at_any_moment(daemons, place, tmp_path):
    """However often the daemon is killed, what was accepted is stored once and named in the manifest."""
    daemon = daemons(place.url, place.environment())
    random.seed(7)
    run_id = "run-of-many-lives"
    with RunClient(daemon) as client:
        for life in range(8):
            # Sent again after each kill, it is the same run.
            run = client.start("many-lives", run_id=run_id)
            for number in range(25):
                client.put(run, f"{life}/{number}.txt", f"{life} {number}".encode(), idempotency_key=f"{life} {number}".encode())
            if life % 2:
                client.commit(run)
            # It is killed at a random moment of its work: any is right.
            time.sleep(random.uniform(0, 0.3))
            daemon.kill()
            daemon.start()
        client.end(run)
        assert client.wait(run).committed
        paths = sorted((f"{life}/{number}.txt" for life in range(8) for number in range(25)), key=str.encode)
        assert [each.path for each in client.artifacts(run, limit=30)] == paths
    ((_, manifest),) = manifests(place, run).items()
    assert [each["path"] for each in manifest["artifacts"]] == paths
    for each in manifest["artifacts"]:
        life, number = each["path"].removesuffix(".txt").split("/")
        assert place.read(key_of(place, each["uri"])) == f"{life} {number}".encode()


def test_a_group_over_two_nodes(daemons, place):
    """`commit.json` is there when each member is complete, follows from the members alone, and both nodes learn of it."""
    first, second = (daemons(place.url, place.environment()) for _ in range(2))
    with RunClient(first) as one, RunClient(second) as two:
        run = one.start("distributed", run_id="of-two-ranks")
        eventually(lambda: place.holds(f"runs/{run.run_id}.json"), "the run is in the store")
        two.start("distributed", run_id="of-two-ranks")
        for member, client in enumerate((one, two)):
            for part in range(3):
                client.put(run, f"step/rank{member}-{part}.distcp", f"{member}{part}".encode(), group="step-1", member=member)
        base = key_of(place, run.artifact_uri).removesuffix("artifacts") + "groups/step-1"
        one.commit(run, group="step-1", member=0, members=2)
        eventually(lambda: place.holds(f"{base}/0.json"), "the first member's document")
        late = one.wait(run, "step-1", seconds=0)
        assert not late.committed and late.missing == [1] and late.pending == 0
        assert not place.holds(f"{base}/commit.json")
        with pytest.raises(artifactd.Conflict):
            one.commit(run, group="step-1", member=0, members=3)
        with pytest.raises(artifactd.NotFound):
            two.wait(run, "step-1", seconds=0)
        two.commit(run, group="step-1", member=1, members=2)
        assert two.wait(run, "step-1").committed
        assert one.wait(run, "step-1").committed
    commit, *members = (document(place, f"{base}/{name}.json") for name in ("commit", "0", "1"))
    assert (commit["run_id"], commit["group"], commit["members"]) == (run.run_id, "step-1", 2)
    assert commit["artifacts"] == members[0]["artifacts"] + members[1]["artifacts"]
    assert [member["member"] for member in members] == [0, 1]
    # Of the second start nothing is taken over: the run's document is that of the first.
    assert document(place, f"runs/{run.run_id}.json")["started_at"] == run.started_at


def test_the_missing_member_is_named(daemons, place):
    """A wait for a group ends at its deadline and says whom it lacks, also after a restart."""
    daemon = daemons(place.url, place.environment())
    with RunClient(daemon) as client:
        run = client.start("distributed")
        for member in (0, 1, 3):
            client.put(run, f"rank{member}", b"x", group="step-2", member=member)
            client.commit(run, group="step-2", member=member, members=5)
        began = time.monotonic()
        for _ in range(2):
            late = client.wait(run, "step-2", seconds=3)
            assert not late.committed and late.missing == [2, 4]
            assert time.monotonic() - began >= 3
            daemon.restart()
            began = time.monotonic()
        for member in (2, 4):
            client.commit(run, group="step-2", member=member, members=5)
        assert client.wait(run, "step-2").committed
        assert client.wait(run, "step-2", seconds=0).committed


def test_a_silent_store_is_told_of_and_comes_back(daemons, place, relay):
    """Who asks for what only the store knows is answered in bounded time, status says why, and afterwards commits follow."""
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    with RunClient(daemon, retry_timeout=1) as client:
        first = client.start("silent")
        between.hold()
        client.put(first, "a.txt", b"a")
        client.end(first)
        for ask in (lambda: client.run("unknown"), lambda: client.experiment(name="unknown")):
            with pytest.raises(artifactd.StoreError) as refused:
                ask()
            assert refused.value.code == "store_unavailable"
        assert client.create("new").provisional
        status = daemon.status()
        assert status["daemon"]["store_condition"].startswith("store_unavailable since ")
        assert status["last_error"]["code"] == "store_unavailable"
        assert not client.wait(first, seconds=0).committed
        between.release()
        second = client.start("silent")
        client.put(second, "b.txt", b"b")
        client.end(second)
        assert client.wait(first, seconds=60).committed
        assert client.wait(second, seconds=60).committed
        eventually(lambda: daemon.status()["daemon"]["store_condition"] == "ok", "status says that the store is back")
        eventually(lambda: not client.experiment(name="new").provisional, "the place of the new experiment")


def test_a_run_that_two_nodes_end_differently(daemons, place):
    """The store has one end, that of the first, and both nodes come to it; of an archived experiment both learn, too."""
    first, second = (daemons(place.url, place.environment()) for _ in range(2))
    with RunClient(first) as one, RunClient(second) as two:
        run = one.start("shared")
        eventually(lambda: place.holds(f"runs/{run.run_id}.json"), "the run is in the store")
        two.run(run.run_id)
        two.end(run, "killed")
        written = eventually(
            lambda: (d := document(place, f"runs/{run.run_id}.json"))["status"] == "killed" and d, "the end in the store"
        )
        assert one.end(run, "finished").status == "finished"
        eventually(lambda: one.run(run.run_id).status == "killed", "the first learns the end")
        assert document(place, f"runs/{run.run_id}.json") == written
        assert one.run(run.run_id).ended_at == two.run(run.run_id).ended_at == written["ended_at"]
        two.update(run.experiment_id, lifecycle_stage="deleted")
        eventually(lambda: place.holds(f"experiments/{run.experiment_id}/state.json"), "the state is in the store")
        one.start("shared")

        def refused():
            try:
                one.start("shared")
            except artifactd.Conflict as error:
                return "archived" in str(error)

        eventually(refused, "the first learns that the experiment is archived")


def test_a_store_that_takes_everything_and_answers_nothing(daemons, place, relay):
    """What the journal knows is listed in bounded time, and neither a listing nor a manifest holds the stop up."""
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    with RunClient(daemon, retry_timeout=1) as client:
        run = client.start("silent")
        client.put(run, "a.txt", b"a").wait("stored", 60)
        between.hold()
        page = client.call(artifactd.messages.ListArtifacts(run_id=run.run_id))
        assert [each.path for each in page.artifact] == ["a.txt"] and page.incomplete.code == "store_unavailable"
        client.end(run)
        daemon.stop()
        between.release()
        daemon.start()
        assert client.wait(run).committed


def test_failed_artifacts_keep_a_run_from_being_committed(daemons, place, relay, tmp_path):
    """The wait ends and says why; once the failed one is cancelled, the run is committed without being asked again."""
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    path = content.write_mixed(tmp_path / "file", 12 * MIB)
    with RunClient(daemon) as client:
        run = client.start("failing")
        client.put(run, "good.txt", b"good").wait("stored", 60)
        between.down()
        ticket = client.put(run, "bad.bin", path, change_policy="fail")
        with open(path, "ab") as file:
            file.write(b"more")
        client.end(run)
        between.up()
        waited = client.wait(run)
        assert (waited.committed, waited.failed, waited.pending) == (False, 1, 0)
        (bad,) = client.artifacts(run, kind="other")
        assert (bad.path, bad.state, bad.error.code, bad.job) == ("bad.bin", "failed", "source_changed", ticket.job_id)
        daemon.ctl("cancel", ticket.job_id)
        assert client.wait(run).committed


def test_refusals(daemons, place):
    """Each names what is wrong, and nothing of it is there afterwards."""
    daemon = daemons(place.url, place.environment())
    with RunClient(daemon) as client, RunClient(daemon, "globex") as foreign:
        made = client.create("mine", description="d", tag=tags(a="1"))
        run = client.start("mine", run_id="mine-1")

        def refused(error, call, *arguments, **options):
            with pytest.raises(error) as raised:
                call(*arguments, **options)
            return str(raised.value)

        assert "is there already" in refused(artifactd.Conflict, client.create, "mine")
        refused(artifactd.TenantMismatch, foreign.experiment, id=made.id)
        refused(artifactd.NotFound, foreign.experiment, name="mine")
        refused(artifactd.TenantMismatch, foreign.update, made.id, description="stolen")
        refused(artifactd.TenantMismatch, foreign.start, experiment_id=made.id)
        refused(artifactd.TenantMismatch, foreign.start, "theirs", run_id="mine-1")
        refused(artifactd.Conflict, client.start, "other", run_id="mine-1")
        for call in (foreign.run, lambda each: foreign.end(run), lambda each: foreign.commit(run), lambda each: foreign.wait(run)):
            refused(artifactd.TenantMismatch, call, "mine-1")
        refused(artifactd.TenantMismatch, foreign.artifacts, run)
        refused(artifactd.TenantMismatch, foreign.delete, run, "a")
        refused(artifactd.TenantMismatch, foreign.put, run, "a.txt", b"x")
        refused(artifactd.NotFound, client.run, "nobody")
        refused(artifactd.NotFound, client.wait, run)
        refused(artifactd.NotFound, client.delete, run, "nothing")
        refused(artifactd.DestinationNotAllowed, client.create, "outside", artifact_location="s3://another-bucket/x")
        refused(artifactd.InvalidRequest, client.create, "relative", artifact_location="below")
        for path in ("../up", "a//b", "a/", "", "a\nb", "x" * 1025):
            refused(artifactd.InvalidKey, client.put, run, path, b"x")
        archived = client.update(made.id, lifecycle_stage="deleted", description="gone", tag=[artifactd.messages.TagChange(key="a")])
        assert (archived.lifecycle_stage, archived.description, archived.tag) == ("deleted", "gone", [])
        assert "restore" in refused(artifactd.Conflict, client.create, "mine")
        refused(artifactd.Conflict, client.start, "mine")
        assert client.start("mine", run_id="mine-1").run_id == "mine-1"
        eventually(lambda: place.holds(f"experiments/{made.id}/state.json"), "the state")
        assert document(place, f"experiments/{made.id}/state.json")["lifecycle_stage"] == "deleted"
        client.update(made.id, lifecycle_stage="active")
        client.start("mine")
        client.end(run)
        refused(artifactd.Conflict, client.put, run, "late.txt", b"x")
        refused(artifactd.Conflict, client.end, run, "failed")
        assert client.end(run).status == "finished"


def test_deleting(daemons, place, relay):
    """Stored artifacts and pending ones go, by path or below one, and nothing of them comes back."""
    between = relay(place.endpoint)
    daemon = daemons(place.url, place.environment(between.endpoint))
    with RunClient(daemon, retry_timeout=1) as client:
        run = client.start("deleting")
        for path in ("a/1.txt", "a/2.txt", "ab.txt", "keep.txt", "a.txt"):
            client.put(run, path, path.encode()).wait("stored", 60)
        assert [each.path for each in client.artifacts(run, path="a")] == ["a/1.txt", "a/2.txt"]
        assert client.delete(run, "a", recursive=True) == 2
        assert client.delete(run, "ab.txt") == 1
        with pytest.raises(artifactd.NotFound):
            client.delete(run, "ab.txt")
        between.down()
        pending = client.put(run, "pending.txt", b"x" * 100_000)
        page = client.call(artifactd.messages.ListArtifacts(run_id=run.run_id))
        assert [each.path for each in page.artifact] == ["a.txt", "keep.txt", "pending.txt"]
        assert page.artifact[-1].state != "stored" and page.incomplete.code == "store_unavailable"
        with pytest.raises(artifactd.StoreError):
            client.delete(run, "", recursive=True)
        assert daemon.job(pending.job_id)["state"] == "cancelled"
        between.up()
        assert client.delete(run, "", recursive=True) == 2
        client.end(run)
        assert client.wait(run).committed
        ((_, manifest),) = manifests(place, run).items()
        assert manifest["artifacts"] == []
        assert not [key for key in place.keys() if "/artifacts/" in key]
