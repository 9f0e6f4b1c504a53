"""The upper half: looks at arXiv when its calendar says so, and a pass over everything that is watched.

Marks and keywords come from the store; papers, matches, outbox rows and new marks go back to it, slice by slice. It
never talks to Discord: it rings when the outbox has something new.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.arxiv.client import ARXIV_BACKOFF_FLOOR, ArxivClient
from bot.arxiv.gate import Priority
from bot.domain.poll_schedule import (
    BatchMissing,
    NextPoll,
    Poll,
    PollCompleted,
    PollFailed,
    PollKind,
    PollResult,
    PollThrottled,
    batch_cutoff,
    describe_poll,
    plan,
    plan_fixed,
)
from bot.domain.queries import (
    ARXIV_KEYWORDS_PER_QUERY,
    POLL_OVERLAP,
    Window,
    clamp_mark,
    older_window,
    poll_window,
    probe_query,
)
from bot.domain.subscription import WatchedKeyword
from bot.ingest.window_reader import WindowReader
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.errors import ArxivError, ArxivThrottled, ArxivUnavailable, IncompleteResults
from bot.runtime.metrics import Metrics, Step
from bot.store.ingest import IngestStore
from bot.store.polls import KeyValues, Polls
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

_OLDER_SLICE_DAY: Final = "older slice read on"
# Label values of /metrics: dashboards and alerts depend on them.
_RESULT_LABELS: Final = {
    PollCompleted: "Read",
    BatchMissing: "BatchAbsent",
    PollThrottled: "Throttled",
    PollFailed: "Broken",
}


class Poller:
    """Looks at arXiv, for ever; rung when a keyword has become ready to be watched."""

    def __init__(
        self,
        *,
        client: ArxivClient,
        reader: WindowReader,
        subscriptions: Subscriptions,
        ingest_store: IngestStore,
        polls: Polls,
        key_values: KeyValues,
        clock: Clock,
        metrics: Metrics,
        poll_interval_s: float | None,
        wakeup: Wakeup,
        on_new_posts: Callable[[], None],
        on_edits: Callable[[], None],
    ) -> None:
        self._client = client
        self._reader = reader
        self._subscriptions = subscriptions
        self._ingest_store = ingest_store
        self._polls = polls
        self._key_values = key_values
        self._clock = clock
        self._metrics = metrics
        self._poll_interval_s = poll_interval_s
        self._on_new_posts = on_new_posts
        self._on_edits = on_edits
        self._wakeup = wakeup

    async def next_poll(self) -> NextPoll:
        """When arXiv is looked at next."""
        return self._next(await self._polls.recent())

    def _next(self, polls: tuple[Poll, ...]) -> NextPoll:
        now = self._clock.now()
        if self._poll_interval_s is None:
            return plan(now, polls)
        return plan_fixed(now, polls, self._poll_interval_s)

    async def last_poll(self) -> tuple[datetime | None, str]:
        """When arXiv was looked at last, and what came of it in words."""
        polls = await self._polls.recent()
        words = describe_poll(self._clock.now(), polls, self._next(polls))
        return (polls[-1].at if polls else None), words

    async def run(self) -> None:
        """Look whenever it is time, for ever; without a keyword to watch arXiv is left alone."""
        while True:
            if not await self._planned():
                await self._wakeup.wait(None)
                continue
            following = await self.next_poll()
            delay_s = (following.at - self._clock.now()).total_seconds()
            if delay_s > 0:
                await self._wakeup.wait(delay_s)
                continue
            await self.poll(following.kind)

    async def is_idle(self) -> bool:
        """Whether nothing is watched that was read before: then arXiv is left alone."""
        return not await self._planned()

    async def _planned(self) -> tuple[WatchedKeyword, ...]:
        return tuple(watched for watched in await self._subscriptions.watched() if watched.synced_until is not None)

    async def poll(self, kind: PollKind) -> PollResult:
        """Look once, remember what came of it, and say it."""
        began = self._clock.now()
        try:
            result = await self._run_poll(kind, began)
        except ArxivThrottled as error:
            result = PollThrottled(error.not_before)
        except ArxivUnavailable as error:
            result = PollFailed(str(error), error.not_before)
        except ArxivError as error:
            result = PollFailed(str(error), self._clock.now() + ARXIV_BACKOFF_FLOOR)
        self._metrics.polls.labels(_RESULT_LABELS[type(result)]).inc()
        await self._polls.add(Poll(began, result))
        log.info("poll finished", extra={"result": _RESULT_LABELS[type(result)]})
        return result

    async def _run_poll(self, kind: PollKind, began: datetime) -> PollResult:
        batch = await self._shows_papers(Window(batch_cutoff(began), began))
        if not batch:
            await self._check_that_papers_are_shown()
        if not batch and kind is PollKind.PROBE_THEN_READ_IF_BATCH:
            return BatchMissing()
        planned = await self._planned()
        if not planned:
            return PollCompleted(0, batch=batch)
        oldest_mark = min(clamp_mark(watched.synced_until, began) for watched in planned if watched.synced_until)
        new_papers = await self._read(planned, poll_window(oldest_mark, began))
        with self._metrics.step(Step.COMMIT):
            await self._ingest_store.finish_poll(planned, began)
        return PollCompleted(new_papers + await self._read_older(began), batch=batch)

    async def _shows_papers(self, window: Window) -> bool:
        page = await self._client.fetch(probe_query(window), start=0, size=1, priority=Priority.POLL)
        return page.total > 0

    async def _check_that_papers_are_shown(self) -> None:
        """After an answer of zero, which is believed only from an arXiv that shows papers without keywords."""
        now = self._clock.now()
        if not await self._shows_papers(Window(now - POLL_OVERLAP, now)):
            raise IncompleteResults("arXiv returns no papers at all")

    async def _read_older(self, began: datetime) -> int:
        """Once a day, a slice of the last 30 days: moderation announces some papers late.

        The pass itself is complete by then: where arXiv stops answering, the slice alone is left for the next look.
        """
        today = began.date().isoformat()
        if await self._key_values.get(_OLDER_SLICE_DAY) == today:
            return 0
        try:
            new_papers = await self._read(await self._planned(), older_window(began))
        except ArxivError as error:
            log.warning("older slice left for the next look", extra={"why": str(error)})
            return 0
        await self._key_values.set(_OLDER_SLICE_DAY, today)
        return new_papers

    async def _read(self, planned: tuple[WatchedKeyword, ...], window: Window) -> int:
        keywords = [watched.keyword for watched in planned]
        shown = new_papers = 0
        async for read in self._reader.read(
            keywords,
            window,
            Priority.POLL,
            filter_by_keyword=len(keywords) <= ARXIV_KEYWORDS_PER_QUERY,
            trust_zero=True,
        ):
            with self._metrics.step(Step.COMMIT):
                written = await self._ingest_store.record_window(planned, read.papers, read.matches, self._clock.now())
            shown += len(read.papers)
            new_papers += written.papers
            if written.posts:
                self._on_new_posts()
            if written.edits:
                self._on_edits()
        if not shown:  # arXiv may have begun to show nothing after the probe
            await self._check_that_papers_are_shown()
        return new_papers
