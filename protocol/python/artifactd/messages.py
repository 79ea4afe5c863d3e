"""The messages of section 6 and the names of section 7. Fields bear the specification's names; times are Unix milliseconds."""

from __future__ import annotations

from typing import Literal

from artifactd.errors import ArtifactError, error
from artifactd.wire import (
    BOOL,
    BYTES,
    CRITICAL,
    I64,
    JOB_ID,
    TEXT,
    U16,
    U32,
    U64,
    Message,
    Named,
    Nested,
    message,
    optional,
    record,
    repeated,
    required,
)

# --- Numbers with names ---

Level = Literal["accepted", "durable", "stored"]
State = Literal["accepted", "uploading", "stored", "failed", "cancelled"]
Compression = Literal["none", "gzip", "zstd", "auto"]
ChangePolicy = Literal["fail", "restart"]

_STATES = {"accepted": 1, "uploading": 2, "stored": 3, "failed": 4, "cancelled": 5}
_ERRORS = {
    "invalid_request": 1,
    "unsupported_version": 2,
    "frame_too_large": 3,
    "malformed_frame": 4,
    "unsupported_message": 5,
    "invalid_key": 10,
    "destination_not_allowed": 11,
    "invalid_source": 12,
    "source_changed": 13,
    "source_lost": 14,
    "source_unreadable": 15,
    "idempotency_conflict": 16,
    "not_found": 17,
    "conflict": 18,
    "denied": 19,
    "busy": 20,
    "shutting_down": 21,
    "local_storage_failed": 22,
    "too_large": 23,
    "store_unavailable": 30,
    "store_throttled": 31,
    "store_rejected": 32,
    "store_denied": 33,
    "no_such_bucket": 34,
    "no_such_upload": 35,
    "checksum_mismatch": 36,
    "precondition_failed": 37,
    "store_not_trusted": 38,
    "cancelled": 40,
    "timeout": 41,
    "corrupt_object": 42,
    "internal_fault": 50,
}

STATE = Named("state", _STATES)
STATE_BYTE = Named("state", _STATES, width=1)
LEVEL = Named("level", {"accepted": 1, "durable": 2, "stored": 3})
PIN = Named("pin", {"inline": 1, "link": 2, "fdstore": 3, "descriptor": 4, "path": 5, "spool": 6})
COMPRESSION = Named("compression", {"none": 1, "gzip": 2, "zstd": 3, "auto": 4})
ENCODING = Named("encoding", {"identity": 1, "gzip": 2, "zstd": 3})
CHANGE_POLICY = Named("change_policy", {"fail": 1, "restart": 2})
KIND = Named("kind", {"model": 1, "onnx": 2, "configuration": 3, "plot": 4, "data": 5, "report": 6, "other": 7})
ERROR_CODE = Named("error code", _ERRORS, unknown_up_to=2**16 - 1)


class Feature:
    """Bits of HELLO and WELCOME."""

    SPOOL = 1 << 0
    OBJECTS = 1 << 1
    ALL = SPOOL | OBJECTS


# --- Beginning ---


@message(0x0001)
class Hello(Message):
    """The first frame: who speaks, and which versions."""

    lowest_version: int = required(CRITICAL | 1, U16)
    highest_version: int = required(CRITICAL | 2, U16)
    features: int = optional(3, U64, 0)
    client: str = optional(4, TEXT, "")
    tenant: str | None = optional(CRITICAL | 5, TEXT)


@message(0x8001)
class Welcome(Message):
    """What is in force on a connection."""

    version: int = required(CRITICAL | 1, U16)
    features: int = optional(2, U64, 0)
    server: str = optional(3, TEXT, "")
    pid: int = optional(4, U32, 0)
    tenant: str = required(5, TEXT)
    store: str = required(6, TEXT)
    inline_limit: int = required(7, U64)
    request_limit: int = required(8, U32)


@message(0xFFFF)
class Error(Message):
    """A refusal, or why a job failed."""

    code: str | int = required(CRITICAL | 1, ERROR_CODE)
    message: str = optional(2, TEXT, "")
    cause: str | None = optional(3, TEXT)
    retry_after: int | None = optional(4, U64)

    def exception(self) -> ArtifactError:
        """What to raise."""
        seconds = None if self.retry_after is None else self.retry_after / 1000
        return error(str(self.code), self.message or f"the daemon refused: {self.code}", self.cause, seconds)


# --- Hand-overs ---


@message(0x0010)
class Put(Message):
    """Hands an artifact over."""

    destination: str = required(CRITICAL | 1, TEXT)
    inline: bytes | None = optional(CRITICAL | 2, BYTES)
    path: str | None = optional(CRITICAL | 3, TEXT)
    spool: int | None = optional(CRITICAL | 4, U64)
    label: str | None = optional(5, TEXT)
    compression: str | None = optional(CRITICAL | 6, COMPRESSION)
    level: str = optional(CRITICAL | 7, LEVEL, "accepted")
    idempotency_key: bytes | None = optional(CRITICAL | 8, BYTES)
    content_type: str | None = optional(CRITICAL | 9, TEXT)
    change_policy: str | None = optional(CRITICAL | 10, CHANGE_POLICY)


@message(0x8010)
class Accepted(Message):
    """What is promised from here on."""

    id: str = required(CRITICAL | 1, JOB_ID)
    level: str = required(2, LEVEL)
    pin: str = required(3, PIN)
    size: int = required(4, U64)
    duplicate: bool = optional(5, BOOL, False, omits_default=True)
    destination: str = required(6, TEXT)


@message(0x0011)
class OpenSpool(Message):
    """Asks for a file of the daemon's to write to."""

    size_hint: int = optional(1, U64, 0)


@message(0x8011)
class SpoolOpened(Message):
    """A descriptor travels with it."""

    spool: int = required(CRITICAL | 1, U64)


@message(0x0012)
class DiscardSpool(Message):
    """Gives a spool file back."""

    spool: int = required(CRITICAL | 1, U64)


@message(0x8012)
class SpoolDiscarded(Message):
    """It is gone."""


# --- Jobs ---


@message(0x0020)
class Wait(Message):
    """Until jobs have come so far."""

    id: list[str] = repeated(CRITICAL | 1, JOB_ID)
    level: str = optional(CRITICAL | 2, LEVEL, "stored")
    timeout: int | None = optional(CRITICAL | 3, U64)


@message(0x8020)
class Waited(Message):
    """How many have not, and how many never will."""

    pending: int = required(CRITICAL | 1, U64)
    failed: int = required(CRITICAL | 2, U64)


@message(0x0021)
class ListJobs(Message):
    """Asks for records of jobs."""

    id: list[str] = repeated(CRITICAL | 1, JOB_ID)
    state: list[str] = repeated(CRITICAL | 2, STATE_BYTE)
    after: int | None = optional(CRITICAL | 3, I64)
    limit: int = optional(CRITICAL | 4, U32, 100)


@record
class Job(Message):
    """What the daemon knows of one job. Sizes are in bytes, times in Unix milliseconds."""

    id: str = required(CRITICAL | 1, JOB_ID)
    sequence: int = optional(2, I64, 0)
    uid: int = optional(3, U32, 0)
    tenant: str = optional(4, TEXT, "")
    destination: str = required(5, TEXT)
    label: str = optional(6, TEXT, "")
    size: int = required(7, U64)
    state: str = required(CRITICAL | 8, STATE)
    level: str = required(9, LEVEL)
    pin: str = required(10, PIN)
    compression: str = required(11, COMPRESSION)
    encoding: str | None = optional(12, ENCODING)
    kind: str = required(13, KIND)
    content_type: str = required(14, TEXT)
    accepted_at: int = optional(15, I64, 0)
    updated_at: int = optional(16, I64, 0)
    attempts: int = optional(17, U32, 0)
    bytes_done: int = optional(18, U64, 0)
    stored_size: int | None = optional(19, U64)
    etag: str | None = optional(20, TEXT)
    checksum: str | None = optional(21, TEXT)
    error: Error | None = optional(22, Nested(Error))

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in ("stored", "failed", "cancelled")

    def exception(self) -> ArtifactError | None:
        """Why it failed; None unless it failed or was cancelled."""
        if self.state not in ("failed", "cancelled"):
            return None
        if self.error is None:
            return error("cancelled" if self.state == "cancelled" else "internal_fault", f"job {self.id} was {self.state}")
        found = self.error.exception()
        found.message = f"job {self.id}: {found.message}"
        return found


@message(0x8021)
class Jobs(Message):
    """A page of records."""

    record: list[Job] = repeated(CRITICAL | 1, Nested(Job))
    next: int | None = optional(CRITICAL | 2, I64)


@message(0x0022)
class Cancel(Message):
    """Gives a job up."""

    id: str = required(CRITICAL | 1, JOB_ID)


@message(0x8022)
class Cancelled(Message):
    """What has become of it: stored where it had been before."""

    state: str = required(CRITICAL | 1, STATE)


@message(0x0023)
class Retry(Message):
    """Puts failed jobs back into the queue."""

    id: list[str] = repeated(CRITICAL | 1, JOB_ID)


@message(0x8023)
class Retried(Message):
    """How many are there again, and why others are not."""

    count: int = required(CRITICAL | 1, U64)
    refusal: list[Error] = repeated(2, Nested(Error))


@message(0x0030)
class Status(Message):
    """Asks what the daemon says of itself."""


@message(0x8030)
class StatusReport(Message):
    """The document of section 11."""

    json: str = required(CRITICAL | 1, TEXT)


# --- Objects ---


@message(0x0040)
class ListObjects(Message):
    """Asks for objects below a prefix."""

    prefix: str = required(CRITICAL | 1, TEXT)
    after: str | None = optional(CRITICAL | 2, TEXT)
    limit: int = optional(CRITICAL | 3, U32, 1000)


@record
class StoredObject(Message):
    """An object as it lies in the store: `size` is that of the encoded bytes, `modified_at` in Unix milliseconds."""

    uri: str = required(CRITICAL | 1, TEXT)
    size: int = required(2, U64)
    modified_at: int = optional(3, I64, 0)
    etag: str = optional(4, TEXT, "")


@message(0x8040)
class Objects(Message):
    """A page of objects."""

    entry: list[StoredObject] = repeated(CRITICAL | 1, Nested(StoredObject))
    next: str | None = optional(CRITICAL | 2, TEXT)


@message(0x0041)
class Get(Message):
    """Has an object written to the descriptor that travels with it."""

    uri: str = required(CRITICAL | 1, TEXT)


@message(0x8041)
class Got(Message):
    """`size` bytes were written, after decoding."""

    size: int = required(CRITICAL | 1, U64)
    encoding: str = optional(2, ENCODING, "identity")
    content_type: str = optional(3, TEXT, "")


@message(0x0042)
class Delete(Message):
    """Removes an object."""

    uri: str = required(CRITICAL | 1, TEXT)


@message(0x8042)
class Deleted(Message):
    """It is gone."""
