"""Many hand-overs, asked about together."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING

from artifactd.arguments import checked_arguments
from artifactd.errors import ArtifactError, ArtifactsFailed, DaemonUnavailable, JobsFailed, NotFound, Timeout
from artifactd.messages import Job, Level, State
from artifactd.progress import Progress
from artifactd.ticket import Ticket, check_level

if TYPE_CHECKING:
    from artifactd.client import Client

# So many tickets are kept whole; of older ones that were accepted only the job's id is.
_WHOLE = 512
# How often a bar moves, in seconds.
_STEP = 0.25
# Up to so many jobs are asked for by their ids, more by their states among all of the tenant's.
_NAMED = 1000
# The most jobs that one WAIT names.
_PAGE = 1000

_sets: weakref.WeakSet[TicketSet] = weakref.WeakSet()


@checked_arguments
class TicketSet:
    """The hand-overs of a directory, or of a run: what each ticket tells, for all of them.

    Safe for threads. In a forked child it is empty: what its parent handed over is the parent's to wait for.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._begin()
        _sets.add(self)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        # Those without an answer, and where each stands in the order of the hand-overs.
        self._open: deque[tuple[int, Ticket]] = deque()
        self._whole = _WHOLE
        # The paths in the run by the jobs' ids.
        self._jobs: dict[str, str] = {}
        # What became of the last hand-over to each path that has an answer: its place in the order, and its job or its error.
        self._last: dict[str, tuple[int, str | ArtifactError]] = {}
        self._size = 0
        self._count = 0

    def __len__(self) -> int:
        """How many artifacts were handed over, those that could not be included."""
        return self._count

    def __repr__(self) -> str:
        return f"<TicketSet of {len(self)}>"

    def add(self, ticket: Ticket) -> None:
        """One more."""
        with self._lock:
            self._count += 1
            self._open.append((self._count, ticket))
            if len(self._open) > self._whole:
                self._sort_out()
                # What is kept offline stays.
                self._whole = max(_WHOLE, 2 * len(self._open))

    def refuse(self, path: str, error: ArtifactError) -> None:
        """One that could not be handed over."""
        with self._lock:
            self._count += 1
            self._note(path, self._count, error)

    # --- For callers ---

    @property
    def done(self) -> bool:
        """Whether nothing more happens by itself, as far as can be learnt within a second for each thousand of them."""
        with self._lock:
            self._sort_out()
            if self._open:
                return False
        try:
            return not self._pending(timeout=1.0)
        except (DaemonUnavailable, Timeout):
            return False

    @property
    def errors(self) -> dict[str, ArtifactError]:
        """What has failed by now and why, by the artifacts' paths in the run. Asks the daemon.

        Of several hand-overs to one path the last counts. What was deleted or cancelled on request has not failed.
        """
        with self._lock:
            self._sort_out()
            last = {path: outcome for path, (_, outcome) in self._last.items()}
        found = {path: outcome for path, outcome in last.items() if isinstance(outcome, ArtifactError)}
        try:
            for job in self._records(["failed"], timeout=10.0):
                path, error = self._jobs[job.id], job.exception()
                if error is not None and last.get(path) == job.id:
                    found[path] = error
        except (DaemonUnavailable, Timeout):
            # Then what was known before counts.
            pass
        return found

    @property
    def error(self) -> ArtifactsFailed | None:
        """All of `errors` in one; None while there are none."""
        errors = self.errors
        return ArtifactsFailed(errors) if errors else None

    def wait(self, level: Level = "accepted", timeout: float | None = None, progress: bool = False) -> TicketSet:
        """Waits until all have come so far: `accepted`, `durable` or `stored`.

        `timeout` is in seconds; `progress` shows a bar. Raises `ArtifactsFailed` once the others have come so far, `Timeout`,
        and `DaemonUnavailable` where some are kept offline.
        """
        check_level(level)
        deadline = None if timeout is None else time.monotonic() + timeout
        kept = self.accept(deadline)
        for ticket in kept:
            ticket.wait(level, remaining(deadline))
        if level != "accepted":
            self._wait_for_jobs(level, deadline, timeout, progress)
        if (failed := self.error) is not None:
            raise failed
        return self

    def accept(self, deadline: float | None = None) -> list[Ticket]:
        """Waits until each has an answer, by `time.monotonic`; returns those that are kept offline. Raises `Timeout`."""
        with self._lock:
            waiting = list(self._open)
        for _, ticket in waiting:
            if ticket.is_kept:
                continue
            try:
                ticket.wait("accepted", remaining(deadline))
            except Timeout as error:
                if not ticket.is_answered:
                    raise Timeout(error.code, error.message, error.cause) from None
            except ArtifactError:
                # It is kept, or among the errors now.
                pass
        with self._lock:
            self._sort_out()
            return [ticket for _, ticket in self._open if ticket.is_kept]

    # --- Inside ---

    def _sort_out(self) -> None:
        """Keeps of those that have an answer what is still needed. Under the lock."""
        still: deque[tuple[int, Ticket]] = deque()
        for place, ticket in self._open:
            path = ticket.path or ticket.destination
            if ticket.accepted is not None:
                self._jobs[ticket.accepted.id] = path
                self._size += ticket.accepted.size
                self._note(path, place, ticket.accepted.id)
                continue
            if (error := ticket.refusal) is not None:
                self._note(path, place, error)
            else:
                still.append((place, ticket))
        self._open = still

    def _note(self, path: str, place: int, outcome: str | ArtifactError) -> None:
        """What became of a hand-over, unless a later one to the same path has an answer already. Under the lock."""
        if path not in self._last or self._last[path][0] < place:
            self._last[path] = place, outcome

    def _pending(self, timeout: float | None = None) -> list[Job]:
        return self._records(["accepted", "uploading"], timeout)

    def _records(self, states: list[State], timeout: float | None) -> list[Job]:
        """The jobs of these hand-overs that are in one of these states. `timeout` is for each page, in seconds."""
        with self._lock:
            mine = list(self._jobs)
        if len(mine) <= _NAMED:
            # The daemon refuses ids that it does not know, and forgets stored jobs in time: then the states find the others.
            with contextlib.suppress(NotFound):
                return list(self._client.jobs(states, ids=mine, timeout=timeout)) if mine else []
        known = set(mine)
        return [job for job in self._client.jobs(states, timeout=timeout) if job.id in known]

    def _wait_for_jobs(self, level: Level, deadline: float | None, timeout: float | None, progress: bool) -> None:
        bar = Progress(self._size, f"{len(self)} artifacts") if progress else None
        try:
            while pending := [job for job in self._pending() if level == "stored" or job.level != level]:
                if bar is not None:
                    bar.show(self._size - sum(job.size - job.bytes_done for job in pending))
                step = remaining(deadline)
                if step is not None and step <= 0:
                    message = f"{len(pending)} artifacts are not {level} after {timeout or 0:g} s; they go on"
                    raise Timeout("timeout", message)
                if bar is not None:
                    step = _STEP if step is None else min(step, _STEP)
                self._glance([job.id for job in pending[:_PAGE]], level, step)
            if bar is not None:
                bar.show(self._size)
        finally:
            if bar is not None:
                bar.__exit__(None, None, None)

    def _glance(self, ids: list[str], level: Level, seconds: float | None) -> None:
        """Waits for jobs, or for the time."""
        try:
            self._client.wait(ids, level, seconds)
        except (Timeout, JobsFailed, NotFound):
            # What has failed, or is stored and forgotten, is no longer pending. Asking that finds a daemon that hangs.
            pass

    def forget_parent(self) -> None:
        """In a forked child."""
        self._begin()


def remaining(deadline: float | None) -> float | None:
    """How many seconds are left until a time by `time.monotonic`; None for without end."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _forget_parent() -> None:
    for each in list(_sets):
        each.forget_parent()


os.register_at_fork(after_in_child=_forget_parent)
