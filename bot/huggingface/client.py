"""The client of Hugging Face's daily papers: returns the whole trending list of a day.

Sends one request at a time and reads the pages of a list to its end. After a failure it sends nothing until a backoff
is over, and raises at once instead; it never waits out a backoff and never retries a request.
"""

import asyncio
import logging
import random
from datetime import date, datetime, timedelta
from typing import Final

import aiohttp
from yarl import URL

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.parsing import TrendingListPage, parse_page
from bot.runtime import limits
from bot.runtime.clock import Clock, Stopwatch
from bot.runtime.errors import HuggingFaceBackoff, InvalidTrendingList, TrendingDayUnavailable
from bot.runtime.http import HttpClient, RequestFailed
from bot.runtime.metrics import Metrics
from bot.runtime.retry import Backoff

log = logging.getLogger(__name__)

TRENDING_BODY_MAX_BYTES: Final = 1024 * 1024
# Recorded days have up to 50 papers; a list without end is cut off here.
TRENDING_PAGES_MAX: Final = 20
# How many times to read a list whose pages overlap because votes moved papers between them.
TRENDING_READS_MAX: Final = 3
HUGGING_FACE_TIMEOUT_S: Final = 30.0
# Anonymous clients are allowed 500 calls in 5 minutes (huggingface.co/docs/hub/rate-limits).
HUGGING_FACE_BACKOFF_FLOOR_S: Final = 30.0
HUGGING_FACE_BACKOFF_CEILING_S: Final = 3600.0
HUGGING_FACE_WAIT_MAX_S: Final = 6 * 3600.0


class HuggingFaceClient:
    """Reads trending lists."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        api_url: str,
        user_agent: str,
        rng: random.Random,
        metrics: Metrics,
        *,
        timeout_s: float = HUGGING_FACE_TIMEOUT_S,
    ) -> None:
        self._clock = clock
        # A prefix with or without a slash at its end: exactly one slash precedes the path.
        self._url = f"{api_url.removesuffix('/')}/daily_papers"
        self._origin = str(URL(api_url).origin())
        self._metrics = metrics
        self._backoff = Backoff(
            rng,
            floor_s=HUGGING_FACE_BACKOFF_FLOOR_S,
            ceiling_s=HUGGING_FACE_BACKOFF_CEILING_S,
            requested_max_s=HUGGING_FACE_WAIT_MAX_S,
        )
        self._lock = asyncio.Lock()
        self._not_before: datetime | None = None
        self._since_failure = Stopwatch(clock)
        self._backoff_reason = ""
        self.http = HttpClient(
            session,
            clock,
            "Hugging Face",
            {"User-Agent": user_agent, "Accept": "application/json"},
            encoding="identity",  # a day is half a megabyte, every few hours
            body_max_bytes=TRENDING_BODY_MAX_BYTES,
            timeout_s=timeout_s,
        )

    async def fetch_list(self, day: date) -> tuple[TrendingEntry, ...]:
        """Returns the whole list of a day.

        Raises TrendingDayUnavailable, or HuggingFaceBackoff (at once during a backoff).
        """
        async with self._lock:
            entries: dict[ArxivId, TrendingEntry] = {}
            for _ in range(TRENDING_READS_MAX):
                overlap = await self._read_pages(day, entries)
                if not overlap:
                    break
            return tuple(entries.values())

    async def _read_pages(self, day: date, entries: dict[ArxivId, TrendingEntry]) -> bool:
        """Reads all pages into `entries`; returns whether a paper was on two of them: another may then be on none."""
        seen: set[ArxivId] = set()
        overlap = False
        for number in range(TRENDING_PAGES_MAX):
            page = await self._fetch_page(day, number)
            ids = {entry.arxiv_id for entry in page.trending_entries}
            overlap = overlap or not ids.isdisjoint(seen)
            entries.update((entry.arxiv_id, entry) for entry in page.trending_entries)
            # A short page is the last one, whether or not the server honours `limit`; or every page is the same.
            if page.entries < limits.TRENDING_PAGE_DEFAULT or ids <= seen:
                return overlap
            seen |= ids
        log.warning("trending list cut off", extra={"day": day.isoformat(), "papers": len(entries)})
        return False

    async def _fetch_page(self, day: date, number: int) -> TrendingListPage:
        self._check_backoff()
        try:
            body = await self._send(day, number)
            # In a thread: 100 entries take some milliseconds, an invalid body may take more.
            page = await asyncio.to_thread(parse_page, body, day, self._origin)
        except TrendingDayUnavailable:
            self._count("DayRefused")
            raise
        except RequestFailed as failure:
            raise self._back_off(str(failure), failure.wait_s) from failure
        except InvalidTrendingList as error:
            raise self._back_off(str(error)) from error
        self._backoff.succeeded()
        self._count("Answered")
        if page.rejected:
            log.warning("trending entries rejected", extra={"day": day.isoformat(), "papers": page.rejected})
        return page

    def _check_backoff(self) -> None:
        if self._not_before is None:
            return
        not_before = self._not_before + self._since_failure.jump  # if the clock was set, the wait is as long as before
        if self._clock.now() < not_before:
            raise HuggingFaceBackoff(self._backoff_reason, not_before)

    async def _send(self, day: date, number: int) -> bytes:
        parameters = {"date": day.isoformat(), "p": str(number), "limit": str(limits.TRENDING_PAGE_SIZE)}
        response = await self.http.request("GET", self._url, parameters, statuses_with_body={200})
        if response.status == 400:
            raise TrendingDayUnavailable("Hugging Face has no list for that day")
        if response.status != 200:
            raise self.http.unexpected_status(response.status)
        if response.quota_wait_s is not None:  # this response is good, but the next request would be throttled
            self._wait(response.quota_wait_s, str(self.http.throttled()))
        return response.body

    def _back_off(self, reason: str, requested_s: float = 0.0) -> HuggingFaceBackoff:
        delay_s = self._backoff.failed(requested_s)
        retry_at = self._wait(delay_s, reason)
        self._count("Waited")
        self._metrics.wait_seconds.labels("Hugging Face").inc(delay_s)
        log.warning(
            "Hugging Face backoff",
            extra={"reason": reason, "retry_at": retry_at.isoformat(), "failures": self._backoff.failures},
        )
        return HuggingFaceBackoff(reason, retry_at)

    def _wait(self, delay_s: float, reason: str) -> datetime:
        """Lets no request leave until the delay is over; returns when that is."""
        self._since_failure.restart()
        self._not_before = self._since_failure.started_at + timedelta(seconds=min(delay_s, HUGGING_FACE_WAIT_MAX_S))
        self._backoff_reason = reason
        return self._not_before

    def _count(self, result: str) -> None:
        self._metrics.huggingface_requests.labels(result).inc()
