"""Initial sync: reads the last 30 days of newly watched keywords, so that their papers count as seen.

Pending keywords are read together, those of several commands too, between the pages of a poll, because people wait for
the reply. Up to 40 are part of one query, and commands take turns in each group. From 200 on, all papers are read once
for all of them, as by a poll; commands with few keywords go first, so that one with hundreds does not delay them.
Papers and matches are stored; nothing that an initial sync finds is ever posted.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from enum import Enum
from itertools import chain, islice, zip_longest
from typing import Final

from bot.arxiv.client import ARXIV_BACKOFF_FLOOR_S
from bot.arxiv.gate import Priority
from bot.domain.keyword import Keyword
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY, Window, initial_sync_parts, initial_sync_window
from bot.domain.subscription import WatchedKeyword
from bot.ingest.window_reader import WindowReader
from bot.runtime.clock import Clock, Stopwatch, Wakeup
from bot.runtime.errors import ArxivBackoff, ArxivError
from bot.runtime.metrics import Metrics, Step
from bot.store.ingest import IngestStore
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

# How long the loop waits after a notification, so that the keywords of one command, or of several, share requests.
COLLECT_S: Final = 0.5
# How many pending keywords are read together. All papers of 30 days take 16 to 20 requests, and five queries with 40
# broad keywords each take as many.
SYNC_TOGETHER_FROM: Final = 5 * ARXIV_KEYWORDS_PER_QUERY


class SyncStatus(Enum):
    """The progress of the initial sync of some keywords."""

    SYNCED = "synced"
    QUEUED = "queued"
    ARXIV_UNAVAILABLE = "arXiv unavailable"


class InitialSync:
    """Syncs new keywords, and lets callers wait for the result."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        ingest_store: IngestStore,
        reader: WindowReader,
        clock: Clock,
        metrics: Metrics,
        on_synced: Callable[[], None],
        *,
        collect_s: float = COLLECT_S,
    ) -> None:
        self._subscriptions = subscriptions
        self._ingest_store = ingest_store
        self._reader = reader
        self._clock = clock
        self._metrics = metrics
        self._on_synced = on_synced
        self._collect_s = collect_s
        self._wakeup = Wakeup(clock)
        self._changed = asyncio.Condition()
        self._problem: str | None = None
        self._waiting: list[frozenset[Keyword]] = []  # the keywords of each command that waits, in order

    @property
    def problem(self) -> str | None:
        """Why the last attempt failed; None if it did not."""
        return self._problem

    def notify(self) -> None:
        """Wakes the loop: a keyword may be pending."""
        self._wakeup.notify()

    async def run(self) -> None:
        """Syncs whatever is pending, forever."""
        while True:
            delay_s = await self.sync_pending()
            await self._wakeup.wait(delay_s)
            await self._clock.sleep(self._collect_s)

    async def sync_pending(self) -> float | None:
        """Syncs pending keywords; returns the delay before the next attempt, None when none is pending."""
        while pending := await self._subscriptions.unsynced():
            group = _next_group(pending, self._waiting)
            try:
                await self._sync(group)
                await self._report_synced()
            except ArxivError as error:
                delay_s = self._delay_s(error)
                retry_at = self._clock.now() + timedelta(seconds=delay_s)
                log.warning(
                    "initial sync postponed",
                    extra={"keywords": len(pending), "reason": str(error), "retry_at": retry_at.isoformat()},
                )
                await self._set_problem(str(error))
                return delay_s
        # The keywords that could not be synced may have been unsubscribed in the meantime.
        await self._set_problem(None)
        return None

    async def _sync(self, group: tuple[WatchedKeyword, ...]) -> None:
        stopwatch = Stopwatch(self._clock)
        started_at = stopwatch.started_at
        matches = 0
        if len(group) <= ARXIV_KEYWORDS_PER_QUERY:
            matches = await self._read(group, initial_sync_window(started_at), started_at)
        else:
            for window in initial_sync_parts(started_at):
                matches += await self._read(group, window, started_at)
                await self._sync_small_commands()
        if stopwatch.jump:  # the window may be wrong; the keywords are still pending
            log.warning("initial sync repeated", extra={"reason": "the clock was set during the initial sync"})
            return
        with self._metrics.step(Step.COMMIT):
            new_since = initial_sync_window(started_at).start
            await self._ingest_store.finish_initial_sync(group, new_since, started_at)
        log.info("initial sync finished", extra={"keywords": len(group), "matches": matches})

    async def _read(self, group: tuple[WatchedKeyword, ...], window: Window, started_at: datetime) -> int:
        """Reads and stores a window; returns the number of matches."""
        keywords = [watched.keyword for watched in group]
        is_filtered = len(group) <= ARXIV_KEYWORDS_PER_QUERY
        matches = 0
        async for part in self._reader.read(
            keywords, window, Priority.INTERACTIVE, trust_zero=False, filter_by_keyword=is_filtered
        ):
            with self._metrics.step(Step.COMMIT):
                await self._ingest_store.record_seen(
                    group, part.papers, part.matches, started_at, exclusions=part.exclusions
                )
            matches += len(part.matches)
        return matches

    async def _sync_small_commands(self) -> None:
        """Syncs the keywords of commands that came while all papers are being read, instead of letting them wait."""
        while group := _of_small_commands(await self._subscriptions.unsynced(), self._waiting):
            await self._sync(group)
            await self._report_synced()

    async def _report_synced(self) -> None:
        await self._set_problem(None)
        self._on_synced()

    def _delay_s(self, error: ArxivError) -> float:
        if isinstance(error, ArxivBackoff):
            return max(1.0, (error.not_before - self._clock.now()).total_seconds())
        return ARXIV_BACKOFF_FLOOR_S

    async def _set_problem(self, problem: str | None) -> None:
        async with self._changed:
            self._problem = problem
            self._changed.notify_all()

    async def wait(self, keywords: Collection[Keyword], timeout_s: float, *, keep_waiting: bool) -> SyncStatus:
        """Waits up to `timeout_s` seconds until all `keywords` are synced.

        When arXiv fails it returns at once, unless `keep_waiting`.
        """
        waiting = frozenset(keywords)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                while await self._subscriptions.has_unsynced(waiting):
                    if self._problem is not None and not keep_waiting:
                        return SyncStatus.ARXIV_UNAVAILABLE
                    await self._changed.wait()
        except TimeoutError:
            return SyncStatus.QUEUED
        finally:
            self._waiting.remove(waiting)
        return SyncStatus.SYNCED


def _next_group(
    pending: Sequence[WatchedKeyword], waiting: Sequence[Collection[Keyword]]
) -> tuple[WatchedKeyword, ...]:
    """Returns the keywords that are read next: one of each command that waits and one of all pending ones, in turns.

    If very many are pending: those of commands with few keywords, and when there are none, all of them.
    """
    if len(pending) >= SYNC_TOGETHER_FROM:
        return _of_small_commands(pending, waiting) or tuple(pending)
    return _in_turns((*_requested(pending, waiting), pending))


def _of_small_commands(
    pending: Sequence[WatchedKeyword], waiting: Sequence[Collection[Keyword]]
) -> tuple[WatchedKeyword, ...]:
    """Returns the pending keywords of the commands that wait for no more than one query's keywords."""
    small = [keywords for keywords in waiting if len(keywords) <= ARXIV_KEYWORDS_PER_QUERY]
    return _in_turns(_requested(pending, small))


def _requested(pending: Sequence[WatchedKeyword], waiting: Sequence[Collection[Keyword]]) -> list[list[WatchedKeyword]]:
    """Returns the pending keywords of each command."""
    by_keyword = {watched.keyword: watched for watched in pending}
    return [
        sorted((by_keyword[each] for each in keywords if each in by_keyword), key=lambda watched: watched.id)
        for keywords in waiting
    ]


def _in_turns(lists: Sequence[Sequence[WatchedKeyword]]) -> tuple[WatchedKeyword, ...]:
    """Returns as many keywords as one query holds, one of each list in turns."""
    in_turns = chain.from_iterable(zip_longest(*lists))
    return tuple(islice(dict.fromkeys(each for each in in_turns if each is not None), ARXIV_KEYWORDS_PER_QUERY))
