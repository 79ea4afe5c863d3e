"""What is known of an artifact of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from artifactd.errors import ArtifactError
from artifactd.messages import ArtifactRecord, Kind, State


@dataclass(frozen=True)
class Artifact:
    """An artifact as it was when it was asked for; sizes are in bytes, times in Unix milliseconds.

    - `path`: relative to the run.
    - `size`, `checksum` (`crc32c:` and base64): of the artifact itself, decoded; None where that is not known yet.
    - `encoding`: how the object is encoded in the store: "identity", "gzip" or "zstd"; None while that is not known.
    - `state`: "accepted", "uploading", "stored", "failed".
    - `stored_size`, `etag`: of the object; None until it is stored.
    - `job_id`: of the job that stored it; None for one that another node handed over.
    - `error`: why it failed, or what it is waiting for.
    """

    path: str
    uri: str
    size: int | None
    kind: Kind
    content_type: str
    state: State
    checksum: str | None
    encoding: str | None
    stored_size: int | None
    etag: str | None
    updated_at: int
    job_id: str | None
    error: ArtifactError | None

    @staticmethod
    def of(record: ArtifactRecord) -> Artifact:
        """As the daemon says it."""
        return Artifact(
            path=record.path,
            uri=record.uri,
            size=record.size,
            kind=cast(Kind, record.kind),
            content_type=record.content_type,
            state=cast(State, record.state),
            checksum=record.checksum,
            encoding=record.encoding,
            stored_size=record.stored_size,
            etag=record.etag,
            updated_at=record.updated_at,
            job_id=record.job,
            error=record.error.exception() if record.error else None,
        )
