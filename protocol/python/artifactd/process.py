"""What concerns all links of the process: its end, and its forks."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from artifactd.link import Link
    from artifactd.requests import Handover

# So many hand-overs that may be lost are named.
_NAMED = 10
_log = logging.getLogger("artifactd")

links: weakref.WeakSet[Link] = weakref.WeakSet()
# How many hand-overs of a link were given their time at the process's end, and had no answer.
_given_up: weakref.WeakKeyDictionary[Link, int] = weakref.WeakKeyDictionary()


def places(handovers: list[Handover]) -> str:
    """Where they go, for people: the first of them, and how many more."""
    more = f" and {len(handovers) - _NAMED} more" if handovers[_NAMED:] else ""
    return ", ".join(each.order for each in handovers[:_NAMED]) + more


def _forget_parent() -> None:
    for link in list(links):
        link.forget_parent()


def _drain() -> None:
    """Gives hand-overs the time to be accepted, once, and says which were not."""
    for link in list(links):
        known = _given_up.get(link, 0)
        if len(link.drain(0)) > known and (left := link.drain(link.settings.exit_timeout)):
            _given_up[link] = len(left)
            way_out = "look whether artifactd runs, and wait for the tickets before the end"
            if left[0].message.run_id is not None:
                way_out += "; where ARTIFACTD_OFFLINE_DIR names a directory, what has no answer is kept there"
            message = "%d hand-overs had no answer from the daemon when the process ended, and may be lost: %s; %s"
            _log.error(message, len(left), places(left), way_out)
        link.report()


def _end() -> None:
    _drain()
    for link in list(links):
        link.close()


os.register_at_fork(after_in_child=_forget_parent)
# Children of multiprocessing run these and no atexit handlers.
threading._register_atexit(_drain)  # type: ignore[attr-defined]
atexit.register(_end)
