"""Payloads that a seed gives again, and comparing what came back with them."""

import json
import pathlib
import random
import subprocess

import stores

MIB = 1 << 20


def noise(size, seed=1):
    """Bytes that no codec can shrink."""
    return random.Random(seed).randbytes(size)


def write_noise(path, size, seed=1):
    source = random.Random(seed)
    with open(path, "wb") as file:
        for offset in range(0, size, MIB):
            file.write(source.randbytes(min(MIB, size - offset)))
    return pathlib.Path(path)


def json_lines(count, seed=1):
    """Metrics as a training loop logs them."""
    source = random.Random(seed)
    return b"".join(
        json.dumps({"step": step, "loss": source.random(), "lr": 3e-4, "epoch": step // 100}).encode() + b"\n"
        for step in range(count)
    )


def write_mixed(path, size, seed=1):
    """Half noise, half text, in turns: it shrinks, and no two parts are alike."""
    source = random.Random(seed)
    with open(path, "wb") as file:
        text = json_lines(8000, seed)[: MIB // 2]
        for offset in range(0, size, MIB):
            block = source.randbytes(MIB // 2) + text
            file.write(block[: size - offset])
    return pathlib.Path(path)


def assert_object(place, key, path, encoding, scratch):
    """The object, undone by the stock tool, is the file; and it is encoded as it should be."""
    fetched = pathlib.Path(scratch) / "fetched"
    assert place.download(key, fetched) == encoding
    if encoding is None:
        subprocess.run(["cmp", fetched, path], check=True)
    else:
        with subprocess.Popen([*stores.TOOLS[encoding], fetched], stdout=subprocess.PIPE) as tool:
            subprocess.run(["cmp", "-", path], stdin=tool.stdout, check=True)
        assert tool.returncode == 0
    fetched.unlink()
