"""What a link's keeper sleeps at."""

from __future__ import annotations

import contextlib
import os
import select
import socket


class Watch:
    """A socket and a bell: ends the keeper's sleep when there is something to do at the socket, or when anybody rings."""

    def __init__(self) -> None:
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll = select.epoll()
        self._poll.register(self._bell, select.EPOLLIN)

    def ring(self) -> None:
        """Ends the sleep. Takes no lock, so that finalizers can use it."""
        os.eventfd_write(self._bell, 1)

    def add(self, connected: socket.socket) -> None:
        """Watches a socket, too; for its end alone until `expect` says more."""
        self._poll.register(connected, 0)

    def expect(self, connected: socket.socket, *, reading: bool, writing: bool) -> None:
        """Says what to wake for, also while the keeper sleeps."""
        self._poll.modify(connected, (select.EPOLLIN if reading else 0) | (select.EPOLLOUT if writing else 0))

    def remove(self, connected: socket.socket) -> None:
        """Must be called before the socket is closed: where a forked child has it open, too, it would stay here."""
        self._poll.unregister(connected)

    def sleep(self, seconds: float | None) -> None:
        """Returns when there is something to do, and after so many seconds."""
        self._poll.poll(seconds)
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)

    def __del__(self) -> None:
        os.close(self._bell)
