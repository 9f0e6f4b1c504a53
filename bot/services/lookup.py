"""Finds the newest papers for any keyword, and the abstract of a paper that was shown.

Papers come from the store if they are fresh, otherwise from arXiv: within the budget of lookups, and with one request
for equal lookups at the same time. What arXiv returns is stored, but never counts as new for a channel.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Priority
from bot.arxiv.scheduler import Caller, Waiters
from bot.arxiv.shared_requests import SharedRequests
from bot.domain.expressions.keywords import match_keywords
from bot.domain.feed import FeedPage
from bot.domain.keyword import Keyword
from bot.domain.layout.card import Card, full_abstract, trending_abstract
from bot.domain.paper import ArxivId, Paper
from bot.domain.queries import latest_query
from bot.domain.text import plural
from bot.domain.trending.entry import TrendingEntry, as_paper
from bot.ingest.poller import Poller
from bot.ingest.window_reader import check_that_arxiv_returns_papers
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivError, IncompleteResults, LookupsExhausted
from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S, INTERACTION_TOKEN_S
from bot.services.lookup_budget import LookupBudget
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

LATEST_MAX: Final = 10
# How many candidates one query returns, so that `LATEST_MAX` of them match.
LOOKUP_CANDIDATES: Final = 100
# How many keywords' results are cached, and for how long if no poll is planned.
LOOKUPS_KEPT: Final = 100
LOOKUP_KEPT: Final = timedelta(minutes=10)
# While a poll is due or running, stored papers are fresh enough for as long as arXiv's results take to change: the
# poll brings the new ones within a minute or two, and must not wait for lookups of the same papers.
STORE_FRESH: Final = timedelta(days=1)
# How long a lookup waits for arXiv; after that, its reply could no longer be edited.
LOOKUP_WAIT_S: Final = INTERACTION_TOKEN_S - 60

# The trending entries of those papers that are on a trending list.
FindTrendingEntries = Callable[[Collection[ArxivId]], Awaitable[Mapping[ArxivId, TrendingEntry]]]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest papers of a keyword; `problem` is why newer papers could not be fetched.

    Without papers, `rejected` is how many of arXiv's newest results do not match the keyword.
    """

    keyword: Keyword
    papers: tuple[Paper, ...]
    rejected: int = 0
    problem: str | None = None
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """The newest papers that match, and how many results arXiv returned."""

    papers: tuple[Paper, ...]
    results: int


@dataclass(frozen=True, slots=True)
class _CachedResult:
    expires_at_s: float  # on the monotonic clock
    papers: tuple[Paper, ...]


class LookupService:
    """Looks papers up in the store and on arXiv; `interval_s` is the interval between requests to arXiv."""

    def __init__(
        self,
        *,
        client: ArxivClient,
        subscriptions: Subscriptions,
        papers: Papers,
        find_trending_entries: FindTrendingEntries,
        poller: Poller,
        clock: Clock,
        interval_s: float = ARXIV_REQUEST_INTERVAL_S,
    ) -> None:
        self._client = client
        self._subscriptions = subscriptions
        self._papers = papers
        self._find_trending_entries = find_trending_entries
        self._poller = poller
        self._clock = clock
        self._results: dict[str, _CachedResult] = {}
        self._budget: LookupBudget[object] = LookupBudget(interval_s)
        self._shared: SharedRequests[_Fetched] = SharedRequests()

    @property
    def budget(self) -> LookupBudget[object]:
        """The budget of all lookups."""
        return self._budget

    async def latest(self, keyword: Keyword, count: int, caller: Caller) -> Latest:
        """The `count` newest papers of any keyword.

        Raises ArxivError if arXiv fails or the budget of lookups is exhausted, and none is stored.
        """
        latest = await self._newest(keyword, count, caller)
        entries = await self._find_trending_entries([paper.arxiv_id for paper in latest.papers])
        return replace(latest, trending_entries=entries)

    async def _newest(self, keyword: Keyword, count: int, caller: Caller) -> Latest:
        stored = await self._papers.newest(keyword, count)
        if len(stored) == count and await self._is_fresh(keyword):
            return Latest(keyword, stored)
        cached = self._results.get(keyword.canonical)
        if cached is not None and self._clock.monotonic() < cached.expires_at_s:
            return Latest(keyword, cached.papers[:count])
        try:
            fetched = await self._fetch(keyword, caller)
        except ArxivError as error:
            if not stored:
                raise
            return Latest(keyword, stored, problem=str(error))
        papers = fetched.papers[:count] or stored
        return Latest(keyword, papers, rejected=0 if papers else fetched.results)

    async def _is_fresh(self, keyword: Keyword) -> bool:
        """Whether a request would bring nothing new, or only what the poll that is due reads anyway."""
        watched = await self._subscriptions.find(keyword)
        if watched is None or watched.synced_until is None:
            return False
        now = self._clock.now()
        return now - watched.synced_until < STORE_FRESH or (await self._poller.next_poll()).at > now

    async def _fetch(self, keyword: Keyword, caller: Caller) -> _Fetched:
        """Fetches the newest papers once for everyone who looks the keyword up at the same time."""
        deadline_s = self._clock.monotonic() + LOOKUP_WAIT_S

        async def fetch(waiters: Waiters) -> _Fetched:
            wait_s = self._budget.wait_s(parties_of(caller), self._clock.monotonic())
            if wait_s > 0:
                # Discord shows times without fractions of a second: one second more is never too early.
                not_before = self._clock.now() + timedelta(seconds=wait_s + 1)
                raise LookupsExhausted("All lookups on arXiv for this minute are used up", not_before)
            page = await self._fetch_page(keyword, caller, waiters)
            return _Fetched(await self._matching(keyword, page), len(page.papers))

        return await self._shared.get(keyword.canonical, caller, deadline_s, fetch)

    async def _fetch_page(self, keyword: Keyword, caller: Caller, waiters: Waiters) -> FeedPage:
        """Requests the candidates. "No results" is trusted if arXiv repeats it after it returned other papers."""
        page = await self._request(keyword, caller, waiters)
        if page.total == 0:
            self._budget.charge(parties_of(caller), self._clock.monotonic())
            now = self._clock.now()
            await check_that_arxiv_returns_papers(self._client, now, Priority.INTERACTIVE, waiters)
            page = await self._request(keyword, caller, waiters)
        if page.total > 0 and not page.papers:
            raise IncompleteResults(f"arXiv counts {plural(page.total, 'paper')} but returned none")
        return page

    async def _request(self, keyword: Keyword, caller: Caller, waiters: Waiters) -> FeedPage:
        self._budget.charge(parties_of(caller), self._clock.monotonic())
        query, priority = latest_query(keyword), Priority.INTERACTIVE
        return await self._client.fetch(query, start=0, size=LOOKUP_CANDIDATES, priority=priority, waiters=waiters)

    async def _matching(self, keyword: Keyword, page: FeedPage) -> tuple[Paper, ...]:
        """Stores and caches those papers of the page that match the keyword, and returns them, newest first."""
        matched = {found.arxiv_id for found in await asyncio.to_thread(match_keywords, page.papers, [keyword])}
        papers = sorted(
            (paper for paper in page.papers if paper.arxiv_id in matched),
            key=lambda paper: (paper.published, paper.arxiv_id),
            reverse=True,
        )[:LATEST_MAX]
        await self._papers.add(papers)
        await self._cache(keyword, tuple(papers))
        log.info("lookup finished", extra={"keyword": keyword.shown, "papers": len(papers)})
        return tuple(papers)

    async def _cache(self, keyword: Keyword, papers: tuple[Paper, ...]) -> None:
        """Keeps a result until the next poll: arXiv's results change once a day (terms of use)."""
        while len(self._results) >= LOOKUPS_KEPT:
            self._results.pop(next(iter(self._results)))
        # An empty result may be one of arXiv's spurious ones, so it is not cached.
        if papers:
            now = self._clock.now()
            next_poll_at = (await self._poller.next_poll()).at
            # If no keyword is watched, no poll comes, and the next one is always "now".
            kept = next_poll_at - now if next_poll_at > now else LOOKUP_KEPT
            expires_at_s = self._clock.monotonic() + kept.total_seconds()
            self._results[keyword.canonical] = _CachedResult(expires_at_s, papers)

    async def abstract(self, arxiv_id: ArxivId) -> Card | None:
        """The full abstract of a stored paper: from arXiv, or else from its trending list."""
        paper = await self._papers.get(arxiv_id)
        entry = (await self._find_trending_entries([arxiv_id])).get(arxiv_id)
        if paper is not None:
            described = paper if entry is None else as_paper(entry, paper)
            # In a thread, like all rendering: an abstract full of TeX takes a third of a second.
            return await asyncio.to_thread(full_abstract, described, entry)
        return None if entry is None else await asyncio.to_thread(trending_abstract, entry)


def parties_of(caller: Caller) -> frozenset[object]:
    """Whose lookups count: the person's, in all servers, and the server's."""
    return frozenset({caller.server, Caller(caller.user_id).server})
