"""What can be handed over, and how its bytes travel."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
from typing import IO, Any, Union

from artifactd.errors import InvalidSource, SourceError, SourceLost, SourceUnreadable

Readable = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[Any], int]

_LABEL_LIMIT = 4096
# No waiting at a FIFO, no terminal taken over. A symbolic link is followed: what counts is what the user can read.
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_SEALS = fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Source:
    """The bytes of one hand-over, held until the daemon has them: in memory, or by a descriptor that is this object's own.

    `label` is the file's absolute path, or empty. `has_way_back` says whether the daemon could find the file again by it.
    """

    __slots__ = ("_content", "_descriptor", "has_way_back", "label")

    def __init__(self, content: bytes | None, descriptor: int | None, label: str = "") -> None:
        self._content = content
        self._descriptor = descriptor
        self.label = label
        self.has_way_back = False

    def __del__(self) -> None:
        # Where an interrupt has kept it from being closed, perhaps from being made whole.
        if getattr(self, "_descriptor", None) is not None:
            self.close()

    @property
    def size(self) -> int:
        """In bytes, as it is now."""
        return len(self._content) if self._content is not None else os.fstat(self.descriptor()).st_size

    @property
    def content(self) -> bytes | None:
        """The bytes, where they are in memory."""
        return self._content

    def inline(self, limit: int) -> bytes | None:
        """The bytes, if they may travel within the frame."""
        return self._content if self._content is not None and len(self._content) <= limit else None

    def descriptor(self) -> int:
        """What travels with the frame. Stays this object's."""
        if self._descriptor is None:
            if self._content is None:
                raise SourceLost("source_lost", "the source was given up already")
            self._descriptor = _sealed(self._content)
            self._content = None
        return self._descriptor

    def close(self) -> None:
        """Lets go of the bytes."""
        self._content = None
        # Forgotten before it is closed: a process forked in between must not close what then bears the same number.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def open_source(given: Readable, inline_limit: int) -> Source:
    """Takes hold of what is given: a path, bytes, a descriptor, or a file object whose whole content counts, from its beginning.

    Bytes beyond `inline_limit` are copied into sealed memory at once. Raises `SourceError`.
    """
    if isinstance(given, (str, os.PathLike)):
        return _open_path(os.fspath(given))
    if isinstance(given, (bytes, bytearray, memoryview)):
        return _of_bytes(given, inline_limit)
    if isinstance(given, int) and not isinstance(given, bool):
        return _of_descriptor(given, "")
    if isinstance(given, io.BytesIO):
        return _of_bytes(given.getvalue(), inline_limit)
    if isinstance(given, io.StringIO):
        return _of_bytes(given.getvalue().encode(), inline_limit)
    return _of_file(given)


def _open_path(path: str | bytes) -> Source:
    shown = os.fsdecode(path)
    source = Source(None, None, _label(shown))
    try:
        source._descriptor = os.open(path, _READING)
    except (OSError, ValueError) as cause:
        raise _refusal(shown, cause) from None
    return _checked(source, shown)


def _of_descriptor(number: int, shown: str) -> Source:
    shown = shown or f"descriptor {number}"
    source = Source(None, None)
    try:
        access = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
        # One for writing alone cannot be read from; the file behind it can.
        reopened = access == os.O_WRONLY
        own = os.open(f"/proc/self/fd/{number}", _READING) if reopened else fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 0)
        source._descriptor = own
    except (OSError, OverflowError, ValueError) as cause:
        raise _refusal(shown, cause) from None
    source.label = _path_behind(own)
    return _checked(source, shown)


def _of_file(given: Any) -> Source:
    try:
        number = given.fileno()
    except (AttributeError, OSError, ValueError) as cause:
        what = type(given).__name__
        message = f"a {what} cannot be handed over; give a path, bytes, a descriptor, or an open file that has one"
        raise InvalidSource("invalid_source", message, str(cause)) from None
    if hasattr(given, "flush") and not getattr(given, "closed", False):
        given.flush()
    name = getattr(given, "name", "")
    return _of_descriptor(number, name if isinstance(name, str) else "")


def _of_bytes(given: bytes | bytearray | memoryview, inline_limit: int) -> Source:
    size = given.nbytes if isinstance(given, memoryview) else len(given)
    if size <= inline_limit:
        return Source(bytes(given), None)
    return Source(None, _sealed(given))


def _checked(source: Source, shown: str) -> Source:
    try:
        status = os.fstat(source.descriptor())
        if not stat.S_ISREG(status.st_mode):
            way_out = "hand its files over one by one" if stat.S_ISDIR(status.st_mode) else "write its content to a file first"
            raise InvalidSource("invalid_source", f"'{shown}' is a {_kind(status.st_mode)}, not a regular file; {way_out}")
    except BaseException:
        source.close()
        raise
    source.has_way_back = status.st_nlink > 0 and bool(source.label)
    return source


def _kind(mode: int) -> str:
    names = {stat.S_IFDIR: "directory", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}
    return names.get(stat.S_IFMT(mode), "device")


def _label(path: str) -> str:
    """The absolute path, as far as the protocol can say it."""
    try:
        encoded = os.path.abspath(path).encode()
    except (OSError, UnicodeEncodeError):
        return ""
    return encoded.decode() if len(encoded) <= _LABEL_LIMIT else ""


def _path_behind(descriptor: int) -> str:
    """The path of an open file that has one."""
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        named, opened = os.stat(path), os.fstat(descriptor)
    except OSError:
        return ""
    return _label(path) if (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino) else ""


def _sealed(content: bytes | bytearray | memoryview) -> int:
    """A memfd with these bytes that nobody can change any more."""
    try:
        descriptor = os.memfd_create("artifactd", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            rest = memoryview(content).cast("B")
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            fcntl.fcntl(descriptor, *_SEALS)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as cause:
        message = f"{len(content)} bytes could not be copied into memory of their own; use a spool file"
        raise SourceUnreadable("source_unreadable", message, str(cause)) from None
    return descriptor


def _refusal(shown: str, cause: Exception) -> SourceError:
    number = getattr(cause, "errno", None)
    why = getattr(cause, "strerror", None) or str(cause)
    if number in (errno.ENOENT, errno.ENOTDIR, errno.EBADF) or not isinstance(cause, OSError):
        return InvalidSource("invalid_source", f"'{shown}' is not there; give a file that is", why)
    if number == errno.ENXIO:
        return InvalidSource("invalid_source", f"'{shown}' is a socket or a device, not a regular file", why)
    if number in (errno.EMFILE, errno.ENFILE):
        message = f"'{shown}' cannot be opened: too many files are open; raise the limit (ulimit -n) or wait for earlier tickets"
        return SourceUnreadable("source_unreadable", message, why)
    return SourceUnreadable("source_unreadable", f"'{shown}' cannot be opened for reading; look at its permissions", why)
