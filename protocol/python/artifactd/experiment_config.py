"""How an experiment is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from artifactd.arguments import checked_arguments


@checked_arguments
@dataclass(frozen=True)
class ExperimentConfig:
    """A new experiment.

    - `name`: 1 to 255 characters, unique in its tenant; it never changes.
    - `description`: up to 1,000 characters.
    - `tags`: at most 100; keys of up to 250 bytes, values of up to 5,000.
    - `artifact_location`: a URI below which its runs lie; None for `{store}/experiments/{id}`.
    - `tenant_id`: who owns it; None for the tracker's own tenant.
    """

    name: str
    description: str = ""
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifact_location: str | None = None
    tenant_id: str | None = None
