"""Keeps the keywords of the servers in which people type, ready to be searched.

An index is built again when subscriptions have changed, and at the latest after `MAX_AGE_S`.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from bot.domain.keyword_index import KeywordIndex
from bot.runtime.clock import Clock
from bot.store.subscriptions import Subscriptions

# Rarely, a channel's server becomes known later, or another process changes subscriptions.
MAX_AGE_S: Final = 60.0
# 1,000 keywords, as many as commands can add to a server by default, take about 0.3 MB.
_GUILDS_MAX: Final = 64


@dataclass(slots=True)
class _Slot:
    """The index of one server; people who type at the same time wait for the same query."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    index: KeywordIndex | None = None
    version: int = -1
    built_at_s: float = 0.0


class KeywordIndexes:
    """The indexes of the servers used last."""

    def __init__(self, subscriptions: Subscriptions, clock: Clock) -> None:
        self._subscriptions = subscriptions
        self._clock = clock
        self._slots: OrderedDict[int, _Slot] = OrderedDict()

    async def get(self, guild_id: int) -> KeywordIndex:
        """Returns the server's keywords, with every change that was committed before this call."""
        slot = self._slot(guild_id)
        async with slot.lock:
            if slot.index is None or self._is_outdated(slot):
                # Read before the query: a change during the query outdates its result.
                version, built_at_s = self._subscriptions.version, self._clock.monotonic()
                spellings = await self._subscriptions.spellings(guild_id)
                # In a thread, because 10,000 keywords take 10 ms.
                slot.index = await asyncio.to_thread(KeywordIndex.of, spellings)
                slot.version, slot.built_at_s = version, built_at_s
            return slot.index

    def _slot(self, guild_id: int) -> _Slot:
        slot = self._slots.setdefault(guild_id, _Slot())
        self._slots.move_to_end(guild_id)
        if len(self._slots) > _GUILDS_MAX:
            self._slots.popitem(last=False)
        return slot

    def _is_outdated(self, slot: _Slot) -> bool:
        is_old = self._clock.monotonic() - slot.built_at_s > MAX_AGE_S
        return is_old or slot.version != self._subscriptions.version
