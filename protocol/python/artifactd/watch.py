"""What threads of a link sleep at."""

from __future__ import annotations

import contextlib
import os
import select
import socket


class Bell:
    """Ends the poll of one thread from any other; without a lock, so that finalizers can use it."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def ring(self) -> None:
        os.eventfd_write(self.descriptor, 1)

    def silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)

    def __del__(self) -> None:
        os.close(self.descriptor)


class Watch:
    """Where the keeper sleeps: until there is something to do at the connection's socket, or somebody rings."""

    def __init__(self) -> None:
        self._bell = Bell()
        self._poll = select.epoll()
        self._poll.register(self._bell.descriptor, select.EPOLLIN)

    def ring(self) -> None:
        """Ends the sleep. Takes no lock."""
        self._bell.ring()

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
        self._bell.silence()
