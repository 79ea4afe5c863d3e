"""What a hand-over leaves in the caller's hands while no daemon runs."""

from __future__ import annotations

from artifactd.errors import ArtifactError, DaemonUnavailable, ForeignTicket
from artifactd.messages import Accepted, Level, State
from artifactd.ticket import Ticket, check_level


class OfflineTicket(Ticket):
    """One hand-over that is kept in the offline directory: a ticket like others from when it is handed over to a daemon.

    That happens in this process when its daemon is back while the run goes on; else the user's next tracker does it.
    """

    __slots__ = ("_failure", "_path", "directory", "is_elsewhere", "name", "real", "run_id")

    def __init__(self, directory: str, name: str, run_id: str, path: str) -> None:
        # Where it is kept, and under which name.
        self.directory = directory
        self.name = name
        self.run_id = run_id
        self._path = path
        # The daemon's, once it has it.
        self.real: Ticket | None = None
        # Another process has handed it over.
        self.is_elsewhere = False
        self._failure: ArtifactError | None = None

    @property
    def accepted(self) -> Accepted | None:
        return self.real.accepted if self.real else None

    @property
    def path(self) -> str:
        return self._path

    @property
    def destination(self) -> str:
        return self.real.destination if self.real else f"{self._path} of run {self.run_id}"

    @property
    def refusal(self) -> ArtifactError | None:
        return self._failure or (self.real.refusal if self.real else None)

    @property
    def state(self) -> State | None:
        return self.real.state if self.real else None

    @property
    def done(self) -> bool:
        return self._failure is not None or (self.real is not None and self.real.done)

    @property
    def error(self) -> ArtifactError | None:
        return self._failure or (self.real.error if self.real else None)

    def fail(self, error: ArtifactError) -> None:
        """A daemon refused it for good."""
        self._failure = error

    def wait(self, level: Level = "accepted", timeout: float | None = None) -> Ticket:
        """As `Ticket.wait` does; raises `DaemonUnavailable` while it is kept."""
        check_level(level)
        if self._failure is not None:
            raise self._failure
        if self.is_elsewhere:
            message = f"another process of yours handed '{self._path}' over; list the artifacts of run {self.run_id} to see it"
            raise ForeignTicket("foreign_ticket", message)
        if self.real is None:
            message = f"no daemon runs; '{self._path}' is kept in {self.directory}, and handed over by your next tracker"
            raise DaemonUnavailable("daemon_unavailable", message)
        self.real.wait(level, timeout)
        return self
