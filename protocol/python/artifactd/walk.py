"""The files of a directory that is logged."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from artifactd.checks import checked_path
from artifactd.errors import ArtifactError, InvalidKey, InvalidSource, SourceUnreadable

# Links that go round through several directories make paths longer than the kernel takes, in the end.
_DEPTH_LIMIT = 128


class FoundFile:
    """A file, where it goes within the run, and what is wrong with it, if anything: then it cannot be handed over."""

    __slots__ = ("error", "key", "path")

    def __init__(self, path: str, key: str, error: ArtifactError | None = None) -> None:
        self.path = path
        self.key = key
        self.error = error


def files_below(directory: str, prefix: str) -> Iterator[FoundFile]:
    """The files below a directory by rising name, and what else is there, with its error. Links are followed, in circles never.

    `prefix` is where the directory goes within the run, empty for the run itself. Raises `InvalidSource` where there is no such
    directory, `SourceUnreadable` where it cannot be listed.
    """
    try:
        status = os.stat(directory)
    except (OSError, ValueError) as cause:
        why = getattr(cause, "strerror", None) or str(cause)
        raise InvalidSource("invalid_source", f"'{directory}' is not there; give a directory that is", why) from None
    if not stat.S_ISDIR(status.st_mode):
        raise InvalidSource("invalid_source", f"'{directory}' is no directory; log a single file with log_artifact")
    names = _names(directory)
    if isinstance(names, ArtifactError):
        raise names
    yield from _below(directory, prefix, names, [(status.st_dev, status.st_ino)])


def _below(directory: str, prefix: str, names: list[str], enclosing: list[tuple[int, int]]) -> Iterator[FoundFile]:
    for name in names:
        path = os.path.join(directory, name)
        key = f"{prefix}/{name}" if prefix else name
        try:
            checked_path(key)
        except InvalidKey as refusal:
            yield FoundFile(path, key, refusal)
            continue
        try:
            status = os.stat(path)
        except OSError as cause:
            yield FoundFile(path, key, _unreadable(path, cause))
            continue
        if not stat.S_ISDIR(status.st_mode):
            # What is no regular file is refused when it is opened.
            yield FoundFile(path, key)
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in enclosing or len(enclosing) >= _DEPTH_LIMIT:
            message = f"'{path}' leads back to a directory that it lies in; remove the link, what is there is logged already"
            yield FoundFile(path, key, InvalidSource("invalid_source", message))
            continue
        inner = _names(path)
        if isinstance(inner, ArtifactError):
            yield FoundFile(path, key, inner)
        else:
            yield from _below(path, key, inner, [*enclosing, identity])


def _names(directory: str) -> list[str] | ArtifactError:
    try:
        return sorted(os.listdir(directory))
    except OSError as cause:
        return _unreadable(directory, cause)


def _unreadable(path: str, cause: OSError) -> SourceUnreadable:
    shown = path.encode("utf-8", "backslashreplace").decode()
    message = f"'{shown}' cannot be read; look at its permissions, and where it links to"
    return SourceUnreadable("source_unreadable", message, cause.strerror)
