"""Experiments and their runs: what training code begins with."""

from __future__ import annotations

import os
import threading
import uuid
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from artifactd.active_run import PATIENCE, ActiveRun
from artifactd.arguments import checked_arguments
from artifactd.artifact_log import ArtifactLog, PutOptions
from artifactd.checks import (
    checked_description,
    checked_limit,
    checked_name,
    checked_run_name,
    checked_tag_changes,
    checked_tags,
)
from artifactd.client import Client
from artifactd.context import activate, active_run
from artifactd.errors import ArtifactError, Conflict, InvalidRequest
from artifactd.experiment import Experiment
from artifactd.experiment_config import ExperimentConfig
from artifactd.messages import (
    CreateExperiment,
    LifecycleStage,
    ListExperiments,
    ListRuns,
    RunStatus,
    StartRun,
    UpdateExperiment,
)
from artifactd.offline import OfflineDirectory
from artifactd.outlet import Outlet
from artifactd.registry import Registry
from artifactd.run import Run
from artifactd.run_config import RunConfig
from artifactd.sources import Readable
from artifactd.ticket import RUN_LEVELS, RunLevel, Ticket, check_level
from artifactd.ticket_set import TicketSet

if TYPE_CHECKING:
    from typing_extensions import Unpack

_RUN_ID_LIMIT = 64
AnyConfig = TypeVar("AnyConfig", RunConfig, ExperimentConfig)
_trackers: weakref.WeakSet[ExperimentTracker] = weakref.WeakSet()


@checked_arguments
class ExperimentTracker(ArtifactLog):
    """Experiments and runs of this node's daemon. Its log methods mean its active run in the thread or task they are called in.

    - `socket`: the daemon's socket; None for $ARTIFACTD_SOCKET, else the usual place.
    - `tenant_id`: whom to act for; None for the one that the daemon's policy gives the user.
    - `offline_dir`: where runs and copies of their files are kept while no daemon runs, until the same user's next tracker hands
      them over, each once; None for $ARTIFACTD_OFFLINE_DIR, "" for none. Without, `start_run` raises `DaemonUnavailable` at once.
    - `daemon_timeout`: for how many seconds a daemon is waited for at first that is not there.
    - `retry_timeout`, `answer_timeout`, `exit_timeout`: as `Client` has them, for daemons that are restarted meanwhile, or hang.

    Makes no connection before it is used. Can be shared between threads, inherited by forked processes, and pickled. Every call
    raises `ArtifactError`.
    """

    def __init__(
        self,
        socket: str | os.PathLike[str] | None = None,
        *,
        tenant_id: str | None = None,
        offline_dir: str | os.PathLike[str] | None = None,
        daemon_timeout: float = 0.0,
        retry_timeout: float = 30.0,
        answer_timeout: float = 10.0,
        exit_timeout: float = 10.0,
    ) -> None:
        self._socket = None if socket is None else os.fspath(socket)
        self._tenant_id = tenant_id
        place = os.environ.get("ARTIFACTD_OFFLINE_DIR") if offline_dir is None else os.fspath(offline_dir)
        self._offline = OfflineDirectory(place) if place else None
        self._daemon_timeout = daemon_timeout
        self._timeouts: dict[str, Any] = {
            "retry_timeout": retry_timeout,
            "answer_timeout": answer_timeout,
            "exit_timeout": exit_timeout,
        }
        self._lock = threading.Lock()
        self._outlets: dict[str | None, Outlet] = {}
        self._has_looked = False
        _trackers.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        options = {
            "tenant_id": self._tenant_id,
            "offline_dir": self._offline and self._offline.path,
            "daemon_timeout": self._daemon_timeout,
            **self._timeouts,
        }
        return _restore, (self._socket, options)

    def close(self) -> None:
        """Waits, for at most `exit_timeout`, until every hand-over has an answer, and ends the connections.

        So does the end of the process. What is kept offline is handed over as far as that time allows.
        """
        for outlet in list(self._outlets.values()):
            outlet.finish(self._timeouts["exit_timeout"])
        with self._lock:
            outlets, self._outlets = list(self._outlets.values()), {}
        for outlet in outlets:
            outlet.client.close()

    # --- Experiments ---

    def create_experiment(self, config: ExperimentConfig | str, **fields: Any) -> Experiment:
        """Makes an experiment: of an `ExperimentConfig`, or of a name and its other fields as keywords.

        Raises `Conflict` where the tenant has one of that name, archived or not; `InvalidRequest`, `DestinationNotAllowed`.
        """
        if isinstance(config, str):
            try:
                config = ExperimentConfig(config, **fields)
            except TypeError as cause:
                raise InvalidRequest(
                    "invalid_request", "an experiment has no such field; see ExperimentConfig", str(cause)
                ) from None
        elif fields:
            raise InvalidRequest("invalid_request", "name the fields in the ExperimentConfig, or beside a name")
        config = _checked_config(config, ExperimentConfig)
        creation = CreateExperiment(
            name=checked_name(config.name),
            description=checked_description(config.description),
            tag=checked_tags(config.tags),
            artifact_location=config.artifact_location,
        )
        return Experiment.of(self._registry(config.tenant_id).create_experiment(creation))

    def get_experiment(
        self, name: str | None = None, *, experiment_id: str | None = None, tenant_id: str | None = None
    ) -> Experiment:
        """An experiment by its name or its id. Raises `NotFound`, `TenantMismatch`."""
        if (name is None) == (experiment_id is None):
            raise InvalidRequest("invalid_request", "name an experiment by its name or by its id, one of the two")
        if name is not None:
            checked_name(name)
        return Experiment.of(self._registry(tenant_id).get_experiment(experiment_id, name))

    def search_experiments(
        self,
        search: str | None = None,
        *,
        lifecycle_stage: LifecycleStage | None = None,
        limit: int = 100,
        offset: int = 0,
        tenant_id: str | None = None,
    ) -> list[Experiment]:
        """Experiments that this node has seen, by rising name, whose names contain `search`, whatever the case.

        `limit` is 1 to 1,000; `offset` how many to skip.
        """
        checked_limit(limit)
        registry = self._registry(tenant_id)
        found: list[Experiment] = []
        while len(found) < limit:
            page = registry.list_experiments(
                ListExperiments(
                    search=search, lifecycle_stage=lifecycle_stage, limit=limit - len(found), offset=offset + len(found)
                )
            )
            found += map(Experiment.of, page.experiment)
            if not page.experiment or offset + len(found) >= page.total:
                break
        return found

    def update_experiment(
        self,
        name: str | None = None,
        *,
        experiment_id: str | None = None,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        tenant_id: str | None = None,
    ) -> Experiment:
        """Changes the description and tags that are named; a tag of None is removed. Raises `NotFound`, `TenantMismatch`."""
        changes = checked_tag_changes(tags)
        text = None if description is None else checked_description(description)
        id = self._experiment_id(name, experiment_id, tenant_id)
        return Experiment.of(self._registry(tenant_id).update_experiment(UpdateExperiment(id=id, description=text, tag=changes)))

    def archive_experiment(
        self, name: str | None = None, *, experiment_id: str | None = None, tenant_id: str | None = None
    ) -> Experiment:
        """Archives an experiment: it is kept, and takes no new runs. Raises `NotFound`, `TenantMismatch`."""
        return self._change_stage("deleted", name, experiment_id, tenant_id)

    def restore_experiment(
        self, name: str | None = None, *, experiment_id: str | None = None, tenant_id: str | None = None
    ) -> Experiment:
        """Takes an experiment out of the archive. Raises `NotFound`, `TenantMismatch`."""
        return self._change_stage("active", name, experiment_id, tenant_id)

    def _change_stage(
        self, stage: LifecycleStage, name: str | None, experiment_id: str | None, tenant_id: str | None
    ) -> Experiment:
        id = self._experiment_id(name, experiment_id, tenant_id)
        return Experiment.of(self._registry(tenant_id).update_experiment(UpdateExperiment(id=id, lifecycle_stage=stage)))

    def _experiment_id(self, name: str | None, experiment_id: str | None, tenant_id: str | None) -> str:
        if experiment_id is not None and name is None:
            return experiment_id
        return self.get_experiment(name, experiment_id=experiment_id, tenant_id=tenant_id).id

    # --- Runs ---

    def start_run(
        self,
        experiment_name: str | None = None,
        config: RunConfig | None = None,
        *,
        experiment_id: str | None = None,
        run_id: str | None = None,
        run_name: str | None = None,
        description: str = "",
        tags: Mapping[str, Any] | None = None,
        wait_on_exit: RunLevel = "accepted",
        timeout: float | None = None,
    ) -> ActiveRun:
        """Starts a run, to be used in a `with` block, and makes it the active one.

        - `experiment_name`: the experiment, made where there is none; or `experiment_id`, of one that is there.
        - `run_id`: 1 to 64 of A-Z a-z 0-9 - _; a new one by default. One that was used before is that run, if it still runs.
        - `run_name`: up to 255 characters; else the config's.
        - `wait_on_exit`, `timeout`: how far everything must have come when the block is left in order, and for how many seconds
          that is waited for.

        Raises `DaemonUnavailable` at once where no daemon runs and no offline directory is named; `NotFound`, `TenantMismatch`;
        `Conflict` for an archived experiment and a run that has ended.
        """
        if (experiment_name is None) == (experiment_id is None):
            raise InvalidRequest("invalid_request", "name the experiment by experiment_name or by experiment_id, one of the two")
        check_level(wait_on_exit, RUN_LEVELS)
        config = _checked_config(config, RunConfig) if config is not None else RunConfig()
        known = {"user_id": config.user_id, "job_id": config.job_id}
        chosen = _checked_run_id(run_id) if run_id is not None else uuid.uuid4().hex
        start = StartRun(
            experiment_id=experiment_id,
            experiment_name=None if experiment_name is None else checked_name(experiment_name),
            run_id=chosen,
            name=checked_run_name(run_name if run_name is not None else config.run_name),
            description=checked_description(description),
            tag=checked_tags(tags, {key: value for key, value in known.items() if value is not None}),
        )
        outlet = self._outlet(config.tenant_id)
        self._look_for_kept(outlet)
        record = outlet.start(start)
        if record.status != "running":
            raise Conflict("conflict", f"run {chosen} has ended ({record.status}); start one with another id")
        run = ActiveRun(self, outlet, chosen, record, wait_on_exit=wait_on_exit, timeout=timeout)
        activate(run)
        return run

    def attach_run(self, run_id: str, *, tenant_id: str | None = None, timeout: float = PATIENCE) -> ActiveRun:
        """A run that another process or node has started, to log to and to read from; makes it the active one.

        For `timeout` seconds a run that is not known is looked for again: one that another node has just started takes a moment
        until the store shows it; 0 looks once. One that has ended can be read from, not logged to. Leaving the block commits what
        was logged and does not end the run. Raises `NotFound`, `TenantMismatch`.
        """
        outlet = self._outlet(tenant_id)
        self._look_for_kept(outlet)
        outlet.expect_kept(_checked_run_id(run_id))
        record = outlet.client.registry.find_run(run_id, timeout) if outlet.is_online() else None
        run = ActiveRun(self, outlet, run_id, record, is_attached=True, is_known=record is not None)
        activate(run)
        return run

    def get_run(self, run_id: str, *, tenant_id: str | None = None) -> Run:
        """What is known of a run, of whatever node. Raises `NotFound`, `TenantMismatch`."""
        return Run.of(self._registry(tenant_id).get_run(_checked_run_id(run_id)))

    def list_runs(
        self,
        experiment_name: str | None = None,
        *,
        experiment_id: str | None = None,
        status: RunStatus | None = None,
        search: str | None = None,
        limit: int = 100,
        offset: int = 0,
        tenant_id: str | None = None,
    ) -> list[Run]:
        """Runs that this node has seen, the latest first: of an experiment or all, of one status or all.

        `search`: only those whose name or id contains it, whatever the case. `limit` is 1 to 1,000; `offset` how many to skip.
        """
        checked_limit(limit)
        id = experiment_id if experiment_name is None else self._experiment_id(experiment_name, experiment_id, tenant_id)
        registry = self._registry(tenant_id)
        found: list[Run] = []
        while len(found) < limit:
            page = registry.list_runs(
                ListRuns(experiment_id=id, status=status, search=search, limit=limit - len(found), offset=offset + len(found))
            )
            found += map(Run.of, page.run)
            if not page.run or offset + len(found) >= page.total:
                break
        return found

    def end_run(self, run_id: str, status: RunStatus = "finished", *, tenant_id: str | None = None) -> Run:
        """Ends a run, whoever started it. Raises `NotFound`, `TenantMismatch`; `Conflict` where it ended otherwise before."""
        return Run.of(self._registry(tenant_id).end_run(_checked_run_id(run_id), status))

    @property
    def active_run(self) -> ActiveRun:
        """The innermost active run of this tracker in this thread or task. Raises `NoActiveRun`."""
        return active_run(self)

    def hand_over_offline(self) -> bool:
        """Hands over what is kept in the offline directory; returns whether nothing has to stay.

        A tracker does so by itself, in the background, when it starts or attaches to its first run. Raises `DaemonUnavailable`.
        """
        outlet = self._outlet(None)
        outlet.require()
        return outlet.hand_over()

    # --- Inside ---

    def _put(self, source: Readable, path: str, **options: Unpack[PutOptions]) -> Ticket:
        return self.active_run._put(source, path, **options)

    def _new_set(self) -> TicketSet:
        return self.active_run._new_set()

    def _refuse(self, path: str, error: ArtifactError) -> None:
        self.active_run._refuse(path, error)

    def _outlet(self, tenant_id: str | None) -> Outlet:
        tenant = tenant_id if tenant_id is not None else self._tenant_id
        with self._lock:
            outlet = self._outlets.get(tenant)
            if outlet is None:
                client = Client(self._socket, tenant=tenant, **self._timeouts)
                outlet = Outlet(client, tenant, self._offline, self._client_of, self._daemon_timeout)
                self._outlets[tenant] = outlet
        return outlet

    def _client_of(self, tenant_id: str | None) -> Client:
        return self._outlet(tenant_id).client

    def _registry(self, tenant_id: str | None) -> Registry:
        return self._outlet(tenant_id).require().registry

    def _look_for_kept(self, outlet: Outlet) -> None:
        """Hands over, once, what earlier processes have kept."""
        if self._offline is not None and not self._has_looked and outlet.is_online():
            self._has_looked = True
            outlet.hand_over_in_background()

    def forget_parent(self) -> None:
        """In a forked child, whose parent may have held the lock."""
        self._lock = threading.Lock()


def _checked_config(config: Any, kind: type[AnyConfig]) -> AnyConfig:
    if not isinstance(config, kind):
        message = f"config must be a {kind.__name__}, not a {type(config).__name__}; make one: {kind.__name__}(…)"
        raise InvalidRequest("invalid_request", message)
    return config


def _checked_run_id(run_id: Any) -> str:
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    if not isinstance(run_id, str) or not 1 <= len(run_id) <= _RUN_ID_LIMIT or not allowed.issuperset(run_id):
        message = f"{run_id!r} cannot be a run's id; one has 1 to {_RUN_ID_LIMIT} of A-Z a-z 0-9 - _"
        raise InvalidRequest("invalid_request", message)
    return run_id


def _restore(socket: str | None, options: dict[str, Any]) -> ExperimentTracker:
    return ExperimentTracker(socket, **options)


def _forget_parent() -> None:
    for tracker in list(_trackers):
        tracker.forget_parent()


os.register_at_fork(after_in_child=_forget_parent)
