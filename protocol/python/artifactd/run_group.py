"""A group of a run's artifacts that becomes whole at once."""

from __future__ import annotations

import logging
import os
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from artifactd.arguments import checked_arguments
from artifactd.artifact_log import ArtifactLog, PutOptions
from artifactd.errors import ArtifactError, ArtifactsFailed, InvalidRequest, MembersMissing, NotFound
from artifactd.run_path import RunPath
from artifactd.sources import Readable
from artifactd.spool import SpoolFile
from artifactd.ticket import RUN_LEVELS, RunLevel, Ticket, check_level
from artifactd.ticket_set import TicketSet

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from artifactd.active_run import ActiveRun

_log = logging.getLogger("artifactd")


@checked_arguments
class RunGroup(ArtifactLog):
    """What several processes, the *members*, log together: COMMITTED when all files of all members are STORED.

        with run.group("step-1000", members=8, member=rank) as group:
            group.log_artifact(shard, "checkpoints/step-1000")
        group.wait("committed", timeout=600)

    Leaving the block waits for ACCEPTED and says that this member is complete; an exception in the block leaves the group
    uncommitted. `ActiveRun.group` makes it.
    """

    def __init__(self, run: ActiveRun, name: str, members: int, member: int | None) -> None:
        self._run = run
        self.name = name
        self.members = members
        # None for who only waits.
        self.member = member
        self._tickets = run._new_set()

    def __enter__(self) -> RunGroup:
        self._own_member()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()
        else:
            _log.warning("member %s of group '%s' is not complete: the block was left by an exception", self.member, self.name)

    def flush(self, timeout: float | None = None) -> None:
        """Waits until all is ACCEPTED and says that this member is complete. Can be called again when there is more.

        `timeout` is in seconds. Raises `ArtifactsFailed`, and then does not say so; `Timeout`; `Conflict` where another number of
        members was named before.
        """
        member = self._own_member()
        if (failed := self._run._accept(self._tickets, timeout)) is not None:
            raise failed
        self._run._commit(self.name, member, self.members)

    def wait(self, level: RunLevel = "committed", timeout: float | None = None, progress: bool = False) -> None:
        """Waits until the group is COMMITTED, all members' files being there; for other levels, for this member's own.

        `timeout` is in seconds; `progress` shows a bar for this member's own. Raises `MembersMissing`, a `Timeout` that names the
        members not there; `ArtifactsFailed`; `Conflict` where other nodes named another number of members; `DaemonUnavailable`
        where the run is kept offline.
        """
        check_level(level, RUN_LEVELS)
        if level != "committed":
            self._tickets.wait(level, timeout, progress)
            return
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            waited = self._run._wait_commit(self.name, self._tickets, deadline, progress)
        except NotFound as cause:
            message = f"this node was asked to commit nothing of group '{self.name}'; wait on a node that has a member"
            raise NotFound("not_found", message, str(cause)) from None
        if waited.committed:
            return
        if waited.error is not None and waited.error.code == "conflict":
            # Waiting does not bring together what other nodes know otherwise.
            raise waited.error.exception()
        if waited.failed:
            errors = self._tickets.errors
            why = waited.error.exception() if waited.error else None
            raise ArtifactsFailed(errors or {self.name: why} if why else errors, f"artifacts of group '{self.name}' failed")
        shown = ", ".join(map(str, waited.missing)) or "not known yet"
        message = (
            f"group '{self.name}' of run {self._run.run_id} is not committed after {timeout or 0:g} s: "
            f"of {self.members} members these are missing: {shown}; look at those ranks"
        )
        if waited.pending:
            message += f" ({waited.pending} artifacts are on their way from this node)"
        raise MembersMissing(message, list(waited.missing))

    def open_artifact(
        self, path: str, *, size_hint: int = 0, timeout: float | None = None, **options: Unpack[PutOptions]
    ) -> SpoolFile:
        """As `ActiveRun.open_artifact`."""
        place = RunPath(self._run.run_id, path, self.name, self._own_member())
        return self._run._open(place, size_hint, timeout, self._tickets.add, options)

    def _put(self, source: Readable, path: str, **options: Unpack[PutOptions]) -> Ticket:
        place = RunPath(self._run.run_id, path, self.name, self._own_member())
        ticket = self._run._put_at(source, place, options)
        self._tickets.add(ticket)
        return ticket

    def _new_set(self) -> TicketSet:
        return self._run._new_set()

    def _refuse(self, path: str, error: ArtifactError) -> None:
        self._tickets.refuse(path, error)
        self._run._refuse(path, error)

    def _own_member(self) -> int:
        if self.member is None:
            message = f"which member of group '{self.name}' this is must be said: member=…, or RANK in the environment"
            raise InvalidRequest("invalid_request", message)
        return self.member


def made_group(run: ActiveRun, name: Any, members: Any, member: Any) -> RunGroup:
    """The group, its arguments checked; the member is $RANK where none is named."""
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    if not isinstance(name, str) or not 1 <= len(name) <= 128 or not allowed.issuperset(name) or name in (".", ".."):
        raise InvalidRequest("invalid_request", f"{name!r} cannot be a group's name; use 1 to 128 of A-Z a-z 0-9 - _ .")
    if not isinstance(members, int) or not 1 <= members <= 10_000:
        raise InvalidRequest("invalid_request", f"a group has 1 to 10,000 members, not {members!r}")
    if member is None and (rank := os.environ.get("RANK", "")).isdecimal():
        member = int(rank)
    if member is not None and (not isinstance(member, int) or not 0 <= member < members):
        raise InvalidRequest("invalid_request", f"{member!r} is no member of group '{name}'; they are 0 to {members - 1}")
    return RunGroup(run, name, members, member)
