"""Where the requests of runs go: to the daemon, or while there is none, if so chosen, to the offline directory."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable

from artifactd.artifact_log import PutOptions
from artifactd.client import Client
from artifactd.errors import ArtifactError, DaemonUnavailable, Timeout
from artifactd.experiment import experiment_id
from artifactd.local_file import LocalFile
from artifactd.messages import Commit, EndRun, RunRecord, StartRun
from artifactd.offline import OfflineDirectory
from artifactd.offline_ticket import OfflineTicket
from artifactd.requests import Handover
from artifactd.run_path import RunPath
from artifactd.sources import Readable
from artifactd.spool import SpoolFile
from artifactd.ticket import Ticket

_log = logging.getLogger("artifactd")
# A daemon that was not there is looked for again after so many seconds.
_AWAY = 1.0
# So many tickets are held until it is looked which have their answers.
_MANY = 512
# How long another process that hands over is waited for, in seconds.
_PATIENCE = 10.0

_outlets: weakref.WeakSet[Outlet] = weakref.WeakSet()


class Outlet:
    """The way to the daemon of one tenant's runs. What is kept offline for a run goes before what comes later for it.

    `daemon_timeout` is for how many seconds a daemon is waited for that this process has never met.
    """

    def __init__(
        self,
        client: Client,
        tenant: str | None,
        offline: OfflineDirectory | None,
        client_of: Callable[[str | None], Client],
        daemon_timeout: float,
    ) -> None:
        self.client = client
        self.tenant = tenant
        self._offline = offline
        self._client_of = client_of
        self._daemon_timeout = daemon_timeout
        # Runs of which something is kept, and the tickets for it by the names of the entries.
        self._kept_runs: set[str] = set()
        self._kept: dict[str, OfflineTicket] = {}
        # Those that the daemon was asked to take and has perhaps not answered; pruned when they are so many.
        self._asked: list[OfflineTicket] = []
        self._many = _MANY
        # Whether this process has kept something.
        self._has_kept = False
        # Hands over what earlier processes have kept, until it is told to stop.
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._lock = threading.RLock()
        # By time.monotonic: until then the daemon is taken to be away.
        self._away_until = 0.0
        _outlets.add(self)

    # --- The daemon ---

    def require(self) -> Client:
        """The client, for what only a daemon can answer. Raises `DaemonUnavailable`, at once where there never was one."""
        if self.client.link.welcome is None:
            self.client.connect(self._daemon_timeout)
        return self.client

    def is_online(self) -> bool:
        """Whether requests go to the daemon. Raises `DaemonUnavailable` where nothing is kept offline."""
        if self.client.link.connection() is not None:
            return True
        if self._offline is None:
            self.require()
            return True
        if time.monotonic() < self._away_until:
            return False
        try:
            self.client.connect(0.0 if self.client.link.welcome is not None else self._daemon_timeout)
        except DaemonUnavailable:
            self._away_until = time.monotonic() + _AWAY
            return False
        return True

    # --- Requests of runs ---

    def start(self, start: StartRun) -> RunRecord:
        """Starts a run. What is not known of one that is kept offline is empty: its place, and mostly its tenant."""
        if self._offline is None:
            return self.require().registry.start_run(start)
        if self.is_online():
            with contextlib.suppress(DaemonUnavailable):
                return self.client.registry.start_run(start)
        run_id = start.run_id or ""
        self._offline.keep_start(self.tenant, start)
        self._note_kept(run_id)
        _log.warning("no daemon runs: run %s is kept in %s", run_id, self._offline.path)
        welcome = self.client.link.welcome
        tenant = welcome.tenant if welcome is not None else self.tenant or ""
        experiment = start.experiment_id or (tenant and experiment_id(tenant, start.experiment_name or ""))
        return RunRecord(
            run_id=run_id, experiment_id=experiment, tenant=tenant, name=start.name, status="running", artifact_uri=""
        )

    def put(self, source: Readable, place: RunPath, options: PutOptions) -> Ticket:
        """Hands over."""
        request = self.client.prepare(source, place, **options)
        if self._offline is None:
            return self.client.hand_over(request)
        request.keeps_source = True
        request.stamp = self._offline.stamp()
        try:
            reaches = self._reaches(place.run_id)
        except BaseException:
            request.give_up()
            raise
        if not reaches:
            return self._kept_ticket(self._offline, place, request)
        ticket = OfflineTicket(self, self._offline.path, place, self.client.hand_over(request))
        with self._lock:
            self._asked.append(ticket)
            if len(self._asked) > self._many:
                self._asked = [each for each in self._asked if not each.is_answered]
                self._many = max(_MANY, 2 * len(self._asked))
        return ticket

    def open(
        self, place: RunPath, size_hint: int, timeout: float | None, on_put: Callable[[Ticket], None], options: PutOptions
    ) -> SpoolFile:
        """A file to write to: the daemon's, or one of the offline directory."""
        if self._offline is None or self._reaches(place.run_id):
            client = self.require()
            return client.open_spool(place, size_hint=size_hint, timeout=timeout, on_put=on_put, **options)
        return LocalFile(self.client, self._offline.scratch(), place, options, on_put, self.put)

    def keep_instead(self, ticket: OfflineTicket) -> None:
        """Keeps a hand-over that found no daemon; where that is not possible, its ticket goes on to say so."""
        with self._lock:
            real = ticket.real
            if self._offline is None or real is None or not real.request.keeps_source:
                return
            try:
                ticket.name = self._keep(self._offline, real.request)
            except ArtifactError as problem:
                ticket.fail(problem)
            else:
                self._kept[ticket.name] = ticket
            ticket.real = None

    def commit(self, commit: Commit, give_up_after: float | None) -> None:
        """Has a manifest written. `give_up_after` as `Registry.commit` has it."""
        if self._offline is None or self._reaches(commit.run_id):
            try:
                registry = self.client.registry
                return registry.commit(commit.run_id, commit.group, commit.member, commit.members, give_up_after=give_up_after)
            except DaemonUnavailable:
                if self._offline is None:
                    raise
        self._note_kept(commit.run_id)
        return self._offline.keep_commit(self.tenant, commit)

    def end(self, end: EndRun, give_up_after: float | None) -> RunRecord | None:
        """Ends a run; None where that is kept offline."""
        if self._offline is None or self._reaches(end.run_id):
            try:
                return self.client.registry.end_run(end.run_id, end.status, give_up_after=give_up_after)  # type: ignore[arg-type]
            except DaemonUnavailable:
                if self._offline is None:
                    raise
        self._note_kept(end.run_id)
        self._offline.keep_end(self.tenant, end)
        return None

    # --- What is kept ---

    def expect_kept(self, run_id: str) -> None:
        """Another process may have kept something of this run, which goes first."""
        if self._has_entries():
            self._kept_runs.add(run_id)

    def reach(self, run_id: str) -> None:
        """Hands over what is kept of a run. Raises `DaemonUnavailable`, which says where it is kept, where that cannot be yet."""
        if self._offline is not None and run_id in self._kept_runs and not self._reaches(run_id):
            message = f"run {run_id} is kept in {self._offline.path}; your next tracker hands it over to a daemon"
            raise DaemonUnavailable("daemon_unavailable", message)

    def _kept_ticket(self, offline: OfflineDirectory, place: RunPath, request: Handover) -> OfflineTicket:
        with self._lock:
            name = self._keep(offline, request)
            ticket = self._kept[name] = OfflineTicket(self, offline.path, place, kept_as=name)
        return ticket

    def _keep(self, offline: OfflineDirectory, request: Handover) -> str:
        """Copies a hand-over into the directory; returns its name there."""
        source = request.take_source()
        if source is None:
            raise DaemonUnavailable("daemon_unavailable", "the bytes were given up already; log them again")
        try:
            name = offline.keep_put(self.tenant, request.message, source, request.stamp)
        finally:
            request.give_up()
        self._note_kept(request.message.run_id or "")
        return name

    def _note_kept(self, run_id: str) -> None:
        self._kept_runs.add(run_id)
        self._has_kept = True

    def _reaches(self, run_id: str) -> bool:
        """Whether a request of this run can go to the daemon now: what is kept of it has gone before."""
        if not self.is_online():
            return False
        if run_id not in self._kept_runs:
            return True
        try:
            return self.hand_over(run_id)
        except ArtifactError as problem:
            # Nothing can be kept there either.
            self._warn(problem)
            self._kept_runs.discard(run_id)
            return True

    def hand_over(self, run_id: str | None = None, stop: threading.Event | None = None) -> bool:
        """Hands over what is kept, of one run or all, until `stop` is set; returns whether nothing has to stay."""
        if self._offline is None:
            return True
        try:
            handed = self._offline.hand_over(self._client_of, run_id, _PATIENCE, stop)
        except Timeout as problem:
            _log.warning("%s", problem)
            return False
        with self._lock:
            for name, outcome in handed.outcomes.items():
                if (ticket := self._kept.pop(name, None)) is None:
                    continue
                if isinstance(outcome, ArtifactError):
                    ticket.fail(outcome)
                else:
                    ticket.real = outcome
            if handed.is_complete:
                for name, ticket in list(self._kept.items()):
                    if run_id in (None, ticket.place.run_id) and not self._offline.has(name):
                        ticket.is_elsewhere = True
                        del self._kept[name]
                if run_id is None:
                    self._kept_runs.clear()
                else:
                    self._kept_runs.discard(run_id)
        return handed.is_complete

    def hand_over_in_background(self) -> None:
        """Hands over what earlier processes have kept, by a thread that ends with the process; `finish` gives it its time."""
        if self._has_entries():
            self._start_thread()

    def _has_entries(self) -> bool:
        """Whether there is something to hand over. What speaks against it stops nobody whose daemon runs."""
        try:
            return self._offline is not None and not self._offline.is_empty()
        except ArtifactError as problem:
            if not self.is_online():
                raise
            self._warn(problem)
            return False

    def _warn(self, problem: ArtifactError) -> None:
        _log.warning("what earlier programs may have kept offline stays there for now: %s", problem)

    def _start_thread(self) -> threading.Thread:
        self._stop = threading.Event()
        target, stop = self._hand_over_quietly, self._stop
        self._thread = threading.Thread(target=target, args=[stop], name="artifactd-offline", daemon=True)
        self._thread.start()
        return self._thread

    def _hand_over_quietly(self, stop: threading.Event) -> None:
        try:
            self.hand_over(stop=stop)
        except ArtifactError as problem:
            self._warn(problem)

    def finish(self, timeout: float) -> None:
        """At the end: hands over what is kept, and keeps what the daemon does not answer, for at most `timeout` seconds.

        What is left then is safe, the next tracker's to hand over; the log says how much that is.
        """
        if self._offline is None:
            return
        deadline = time.monotonic() + timeout
        if self.client.link.drain(timeout):
            self.client.link.give_up_handovers()
        with self._lock:
            asked, self._asked = self._asked, []
        for ticket in asked:
            if ticket.is_kept:
                _log.warning("the daemon does not answer: '%s' is kept in %s", ticket.path, ticket.directory)
        thread = self._thread
        if thread is None and not self._has_kept:
            return
        if (thread is None or not thread.is_alive()) and self._has_kept and self._answers():
            thread = self._start_thread()
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
            self._stop.set()
        try:
            if left := self._offline.left():
                _log.warning(
                    "%s are still kept in %s; your next program that tracks runs hands them over", left, self._offline.path
                )
        except ArtifactError as problem:
            self._warn(problem)
        self._thread, self._has_kept = None, False

    def _answers(self) -> bool:
        try:
            self.client.connect(0.0)
        except ArtifactError:
            return False
        return True

    def forget_parent(self) -> None:
        """In a forked child: what its parent kept is the parent's to tell of, but goes first all the same."""
        self._lock = threading.RLock()
        self._kept, self._asked = {}, []
        self._thread, self._has_kept = None, False


def _forget_parent() -> None:
    for outlet in list(_outlets):
        outlet.forget_parent()


def _finish() -> None:
    for outlet in list(_outlets):
        outlet.finish(outlet.client.link.settings.exit_timeout)


os.register_at_fork(after_in_child=_forget_parent)
# Before the links give what is under way its time, which began before: these are called in the opposite order.
threading._register_atexit(_finish)  # type: ignore[attr-defined]
