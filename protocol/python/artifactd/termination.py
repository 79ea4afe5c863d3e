"""What SIGTERM does while runs are active."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


class RunKilled(SystemExit):
    """SIGTERM came while a run was active: ends the process with the status that shells give it, 143.

    Raised in the main thread, wherever it is, so that the runs' blocks are left and the runs end as killed.
    """

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


class Termination:
    """Turns SIGTERM into `RunKilled` while blocks of runs are entered in the main thread.

    A handler that the program has set before is called instead: what it raises ends the runs as killed too, and where it raises
    nothing the program goes on. SIGTERM that is ignored stays so. Repeated signals change nothing until the blocks are left.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._deferring = 0
        self._previous: Any = None
        self._is_installed = False
        self._is_pending = False
        self._is_raised = False
        # The forking thread's signals, while it forks.
        self._mask: set[int] | None = None
        # Whether the signal came since the outermost block was entered.
        self.came = False

    def enter(self) -> bool:
        """A block is entered. Returns whether `leave` must be called: not in threads other than the main one."""
        if not _is_main_thread():
            return False
        self._depth += 1
        if self._depth == 1:
            self.came = self._is_pending = self._is_raised = False
            self._previous = signal.getsignal(signal.SIGTERM)
            # None is a handler that was not set from Python, and cannot be called from here.
            self._is_installed = self._previous not in (signal.SIG_IGN, None)
            if self._is_installed:
                signal.signal(signal.SIGTERM, self._handle)
        return True

    def leave(self) -> None:
        """A block is left."""
        self._depth -= 1
        if self._depth == 0:
            self._uninstall()

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Within it, in the main thread, the signal only notes that it came; `RunKilled` is raised behind it."""
        if not _is_main_thread():
            yield
            return
        self._deferring += 1
        try:
            yield
        finally:
            self._deferring -= 1
        if self._is_pending and not self._deferring and not self._is_raised:
            self._raise()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # The client is not called from here: the signal may have come while this very thread held its lock.
        self.came = True
        if callable(self._previous):
            handler: Callable[[int, FrameType | None], Any] = self._previous
            handler(number, frame)
        elif self._deferring:
            self._is_pending = True
        elif not self._is_raised:
            self._raise()

    def _raise(self) -> None:
        self._is_raised = True
        raise RunKilled

    def _uninstall(self) -> None:
        # Not what the program has set meanwhile.
        if self._is_installed and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._previous)
        self._is_installed = False

    # --- Fork ---

    def before_fork(self) -> None:
        """A child ends by SIGTERM as if there were no run: a signal that comes before it could see to that must wait."""
        self._deferring += _is_main_thread()
        if self._is_installed:
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def after_fork_in_parent(self) -> None:
        """The signal may come again."""
        self._deferring -= _is_main_thread()
        self._unmask()

    def after_fork_in_child(self) -> None:
        """In a forked child, which the runs are not to be ended by."""
        self._uninstall()
        self._deferring = 0
        self.came = self._is_pending = self._is_raised = False
        self._unmask()

    def _unmask(self) -> None:
        mask, self._mask = self._mask, None
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


termination = Termination()
os.register_at_fork(
    before=termination.before_fork,
    after_in_parent=termination.after_fork_in_parent,
    after_in_child=termination.after_fork_in_child,
)
