"""PyTorch's files through the daemon: single ones, and checkpoints of several processes that stock code reads back."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import pytest

torch = pytest.importorskip("torch", reason="needs: pip install 'artifactd[torch]'")

import torch.distributed as dist
import torch.distributed.checkpoint as dcp

import artifactd
import artifactd.torch
from daemon import eventually

PACKAGE = pathlib.Path(artifactd.__file__).resolve().parents[1]
CHECKPOINT = "checkpoints/step-1000"
MIB = 1 << 20


@pytest.fixture
def tracker(daemon, monkeypatch):
    monkeypatch.setenv("ARTIFACTD_SOCKET", str(daemon.socket))
    return artifactd.ExperimentTracker()


@pytest.fixture
def run(tracker):
    with tracker.start_run(experiment_name="training") as run:
        yield run


@pytest.fixture(params=["run", "client"])
def place(request):
    """Where to save to: a run, or a client."""
    return request.getfixturevalue(request.param)


def directory_of(daemon, place):
    """Where the artifacts lie in the daemon's directory."""
    return daemon.store if isinstance(place, artifactd.Client) else pathlib.Path(place.artifact_uri.removeprefix("file://"))


def model(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))


def is_same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


# --- save ---


# What is saved is what torch.load reads, and stock torch.save would have written it byte for byte.
def test_save(place, daemon, tmp_path):
    state = {"model": model().state_dict(), "step": 7}
    ticket = artifactd.torch.save(state, "last.pt", run=place).wait("stored", timeout=20)
    assert ticket.accepted.level == "durable"
    stored = directory_of(daemon, place) / "last.pt"
    loaded = torch.load(stored)
    assert loaded["step"] == 7 and is_same(loaded["model"], state["model"])
    with open(tmp_path / "last.pt", "wb") as file:
        torch.save(state, file)
    assert stored.read_bytes() == (tmp_path / "last.pt").read_bytes()


# A whole module, options of both sides, and an object that may change as soon as save has returned.
def test_save_with_options(run, client, daemon):
    network = model()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    ticket = artifactd.torch.save(
        network, "model.pt", run=run, content_type="x/y", save_options={"_use_new_zipfile_serialization": False}
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    job = client.job(ticket.wait("stored", timeout=20).job_id)
    assert (job.content_type, job.kind) == ("x/y", "model")
    stored = directory_of(daemon, run) / "model.pt"
    assert is_same(torch.load(stored, weights_only=False).state_dict(), before)
    with open(stored, "rb") as file:
        assert file.read(2) != b"PK"


def pin_of(client, ticket):
    return client.job(ticket.wait("accepted", timeout=60).job_id).pin


# From 64 MiB on it is written into a spool file, below into memory; the daemon owns it either way.
@pytest.mark.parametrize("megabytes", [1, 63, 64, 100])
def test_where_it_is_written(client, daemon, monkeypatch, megabytes):
    opened = []
    monkeypatch.setattr(client, "open_spool", lambda *a, **k: opened.append(k) or artifactd.Client.open_spool(client, *a, **k))
    tensor = torch.arange(megabytes * MIB // 4, dtype=torch.int32)
    ticket = artifactd.torch.save({"t": tensor, "view": tensor[:10]}, "t.pt", run=client)
    assert len(opened) == (megabytes >= 64)
    if opened:
        assert opened[0]["size_hint"] == megabytes * MIB
    assert pin_of(client, ticket) == "spool"
    ticket.wait("stored", timeout=60)
    assert torch.equal(torch.load(daemon.store / "t.pt")["t"], tensor)


class Hidden:
    """Tensors where nobody looks for them."""

    def __init__(self, tensor):
        self.tensor = tensor


# What turns out larger than it was thought to be goes on in the spool, and nothing of it is lost.
def test_larger_than_expected(client, daemon):
    tensor = torch.arange(80 * MIB // 4, dtype=torch.int32)
    ticket = artifactd.torch.save([Hidden(tensor), Hidden(tensor + 1)], "t.pt", run=client)
    ticket.wait("stored", timeout=60)
    loaded = torch.load(daemon.store / "t.pt", weights_only=False)
    assert torch.equal(loaded[0].tensor, tensor) and torch.equal(loaded[1].tensor, tensor + 1)


# What cannot be saved hands nothing over, and leaves nothing open.
@pytest.mark.parametrize("size_hint", [0, 100 * MIB])
def test_save_that_fails(run, client, size_hint):
    client.connect()
    artifactd.torch.save(1, "good.pt", run=run).wait("stored", timeout=20)
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises((AttributeError, TypeError)):
        artifactd.torch.save({"t": torch.zeros(1000), "f": lambda: None}, "bad.pt", run=run, size_hint=size_hint)
    assert [each.path for each in run.list_artifacts()] == ["good.pt"]
    assert len(os.listdir("/proc/self/fd")) == descriptors


# Places that cannot be, a daemon that is not there, a spool without room.
def test_bad_input(run, start_daemon, connect, tmp_path):
    with pytest.raises(artifactd.InvalidKey):
        artifactd.torch.save(1, "../out.pt", run=run)
    with pytest.raises(artifactd.InvalidRequest, match="give a run"):
        artifactd.torch.save(1, "a.pt", run=None)
    with pytest.raises(artifactd.InvalidRequest, match="give a run"):
        artifactd.torch.StorageWriter("checkpoints", "step-1")
    with pytest.raises(artifactd.InvalidRequest, match="StorageWriter: timeout must be a number of seconds"):
        artifactd.torch.StorageWriter(run, "step-1", timeout="x")
    for options in ({"size_hint": "1 GB"}, {"save_options": [1]}, {"colour": "red"}):
        with pytest.raises(artifactd.InvalidRequest, match=f"save.*{next(iter(options))}"):
            artifactd.torch.save(1, "a.pt", run=run, **options)
    nobody = artifactd.Client(tmp_path / "nobody", retry_timeout=0.1)
    with pytest.raises(artifactd.DaemonUnavailable):
        artifactd.torch.save(torch.zeros(20 * MIB), "a.pt", run=nobody)
    small = connect(start_daemon(spool_quota="32MiB"), retry_timeout=0.1)
    with pytest.raises(artifactd.TooLarge):
        artifactd.torch.save(torch.zeros(20 * MIB), "a.pt", run=small)


# Without PyTorch the import says what to install.
def test_without_torch():
    code = "import sys; sys.modules['torch'] = None\ntry: import artifactd.torch\nexcept ImportError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE, capture_output=True, text=True, check=True)
    assert "pip install 'artifactd[torch]'" in done.stdout


# --- Checkpoints of one process ---


def state_of(network, optimizer=None):
    state = {"model": network.state_dict(), "step": 7, "name": "größe"}
    if optimizer is not None:
        state["optimizer"] = optimizer.state_dict()
    return state


def loaded_by(reader):
    fresh = state_of(model(seed=1))
    fresh["step"] = fresh["name"] = None
    dcp.load(fresh, storage_reader=reader, no_dist=not dist.is_initialized())
    return fresh


# The files are those of PyTorch's own writer, and its own reader loads them, as they lie in the store and downloaded.
def test_checkpoint(place, daemon, tmp_path):
    state = state_of(model())
    dcp.save(state, storage_writer=artifactd.torch.StorageWriter(place, CHECKPOINT), no_dist=True)
    directory = directory_of(daemon, place) / CHECKPOINT
    assert sorted(os.listdir(directory)) == [".metadata", "__0_0.distcp"]
    dcp.save(state, storage_writer=dcp.FileSystemWriter(tmp_path / "stock"), no_dist=True)
    assert (directory / "__0_0.distcp").read_bytes() == (tmp_path / "stock" / "__0_0.distcp").read_bytes()
    readers = [dcp.FileSystemReader(directory), artifactd.torch.StorageReader(place, CHECKPOINT)]
    if not isinstance(place, artifactd.Client):
        readers.append(dcp.FileSystemReader(place.download_artifacts(CHECKPOINT, tmp_path / "got")))
    for reader in readers:
        loaded = loaded_by(reader)
        assert is_same(loaded["model"], state["model"]) and (loaded["step"], loaded["name"]) == (7, "größe")


# Several threads, a file for each item, large files, and a directory for each save.
@pytest.mark.parametrize("options", [{"thread_count": 3}, {"single_file_per_rank": False}], ids=str)
def test_forms_of_checkpoints(run, daemon, options):
    state = {**state_of(model()), "big": torch.arange(70 * MIB // 4, dtype=torch.int32)}
    writer = artifactd.torch.StorageWriter(run, "unused", **options)
    for step in (1, 2):
        state["step"] = step
        dcp.save(state, storage_writer=writer, checkpoint_id=f"checkpoints/step-{step}", no_dist=True)
    for step in (1, 2):
        directory = directory_of(daemon, run) / f"checkpoints/step-{step}"
        assert len(os.listdir(directory)) == (4 if "thread_count" in options else 1 + 2 + 4 + 1)
        fresh = {"step": None, "big": torch.zeros_like(state["big"])}
        dcp.load(fresh, storage_reader=dcp.FileSystemReader(directory), no_dist=True)
        assert fresh["step"] == step and torch.equal(fresh["big"], state["big"])


# While the data is not STORED there is no metadata; over an older checkpoint neither, from before the first new byte.
def test_metadata_comes_last(start_daemon, connect):
    daemon = start_daemon()
    client = connect(daemon)
    directory = daemon.store / CHECKPOINT
    writer = artifactd.torch.StorageWriter(client, CHECKPOINT)
    dcp.save(state_of(model()), storage_writer=writer, no_dist=True)
    handed_over = []
    put = client.put

    def observe(source, destination, **options):
        ticket = put(source, destination, **options)
        if not (directory / ".metadata").exists():
            handed_over.append(destination.rsplit("/", 1)[1])
        if destination.endswith(".metadata"):
            jobs = {job.destination.rsplit("/", 1)[1]: job.state for job in client.jobs()}
            assert jobs["__0_0.distcp"] == "stored"
        return ticket

    client.put = observe
    with pytest.warns(UserWarning, match="existing checkpoint"):
        dcp.save(state_of(model(seed=2)), storage_writer=writer, no_dist=True)
    assert handed_over == ["__0_0.distcp", ".metadata"]
    assert is_same(loaded_by(dcp.FileSystemReader(directory))["model"], model(seed=2).state_dict())
    careful = artifactd.torch.StorageWriter(client, CHECKPOINT, overwrite=False)
    with pytest.raises(dcp.CheckpointException, match="already exists"):
        dcp.save(state_of(model()), storage_writer=careful, no_dist=True)


# A file that cannot be stored, whichever thread wrote it, leaves no checkpoint.
@pytest.mark.parametrize("threads", [1, 3])
def test_checkpoint_that_fails(client, daemon, threads):
    # A directory cannot have the name of a file.
    client.put(b"x", "checkpoints").wait("stored", timeout=20)
    writer = artifactd.torch.StorageWriter(client, CHECKPOINT, thread_count=threads)
    with pytest.raises(dcp.CheckpointException) as failed:
        dcp.save(state_of(model()), storage_writer=writer, no_dist=True)
    assert isinstance(failed.value.failures[0][0], artifactd.ArtifactError)
    assert daemon.keys() == ["checkpoints"]


# A file that cannot be had in one of several threads fails all: PyTorch alone would leave its tensors out in silence.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("is_main", [True, False])
def test_thread_that_fails(client, monkeypatch, is_main):
    def open_spool(*arguments, **options):
        if (threading.current_thread() is threading.main_thread()) == is_main:
            raise artifactd.Busy("busy", "the spool is full")
        return artifactd.Client.open_spool(client, *arguments, **options)

    monkeypatch.setattr(client, "open_spool", open_spool)
    before = set(threading.enumerate())
    state = {str(number): torch.zeros(70 * MIB, dtype=torch.uint8) for number in range(2)}
    writer = artifactd.torch.StorageWriter(client, CHECKPOINT, thread_count=2)
    with pytest.raises(dcp.CheckpointException) as failed:
        dcp.save(state, storage_writer=writer, no_dist=True)
    assert isinstance(failed.value.failures[0][0], artifactd.Busy)
    # Where its main thread fails, PyTorch does not wait for the others.
    for thread in set(threading.enumerate()) - before:
        if not thread.daemon:
            thread.join(20)


# --- Checkpoints of several processes ---


def _work(rank, world, port, kind, socket_path, run_id, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world))
    os.environ["ARTIFACTD_SOCKET"] = socket_path
    dist.init_process_group("gloo", rank=rank, world_size=world)
    run = artifactd.ExperimentTracker().attach_run(run_id)
    with run:
        WORKS[kind](rank, run, results)
    dist.barrier()
    dist.destroy_process_group()


def _sharded():
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    network = model()
    fully_shard(network, mesh=init_device_mesh("cpu", (dist.get_world_size(),)))
    return network


def _fsdp(rank, run, results):
    """One step of training, saved; then loaded into a fresh model by our reader."""
    network = _sharded()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 32)).sum().backward()
    optimizer.step()
    dcp.save(state_of(network, optimizer), storage_writer=artifactd.torch.StorageWriter(run, CHECKPOINT))
    stored = {each.path: each.state for each in run.list_artifacts(CHECKPOINT)}
    fresh = _sharded()
    state = {"model": fresh.state_dict()}
    dcp.load(state, storage_reader=artifactd.torch.StorageReader(run, CHECKPOINT))
    whole = {key: value.full_tensor() for key, value in network.state_dict().items()}
    again = {key: value.full_tensor() for key, value in state["model"].items()}
    assert is_same(whole, again)
    if rank == 0:
        torch.save(whole, results / "whole.pt")
        (results / "stored.json").write_text(json.dumps(stored))


def _asynchronous(rank, run, results, **options):
    """Saved in the background, twice with one writer, while the tensors change."""
    network = _sharded()
    writer = artifactd.torch.StorageWriter(run, "unused")
    whole = {key: value.full_tensor() for key, value in network.state_dict().items()}
    for step in (1, 2):
        future = dcp.async_save(state_of(network), storage_writer=writer, checkpoint_id=f"checkpoints/step-{step}", **options)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.zero_()
        (getattr(future, "upload_completion", future)).result()
    if rank == 0:
        torch.save(whole, results / "whole.pt")


def _asynchronous_processes(rank, run, results):
    from torch.distributed.checkpoint.state_dict_saver import AsyncCheckpointerType

    _asynchronous(rank, run, results, async_checkpointer_type=AsyncCheckpointerType.PROCESS)


def _alone(rank, run, results):
    """Without coordination: each rank has metadata of its own."""
    writer = artifactd.torch.StorageWriter(run, CHECKPOINT)
    dcp.save({f"t{rank}": torch.full((4,), float(rank))}, storage_writer=writer, use_collectives=False)


def _slow(rank, run, results):
    """Rank 1's file comes late."""
    if rank == 1:
        put = run._put

        def late(*arguments, **options):
            (results / "late").write_text("")
            eventually(lambda: (results / "go").exists(), "the test says go", 60)
            return put(*arguments, **options)

        run._put = late
    dcp.save(state_of(_sharded()), storage_writer=artifactd.torch.StorageWriter(run, CHECKPOINT))


def _group(rank, run, results):
    """A file of each rank in a group."""
    with run.group("step-1000", members=dist.get_world_size()) as group:
        artifactd.torch.save(torch.full((4,), float(rank)), f"ranks/{rank}.pt", run=group)
    group.wait("committed", timeout=60)


WORKS = {
    "fsdp": _fsdp,
    "asynchronous": _asynchronous,
    "asynchronous processes": _asynchronous_processes,
    "alone": _alone,
    "slow": _slow,
    "group": _group,
}


@pytest.fixture
def train(daemon, run, tmp_path):
    """Starts processes that do one of these works with the run; gives what waits for their end."""
    results = tmp_path / "results"
    results.mkdir()

    def start(kind, world=2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        arguments = (world, port, kind, str(daemon.socket), run.run_id, results)
        return torch.multiprocessing.start_processes(_work, arguments, world, join=False, start_method="spawn"), results

    return start


def join(context, timeout=120):
    deadline = time.monotonic() + timeout
    while not context.join(timeout=1):
        assert time.monotonic() < deadline, f"not done within {timeout} s"


# Two processes save what they have shards of; another reads it as a whole, with stock code, from the downloaded directory.
def test_fsdp(train, run, daemon, tmp_path):
    context, results = train("fsdp")
    join(context)
    names = [".metadata", "__0_0.distcp", "__1_0.distcp"]
    assert json.loads((results / "stored.json").read_text()) == {f"{CHECKPOINT}/{name}": "stored" for name in names}
    got = pathlib.Path(run.download_artifacts(CHECKPOINT, tmp_path / "got"))
    stored = directory_of(daemon, run) / CHECKPOINT
    assert sorted(os.listdir(got)) == names
    assert all((got / name).read_bytes() == (stored / name).read_bytes() for name in names)
    assert is_same(loaded_by(dcp.FileSystemReader(got))["model"], torch.load(results / "whole.pt"))


# In the background too, by a thread and by a process of PyTorch's own; what is saved is what it was at the call.
@pytest.mark.parametrize("kind", ["asynchronous", "asynchronous processes"])
def test_async_save(train, run, daemon, kind):
    context, results = train(kind)
    join(context)
    directory = directory_of(daemon, run)
    assert is_same(loaded_by(dcp.FileSystemReader(directory / "checkpoints/step-1"))["model"], torch.load(results / "whole.pt"))
    zeros = loaded_by(dcp.FileSystemReader(directory / "checkpoints/step-2"))["model"]
    assert not any(tensor.any() for tensor in zeros.values())


# Without collectives each rank's files are complete by themselves.
def test_without_collectives(train, run, daemon):
    context, _ = train("alone")
    join(context)
    names = os.listdir(directory_of(daemon, run) / CHECKPOINT)
    assert sorted(names) == ["__0.metadata", "__0_0.distcp", "__1.metadata", "__1_0.distcp"]


# As long as one rank has not stored its files, the checkpoint is not visible.
def test_slow_rank(train, run, daemon):
    context, results = train("slow")
    directory = directory_of(daemon, run) / CHECKPOINT
    eventually(lambda: (results / "late").exists() and (directory / "__0_0.distcp").exists(), "rank 0 has stored its file", 60)
    assert os.listdir(directory) == ["__0_0.distcp"]
    (results / "go").write_text("")
    join(context)
    assert sorted(os.listdir(directory)) == [".metadata", "__0_0.distcp", "__1_0.distcp"]


# Each process saves as a member of a group, which is committed when all are there.
def test_group(train, run, daemon):
    context, _ = train("group")
    join(context)
    directory = directory_of(daemon, run)
    assert torch.load(directory / "ranks/1.pt").tolist() == [1.0] * 4
    commit = json.loads((directory.parent / "groups/step-1000/commit.json").read_text())
    assert [each["path"] for each in commit["artifacts"]] == ["ranks/0.pt", "ranks/1.pt"]
