"""Reading back what a run has."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from artifactd.artifact import Artifact
from artifactd.artifact_list import ArtifactList
from artifactd.checks import checked_directory, checked_path
from artifactd.errors import ArtifactError, ArtifactsFailed, InvalidRequest, NotFound
from artifactd.messages import Kind, ListArtifacts

if TYPE_CHECKING:
    from artifactd.client import Client

_log = logging.getLogger("artifactd")
# So many downloads are under way at a time.
_WIDTH = 4


def list_artifacts(client: Client, run_id: str, path: str | None, kind: Kind | None, timeout: float | None) -> ArtifactList:
    """What `ActiveRun.list_artifacts` gives."""
    below = checked_directory(path) or None
    found = ArtifactList()
    after: str | None = None
    while True:
        page = client.registry.list_artifacts(ListArtifacts(run_id=run_id, path=below, kind=kind, after=after), timeout)
        found += [Artifact.of(record) for record in page.artifact]
        if page.incomplete is not None:
            found.incomplete = page.incomplete.exception()
        after = page.next
        if after is None:
            break
    if found.incomplete is not None:
        _log.warning("the artifacts of run %s that other nodes stored may be missing here: %s", run_id, found.incomplete)
    return found


def download_artifacts(
    client: Client, run_id: str, path: str | None, target: str | os.PathLike[str] | None, timeout: float | None
) -> str:
    """What `ActiveRun.download_artifacts` does."""
    deadline = None if timeout is None else time.monotonic() + timeout
    below = checked_directory(path)
    found = list_artifacts(client, run_id, below, None, timeout)
    if not found and below:
        raise NotFound("not_found", f"run {run_id} has no artifact at or below '{below}'; list_artifacts() says what it has")
    directory = tempfile.mkdtemp(prefix="artifactd-") if target is None else os.fspath(target)
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as cause:
        message = f"'{directory}' cannot be a directory to download to; choose another place"
        raise InvalidRequest("invalid_request", message, cause.strerror) from None
    errors: dict[str, ArtifactError] = {}

    def remaining() -> float | None:
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def fetch(artifact: Artifact) -> None:
        try:
            if artifact.state == "failed":
                raise artifact.error or NotFound("not_found", f"'{artifact.path}' failed and is not in the store")
            if artifact.state != "stored" and artifact.job_id is not None:
                client.wait([artifact.job_id], "stored", remaining())
            # Names that come from the store lead nowhere else.
            place = os.path.join(directory, checked_path(artifact.path))
            try:
                os.makedirs(os.path.dirname(place), exist_ok=True)
            except OSError as cause:
                message = f"'{os.path.dirname(place)}' cannot be made a directory; download to an empty one"
                raise InvalidRequest("invalid_request", message, cause.strerror) from None
            client.get(artifact.uri, place, remaining())
        except ArtifactError as error:
            errors[artifact.path] = error

    with ThreadPoolExecutor(_WIDTH, "artifactd-download") as pool:
        for _ in pool.map(fetch, found):
            pass
    if errors:
        raise ArtifactsFailed(errors, "artifacts cannot be downloaded; the others lie in " + directory)
    return os.path.join(directory, below) if below else directory
