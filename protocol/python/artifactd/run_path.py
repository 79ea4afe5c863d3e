"""Where an artifact of a run lies."""

from __future__ import annotations

from typing import NamedTuple


class RunPath(NamedTuple):
    """A place in a run, as a destination of hand-overs.

    - `run_id`: the run, which this node's daemon must know; `Registry.get_run` makes it so.
    - `path`: relative to the run, with `/` between its parts: `models/model.pkl`.
    - `group`, `member`: the group of the run, and as which of its members.
    """

    run_id: str
    path: str
    group: str | None = None
    member: int | None = None

    def __str__(self) -> str:
        return f"{self.path} of run {self.run_id}"
