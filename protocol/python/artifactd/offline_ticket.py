"""What a hand-over leaves in the caller's hands where an offline directory is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from artifactd.arguments import checked_arguments
from artifactd.errors import ArtifactError, DaemonUnavailable, ForeignTicket
from artifactd.messages import Accepted, Level, State
from artifactd.run_path import RunPath
from artifactd.ticket import Ticket, check_level

if TYPE_CHECKING:
    from artifactd.outlet import Outlet


@checked_arguments
class OfflineTicket(Ticket):
    """One hand-over to a run, which is kept in the offline directory while no daemon can be reached.

    It is a ticket like others from when a daemon has it. That happens in this process when its daemon is back while it runs;
    else the user's next tracker does it.
    """

    __slots__ = ("_failure", "_outlet", "directory", "is_elsewhere", "name", "place", "real")

    def __init__(self, outlet: Outlet, directory: str, place: RunPath, real: Ticket | None = None, kept_as: str = "") -> None:
        self._outlet = outlet
        # Where it is kept, and under which name.
        self.directory = directory
        self.name = kept_as
        self.place = place
        # The daemon's, while it has it or is being asked to take it.
        self.real = real
        # Another process has handed it over.
        self.is_elsewhere = False
        self._failure: ArtifactError | None = None

    @property
    def is_kept(self) -> bool:
        self._settle()
        return self.real is None and self._failure is None and not self.is_elsewhere

    @property
    def accepted(self) -> Accepted | None:
        self._settle()
        return self.real.accepted if self.real else None

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def destination(self) -> str:
        return self.real.destination if self.real else str(self.place)

    @property
    def refusal(self) -> ArtifactError | None:
        self._settle()
        return self._failure or (self.real.refusal if self.real else None)

    @property
    def state(self) -> State | None:
        self._settle()
        return self.real.state if self.real else None

    @property
    def done(self) -> bool:
        self._settle()
        return self._failure is not None or (self.real is not None and self.real.done)

    @property
    def error(self) -> ArtifactError | None:
        self._settle()
        return self._failure or (self.real.error if self.real else None)

    def fail(self, error: ArtifactError) -> None:
        """A daemon refused it for good, or it cannot be kept."""
        self._failure = error

    def wait(self, level: Level = "accepted", timeout: float | None = None) -> Ticket:
        """As `Ticket.wait` does; raises `DaemonUnavailable`, which says where it is kept, while it is."""
        check_level(level)
        if self.real is not None:
            try:
                self.real.wait(level, timeout)
            except DaemonUnavailable:
                self._settle()
                if self.real is not None:
                    raise
            else:
                return self
        if self._failure is not None:
            raise self._failure
        if self.is_elsewhere:
            shown = f"'{self.path}'"
            message = f"another process of yours handed {shown} over; list the artifacts of run {self.place.run_id} to see it"
            raise ForeignTicket("foreign_ticket", message)
        message = f"no daemon runs; '{self.path}' is kept in {self.directory}, and handed over by your next tracker"
        raise DaemonUnavailable("daemon_unavailable", message)

    def _settle(self) -> None:
        """Has it kept where it found no daemon."""
        if self.real is not None and isinstance(self.real.refusal, DaemonUnavailable):
            self._outlet.keep_instead(self)
