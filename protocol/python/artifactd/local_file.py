"""A file to write an artifact to while no daemon runs."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from artifactd.arguments import checked_arguments
from artifactd.errors import InvalidRequest, SourceLost
from artifactd.run_path import RunPath
from artifactd.spool import SpoolFile

if TYPE_CHECKING:
    from artifactd.client import Client
    from artifactd.ticket import Ticket


@checked_arguments
class LocalFile(SpoolFile):
    """What `ActiveRun.open_artifact` gives where it cannot give a file of the daemon's: used in the same way.

    Its file has no name, and its bytes are copied when they are handed over, to the offline directory or to a daemon that has
    come meanwhile.
    """

    def __init__(
        self,
        client: Client,
        descriptor: int,
        place: RunPath,
        options: Any,
        on_put: Callable[[Ticket], None],
        hand_over: Callable[[int, RunPath, Any], Ticket],
    ) -> None:
        super().__init__(client, None, 0, descriptor, place, options, on_put)
        self._hand_over = hand_over

    def put(self, destination: str | RunPath | None = None, **options: Any) -> Ticket:
        place = destination or self._destination
        if not isinstance(place, RunPath):
            raise InvalidRequest("invalid_request", "while no daemon runs only artifacts of runs can be kept; give a RunPath")
        if self._is_spent:
            raise InvalidRequest("invalid_request", "this file was handed over or given back already; open another one")
        if self._reader is None:
            raise SourceLost("source_lost", "the file cannot be read back; log it by its path instead")
        self._is_spent = True
        try:
            io.BufferedWriter.close(self)
            self.ticket = self._hand_over(self._reader, place, {**self._options, **options})
        finally:
            self._close_reader()
        if self._on_put is not None:
            self._on_put(self.ticket)
        return self.ticket
