"""The polite client of Hugging Face's daily papers: a day in, what its list says of papers out.

One request at a time, with a timeout and a size cap; pages are read to the end of the list. After a failure nothing is
asked until a backoff is over, which it says at once; it sleeps none out. Only a request whose connection broke off
without an answer is sent once more, by aiohttp.
"""

import asyncio
import logging
import random
from datetime import date, datetime, timedelta
from typing import Final

import aiohttp

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.parsing import TrendingListPage, parse_page
from bot.runtime import limits
from bot.runtime.clock import Clock
from bot.runtime.errors import HuggingFaceBackoff, InvalidTrendingList, TrendingDayUnavailable
from bot.runtime.metrics import Metrics
from bot.runtime.retry import backoff, quota_wait, retry_after

log = logging.getLogger(__name__)

TRENDING_BODY_MAX_BYTES: Final = 1024 * 1024
# Recorded days have up to 50 papers; a list that goes on for ever ends here.
TRENDING_PAGES_MAX: Final = 20
# A list whose pages overlap, because votes moved papers between them, is read again so often.
TRENDING_READS_MAX: Final = 3
HUGGING_FACE_TIMEOUT_S: Final = 30.0
# 500 calls in 5 minutes are allowed to anonymous callers (huggingface.co/docs/hub/rate-limits).
HUGGING_FACE_BACKOFF_FLOOR_S: Final = 30.0
HUGGING_FACE_BACKOFF_CEILING_S: Final = 3600.0
HUGGING_FACE_WAIT_MAX_S: Final = 6 * 3600.0

_READ_BYTES: Final = 64 * 1024
_ASKED_TO_WAIT: Final = (429, 503)


def open_session() -> aiohttp.ClientSession:
    """A session for Hugging Face alone: no cookies, one connection."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), cookie_jar=aiohttp.DummyCookieJar())


class HuggingFaceClient:
    """Asks for a day's list."""

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
        self._session = session
        self._clock = clock
        # A prefix with or without a slash at its end: exactly one slash precedes the path.
        self._url = f"{api_url.removesuffix('/')}/daily_papers"
        # Uncompressed, so that the size cap is one of what is read: a day is half a megabyte, every few hours.
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        self._rng = rng
        self._metrics = metrics
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._asking = asyncio.Lock()
        self._not_before: datetime | None = None
        self._why = ""
        self._failures = 0

    async def day(self, day: date) -> tuple[TrendingEntry, ...]:
        """The whole list of a day; raises TrendingDayUnavailable, or HuggingFaceBackoff, at once while we wait."""
        async with self._asking:
            found: dict[ArxivId, TrendingEntry] = {}
            for _ in range(TRENDING_READS_MAX):
                overlap = await self._read(day, found)
                if not overlap:
                    break
            return tuple(found.values())

    async def _read(self, day: date, found: dict[ArxivId, TrendingEntry]) -> bool:
        """Read all pages into `found`; whether a paper stood on two of them, so that another may stand on none."""
        seen: set[ArxivId] = set()
        overlap = False
        for number in range(TRENDING_PAGES_MAX):
            page = await self._page(day, number)
            ids = {trending_entry.arxiv_id for trending_entry in page.trending_entries}
            overlap = overlap or not ids.isdisjoint(seen)
            found.update((trending_entry.arxiv_id, trending_entry) for trending_entry in page.trending_entries)
            # The last one, whether or not our limit was heeded; or the same again and again.
            if page.entries < limits.TRENDING_PAGE_DEFAULT or ids <= seen:
                return overlap
            seen |= ids
        log.warning("list without end", extra={"day": day.isoformat(), "papers": len(found)})
        return False

    async def _page(self, day: date, number: int) -> TrendingListPage:
        self._check_patience()
        try:
            body = await self._ask({"date": day.isoformat(), "p": str(number), "limit": str(limits.TRENDING_PAGE_SIZE)})
            # In a thread: 100 entries take some milliseconds, what is no list may take more.
            page = await asyncio.to_thread(parse_page, body, day)
        except TrendingDayUnavailable:
            self._count("DayRefused")
            raise
        except (_Failed, InvalidTrendingList) as failed:
            raise self._backed_off(failed) from failed
        self._failures = 0
        self._count("Answered")
        if page.rejected:
            log.warning("listed papers that cannot be read", extra={"day": day.isoformat(), "papers": page.rejected})
        return page

    def _check_patience(self) -> None:
        if self._not_before is not None and self._clock.now() < self._not_before:
            raise HuggingFaceBackoff(self._why, self._not_before)

    async def _ask(self, parameters: dict[str, str]) -> bytes:
        try:
            async with self._session.get(
                self._url, params=parameters, headers=self._headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                return await self._judged(response)
        except TimeoutError as error:
            raise _Failed("Hugging Face is out of reach (timed out)") from error
        except aiohttp.ClientError as error:
            raise _Failed("Hugging Face is out of reach (no connection)") from error

    async def _judged(self, response: aiohttp.ClientResponse) -> bytes:
        quota_s = quota_wait(response.headers.get("RateLimit"))
        if response.status in _ASKED_TO_WAIT:
            asked_s = retry_after(response.headers.get("Retry-After"), self._clock.now())
            raise _Failed("Hugging Face asks us to wait", max(asked_s or 0.0, quota_s or 0.0))
        if response.status == 400:
            raise TrendingDayUnavailable("Hugging Face has no list of that day")
        if response.status != 200:
            raise _Failed(f"Hugging Face does not answer as it should (status {response.status})")
        if quota_s is not None:
            self._wait(quota_s, "Hugging Face asks us to wait")
        return await _body(response)

    def _backed_off(self, failed: "_Failed | InvalidTrendingList") -> HuggingFaceBackoff:
        self._failures += 1
        floor_s, ceiling_s = HUGGING_FACE_BACKOFF_FLOOR_S, HUGGING_FACE_BACKOFF_CEILING_S
        own_s = backoff(self._failures, floor_s, ceiling_s, self._rng.random())
        delay_s = max(own_s, failed.asked_s if isinstance(failed, _Failed) else 0.0)
        not_before = self._wait(delay_s, str(failed))
        self._count("Waited")
        self._metrics.waits.labels("Hugging Face").inc(delay_s)
        log.warning(
            "Hugging Face backoff", extra={"words": str(failed), "delay_s": delay_s, "in_a_row": self._failures}
        )
        return HuggingFaceBackoff(str(failed), not_before)

    def _wait(self, delay_s: float, why: str) -> datetime:
        """Ask for nothing until the delay is over."""
        self._not_before = self._clock.now() + timedelta(seconds=min(delay_s, HUGGING_FACE_WAIT_MAX_S))
        self._why = why
        return self._not_before

    def _count(self, result: str) -> None:
        self._metrics.lists.labels(result).inc()


class _Failed(Exception):
    """A request without an answer of use, in words for people, and how long we were asked to wait."""

    def __init__(self, words: str, asked_s: float = 0.0) -> None:
        super().__init__(words)
        self.asked_s = asked_s


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _Failed("Hugging Face's answer is in an encoding that nobody asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        body += chunk
        if len(body) > TRENDING_BODY_MAX_BYTES:
            raise _Failed("Hugging Face's answer is too large to be a page of its list")
    return bytes(body)
