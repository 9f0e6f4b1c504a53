"""The budget of lookups: how many requests to arXiv all people together may cause per minute.

It is pure: time is an argument. It never delays a request: the caller replies with when to try again.
"""

from collections import deque
from typing import Final, Generic, TypeVar

from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S

# Half of the requests that arXiv allows: the other half is for polls, initial syncs and charts.
LOOKUPS_PER_MINUTE: Final = 10
# The last ones of a minute are for servers that looked nothing up in it.
LOOKUPS_RESERVED: Final = 2

_MINUTE_S: Final = 60.0
_Server = TypeVar("_Server")


class LookupBudget(Generic[_Server]):
    """The requests of the last minute; with a shorter interval between requests, of a period shorter in proportion."""

    def __init__(self, interval_s: float) -> None:
        self._period_s = _MINUTE_S * interval_s / ARXIV_REQUEST_INTERVAL_S
        self._requests: deque[tuple[float, _Server]] = deque()

    def wait_s(self, server: _Server, now_s: float) -> float:
        """Returns after how many seconds the server may look something up; 0 if it may now."""
        while self._requests and self._requests[0][0] + self._period_s <= now_s:
            self._requests.popleft()
        used_some = any(each == server for _, each in self._requests)
        excess = len(self._requests) - (LOOKUPS_PER_MINUTE - LOOKUPS_RESERVED * used_some)
        return 0.0 if excess < 0 else self._requests[excess][0] + self._period_s - now_s

    def charge(self, server: _Server, now_s: float) -> None:
        """Records a request; the second and third one of a lookup may exceed the budget."""
        self._requests.append((now_s, server))
