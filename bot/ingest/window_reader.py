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
from bot.arxiv.gate import Urgency
from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.matching import match as match_papers
from bot.domain.paper import Paper
from bot.domain.planning import Query, Window, keywords_query, window_query
from bot.domain.reading import Complete, FetchPage, Narrow, SliceReading
from bot.runtime.errors import IncompleteResults, QueryRejected
from bot.runtime.metrics import Metrics, Step

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SliceRead:
    """A complete slice: its papers, and which of them match which keyword."""

    papers: tuple[Paper, ...]
    matches: tuple[Match, ...]


class SliceReader:
    """Reads windows from arXiv."""

    def __init__(self, client: PageSource, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics

    async def read(
        self,
        keywords: Sequence[Keyword],
        window: Window,
        urgency: Urgency,
        *,
        zero_believed: bool,
        ask_for_keywords: bool = True,
    ) -> AsyncIterator[SliceRead]:
        """Every complete slice of the window, oldest first.

        Raises ArxivThrottled or ArxivUnavailable when arXiv does not answer, IncompleteResults when it never shows all
        that it counts, however narrow the slice.
        """
        windows = [window]
        while windows:
            piece = windows.pop()
            query = keywords_query(keywords, piece) if ask_for_keywords else window_query(piece)
            try:
                step = await self._read_slice(query, urgency, zero_believed=zero_believed)
            except QueryRejected as error:
                if not ask_for_keywords:
                    raise
                log.warning("query refused, reading without keywords", extra={"why": str(error)})
                ask_for_keywords = False
                windows.append(piece)
                continue
            if isinstance(step, Narrow):
                windows.extend(reversed(_halves(piece, step)))
                continue
            for rejection in step.rejected:
                log.warning("entry rejected", extra={"entry": rejection.entry, "reason": rejection.reason})
            # Matching a full page takes longer than the event loop may stand still.
            with self._metrics.step(Step.MATCH):
                matches = await asyncio.to_thread(match_papers, step.papers, keywords)
            self._metrics.papers.inc(len(step.papers))
            self._metrics.matches.inc(len(matches))
            yield SliceRead(step.papers, matches)

    async def _read_slice(self, query: Query, urgency: Urgency, *, zero_believed: bool) -> Complete | Narrow:
        reading = SliceReading(zero_believed=zero_believed)
        while True:
            match reading.step:
                case FetchPage(start, size):
                    page = await self._client.fetch(query, start=start, size=size, urgency=urgency)
                    reading = reading.after(page)
                case (Complete() | Narrow()) as end:
                    return end
                case _ as unexpected:
                    assert_never(unexpected)


def _halves(window: Window, step: Narrow) -> tuple[Window, Window]:
    halves = window.halves()
    if halves is None:
        raise IncompleteResults(f"arXiv counts {step.total} papers but showed {step.seen} of them")
    return halves
