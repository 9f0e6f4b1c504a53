"""One budget for all requests to Discord's REST API that are not replies to interactions: a rate over all routes.

discord.py limits each route, but not their sum. This module spreads the requests evenly, below Discord's global limit,
and slows down after a global 429. It sends nothing, and knows nothing about routes.
"""

import asyncio
from collections import deque
from contextvars import ContextVar
from typing import Final

from bot.runtime.clock import Clock

# Discord allows a bot 50 requests per second over all routes (topics/rate-limits).
GLOBAL_LIMIT_PER_S: Final = 50
# Our own rate; the rest is for what arrives at Discord closer together than it was sent.
REQUESTS_PER_SECOND: Final = 46.0
# After a global 429: the factor, the lowest rate, and by how much the rate rises again in each second.
SLOWDOWN: Final = 0.8
REQUESTS_PER_SECOND_MIN: Final = 10.0
RECOVERY_PER_S: Final = 0.1
# How many requests may follow at once after a pause, or after the event loop was late: a busy machine keeps the rate.
BURST: Final = 8
# How long a request without an answer counts: Discord has counted it by then.
UNANSWERED_S: Final = 2.0
# The longest delay before the budget is checked again: a response can free a slot earlier.
_STEP_S: Final = 0.05

_HAS_PRIORITY: Final = ContextVar("has_priority", default=False)


def prioritize_requests() -> None:
    """Gives the requests of the current task priority: a person waits for them."""
    _HAS_PRIORITY.set(True)


class DiscordSlot:
    """One request that may be sent now; `release` is called when it was answered or has failed."""

    def __init__(self, budget: "RequestBudget", started_at_s: float) -> None:
        self._budget = budget
        self.started_at_s = started_at_s

    def release(self) -> None:
        """Counts the request until a second from now: Discord has counted it by the time of its answer."""
        self._budget.released(self)


class RequestBudget:
    """Gives one request after the other a slot, in the order in which they asked.

    While both kinds wait, requests with priority and the others alternate: neither kind can stop the other.
    """

    def __init__(self, clock: Clock, requests_per_second: float = REQUESTS_PER_SECOND) -> None:
        self._clock = clock
        self._rate_max = self._rate = requests_per_second
        self._rate_set_at_s = self._next_s = self._paused_until_s = clock.monotonic()
        self._prioritized: deque[asyncio.Future[DiscordSlot]] = deque()
        self._others: deque[asyncio.Future[DiscordSlot]] = deque()
        self._priority_is_next = True
        self._serving: asyncio.Task[None] | None = None
        # Requests without an answer, the earliest first, and the times of the answers of the last second.
        self._unanswered: dict[DiscordSlot, None] = {}
        self._answered_at_s: deque[float] = deque()

    @property
    def rate(self) -> float:
        """The current requests per second."""
        recovered = (self._clock.monotonic() - self._rate_set_at_s) * RECOVERY_PER_S
        return min(self._rate_max, self._rate + max(0.0, recovered))

    async def acquire(self) -> DiscordSlot:
        """Waits until a request may be sent."""
        if self._next_queue() is None and self._wait_s() <= 0:
            return self._take()
        waiter: asyncio.Future[DiscordSlot] = asyncio.get_running_loop().create_future()
        queue = self._prioritized if _HAS_PRIORITY.get() else self._others
        queue.append(waiter)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await waiter

    def limited(self, wait_s: float) -> None:
        """Lowers the rate after a global 429, once for all requests that were under way, and pauses all requests."""
        now_s = self._clock.monotonic()
        if now_s >= self._paused_until_s:
            self._rate, self._rate_set_at_s = max(REQUESTS_PER_SECOND_MIN, self.rate * SLOWDOWN), now_s + wait_s
        self._paused_until_s = max(self._paused_until_s, now_s + wait_s)

    def released(self, slot: DiscordSlot) -> None:
        """Takes the answer to a request; only the first call for a slot counts."""
        if slot in self._unanswered:
            del self._unanswered[slot]
            self._answered_at_s.append(self._clock.monotonic())

    async def _serve(self) -> None:
        while (queue := self._next_queue()) is not None:
            if queue[0].done():  # its caller was cancelled
                queue.popleft()
            elif (wait_s := self._wait_s()) > 0:
                await self._clock.sleep(min(wait_s, _STEP_S))
            else:
                queue.popleft().set_result(self._take())
                self._priority_is_next = queue is self._others

    def _next_queue(self) -> deque[asyncio.Future[DiscordSlot]] | None:
        """Returns the queue whose first request is next; None if nothing waits."""
        first, second = self._prioritized, self._others
        if not self._priority_is_next:
            first, second = second, first
        return first or second or None

    def _take(self) -> DiscordSlot:
        now_s, interval_s = self._clock.monotonic(), 1 / self.rate
        self._next_s = max(self._next_s, now_s - (BURST - 1) * interval_s) + interval_s
        slot = DiscordSlot(self, now_s)
        self._unanswered[slot] = None
        return slot

    def _wait_s(self) -> float:
        """Returns the seconds until the next request may be sent; they may become fewer with an answer."""
        now_s = self._clock.monotonic()
        return max(self._next_s, self._paused_until_s, self._room_from_s(now_s)) - now_s

    def _room_from_s(self, now_s: float) -> float:
        """Returns when Discord can have counted fewer requests than its limit within a second, whenever they arrive."""
        while self._answered_at_s and self._answered_at_s[0] <= now_s - 1:
            self._answered_at_s.popleft()
        while self._unanswered and (oldest := next(iter(self._unanswered))).started_at_s <= now_s - UNANSWERED_S:
            del self._unanswered[oldest]
        if len(self._unanswered) + len(self._answered_at_s) < GLOBAL_LIMIT_PER_S:
            return now_s
        ends_s = [slot.started_at_s + UNANSWERED_S for slot in list(self._unanswered)[:1]]
        return min([*ends_s, *(at_s + 1 for at_s in list(self._answered_at_s)[:1])])
