"""Where the daemon writes the bytes of an object to."""

from __future__ import annotations

import io
import os
import secrets
from typing import IO, Any

from artifactd.errors import InvalidRequest
from artifactd.requests import Target


def _refusal(shown: str, cause: Exception) -> InvalidRequest:
    why = getattr(cause, "strerror", None) or str(cause)
    return InvalidRequest("invalid_request", f"'{shown}' cannot be written to; choose another place", why)


class FileTarget(Target):
    """A path: the bytes go to a file beside it, which takes its name when all are there."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._partial: str | None = None
        self._descriptor: int | None = None
        if os.path.isdir(self._path):
            raise InvalidRequest("invalid_request", f"'{self._path}' is a directory; name the file to write")

    def begin(self) -> int:
        self.give_up()
        directory, name = os.path.split(self._path)
        # Names are at most 255 bytes, which a longer one beside it would exceed.
        partial = os.path.join(directory, f".{name[:40]}.{secrets.token_hex(6)}.part")
        try:
            self._descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as cause:
            raise _refusal(self._path, cause) from None
        self._partial = partial
        return self._descriptor

    def finish(self) -> None:
        """Gives the file its name."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        if self._partial is not None:
            try:
                os.replace(self._partial, self._path)
            except OSError as cause:
                raise _refusal(self._path, cause) from None
            self._partial = None

    def give_up(self) -> None:
        """Removes what was begun."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        partial, self._partial = self._partial, None
        if partial is not None:
            os.unlink(partial)


class StreamTarget(Target):
    """A binary file object, written to from its current position on; one without a descriptor gets the bytes at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._start = 0
        try:
            file.flush()
            self._descriptor: int | None = file.fileno()
            self._start = file.tell()
        except (AttributeError, io.UnsupportedOperation):
            self._descriptor = None
        except (OSError, ValueError) as cause:
            raise _refusal(self._name, cause) from None
        self._memory: int | None = None

    @property
    def _name(self) -> str:
        name: Any = getattr(self._file, "name", None)
        return name if isinstance(name, str) else type(self._file).__name__

    def begin(self) -> int:
        try:
            if self._descriptor is not None:
                os.ftruncate(self._descriptor, self._start)
                os.lseek(self._descriptor, self._start, os.SEEK_SET)
                return self._descriptor
            self.give_up()
            self._memory = os.memfd_create("artifactd", os.MFD_CLOEXEC)
            return self._memory
        except OSError as cause:
            raise _refusal(self._name, cause) from None

    def finish(self) -> None:
        """Moves the position behind what was written."""
        if self._descriptor is not None:
            self._file.seek(0, os.SEEK_END)
            return
        memory, self._memory = self._memory, None
        if memory is not None:
            with open(memory, "rb") as content:
                content.seek(0)
                while piece := content.read(1 << 20):
                    self._file.write(piece)

    def give_up(self) -> None:
        """Lets go of what is not the caller's."""
        memory, self._memory = self._memory, None
        if memory is not None:
            os.close(memory)
