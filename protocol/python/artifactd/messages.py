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
Kind = Literal["model", "onnx", "configuration", "plot", "data", "report", "other"]
LifecycleStage = Literal["active", "deleted"]
RunStatus = Literal["running", "finished", "failed", "killed"]

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
    "tenant_mismatch": 24,
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
LIFECYCLE_STAGE = Named("lifecycle_stage", {"active": 1, "deleted": 2})
RUN_STATUS = Named("run_status", {"running": 1, "finished": 2, "failed": 3, "killed": 4})
ERROR_CODE = Named("error code", _ERRORS, unknown_up_to=2**16 - 1)


class Feature:
    """Bits of HELLO and WELCOME."""

    SPOOL = 1 << 0
    OBJECTS = 1 << 1
    RUNS = 1 << 2
    RANGES = 1 << 3
    ALL = SPOOL | OBJECTS | RUNS | RANGES


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
    """Hands an artifact over: to a destination, or to a path in a run."""

    destination: str | None = optional(CRITICAL | 1, TEXT)
    inline: bytes | None = optional(CRITICAL | 2, BYTES)
    path: str | None = optional(CRITICAL | 3, TEXT)
    spool: int | None = optional(CRITICAL | 4, U64)
    label: str | None = optional(5, TEXT)
    compression: str | None = optional(CRITICAL | 6, COMPRESSION)
    level: str = optional(CRITICAL | 7, LEVEL, "accepted")
    idempotency_key: bytes | None = optional(CRITICAL | 8, BYTES)
    content_type: str | None = optional(CRITICAL | 9, TEXT)
    change_policy: str | None = optional(CRITICAL | 10, CHANGE_POLICY)
    run_id: str | None = optional(CRITICAL | 11, TEXT)
    artifact_path: str | None = optional(CRITICAL | 12, TEXT)
    group: str | None = optional(CRITICAL | 13, TEXT)
    member: int | None = optional(CRITICAL | 14, U32)

    def __post_init__(self) -> None:
        if self.group is not None and self.member is None:
            self.member = 0


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
    """The document of section 12."""

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
    """Has an object, or a part of it, written to the descriptor that travels with it: decoded, or `raw` as it lies there."""

    uri: str = required(CRITICAL | 1, TEXT)
    offset: int | None = optional(CRITICAL | 2, U64)
    length: int | None = optional(CRITICAL | 3, U64)
    raw: bool = optional(CRITICAL | 4, BOOL, False, omits_default=True)


@message(0x8041)
class Got(Message):
    """`size` bytes were written, of `total_size` in the form asked for; parts of an object with one `etag` belong together."""

    size: int = required(CRITICAL | 1, U64)
    encoding: str = optional(2, ENCODING, "identity")
    content_type: str = optional(3, TEXT, "")
    total_size: int | None = optional(4, U64)
    etag: str | None = optional(5, TEXT)


@message(0x0042)
class Delete(Message):
    """Removes an object."""

    uri: str = required(CRITICAL | 1, TEXT)


@message(0x8042)
class Deleted(Message):
    """It is gone."""


# --- Experiments ---


@record
class Tag(Message):
    """A key and its value."""

    key: str = required(CRITICAL | 1, TEXT)
    value: str = required(CRITICAL | 2, TEXT)


@record
class TagChange(Message):
    """A key and its new value; None removes it."""

    key: str = required(CRITICAL | 1, TEXT)
    value: str | None = optional(CRITICAL | 2, TEXT)


@record
class ExperimentRecord(Message):
    """An experiment; times are in Unix milliseconds. `provisional`: the store has not confirmed the place yet."""

    id: str = required(CRITICAL | 1, TEXT)
    tenant: str = required(2, TEXT)
    name: str = required(3, TEXT)
    description: str = optional(4, TEXT, "")
    tag: list[Tag] = repeated(5, Nested(Tag))
    artifact_location: str = required(CRITICAL | 6, TEXT)
    lifecycle_stage: str = required(7, LIFECYCLE_STAGE)
    created_at: int = optional(8, I64, 0)
    updated_at: int = optional(9, I64, 0)
    provisional: bool = optional(10, BOOL, False)


@message(0x0050)
class CreateExperiment(Message):
    """A new experiment."""

    name: str = required(CRITICAL | 1, TEXT)
    description: str = optional(2, TEXT, "")
    tag: list[Tag] = repeated(3, Nested(Tag))
    artifact_location: str | None = optional(CRITICAL | 4, TEXT)


@message(0x8050)
class ExperimentCreated(Message):
    """As it is now."""

    experiment: ExperimentRecord = required(CRITICAL | 1, Nested(ExperimentRecord))


@message(0x0051)
class GetExperiment(Message):
    """One by its id or its name."""

    id: str | None = optional(CRITICAL | 1, TEXT)
    name: str | None = optional(CRITICAL | 2, TEXT)


@message(0x8051)
class Experiment(Message):
    """As it is now."""

    experiment: ExperimentRecord = required(CRITICAL | 1, Nested(ExperimentRecord))


@message(0x0052)
class ListExperiments(Message):
    """The tenant's experiments by rising name."""

    search: str | None = optional(CRITICAL | 1, TEXT)
    lifecycle_stage: str | None = optional(CRITICAL | 2, LIFECYCLE_STAGE)
    limit: int = optional(CRITICAL | 3, U32, 100)
    offset: int = optional(CRITICAL | 4, U64, 0)


@message(0x8052)
class Experiments(Message):
    """A page of them, and how many there are."""

    experiment: list[ExperimentRecord] = repeated(CRITICAL | 1, Nested(ExperimentRecord))
    total: int = required(CRITICAL | 2, U64)


@message(0x0053)
class UpdateExperiment(Message):
    """Changes what is named, and leaves the rest as it was."""

    id: str = required(CRITICAL | 1, TEXT)
    description: str | None = optional(CRITICAL | 2, TEXT)
    tag: list[TagChange] = repeated(CRITICAL | 3, Nested(TagChange))
    lifecycle_stage: str | None = optional(CRITICAL | 4, LIFECYCLE_STAGE)


@message(0x8053)
class ExperimentUpdated(Message):
    """As it is now."""

    experiment: ExperimentRecord = required(CRITICAL | 1, Nested(ExperimentRecord))


# --- Runs ---


@record
class RunRecord(Message):
    """A run; times are in Unix milliseconds. `provisional`: the store has not confirmed the place yet."""

    run_id: str = required(CRITICAL | 1, TEXT)
    experiment_id: str = required(2, TEXT)
    tenant: str = required(3, TEXT)
    name: str = optional(4, TEXT, "")
    description: str = optional(5, TEXT, "")
    tag: list[Tag] = repeated(6, Nested(Tag))
    status: str = required(7, RUN_STATUS)
    started_at: int = optional(8, I64, 0)
    ended_at: int | None = optional(9, I64)
    artifact_uri: str = required(CRITICAL | 10, TEXT)
    provisional: bool = optional(11, BOOL, False)


@message(0x0058)
class StartRun(Message):
    """A new run of an experiment, which is made if there is none of that name."""

    experiment_id: str | None = optional(CRITICAL | 1, TEXT)
    experiment_name: str | None = optional(CRITICAL | 2, TEXT)
    run_id: str | None = optional(CRITICAL | 3, TEXT)
    name: str = optional(4, TEXT, "")
    description: str = optional(5, TEXT, "")
    tag: list[Tag] = repeated(6, Nested(Tag))


@message(0x8058)
class RunStarted(Message):
    """As it is now."""

    run: RunRecord = required(CRITICAL | 1, Nested(RunRecord))


@message(0x0059)
class GetRun(Message):
    """One by its id."""

    run_id: str = required(CRITICAL | 1, TEXT)


@message(0x8059)
class Run(Message):
    """As it is now."""

    run: RunRecord = required(CRITICAL | 1, Nested(RunRecord))


@message(0x005A)
class ListRuns(Message):
    """The tenant's runs, the latest first."""

    experiment_id: str | None = optional(CRITICAL | 1, TEXT)
    status: str | None = optional(CRITICAL | 2, RUN_STATUS)
    search: str | None = optional(CRITICAL | 3, TEXT)
    limit: int = optional(CRITICAL | 4, U32, 100)
    offset: int = optional(CRITICAL | 5, U64, 0)


@message(0x805A)
class Runs(Message):
    """A page of them, and how many there are."""

    run: list[RunRecord] = repeated(CRITICAL | 1, Nested(RunRecord))
    total: int = required(CRITICAL | 2, U64)


@message(0x005B)
class EndRun(Message):
    """No more artifacts; the manifest is to be written."""

    run_id: str = required(CRITICAL | 1, TEXT)
    status: str = required(CRITICAL | 2, RUN_STATUS)


@message(0x805B)
class RunEnded(Message):
    """As it is now."""

    run: RunRecord = required(CRITICAL | 1, Nested(RunRecord))


@message(0x0060)
class Commit(Message):
    """The manifest is to be written: of the run, or of a group's member."""

    run_id: str = required(CRITICAL | 1, TEXT)
    group: str | None = optional(CRITICAL | 2, TEXT)
    member: int | None = optional(CRITICAL | 3, U32)
    members: int | None = optional(CRITICAL | 4, U32)

    def __post_init__(self) -> None:
        if self.group is not None and self.member is None:
            self.member = 0


@message(0x8060)
class Committing(Message):
    """It is journalled."""


@message(0x0061)
class WaitCommit(Message):
    """Until it is COMMITTED; `timeout` in milliseconds."""

    run_id: str = required(CRITICAL | 1, TEXT)
    group: str | None = optional(CRITICAL | 2, TEXT)
    timeout: int | None = optional(CRITICAL | 3, U64)


@message(0x8061)
class CommitWaited(Message):
    """Whether it is, and what is in its way."""

    committed: bool = required(CRITICAL | 1, BOOL)
    pending: int = optional(2, U64, 0)
    failed: int = optional(3, U64, 0)
    missing: list[int] = repeated(4, U32)
    error: Error | None = optional(5, Nested(Error))


# --- Artifacts of runs ---


@record
class ArtifactRecord(Message):
    """An artifact of a run. Sizes are in bytes, times in Unix milliseconds."""

    path: str = required(CRITICAL | 1, TEXT)
    uri: str = required(2, TEXT)
    size: int | None = optional(3, U64)
    kind: str = required(4, KIND)
    content_type: str = optional(5, TEXT, "")
    state: str = required(CRITICAL | 6, STATE)
    checksum: str | None = optional(7, TEXT)
    encoding: str | None = optional(8, ENCODING)
    stored_size: int | None = optional(9, U64)
    etag: str | None = optional(10, TEXT)
    updated_at: int = optional(11, I64, 0)
    job: str | None = optional(12, JOB_ID)
    error: Error | None = optional(13, Nested(Error))


@message(0x0062)
class ListArtifacts(Message):
    """The artifacts of a run, those below a path."""

    run_id: str = required(CRITICAL | 1, TEXT)
    path: str | None = optional(CRITICAL | 2, TEXT)
    kind: str | None = optional(CRITICAL | 3, KIND)
    after: str | None = optional(CRITICAL | 4, TEXT)
    limit: int = optional(CRITICAL | 5, U32, 1000)


@message(0x8062)
class Artifacts(Message):
    """A page of them, by rising path."""

    artifact: list[ArtifactRecord] = repeated(CRITICAL | 1, Nested(ArtifactRecord))
    next: str | None = optional(CRITICAL | 2, TEXT)
    incomplete: Error | None = optional(3, Nested(Error))


@message(0x0063)
class DeleteArtifacts(Message):
    """Removes an artifact, or all below a path too."""

    run_id: str = required(CRITICAL | 1, TEXT)
    path: str = required(CRITICAL | 2, TEXT)
    recursive: bool = optional(CRITICAL | 3, BOOL, False)


@message(0x8063)
class ArtifactsDeleted(Message):
    """How many are gone."""

    count: int = required(CRITICAL | 1, U64)
