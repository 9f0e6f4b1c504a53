"""Finds papers by their arXiv ids: stored ones, or else on arXiv, with one request for all of them.

Requests share the budget of lookups, and equal ones at the same time are one request. What arXiv returns is stored, but
never counts as new or as seen for a channel.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Priority
from bot.arxiv.scheduler import Caller, Waiters
from bot.arxiv.shared_requests import SharedRequests
from bot.domain.feed import FeedPage
from bot.domain.paper import ArxivId, Paper
from bot.domain.paper_ids import canonical_id
from bot.domain.queries import papers_query
from bot.domain.text import plural
from bot.domain.trending.entry import TrendingEntry
from bot.ingest.window_reader import check_that_arxiv_returns_papers
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivError, IncompleteResults, LookupsExhausted
from bot.services.lookup import LOOKUP_WAIT_S, FindTrendingEntries, parties_of
from bot.services.lookup_budget import LookupBudget
from bot.store.paper_posts import PaperPost, PaperPosts
from bot.store.papers import Papers

log = logging.getLogger(__name__)

# How many papers one lookup takes: as many as a compact list and a menu show.
LOOKUP_PAPERS: Final = 20
# For how long, and of how many ids, it is remembered that arXiv has no such paper.
MISSING_KEPT: Final = timedelta(minutes=10)
MISSING_IDS_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class FoundPapers:
    """The papers with some ids, in the order of the ids.

    arXiv has no papers with the ids `missing`. Those in `unknown` are not stored, and `problem` is why they could not
    be fetched.
    """

    papers: tuple[Paper, ...]
    missing: tuple[ArxivId, ...] = ()
    unknown: tuple[ArxivId, ...] = ()
    problem: ArxivError | None = None
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=dict)


class PaperLookupService:
    """Looks papers up by id, and where they were posted."""

    def __init__(
        self,
        *,
        client: ArxivClient,
        papers: Papers,
        paper_posts: PaperPosts,
        find_trending_entries: FindTrendingEntries,
        budget: LookupBudget[object],
        clock: Clock,
    ) -> None:
        self._client = client
        self._papers = papers
        self._paper_posts = paper_posts
        self._find_trending_entries = find_trending_entries
        self._budget = budget
        self._clock = clock
        self._shared: SharedRequests[Mapping[ArxivId, Paper]] = SharedRequests()
        self._missing_until_s: dict[ArxivId, float] = {}  # on the monotonic clock

    async def find(self, arxiv_ids: Sequence[ArxivId], caller: Caller) -> FoundPapers:
        """Returns the papers with these ids, at most `LOOKUP_PAPERS`."""
        wanted = tuple(dict.fromkeys(arxiv_ids[:LOOKUP_PAPERS]))
        found = await self._papers.get_many(wanted)
        unknown = tuple(each for each in wanted if each not in found and not self._is_missing(each))
        problem = None
        if unknown:
            try:
                found |= await self._fetch(unknown, caller)
            except ArxivError as error:
                problem = error
        papers = tuple(found[each] for each in wanted if each in found)
        absent = tuple(each for each in wanted if each not in found)
        missing = tuple(each for each in absent if problem is None or each not in unknown)
        entries = await self._find_trending_entries([paper.arxiv_id for paper in papers])
        return FoundPapers(papers, missing, unknown if problem is not None else (), problem, entries)

    async def posts(self, guild_id: int, arxiv_id: ArxivId) -> tuple[PaperPost, ...]:
        """Returns the messages of a server with a paper, oldest first; in all channels, whoever can view them."""
        return await self._paper_posts.in_server(guild_id, arxiv_id)

    async def _fetch(self, arxiv_ids: Sequence[ArxivId], caller: Caller) -> Mapping[ArxivId, Paper]:
        """Fetches papers once for everyone who looks the same ones up at the same time."""
        deadline_s = self._clock.monotonic() + LOOKUP_WAIT_S

        async def fetch(waiters: Waiters) -> Mapping[ArxivId, Paper]:
            wait_s = self._budget.wait_s(parties_of(caller), self._clock.monotonic())
            if wait_s > 0:
                # Discord shows times without fractions of a second: one second more is never too early.
                not_before = self._clock.now() + timedelta(seconds=wait_s + 1)
                raise LookupsExhausted("All lookups on arXiv for this minute are used up", not_before)
            found = await self._fetch_all(arxiv_ids, caller, waiters)
            await self._papers.add(found.values())
            self._remember_missing([each for each in arxiv_ids if each not in found])
            log.info("papers looked up", extra={"papers": len(found), "missing": len(arxiv_ids) - len(found)})
            return found

        return await self._shared.get(",".join(map(str, arxiv_ids)), caller, deadline_s, fetch)

    async def _fetch_all(self, arxiv_ids: Sequence[ArxivId], caller: Caller, waiters: Waiters) -> dict[ArxivId, Paper]:
        """Requests the papers. "No results" is trusted if arXiv repeats it after it returned other papers."""
        page = await self._request(arxiv_ids, caller, waiters)
        if page.total == 0:
            self._budget.charge(parties_of(caller), self._clock.monotonic())
            await check_that_arxiv_returns_papers(self._client, self._clock.now(), Priority.INTERACTIVE, waiters)
            page = await self._request(arxiv_ids, caller, waiters)
        if page.total > len(page.papers):
            raise IncompleteResults(
                f"arXiv counts {plural(page.total, 'paper')} but returned {len(page.papers) or 'none'}"
            )
        return {each: paper for paper in page.papers if (each := canonical_id(paper.arxiv_id)) in arxiv_ids}

    async def _request(self, arxiv_ids: Sequence[ArxivId], caller: Caller, waiters: Waiters) -> FeedPage:
        self._budget.charge(parties_of(caller), self._clock.monotonic())
        query, priority = papers_query(arxiv_ids), Priority.INTERACTIVE
        return await self._client.fetch(query, start=0, size=LOOKUP_PAPERS, priority=priority, waiters=waiters)

    def _is_missing(self, arxiv_id: ArxivId) -> bool:
        return self._clock.monotonic() < self._missing_until_s.get(arxiv_id, 0.0)

    def _remember_missing(self, arxiv_ids: Collection[ArxivId]) -> None:
        until_s = self._clock.monotonic() + MISSING_KEPT.total_seconds()
        for arxiv_id in arxiv_ids:
            self._missing_until_s.pop(arxiv_id, None)
            self._missing_until_s[arxiv_id] = until_s
        while len(self._missing_until_s) > MISSING_IDS_KEPT:
            del self._missing_until_s[next(iter(self._missing_until_s))]
