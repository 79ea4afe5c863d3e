"""Files of the daemon's own, for whoever produces bytes: written once, and DURABLE without a copy."""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from artifactd.arguments import checked_arguments
from artifactd.connection import Connection
from artifactd.errors import InvalidRequest
from artifactd.requests import SpoolSource
from artifactd.run_path import RunPath

if TYPE_CHECKING:
    from artifactd.client import Client
    from artifactd.ticket import Ticket

_files: weakref.WeakSet[SpoolFile] = weakref.WeakSet()


@checked_arguments
class SpoolFile(io.BufferedWriter):
    """A binary file to write to, which `put` hands over. `Client.open_spool` makes it.

    With a destination, leaving its `with` block hands it over, and `ticket` is there; an exception in the block, `discard`, and
    closing it without a destination give it back. A forked child's copy is closed: only the process that opened it can write.
    """

    def __init__(
        self,
        client: Client,
        connection: Connection | None,
        number: int,
        descriptor: int,
        destination: str | RunPath | None,
        options: Mapping[str, Any],
        on_put: Callable[[Ticket], None] | None = None,
    ) -> None:
        # A second way to the file, for the case that the connection is lost before it is handed over.
        self._reader: int | None
        try:
            self._reader = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._reader = None
        self._client = client
        self._connection = connection
        self._number = number
        self._destination = destination
        self._options = options
        self._on_put = on_put
        self._pid = os.getpid()
        self._is_spent = False
        self.ticket: Ticket | None = None
        super().__init__(io.FileIO(descriptor, "wb"), 1 << 20)
        _files.add(self)

    def put(self, destination: str | RunPath | None = None, **options: Any) -> Ticket:
        """Closes the file and hands it over; the options are those of `Client.put`."""
        target = destination or self._destination
        if target is None:
            raise InvalidRequest("invalid_request", "say where the spool file shall go: put(destination)")
        if self._is_spent or self._pid != os.getpid():
            raise InvalidRequest("invalid_request", "this spool file was handed over or given back already; open another one")
        try:
            super().close()
        except BaseException:
            self.discard()
            raise
        self._is_spent = True
        reader, self._reader = self._reader, None
        source = SpoolSource(self._connection, self._number, reader)
        self.ticket = self._client.put_spool(source, target, **{**self._options, **options})
        if self._on_put is not None:
            self._on_put(self.ticket)
        return self.ticket

    def discard(self) -> None:
        """Gives the file back: nothing is handed over."""
        if not self._is_spent:
            self._is_spent = True
            self._client.link.discard_spool(self._connection, self._number)
        self._close_reader()
        super().close()

    def close(self) -> None:
        """Hands the file over if its destination is known, else gives it back."""
        if self.closed or self._is_spent:
            super().close()
        elif self._destination is not None:
            self.put()
        else:
            self.discard()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        # Whoever drops a file has not said that it is whole.
        if hasattr(self, "_is_spent") and not self._is_spent:
            self.discard()

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            os.close(reader)

    def forget(self) -> None:
        """In a forked child: a second writable descriptor would keep the parent from handing it over."""
        self._is_spent = True
        self._close_reader()
        if not self.closed:
            # What stands in the buffer is the parent's to write.
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, self.fileno(), inheritable=False)
            os.close(nowhere)


def _forget_files() -> None:
    for file in list(_files):
        file.forget()


os.register_at_fork(after_in_child=_forget_files)
