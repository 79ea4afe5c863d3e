"""What ACCEPTED and DURABLE promise of the source, whatever becomes of the file."""

import contextlib
import os
import pathlib
import tempfile

import pytest

import content
import protocol_client
from content import MIB
from protocol_client import Client, opened


@pytest.fixture
def cut_off(daemons, place, relay):
    """A daemon whose store is down, and the relay that brings it back."""
    between = relay(place.endpoint)
    between.down()
    return daemons(place.url, place.environment(between.endpoint)), between


@pytest.fixture
def elsewhere():
    """A directory on another file system, from which no hard link leads into the spool."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="artifactd-test-") as directory:
        yield pathlib.Path(directory)


def test_deleted_after_accepted_while_the_store_is_down(cut_off, place, tmp_path, elsewhere):
    daemon, between = cut_off
    sizes = {"inline": 5000, "link": 20 * MIB}
    expected = {name: content.noise(size, seed=size) for name, size in sizes.items()}
    expected["descriptor"] = content.noise(300_000, seed=3)
    for name, data in expected.items():
        path = (elsewhere if name == "descriptor" else tmp_path) / name
        path.write_bytes(data)
        (report,) = daemon.put(path, to=name, compression="none")
        path.unlink()
        assert (report["pin"], report["state"]) == (name, "accepted")
    between.up()
    daemon.wait()
    assert {name: place.read(name) for name in place.keys()} == expected
    assert daemon.status()["descriptors"]["used"] == 0
    assert list((daemon.state / "spool").iterdir()) == []


def test_deleted_after_accepted_survives_kill_9(cut_off, place, tmp_path):
    daemon, between = cut_off
    expected = {"inline": content.noise(5000), "link": content.noise(20 * MIB, seed=2)}
    for name, data in expected.items():
        (tmp_path / name).write_bytes(data)
        daemon.put(tmp_path / name, to=name, compression="none")
        (tmp_path / name).unlink()
    daemon.kill()
    between.up()
    daemon.start()
    daemon.wait()
    assert {name: place.read(name) for name in place.keys()} == expected
    assert list((daemon.state / "spool").iterdir()) == []


def test_renamed_after_accepted(cut_off, place, tmp_path, elsewhere):
    daemon, between = cut_off
    for directory in (tmp_path, elsewhere):
        (directory / "temporary").write_bytes(content.noise(200_000))
        daemon.put(directory / "temporary", to=directory.name)
        (directory / "temporary").rename(directory / "final")
    between.up()
    daemon.wait()
    for directory in (tmp_path, elsewhere):
        assert place.read(directory.name) == content.noise(200_000)


def test_bare_descriptor_deleted_then_kill_9_is_reported(cut_off, elsewhere):
    daemon, between = cut_off
    path = elsewhere / "checkpoint.pt"
    path.write_bytes(content.noise(300_000))
    (report,) = daemon.put(path, to="checkpoint.pt")
    assert report["pin"] == "descriptor"
    path.unlink()
    daemon.kill()
    between.up()
    daemon.start()
    daemon.wait(report["id"], status=1)
    job = daemon.job(report["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "source_lost")
    assert str(path) in job["error"]["message"] and "--ack durable" in job["error"]["message"]
    status = daemon.status()
    assert (status["queue"]["jobs"]["failed"], status["last_error"]["code"]) == (1, "source_lost")
    assert "source_lost" in daemon.ctl("jobs", "--state", "failed", "--json").stdout


def test_bare_descriptor_still_there_after_kill_9_is_found_again(cut_off, place, elsewhere):
    daemon, between = cut_off
    path = elsewhere / "checkpoint.pt"
    path.write_bytes(content.noise(300_000))
    (report,) = daemon.put(path, to="checkpoint.pt")
    daemon.kill()
    between.up()
    daemon.start()
    daemon.wait(report["id"])
    assert place.read("checkpoint.pt") == content.noise(300_000)


def test_bare_descriptor_is_copied_when_the_daemon_stops_in_order(cut_off, place, elsewhere):
    daemon, between = cut_off
    path = elsewhere / "checkpoint.pt"
    path.write_bytes(content.noise(300_000))
    (report,) = daemon.put(path, to="checkpoint.pt")
    path.unlink()
    daemon.stop()
    between.up()
    daemon.start()
    assert daemon.job(report["id"])["pin"] == "spool"
    daemon.wait(report["id"])
    assert place.read("checkpoint.pt") == content.noise(300_000)
    assert daemon.status()["spool"]["used"] == 0


@pytest.mark.parametrize("size", [5000, 300_000, 20 * MIB])
def test_overwritten_after_durable_is_stored_as_it_was(cut_off, place, tmp_path, elsewhere, size):
    daemon, between = cut_off
    for directory in (tmp_path, elsewhere):
        path = directory / "file"
        path.write_bytes(content.noise(size))
        (report,) = daemon.put(path, to=directory.name, ack="durable", compression="none")
        assert report["level"] == "durable"
        before = path.stat()
        with open(path, "r+b") as file:
            file.write(b"overwritten")
        # With its time put back too, which no comparison can notice.
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    daemon.kill()
    between.up()
    daemon.start()
    daemon.wait()
    for directory in (tmp_path, elsewhere):
        assert place.read(directory.name) == content.noise(size)
    assert daemon.status()["spool"]["used"] == 0


def test_descriptor_without_a_name(cut_off, place, tmp_path):
    """A file that was unlinked, or never had a name, is handed over by its descriptor all the same."""
    daemon, between = cut_off
    data = content.noise(400_000)
    with Client(daemon.socket) as client:
        with contextlib.ExitStack() as stack:
            unlinked = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
            nameless = os.open(tmp_path, os.O_RDWR | os.O_TMPFILE)
            stack.callback(os.close, unlinked)
            stack.callback(os.close, nameless)
            (tmp_path / "file").unlink()
            for name, descriptor in [("unlinked", unlinked), ("nameless", nameless)]:
                os.write(descriptor, data)
                client.put(name, descriptor=descriptor)
    between.up()
    daemon.wait()
    assert {name: place.read(name) for name in place.keys()} == {"unlinked": data, "nameless": data}


def seals(descriptor, names):
    import fcntl

    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, sum(getattr(fcntl, name) for name in names))


def test_memory_file_must_be_sealed(on_seaweedfs, place):
    data = content.noise(500_000)
    descriptor = os.memfd_create("checkpoint", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, data)
    with Client(on_seaweedfs.socket) as client:
        for names in ([], ["F_SEAL_WRITE"]):
            seals(descriptor, names)
            with pytest.raises(protocol_client.Refused) as refused:
                client.put("memory", descriptor=descriptor)
            assert refused.value.code == "invalid_source" and "F_SEAL_WRITE" in refused.value.message
        seals(descriptor, ["F_SEAL_SHRINK", "F_SEAL_GROW"])
        client.put("memory", descriptor=descriptor, level="stored")
    os.close(descriptor)
    assert place.read("memory") == data


def test_spool_file_of_a_producer(on_seaweedfs, place):
    """Written by the client, DURABLE with the answer; refused while somebody still has it open for writing."""
    data = content.noise(20 * MIB)
    with Client(on_seaweedfs.socket) as client:
        number, descriptor = client.open_spool(len(data))
        assert client.status()["spool"]["used"] == len(data)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            with pytest.raises(protocol_client.Refused) as refused:
                client.put("produced", spool=number)
            assert refused.value.code == "conflict"
        report = client.put("produced", spool=number)
        assert (report["pin"], report["level"], report["size"]) == ("spool", "durable", len(data))
        with pytest.raises(protocol_client.Refused) as refused:
            client.put("again", spool=number)
        assert refused.value.code == "not_found"
        discarded, descriptor = client.open_spool(1000)
        os.close(descriptor)
        client.call(protocol_client.DISCARD_SPOOL, protocol_client.field(1, discarded))
    on_seaweedfs.wait()
    assert place.read("produced") == data
    assert on_seaweedfs.status()["spool"]["used"] == 0


def test_spool_file_survives_kill_9(cut_off, place):
    daemon, between = cut_off
    data = content.noise(3 * MIB)
    with Client(daemon.socket) as client:
        number, descriptor = client.open_spool()
        with open(descriptor, "wb") as file:
            file.write(data)
        client.put("produced", spool=number)
        # One that was never handed over goes with the connection, or with the daemon.
        _, forgotten = client.open_spool(1000)
        os.close(forgotten)
        daemon.kill()
    between.up()
    daemon.start()
    daemon.wait()
    assert place.read("produced") == data
    assert daemon.status()["spool"]["used"] == 0


def test_descriptor_budget_is_back_pressure(daemons, place, relay, elsewhere):
    """With its budget used up the daemon keeps what it can open again by path, and refuses the rest as busy."""
    between = relay(place.endpoint)
    between.down()
    daemon = daemons(place.url, place.environment(between.endpoint), settings={"descriptors": 3})
    for number in range(5):
        (elsewhere / str(number)).write_bytes(content.noise(100_000, seed=number))
    reports = daemon.put(*sorted(elsewhere.iterdir()), to="budget/")
    assert [report["pin"] for report in reports] == ["descriptor"] * 3 + ["path"] * 2
    with Client(daemon.socket) as client, opened(elsewhere / "0") as descriptor:
        (elsewhere / "0").unlink()
        with pytest.raises(protocol_client.Refused) as refused:
            client.put("nameless", descriptor=descriptor)
        assert refused.value.code == "busy"
    between.up()
    daemon.wait()
    for number in range(5):
        assert place.read(f"budget/{number}") == content.noise(100_000, seed=number)
