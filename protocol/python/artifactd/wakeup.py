"""Ends a poll of one thread from any other."""

from __future__ import annotations

import contextlib
import os
import select


class Wakeup:
    """What a link's keeper polls besides its socket; without a lock, so that finalizers can use it."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def signal(self) -> None:
        os.eventfd_write(self.descriptor, 1)

    def wait(self, seconds: float) -> None:
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        poller.poll(seconds * 1000)
        self.clear()

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)

    def __del__(self) -> None:
        os.close(self.descriptor)
