"""What the registry knows of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from artifactd.messages import RunRecord, RunStatus


@dataclass(frozen=True)
class Run:
    """A run as it was when it was asked for; times are in Unix milliseconds.

    `ended_at` is None while it runs. `provisional`: the store has not answered since its experiment was made, so that
    `artifact_uri` may turn out to be another.
    """

    run_id: str
    experiment_id: str
    tenant_id: str
    name: str
    description: str
    tags: dict[str, str]
    status: RunStatus
    started_at: int
    ended_at: int | None
    artifact_uri: str
    provisional: bool

    @staticmethod
    def of(record: RunRecord) -> Run:
        """As the daemon says it."""
        return Run(
            run_id=record.run_id,
            experiment_id=record.experiment_id,
            tenant_id=record.tenant,
            name=record.name,
            description=record.description,
            tags={tag.key: tag.value for tag in record.tag},
            status=cast(RunStatus, record.status),
            started_at=record.started_at,
            ended_at=record.ended_at,
            artifact_uri=record.artifact_uri,
            provisional=record.provisional,
        )
