"""A run that artifacts are logged to."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from artifactd.arguments import checked_arguments
from artifactd.artifact_list import ArtifactList
from artifactd.artifact_log import ArtifactLog, PutOptions
from artifactd.checks import checked_directory, checked_path
from artifactd.client import Client
from artifactd.context import activate, deactivate
from artifactd.errors import (
    ArtifactError,
    ArtifactsFailed,
    Conflict,
    DaemonUnavailable,
    InvalidRequest,
    Timeout,
)
from artifactd.messages import Commit, CommitWaited, EndRun, Kind, RunRecord, RunStatus
from artifactd.outlet import Outlet
from artifactd.run_artifacts import download_artifacts, list_artifacts
from artifactd.run_group import RunGroup, made_group
from artifactd.run_path import RunPath
from artifactd.sources import Readable
from artifactd.spool import SpoolFile
from artifactd.termination import RunKilled, termination
from artifactd.ticket import RUN_LEVELS, RunLevel, Ticket, check_level
from artifactd.ticket_set import TicketSet, remaining

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from artifactd.tracker import ExperimentTracker

_log = logging.getLogger("artifactd")

# For how many seconds a run is looked for that another node may just have started.
PATIENCE = 3.0


@checked_arguments
class ActiveRun(ArtifactLog):
    """A run. `ExperimentTracker.start_run` and `attach_run` make it; until it is left, the tracker's own log methods mean it.

        with tracker.start_run(experiment_name="fraud-detection") as run:
            run.log_artifact("model.pkl", artifact_path="models")

    Leaving the block waits until everything is ACCEPTED, ends the run, and raises the errors known by then, those of earlier
    tickets too (`ArtifactsFailed`); it does not wait for the store unless `wait_on_exit` says so. The run ends as finished; as
    failed where an exception leaves the block, other than `SystemExit` with status 0; as killed by SIGTERM. A run that was
    attached is not ended: what was logged to it is committed.

    Safe for threads. Forked children, and processes that a run is pickled to, log to the same run without ending it; without a
    `with` block call `end`.
    """

    def __init__(
        self,
        tracker: ExperimentTracker,
        outlet: Outlet,
        run_id: str,
        record: RunRecord | None,
        *,
        is_attached: bool = False,
        is_known: bool = True,
        wait_on_exit: RunLevel = "accepted",
        timeout: float | None = None,
    ) -> None:
        self._tracker = tracker
        self._outlet = outlet
        self._run_id = run_id
        self._record = record
        self._is_attached = is_attached
        # Whether this node's daemon has been asked for the run.
        self._is_known = is_known
        self._wait_on_exit = wait_on_exit
        self._timeout = timeout
        self._pid = os.getpid()
        self._is_over = False
        self._is_guarded = False
        self._tickets = TicketSet(outlet.client)

    def __repr__(self) -> str:
        return f"<ActiveRun {self.run_id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._tracker, self._outlet.tenant, self._run_id, self._record)

    # --- What it is ---

    @property
    def run_id(self) -> str:
        """The run's id: others attach by it."""
        return self._run_id

    @property
    def experiment_id(self) -> str:
        """The experiment's id; empty while the run is kept offline and its tenant is not known: name it by `tenant_id`."""
        return self._record.experiment_id if self._record else ""

    @property
    def artifact_uri(self) -> str:
        """Where the artifacts lie, without a slash at its end; as it was when the run was started, empty where that was offline.

        It may turn out to be another where the store did not answer then.
        """
        return self._record.artifact_uri if self._record else ""

    @property
    def name(self) -> str:
        """The run's name; may be empty."""
        return self._record.name if self._record else ""

    @property
    def client(self) -> Client:
        """The client that the run speaks through."""
        return self._outlet.client

    @property
    def errors(self) -> dict[str, ArtifactError]:
        """What this process logged and has failed by now, and why, by path, as `TicketSet.errors` tells it."""
        return self._tickets.errors

    # --- Logging ---

    def open_artifact(
        self, path: str, *, size_hint: int = 0, timeout: float | None = None, **options: Unpack[PutOptions]
    ) -> SpoolFile:
        """A binary file to write an artifact to: the daemon's own, so that no second copy is made, and DURABLE when it is left.

            with run.open_artifact("checkpoints/last.pt") as file:
                torch.save(state, file)

        `size_hint` is how many bytes are going to be written, as far as known. An exception in the block hands nothing over.
        Waits for the daemon, at most `timeout` seconds; where none runs and an offline directory is named, the file is written
        there. Raises `DaemonUnavailable`, `Busy` where the spool has no room.
        """
        return self._open(RunPath(self._run_id, path), size_hint, timeout, None, options)

    def group(self, name: str, members: int, member: int | None = None) -> RunGroup:
        """A group of artifacts that several processes log together, each as one of its members, numbered from 0.

        `member` is $RANK where none is named; who only waits for the group needs none. Raises `InvalidRequest`.
        """
        return made_group(self, name, members, member)

    # --- Waiting ---

    def flush(self, timeout: float | None = None) -> None:
        """Waits until everything is ACCEPTED and has the run's manifest written as soon as that is STORED.

        `timeout` is in seconds. Raises `Timeout`; `ArtifactsFailed` for what has failed by now: the rest is committed.
        """
        failed = self._accept(self._tickets, timeout)
        self._commit(None, None, None)
        if failed is not None:
            raise failed

    def wait(self, level: RunLevel = "stored", timeout: float | None = None, progress: bool = False) -> None:
        """Waits until what this process logged has come so far; "committed": until the run's manifest is written.

        `timeout` is in seconds; `progress` shows a bar on standard error. Raises `ArtifactsFailed`, `Timeout`, and
        `DaemonUnavailable` where the run is kept offline.
        """
        check_level(level, RUN_LEVELS)
        deadline = None if timeout is None else time.monotonic() + timeout
        if level != "committed":
            self._tickets.wait(level, timeout, progress)
            return
        if not self._is_over:
            self.flush(timeout)
        waited = self._wait_commit(None, self._tickets, deadline, progress)
        if waited.committed:
            return
        if waited.failed:
            failed = [artifact for artifact in self.list_artifacts() if artifact.state == "failed"]
            errors = {artifact.path: artifact.error for artifact in failed if artifact.error is not None}
            if not errors and waited.error is not None:
                errors = {self._run_id: waited.error.exception()}
            raise ArtifactsFailed(errors, f"artifacts keep run {self._run_id} from being committed")
        if waited.error is not None and not waited.pending:
            raise waited.error.exception()
        message = f"run {self._run_id} is not committed after {timeout or 0:g} s: {waited.pending} artifacts are not stored yet"
        raise Timeout("timeout", message, str(waited.error.exception()) if waited.error else None)

    # --- Reading ---

    def list_artifacts(self, path: str | None = None, kind: Kind | None = None, timeout: float | None = None) -> ArtifactList:
        """The run's artifacts by rising path, those not stored yet too: at `path` and below, of one kind, or all.

        `timeout` is in seconds, for each thousand.
        """
        return list_artifacts(self._settled(timeout), self._run_id, path, kind, timeout)

    def download_artifacts(
        self, path: str | None = None, dst_path: str | os.PathLike[str] | None = None, timeout: float | None = None
    ) -> str:
        """Downloads the artifact at `path` and those below it, or all, and returns where that lies.

        Into the directory `dst_path`, at their paths in the run; None for a new temporary one. What is not stored yet is waited
        for. `timeout` is in seconds. Raises `NotFound`; `ArtifactsFailed` for what cannot be downloaded, while the rest is.
        """
        return download_artifacts(self._settled(timeout), self._run_id, path, dst_path, timeout)

    def delete_artifacts(self, path: str, recursive: bool = False, timeout: float | None = None) -> int:
        """Removes the artifact at `path`, with `recursive` those below it too; returns how many are gone. Raises `NotFound`."""
        place = checked_directory(path) if recursive else checked_path(path)
        return self._settled(timeout).registry.delete_artifacts(self._run_id, place, recursive, timeout)

    # --- The end ---

    def end(self, status: RunStatus = "finished") -> None:
        """Waits until everything is ACCEPTED and ends the run, whoever started it: this node takes no more artifacts for it.

        Raises `ArtifactsFailed` for what has failed by now, `Conflict` where it ended otherwise before.
        """
        if status not in ("finished", "failed", "killed"):
            raise InvalidRequest("invalid_request", f"a run ends as finished, failed or killed, not as {status!r}")
        try:
            with termination.deferred():
                self._conclude(status, None if self._timeout is None else time.monotonic() + self._timeout)
        finally:
            deactivate(self)

    def __enter__(self) -> ActiveRun:
        activate(self)
        self._is_guarded = termination.enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        is_guarded, self._is_guarded = self._is_guarded, False
        try:
            try:
                deadline = None if self._timeout is None else time.monotonic() + self._timeout
                if not self._is_over:
                    with termination.deferred():
                        self._conclude(None if self._is_foreign else _status(error), deadline)
                if error is None and self._wait_on_exit != "accepted":
                    self.wait(self._wait_on_exit, remaining(deadline))
            except ArtifactError as problem:
                if error is None:
                    raise
                # The exception in the block is what counts.
                _log.error("run %s, which an exception has left: %s", self._run_id, problem)
        finally:
            deactivate(self)
            if is_guarded:
                termination.leave()

    @property
    def _is_foreign(self) -> bool:
        return self._is_attached or self._pid != os.getpid()

    def _conclude(self, status: RunStatus | None, deadline: float | None) -> None:
        """Ends the run, or without a status commits what was logged; raises what has failed by now.

        The run ends also where the hand-overs are not ACCEPTED by the deadline, or an interrupt ends the wait for them.
        """
        try:
            self._tickets.accept(deadline)
            problem: BaseException | None = self._tickets.error
        except BaseException as interruption:
            problem = interruption
        ended = self._record is not None and self._record.status != "running"
        try:
            # A daemon that was not there for the hand-overs was waited for already.
            patience = 0.0 if isinstance(problem, ArtifactsFailed) and _is_outage(problem) else None
            if status is not None:
                self._record = self._outlet.end(EndRun(run_id=self._run_id, status=status), patience) or self._record
            elif not ended:
                self._outlet.commit(Commit(run_id=self._run_id), patience)
        except ArtifactError as refusal:
            if isinstance(refusal, Conflict) and isinstance(problem, ArtifactError):
                # Whoever asks for another end must know of this one; what has failed is among `errors` still.
                _log.error("run %s: %s", self._run_id, problem)
                problem = refusal
            elif problem is None:
                problem = refusal
            else:
                _log.error("run %s could not be ended: %s", self._run_id, refusal)
        self._is_over = True
        if problem is not None:
            raise problem

    # --- Inside ---

    def _put(self, source: Readable, path: str, **options: Unpack[PutOptions]) -> Ticket:
        return self._put_at(source, RunPath(self._run_id, path), options)

    def _put_at(self, source: Readable, place: RunPath, options: PutOptions) -> Ticket:
        """Hands over to a place in this run, or in a group of it."""
        checked_path(place.path)
        self._check_open()
        ticket = self._outlet.put(source, place, options)
        self._tickets.add(ticket)
        return ticket

    def _open(
        self,
        place: RunPath,
        size_hint: int,
        timeout: float | None,
        on_put: Callable[[Ticket], None] | None,
        options: PutOptions,
    ) -> SpoolFile:
        checked_path(place.path)
        self._check_open()

        def adopt(ticket: Ticket) -> None:
            self._tickets.add(ticket)
            if on_put is not None:
                on_put(ticket)

        return self._outlet.open(place, size_hint, timeout, adopt, options)

    def _new_set(self) -> TicketSet:
        return TicketSet(self.client)

    def _refuse(self, path: str, error: ArtifactError) -> None:
        _log.warning("%r is not logged to run %s: %s", path, self._run_id, error)
        self._tickets.refuse(path, error)

    def _accept(self, tickets: TicketSet, timeout: float | None) -> ArtifactsFailed | None:
        """Waits until those are ACCEPTED, or kept offline; returns what has failed by now."""
        tickets.accept(None if timeout is None else time.monotonic() + timeout)
        return tickets.error

    def _commit(self, group: str | None, member: int | None, members: int | None) -> None:
        self._outlet.commit(Commit(run_id=self._run_id, group=group, member=member, members=members), None)

    def _wait_commit(self, group: str | None, tickets: TicketSet, deadline: float | None, progress: bool) -> CommitWaited:
        """Waits for the manifest of the run, or of a group of it; raises at once where the run is kept offline."""
        self._outlet.reach(self._run_id)
        registry = self._outlet.require().registry
        if progress:
            tickets.wait("stored", remaining(deadline), progress)
        return registry.wait_commit(self._run_id, group, remaining(deadline))

    def _check_open(self) -> None:
        status = self._record.status if self._record else "running"
        if self._is_over or status != "running":
            shown = "" if status == "running" else f" ({status})"
            raise Conflict("conflict", f"run {self._run_id} is over{shown}; start a new one, or attach to one that runs")
        self._know()

    def _settled(self, timeout: float | None) -> Client:
        """The client, its daemon knowing the run and what this process has logged to it."""
        self._tickets.accept(None if timeout is None else time.monotonic() + timeout)
        self._outlet.reach(self._run_id)
        client = self._outlet.require()
        self._know()
        if self._record is not None and not self._record.artifact_uri:
            self._record = client.registry.get_run(self._run_id)
        return client

    def _know(self) -> None:
        """Makes the daemon know a run that began on another node."""
        if not self._is_known and self._outlet.is_online():
            self._record = self._outlet.client.registry.find_run(self._run_id, PATIENCE)
            self._is_known = True


def _status(error: BaseException | None) -> RunStatus:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "finished"
    return "killed" if isinstance(error, RunKilled) or termination.came else "failed"


def _is_outage(failed: ArtifactsFailed) -> bool:
    return any(isinstance(error, DaemonUnavailable) for error in failed.errors.values())


def _restore(tracker: ExperimentTracker, tenant: str | None, run_id: str, record: RunRecord | None) -> ActiveRun:
    return ActiveRun(tracker, tracker._outlet(tenant), run_id, record, is_attached=True, is_known=False)
