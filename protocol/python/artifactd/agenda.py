"""What a link has still to do."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Iterator

from artifactd.requests import Handover, Request


class Agenda:
    """The requests without a result: which are to be sent now, which at a time, and which behind another.

    Belongs to the link, under its lock. A step that an interrupt has kept from being done, or those behind it, can be done again.
    """

    def __init__(self) -> None:
        self._last_id = 1
        # All, in the order of their making.
        self._requests: dict[int, Request] = {}
        # Those that are to be sent, and some that need not be any more.
        self._outbox: deque[Request] = deque()
        # Those that are to be sent at a time by time.monotonic.
        self._delayed: list[tuple[float, int]] = []
        # The hand-overs of one order, of which the first is under way.
        self._orders: dict[str, deque[Handover]] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[Request]:
        """Those of now: they may be finished meanwhile."""
        return iter(list(self._requests.values()))

    def find(self, id: int) -> Request | None:
        """The request of an id, unless it is finished."""
        return self._requests.get(id)

    def add(self, request: Request) -> None:
        """One more, which gets its id."""
        self._last_id += 1
        request.id = self._last_id
        self._requests[request.id] = request
        if isinstance(request, Handover):
            queue = self._orders.setdefault(request.order, deque())
            queue.append(request)
            request.is_ready = len(queue) == 1
        if request.is_ready:
            self._outbox.append(request)

    def remove(self, request: Request) -> None:
        """It has its result: the next of its order may be sent."""
        if isinstance(request, Handover):
            queue = self._orders.get(request.order, deque())
            if request in queue:
                if queue[0] is request and len(queue) > 1:
                    self._make_ready(queue[1])
                queue.remove(request)
            if not queue:
                self._orders.pop(request.order, None)
        self._requests.pop(request.id, None)

    def delay(self, request: Request, seconds: float) -> None:
        """It is to be sent again, but not before so many seconds."""
        request.is_ready = False
        heapq.heappush(self._delayed, (time.monotonic() + seconds, request.id))

    def pause(self) -> float | None:
        """In how many seconds one is due that is delayed; None where there is none."""
        return max(0.0, self._delayed[0][0] - time.monotonic()) if self._delayed else None

    def next(self) -> Request | None:
        """Takes out the one that is to be sent now; None where nothing is."""
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            request = self._requests.get(heapq.heappop(self._delayed)[1])
            if request is not None:
                self._make_ready(request)
        while self._outbox:
            request = self._outbox.popleft()
            if request.id in self._requests:
                return request
        return None

    def put_back(self, request: Request) -> None:
        """It could not be sent now, and is the next one again."""
        self._outbox.appendleft(request)

    def hold(self) -> None:
        """Nothing is to be sent over this connection any more."""
        self._outbox.clear()

    def begin_again(self) -> None:
        """All that need not wait are to be sent, over a new connection."""
        self._outbox = deque(request for request in self._requests.values() if request.is_ready)

    def _make_ready(self, request: Request) -> None:
        if not request.is_ready:
            request.is_ready = True
            self._outbox.append(request)
