"""One connection to the daemon: whole frames in both directions, never waiting but for the greeting.

Knows nothing of requests. Belongs to one thread at a time; `Link` sees to that.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import time
from typing import NamedTuple

from artifactd.errors import ArtifactError, Busy, DaemonUnavailable, Denied, ProtocolError, TenantMismatch, error
from artifactd.messages import Error, Feature, Hello, SpoolOpened, Welcome
from artifactd.wire import HEADER_SIZE, Message, decode_header, decode_payload

SYSTEM_SOCKET = "/run/artifactd/artifactd.sock"
_VERSION = 1
_CHUNK = 64 << 10
# Room for the one descriptor that an answer may carry; alignment makes room for two.
_CONTROL = socket.CMSG_SPACE(array.array("i").itemsize)


def find_socket(named: str | None) -> str:
    """The first that applies: the one named, $ARTIFACTD_SOCKET, the system's if it is there or for root, the user's own."""
    if named:
        return named
    if path := os.environ.get("ARTIFACTD_SOCKET"):
        return path
    directory = os.environ.get("XDG_RUNTIME_DIR")
    if not directory or os.geteuid() == 0 or _is_there(SYSTEM_SOCKET):
        return SYSTEM_SOCKET
    return f"{directory}/artifactd/artifactd.sock"


def _is_there(path: str) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # One that may not be looked at is there: the attempt to connect says why it fails.
        return True
    return True


class ConnectionLost(Exception):
    """The connection has ended. `error` says why; `is_final` that another one would end in the same way."""

    def __init__(self, error: ArtifactError, is_final: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.is_final = is_final


class Reception(NamedTuple):
    """A frame that came; `descriptor` is the receiver's to close."""

    request_id: int
    message: Message
    descriptor: int | None


class Connection:
    """A socket, greeted.

    `is_blocked` says that the kernel takes no more for now: call `flush` when the socket can be written to. `ending` says that
    and why nothing more comes.
    """

    def __init__(self, path: str, client: str, tenant: str | None, timeout: float) -> None:
        """Connects and greets, which takes at most `timeout` seconds. Raises `ConnectionLost`."""
        self.path = path
        self.is_blocked = False
        self.ending: ConnectionLost | None = None
        self._rest = memoryview(b"")
        self._received = bytearray()
        self._descriptors: list[int] = []
        deadline = time.monotonic() + timeout
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect(timeout)
            hello = Hello(lowest_version=_VERSION, highest_version=_VERSION, features=Feature.ALL, client=client, tenant=tenant)
            # Where the daemon has closed already, its last words are still to be read.
            with contextlib.suppress(OSError):
                self.send(hello.frame(1))
            self.welcome = self._await_welcome(deadline, timeout, tenant)
        except BaseException:
            self.close()
            raise
        self.socket.setblocking(False)

    def _connect(self, timeout: float) -> None:
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(self.path)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as cause:
            raise self._unavailable("no daemon listens at", cause) from None
        except (BlockingIOError, TimeoutError) as cause:
            raise self._unavailable("too many wait already for the daemon at", cause) from None
        except PermissionError as cause:
            way_out = f"you may not connect to the daemon at {self.path}; join the group that owns the socket"
            raise ConnectionLost(Denied("denied", way_out, cause.strerror), is_final=True) from None
        except OSError as cause:
            raise ConnectionLost(
                error("invalid_request", f"{self.path} is no daemon's socket", str(cause)), is_final=True
            ) from None

    def _unavailable(self, what: str, cause: Exception | str) -> ConnectionLost:
        text = getattr(cause, "strerror", None) or str(cause)
        way_out = "start artifactd, or name its socket in ARTIFACTD_SOCKET"
        return ConnectionLost(DaemonUnavailable("daemon_unavailable", f"{what} {self.path}; {way_out}", text))

    def _await_welcome(self, deadline: float, timeout: float, tenant: str | None) -> Welcome:
        receptions: list[Reception] = []
        while not receptions and self.ending is None:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                receptions = self.receive()
            except TimeoutError:
                message = f"the daemon at {self.path} took the connection but said nothing for {timeout:g} s; look at its log"
                raise ConnectionLost(DaemonUnavailable("daemon_unavailable", message)) from None
        for reception in receptions:
            welcome = reception.message
            if not isinstance(welcome, Welcome) or welcome.version != _VERSION:
                raise self.violation("what it answered to the greeting is no welcome to version 1")
            return welcome
        lost = self.ending or self.violation("no welcome")
        if isinstance(lost.error, Denied) and tenant is not None:
            lost.error = TenantMismatch(lost.error.code, lost.error.message, lost.error.cause)
        raise lost

    # --- Sending ---

    def send(self, frame: bytes, descriptor: int | None = None) -> bool:
        """Gives a frame to the kernel, as far as it takes it; the rest waits for `flush`. Must not be called while blocked.

        Returns false where the kernel has taken nothing: the frame is to be sent again. Raises `OSError`, of which
        `ETOOMANYREFS` (too many descriptors under way) passes.
        """
        control = []
        if descriptor is not None:
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        try:
            sent = self.socket.sendmsg([frame], control, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            self.is_blocked = True
            return False
        if sent < len(frame):
            self._rest = memoryview(frame)[sent:]
            self.is_blocked = True
            self.flush()
        return True

    def flush(self) -> None:
        """Gives the kernel what it did not take before. Raises `OSError`."""
        try:
            while self._rest:
                self._rest = self._rest[self.socket.send(self._rest, socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            return
        self.is_blocked = False

    # --- Receiving ---

    def receive(self) -> list[Reception]:
        """The frames that have come, none if they are incomplete. `ending` is set when these were the last."""
        try:
            data, control, came, _ = self.socket.recvmsg(_CHUNK, _CONTROL, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return []
        except TimeoutError:
            raise
        except OSError as cause:
            self.ending = self._unavailable("the connection was lost to the daemon at", cause)
            return []
        for level, kind, numbers in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                received = array.array("i")
                received.frombytes(numbers[: len(numbers) - len(numbers) % received.itemsize])
                self._descriptors += received
        if came & socket.MSG_CTRUNC:
            self.ending = self.violation("more descriptors came than an answer may carry, or than this process may have open")
            return []
        if not data:
            self.ending = self._unavailable("the connection was closed by the daemon at", "it ended or was restarted")
            return []
        self._received += data
        taken: list[Reception] = []
        try:
            self._take_frames(taken)
        except ProtocolError as refusal:
            self.ending = self.violation(refusal.message)
        except ArtifactError as refusal:
            self.ending = self.violation(f"an answer does not hold what it must: {refusal}")
        return taken

    def _take_frames(self, taken: list[Reception]) -> None:
        offset = 0
        while self.ending is None and (header := decode_header(self._received, offset)):
            end = offset + header.length
            if end > len(self._received):
                break
            message = decode_payload(header, bytes(memoryview(self._received)[offset + HEADER_SIZE : end]))
            offset = end
            if header.descriptors != isinstance(message, SpoolOpened) or header.descriptors > len(self._descriptors):
                raise error("malformed_frame", f"descriptors do not belong to a {type(message).__name__}")
            if header.request_id == 0 and isinstance(message, Error):
                self.ending = self._farewell(message)
            else:
                taken.append(Reception(header.request_id, message, self._descriptors.pop(0) if header.descriptors else None))
        del self._received[:offset]
        if self._descriptors and not self._received:
            raise error("malformed_frame", "a descriptor came that no frame announces")

    def _farewell(self, message: Error) -> ConnectionLost:
        found = message.exception()
        passes = isinstance(found, Busy) or found.code in ("timeout", "internal_fault")
        return ConnectionLost(found, is_final=not passes)

    def violation(self, what: str) -> ConnectionLost:
        """How a connection ends whose daemon does not keep to the protocol."""
        message = f"the daemon at {self.path} broke the protocol, the connection is closed: {what}"
        return ConnectionLost(ProtocolError("malformed_frame", message), is_final=True)

    # --- End ---

    def shut_down(self) -> None:
        """Ends it for both sides: whoever polls the socket sees it. Never in a forked child, which shares the socket."""
        # It fails where the daemon has ended it already, and then there is nothing to do.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def give_up(self) -> None:
        """Ends it where part of what came or was to go may be lost."""
        self.ending = self._unavailable("the connection was given up to the daemon at", "a call was interrupted")
        self.shut_down()

    def close(self) -> None:
        """Closes this process's descriptors of it."""
        self.socket.close()
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            os.close(descriptor)
