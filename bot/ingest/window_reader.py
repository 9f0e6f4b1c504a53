"""Reads a window of submission times to its end, in complete parts, and matches their papers with keywords.

A window that arXiv does not return completely is read in halves. After a page that is too large, or a large one that
failed, pages have a quarter of the entries. If arXiv rejects the query, the window is read without keywords. It never
writes to the store.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.arxiv.scheduler import Waiters
from bot.domain.expressions.exclusions import Exclusion, match_and_exclude
from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.paper import Paper
from bot.domain.queries import POLL_OVERLAP, Query, Window, candidates_query, probe_query, window_query
from bot.domain.window_scan import ARXIV_PAGE_SIZE, Complete, FetchPage, SplitNeeded, WindowScan
from bot.runtime.errors import ArxivTooLarge, IncompleteResults, QueryRejected
from bot.runtime.metrics import Metrics, Step

log = logging.getLogger(__name__)

# After how many complete windows pages that failed are tried again: about a day of polls.
LARGER_PAGES_AFTER: Final = 6
# A window may have 10,000 papers, and matching needs 15 kB for each: 15 MB at a time.
_MATCHED_TOGETHER: Final = 1000


@dataclass(frozen=True, slots=True)
class WindowResult:
    """A complete window: its papers and their matches, and how many more are unchanged; `digests` are the papers'.

    `exclusions` are the papers that keywords would match if they excluded nothing.
    """

    papers: tuple[Paper, ...]
    matches: tuple[Match, ...]
    unchanged: int
    digests: frozenset[int]
    exclusions: tuple[Exclusion, ...] = ()


class WindowReader:
    """Reads windows from arXiv."""

    def __init__(self, client: PageSource, metrics: Metrics, *, page_size: int = ARXIV_PAGE_SIZE) -> None:
        self._client = client
        self._metrics = metrics
        self._largest_page = self._page_size = page_size
        self._complete_windows = 0

    async def read(
        self,
        keywords: Sequence[Keyword],
        window: Window,
        priority: Priority,
        *,
        trust_zero: bool,
        filter_by_keyword: bool = True,
        known: Collection[int] = (),
    ) -> AsyncIterator[WindowResult]:
        """Yields the window in complete parts, oldest first, without the papers of entries whose digests are `known`.

        Raises ArxivThrottled or ArxivUnavailable when arXiv does not answer, and IncompleteResults when it does not
        return all papers that it counts, however narrow the window.
        """
        windows = [window]
        while windows:
            current = windows.pop()
            query = candidates_query(keywords, current) if filter_by_keyword else window_query(current)
            try:
                step = await self._scan(query, priority, known, trust_zero=trust_zero)
            except QueryRejected as error:
                if not filter_by_keyword:
                    raise
                log.warning("query rejected", extra={"reason": str(error)})
                filter_by_keyword = False
                windows.append(current)
                continue
            if isinstance(step, SplitNeeded):
                windows.extend(reversed(_split(current, step)))
                continue
            yield await self._result(step, keywords)

    async def _scan(
        self, query: Query, priority: Priority, known: Collection[int], *, trust_zero: bool
    ) -> Complete | SplitNeeded:
        scan = WindowScan(trust_zero=trust_zero, page_size=self._page_size)
        while True:
            match scan.step:
                case FetchPage(start, size):
                    try:
                        page = await self._client.fetch(query, start=start, size=size, priority=priority, known=known)
                    except ArxivTooLarge:
                        # Unless the client waits out the backoff, the next request raises it, and the next poll uses
                        # the smaller pages.
                        scan = replace(scan, page_size=self._smaller_pages())
                        continue
                    scan = scan.after(page)
                case (Complete() | SplitNeeded()) as end:
                    self._restore_page_size()
                    return end
                case _ as unexpected:
                    assert_never(unexpected)

    def _smaller_pages(self) -> int:
        self._page_size = max(1, self._page_size // 4)
        self._complete_windows = 0
        log.warning("arXiv pages reduced", extra={"entries": self._page_size})
        return self._page_size

    def _restore_page_size(self) -> None:
        """Tries larger pages again after a while: each page that fails costs a backoff."""
        self._complete_windows += 1
        if self._complete_windows % LARGER_PAGES_AFTER == 0:
            self._page_size = min(self._largest_page, self._page_size * 4)

    async def _result(self, window: Complete, keywords: Sequence[Keyword]) -> WindowResult:
        for rejection in window.rejected:
            log.warning("entry rejected", extra={"entry": rejection.entry, "reason": rejection.reason})
        matches: list[Match] = []
        exclusions: list[Exclusion] = []
        with self._metrics.step(Step.MATCH):
            for first in range(0, len(window.papers), _MATCHED_TOGETHER):
                papers = window.papers[first : first + _MATCHED_TOGETHER]
                # In a thread: matching takes longer than the event loop may be blocked.
                matched, excluded = await asyncio.to_thread(match_and_exclude, papers, keywords)
                matches += matched
                exclusions += excluded
        self._metrics.papers_read.inc(len(window.papers) + window.unchanged)
        self._metrics.matches.inc(len(matches))
        return WindowResult(window.papers, tuple(matches), window.unchanged, window.digests, tuple(exclusions))


async def has_papers(client: PageSource, window: Window, priority: Priority, waiters: Waiters | None = None) -> bool:
    """Sends a probe: whether arXiv returns any paper at all in the window.

    arXiv answers "no results" by mistake, for minutes. Without keywords it must return papers, or it is not trusted.
    """
    page = await client.fetch(probe_query(window), start=0, size=1, priority=priority, waiters=waiters)
    return page.total > 0


async def check_that_arxiv_returns_papers(
    client: PageSource, now: datetime, priority: Priority, waiters: Waiters | None = None
) -> None:
    """Raises IncompleteResults unless arXiv returns papers of the last days: only then "no results" can be trusted."""
    if not await has_papers(client, Window(now - POLL_OVERLAP, now), priority, waiters):
        raise IncompleteResults("arXiv returns no papers at all")


def _split(window: Window, step: SplitNeeded) -> tuple[Window, Window]:
    halves = window.halves()
    if halves is None:
        raise IncompleteResults(f"arXiv counts {step.total} papers but returned {step.seen}")
    return halves
