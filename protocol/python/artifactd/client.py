"""The daemon's requests as calls."""

from __future__ import annotations

import itertools
import json
import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import IO, Any, cast

from artifactd.arguments import checked_arguments
from artifactd.downloads import FileTarget, StreamTarget
from artifactd.errors import ArtifactError, InvalidRequest, JobsFailed, Timeout
from artifactd.link import Link, Settings
from artifactd.messages import (
    Cancel,
    Cancelled,
    ChangePolicy,
    Compression,
    Get,
    Got,
    Job,
    Jobs,
    Level,
    ListJobs,
    ListObjects,
    Objects,
    OpenSpool,
    Put,
    Retried,
    Retry,
    SpoolOpened,
    State,
    Status,
    StatusReport,
    StoredObject,
    Wait,
    Waited,
    Welcome,
)
from artifactd.registry import Registry
from artifactd.requests import Deletion, Download, Greeting, Handover, Request, SpoolSource, Waiting
from artifactd.run_path import RunPath
from artifactd.sources import Readable, Source, open_source
from artifactd.spool import SpoolFile
from artifactd.ticket import Ticket, check_level

_PAGE = 1000
# So many records of up to 6 KB each fit into one frame; pages that name no ids the daemon fits in itself.
_NAMED = 100
# How much longer than the daemon this side waits for an answer that comes at a time, in seconds.
_GRACE = 0.5


@checked_arguments
class Client:
    """Speaks with the node's daemon.

    Safe for threads, and in forked children, which get a connection of their own. Connects at the first use, and again whenever
    the connection was lost; what had no answer then is sent again, and takes effect once. Every call raises `ArtifactError`;
    one that a signal's handler makes in the middle of another of the same thread raises `InvalidRequest`.

    - `socket`: the daemon's socket; None for $ARTIFACTD_SOCKET, else the usual place.
    - `tenant`: whom to act for; None for the one that the daemon's policy gives the user.
    - `name`: who speaks, for the daemon's log.
    - `retry_timeout`: for how many seconds a daemon that is not there, or says that it is busy, is tried again.
    - `answer_timeout`: after how many seconds without an answer it is checked whether the daemon answers at all, which must not
      take longer than that either; and for how many a store that does not answer is asked again.
    - `exit_timeout`: for how many seconds `close` and the end of the process wait for hand-overs to be accepted.
    """

    def __init__(
        self,
        socket: str | os.PathLike[str] | None = None,
        *,
        tenant: str | None = None,
        name: str = "artifactd-python/0.1.0",
        retry_timeout: float = 30.0,
        answer_timeout: float = 10.0,
        exit_timeout: float = 10.0,
    ) -> None:
        path = None if socket is None else os.fspath(socket)
        self._settings = Settings(path, tenant, name, retry_timeout, answer_timeout, exit_timeout)
        self.link = Link(self._settings)
        self.registry = Registry(self.link)
        finalizer = weakref.finalize(self, self.link.retire)
        finalizer.atexit = False

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process gets a client of its own.
        return _restore, (self._settings,)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # --- Connection ---

    def connect(self, timeout: float | None = None) -> Welcome:
        """Makes sure that there is a connection, and returns what is in force on it.

        `timeout` is in seconds: 0 tries once, None as long as `retry_timeout` says. Raises `DaemonUnavailable`, `Denied`.
        """
        request = Greeting()
        if timeout is not None:
            request.give_up_at = time.monotonic() + timeout
        return cast(Welcome, self.link.call(request))

    @property
    def tenant(self) -> str:
        """The tenant that requests count for. Connects."""
        return self.connect().tenant

    @property
    def store(self) -> str:
        """The store's URL. Connects."""
        return self.connect().store

    def flush(self, timeout: float | None = None) -> None:
        """Waits until every hand-over has an answer: it was accepted, or its ticket has the error. Raises `Timeout`."""
        bound = self._settings.exit_timeout if timeout is None else timeout
        if left := self.link.drain(bound):
            raise Timeout("timeout", f"{len(left)} hand-overs have no answer after {bound:g} s")

    def close(self) -> None:
        """Waits, for at most `exit_timeout`, until every hand-over has an answer, and ends the connection."""
        self.link.drain(self._settings.exit_timeout)
        self.link.report()
        self.link.close()

    # --- Hand-overs ---

    def put(
        self,
        source: Readable,
        destination: str | RunPath,
        *,
        level: Level | None = None,
        compression: Compression | None = None,
        content_type: str | None = None,
        on_change: ChangePolicy | None = None,
        label: str | None = None,
        idempotency_key: bytes | None = None,
    ) -> Ticket:
        """Hands an artifact over and returns at once; the ticket says what becomes of it.

        - `source`: a path; bytes; an open file or its descriptor, of which the whole content counts, whatever its position.
          A file may be renamed or deleted once the ticket is ACCEPTED, but not written to until it is DURABLE or STORED.
        - `destination`: the object's URI, its key relative to the store, or a place in a run.
        - `level`: what the daemon promises when it accepts: "accepted", or "durable", with which it owns the bytes. The default
          is "durable" for what no path leads back to (bytes, deleted files), else "accepted".
        - `compression`, `content_type`, `on_change`: None for the daemon's choice.
        - `label`: what the source is called; the default is its absolute path.
        - `idempotency_key`: 1 to 128 bytes that stand for this hand-over also in other processes; random by default.

        Raises `SourceError` for a source that cannot be handed over, `InvalidRequest`; waits only where many hand-overs have no
        answer yet. Everything else is the ticket's to tell.
        """
        request = self.prepare(
            source,
            destination,
            level=level,
            compression=compression,
            content_type=content_type,
            on_change=on_change,
            label=label,
            idempotency_key=idempotency_key,
        )
        return self.hand_over(request)

    def prepare(
        self,
        source: Readable,
        destination: str | RunPath,
        *,
        level: Level | None = None,
        compression: Compression | None = None,
        content_type: str | None = None,
        on_change: ChangePolicy | None = None,
        label: str | None = None,
        idempotency_key: bytes | None = None,
    ) -> Handover:
        """A hand-over that holds its source and has not been sent."""
        if isinstance(source, SpoolFile):
            raise InvalidRequest("invalid_request", "hand a spool file over by its own method, put(destination)")
        opened = open_source(source, self.link.inline_limit)
        try:
            if level is None:
                is_safe = opened.has_way_back or opened.inline(self.link.inline_limit) is not None
                level = "accepted" if is_safe else "durable"
            shown = opened.label if label is None else label
            return _handover(opened, destination, shown, level, compression, content_type, on_change, idempotency_key)
        except BaseException:
            opened.close()
            raise

    def hand_over(self, request: Handover) -> Ticket:
        """Sends what was prepared."""
        try:
            request.occupy(self.link.window())
            self.link.submit(request)
        except BaseException:
            request.give_up()
            raise
        return Ticket(self, request)

    def put_spool(self, source: SpoolSource, destination: str | RunPath, **options: Any) -> Ticket:
        """What `SpoolFile.put` does."""
        given = {"level": "durable", "label": "", **options}
        names = ("label", "level", "compression", "content_type", "on_change", "idempotency_key")
        if unknown := given.keys() - set(names):
            raise InvalidRequest("invalid_request", f"no such options: {', '.join(sorted(unknown))}")
        return self.hand_over(_handover(source, destination, *(given.get(name) for name in names)))

    def open_spool(
        self,
        destination: str | RunPath | None = None,
        *,
        size_hint: int = 0,
        timeout: float | None = None,
        on_put: Callable[[Ticket], None] | None = None,
        **options: Any,
    ) -> SpoolFile:
        """A file of the daemon's to write to, for bytes that have no file yet; handed over, they are DURABLE without a copy.

            with client.open_spool("runs/7/model.pt") as file:
                torch.save(model, file)
            file.ticket.wait("stored")

        `size_hint` is how many bytes are going to be written, as far as known. `on_put` is told the ticket once the file is
        handed over. The options are those of `put`. Waits for the daemon, at most `timeout` seconds. Raises `Busy` where the
        spool has no room.
        """
        request = Request(OpenSpool(size_hint=size_hint))
        answer = cast(SpoolOpened, self.link.call(request, timeout))
        descriptor, request.descriptor = request.descriptor, None
        if descriptor is None:
            raise InvalidRequest("invalid_request", "the daemon gave no spool file")
        return SpoolFile(self, request.connection, answer.spool, descriptor, destination, options, on_put)

    # --- Jobs ---

    def wait(self, jobs: Iterable[str | Ticket] | None = None, level: Level = "stored", timeout: float | None = None) -> None:
        """Waits until jobs have come so far: those named by id or ticket, or with None all of the tenant's.

        `timeout` is in seconds. Raises `JobsFailed` where some failed or were cancelled, `Timeout`, `NotFound`.
        """
        check_level(level)
        deadline = None if timeout is None else time.monotonic() + timeout
        ids = None if jobs is None else [self._id(each, deadline) for each in jobs]
        failed = 0
        for page in [[]] if ids is None else [ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE)]:
            request = Waiting(Wait(id=page, level=level), deadline)
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            waited = cast(Waited, self.link.call(request, None if remaining is None else remaining + _GRACE))
            if waited.pending:
                raise Timeout("timeout", f"{waited.pending} jobs are not {level} after {timeout or 0:g} s; they go on")
            failed += waited.failed
        if failed:
            raise JobsFailed(self._errors(ids), failed)

    def _id(self, job: str | Ticket, deadline: float | None) -> str:
        if isinstance(job, str):
            return job
        if not isinstance(job, Ticket):
            raise InvalidRequest("invalid_request", f"wait: jobs must be tickets or jobs' ids; {job!r} is none")
        job.wait("accepted", None if deadline is None else max(0.0, deadline - time.monotonic()))
        return cast(str, job.job_id)

    def _errors(self, ids: list[str] | None) -> dict[str, ArtifactError]:
        """Why jobs failed: of those, or the first of all that stand as failed."""
        errors: dict[str, ArtifactError] = {}
        if ids is None:
            records: Iterable[Job] = self.jobs(state=["failed"], limit=100)
        else:
            records = self.jobs(["failed", "cancelled"], ids=ids)
        for job in records:
            if (error := job.exception()) is not None:
                errors[job.id] = error
        return errors

    def jobs(
        self,
        state: State | Sequence[State] | None = None,
        *,
        ids: Sequence[str] | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> Iterator[Job]:
        """The tenant's jobs in the order of their acceptance, or those of these ids in theirs; only those in these states.

        At most `limit`. Asks as it goes; `timeout` is for each page, in seconds. Raises `NotFound` for an id that is not known.
        """
        states = [state] if isinstance(state, str) else list(state or ())
        if ids is not None:
            yield from itertools.islice(self._named(ids, states, timeout), limit)
            return
        after: int | None = None
        left = limit
        while left is None or left > 0:
            page = self._page([], states, after, _PAGE if left is None else min(left, _PAGE), timeout)
            for record in page.record:
                if left is not None:
                    left -= 1
                yield record
            after = page.next
            if after is None:
                return

    def _named(self, ids: Sequence[str], states: Sequence[str], timeout: float | None) -> Iterator[Job]:
        for start in range(0, len(ids), _NAMED):
            yield from self._page(ids[start : start + _NAMED], states, timeout=timeout).record

    def _page(
        self,
        ids: Sequence[str],
        states: Sequence[str] = (),
        after: int | None = None,
        limit: int = _PAGE,
        timeout: float | None = None,
    ) -> Jobs:
        return cast(Jobs, self.link.call(Request(ListJobs(id=list(ids), state=list(states), after=after, limit=limit)), timeout))

    def job(self, id: str, timeout: float | None = None) -> Job:
        """What the daemon knows of a job. Raises `NotFound`."""
        return self._page([id], limit=1, timeout=timeout).record[0]

    def cancel(self, id: str, timeout: float | None = None) -> State:
        """Gives a job up; returns its state now, which is stored where it was too late."""
        return cast(State, cast(Cancelled, self.link.call(Request(Cancel(id=id)), timeout)).state)

    def retry(self, ids: Sequence[str] = (), timeout: float | None = None) -> tuple[int, list[ArtifactError]]:
        """Puts failed jobs back into the queue: those, or with none all of the tenant's.

        Returns how many are there again, and why the first of the others are not.
        """
        count, refusals = 0, []
        for start in range(0, max(len(ids), 1), _PAGE):
            answer = cast(Retried, self.link.call(Request(Retry(id=list(ids[start : start + _PAGE]))), timeout))
            count += answer.count
            refusals += [refusal.exception() for refusal in answer.refusal]
        return count, refusals

    def status(self, timeout: float | None = None) -> dict[str, Any]:
        """What the daemon says of itself: section 12 of the specification has the keys."""
        report = cast(StatusReport, self.link.call(Request(Status()), timeout))
        return cast("dict[str, Any]", json.loads(report.json))

    # --- Objects ---

    def list_objects(self, prefix: str = "", *, page_size: int = _PAGE, timeout: float | None = None) -> Iterator[StoredObject]:
        """The objects whose URI, or key relative to the store, begins with `prefix`, by rising key.

        Asks the store as it goes, for `page_size` (1 to 1,000) at a time; `timeout` is for each page, in seconds.
        """
        after: str | None = None
        while True:
            request = Request(ListObjects(prefix=prefix, after=after, limit=page_size))
            page = cast(Objects, self.link.call(request, timeout))
            yield from page.entry
            after = page.next
            if after is None:
                return

    def get(
        self,
        uri: str,
        target: str | os.PathLike[str] | IO[bytes],
        timeout: float | None = None,
        *,
        offset: int | None = None,
        length: int | None = None,
        raw: bool = False,
    ) -> Got:
        """Reads an object, decoded, into a file; returns its size, and its encoding and content type in the store.

        A path appears when all is there, and replaces what was there. An open binary file is written to from its position on and
        ends with what was written. Raises `NotFound`.

        With `offset` (of the first byte) or `length` (at most so many) a part of it, which the end cuts off; `total_size` of the
        answer is that of the whole, and parts belong together when their `etag` is the same. With `raw` the bytes as they lie in
        the store: only so can a part of an encoded object be read, else that raises `Conflict`. With an older daemon any of the
        three raises `ProtocolError`.
        """
        request = Get(uri=uri, offset=offset, length=length, raw=raw)
        place = FileTarget(target) if isinstance(target, (str, os.PathLike)) else StreamTarget(target)
        try:
            got = cast(Got, self.link.call(Download(request, place), timeout))
            place.finish()
        finally:
            place.give_up()
        return got

    def delete(self, uri: str, timeout: float | None = None) -> None:
        """Removes an object. Raises `NotFound`; `Conflict` while a job is to write it."""
        self.link.call(Deletion(uri), timeout)


def _restore(settings: Settings) -> Client:
    socket, tenant, name, retry_timeout, answer_timeout, exit_timeout = settings
    return Client(
        socket, tenant=tenant, name=name, retry_timeout=retry_timeout, answer_timeout=answer_timeout, exit_timeout=exit_timeout
    )


def _handover(
    source: Source | SpoolSource,
    destination: str | RunPath,
    label: str | None,
    level: str | None,
    compression: str | None,
    content_type: str | None,
    on_change: str | None,
    key: bytes | None,
) -> Handover:
    check_level(level or "accepted", ("accepted", "durable"))
    place = destination if isinstance(destination, RunPath) else None
    put = Put(
        destination=None if isinstance(destination, RunPath) else destination,
        run_id=place and place.run_id,
        artifact_path=place and place.path,
        group=place and place.group,
        member=place and place.member,
        label=label or None,
        compression=compression,
        level=level or "accepted",
        idempotency_key=key,
        content_type=content_type,
        change_policy=on_change,
    )
    return Handover(put, source)
