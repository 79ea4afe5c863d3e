"""Requests under way: what is sent, sent again, and answered. `Link` carries them."""

from __future__ import annotations

import os
import random
import threading
import time

from artifactd.connection import Connection
from artifactd.errors import ArtifactError, DaemonUnavailable, SourceLost
from artifactd.latch import Latch
from artifactd.messages import Delete, Deleted, Get, Put, Wait, WaitCommit
from artifactd.run_path import RunPath
from artifactd.sources import Source
from artifactd.wire import Message

# What can succeed later without anybody's help.
_PASSING = frozenset(["busy", "shutting_down", "local_storage_failed", "store_unavailable", "store_throttled"])
# For these the daemon has waited already, for as long as it may.
_STORE = frozenset(["store_unavailable", "store_throttled"])
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0


def pause(attempt: int) -> float:
    """How long to back off before another attempt, in seconds: doubling, with jitter."""
    return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0))


class Request:
    """One request and, once `latch` is open, its answer or its error.

    Everything but the result belongs to the link, under its lock.
    """

    def __init__(self, message: Message) -> None:
        self.message = message
        self.id = 0
        self.latch = Latch()
        self.answer: Message | None = None
        self.error: ArtifactError | None = None
        # What came with the answer, the caller's to close; and on which connection.
        self.descriptor: int | None = None
        self.connection: Connection | None = None
        # Nobody waits for the answer any more.
        self.is_abandoned = False
        # Whether it may be sent: not while it waits for another, or for a time.
        self.is_ready = True
        # By time.monotonic: when it fails unless the daemon can be reached; None while it can.
        self.give_up_at: float | None = None
        self.sendings = 0
        self._first_sent = 0.0
        self._refusals = 0
        self._refused_since = 0.0

    def frame(self, connection: Connection) -> tuple[bytes, int | None]:
        """What to send, now. Raises `ArtifactError` where it cannot be."""
        return self.message.frame(self.id), None

    def note_sending(self) -> None:
        """It was sent once more."""
        self.sendings += 1
        if self.sendings == 1:
            self._first_sent = time.monotonic()

    def pause_after(self, refusal: ArtifactError, patience: float, store_patience: float) -> float | None:
        """How long to wait before it is sent again; None where it is refused for good.

        `patience` is for how long a passing refusal is not taken for an answer, in seconds; `store_patience` one that comes from
        the store, from the first sending on.
        """
        if refusal.code not in _PASSING:
            return None
        if refusal.code in _STORE and time.monotonic() >= self._first_sent + store_patience:
            return None
        return self._pause_within(patience, refusal.retry_after)

    def _pause_within(self, patience: float, advice: float | None) -> float | None:
        now = time.monotonic()
        if self._refusals == 0:
            self._refused_since = now
        wait = pause(self._refusals) if advice is None else advice * random.uniform(1.0, 1.2)
        self._refusals += 1
        return wait if now + wait <= self._refused_since + patience else None

    def finish(self, answer: Message | None = None, error: ArtifactError | None = None, descriptor: int | None = None) -> None:
        """Sets the result and wakes whoever waits for it."""
        if self.is_abandoned and descriptor is not None:
            os.close(descriptor)
            descriptor = None
        self.answer, self.error, self.descriptor = answer, error, descriptor
        self._let_go()
        self.latch.open()

    def _let_go(self) -> None:
        """Gives back what it held for being sent again."""


class Greeting(Request):
    """Is answered by the welcome: asks for a connection and nothing else."""

    def __init__(self) -> None:
        super().__init__(Message())


class Waiting(Request):
    """WAIT or WAIT_COMMIT until a time by `time.monotonic`, however often it is sent."""

    message: Wait | WaitCommit

    def __init__(self, message: Wait | WaitCommit, until: float | None) -> None:
        super().__init__(message)
        self._until = until

    def frame(self, connection: Connection) -> tuple[bytes, int | None]:
        if self._until is not None:
            self.message.timeout = max(0, round((self._until - time.monotonic()) * 1000))
        return super().frame(connection)


class Deletion(Request):
    """DELETE. What is no longer there when it is sent again, it deleted itself before."""

    def __init__(self, uri: str) -> None:
        super().__init__(Delete(uri=uri))

    def finish(self, answer: Message | None = None, error: ArtifactError | None = None, descriptor: int | None = None) -> None:
        if error is not None and error.code == "not_found" and self.sendings > 1:
            answer, error = Deleted(), None
        super().finish(answer, error, descriptor)


class Target:
    """Where a download goes to."""

    def begin(self) -> int:
        """A descriptor to write to, empty; called again where the download begins again."""
        raise NotImplementedError


class Download(Request):
    """GET. Begins again from nothing when it is sent again."""

    def __init__(self, request: Get, target: Target) -> None:
        super().__init__(request)
        self._target = target

    def frame(self, connection: Connection) -> tuple[bytes, int | None]:
        return self.message.frame(self.id, descriptors=1), self._target.begin()


class SpoolSource:
    """A spool file as the source of a hand-over: its number on its own connection, its descriptor on any later one."""

    __slots__ = ("connection", "number", "reader")

    def __init__(self, connection: Connection | None, number: int, reader: int | None) -> None:
        self.connection = connection
        self.number = number
        self.reader = reader

    def close(self) -> None:
        """Lets go of the file."""
        reader, self.reader = self.reader, None
        if reader is not None:
            os.close(reader)


class Handover(Request):
    """PUT: holds its source until the daemon has accepted it, and is sent again under the same idempotency key."""

    message: Put

    def __init__(self, message: Put, source: Source | SpoolSource) -> None:
        super().__init__(message)
        self._source = source
        self._window: threading.Semaphore | None = None
        self._may_renew_key = message.idempotency_key is None
        # Whether anybody has been told of its error.
        self.is_seen = False
        # Whether its source stays open where no daemon can be reached, for `take_source`.
        self.keeps_source = False
        # Whether its bytes are in the offline directory until the daemon has them: nothing is lost where it has no answer.
        self.is_safe = False
        # When it was made, for its place among what is kept offline.
        self.stamp = 0
        if self._may_renew_key:
            message.idempotency_key = os.urandom(16)
        # What is wrong with the arguments is said now.
        message.encode()

    def occupy(self, window: threading.Semaphore) -> None:
        """Its place among the hand-overs without an answer, given back when it has one."""
        self._window = window

    @property
    def order(self) -> str:
        """Where it goes. Hand-overs to one place are sent one after the other: what comes later must be accepted later."""
        put = self.message
        if put.destination is not None:
            return put.destination
        return str(RunPath(put.run_id or "", put.artifact_path or ""))

    def frame(self, connection: Connection) -> tuple[bytes, int | None]:
        put, source = self.message, self._source
        if isinstance(source, SpoolSource):
            if source.connection is connection:
                put.spool = source.number
                return put.frame(self.id), None
            put.spool = None
            # The daemon that gave the file lost it with the connection; the file is still there, and is handed over as any other.
            put.level = "durable"
            if source.reader is None:
                message = "the connection was lost before the spool file was handed over; write it again"
                raise SourceLost("source_lost", message)
            return put.frame(self.id, descriptors=1), source.reader
        put.inline = source.inline(connection.welcome.inline_limit)
        if put.inline is not None:
            return put.frame(self.id), None
        return put.frame(self.id, descriptors=1), source.descriptor()

    def pause_after(self, refusal: ArtifactError, patience: float, store_patience: float) -> float | None:
        if refusal.code == "conflict" and self.message.spool is not None:
            # A process that was just forked has a copy of the writable descriptor for a moment.
            return self._pause_within(min(patience, 2.0), None)
        if self._may_renew_key and self._has_failed_before(refusal):
            # The key stands for a job that has failed, while the bytes are still here.
            self.message.idempotency_key = os.urandom(16)
            return self._pause_within(patience, None)
        return super().pause_after(refusal, patience, store_patience)

    def _has_failed_before(self, refusal: ArtifactError) -> bool:
        """Whether that is about a job that an earlier sending made: one that had no room to become DURABLE was cancelled, and one
        that was to become so lost its bytes where the daemon was killed.
        """
        return (refusal.code == "cancelled" and self._refusals > 0) or (refusal.code == "source_lost" and self.sendings > 1)

    def _let_go(self) -> None:
        if not (self.keeps_source and isinstance(self.error, DaemonUnavailable)):
            self._source.close()
        self.message.inline = None
        self._leave_window()

    def give_up(self) -> None:
        """Lets go of its source and its place: submitting it was interrupted, and the caller has the exception."""
        self.is_seen = True
        self._source.close()
        self._leave_window()

    def _leave_window(self) -> None:
        window, self._window = self._window, None
        if window is not None:
            window.release()

    def take_source(self) -> Source | SpoolSource | None:
        """Where no daemon could be reached: the source, once; it is the caller's to close."""
        if not self.keeps_source or (self.latch.is_open and not isinstance(self.error, DaemonUnavailable)):
            return None
        self.keeps_source = False
        return self._source

    def forget(self, error: ArtifactError) -> None:
        """Ends it in a forked child, where nothing but its error remains."""
        self._window = None
        self.latch = Latch()
        self.finish(error=error)
