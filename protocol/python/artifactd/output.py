"""What bytes are written to that have no file yet and whose number is not known for sure."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
from collections.abc import Iterator
from typing import Any

from artifactd.artifact_log import PutOptions
from artifactd.errors import SourceUnreadable
from artifactd.places import Places
from artifactd.spool import SpoolFile
from artifactd.ticket import Ticket

# What is expected to be smaller is kept in memory until it is handed over.
_MEMORY_LIMIT = 64 << 20
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Output(io.RawIOBase):
    """A file to write an artifact to: in memory as long as that is small, else in the daemon's spool."""

    def __init__(self, places: Places, path: str, size: int, options: PutOptions) -> None:
        super().__init__()
        self._places, self._path, self._options = places, path, options
        self._written = 0
        self._memory: int | None = None
        self._spool: SpoolFile | None = None
        if size < _MEMORY_LIMIT:
            self._memory = os.memfd_create("artifactd", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        else:
            self._spool = places.open(path, size, options)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        """All of it."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        if self._memory is not None and self._written + size >= _MEMORY_LIMIT:
            self._leave_memory(self._memory, self._written + size)
        if self._spool is not None:
            self._spool.write(rest)
        elif self._memory is not None:
            while rest:
                rest = rest[_written(self._memory, rest) :]
        else:
            raise ValueError("the file is closed")
        self._written += size
        return size

    def _leave_memory(self, memory: int, size: int) -> None:
        """Goes on in the spool: it turned out larger than it was thought to be."""
        spool = self._places.open(self._path, size, self._options)
        offset = 0
        while piece := os.pread(memory, 1 << 20, offset):
            spool.write(piece)
            offset += len(piece)
        self._memory, self._spool = None, spool
        os.close(memory)

    def hand_over(self) -> Ticket:
        """Nothing can be written any more."""
        if self._spool is not None:
            spool, self._spool = self._spool, None
            return spool.put()
        if self._memory is None:
            raise ValueError("the file is closed")
        fcntl.fcntl(self._memory, fcntl.F_ADD_SEALS, _SEALS)
        options: PutOptions = {"level": "durable", **self._options}
        return self._places.put(self._memory, self._path, options)

    def discard(self) -> None:
        """Gives back what was not handed over. Closing it as a file does nothing of the kind."""
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.discard()
        memory, self._memory = self._memory, None
        if memory is not None:
            os.close(memory)

    @contextlib.contextmanager
    def discarding(self) -> Iterator[None]:
        """An exception in the block hands nothing over."""
        try:
            yield
        except BaseException:
            self.discard()
            raise


def _written(memory: int, data: memoryview) -> int:
    try:
        return os.write(memory, data)
    except OSError as cause:
        raise SourceUnreadable("source_unreadable", "there is no memory for what is saved", cause.strerror) from None
