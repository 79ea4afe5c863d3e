"""What a hand-over leaves in the caller's hands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, cast, get_args

from artifactd.arguments import checked_arguments
from artifactd.errors import ArtifactError, DaemonUnavailable, InvalidRequest, JobsFailed, NotFound, Timeout
from artifactd.messages import Accepted, Job, Level, State

if TYPE_CHECKING:
    from artifactd.client import Client
    from artifactd.requests import Handover

# How far a run, or a group of it, can have come.
RunLevel = Literal["accepted", "durable", "stored", "committed"]
LEVELS: tuple[str, ...] = get_args(Level)
RUN_LEVELS: tuple[str, ...] = get_args(RunLevel)
# How long `done` and `error` may take, in seconds.
_GLANCE = 1.0


def check_level(level: str, among: tuple[str, ...] = LEVELS) -> None:
    """Raises `InvalidRequest` for a level that cannot be asked for."""
    if level not in among:
        message = f"{level!r} is no level to ask for here; choose one of {', '.join(among)}"
        if level == "committed":
            message += "; a run or a group is what can be COMMITTED: run.wait('committed')"
        raise InvalidRequest("invalid_request", message)


@checked_arguments
class Ticket:
    """One hand-over.

    Safe for threads. In a forked child the tickets of its parent can be used if they were accepted by then; the others raise
    `ForeignTicket`.
    """

    __slots__ = ("_client", "_is_forgotten", "_job", "_request")

    def __init__(self, client: Client, request: Handover) -> None:
        self._client = client
        self._request = request
        self._job: Job | None = None
        # The daemon remembers failed jobs, stored ones only for a while.
        self._is_forgotten = False

    def __repr__(self) -> str:
        return f"<Ticket {self.job_id or 'not accepted'} to {self.destination}>"

    @property
    def accepted(self) -> Accepted | None:
        """The daemon's answer: what is promised, how the bytes are pinned, their size. None until it has come."""
        return cast("Accepted | None", self._request.answer)

    @property
    def job_id(self) -> str | None:
        """The job's id; None until it is ACCEPTED."""
        return self.accepted.id if self.accepted else None

    @property
    def destination(self) -> str:
        """The object's URI in full once it is ACCEPTED, until then the destination as it was given."""
        return self.accepted.destination if self.accepted else self._request.order

    @property
    def request(self) -> Handover:
        """What was sent."""
        return self._request

    @property
    def path(self) -> str | None:
        """The artifact's path in its run; None for one that belongs to no run."""
        return self._request.message.artifact_path

    @property
    def refusal(self) -> ArtifactError | None:
        """Why it was not accepted; None while it was, or may still be. Asks nobody, unlike `error`."""
        if self._request.error is not None:
            self._request.is_seen = True
        return self._request.error

    @property
    def is_answered(self) -> bool:
        """Whether it was accepted or refused."""
        return self.accepted is not None or self.refusal is not None

    @property
    def is_kept(self) -> bool:
        """Whether it waits in the offline directory for a daemon, as far as this process knows."""
        return False

    @property
    def state(self) -> State | None:
        """How far the job has come, as far as can be learnt within a second; None until it is ACCEPTED."""
        self._look()
        return cast("State | None", self._job.state if self._job else "accepted" if self.accepted else None)

    @property
    def done(self) -> bool:
        """Whether nothing more happens by itself: the artifact is STORED, or the hand-over failed.

        Asks the daemon. Where it cannot be asked within a second, what was known before counts.
        """
        self._look()
        return self._request.error is not None or self._is_forgotten or (self._job is not None and self._job.is_final)

    @property
    def error(self) -> ArtifactError | None:
        """Why the hand-over failed, or was given up (`Cancelled`); None while it has not. Asks the daemon as `done` does."""
        self._look()
        return self.refusal or (self._job.exception() if self._job else None)

    def wait(self, level: Level = "accepted", timeout: float | None = None) -> Ticket:
        """Waits until the artifact has come so far: `accepted`, `durable` or `stored`.

        A hand-over that was not made DURABLE at once becomes so when it is stored. `timeout` is in seconds; None waits as long as
        the daemon lives. Raises the error that the hand-over or the job failed with, and `Timeout`.
        """
        check_level(level)
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            accepted = cast(Accepted, self._client.link.result(self._request, timeout))
        except ArtifactError as error:
            if self._request.error is not None:
                self._request.is_seen = True
            elif isinstance(error, Timeout):
                error.message = f"the hand-over to {self.destination}: {error.message}"
            raise
        if LEVELS.index(accepted.level) >= LEVELS.index(level):
            return self
        try:
            self._client.wait([accepted.id], level, None if deadline is None else max(0.0, deadline - time.monotonic()))
        except JobsFailed as failed:
            raise failed.errors.get(accepted.id, failed) from None
        return self

    def _look(self) -> None:
        """Learns how the job stands."""
        accepted = self.accepted
        if accepted is None or self._is_forgotten or (self._job is not None and self._job.state in ("stored", "cancelled")):
            return
        try:
            self._job = self._client.job(accepted.id, timeout=_GLANCE)
        except NotFound:
            self._is_forgotten = True
        except (DaemonUnavailable, Timeout):
            # A glance blocks nobody and raises nothing: what was known before stands until the next one.
            pass
