"""The socket as a stranger meets it: hand-overs that artifactctl never makes, and violations, of which no other client takes harm."""

import array
import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import struct
import threading

import pytest

import content
import processes
import protocol_client
from protocol_client import Client, Refused, field, frame, opened

VECTORS = json.loads((pathlib.Path(__file__).resolve().parents[2] / "protocol" / "vectors" / "bad.json").read_text())["vectors"]
FOR_THE_DAEMON = [vector for vector in VECTORS if vector["receiver"] == "daemon"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One daemon for all these tests: each shows besides that the ones before did it no harm."""
    import daemon as daemons

    one = daemons.Daemon(tmp_path_factory.mktemp("protocol") / "d").start()
    yield one
    one.close()


@pytest.fixture
def daemon(shared):
    """With somebody else connected, who is served after whatever the test did, and no descriptor left behind by it."""

    def descriptors():
        return len(shared_descriptors()) - shared.status()["connections"]["used"] * per_connection

    def shared_descriptors():
        return os.listdir(f"/proc/{shared.process.pid}/fd")

    per_connection = 2
    with Client(shared.socket) as bystander:
        bystander.put("bystander", inline=b"x", level="stored")
        before = descriptors()
        yield shared
        processes.eventually(lambda: bystander.status()["connections"]["used"] == 1, "the test's connections have ended", 40)
        bystander.put("bystander", inline=b"x", level="stored")
        # The store's own connections and the journal's files come and go by a few.
        assert descriptors() <= before + 4


def stored(daemon, key):
    return (daemon.state / "store" / key).read_bytes()


@pytest.mark.parametrize("vector", FOR_THE_DAEMON, ids=lambda vector: vector["name"])
def test_bad_vector(daemon, vector):
    """As the specification says: this error; and the connection ends or goes on."""
    with Client(daemon.socket, timeout=10) as client:
        client.send_raw(bytes.fromhex(vector["hex"]))
        with pytest.raises(Refused) as refused:
            client.receive()
        assert refused.value.code == vector["error"], refused.value
        assert (refused.value.request_id == 0) == vector["ends_connection"]
        if vector["ends_connection"]:
            with pytest.raises((EOFError, ConnectionResetError)):
                client.receive()
        else:
            assert client.status()["daemon"]["pid"] == daemon.process.pid


@pytest.mark.parametrize(
    ("begin", "error"),
    [
        (frame(protocol_client.HELLO, field(1, 7) + field(2, 9)), "unsupported_version"),
        (frame(protocol_client.STATUS), "invalid_request"),
        (frame(protocol_client.HELLO, field(1, 1)), "invalid_request"),
        (frame(protocol_client.HELLO, field(1, 1) + field(2, 1) + field(5, "no tenant/name")), "invalid_request"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "frame_too_large"),
        (bytes(64), "malformed_frame"),
        (b"\xff" * 64, "frame_too_large"),
    ],
    ids=["version", "no-hello", "half-a-hello", "tenant", "http", "zeros", "ones"],
)
def test_bad_beginning(daemon, begin, error):
    with Client(daemon.socket, hello=False, timeout=10) as client:
        client.send_raw(begin)
        with pytest.raises(Refused) as refused:
            client.receive()
        assert (refused.value.code, refused.value.request_id) == (error, 0)
        if error == "unsupported_version":
            assert "speaks 1" in refused.value.message
        with pytest.raises((EOFError, ConnectionResetError)):
            client.receive()


def test_half_a_frame_has_no_effect(daemon):
    """Whether the client goes away or stays; meanwhile others are served."""
    whole = frame(protocol_client.PUT, field(1, "half") + field(2, b"bytes"))
    with Client(daemon.socket) as lingering:
        lingering.send_raw(whole[:-3])
        for cut in (1, 15, 16, 20, len(whole) - 1):
            with Client(daemon.socket) as client:
                client.send_raw(whole[:cut])
        with Client(daemon.socket) as client:
            client.put("whole", inline=b"whole", level="stored")
    assert stored(daemon, "whole") == b"whole"
    assert not (daemon.state / "store" / "half").exists()


def test_frame_in_single_bytes(daemon):
    with Client(daemon.socket) as client:
        data = frame(protocol_client.PUT, field(1, "slowly") + field(2, b"bytes") + field(7, 3), request_id=77)
        for byte in data:
            client.send_raw(bytes([byte]))
        assert client.receive()[0] == 77
    assert stored(daemon, "slowly") == b"bytes"


def test_length_is_refused_before_anything_is_allocated(daemon):
    before = daemon.peak_memory()
    for length in (0xFFFFFFFF, 1 << 31, (1 << 20) + 1):
        with Client(daemon.socket, timeout=10) as client:
            client.send_raw(struct.pack("<IHBBQ", length, protocol_client.PUT, 0, 0, 5))
            with pytest.raises(Refused) as refused:
                client.receive()
            assert refused.value.code == "frame_too_large"
    assert daemon.peak_memory() < before + (4 << 20)


def test_pipelined_requests_are_all_answered(daemon):
    """More than may be open at a time: the socket pushes back, nothing is dropped, and the order for one key is kept."""
    count = 3000
    with Client(daemon.socket) as client:
        identifiers = []
        sender = threading.Thread(
            target=lambda: identifiers.extend(
                client.send_put(f"pipelined/{number % 100}", inline=f"{number}".encode()) for number in range(count)
            )
        )
        sender.start()
        answers = [client.receive()[2] for _ in range(count)]
        sender.join()
        assert len({protocol_client.accepted(answer)["id"] for answer in answers}) == count
    daemon.wait()
    for number in range(100):
        assert stored(daemon, f"pipelined/{number}") == f"{count - 100 + number}".encode()


def test_many_clients_at_once(daemon):
    def work(name):
        with Client(daemon.socket) as client:
            for number in range(50):
                client.put(f"clients/{name}/{number}", inline=f"{name} {number}".encode())

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    daemon.wait()
    assert all(stored(daemon, f"clients/{a}/{b}") == f"{a} {b}".encode() for a in range(20) for b in range(50))


def test_inline_beyond_the_limit(daemon):
    with Client(daemon.socket) as client:
        limit = protocol_client.integer(client.welcome[7])
        client.put("inline", inline=bytes(limit))
        with pytest.raises(Refused) as refused:
            client.put("inline", inline=bytes(limit + 1))
        assert refused.value.code == "too_large" and str(limit) in refused.value.message


def test_path_is_opened_by_the_daemon_for_its_own_user(daemon, tmp_path):
    (tmp_path / "file").write_bytes(content.noise(100_000))
    with Client(daemon.socket) as client:
        client.put("by-path", path=str(tmp_path / "file"), level="stored")
        for bad, error in [(tmp_path / "gone", "source_unreadable"), ("relative", "invalid_request"), (tmp_path, "invalid_source")]:
            with pytest.raises(Refused) as refused:
                client.put("by-path", path=str(bad))
            assert refused.value.code == error
    assert stored(daemon, "by-path") == content.noise(100_000)


# Descriptors


def test_descriptor_of_the_wrong_kind(daemon, tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    reading, writing = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, reading)
        stack.callback(os.close, writing)
        wrong = [
            reading,
            stack.enter_context(opened(tmp_path, os.O_RDONLY | os.O_DIRECTORY)),
            stack.enter_context(opened(tmp_path / "file", os.O_WRONLY)),
            stack.enter_context(opened(tmp_path / "file", os.O_PATH)),
            stack.enter_context(opened("/dev/null")),
            stack.enter_context(opened("/proc/self/maps")),
            stack.enter_context(opened("/sys/kernel/uevent_seqnum")),
            stack.enter_context(socket.socket(socket.AF_UNIX)).fileno(),
        ]
        with Client(daemon.socket) as client:
            for descriptor in wrong:
                with pytest.raises(Refused) as refused:
                    client.put("wrong", descriptor=descriptor)
                assert refused.value.code == "invalid_source", descriptor


@pytest.mark.parametrize("source", [{"inline": b"x"}, {"path": "/etc/hostname"}, {"spool": 1}], ids=lambda source: next(iter(source)))
def test_descriptor_beside_another_source(daemon, source):
    with Client(daemon.socket) as client, opened("/etc/hostname") as descriptor:
        with pytest.raises(Refused) as refused:
            client.put("both", descriptor=descriptor, **source)
        assert refused.value.code == "invalid_request"
        assert client.status()


def test_descriptor_with_a_request_that_takes_none(daemon):
    with Client(daemon.socket) as client, opened("/etc/hostname") as descriptor:
        for kind in (protocol_client.STATUS, protocol_client.LIST_JOBS, protocol_client.OPEN_SPOOL):
            with pytest.raises(Refused) as refused:
                client.call(kind, descriptors=[descriptor])
            assert refused.value.code == "invalid_request"
        for kind, payload in [(protocol_client.PUT, field(1, "none")), (protocol_client.GET, field(1, "none"))]:
            with pytest.raises(Refused) as refused:
                client.call(kind, payload)
            assert refused.value.code == "invalid_request"


def last_words(client):
    """The ERROR about the connection, whatever is answered before it."""
    while True:
        try:
            client.receive()
        except Refused as refusal:
            if refusal.request_id == 0:
                return refusal.code


@pytest.mark.parametrize(("count", "announced"), [(2, 2), (253, 253), (253, 1), (1, 0), (0, 1), (2, 1)])
def test_descriptors_that_do_not_match_their_frame(daemon, count, announced):
    """The connection ends, and the daemon keeps none of them (the fixture counts)."""
    with contextlib.ExitStack() as stack:
        numbers = [stack.enter_context(opened("/etc/hostname")) for _ in range(count)]
        with Client(daemon.socket, timeout=10) as client:
            client.send(protocol_client.PUT, field(1, "many"), numbers, announce=announced)
            assert last_words(client) == "malformed_frame"


def test_descriptor_on_its_own(daemon):
    """Sent with bytes of a frame that has begun and announces none."""
    with Client(daemon.socket, timeout=10) as client, opened("/etc/hostname") as descriptor:
        data = frame(protocol_client.PUT, field(1, "late") + field(2, b"x"), request_id=9)
        client.send_raw(data[:20])
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        client.socket.sendmsg([data[20:]], control)
        assert last_words(client) == "malformed_frame"


def test_client_that_dies_in_the_middle_of_its_hand_overs(daemon, tmp_path):
    """Each is a whole job or none."""
    (tmp_path / "file").write_bytes(content.noise(200_000))
    for number in range(10):
        client = Client(daemon.socket)
        with opened(tmp_path / "file") as descriptor:
            for part in range(number + 1):
                client.send_put(f"dying/{number}/{part}", descriptor=descriptor)
        client.close()
    with Client(daemon.socket) as client:
        processes.eventually(lambda: client.status()["connections"]["used"] == 2, "the dead have gone")
    daemon.wait()
    for path in (daemon.state / "store" / "dying").rglob("*"):
        assert path.is_dir() or path.read_bytes() == content.noise(200_000)


# Reading back


def test_get_writes_from_the_offset_on(daemon, tmp_path):
    with Client(daemon.socket) as client:
        client.put("object", inline=b"content", level="stored")
        (tmp_path / "target").write_bytes(b"before")
        with opened(tmp_path / "target", os.O_WRONLY) as descriptor:
            os.lseek(descriptor, 0, os.SEEK_END)
            assert client.get("object", descriptor) == 7
        assert (tmp_path / "target").read_bytes() == b"beforecontent"
        reading, writing = os.pipe()
        with pytest.raises(Refused) as refused:
            client.get("object", writing)
        assert refused.value.code == "invalid_request"
        os.close(reading)
        os.close(writing)
        with opened(tmp_path / "target") as descriptor, pytest.raises(Refused) as refused:
            client.get("object", descriptor)
        assert refused.value.code == "invalid_request"
        with opened(tmp_path / "target", os.O_WRONLY) as descriptor, pytest.raises(Refused) as refused:
            client.get("no-such-object", descriptor)
        assert refused.value.code == "not_found"


# Idempotency keys


def test_same_key_is_the_same_job(daemon, tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (first,) = daemon.put(tmp_path / "file", to="once", idempotency_key="step-1", compression="none")
    for level in ("accepted", "durable", "stored"):
        (again,) = daemon.put(tmp_path / "file", to="once", idempotency_key="step-1", compression="none", ack=level)
        assert (again["id"], again["duplicate"]) == (first["id"], True)
    assert daemon.job(first["id"])["attempts"] == 1


@pytest.mark.parametrize("change", [{"destination": "other"}, {"inline": b"longer content"}], ids=["destination", "size"])
def test_same_key_for_something_else_is_a_conflict(daemon, change):
    name = next(iter(change))
    with Client(daemon.socket) as client:
        hand_over = {"destination": "keyed", "inline": b"content", "key": f"key for {name}"}
        client.put(**hand_over)
        with pytest.raises(Refused) as refused:
            client.put(**{**hand_over, **change})
        assert refused.value.code == "idempotency_conflict"
        assert client.put(**hand_over)["duplicate"]


def test_same_key_after_kill_9(daemons):
    daemon = daemons()
    with Client(daemon.socket) as client:
        first = client.put("keyed", inline=b"content", key="the key")
    daemon.kill()
    daemon.start()
    with Client(daemon.socket) as client:
        again = client.put("keyed", inline=b"content", key="the key")
    assert (again["id"], again["duplicate"]) == (first["id"], True)


def test_same_key_from_many_at_once(daemon):
    def hand_over(_):
        with Client(daemon.socket) as client:
            return client.put("raced", inline=b"content", key="raced")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        reports = list(pool.map(hand_over, range(16)))
    assert len({report["id"] for report in reports}) == 1
    assert [report["duplicate"] for report in reports].count(False) == 1


def test_unknown_optional_field_is_skipped(daemon):
    with Client(daemon.socket) as client:
        extra = field(99, b"from the future", critical=False)
        client.call(protocol_client.PUT, field(1, "skipped") + field(2, b"x") + extra + extra)
        with pytest.raises(Refused) as refused:
            client.call(protocol_client.PUT, field(1, "refused") + field(2, b"x") + field(99, b"from the future"))
        assert refused.value.code == "unsupported_message"


@pytest.mark.parametrize("payload", [b"", b"\0\0\0"], ids=["empty", "no fields"])
def test_answer_as_a_request(daemon, payload):
    """Refused for its type alone, whatever is in it, and the connection goes on."""
    with Client(daemon.socket) as client:
        for kind in (0x8001, 0x8010, 0x8030, 0xFFFF):
            with pytest.raises(Refused) as refused:
                client.call(kind, payload)
            assert refused.value.code == "unsupported_message"
        client.call(protocol_client.STATUS)


# systemd


def test_socket_activation(daemons, tmp_path):
    """Started by the first connection, on the socket that it is passed; descriptors pass through it like through its own."""
    daemon = daemons(start=False)
    environment = [f"--setenv={name}={value}" for name, value in daemon.environment.items()]
    command = ["systemd-socket-activate", f"--listen={daemon.socket}", *environment, *daemon.command()]
    with open(daemon.log_path, "ab") as log:
        daemon.process = processes.start(command, stderr=log, stdout=log)
    processes.eventually(daemon.socket.exists, "systemd-socket-activate listens")
    assert not daemon.state.exists()
    path = content.write_noise(tmp_path / "file", 3 << 20)
    (report,) = daemon.put(path, to="activated", ack="stored")
    assert report["pin"] == "link"
    with Client(daemon.socket) as client, opened(path) as descriptor:
        client.put("by-descriptor", descriptor=descriptor, level="stored")
        assert protocol_client.integer(client.welcome[4]) == daemon.process.pid
    assert stored(daemon, "activated") == stored(daemon, "by-descriptor") == path.read_bytes()
    # The socket is systemd's: it stays.
    daemon.process.terminate()
    assert daemon.process.wait(20) == 0
    assert daemon.socket.exists()
