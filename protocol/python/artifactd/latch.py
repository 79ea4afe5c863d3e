"""What callers wait at for an answer."""

from __future__ import annotations

import threading


class Latch:
    """Is opened once, and then lets everybody through.

    Unlike at a `threading.Event`, an interrupt (Ctrl-C) in the middle of a wait holds nobody up for good: not the one who opens
    it, and who waits beside waits for its own timeout at most.
    """

    __slots__ = ("_gate", "_is_open")

    def __init__(self) -> None:
        self._is_open = False
        self._gate = threading.Lock()
        self._gate.acquire()

    @property
    def is_open(self) -> bool:
        """Whether it has been opened."""
        return self._is_open

    def open(self) -> None:
        """Lets everybody through. Not to be called by two threads at once."""
        if not self._is_open:
            self._is_open = True
            self._gate.release()

    def wait(self, timeout: float) -> bool:
        """Waits until it is open, for `timeout` seconds at most; returns whether it is."""
        if not self._is_open and self._gate.acquire(timeout=timeout):
            # For the next one.
            self._gate.release()
        return self._is_open
