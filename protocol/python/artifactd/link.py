"""The link to the daemon: carries requests over whatever connection there is, and makes a new one when it is lost.

One lock guards everything, and nothing waits while it is held. A caller's thread sends its request itself as long as the kernel
takes it at once, and while it waits for an answer it reads, also those of others: an answer then needs no way through another
thread. All else is done by one thread of the link's own, the *keeper*: it connects, reads while no caller does, sends what the
kernel did not take, and sends again what had no answer when a connection was lost. It lives while there is a connection or
something to be done.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from artifactd import process
from artifactd.agenda import Agenda
from artifactd.connection import Connection, ConnectionLost, find_socket
from artifactd.errors import (
    ArtifactError,
    DaemonUnavailable,
    ForeignTicket,
    InternalFault,
    InvalidRequest,
    SourceUnreadable,
    Timeout,
)
from artifactd.messages import DiscardSpool, Error, Welcome
from artifactd.requests import Greeting, Handover, Request, pause
from artifactd.watch import Bell, Watch
from artifactd.wire import ANSWER, Message

# How many hand-overs may be without an answer: each may hold a descriptor, of which a process has 1,024 as a rule.
WINDOW = 256
# A greeting takes at least so long as the daemon may need to be scheduled, however short the patience; seconds.
_LEAST_GREETING = 1.0
# What to take for inline bytes until a daemon has named its own limit.
_USUAL_INLINE_LIMIT = 64 << 10
# How long closing waits for the keeper; seconds.
_CLOSING = 1.0
# How long one poll lasts at the most; seconds.
_LONGEST_POLL = 3600.0
_log = logging.getLogger("artifactd")


class Settings(NamedTuple):
    """How a link behaves; times in seconds, as `Client` explains them."""

    socket: str | None
    tenant: str | None
    name: str
    retry_timeout: float
    answer_timeout: float
    exit_timeout: float


class _Reader:
    """A caller that reads until its own request has its result; it holds the connection open meanwhile."""

    def __init__(self, request: Request, connection: Connection) -> None:
        self.request = request
        self.connection = connection
        self.thread = threading.get_ident()


class Link:
    """Carries requests. Safe for threads; a forked child has one of its own from the first use on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.welcome: Welcome | None = None
        self._begin()
        process.links.add(self)

    def _begin(self) -> None:
        """The state of a link that has done nothing yet."""
        self._pid = os.getpid()
        # Of a kind that knows its owner, for `submit`.
        self._lock = threading.RLock()
        self._window = threading.Semaphore(WINDOW)
        self._watch = Watch()
        self._keeper: threading.Thread | None = None
        self._connection: Connection | None = None
        # The caller that reads instead of the keeper.
        self._reader: _Reader | None = None
        # Rings for it.
        self._bell = Bell()
        self._agenda = Agenda()
        # Filled without the lock.
        self._discards: deque[tuple[Connection, int]] = deque()
        self._failed: deque[Handover] = deque(maxlen=1000)
        # No more requests are taken, and those that are open fail.
        self._is_closed = False
        # Nobody holds the client any more: the keeper ends when nothing is open.
        self._is_retired = False

    # --- For callers ---

    @property
    def inline_limit(self) -> int:
        """The most bytes that travel within a frame."""
        return _USUAL_INLINE_LIMIT if self.welcome is None else self.welcome.inline_limit

    @property
    def is_read_by_caller(self) -> bool:
        """Whether a caller reads, and not the keeper."""
        return self._reader is not None

    def window(self) -> threading.Semaphore:
        """Takes a place among the hand-overs without an answer, which `Handover.finish` gives back; waits for one to be free."""
        self._check_process()
        while not self._window.acquire(timeout=self.settings.answer_timeout):
            self._probe("earlier hand-overs")
        return self._window

    def submit(self, request: Request) -> None:
        """Sends a request, or has it sent as soon as it can be."""
        self._check_process()
        if self._lock._is_owned():  # type: ignore[attr-defined]
            message = "a signal's handler called the client in the middle of a call; have it note the signal, and call behind it"
            raise InvalidRequest("invalid_request", message)
        with self._lock:
            if self._is_closed:
                raise InvalidRequest("invalid_request", "this client is closed; make a new one")
            if isinstance(request, Greeting) and self.welcome is not None and self._connection is not None:
                return request.finish(answer=self.welcome)
            with self._whole():
                if self._connection is None and request.give_up_at is None:
                    request.give_up_at = time.monotonic() + self.settings.retry_timeout
                self._agenda.add(request)
                if self._connection is not None:
                    self._pump(self._connection)
                elif self._keeper is None:
                    self._start_keeper(request)
        return None

    def result(self, request: Request, timeout: float | None = None) -> Message:
        """The answer. Raises the request's error; `Timeout` when the time is up or the daemon answers nothing at all.

        `timeout` is in seconds; None waits as long as the daemon lives.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while request.answer is None and request.error is None:
            step = self.settings.answer_timeout
            if deadline is not None:
                step = min(step, deadline - time.monotonic())
            if self._await(request, max(step, 0)):
                break
            if deadline is not None and time.monotonic() >= deadline:
                what = type(request.message).__name__
                raise Timeout("timeout", f"no answer to {what} within {timeout:g} s; it may still be carried out")
            self._probe(type(request.message).__name__)
        if request.error is not None:
            raise copy.copy(request.error)
        if request.answer is None:
            raise InternalFault("internal_fault", "a request ended without a result")
        return request.answer

    def _await(self, request: Request, seconds: float) -> bool:
        """Waits until a request has its result, for so many seconds at most; returns whether it has."""
        deadline = time.monotonic() + seconds
        try:
            self._read_until(request, deadline)
        finally:
            try:
                self._stop_reading_for(request)
            except BaseException:
                # An interrupt came here of all places: others wait for the answers.
                self._stop_reading_for(request)
                raise
        if not request.latch.wait(max(0.0, deadline - time.monotonic())):
            with self._lock:
                # One that several interrupts have kept from stopping reads no more.
                self._stop_reading()
        return request.latch.is_open

    def _stop_reading_for(self, request: Request) -> None:
        with self._lock:
            if self._reader is not None and self._reader.request is request:
                self._stop_reading()

    def _read_until(self, request: Request, deadline: float) -> None:
        """Reads answers until the request has its own, unless another caller reads."""
        with self._lock:
            connection = self._connection
            if self._reader is not None and self._reader.thread == threading.get_ident():
                # This is a signal's handler within a wait of the same thread, which cannot read now.
                self._bell.ring()
                return self._stop_reading()
            if connection is None or self._reader is not None or request.latch.is_open:
                return None
            self._reader = reader = _Reader(request, connection)
            self._expect(connection, reader)
            poller = select.poll()
            poller.register(connection.socket, select.POLLIN)
            poller.register(self._bell.descriptor, select.POLLIN)
        while not request.latch.is_open and connection.ending is None and (left := deadline - time.monotonic()) > 0:
            poller.poll(min(left, _LONGEST_POLL) * 1000 + 1)
            with self._lock:
                if self._reader is not reader or self._connection is not connection:
                    break
                self._bell.silence()
                self._read(connection)
        return None

    def call(self, request: Request, timeout: float | None = None) -> Message:
        """Sends a request and returns its answer, or raises its error; nobody can ask for it again."""
        self.submit(request)
        try:
            return self.result(request, timeout)
        except BaseException:
            self.abandon(request)
            raise

    def abandon(self, request: Request) -> None:
        """Nobody will ask for the result."""
        with self._lock:
            request.is_abandoned = True
            descriptor, request.descriptor = request.descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def discard_spool(self, connection: Connection | None, number: int) -> None:
        """Gives a spool file back, soon. Takes no lock: finalizers call it."""
        if connection is not None and self._pid == os.getpid():
            self._discards.append((connection, number))
            self._watch.ring()

    def connection(self) -> Connection | None:
        """The connection of now."""
        return self._connection

    def drain(self, timeout: float) -> list[Handover]:
        """Waits until every hand-over has an answer; returns those that have none when the time, in seconds, is up."""
        if self._pid != os.getpid():
            return []
        with self._lock:
            handovers = [request for request in self._agenda if isinstance(request, Handover) and not request.is_safe]
        deadline = time.monotonic() + timeout
        return [each for each in handovers if not self._await(each, max(deadline - time.monotonic(), 0))]

    def give_up_handovers(self) -> None:
        """Fails the hand-overs without an answer, as if no daemon ran: what can be kept of them is then kept."""
        if self._pid == os.getpid():
            with self._lock:
                refusal = DaemonUnavailable("daemon_unavailable", "the daemon had not answered when the process ended")
                self._fail(refusal, lambda request: isinstance(request, Handover) and not request.is_safe)

    def close(self) -> None:
        """Ends the connection. What has no answer fails."""
        if self._pid != os.getpid():
            return
        with self._lock:
            self._is_closed = True
            keeper = self._keeper
        self._watch.ring()
        if keeper is not None and keeper is not threading.current_thread():
            # At a greeting that takes longer than this it ends by itself, and no one need wait for it.
            keeper.join(_CLOSING)
        with self._lock:
            self._fail(_closed())

    def retire(self) -> None:
        """Ends the link as soon as nothing is open. Takes no lock: a finalizer calls it."""
        if self._pid == os.getpid():
            self._is_retired = True
            self._watch.ring()

    def report(self) -> None:
        """Logs which hand-overs failed without anybody having been told."""
        failed = [each for each in self._failed if not each.is_seen]
        self._failed.clear()
        if failed:
            first = failed[0]
            others = f"; the others, to {process.places(failed[1:])}" if failed[1:] else ""
            _log.error("%d hand-overs failed; the first, to %s: %s%s", len(failed), first.order, first.error, others)

    def _probe(self, what: str) -> None:
        """Raises `Timeout` where the daemon answers nothing. Without a connection the keeper knows when to give up."""
        connection = self._connection
        if connection is None:
            return
        settings = self.settings
        try:
            Connection(connection.path, settings.name, settings.tenant, settings.answer_timeout).close()
        except ConnectionLost as lost:
            if connection is self._connection and isinstance(lost.error, DaemonUnavailable):
                message = f"the daemon at {connection.path} answers nothing, {what} neither; look whether it hangs"
                raise Timeout("timeout", message, str(lost.error)) from None

    # --- Under the lock ---

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """What an exception of a signal handler interrupts may be half done: a new connection makes it whole."""
        try:
            yield
        except BaseException:
            if self._connection is not None:
                self._connection.give_up()
            raise

    def _start_keeper(self, request: Request) -> None:
        keeper = threading.Thread(target=self._keep, name="artifactd-keeper", daemon=True)
        self._keeper = keeper
        try:
            keeper.start()
        except RuntimeError as cause:
            self._keeper = None
            self._finish(request, error=DaemonUnavailable("daemon_unavailable", "no connection can be made any more", str(cause)))

    def _pump(self, connection: Connection) -> None:
        """Sends what is to be sent, as far as the kernel takes it; the keeper does the rest."""
        while not connection.is_blocked and (request := self._agenda.next()) is not None:
            try:
                frame, descriptor = request.frame(connection)
            except ArtifactError as refusal:
                self._finish(request, error=refusal)
                continue
            except OSError as cause:
                self._finish(request, error=SourceUnreadable("source_unreadable", "what to send cannot be had", str(cause)))
                continue
            try:
                if connection.send(frame, descriptor):
                    request.note_sending()
                else:
                    self._agenda.put_back(request)
            except OSError as cause:
                if cause.errno == errno.ETOOMANYREFS:
                    self._delay(request, pause(request.sendings))
                else:
                    # The keeper finds the connection ended, reads the daemon's last words and sends everything again.
                    connection.shut_down()
                    self._agenda.hold()
        if connection.is_blocked:
            self._wake_keeper()

    def _delay(self, request: Request, seconds: float) -> None:
        self._agenda.delay(request, seconds)
        self._wake_keeper()

    def _wake_keeper(self) -> None:
        if threading.current_thread() is not self._keeper:
            self._watch.ring()

    def _finish(
        self, request: Request, answer: Message | None = None, error: ArtifactError | None = None, descriptor: int | None = None
    ) -> None:
        # Each step can be done again where an interrupt has kept it, or those behind it, from being done.
        request.finish(answer, error, descriptor)
        if self._reader is not None and self._reader.request is request and self._reader.thread != threading.get_ident():
            self._bell.ring()
        if isinstance(request, Handover) and error is not None and not request.is_safe:
            self._failed.append(request)
        self._agenda.remove(request)

    def _fail(self, refusal: ArtifactError, which: Callable[[Request], bool] = lambda _: True) -> None:
        # One that becomes ready by another's end is among them already.
        for request in [request for request in self._agenda if which(request)]:
            self._finish(request, error=refusal)

    def _answer(self, connection: Connection, request_id: int, message: Message, descriptor: int | None) -> None:
        request = self._agenda.find(request_id)
        if request is None or request.sendings == 0:
            connection.ending = connection.violation(f"{type(message).__name__} answers request {request_id}, which is not open")
        elif isinstance(message, Error):
            refusal = message.exception()
            wait = request.pause_after(refusal, self.settings.retry_timeout, self.settings.answer_timeout)
            if wait is None or request.is_abandoned or self._is_closed:
                self._finish(request, error=refusal)
            else:
                self._delay(request, wait)
        elif message.TYPE != request.message.TYPE | ANSWER:
            connection.ending = connection.violation(f"{type(message).__name__} answers a {type(request.message).__name__}")
        else:
            request.connection = connection
            return self._finish(request, answer=message, descriptor=descriptor)
        if descriptor is not None:
            os.close(descriptor)
        return None

    def _stop_reading(self) -> None:
        """Leaves reading to the keeper."""
        if self._reader is not None:
            if self._reader.thread != threading.get_ident():
                self._bell.ring()
            if self._reader.connection is self._connection:
                self._expect(self._connection, None)
            else:
                self._reader.connection.close()
            self._reader = None

    def _expect(self, connection: Connection, reader: _Reader | None) -> None:
        """Tells the keeper what to wake for."""
        self._watch.expect(connection.socket, reading=reader is None, writing=connection.is_blocked)

    def _read(self, connection: Connection) -> None:
        """Takes what has come, and sends what is due then; it is the keeper that finds out where the connection has ended."""
        if connection.ending is None:
            with self._whole():
                for request_id, message, descriptor in connection.receive():
                    self._answer(connection, request_id, message, descriptor)
                if connection.ending is None:
                    self._take_discards(connection)
                    try:
                        connection.flush()
                    except OSError:
                        # What the daemon said before it closed is still to be read.
                        connection.shut_down()
                    else:
                        self._pump(connection)
        if connection.ending is not None:
            self._wake_keeper()

    # --- The keeper ---

    def _keep(self) -> None:
        try:
            while (connection := self._connect()) is not None:
                self._serve(connection)
        except BaseException as fault:
            with self._lock:
                self._keeper = None
                self._drop_connection()
                self._fail(InternalFault("internal_fault", "the client's own thread failed; report it", repr(fault)))
            raise

    def _connect(self) -> Connection | None:
        """A connection with everything that is open sent over it; None, and no keeper any more, where there is nothing to do."""
        attempt = 0
        while True:
            with self._lock:
                if self._is_closed:
                    self._fail(_closed())
                if not self._agenda:
                    self._keeper = None
                    return None
                patience = max(request.give_up_at or 0 for request in self._agenda) - time.monotonic()
            settings = self.settings
            timeout = min(settings.answer_timeout, max(patience, _LEAST_GREETING))
            try:
                connection = Connection(find_socket(settings.socket), settings.name, settings.tenant, timeout)
            except ConnectionLost as lost:
                self._watch.sleep(self._bear(lost, pause(attempt)))
                attempt += 1
                continue
            with self._lock, self._whole():
                self._connection = connection
                self._watch.add(connection.socket)
                self.welcome = connection.welcome
                for request in self._agenda:
                    if isinstance(request, Greeting):
                        self._finish(request, answer=connection.welcome)
                self._agenda.begin_again()
                self._pump(connection)
            return connection

    def _bear(self, lost: ConnectionLost, pause: float) -> float:
        """Fails what has been tried long enough, and returns after how many seconds to try the rest again."""
        with self._lock:
            now = time.monotonic()
            self._fail(lost.error, lambda request: lost.is_final or (request.give_up_at or 0) <= now)
            wait = pause if lost.error.retry_after is None else lost.error.retry_after
            ends = [request.give_up_at - now for request in self._agenda if request.give_up_at is not None]
            return max(0.0, min([wait, *ends])) if ends else 0.0

    def _serve(self, connection: Connection) -> None:
        """Reads answers and sends what is due until the connection ends."""
        begun = time.monotonic()
        while True:
            with self._lock:
                if self._is_closed or (self._is_retired and not self._agenda):
                    break
                self._expect(connection, self._reader)
                pause = None if connection.is_blocked else self._agenda.pause()
            self._watch.sleep(pause)
            with self._lock:
                self._read(connection)
                if connection.ending is not None:
                    break
        with self._lock:
            self._lose(connection, begun)

    def _take_discards(self, connection: Connection) -> None:
        while self._discards:
            owner, number = self._discards.popleft()
            if owner is connection:
                discard = Request(DiscardSpool(spool=number))
                discard.is_abandoned = True
                self._agenda.add(discard)

    def _lose(self, connection: Connection, begun: float) -> None:
        """Keeps what has no answer, for the next connection."""
        now = time.monotonic()
        self._drop_connection()
        # What an interrupt has left half done.
        for request in [each for each in self._agenda if each.answer is not None or each.error is not None]:
            self._finish(request, request.answer, request.error, request.descriptor)
        # Spool files end with their connection, and what nobody waits for is not asked again.
        for request in [each for each in self._agenda if each.is_abandoned]:
            self._finish(request, error=DaemonUnavailable("daemon_unavailable", "the connection was lost"))
        if connection.ending is not None and connection.ending.is_final:
            self._fail(connection.ending.error)
        for request in self._agenda:
            # One that never gets an answer on connections that end at once is given up in the end.
            if request.give_up_at is None or now - begun > self.settings.retry_timeout:
                request.give_up_at = now + self.settings.retry_timeout

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        self._agenda.hold()
        if connection is None:
            return
        self._watch.remove(connection.socket)
        connection.shut_down()
        if self._reader is None or self._reader.connection is not connection:
            connection.close()

    # --- Fork ---

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            self.forget_parent()

    def forget_parent(self) -> None:
        """In a forked child: lets go of what is the parent's, and begins anew.

        The parent's threads may have held the lock and been in the middle of anything: it is not asked for.
        """
        if self._pid == os.getpid():
            return
        requests, connection = self._agenda, self._connection
        message = f"process {self._pid} handed this over; only there can its acceptance be waited for"
        self._begin()
        for request in requests:
            if isinstance(request, Handover):
                request.forget(ForeignTicket("foreign_ticket", message))
        if connection is not None:
            connection.close()


def _closed() -> DaemonUnavailable:
    return DaemonUnavailable("daemon_unavailable", "the client was closed before the daemon answered")
