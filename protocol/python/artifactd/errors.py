"""Why something was not done. Classes tell what a caller can do about it; `code` tells the reason exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ArtifactError(Exception):
    """The base of all errors of this package.

    `code` is a name of section 13 of the protocol's specification (`busy`, `not_found`, …) or one of this client's own.
    `message` is one sentence: what, which thing, and the way out. `cause` is what lay underneath, as its own source said it.
    `retry_after` is in seconds from when the error was made; None where nobody knows.
    """

    def __init__(self, code: str, message: str, cause: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.cause = cause
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message} ({self.cause})" if self.cause else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.cause, self.retry_after)


class InvalidRequest(ArtifactError):
    """The call contradicts itself, or a value is out of range: mend the call."""


class NotSerialisable(InvalidRequest):
    """What was to be logged has no form in such a file; the message names the place in it: convert that, or leave it out."""


class NoActiveRun(InvalidRequest):
    """No run is active in this thread or task: log on the run itself, or within its `with` block."""


class ProtocolError(ArtifactError):
    """Client and daemon do not understand each other: bring both to matching versions, or report it."""


class InvalidKey(ArtifactError):
    """The destination cannot be an object's key: choose another name."""


class DestinationNotAllowed(InvalidKey):
    """The destination lies outside the store and the allowed prefixes: choose another place, or have it allowed."""


class SourceError(ArtifactError):
    """Something about the bytes that were to be handed over."""


class InvalidSource(SourceError):
    """Not there, or neither a regular file nor bytes: hand the right thing over."""


class SourceUnreadable(SourceError):
    """Opening or reading it failed: see `cause`."""


class SourceChanged(SourceError):
    """It was written, truncated or replaced after the hand-over: hand it over again."""


class SourceLost(SourceError):
    """It can no longer be reached: hand it over again."""


class TooLarge(SourceError):
    """Larger than the daemon's configuration allows; the message names the setting."""


class NotFound(ArtifactError):
    """No such job, object, spool file, experiment, run or artifact, or none that the caller may see."""


class Conflict(ArtifactError):
    """It exists, but in a state that does not allow the request."""


class Denied(ArtifactError):
    """The caller may not do this: ask whoever runs the daemon."""


class TenantMismatch(Denied):
    """The user may not act for this tenant, or the thing belongs to another one."""


class Busy(ArtifactError):
    """A bound of the daemon was reached, and stayed so as long as the client tried: try again later."""


class DaemonUnavailable(ArtifactError, ConnectionError):
    """No daemon could be reached as long as the client tried: start it, or name its socket in ARTIFACTD_SOCKET."""


class Timeout(ArtifactError, TimeoutError):
    """The time allowed has passed. What was asked for may still happen."""


class MembersMissing(Timeout):
    """A group was not COMMITTED in time: the members `missing` have not committed, or are not stored yet."""

    def __init__(self, message: str, missing: list[int]) -> None:
        super().__init__("timeout", message)
        self.missing = missing

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.missing)


class StoreError(ArtifactError):
    """The store refused, or cannot be reached: see `code` and `cause`."""


class Cancelled(ArtifactError):
    """The job was cancelled on request."""


class ForeignTicket(ArtifactError):
    """A process cannot wait for what its parent handed over and had no answer for when it forked: wait in the parent."""


class InternalFault(ArtifactError):
    """A fault of artifactd itself: report it."""


class JobsFailed(ArtifactError):
    """Some of the jobs waited for failed. `errors` has the first of them by their ids, `count` says how many there are."""

    def __init__(self, errors: dict[str, ArtifactError], count: int) -> None:
        first = next(iter(errors.items()), None)
        shown = f"; the first is {first[0]}: {first[1]}" if first else ""
        super().__init__("jobs_failed", f"{count} of the jobs failed or were cancelled{shown}")
        self.errors = errors
        self.count = count

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.errors, self.count)


class ArtifactsFailed(ArtifactError):
    """Artifacts of a run failed. `errors` says why, by their paths in the run, or those of files that have none."""

    def __init__(self, errors: dict[str, ArtifactError], what: str = "artifacts of the run failed") -> None:
        first = next(iter(errors.items()), None)
        shown = f": '{first[0]}': {first[1]}" if first else ""
        others = f"; and {len(errors) - 1} more, see `errors`" if len(errors) > 1 else ""
        super().__init__("artifacts_failed", f"{len(errors)} {what}{shown}{others}")
        self.errors = errors
        self._what = what

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.errors, self._what)


def _table(*rows: tuple[type[ArtifactError], Sequence[str]]) -> dict[str, type[ArtifactError]]:
    return {code: kind for kind, codes in rows for code in codes}


_KINDS = _table(
    (InvalidRequest, ["invalid_request"]),
    (ProtocolError, ["unsupported_version", "frame_too_large", "malformed_frame", "unsupported_message"]),
    (InvalidKey, ["invalid_key"]),
    (DestinationNotAllowed, ["destination_not_allowed"]),
    (InvalidSource, ["invalid_source"]),
    (SourceChanged, ["source_changed"]),
    (SourceLost, ["source_lost"]),
    (SourceUnreadable, ["source_unreadable"]),
    (TooLarge, ["too_large"]),
    (NotFound, ["not_found"]),
    (Conflict, ["conflict", "idempotency_conflict"]),
    (Denied, ["denied"]),
    (TenantMismatch, ["tenant_mismatch"]),
    (Busy, ["busy", "shutting_down", "local_storage_failed"]),
    (DaemonUnavailable, ["daemon_unavailable"]),
    (Timeout, ["timeout"]),
    (
        StoreError,
        [
            "store_unavailable",
            "store_throttled",
            "store_rejected",
            "store_denied",
            "no_such_bucket",
            "no_such_upload",
            "checksum_mismatch",
            "precondition_failed",
            "store_not_trusted",
            "corrupt_object",
        ],
    ),
    (Cancelled, ["cancelled"]),
    (InternalFault, ["internal_fault"]),
)


def error(code: str, message: str, cause: str | None = None, retry_after: float | None = None) -> ArtifactError:
    """The error of the class that belongs to a code; of the base where the code is not known here."""
    return _KINDS.get(code, ArtifactError)(code, message, cause, retry_after)
