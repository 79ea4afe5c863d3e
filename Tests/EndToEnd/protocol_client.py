"""The protocol spoken by hand, for what artifactctl would never send."""

import array
import contextlib
import itertools
import json
import os
import socket
import struct

HEADER = struct.Struct("<IHBBQ")
FIELD = struct.Struct("<HI")
CRITICAL = 0x8000

HELLO, PUT, OPEN_SPOOL, DISCARD_SPOOL = 0x0001, 0x0010, 0x0011, 0x0012
WAIT, LIST_JOBS, CANCEL, RETRY, STATUS = 0x0020, 0x0021, 0x0022, 0x0023, 0x0030
LIST_OBJECTS, GET, DELETE = 0x0040, 0x0041, 0x0042
ERROR = 0xFFFF

ERRORS = {
    1: "invalid_request",
    2: "unsupported_version",
    3: "frame_too_large",
    4: "malformed_frame",
    5: "unsupported_message",
    10: "invalid_key",
    11: "destination_not_allowed",
    12: "invalid_source",
    13: "source_changed",
    14: "source_lost",
    15: "source_unreadable",
    16: "idempotency_conflict",
    17: "not_found",
    18: "conflict",
    19: "denied",
    20: "busy",
    21: "shutting_down",
    22: "local_storage_failed",
    23: "too_large",
    33: "store_denied",
    40: "cancelled",
    41: "timeout",
}
PINS = {1: "inline", 2: "link", 3: "fdstore", 4: "descriptor", 5: "path", 6: "spool"}
LEVELS = {"accepted": 1, "durable": 2, "stored": 3}


class Refused(Exception):
    """An ERROR; `request_id` 0 is about the connection."""

    def __init__(self, code, message, request_id):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.request_id = request_id


def field(number, value, critical=True):
    if isinstance(value, int):
        value = struct.pack("<Q", value)
    elif isinstance(value, str):
        value = value.encode()
    return FIELD.pack(number | (CRITICAL if critical else 0), len(value)) + value


def frame(kind, payload=b"", request_id=1, descriptors=0, flags=0):
    return HEADER.pack(HEADER.size + len(payload), kind, flags, descriptors, request_id) + payload


def fields(payload):
    """By number, the critical bit left out; the last value of a repeated one."""
    found = {}
    offset = 0
    while offset < len(payload):
        tag, length = FIELD.unpack_from(payload, offset)
        offset += FIELD.size
        found[tag & ~CRITICAL] = payload[offset : offset + length]
        offset += length
    return found


def integer(value):
    return struct.unpack("<Q", value)[0]


class Client:
    """One connection. Its calls raise `Refused` where the daemon refuses, `EOFError` where it has closed."""

    def __init__(self, path, hello=True, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self._ids = itertools.count(1)
        self._answers = {}
        self._descriptors = []
        if hello:
            self.welcome = self.call(HELLO, field(1, 1) + field(2, 1) + field(3, 3, critical=False))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, kind, payload=b"", descriptors=(), announce=None):
        """Sends a request and returns its id."""
        request_id = next(self._ids)
        data = frame(kind, payload, request_id, len(descriptors) if announce is None else announce)
        self.send_raw(data, descriptors)
        return request_id

    def send_raw(self, data, descriptors=()):
        if descriptors:
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
            data = data[self.socket.sendmsg([data], control) :]
        # Even of nothing sendall() would fail where the daemon has closed meanwhile, and its last words could not be read.
        if data:
            self.socket.sendall(data)

    def _read(self, count):
        data = b""
        while len(data) < count:
            piece, control, _, _ = self.socket.recvmsg(count - len(data), socket.CMSG_SPACE(8), socket.MSG_CMSG_CLOEXEC)
            if not piece:
                raise EOFError
            data += piece
            for _, _, numbers in control:
                self._descriptors += array.array("i", numbers[: len(numbers) // 4 * 4])
        return data

    def receive(self):
        """The next frame: its request's id, its type and its fields."""
        length, kind, _, descriptors, request_id = HEADER.unpack(self._read(HEADER.size))
        found = fields(self._read(length - HEADER.size))
        if kind == ERROR:
            code = integer(found[1])
            raise Refused(ERRORS.get(code, code), found.get(2, b"").decode(), request_id)
        if descriptors:
            found["descriptor"] = self._descriptors.pop(0)
        return request_id, kind, found

    def answer(self, request_id):
        """The answer to a request, whatever comes before it."""
        while request_id not in self._answers:
            try:
                came, _, found = self.receive()
                self._answers[came] = found
            except Refused as refusal:
                if refusal.request_id == 0:
                    raise
                self._answers[refusal.request_id] = refusal
        answer = self._answers.pop(request_id)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def call(self, kind, payload=b"", descriptors=()):
        return self.answer(self.send(kind, payload, descriptors))

    def send_put(self, destination, descriptor=None, inline=None, path=None, spool=None, level=None, key=None, label=None):
        payload = field(1, destination)
        for number, value in [(2, inline), (3, path), (4, spool), (7, level and LEVELS[level]), (8, key)]:
            if value is not None:
                payload += field(number, value)
        if label is not None:
            payload += field(5, label, critical=False)
        # Stored as it is: these tests look at the bytes.
        payload += field(6, 1)
        return self.send(PUT, payload, [] if descriptor is None else [descriptor])

    def put(self, destination, **source):
        """Hands over; the job's id, pin, level and whether it is an earlier one."""
        return accepted(self.answer(self.send_put(destination, **source)))

    def open_spool(self, size_hint=0):
        """A spool file's number and the descriptor to write to."""
        found = self.call(OPEN_SPOOL, field(1, size_hint, critical=False))
        return integer(found[1]), found["descriptor"]

    def status(self):
        return json.loads(self.call(STATUS)[1])

    def get(self, uri, descriptor):
        return integer(self.call(GET, field(1, uri), [descriptor])[1])


def accepted(found):
    hexadecimal = found[1].hex()
    identifier = "-".join(hexadecimal[start:end] for start, end in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)])
    return {
        "id": identifier,
        "level": {number: name for name, number in LEVELS.items()}[integer(found[2])],
        "pin": PINS[integer(found[3])],
        "size": integer(found[4]),
        "duplicate": bool(integer(found[5])) if 5 in found else False,
    }


@contextlib.contextmanager
def opened(path, flags=os.O_RDONLY):
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
