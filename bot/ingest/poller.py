"""The poller: polls arXiv for every watched keyword whenever the announcement calendar says so.

A poll starts with a probe. It then reads everything since the last complete poll and, once per day, an older window.
Papers, matches and outbox rows are stored for each complete window; how far arXiv was read is stored at the end. It
never talks to Discord: it notifies the dispatcher and the editor.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, assert_never

from bot.arxiv.client import ARXIV_BACKOFF_FLOOR_S, ArxivClient
from bot.arxiv.gate import Priority
from bot.domain.explanations.facts import FoundBy
from bot.domain.matching import Match
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
    past_polls,
    plan,
    plan_fixed,
)
from bot.domain.previous_matching import previous_matches
from bot.domain.queries import (
    ARXIV_KEYWORDS_PER_QUERY,
    Window,
    clamp_synced_until,
    older_window,
    poll_window,
)
from bot.domain.subscription import WatchedKeyword
from bot.ingest.known_entries import KnownEntries
from bot.ingest.window_reader import WindowReader, WindowResult, check_that_arxiv_returns_papers, has_papers
from bot.runtime.clock import Clock, Stopwatch, Wakeup
from bot.runtime.errors import ArxivError, ArxivThrottled, ArxivUnavailable, ClockWasSet
from bot.runtime.metrics import Metrics, Step
from bot.store.ingest import IngestStore
from bot.store.polls import KeyValues, Polls
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

# The delay after a poll that failed without a backoff.
_RETRY_DELAY: Final = timedelta(seconds=ARXIV_BACKOFF_FLOOR_S)
# How often the plan is checked again while the poller sleeps: the clock may have been set.
PLAN_CHECK_INTERVAL_S: Final = 300.0
# The key of the day on which the older window was last read; its value is stored in existing databases.
_OLDER_WINDOW_DAY: Final = "older slice read on"
# Label values of /metrics: dashboards and alerts depend on them.
_RESULT_LABELS: Final = {
    PollCompleted: "Read",
    BatchMissing: "BatchAbsent",
    PollThrottled: "Throttled",
    PollFailed: "Broken",
}


class Poller:
    """Polls arXiv forever; `wakeup` is notified when a keyword has finished its initial sync."""

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
        self._known_entries = KnownEntries()

    async def next_poll(self) -> NextPoll:
        """Returns when and how arXiv is polled next."""
        return self._next(await self._polls.recent())

    def _next(self, polls: tuple[Poll, ...]) -> NextPoll:
        now = self._clock.now()
        if self._poll_interval_s is None:
            return plan(now, polls)
        return plan_fixed(now, polls, self._poll_interval_s)

    async def last_poll(self) -> tuple[datetime | None, str]:
        """Returns when arXiv was last polled, and the result as text."""
        polls = past_polls(await self._polls.recent(), self._clock.now())
        result = describe_poll(self._clock.now(), polls, self._next(polls))
        return (polls[-1].at if polls else None), result

    async def run(self) -> None:
        """Polls whenever it is time, forever; without a synced keyword it sends nothing."""
        while True:
            if await self.is_idle():
                await self._wakeup.wait(None)
                continue
            next_poll = await self.next_poll()
            delay_s = (next_poll.at - self._clock.now()).total_seconds()
            if delay_s > 0:
                await self._wakeup.wait(min(delay_s, PLAN_CHECK_INTERVAL_S))
                continue
            await self.poll(next_poll.kind)

    async def is_idle(self) -> bool:
        """Whether there is nothing to poll for: no watched keyword has finished its initial sync."""
        return not await self._subscriptions.has_synced()

    async def poll(self, kind: PollKind) -> PollResult:
        """Polls once, and stores and returns the result; a poll during which the clock was set leaves no result."""
        stopwatch = Stopwatch(self._clock)
        try:
            result = await self._run_poll(kind, stopwatch)
        except ArxivThrottled as error:
            result = PollThrottled(error.not_before)
        except ArxivUnavailable as error:
            result = PollFailed(str(error), error.not_before)
        except ArxivError as error:
            result = PollFailed(str(error), self._clock.now() + _RETRY_DELAY)
        except ClockWasSet as error:
            log.warning("poll repeated", extra={"reason": str(error)})
            return PollFailed(str(error), self._clock.now())  # not stored, so that the next poll starts at once
        self._metrics.polls.labels(_RESULT_LABELS[type(result)]).inc()
        await self._polls.add(Poll(stopwatch.started_at + stopwatch.jump, result))
        log.info("poll finished", extra=_log_fields(result))
        return result

    async def _run_poll(self, kind: PollKind, stopwatch: Stopwatch) -> PollResult:
        started_at = stopwatch.started_at
        batch = await has_papers(self._client, Window(batch_cutoff(started_at), started_at), Priority.POLL)
        _check_that_clock_was_not_set(stopwatch)
        if not batch:
            await check_that_arxiv_returns_papers(self._client, self._clock.now(), Priority.POLL)
        if not batch and kind is PollKind.PROBE_THEN_READ_IF_BATCH:
            return BatchMissing()
        watched = await self._subscriptions.synced()
        if not watched:
            return PollCompleted(0, batch=batch)
        # In threads, here and below: thousands of keywords take longer than the event loop may be blocked.
        window = await asyncio.to_thread(_window_of_all, watched, started_at)
        new_papers = await self._read(watched, window, FoundBy.POLL)
        _check_that_clock_was_not_set(stopwatch)
        with self._metrics.step(Step.COMMIT):
            await self._ingest_store.finish_poll(watched, started_at)
        return PollCompleted(new_papers + await self._read_older(started_at), batch=batch)

    async def _read_older(self, started_at: datetime) -> int:
        """Reads the older window once per day: moderation announces some papers late. Returns how many are new.

        The poll itself is complete by then: if arXiv stops answering, only the older window is left for the next poll.
        """
        today = started_at.date().isoformat()
        if await self._key_values.get(_OLDER_WINDOW_DAY) == today:
            return 0
        try:
            synced = await self._subscriptions.synced()
            new_papers = await self._read(synced, older_window(started_at), FoundBy.OLDER_WINDOW)
        except ArxivError as error:
            log.warning("older window postponed", extra={"reason": str(error)})
            return 0
        await self._key_values.set(_OLDER_WINDOW_DAY, today)
        return new_papers

    async def _read(self, watched: tuple[WatchedKeyword, ...], window: Window, found_by: FoundBy) -> int:
        keywords = [each.keyword for each in watched]
        known = await asyncio.to_thread(self._known_entries.of, watched)
        papers = new_papers = 0
        async for part in self._reader.read(
            keywords,
            window,
            Priority.POLL,
            filter_by_keyword=len(keywords) <= ARXIV_KEYWORDS_PER_QUERY,
            trust_zero=True,
            known=known,
        ):
            seen = await asyncio.to_thread(_found_only_now, watched, part)
            with self._metrics.step(Step.COMMIT):
                recorded = await self._ingest_store.record_window(
                    watched,
                    part.papers,
                    [match for match in part.matches if match not in seen],
                    self._clock.now(),
                    seen=seen,
                    exclusions=part.exclusions,
                    found_by=found_by,
                )
            self._known_entries.add(part.digests)
            papers += len(part.papers) + part.unchanged
            new_papers += recorded.papers
            if recorded.posts:
                self._on_new_posts()
            if recorded.edits:
                self._on_edits()
        if not papers:  # arXiv may have stopped returning papers after the probe
            await check_that_arxiv_returns_papers(self._client, self._clock.now(), Priority.POLL)
        return new_papers


def _check_that_clock_was_not_set(stopwatch: Stopwatch) -> None:
    """Raises ClockWasSet if the windows of the poll may be wrong; the first response may have corrected the clock."""
    if stopwatch.jump:
        raise ClockWasSet("the clock was set during the poll")


def _window_of_all(watched: Iterable[WatchedKeyword], started_at: datetime) -> Window:
    """Returns the window of a poll: it begins where the keyword that was synced least recently ends."""
    return poll_window(
        min(clamp_synced_until(each.synced_until, started_at) for each in watched if each.synced_until), started_at
    )


def _found_only_now(watched: tuple[WatchedKeyword, ...], part: WindowResult) -> frozenset[Match]:
    """Returns the matches that the previous release's matcher judged, and did not find: they are not new."""
    until = {each.keyword: each.previous_matcher_until for each in watched if each.previous_matcher_until}
    published = {paper.arxiv_id: paper.published for paper in part.papers}
    judged = [
        match for match in part.matches if match.keyword in until and published[match.arxiv_id] <= until[match.keyword]
    ]
    return frozenset(judged) - previous_matches(part.papers, judged) if judged else frozenset()


def _log_fields(result: PollResult) -> dict[str, object]:
    match result:
        case PollCompleted(new_papers, batch):
            return {"result": "completed", "new_papers": new_papers, "batch": batch}
        case BatchMissing():
            return {"result": "batch missing"}
        case PollThrottled(until):
            return {"result": "throttled", "reason": "arXiv asks us to wait", "retry_at": until.isoformat()}
        case PollFailed(reason, until):
            return {"result": "failed", "reason": reason, "retry_at": until.isoformat()}
        case _:
            assert_never(result)
