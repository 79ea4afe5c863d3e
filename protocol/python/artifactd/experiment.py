"""What the registry knows of an experiment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

from artifactd.messages import ExperimentRecord, LifecycleStage

# Section 11 of the specification.
_NAMESPACE = uuid.UUID("6b2f1f0e-3d0a-5c57-9a43-5f1c8f6d2a11")


def experiment_id(tenant: str, name: str) -> str:
    """The id that an experiment of this name has on every node."""
    return str(uuid.uuid5(_NAMESPACE, f"{tenant}\0{name}"))


@dataclass(frozen=True)
class Experiment:
    """An experiment as it was when it was asked for; times are in Unix milliseconds.

    `lifecycle_stage` is "active", or "deleted" where it is archived. `provisional`: the store has not answered since the
    experiment was made, so that its `artifact_location` may turn out to be another.
    """

    id: str
    tenant_id: str
    name: str
    description: str
    tags: dict[str, str]
    artifact_location: str
    lifecycle_stage: LifecycleStage
    created_at: int
    last_updated: int
    provisional: bool

    @staticmethod
    def of(record: ExperimentRecord) -> Experiment:
        """As the daemon says it."""
        return Experiment(
            id=record.id,
            tenant_id=record.tenant,
            name=record.name,
            description=record.description,
            tags={tag.key: tag.value for tag in record.tag},
            artifact_location=record.artifact_location,
            lifecycle_stage=cast(LifecycleStage, record.lifecycle_stage),
            created_at=record.created_at,
            last_updated=record.updated_at,
            provisional=record.provisional,
        )
