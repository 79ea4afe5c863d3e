"""The offline directory: what is logged while no daemon runs, kept until one does.

Each request is an *entry*: `{name}.json` says what it is, `{name}.bytes` beside it holds the bytes of a hand-over. Names rise
with the time of the request, and end with `.` and the run's id. An entry is there when its JSON is, which comes last, by a
rename; it is gone when the daemon has what it asks for. It bears the idempotency key, so that whoever hands it over, and
however often, the daemon has it once. An entry that the daemon refused for good is set aside as `{name}.failed`, with its
reason.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import logging
import os
import secrets
import shlex
import stat
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from artifactd.errors import (
    ArtifactError,
    Busy,
    DaemonUnavailable,
    Denied,
    NotFound,
    SourceChanged,
    SourceUnreadable,
    StoreError,
    Timeout,
    TooLarge,
    error,
)
from artifactd.messages import Commit, EndRun, Put, StartRun, Tag
from artifactd.requests import SpoolSource
from artifactd.run_path import RunPath
from artifactd.sources import Source

if TYPE_CHECKING:
    from artifactd.client import Client
    from artifactd.ticket import Ticket

_log = logging.getLogger("artifactd")
_FORMAT = 1
_CHUNK = 1 << 20
_LOCK = ".lock"
# How often a lock that somebody else holds is tried, in seconds.
_LOCK_STEP = 0.02
# What passes: the entry stays for a later attempt.
_PASSING = (Busy, DaemonUnavailable, Timeout, StoreError)
# Descriptors of locks, which a forked child would hold on to.
_locks: set[int] = set()


class _NotYet(NotFound):
    """The run of an entry is not known: whoever started it may still hand that over."""


class HandedOver(NamedTuple):
    """What became of hand-overs, by their entries' names; and whether nothing had to stay for later."""

    outcomes: dict[str, Ticket | ArtifactError]
    is_complete: bool


class OfflineDirectory:
    """One user's directory. Safe for threads and for several processes at once.

    Nobody else can write to it, for what lies there is handed over in the user's name. Its files are private.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._stamp = 0

    # --- Keeping ---

    def keep_start(self, tenant: str | None, start: StartRun) -> None:
        """Keeps START_RUN. All of these raise `ArtifactError` where the directory cannot be used."""
        fields = {
            "request": "start",
            "run_id": start.run_id,
            "experiment_id": start.experiment_id,
            "experiment_name": start.experiment_name,
            "name": start.name,
            "description": start.description,
            "tags": {tag.key: tag.value for tag in start.tag},
        }
        self._keep(self.stamp(), tenant, fields, None)

    def keep_put(self, tenant: str | None, put: Put, source: Source | SpoolSource, stamp: int) -> str:
        """Keeps a hand-over that was made at `stamp`, with a copy of its bytes; returns its name."""
        fields = {
            "request": "put",
            "run_id": put.run_id,
            "path": put.artifact_path,
            "group": put.group,
            "member": put.member,
            "key": base64.b64encode(put.idempotency_key or os.urandom(16)).decode(),
            "level": "durable",
            "label": put.label or "",
            "compression": put.compression,
            "content_type": put.content_type,
            "on_change": put.change_policy,
        }
        return self._keep(stamp, tenant, fields, source)

    def keep_commit(self, tenant: str | None, commit: Commit) -> None:
        """Keeps COMMIT."""
        fields = {"request": "commit", "run_id": commit.run_id, "group": commit.group}
        self._keep(self.stamp(), tenant, {**fields, "member": commit.member, "members": commit.members}, None)

    def keep_end(self, tenant: str | None, end: EndRun) -> None:
        """Keeps END_RUN."""
        self._keep(self.stamp(), tenant, {"request": "end", "run_id": end.run_id, "status": end.status}, None)

    def scratch(self) -> int:
        """A descriptor of a file without a name, to write to."""
        name = f".{secrets.token_hex(8)}.part"
        with self._opened(makes=True) as directory:
            try:
                descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory)
                os.unlink(name, dir_fd=directory)
            except OSError as cause:
                message = f"no daemon runs, and no file can be made in {self.path}; make room, or choose another directory"
                raise error("local_storage_failed", message, str(cause)) from None
        return descriptor

    def stamp(self) -> int:
        """The time of a request, in nanoseconds; for a thread each later than the one before, though the clock be set back."""
        # Without a lock, which a forked child might find held for ever.
        self._stamp = max(self._stamp + 1, time.time_ns())
        return self._stamp

    def _keep(self, stamp: int, tenant: str | None, fields: dict[str, Any], source: Source | SpoolSource | None) -> str:
        name = f"{stamp:020d}-{secrets.token_hex(8)}.{fields['run_id']}"
        record = {"format": _FORMAT, "tenant": tenant, **fields}
        with self._opened(makes=True) as directory:
            try:
                with contextlib.ExitStack() as held:
                    if source is not None:
                        # Whoever cleans up leaves alone what is locked.
                        _copy(source, held.enter_context(_new_file(f"{name}.bytes", directory)))
                    self._write(name, record, directory)
            except BaseException as cause:
                for leftover in (f"{name}.bytes", f".{name}.part"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(leftover, dir_fd=directory)
                if isinstance(cause, OSError) and not isinstance(cause, ArtifactError):
                    what = fields.get("path") or fields["request"]
                    message = (
                        f"no daemon runs, and '{what}' cannot be kept in {self.path}; make room, or choose another directory"
                    )
                    raise error("local_storage_failed", message, str(cause)) from None
                raise
        return name

    def _write(self, name: str, record: dict[str, Any], directory: int) -> None:
        part = f".{name}.part"
        with _new_file(part, directory) as descriptor:
            _write_all(descriptor, json.dumps(record).encode())
            os.fsync(descriptor)
            os.rename(part, f"{name}.json", src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)

    # --- Handing over ---

    def is_empty(self) -> bool:
        """Whether there is nothing to hand over. Raises `Denied` for a directory that cannot be trusted."""
        try:
            with self._opened() as directory:
                return not _names(directory)
        except FileNotFoundError:
            return True

    def has(self, name: str) -> bool:
        """Whether an entry of that name is there."""
        return os.path.lexists(f"{self.path}/{name}.json")

    def left(self) -> str:
        """What is still kept, for people; empty where nothing is."""
        try:
            with self._opened() as directory:
                names = _names(directory)
                sizes = []
                for name in names:
                    # Somebody else may be handing it over.
                    with contextlib.suppress(FileNotFoundError):
                        sizes.append(os.stat(f"{name}.bytes", dir_fd=directory, follow_symlinks=False).st_size)
        except FileNotFoundError:
            return ""
        return f"{len(names)} requests, among them {len(sizes)} files of {sum(sizes)} bytes," if names else ""

    def hand_over(
        self,
        client_of: Callable[[str | None], Client],
        run_id: str | None,
        timeout: float | None,
        stop: threading.Event | None = None,
    ) -> HandedOver:
        """Hands over the entries, or those of one run, in their order.

        `client_of` gives the client of a tenant. Ends early where the daemon does not take more, or `stop` is set: the rest
        stays. `timeout` is for the lock that another process may hold, in seconds. Raises `Timeout`; `Denied` and `Busy`
        where the directory cannot be used.
        """
        stopped: set[str] = set()
        outcomes: dict[str, Ticket | ArtifactError] = {}
        try:
            with self._opened() as directory, _locked(directory, self.path, timeout):
                self._clean(directory)
                known: set[str] = set()
                for name in _names(directory):
                    record = self._read(name, directory)
                    if record is None or record["run_id"] in stopped or run_id not in (None, record["run_id"]):
                        continue
                    if stop is not None and stop.is_set():
                        stopped.add(record["run_id"])
                        break
                    try:
                        self._send(name, record, client_of(record["tenant"]), known, outcomes, directory)
                    except (*_PASSING, Denied, _NotYet) as problem:
                        if stop is None or not stop.is_set():
                            _log.warning("%s stays in %s for now: %s", name, self.path, problem)
                        stopped.add(record["run_id"])
                        if isinstance(problem, (DaemonUnavailable, Timeout)):
                            break
                    except ArtifactError as refusal:
                        outcomes[name] = refusal
                        self._set_aside(name, record, refusal, directory)
                    except (KeyError, TypeError, ValueError) as cause:
                        fault = outcomes[name] = _unreadable(name, cause)
                        self._set_aside(name, record, fault, directory)
        except FileNotFoundError:
            # Nothing was ever kept.
            pass
        except OSError as cause:
            if isinstance(cause, ArtifactError):
                raise
            message = f"what is kept in {self.path} cannot be handed over; make the directory and its files yours to write to"
            raise error("local_storage_failed", message, str(cause)) from None
        return HandedOver(outcomes, not stopped)

    def _send(
        self,
        name: str,
        record: dict[str, Any],
        client: Client,
        known: set[str],
        outcomes: dict[str, Ticket | ArtifactError],
        directory: int,
    ) -> None:
        """Hands one entry over, and removes it. Raises what the daemon says."""
        registry, run_id = client.registry, record["run_id"]
        is_done = True
        if record["request"] == "start":
            tags = [Tag(key=key, value=value) for key, value in record["tags"].items()]
            fields = {field: record[field] for field in ("run_id", "experiment_id", "experiment_name", "name", "description")}
            registry.start_run(StartRun(**fields, tag=tags))
        elif run_id not in known:
            # One that began elsewhere is looked for in the store. There it may come later: that node may have been offline too.
            try:
                registry.get_run(run_id)
            except NotFound as refusal:
                message = f"{refusal.message}, or drop what is kept of it: rm {shlex.quote(self.path)}/*.{run_id}.*"
                raise _NotYet(refusal.code, message, refusal.cause) from None
        known.add(run_id)
        if record["request"] == "put":
            ticket, is_done = self._put(name, record, client, directory)
            outcomes[name] = ticket
        elif record["request"] == "commit":
            registry.commit(run_id, record["group"], record["member"], record["members"])
        elif record["request"] == "end":
            registry.end_run(run_id, record["status"])
        if is_done:
            self._remove(name, directory)

    def _put(self, name: str, record: dict[str, Any], client: Client, directory: int) -> tuple[Ticket, bool]:
        """Hands the bytes over; returns whether the daemon owns them, so that the copy can go."""
        place = RunPath(record["run_id"], record["path"], record["group"], record["member"])

        def put(level: Any) -> Ticket:
            request = client.prepare(
                f"{self.path}/{name}.bytes",
                place,
                level=level,
                compression=record["compression"],
                content_type=record["content_type"],
                on_change=record["on_change"],
                label=record["label"] if level == "durable" else None,
                idempotency_key=base64.b64decode(record["key"]),
            )
            request.is_safe = True
            return client.hand_over(request).wait("accepted")

        if record["level"] == "durable":
            try:
                return put("durable"), True
            except (Busy, TooLarge):
                # Where the daemon has no room for a copy of its own, this one stays until the artifact is stored. The key stands
                # for a job that was cancelled.
                record.update(level="accepted", key=base64.b64encode(os.urandom(16)).decode())
                self._write(name, record, directory)
        ticket = put("accepted")
        return ticket, ticket.state == "stored"

    def _read(self, name: str, directory: int) -> dict[str, Any] | None:
        """What an entry says; None for one that is not there any more, or that nobody can read, which is set aside."""
        try:
            with os.fdopen(os.open(f"{name}.json", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory), "rb") as file:
                status = os.fstat(file.fileno())
                if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
                    raise ValueError("others may have written it")
                record: dict[str, Any] = json.loads(file.read())
            if record["format"] != _FORMAT or record["request"] not in ("start", "put", "commit", "end"):
                raise ValueError("it was written by another version")
            record["run_id"], record["tenant"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as cause:
            self._set_aside(name, {}, _unreadable(name, cause), directory)
            return None
        return record

    def _set_aside(self, name: str, record: dict[str, Any], refusal: ArtifactError, directory: int) -> None:
        shown = record.get("path") or record.get("request", "an entry")
        place = f"{self.path}/{name}.failed"
        _log.error("'%s' of run %s is refused for good, see %s: %s", shown, record.get("run_id", "?"), place, refusal)
        if record:
            self._write(name, {**record, "error": str(refusal)}, directory)
        os.rename(f"{name}.json", f"{name}.failed", src_dir_fd=directory, dst_dir_fd=directory)

    def _remove(self, name: str, directory: int) -> None:
        # Bytes alone are no entry: the record goes first.
        for leaving in (f"{name}.json", f"{name}.bytes"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(leaving, dir_fd=directory)

    def _clean(self, directory: int) -> None:
        """Removes what writers that died have left behind."""
        there = set(os.listdir(directory))
        for leftover in there:
            name, extension = os.path.splitext(leftover)
            if extension not in (".bytes", ".part") or not there.isdisjoint([f"{name}.json", f"{name}.failed"]):
                continue
            # A leftover that is locked, or gone meanwhile, is somebody else's; it is looked at again the next time.
            with contextlib.suppress(OSError):
                descriptor = os.open(leftover, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # The writer may have come to its end since the names were read.
                    if not {f"{name}.json", f"{name}.failed"} & set(os.listdir(directory)):
                        os.unlink(leftover, dir_fd=directory)
                finally:
                    os.close(descriptor)

    # --- The directory ---

    @contextlib.contextmanager
    def _opened(self, makes: bool = False) -> Iterator[int]:
        """A descriptor of the directory, which is the user's own and nobody else's to write to."""
        try:
            if makes:
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(self.path, 0o700)
            directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            if not makes:
                raise
            raise self._distrust("it cannot be made") from None
        except OSError as cause:
            raise self._distrust("it is no directory that can be used", str(cause)) from None
        try:
            status = os.fstat(directory)
            if status.st_uid != os.geteuid():
                raise self._distrust(f"it belongs to user {status.st_uid}")
            if stat.S_IMODE(status.st_mode) & 0o022:
                raise self._distrust(f"others may write to it; take that from them: chmod go-w {shlex.quote(self.path)}")
            yield directory
        finally:
            os.close(directory)

    def _distrust(self, why: str, cause: str | None = None) -> Denied:
        message = f"{self.path} cannot be the offline directory: {why}; name one of your own in ARTIFACTD_OFFLINE_DIR"
        return Denied("denied", message, cause)


def _unreadable(name: str, cause: Exception) -> ArtifactError:
    return error("invalid_request", f"the entry {name} cannot be read", repr(cause))


def _names(directory: int) -> list[str]:
    """The entries, in their order."""
    return sorted(name[:-5] for name in os.listdir(directory) if name.endswith(".json"))


@contextlib.contextmanager
def _new_file(name: str, directory: int) -> Iterator[int]:
    """A file of the user's alone, locked while it is written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(name, flags, 0o600, dir_fd=directory)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(directory: int, path: str, timeout: float | None) -> Iterator[None]:
    """Holds the lock of whoever hands over."""
    descriptor = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    _locks.add(descriptor)
    try:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline is not None and time.monotonic() >= deadline:
                    message = f"another process hands over what is in {path}, for longer than {timeout:g} s"
                    raise Timeout("timeout", message) from None
                # The kernel has no lock that waits for a time.
                time.sleep(_LOCK_STEP)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        _locks.discard(descriptor)
        os.close(descriptor)


def _copy(source: Source | SpoolSource, target: int) -> None:
    """Copies and fsyncs the bytes of a source. Raises `SourceChanged` where it was written to meanwhile."""
    if isinstance(source, Source) and (content := source.content) is not None:
        _write_all(target, content)
    else:
        descriptor = source.reader if isinstance(source, SpoolSource) else source.descriptor()
        if descriptor is None:
            raise SourceUnreadable("source_unreadable", "the spool file is gone; write it again")
        before = os.fstat(descriptor)
        offset = 0
        # No further than it reaches now: it may grow faster than it is copied.
        while piece := os.pread(descriptor, min(_CHUNK, before.st_size - offset), offset):
            _write_all(target, piece)
            offset += len(piece)
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns, offset) != (after.st_size, after.st_mtime_ns, before.st_size):
            raise SourceChanged("source_changed", "the file was written to while it was logged; log it when it is complete")
    os.fsync(target)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _forget_locks() -> None:
    for descriptor in _locks:
        os.close(descriptor)
    _locks.clear()


os.register_at_fork(after_in_child=_forget_locks)
