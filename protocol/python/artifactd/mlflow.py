"""MLflow's artifacts through the daemon: what is logged is safe at once and uploaded in the background; readers stay stock.

Installed with `pip install artifactd[mlflow]`; MLflow finds it by its entry points, and training code does not change.

- `s3://…` goes through the daemon where ARTIFACTD_MLFLOW=1, else it is MLflow's own.
- `artifactd+s3://…` always does; where no daemon runs it can be read all the same.

Each call returns when what it logs is DURABLE. `flush_async_logging` (`mlflow.flush_artifact_async_logging()`) waits for STORED.
Listing, downloading and deleting take what is pending into account. The daemon must be allowed to write below the artifacts' URI:
it lies in the daemon's own store, or below one of the `destinations:` of its configuration. Reading is done with boto3, as MLflow
does it, and so are multipart uploads and presigned URLs for others, which do not pass the daemon: boto3's endpoint
(MLFLOW_S3_ENDPOINT_URL) and the daemon's must be the same store.

| variable | meaning |
|---|---|
| ARTIFACTD_MLFLOW | `1`: `s3://` goes through the daemon |
| ARTIFACTD_MLFLOW_FALLBACK | `1`: where no daemon runs, it is written to S3 directly, with a warning; else that is an error |
| ARTIFACTD_MLFLOW_COMPRESSION | `none` (the default), `gzip`, `zstd`, `auto`. Other readers than this one do not decode |
| ARTIFACTD_MLFLOW_TIMEOUT | for how many seconds at most it is waited until something is STORED; without end by default |
| ARTIFACTD_SOCKET | the daemon's socket |
"""

# MLflow's own methods bear no types.
# mypy: allow-untyped-calls

from __future__ import annotations

import contextlib
import functools
import logging
import os
import posixpath
import urllib.parse
from collections.abc import Iterator
from mimetypes import guess_type
from typing import Any, cast, get_args

from artifactd.client import Client
from artifactd.errors import (
    ArtifactError,
    Busy,
    DaemonUnavailable,
    Denied,
    InvalidKey,
    InvalidRequest,
    JobsFailed,
    NotFound,
    SourceError,
    Timeout,
)
from artifactd.messages import Accepted, Compression, Job
from artifactd.ticket import Ticket

try:
    from mlflow.entities import FileInfo
    from mlflow.exceptions import MlflowException
    from mlflow.protos import databricks_pb2 as codes
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
except ImportError as cause:
    raise ImportError(f"artifactd.mlflow needs MLflow: pip install 'artifactd[mlflow]' ({cause})") from cause

_log = logging.getLogger("artifactd")

# How long a daemon is looked for that this process has not met yet, or that can be done without; seconds. Else, for what it must
# be there for, the client's own patience counts, which outlasts a restart.
_PATIENCE = 3.0
_SCHEMES = ("s3", "artifactd+s3")
_ON, _OFF = ("1", "true"), ("", "0", "false")
_CODES: tuple[tuple[type[ArtifactError], str], ...] = (
    (DaemonUnavailable, "TEMPORARILY_UNAVAILABLE"),
    (Busy, "TEMPORARILY_UNAVAILABLE"),
    (Timeout, "TEMPORARILY_UNAVAILABLE"),
    (Denied, "PERMISSION_DENIED"),
    (NotFound, "RESOURCE_DOES_NOT_EXIST"),
    (InvalidKey, "INVALID_PARAMETER_VALUE"),
    (InvalidRequest, "INVALID_PARAMETER_VALUE"),
    (SourceError, "INVALID_PARAMETER_VALUE"),
)

# What this process handed over and has not seen STORED: the last job of each destination.
_handed_over: dict[str, str] = {}


def s3_repository(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> ArtifactRepository:
    """The repository of an `s3://` URI: `DaemonArtifactRepository` where ARTIFACTD_MLFLOW=1, else MLflow's own."""
    kind = DaemonArtifactRepository if _is_set("ARTIFACTD_MLFLOW") else S3ArtifactRepository
    return kind(artifact_uri, **_given(tracking_uri, registry_uri))


class DaemonArtifactRepository(S3ArtifactRepository):
    """Artifacts below an `s3://` or `artifactd+s3://` URI, written through the daemon and read as MLflow reads them.

    Raises `MlflowException`, whose cause is the `ArtifactError`.
    """

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        super().__init__(artifact_uri, **_given(tracking_uri, registry_uri))

    def parse_s3_compliant_uri(self, uri: str) -> tuple[str, str]:
        """Bucket and key of a URI of either scheme."""
        parsed = urllib.parse.urlparse(uri)
        if parsed.scheme not in _SCHEMES or not parsed.netloc:
            raise MlflowException.invalid_parameter_value(f"'{uri}' is no s3://BUCKET/PATH, with or without artifactd+ before it")
        return parsed.netloc, parsed.path.removeprefix("/")

    # --- Writing ---

    def log_artifact(self, local_file: str | os.PathLike[str], artifact_path: str | None = None) -> None:
        """Hands a file over; returns when it is DURABLE: from then on it may be changed or deleted."""
        client = self._writer()
        if client is None:
            super().log_artifact(local_file, artifact_path)
            return
        with _as_mlflow():
            self._await([self._put(client, local_file, _join(artifact_path, os.path.basename(local_file)))])

    def log_artifacts(self, local_dir: str | os.PathLike[str], artifact_path: str | None = None) -> None:
        """Hands all files below a directory over; returns when they are DURABLE. One that cannot be does not stop the others."""
        client = self._writer()
        if client is None:
            super().log_artifacts(local_dir, artifact_path)
            return
        tickets: list[Ticket] = []
        refusals: list[ArtifactError] = []
        for path in _files(os.path.abspath(local_dir), refusals):
            with _collecting(refusals):
                tickets.append(self._put(client, path, _join(artifact_path, os.path.relpath(path, local_dir))))
        with _as_mlflow():
            self._await(tickets, refusals)

    def upload_archived_trace_data_bytes(self, data: bytes) -> None:
        """Hands an archived trace over."""
        client = self._writer()
        if client is None:
            super().upload_archived_trace_data_bytes(data)
            return
        from mlflow.tracing.otel.otel_archival import TRACE_ARCHIVAL_FILENAME

        with _as_mlflow():
            self._await([self._put(client, data, TRACE_ARCHIVAL_FILENAME, "application/octet-stream")])

    def flush_async_logging(self) -> None:
        """Waits until all that was logged below this URI is STORED, by this process or others of the node.

        Raises the failures of what this process logged.
        """
        super().flush_async_logging()
        client = self._reader()
        if client is None:
            return
        root = self._uri()
        own = {uri: job for uri, job in dict(_handed_over).items() if _is_within(uri, root)}
        with _as_mlflow():
            timeout = _timeout()
            try:
                # What is not among them was stored.
                jobs = client.jobs(["accepted", "uploading", "failed", "cancelled"])
                mine = set(own.values())
                ids = [job.id for job in jobs if job.id in mine or (not job.is_final and _is_within(job.destination, root))]
                if ids:
                    client.wait(ids, "stored", timeout)
            except (DaemonUnavailable, Timeout):
                # Nothing is known of them yet.
                own = {}
                raise
            finally:
                for uri, job in own.items():
                    if _handed_over.get(uri) == job:
                        _handed_over.pop(uri, None)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Removes a file, or all below a directory; what is pending or has failed is cancelled."""
        client = self._writer()
        if client is not None:
            with _as_mlflow():
                for job in self._jobs(client, artifact_path, "accepted", "uploading", "failed"):
                    with contextlib.suppress(NotFound):
                        client.cancel(job.id)
                    _handed_over.pop(job.destination, None)
        super().delete_artifacts(artifact_path)

    # --- Reading ---

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """What lies directly below a directory, in the store or on its way there; nothing for a file."""
        client = self._reader()
        # Asked first: what is stored in between is then in the store.
        with _as_mlflow():
            pending = [] if client is None else list(self._jobs(client, path, "accepted", "uploading"))
        infos = {info.path: info for info in super().list_artifacts(path)}
        directory = self._uri(path)
        for job in pending:
            if job.destination != directory:
                name, *below = job.destination.removeprefix(directory).removeprefix("/").split("/")
                at = _join(path, name)
                infos[at] = FileInfo(at, True, None) if below else FileInfo(at, False, job.size)
        return sorted(infos.values(), key=lambda info: cast(str, info.path))

    def get_download_presigned_url(self, artifact_path: str, expiration: int = 300) -> Any:
        """As MLflow's own, once the artifact is STORED."""
        with _as_mlflow():
            self._await_stored(artifact_path)
        return super().get_download_presigned_url(artifact_path, expiration)

    def _download_file(self, remote_file_path: str, local_path: str | os.PathLike[str]) -> None:
        with _as_mlflow():
            client = self._await_stored(remote_file_path)
            if client is not None and _compression() != "none":
                client.get(self._uri(remote_file_path), local_path)
                return
        try:
            super()._download_file(remote_file_path, os.fspath(local_path))
        except Exception:
            # Why it is not there, if that is known, says more than that it is not.
            failed = [] if client is None else list(self._jobs(client, remote_file_path, "failed"))
            error = failed[-1].exception() if failed else None
            if error is None:
                raise
            raise _translated(error) from error

    def _await_stored(self, path: str) -> Client | None:
        """Waits until a file that is pending is STORED. Returns the client, if a daemon is there."""
        client = self._reader()
        if client is not None and (ids := [job.id for job in self._jobs(client, path, "accepted", "uploading")]):
            try:
                client.wait(ids, "stored", _timeout())
            except JobsFailed as failed:
                raise next(iter(failed.errors.values()), failed) from None
        return client

    # --- The daemon ---

    def _uri(self, path: str | None = None) -> str:
        """The URI of the object or directory at a path, as the daemon names it."""
        bucket, root = self.parse_s3_compliant_uri(self.artifact_uri)
        return "s3://" + _join(bucket, root, path)

    def _jobs(self, client: Client, path: str | None, *states: Any) -> Iterator[Job]:
        """The jobs that write to a path or below it."""
        within = self._uri(path)
        return (job for job in client.jobs(states) if _is_within(job.destination, within))

    def _put(self, client: Client, source: str | os.PathLike[str] | bytes, path: str, content_type: str | None = None) -> Ticket:
        if content_type is None:
            content_type, encoding = guess_type(path)
            if encoding is not None:
                # The file is what is encoded, not the object.
                content_type = "application/gzip" if encoding == "gzip" else "application/octet-stream"
        uri = self._uri(path)
        return client.put(source, uri, level="durable", compression=_compression(), content_type=content_type)

    def _await(self, tickets: list[Ticket], refusals: list[ArtifactError] | None = None) -> None:
        """Waits until all are DURABLE. Raises what was refused."""
        refusals = [] if refusals is None else refusals
        for ticket in tickets:
            with _collecting(refusals):
                accepted = cast(Accepted, ticket.wait("durable").accepted)
                _handed_over[accepted.destination] = accepted.id
        if len(refusals) > 1:
            listed = "".join(f"\n- {refusal}" for refusal in refusals)
            first = refusals[0]
            raise type(first)(first.code, f"{len(refusals)} artifacts could not be logged:{listed}") from first
        if refusals:
            raise refusals[0]

    def _writer(self) -> Client | None:
        """The client; None where no daemon runs and it shall be done without."""
        extra = {**(self.get_s3_file_upload_extra_args() or {}), **getattr(self, "_bucket_owner_params", {})}
        if extra:
            raise MlflowException.invalid_parameter_value(
                f"MLFLOW_S3_UPLOAD_EXTRA_ARGS or MLFLOW_S3_EXPECTED_BUCKET_OWNER asks for {', '.join(extra)}, which artifactd "
                "does not send: unset it, or log to s3:// without ARTIFACTD_MLFLOW"
            )
        with _as_mlflow():
            _compression()
            client = _client(os.environ.get("ARTIFACTD_SOCKET"))
            has_met, can_do_without = client.link.welcome is not None, _is_set("ARTIFACTD_MLFLOW_FALLBACK")
            patience = _PATIENCE if has_met == can_do_without else None if has_met else 0
            try:
                client.connect(patience)
            except DaemonUnavailable as unavailable:
                if not can_do_without:
                    way_out = "set ARTIFACTD_MLFLOW_FALLBACK=1 to write to S3 without it"
                    raise DaemonUnavailable(unavailable.code, f"{unavailable.message}, or {way_out}", unavailable.cause) from None
                _log.warning("%s; goes to S3 without artifactd: %s", unavailable, self.artifact_uri)
                return None
        return client

    def _reader(self) -> Client | None:
        """The client; None where no daemon runs, so that nothing is known of what is pending."""
        client = _client(os.environ.get("ARTIFACTD_SOCKET"))
        try:
            with _as_mlflow():
                client.connect(_PATIENCE if client.link.welcome else 0)
        except MlflowException as error:
            if not isinstance(error.__cause__, DaemonUnavailable):
                raise
            is_expected = urllib.parse.urlparse(self.artifact_uri).scheme != "s3"
            level = logging.DEBUG if is_expected else logging.WARNING
            _log.log(level, "%s; what is pending there is not seen: %s", error.__cause__, self.artifact_uri)
            return None
        return client


@functools.lru_cache(maxsize=8)
def _client(socket: str | None) -> Client:
    """One for the process and the socket."""
    return Client(socket, name="artifactd-mlflow/0.1.0")


@contextlib.contextmanager
def _as_mlflow() -> Iterator[None]:
    """Raises as MLflow does."""
    try:
        yield
    except ArtifactError as error:
        raise _translated(error) from error


def _translated(error: ArtifactError) -> MlflowException:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "INTERNAL_ERROR")
    return MlflowException(str(error), error_code=getattr(codes, code))


@contextlib.contextmanager
def _collecting(refusals: list[ArtifactError]) -> Iterator[None]:
    """Keeps what is refused, so that the rest goes on."""
    try:
        yield
    except ArtifactError as refusal:
        refusals.append(refusal)


def _given(tracking_uri: str | None, registry_uri: str | None) -> dict[str, str]:
    """What the constructors of MLflow 2 do not know is not passed unless it was given."""
    given = {"tracking_uri": tracking_uri, "registry_uri": registry_uri}
    return {name: uri for name, uri in given.items() if uri is not None}


def _is_set(variable: str) -> bool:
    value = os.environ.get(variable, "").lower()
    if value not in _ON + _OFF:
        raise MlflowException.invalid_parameter_value(f"{variable} is '{value}'; set it to 1 or 0")
    return value in _ON


def _compression() -> Compression:
    value = os.environ.get("ARTIFACTD_MLFLOW_COMPRESSION") or "none"
    if value not in get_args(Compression):
        message = f"ARTIFACTD_MLFLOW_COMPRESSION is '{value}'; choose one of {', '.join(get_args(Compression))}"
        raise InvalidRequest("invalid_request", message)
    return cast(Compression, value)


def _timeout() -> float | None:
    value = os.environ.get("ARTIFACTD_MLFLOW_TIMEOUT")
    try:
        return float(value) if value else None
    except ValueError:
        raise InvalidRequest("invalid_request", f"ARTIFACTD_MLFLOW_TIMEOUT is '{value}'; give seconds") from None


def _files(directory: str, refusals: list[ArtifactError]) -> Iterator[str]:
    """The files below a directory; what cannot be looked into is added to the refusals."""

    def refuse(cause: OSError) -> None:
        refusals.append(SourceError("invalid_source", f"'{cause.filename}' cannot be looked into", cause.strerror))

    for root, _, names in os.walk(directory, onerror=refuse):
        for name in names:
            yield os.path.join(root, name)


def _join(*parts: str | None) -> str:
    return posixpath.join("", *(part for part in parts if part)).rstrip("/")


def _is_within(uri: str, directory: str) -> bool:
    return uri == directory or uri.startswith(directory + "/")
