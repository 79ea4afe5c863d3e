"""A listing of a run's artifacts."""

from __future__ import annotations

from collections.abc import Iterable

from artifactd.artifact import Artifact
from artifactd.errors import ArtifactError


class ArtifactList(list[Artifact]):
    """Artifacts by rising path. `incomplete` says why artifacts of other nodes may be missing; None where none can."""

    def __init__(self, artifacts: Iterable[Artifact] = (), incomplete: ArtifactError | None = None) -> None:
        super().__init__(artifacts)
        self.incomplete = incomplete
