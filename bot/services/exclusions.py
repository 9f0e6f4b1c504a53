"""Adds and removes the exclusions of a channel, says what they change, and reads what a channel did not get.

It never checks permissions: the cogs do that before they call it.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.exclusions import ChannelExclusion, ExclusionQuotas, QuotaReached
from bot.domain.expressions.keywords import match_keywords
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.runtime.clock import Clock
from bot.store.exclusions import AlreadyExcluded, ExclusionAdded, ExclusionRemoved, Exclusions
from bot.store.papers import Papers
from bot.store.withheld import HeldBack, RestPage, WithheldPapers

__all__ = [
    "EXCLUSIONS_PER_CHANNEL",
    "EXCLUSIONS_PER_SERVER",
    "REST_PAGE_PAPERS",
    "AlreadyExcluded",
    "ExclusionAdded",
    "ExclusionEffect",
    "ExclusionRemoved",
    "ExclusionService",
    "HeldBack",
    "QuotaReached",
    "RestPage",
]

EXCLUSIONS_PER_CHANNEL: Final = 25
EXCLUSIONS_PER_SERVER: Final = 500
# How many papers of a message's rest one page shows.
REST_PAGE_PAPERS: Final = 10
# How many of the newest papers a new exclusion is compared with: 5,000 take about a second.
COMPARED_MAX: Final = 5000
EXAMPLES: Final = 3
# How many papers are read and compared at once.
_PAPERS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ExclusionEffect:
    """What a new exclusion changes: of the channel's papers of the last 30 days, how many it removes.

    `papers` counts them without the exclusion. `is_complete` is False if only the newest were compared.
    """

    papers: int
    removed: int
    examples: tuple[Paper, ...]
    is_complete: bool


class ExclusionService:
    """The exclusions of all channels; `on_change` wakes the loop that posts."""

    def __init__(
        self,
        exclusions: Exclusions,
        withheld: WithheldPapers,
        papers: Papers,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._exclusions = exclusions
        self._withheld = withheld
        self._papers = papers
        self._clock = clock
        self._on_change = on_change

    async def in_channel(self, channel_id: int) -> tuple[ChannelExclusion, ...]:
        """A channel's exclusions, oldest first."""
        return await self._exclusions.in_channel(channel_id)

    async def add(
        self, channel_id: int, guild_id: int, keyword: Keyword, user_id: int
    ) -> ExclusionAdded | AlreadyExcluded | QuotaReached:
        """Adds an exclusion, which takes effect for papers that wait, too."""
        quotas = ExclusionQuotas(EXCLUSIONS_PER_CHANNEL, EXCLUSIONS_PER_SERVER)
        return await self._exclusions.add(
            channel_id, guild_id, keyword, added_by=user_id, now=self._clock.now(), quotas=quotas
        )

    async def effect(self, added: ChannelExclusion) -> ExclusionEffect:
        """What an exclusion removes besides what the channel's other exclusions do."""
        since = self._clock.now() - INITIAL_SYNC_PERIOD
        ids = await self._exclusions.papers_since(added.channel_id, since)
        others = [each.keyword for each in await self.in_channel(added.channel_id) if each.id != added.id]
        kept = 0
        removed: list[Paper] = []
        compared = ids[:COMPARED_MAX]
        for start in range(0, len(compared), _PAPERS_AT_ONCE):
            part = await self._read(compared[start : start + _PAPERS_AT_ONCE])
            left_over, found = await asyncio.to_thread(_split, part, others, added.keyword)
            kept += left_over
            removed += found
        return ExclusionEffect(
            kept + len(removed), len(removed), tuple(removed[:EXAMPLES]), is_complete=len(compared) == len(ids)
        )

    async def remove(self, channel_id: int, exclusion_id: int) -> ExclusionRemoved | None:
        """Removes an exclusion, and queues again what would still wait; returns None if the channel lacks it."""
        removed = await self._exclusions.remove(channel_id, exclusion_id, self._clock.now())
        self._on_change()
        return removed

    async def without_excluded(
        self, channel_id: int, papers: Sequence[tuple[Paper, tuple[str, ...]]]
    ) -> tuple[tuple[Paper, tuple[str, ...]], ...]:
        """Those of these papers that no exclusion of the channel matches."""
        keywords = [each.keyword for each in await self.in_channel(channel_id)]
        found = await asyncio.to_thread(match_keywords, [paper for paper, _ in papers], keywords)
        excluded = {match.arxiv_id for match in found}
        return tuple(each for each in papers if each[0].arxiv_id not in excluded)

    async def held_back(self, channel_ids: Collection[int]) -> Mapping[int, HeldBack]:
        """How many papers were withheld in the last 30 days, by channel; channels without any are missing."""
        return await self._withheld.count_since(channel_ids, self._clock.now() - INITIAL_SYNC_PERIOD)

    async def held_back_by_exclusion(self, channel_id: int) -> Mapping[int, int]:
        """How many papers each exclusion of a channel withheld in the last 30 days, by its id."""
        return await self._withheld.count_by_exclusion(channel_id, self._clock.now() - INITIAL_SYNC_PERIOD)

    async def rest(self, post_key: str, start: int) -> RestPage | None:
        """A page of the papers that the limit withheld from a message's batch; None for an unknown message."""
        return await self._withheld.rest(post_key, start, REST_PAGE_PAPERS)

    async def _read(self, ids: Sequence[ArxivId]) -> list[Paper]:
        """These papers, in their order."""
        found = await self._papers.get_many(ids)
        return [found[each] for each in ids if each in found]


def _split(papers: Sequence[Paper], others: Sequence[Keyword], added: Keyword) -> tuple[int, list[Paper]]:
    """How many papers no exclusion matches, and those that only the added one matches."""
    excluded = {match.arxiv_id for match in match_keywords(papers, others)}
    removed = {match.arxiv_id for match in match_keywords(papers, [added])} - excluded
    found = [paper for paper in papers if paper.arxiv_id in removed]
    return len(papers) - len(excluded) - len(removed), found
