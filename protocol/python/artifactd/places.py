"""Where what is produced goes to: below a run's artifacts, or to objects of a daemon."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Union, cast

from artifactd.artifact_log import PutOptions
from artifactd.client import Client
from artifactd.errors import InvalidRequest
from artifactd.messages import State
from artifactd.spool import SpoolFile
from artifactd.ticket import Ticket

if TYPE_CHECKING:
    from artifactd.active_run import ActiveRun
    from artifactd.run_group import RunGroup

# What users name: a run, a group of a run, or a client, for which paths are URIs or keys relative to the store.
Place = Union["ActiveRun", "RunGroup", Client]


class RunPlaces:
    """The artifacts of a run."""

    def __init__(self, log: ActiveRun | RunGroup) -> None:
        self._log = log
        self._run = cast("ActiveRun", getattr(log, "_run", log))

    def open(self, path: str, size: int, options: PutOptions) -> SpoolFile:
        return self._log.open_artifact(path, size_hint=size, **options)

    def put(self, source: int, path: str, options: PutOptions) -> Ticket:
        return self._log._put(source, path, **options)

    def holds(self, path: str) -> bool:
        return any(each.path == path and each.state not in ("failed", "cancelled") for each in self._run.list_artifacts(path))

    def delete(self, path: str) -> None:
        self._run.delete_artifacts(path)

    @contextlib.contextmanager
    def read(self, path: str) -> Iterator[IO[bytes]]:
        with tempfile.TemporaryDirectory(prefix="artifactd-") as directory:
            self._run.download_artifacts(path, directory)
            with open(os.path.join(directory, path), "rb") as file:
                yield file


class ClientPlaces:
    """The objects of a daemon."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def open(self, path: str, size: int, options: PutOptions) -> SpoolFile:
        return self._client.open_spool(path, size_hint=size, **options)

    def put(self, source: int, path: str, options: PutOptions) -> Ticket:
        return self._client.put(source, path, **options)

    def holds(self, path: str) -> bool:
        uri = self._uri(path)
        return bool(self._pending(uri)) or any(each.uri == uri for each in self._client.list_objects(path))

    def delete(self, path: str) -> None:
        for job in self._pending(self._uri(path)):
            self._client.cancel(job)
        self._client.delete(path)

    @contextlib.contextmanager
    def read(self, path: str) -> Iterator[IO[bytes]]:
        if pending := self._pending(self._uri(path)):
            self._client.wait(pending)
        with tempfile.TemporaryFile() as file:
            self._client.get(path, cast(IO[bytes], file))
            file.seek(0)
            yield cast(IO[bytes], file)

    def _uri(self, path: str) -> str:
        return path if "://" in path else f"{self._client.store.rstrip('/')}/{path}"

    def _pending(self, uri: str) -> list[str]:
        states: list[State] = ["accepted", "uploading"]
        return [job.id for job in self._client.jobs(states) if job.destination == uri]


def places_of(run: Place) -> RunPlaces | ClientPlaces:
    """The places that a user means. Raises `InvalidRequest` for what is none."""
    if isinstance(run, Client):
        return ClientPlaces(run)
    if not hasattr(run, "open_artifact"):
        what = type(run).__name__
        raise InvalidRequest("invalid_request", f"give a run, a group of a run, or a Client, not a {what}: run=…")
    return RunPlaces(run)


Places = RunPlaces | ClientPlaces
