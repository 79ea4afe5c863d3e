"""Where the requests of runs go: to the daemon, or while there is none, if so chosen, to the offline directory."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable

from artifactd.artifact_log import PutOptions
from artifactd.client import Client
from artifactd.errors import ArtifactError, DaemonUnavailable, Timeout
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
        # What became of hand-overs that found no daemon any more; several sets of tickets ask.
        self._rescued: weakref.WeakKeyDictionary[Handover, OfflineTicket] = weakref.WeakKeyDictionary()
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

    def start(self, start: StartRun) -> RunRecord | None:
        """Starts a run; None where that is kept offline."""
        if self.is_online():
            try:
                return self.client.registry.start_run(start)
            except DaemonUnavailable:
                if self._offline is None:
                    raise
        if self._offline is not None:
            self._offline.keep_start(self.tenant, start)
            self._kept_runs.add(start.run_id or "")
            _log.warning("no daemon runs: run %s is kept in %s", start.run_id, self._offline.path)
        return None

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
        return self.client.hand_over(request) if reaches else self._keep(self._offline, request)

    def open(
        self, place: RunPath, size_hint: int, timeout: float | None, on_put: Callable[[Ticket], None], options: PutOptions
    ) -> SpoolFile:
        """A file to write to: the daemon's, or one of the offline directory."""
        if self._offline is None or self._reaches(place.run_id):
            client = self.require()
            return client.open_spool(place, size_hint=size_hint, timeout=timeout, on_put=on_put, **options)
        return LocalFile(self.client, self._offline.scratch(), place, options, on_put, self.put)

    def rescue(self, ticket: Ticket) -> OfflineTicket | None:
        """Keeps what found no daemon; None where it cannot be kept."""
        with self._lock:
            if self._offline is None or isinstance(ticket, OfflineTicket):
                return None
            kept = self._rescued.get(ticket.request)
            if kept is None and ticket.request.keeps_source and isinstance(ticket.refusal, DaemonUnavailable):
                kept = self._rescued[ticket.request] = self._keep(self._offline, ticket.request)
            return kept

    def commit(self, commit: Commit, give_up_after: float | None) -> None:
        """Has a manifest written. `give_up_after` as `Registry.commit` has it."""
        if self._offline is None or self._reaches(commit.run_id):
            try:
                registry = self.client.registry
                return registry.commit(commit.run_id, commit.group, commit.member, commit.members, give_up_after=give_up_after)
            except DaemonUnavailable:
                if self._offline is None:
                    raise
        self._kept_runs.add(commit.run_id)
        return self._offline.keep_commit(self.tenant, commit)

    def end(self, end: EndRun, give_up_after: float | None) -> RunRecord | None:
        """Ends a run; None where that is kept offline."""
        if self._offline is None or self._reaches(end.run_id):
            try:
                return self.client.registry.end_run(end.run_id, end.status, give_up_after=give_up_after)  # type: ignore[arg-type]
            except DaemonUnavailable:
                if self._offline is None:
                    raise
        self._kept_runs.add(end.run_id)
        self._offline.keep_end(self.tenant, end)
        return None

    # --- What is kept ---

    def expect_kept(self, run_id: str) -> None:
        """Another process may have kept something of this run, which goes first."""
        if self._offline is not None and not self._offline.is_empty():
            self._kept_runs.add(run_id)

    def is_kept(self, run_id: str) -> bool:
        """Whether something of the run waits in the offline directory, as far as this process knows."""
        return run_id in self._kept_runs

    def _keep(self, offline: OfflineDirectory, request: Handover) -> OfflineTicket:
        put, source = request.message, request.take_source()
        if source is None:
            raise DaemonUnavailable("daemon_unavailable", "the bytes were given up already; log them again")
        run_id, path = put.run_id or "", put.artifact_path or ""
        try:
            with self._lock:
                name = offline.keep_put(self.tenant, put, source, request.stamp)
                ticket = self._kept[name] = OfflineTicket(offline.path, name, run_id, path)
                self._kept_runs.add(run_id)
        finally:
            request.give_up()
        return ticket

    def _reaches(self, run_id: str) -> bool:
        """Whether a request of this run can go to the daemon now: what is kept of it has gone before."""
        return self.is_online() and (run_id not in self._kept_runs or self.hand_over(run_id))

    def hand_over(self, run_id: str | None = None) -> bool:
        """Hands over what is kept, of one run or all; returns whether nothing has to stay."""
        if self._offline is None:
            return True
        try:
            handed = self._offline.hand_over(self._client_of, run_id, _PATIENCE)
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
                    if run_id in (None, ticket.run_id) and not self._offline.has(name):
                        ticket.is_elsewhere = True
                        del self._kept[name]
                if run_id is None:
                    self._kept_runs.clear()
                else:
                    self._kept_runs.discard(run_id)
        return handed.is_complete

    def hand_over_in_background(self) -> None:
        """Hands over what earlier processes have kept, by a thread that ends with the process: another one goes on then."""
        if self._offline is not None and not self._offline.is_empty():
            threading.Thread(target=self._hand_over_quietly, name="artifactd-offline", daemon=True).start()

    def _hand_over_quietly(self) -> None:
        try:
            self.hand_over()
        except ArtifactError as problem:
            _log.warning("what is kept offline stays there for now: %s", problem)

    def forget_parent(self) -> None:
        """In a forked child: what its parent kept is the parent's to tell of, but goes first all the same."""
        self._lock = threading.RLock()
        self._kept = {}


def _forget_parent() -> None:
    for outlet in list(_outlets):
        outlet.forget_parent()


os.register_at_fork(after_in_child=_forget_parent)
