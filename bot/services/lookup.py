"""Papers on request: the newest for any keyword, and the whole of one that was posted.

A keyword or an id enters; papers leave. From the store while it is fresh, else from arXiv; what arXiv answers is kept
for the next who asks, and never counts as new for a channel.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Priority
from bot.domain.keyword import Keyword
from bot.domain.layout.card import Card, full_abstract, trending_abstract
from bot.domain.matching import match
from bot.domain.paper import ArxivId, Paper
from bot.domain.queries import latest_query
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.ingest.poller import Poller
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivError
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions
from bot.store.trending_entries import TrendingEntries

log = logging.getLogger(__name__)

# The candidates that a look-up asks for, to find ten that match; and how many answers are kept in memory.
LOOKUP_CANDIDATES: Final = 100
LOOKUPS_KEPT: Final = 100
LOOKUP_KEPT: Final = timedelta(minutes=10)
LATEST_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest papers of a keyword; `trouble` says why they may not be the newest after all.

    `listings` is what Hugging Face says of them.
    """

    keyword: Keyword
    papers: tuple[Paper, ...]
    problem: str | None = None
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What arXiv answered to a look-up, and until when nobody need ask again."""

    good_until: datetime
    papers: tuple[Paper, ...]


class LookupService:
    """Answers people's look-ups; without `listings` nothing is said of what Hugging Face thinks."""

    def __init__(
        self,
        *,
        client: ArxivClient,
        subscriptions: Subscriptions,
        papers: Papers,
        trending_entries: TrendingEntries | None,
        poller: Poller,
        clock: Clock,
    ) -> None:
        self._client = client
        self._subscriptions = subscriptions
        self._papers = papers
        self._trending_entries = trending_entries
        self._poller = poller
        self._clock = clock
        self._answers: dict[str, _Answer] = {}

    async def latest(self, keyword: Keyword, count: int) -> Latest:
        """The `count` newest papers of any keyword; raises ArxivError when there is nothing to show instead."""
        latest = await self._newest(keyword, count)
        return replace(latest, trending_entries=await self._about([paper.arxiv_id for paper in latest.papers]))

    async def _newest(self, keyword: Keyword, count: int) -> Latest:
        stored = await self._papers.newest(keyword, count)
        if len(stored) == count and await self._is_fresh(keyword):
            return Latest(keyword, stored)
        answer = self._answers.get(keyword.canonical)
        if answer is not None and self._clock.now() < answer.good_until:
            return Latest(keyword, answer.papers[:count])
        try:
            return Latest(keyword, (await self._ask(keyword))[:count])
        except ArxivError as error:
            if not stored:
                raise
            return Latest(keyword, stored, problem=str(error))

    async def _is_fresh(self, keyword: Keyword) -> bool:
        """Whether arXiv would hardly say more: the keyword is watched, read, and no look is overdue."""
        watched = await self._subscriptions.find(keyword)
        if watched is None or watched.synced_until is None:
            return False
        return (await self._poller.next_poll()).at > self._clock.now()

    async def _ask(self, keyword: Keyword) -> tuple[Paper, ...]:
        page = await self._client.fetch(
            latest_query(keyword), start=0, size=LOOKUP_CANDIDATES, priority=Priority.INTERACTIVE
        )
        matched = {found.arxiv_id for found in await asyncio.to_thread(match, page.papers, [keyword])}
        papers = sorted(
            (paper for paper in page.papers if paper.arxiv_id in matched),
            key=lambda paper: (paper.published, paper.arxiv_id),
            reverse=True,
        )[:LATEST_MAX]
        await self._papers.add(papers)
        await self._remember(keyword, tuple(papers))
        log.info("looked up", extra={"keyword": keyword.shown, "papers": len(papers)})
        return tuple(papers)

    async def _remember(self, keyword: Keyword, papers: tuple[Paper, ...]) -> None:
        """arXiv's answers change at the announcement (terms of use): the same question waits for the next look."""
        while len(self._answers) >= LOOKUPS_KEPT:
            self._answers.pop(next(iter(self._answers)))
        # An empty answer may be one of arXiv's false zeros: not kept.
        if papers:
            now = self._clock.now()
            following = (await self._poller.next_poll()).at
            # Where nothing is watched no look comes, and the next is always "now".
            self._answers[keyword.canonical] = _Answer(following if following > now else now + LOOKUP_KEPT, papers)

    async def abstract(self, arxiv_id: ArxivId) -> Card | None:
        """The whole of a paper that was shown: arXiv's words, else those of the list on which it stood."""
        paper, trending_entry = await self._papers.get(arxiv_id), (await self._about([arxiv_id])).get(arxiv_id)
        if paper is not None:
            # In a thread, as all that is drawn: texts that are nothing but TeX take a third of a second.
            return await asyncio.to_thread(full_abstract, paper, trending_entry)
        return None if trending_entry is None else await asyncio.to_thread(trending_abstract, trending_entry)

    async def _about(self, papers: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
        return NO_TRENDING_ENTRIES if self._trending_entries is None else await self._trending_entries.of_papers(papers)
