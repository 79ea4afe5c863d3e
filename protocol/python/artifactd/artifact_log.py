"""The ways to log artifacts, whatever they are logged to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from artifactd.arguments import checked_arguments
from artifactd.checks import checked_directory, checked_path
from artifactd.documents import document
from artifactd.errors import ArtifactError, InvalidRequest, InvalidSource, NotSerialisable, SourceUnreadable
from artifactd.figures import rendered
from artifactd.messages import ChangePolicy, Compression, Level
from artifactd.sources import Readable
from artifactd.walk import files_below

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from artifactd.ticket import Ticket
    from artifactd.ticket_set import TicketSet


class PutOptions(TypedDict, total=False):
    """How an artifact is handed over; what is left out is the daemon's choice. `Client.put` explains them."""

    level: Level | None
    compression: Compression | None
    content_type: str | None
    on_change: ChangePolicy | None
    label: str | None
    idempotency_key: bytes | None


@checked_arguments
class ArtifactLog:
    """What artifacts can be logged to: a run, a group of a run, or a tracker, which means its active run.

    Every method hands over and returns at once; the ticket says what becomes of it. A file may be renamed or deleted when its
    ticket is ACCEPTED, but not written to until it is STORED, or DURABLE. Paths are relative to the run, with `/` between their
    parts. All raise `InvalidKey` for a path that cannot be, `Conflict` for a run that has ended.
    """

    def _put(self, source: Readable, path: str, **options: Unpack[PutOptions]) -> Ticket:
        """Hands over to a path of the run."""
        raise NotImplementedError

    def _new_set(self) -> TicketSet:
        """For hand-overs that are asked about together."""
        raise NotImplementedError

    def _refuse(self, path: str, error: ArtifactError) -> None:
        """Notes what could not be handed over."""
        raise NotImplementedError

    def log_artifact(
        self, local_path: str | os.PathLike[str], artifact_path: str | None = None, **options: Unpack[PutOptions]
    ) -> Ticket:
        """Logs a file under its own name, in the directory `artifact_path` of the run. Raises `SourceError`."""
        directory = checked_directory(artifact_path)
        try:
            path = os.fsdecode(local_path)
        except TypeError:
            message = f"log_artifact takes a file's path, not a {type(local_path).__name__}; use log_dict, log_text or log_figure"
            raise InvalidSource("invalid_source", message) from None
        if os.path.isdir(path):
            raise InvalidSource("invalid_source", f"'{path}' is a directory; log what is in it with log_artifacts")
        name = checked_path(os.path.basename(path) or path)
        return self._put(path, f"{directory}/{name}" if directory else name, **options)

    def log_artifacts(
        self, local_dir: str | os.PathLike[str], artifact_path: str | None = None, **options: Unpack[PutOptions]
    ) -> TicketSet:
        """Logs what is below a directory, each file at its path below `artifact_path`.

        Links are followed, but in no circle. What cannot be handed over (an unreadable file, a name that cannot be a key, …) is
        named among the set's `errors`, and when the run is left; the rest goes on. Raises `SourceError` where the directory
        itself is not there.
        """
        if options.keys() & {"idempotency_key", "label"}:
            raise InvalidRequest("invalid_request", "a key or a label is for one file; use log_artifact for each")
        tickets = self._new_set()
        for found in files_below(os.fsdecode(local_dir), checked_directory(artifact_path)):
            error = found.error
            if error is None:
                try:
                    tickets.add(self._put(found.path, found.key, **options))
                except (InvalidSource, SourceUnreadable) as refusal:
                    error = refusal
            if error is not None:
                shown = found.key.encode("utf-8", "backslashreplace").decode()
                tickets.refuse(shown, error)
                self._refuse(shown, error)
        return tickets

    def log_dict(self, dictionary: Any, path: str, **options: Unpack[PutOptions]) -> Ticket:
        """Logs a dict, or list, as JSON; as YAML where the path ends in .yaml or .yml.

        Arrays and tensors become lists. Raises `NotSerialisable`, which names the place in the dict.
        """
        path = checked_path(path)
        if not isinstance(dictionary, (Mapping, list, tuple)) and not hasattr(dictionary, "tolist"):
            message = f"log_dict takes a dict or a list, not a {type(dictionary).__name__}; use log_text, or put it into a dict"
            raise NotSerialisable("not_serialisable", message)
        return self._put(document(dictionary, path), path, **options)

    def log_text(self, text: str, path: str, **options: Unpack[PutOptions]) -> Ticket:
        """Logs a text as UTF-8. Raises `NotSerialisable` for what is none."""
        path = checked_path(path)
        if not isinstance(text, str):
            message = f"log_text takes a str, not a {type(text).__name__}; use log_dict, or decode it"
            raise NotSerialisable("not_serialisable", message)
        try:
            content = text.encode()
        except UnicodeEncodeError as cause:
            message = f"the text for '{path}' has no UTF-8 form; replace what is wrong in it"
            raise NotSerialisable("not_serialisable", message, str(cause)) from None
        return self._put(content, path, **options)

    def log_figure(
        self, figure: Any, path: str, *, save_options: dict[str, Any] | None = None, **options: Unpack[PutOptions]
    ) -> Ticket:
        """Logs a figure of Matplotlib or Plotly, or an image, in the format of the path's extension.

        `save_options` go to the figure's own method (`savefig`, `write_image`, `to_html`, `save`). Raises `NotSerialisable`.
        """
        path = checked_path(path)
        return self._put(rendered(figure, path, save_options or {}), path, **options)
