"""The daemon's memory does not grow with the file."""

import pytest

import content
from content import MIB

LIMIT = 128 * MIB


@pytest.fixture
def discarding(null_s3):
    """A store that forgets the bytes, so that the disk is not what is measured."""
    return null_s3().place()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd", "auto"])
def test_one_gibibyte(daemons, discarding, tmp_path, compression):
    daemon = daemons(discarding.url, discarding.environment())
    path = content.write_mixed(tmp_path / "file", 1024 * MIB)
    daemon.put(path, to="file", compression=compression, ack="stored")
    assert daemon.peak_memory() < LIMIT
    assert daemon.status()["buffers"]["used"] == 0
    path.unlink()


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_several_large_files_at_once(daemons, discarding, tmp_path, compression):
    daemon = daemons(discarding.url, discarding.environment())
    paths = [tmp_path / f"sparse{number}" for number in range(20)]
    for path in paths:
        with open(path, "wb") as file:
            file.truncate(100 * MIB)
    daemon.put(*paths, to="run/", compression=compression)
    daemon.wait()
    assert daemon.peak_memory() < LIMIT


def test_ten_thousand_waiting_jobs(daemons, null_s3, relay, tmp_path):
    """What waits lies on the disk."""
    from protocol_client import Client

    place = null_s3().place()
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint))
    body = content.noise(4096)
    with Client(daemon.socket) as client:
        for start in range(0, 10_000, 500):
            sent = [client.send_put(f"k{start + number}", inline=body) for number in range(500)]
            for request in sent:
                client.answer(request)
    jobs = daemon.status()["queue"]["jobs"]
    assert jobs["accepted"] + jobs["uploading"] == 10_000
    assert daemon.peak_memory() < LIMIT
    daemon.kill()
    daemon.start()
    assert daemon.peak_memory() < LIMIT
    between.up()
    daemon.wait()
    assert daemon.status()["queue"]["jobs"]["stored"] == 10_000
    assert daemon.peak_memory() < LIMIT


@pytest.mark.heavy
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_ten_gibibytes_sparse(daemons, discarding, tmp_path, compression):
    daemon = daemons(discarding.url, discarding.environment())
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(10 * 1024 * MIB)
    daemon.put(path, to="file", compression=compression)
    daemon.wait(timeout=1700)
    assert discarding.head("file")["Metadata"]["artifactd-size"] == str(10 * 1024 * MIB)
    assert daemon.peak_memory() < LIMIT
