"""Shows how far a wait has come: with tqdm where it is installed, else by a line of its own."""

from __future__ import annotations

import importlib
import sys
from types import TracebackType
from typing import Any, TextIO

_WIDTH = 30


class Progress:
    """A bar on standard error, in bytes. On what is no terminal, without tqdm, only the end is told."""

    def __init__(self, total: int, what: str, stream: TextIO | None = None) -> None:
        self._total = total
        self._what = what
        self._done = 0
        self._stream = sys.stderr if stream is None else stream
        self._bar: Any = None
        try:
            tqdm = importlib.import_module("tqdm")
        except ImportError:
            return
        self._bar = tqdm.tqdm(total=total, desc=what, unit="B", unit_scale=True, unit_divisor=1024, file=self._stream)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._stream.isatty():
            self._stream.write("\n")
        else:
            self._stream.write(f"{self._line()}\n")
        self._stream.flush()

    def show(self, done: int) -> None:
        """Says how many bytes are done; what an upload had to begin again is taken back."""
        step, self._done = done - self._done, done
        if self._bar is not None:
            self._bar.update(step)
        elif self._stream.isatty():
            self._stream.write(f"\r{self._line()}")
            self._stream.flush()

    def _line(self) -> str:
        share = 1.0 if self._total == 0 else min(1.0, self._done / self._total)
        filled = int(share * _WIDTH)
        return f"{self._what}: [{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%} of {_human(self._total)}"


def _human(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
