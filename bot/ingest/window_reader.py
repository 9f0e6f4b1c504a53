"""Reads a window of submission times to its end, in complete parts, and matches their papers with keywords.

A window that arXiv does not return completely is read in halves. If arXiv rejects the query, the window is read without
keywords. It never writes to the store.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.arxiv.scheduler import Waiters
from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.matching import match as match_papers
from bot.domain.paper import Paper
from bot.domain.queries import POLL_OVERLAP, Query, Window, candidates_query, probe_query, window_query
from bot.domain.window_scan import Complete, FetchPage, SplitNeeded, WindowScan
from bot.runtime.errors import IncompleteResults, QueryRejected
from bot.runtime.metrics import Metrics, Step

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WindowResult:
    """A complete window: its papers, and their matches."""

    papers: tuple[Paper, ...]
    matches: tuple[Match, ...]


class WindowReader:
    """Reads windows from arXiv."""

    def __init__(self, client: PageSource, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics

    async def read(
        self,
        keywords: Sequence[Keyword],
        window: Window,
        priority: Priority,
        *,
        trust_zero: bool,
        filter_by_keyword: bool = True,
    ) -> AsyncIterator[WindowResult]:
        """Yields the window in complete parts, oldest first.

        Raises ArxivThrottled or ArxivUnavailable when arXiv does not answer, and IncompleteResults when it does not
        return all papers that it counts, however narrow the window.
        """
        windows = [window]
        while windows:
            current = windows.pop()
            query = candidates_query(keywords, current) if filter_by_keyword else window_query(current)
            try:
                step = await self._scan(query, priority, trust_zero=trust_zero)
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

    async def _scan(self, query: Query, priority: Priority, *, trust_zero: bool) -> Complete | SplitNeeded:
        scan = WindowScan(trust_zero=trust_zero)
        while True:
            match scan.step:
                case FetchPage(start, size):
                    page = await self._client.fetch(query, start=start, size=size, priority=priority)
                    scan = scan.after(page)
                case (Complete() | SplitNeeded()) as end:
                    return end
                case _ as unexpected:
                    assert_never(unexpected)

    async def _result(self, window: Complete, keywords: Sequence[Keyword]) -> WindowResult:
        for rejection in window.rejected:
            log.warning("entry rejected", extra={"entry": rejection.entry, "reason": rejection.reason})
        # In a thread: matching a full page takes longer than the event loop may be blocked.
        with self._metrics.step(Step.MATCH):
            matches = await asyncio.to_thread(match_papers, window.papers, keywords)
        self._metrics.papers_read.inc(len(window.papers))
        self._metrics.matches.inc(len(matches))
        return WindowResult(window.papers, matches)


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
