"""Where MLflow finds `artifactd.mlflow`. Apart from it, as MLflow loads its plugins while it is imported, perhaps by that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository


def s3(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> ArtifactRepository:
    """The repository of an `s3://` URI: through the daemon where ARTIFACTD_MLFLOW=1, else MLflow's own."""
    from artifactd.mlflow import s3_repository

    return s3_repository(artifact_uri, tracking_uri, registry_uri)


def artifactd_s3(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> ArtifactRepository:
    """The repository of an `artifactd+s3://` URI."""
    from artifactd.mlflow import DaemonArtifactRepository

    return DaemonArtifactRepository(artifact_uri, tracking_uri, registry_uri)
