"""Reads a window of submission times to its end, slice by complete slice, and matches what it brought.

Keywords and a window in; complete slices of papers with their matches out. A slice that arXiv cannot show whole is
read in halves; a query that it refuses is read without keywords. It writes nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.matching import match as match_papers
from bot.domain.paper import Paper
from bot.domain.queries import Query, Window, keywords_query, window_query
from bot.domain.window_scan import Complete, FetchPage, SplitNeeded, WindowScan
from bot.runtime.errors import IncompleteResults, QueryRejected
from bot.runtime.metrics import Metrics, Step

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WindowResult:
    """A complete slice: its papers, and which of them match which keyword."""

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
        """Every complete slice of the window, oldest first.

        Raises ArxivThrottled or ArxivUnavailable when arXiv does not answer, IncompleteResults when it never shows all
        that it counts, however narrow the slice.
        """
        windows = [window]
        while windows:
            piece = windows.pop()
            query = keywords_query(keywords, piece) if filter_by_keyword else window_query(piece)
            try:
                step = await self._read_window(query, priority, trust_zero=trust_zero)
            except QueryRejected as error:
                if not filter_by_keyword:
                    raise
                log.warning("query refused, reading without keywords", extra={"why": str(error)})
                filter_by_keyword = False
                windows.append(piece)
                continue
            if isinstance(step, SplitNeeded):
                windows.extend(reversed(_halves(piece, step)))
                continue
            for rejection in step.rejected:
                log.warning("entry rejected", extra={"entry": rejection.entry, "reason": rejection.reason})
            # Matching a full page takes longer than the event loop may stand still.
            with self._metrics.step(Step.MATCH):
                matches = await asyncio.to_thread(match_papers, step.papers, keywords)
            self._metrics.papers.inc(len(step.papers))
            self._metrics.matches.inc(len(matches))
            yield WindowResult(step.papers, matches)

    async def _read_window(self, query: Query, priority: Priority, *, trust_zero: bool) -> Complete | SplitNeeded:
        reading = WindowScan(trust_zero=trust_zero)
        while True:
            match reading.step:
                case FetchPage(start, size):
                    page = await self._client.fetch(query, start=start, size=size, priority=priority)
                    reading = reading.after(page)
                case (Complete() | SplitNeeded()) as end:
                    return end
                case _ as unexpected:
                    assert_never(unexpected)


def _halves(window: Window, step: SplitNeeded) -> tuple[Window, Window]:
    halves = window.halves()
    if halves is None:
        raise IncompleteResults(f"arXiv counts {step.total} papers but returned {step.seen}")
    return halves
