"""Which runs are active in a thread or task."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from artifactd.errors import NoActiveRun

if TYPE_CHECKING:
    from artifactd.active_run import ActiveRun
    from artifactd.tracker import ExperimentTracker

# The outermost first.
_active: ContextVar[tuple[ActiveRun, ...]] = ContextVar("artifactd_active_runs", default=())


def activate(run: ActiveRun) -> None:
    """Makes it the innermost active run."""
    _active.set((*(each for each in _active.get() if each is not run), run))


def deactivate(run: ActiveRun) -> None:
    """It is no longer active here."""
    _active.set(tuple(each for each in _active.get() if each is not run))


def active_run(tracker: ExperimentTracker) -> ActiveRun:
    """The innermost active run of a tracker. Raises `NoActiveRun`."""
    for run in reversed(_active.get()):
        if run._tracker is tracker:
            return run
    message = "no run is active in this thread; log within `with tracker.start_run(…) as run:`, or on the run itself"
    raise NoActiveRun("no_active_run", message)
