"""Finds the newest papers for any keyword, and the abstract of a paper that was shown.

Papers come from the store if they are fresh, otherwise from arXiv: within the budget of lookups, and with one request
for equal lookups at the same time. What arXiv returns is stored, but never counts as new for a channel.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
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
from bot.domain.period import Period
from bot.domain.queries import Window, latest_query
from bot.domain.subscription import WatchedKeyword
from bot.domain.text import plural
from bot.domain.trending.entry import TrendingEntry, as_paper
from bot.ingest.poller import Poller
from bot.ingest.window_reader import check_that_arxiv_returns_papers
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivError, IncompleteResults, LookupsExhausted
from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S, INTERACTION_TOKEN_S
from bot.services.lookup_budget import LookupBudget
from bot.services.lookup_results import LookupOrder, LookupQuery, LookupResult, LookupResults
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

LATEST_MAX: Final = 10
# How many results one request returns, and how many of arXiv's newest results are looked through for one keyword.
LOOKUP_CANDIDATES: Final = 100
LOOKUP_RESULTS_MAX: Final = 300
# How long results are kept if no poll is planned.
LOOKUP_KEPT: Final = timedelta(minutes=10)
# While a poll is due or running, stored papers are fresh enough for as long as arXiv's results take to change: the
# poll brings the new ones within a minute or two, and must not wait for lookups of the same papers.
STORE_FRESH: Final = timedelta(days=1)
# How long a lookup waits for arXiv; after that, its reply could no longer be edited.
LOOKUP_WAIT_S: Final = INTERACTION_TOKEN_S - 60

# The trending entries of those papers that are on a trending list.
FindTrendingEntries = Callable[[Collection[ArxivId]], Awaitable[Mapping[ArxivId, TrendingEntry]]]


# The newest papers that are stored and match, whichever keyword or lookup they were stored for.
FindStored = Callable[[Keyword, Period | None, int], Awaitable[Sequence[Paper]]]


@dataclass(frozen=True, slots=True)
class Latest:
    """A page of a keyword's papers, the first of which has `offset` papers before it.

    `problem` is why arXiv could not be asked; then the papers are those that are stored, as of `as_of`. Without papers,
    `rejected` is how many of arXiv's newest results do not match the keyword.
    """

    query: LookupQuery
    papers: tuple[Paper, ...]
    offset: int = 0
    has_older: bool = False
    rejected: int = 0
    problem: str | None = None
    as_of: datetime | None = None
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=dict)

    @property
    def keyword(self) -> Keyword:
        """The keyword that was looked up."""
        return self.query.keyword


class LookupService:
    """Looks papers up in the store and on arXiv; `interval_s` is the interval between requests to arXiv."""

    def __init__(
        self,
        *,
        client: ArxivClient,
        subscriptions: Subscriptions,
        papers: Papers,
        find_trending_entries: FindTrendingEntries,
        find_stored: FindStored,
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
        self._find_stored = find_stored
        self._results = LookupResults()
        self._budget: LookupBudget[object] = LookupBudget(interval_s)
        self._shared: SharedRequests[LookupResult] = SharedRequests()

    @property
    def budget(self) -> LookupBudget[object]:
        """The budget of all lookups."""
        return self._budget

    async def latest(self, keyword: Keyword, count: int, caller: Caller) -> Latest:
        """The `count` newest papers of any keyword; raises ArxivError as `page` does."""
        return await self.page(LookupQuery(keyword), 0, count, caller)

    async def page(self, query: LookupQuery, offset: int, count: int, caller: Caller) -> Latest:
        """The papers of a query after the first `offset` ones.

        Raises ArxivError if arXiv fails or the budget of lookups is exhausted, and none is stored.
        """
        latest = await self._find(query, offset, count, caller)
        entries = await self._find_trending_entries([paper.arxiv_id for paper in latest.papers])
        return replace(latest, trending_entries=entries)

    async def _find(self, query: LookupQuery, offset: int, count: int, caller: Caller) -> Latest:
        end = offset + count
        watched = await self._subscriptions.find(query.keyword)
        stored = () if watched is None else await self._stored(query, end + 1)
        if await self._suffices(query, watched, len(stored) >= end):
            return Latest(query, tuple(stored[offset:end]), offset, has_older=len(stored) > end)
        try:
            result = await self._read(query, offset, caller)
        except ArxivError as error:
            return await self._stored_page(query, offset, count, error, stored)
        found = result.papers or stored
        if result.papers:
            await self._store(found[offset:end])
        has_older = len(found) > end or (not result.is_complete and result.read < LOOKUP_RESULTS_MAX)
        papers = tuple(found[offset:end])
        return Latest(query, papers, offset, has_older, rejected=0 if papers else result.read)

    async def _store(self, shown: Sequence[Paper]) -> None:
        """Stores papers that are shown, for their buttons; those that are stored already need no transaction."""
        known = await self._papers.get_many([paper.arxiv_id for paper in shown])
        versions = {arxiv_id: paper.version for arxiv_id, paper in known.items()}
        new = [paper for paper in shown if paper.version > versions.get(paper.arxiv_id, 0)]
        if new:
            await self._papers.add(new)

    async def _stored(self, query: LookupQuery, limit: int) -> Sequence[Paper]:
        """Returns the stored papers of a watched keyword."""
        by_update = query.order is LookupOrder.UPDATED
        return await self._papers.matching(query.keyword, limit, query.period, by_update=by_update)

    async def _suffices(self, query: LookupQuery, watched: WatchedKeyword | None, is_full: bool) -> bool:
        """Whether a request would bring nothing new, or only what the poll that is due reads anyway."""
        if watched is None or watched.synced_until is None or watched.new_since is None:
            return False
        is_covered = query.period is not None and query.period.start >= watched.new_since
        if not is_full and not is_covered:
            return False
        now = self._clock.now()
        return now - watched.synced_until < STORE_FRESH or (await self._poller.next_poll()).at > now

    async def _stored_page(
        self, query: LookupQuery, offset: int, count: int, error: ArxivError, stored: Sequence[Paper]
    ) -> Latest:
        """Returns what is stored, also for keywords that nobody watches; raises the error without any paper."""
        end = offset + count
        found = stored or query.select(await self._find_stored(query.keyword, query.period, end + 1))
        if not found:
            raise error
        as_of, _ = await self._poller.last_poll()
        return Latest(
            query, tuple(found[offset:end]), offset, has_older=len(found) > end, problem=str(error), as_of=as_of
        )

    async def _read(self, query: LookupQuery, offset: int, caller: Caller) -> LookupResult:
        """Returns more than `offset` papers, as far as arXiv has as many: a page may be short, and takes one request.

        Only after a restart, and if few of arXiv's results match, it takes several.
        """
        result = self._results.get(query, self._clock.monotonic())
        while len(result.papers) <= offset and not result.is_complete and result.read < LOOKUP_RESULTS_MAX:
            if result.read and not result.papers:
                break  # none of arXiv's newest results matches
            result = await self._extend(query, result, caller)
        return result

    async def _extend(self, query: LookupQuery, result: LookupResult, caller: Caller) -> LookupResult:
        """Reads the next results once for everyone who looks the same up at the same time."""
        deadline_s = self._clock.monotonic() + LOOKUP_WAIT_S

        async def fetch(waiters: Waiters) -> LookupResult:
            wait_s = self._budget.wait_s(parties_of(caller), self._clock.monotonic())
            if wait_s > 0:
                # Discord shows times without fractions of a second: one second more is never too early.
                not_before = self._clock.now() + timedelta(seconds=wait_s + 1)
                raise LookupsExhausted("All lookups on arXiv for this minute are used up", not_before)
            page = await self._fetch_page(query, result.read, caller, waiters)
            return await self._extended(query, result, page)

        return await self._shared.get(f"{result.read}:{query.key}", caller, deadline_s, fetch)

    async def _fetch_page(self, query: LookupQuery, start: int, caller: Caller, waiters: Waiters) -> FeedPage:
        """Requests the candidates. "No results" is trusted if arXiv repeats it after it returned other papers."""
        page = await self._request(query, start, caller, waiters)
        if page.total == 0:
            self._budget.charge(parties_of(caller), self._clock.monotonic())
            now = self._clock.now()
            await check_that_arxiv_returns_papers(self._client, now, Priority.INTERACTIVE, waiters)
            page = await self._request(query, start, caller, waiters)
        if page.total > start and not page.papers:
            raise IncompleteResults(f"arXiv counts {plural(page.total, 'paper')} but returned none")
        return page

    async def _request(self, query: LookupQuery, start: int, caller: Caller, waiters: Waiters) -> FeedPage:
        self._budget.charge(parties_of(caller), self._clock.monotonic())
        is_by_update = query.order is LookupOrder.UPDATED
        # arXiv has no dates of updates in queries.
        window = None if query.period is None or is_by_update else Window(query.period.start, query.period.end)
        latest = latest_query(query.keyword, window, by_update=is_by_update)
        priority = Priority.INTERACTIVE
        return await self._client.fetch(latest, start=start, size=LOOKUP_CANDIDATES, priority=priority, waiters=waiters)

    async def _extended(self, query: LookupQuery, before: LookupResult, page: FeedPage) -> LookupResult:
        """Returns a result with those papers of the next page that match, and keeps it until the next poll."""
        matched = {found.arxiv_id for found in await asyncio.to_thread(match_keywords, page.papers, [query.keyword])}
        papers = query.select([*before.papers, *(paper for paper in page.papers if paper.arxiv_id in matched)])
        read = before.read + len(page.papers)
        is_past = query.period is not None and any(
            query.order.date_of(paper) < query.period.start for paper in page.papers
        )
        result = LookupResult(tuple(papers), read, is_complete=is_past or read >= page.total)
        await self._keep(query, result)
        log.info("lookup finished", extra={"keyword": query.keyword.shown, "papers": len(papers)})
        return result

    async def _keep(self, query: LookupQuery, result: LookupResult) -> None:
        """Keeps a result until the next poll: arXiv's results change once a day (terms of use)."""
        # An empty result may be one of arXiv's spurious ones, so it is not kept.
        if result.papers:
            next_poll_at = (await self._poller.next_poll()).at
            now = self._clock.now()
            # If no keyword is watched, no poll comes, and the next one is always "now".
            kept = next_poll_at - now if next_poll_at > now else LOOKUP_KEPT
            self._results.keep(query, result, self._clock.monotonic() + kept.total_seconds())

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
