"""The requests about experiments, runs and their artifacts (section 11 of the specification) as calls."""

from __future__ import annotations

import contextlib
import time
from typing import cast

from artifactd.errors import Conflict, NotFound
from artifactd.link import Link
from artifactd.messages import (
    Artifacts,
    ArtifactsDeleted,
    Commit,
    CommitWaited,
    CreateExperiment,
    DeleteArtifacts,
    EndRun,
    Experiment,
    ExperimentCreated,
    ExperimentRecord,
    Experiments,
    ExperimentUpdated,
    GetExperiment,
    GetRun,
    ListArtifacts,
    ListExperiments,
    ListRuns,
    Run,
    RunEnded,
    RunRecord,
    Runs,
    RunStarted,
    RunStatus,
    StartRun,
    UpdateExperiment,
    WaitCommit,
)
from artifactd.requests import Request, Waiting, pause

# How much longer than the daemon this side waits for an answer that comes at a time, in seconds.
_GRACE = 0.5


class Registry:
    """What a client's daemon knows of experiments and runs. `timeout` is in seconds, for the answer."""

    def __init__(self, link: Link) -> None:
        self._link = link

    # --- Experiments ---

    def create_experiment(self, creation: CreateExperiment, timeout: float | None = None) -> ExperimentRecord:
        """Makes an experiment. Raises `Conflict` where the tenant has one of that name, archived or not."""
        request = Request(creation)
        try:
            return cast(ExperimentCreated, self._link.call(request, timeout)).experiment
        except Conflict:
            if request.sendings < 2:
                raise
            # The answer to an earlier sending may be what was lost.
            found = self.get_experiment(name=creation.name, timeout=timeout)
            if (found.description, found.lifecycle_stage) != (creation.description, "active"):
                raise
            return found

    def get_experiment(self, id: str | None = None, name: str | None = None, timeout: float | None = None) -> ExperimentRecord:
        """One by its id or its name. Raises `NotFound`, `TenantMismatch`; `StoreError` where it may be in the store alone."""
        return cast(Experiment, self._link.call(Request(GetExperiment(id=id, name=name)), timeout)).experiment

    def list_experiments(self, question: ListExperiments, timeout: float | None = None) -> Experiments:
        """A page of those that this daemon has seen, by rising name."""
        return cast(Experiments, self._link.call(Request(question), timeout))

    def update_experiment(self, change: UpdateExperiment, timeout: float | None = None) -> ExperimentRecord:
        """Changes description, tags, lifecycle stage. Raises `NotFound`, `TenantMismatch`."""
        return cast(ExperimentUpdated, self._link.call(Request(change), timeout)).experiment

    # --- Runs ---

    def start_run(self, start: StartRun, timeout: float | None = None) -> RunRecord:
        """Starts a run; one whose `run_id` was used before is that run, as it stands. Raises `Conflict`, `NotFound`."""
        return cast(RunStarted, self._link.call(Request(start), timeout)).run

    def get_run(self, run_id: str, timeout: float | None = None) -> RunRecord:
        """A run, of whatever node. Raises `NotFound`, `TenantMismatch`; `StoreError` where it may be in the store alone."""
        try:
            return cast(Run, self._link.call(Request(GetRun(run_id=run_id)), timeout)).run
        except NotFound as refusal:
            # The daemon has looked in the store, and advises to attach: what mostly asks this does so.
            message = f"there is no run '{run_id}' on this node or in its store; check the id"
            raise NotFound(refusal.code, message, refusal.cause) from None

    def find_run(self, run_id: str, patience: float) -> RunRecord:
        """As `get_run`; for `patience` seconds, one that is not there is asked for again.

        A run that was just started on another node is in the store a moment later, and a store tells nobody: it must be polled.
        """
        deadline = time.monotonic() + patience
        attempt = 0
        while time.monotonic() + (wait := pause(attempt)) < deadline:
            with contextlib.suppress(NotFound):
                return self.get_run(run_id)
            time.sleep(wait)
            attempt += 1
        return self.get_run(run_id)

    def list_runs(self, question: ListRuns, timeout: float | None = None) -> Runs:
        """A page of those that this daemon has seen, the latest first."""
        return cast(Runs, self._link.call(Request(question), timeout))

    def end_run(
        self, run_id: str, status: RunStatus, timeout: float | None = None, give_up_after: float | None = None
    ) -> RunRecord:
        """Ends a run: this daemon takes no more artifacts for it, and writes its manifest when all are STORED.

        `give_up_after`: for how many seconds a daemon that is not there is tried; None as long as the client's `retry_timeout`
        says. Raises `NotFound`, `TenantMismatch`; `Conflict` where it ended otherwise before.
        """
        request = Request(EndRun(run_id=run_id, status=status))
        if give_up_after is not None:
            request.give_up_at = time.monotonic() + give_up_after
        return cast(RunEnded, self._link.call(request, timeout)).run

    # --- Commits ---

    def commit(
        self,
        run_id: str,
        group: str | None = None,
        member: int | None = None,
        members: int | None = None,
        timeout: float | None = None,
        give_up_after: float | None = None,
    ) -> None:
        """Has the manifest of a run, or of a group's member, written when everything handed over before is STORED."""
        request = Request(Commit(run_id=run_id, group=group, member=member, members=members))
        if give_up_after is not None:
            request.give_up_at = time.monotonic() + give_up_after
        self._link.call(request, timeout)

    def wait_commit(self, run_id: str, group: str | None = None, timeout: float | None = None) -> CommitWaited:
        """Waits until a run or group is COMMITTED, cannot be, or the time is up; the answer says which."""
        deadline = None if timeout is None else time.monotonic() + timeout
        request = Waiting(WaitCommit(run_id=run_id, group=group), deadline)
        return cast(CommitWaited, self._link.call(request, None if timeout is None else timeout + _GRACE))

    # --- Artifacts ---

    def list_artifacts(self, question: ListArtifacts, timeout: float | None = None) -> Artifacts:
        """A page of a run's artifacts, by rising path. Raises `NotFound`, `TenantMismatch`."""
        return cast(Artifacts, self._link.call(Request(question), timeout))

    def delete_artifacts(self, run_id: str, path: str, recursive: bool = False, timeout: float | None = None) -> int:
        """Removes the artifact at `path`, with `recursive` all below it too; returns how many are gone. Raises `NotFound`."""
        request = Request(DeleteArtifacts(run_id=run_id, path=path, recursive=recursive))
        try:
            return cast(ArtifactsDeleted, self._link.call(request, timeout)).count
        except NotFound:
            if request.sendings < 2:
                raise
            # An earlier sending, whose answer was lost, has removed them.
            return 0
