"""The budget of lookups: how many requests to arXiv all people together may cause per minute.

It is pure: time is an argument. It never delays a request: the caller replies with when to try again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S

# Half of the requests that arXiv allows: the other half is for polls, initial syncs and charts.
LOOKUPS_PER_MINUTE: Final = 10
# Some of a minute are for people and servers that looked nothing up in it; nothing that others do uses them up.
LOOKUPS_RESERVED: Final = 2

_MINUTE_S: Final = 60.0
_SHARED: Final = LOOKUPS_PER_MINUTE - LOOKUPS_RESERVED
_Party = TypeVar("_Party")


@dataclass(frozen=True, slots=True)
class _ChargedRequest(Generic[_Party]):
    ends_at_s: float
    parties: frozenset[_Party]
    is_reserved: bool


class LookupBudget(Generic[_Party]):
    """The requests of the last minute; with a shorter interval between requests, of a period shorter in proportion.

    The parties of a request are the person who causes it and the server.
    """

    def __init__(self, interval_s: float) -> None:
        self._period_s = _MINUTE_S * interval_s / ARXIV_REQUEST_INTERVAL_S
        self._requests: list[_ChargedRequest[_Party]] = []

    def wait_s(self, parties: Collection[_Party], now_s: float) -> float:
        """Returns after how many seconds these parties may look something up; 0 if they may now."""
        self._requests = [each for each in self._requests if each.ends_at_s > now_s]
        used_some = any(not each.parties.isdisjoint(parties) for each in self._requests)
        shared_at_s = self._available_at_s(_SHARED, now_s, is_reserved=False)
        reserved_at_s = shared_at_s if used_some else self._available_at_s(LOOKUPS_RESERVED, now_s, is_reserved=True)
        return min(shared_at_s, reserved_at_s) - now_s

    def _available_at_s(self, limit: int, now_s: float, *, is_reserved: bool) -> float:
        """When fewer than `limit` requests remain."""
        ends_s = [each.ends_at_s for each in self._requests if each.is_reserved is is_reserved]
        return now_s if len(ends_s) < limit else ends_s[len(ends_s) - limit]

    def charge(self, parties: Collection[_Party], now_s: float) -> None:
        """Records a request; the second and third one of a lookup may exceed the budget, but not use the reserve."""
        shared = [each for each in self._requests if not each.is_reserved]
        used_shared = any(not each.parties.isdisjoint(parties) for each in shared)
        is_reserved = len(shared) >= _SHARED and not used_shared
        self._requests.append(_ChargedRequest(now_s + self._period_s, frozenset(parties), is_reserved))
