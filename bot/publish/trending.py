"""Posts each day's trending list to the channels that want it, once per channel and day.

It never fetches a list, and never posts a second message for a day.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Final

from bot.domain.expressions.keywords import match_keywords
from bot.domain.outgoing import Delivered, Rejected
from bot.domain.trending.entry import TrendingEntry, as_paper
from bot.domain.trending.post import TrendingPost, TrendingSubscription, days_to_post, select_entries
from bot.publish.availability import SEND_BACKOFF_FLOOR_S, ChannelAvailability
from bot.publish.dispatcher import CHANNELS_AT_ONCE
from bot.publish.history_check import HistoryCheck
from bot.publish.lifecycle import MessageLifecycle, StepOutcome
from bot.publish.second_bot import SecondBot
from bot.runtime.clock import Clock, Wakeup
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions
from bot.store.trending_entries import TrendingEntries
from bot.store.trending_posts import TrendingPosts

log = logging.getLogger(__name__)

# How often due lists are looked for; another loop notifies this one when it stored a list.
TRENDING_POST_CHECK_INTERVAL_S: Final = 60.0

# Settles a day without a message.
_NO_MESSAGE: Final = Delivered(None)


class TrendingPostStorage:
    """Stores trending posts. A rejected one is settled without a message: its day is not posted again."""

    def __init__(self, trending_posts: TrendingPosts) -> None:
        self._trending_posts = trending_posts

    async def record_attempt(self, message: TrendingPost, now: datetime, attempted_at: datetime | None) -> None:
        await self._trending_posts.record_attempt(message, now, attempted_at)

    async def record_search(self, message: TrendingPost, after: int) -> None:
        await self._trending_posts.record_search(message, after)

    async def delivered(self, message: TrendingPost, delivered: Delivered, now: datetime) -> None:
        await self._trending_posts.settle(message, delivered, now)

    async def rejected(self, message: TrendingPost, _reason: str, now: datetime) -> None:
        await self._trending_posts.settle(message, _NO_MESSAGE, now)

    async def release(self, message: TrendingPost) -> None:
        await self._trending_posts.release(message)


class TrendingPublisher:
    """Posts the lists that are due; another loop notifies it of a new list or a changed channel."""

    def __init__(
        self,
        *,
        trending_posts: TrendingPosts,
        trending_entries: TrendingEntries,
        subscriptions: Subscriptions,
        papers: Papers,
        lifecycle: MessageLifecycle[TrendingPost],
        availability: ChannelAvailability,
        history_check: HistoryCheck,
        second_bot: SecondBot,
        clock: Clock,
        wakeup: Wakeup,
    ) -> None:
        self._trending_posts = trending_posts
        self._trending_entries = trending_entries
        self._subscriptions = subscriptions
        self._papers = papers
        self._lifecycle = lifecycle
        self._availability = availability
        self._history_check = history_check
        self._second_bot = second_bot
        self._clock = clock
        self._wakeup = wakeup
        self._slots = asyncio.Semaphore(CHANNELS_AT_ONCE)

    async def run(self) -> None:
        """Posts what is due until it is cancelled."""
        while True:
            if (pause_s := self._second_bot.pause_s()) > 0:
                await self._wakeup.wait(pause_s)
                continue
            unsettled = await self._trending_posts.unsettled(self._clock.now())
            await self._run_concurrently(self._resume(trending_post) for trending_post in unsettled)
            next_due = await self._post_due_lists()
            await self._wakeup.wait(self._idle_s(next_due, await self._trending_posts.next_attempt()))

    def _idle_s(self, *times: datetime | None) -> float:
        """Returns the seconds until the first of these times, at most a minute: channels may change at any time."""
        waits_s = [(time - self._clock.now()).total_seconds() for time in times if time is not None]
        return max(SEND_BACKOFF_FLOOR_S, min([TRENDING_POST_CHECK_INTERVAL_S, *waits_s]))

    async def _post_due_lists(self) -> datetime | None:
        """Posts the lists that are due, oldest first; returns when the next one is due."""
        now = self._clock.now()
        days = days_to_post(await self._trending_posts.fetched_days(), now)
        later: list[datetime] = []
        for day in days:
            due_times = [
                (subscription, subscription.post_time(day, days[-1], now))
                for subscription in await self._trending_posts.due_subscriptions(day, now)
            ]
            trending_entries = await self._trending_entries.of_day(day)
            await self._run_concurrently(
                self._post(subscription, day, trending_entries)
                for subscription, due_at in due_times
                if due_at is not None and due_at <= now
            )
            later += [due_at for _, due_at in due_times if due_at is not None and due_at > now]
        return min(later, default=None)

    async def _run_concurrently(self, coroutines: Iterable[Coroutine[None, None, None]]) -> None:
        async def run(coroutine: Coroutine[None, None, None]) -> None:
            async with self._slots:
                await coroutine

        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(run(coroutine))

    async def _post(
        self, subscription: TrendingSubscription, day: date, trending_entries: Sequence[TrendingEntry]
    ) -> None:
        if not await self._may_post(subscription.channel_id):
            return
        bound = await self._lifecycle.bind(partial(self._trending_posts.bind, subscription, day))
        if bound is None:
            return
        trending_post = await self._with_papers(bound, trending_entries)
        if trending_post.papers:
            self._handle(trending_post, await self._lifecycle.send(trending_post))
        else:
            await self._trending_posts.settle(trending_post, _NO_MESSAGE, self._clock.now())

    async def _resume(self, bound: TrendingPost) -> None:
        """Settles a message that was sent before; if its list has become empty, the message is only looked up."""
        # The history may contain a later message with the same list.
        if not await self._may_post(bound.channel_id) or not await self._trending_posts.is_unsettled(bound):
            return
        trending_post = await self._with_papers(bound, await self._trending_entries.of_day(bound.day))
        self._handle(trending_post, await self._lifecycle.resume(trending_post, resend=bool(trending_post.papers)))

    async def _may_post(self, channel_id: int) -> bool:
        return await self._availability.is_open(channel_id) and await self._history_check.may_post(channel_id)

    def _handle(self, trending_post: TrendingPost, outcome: StepOutcome) -> None:
        if isinstance(outcome, Delivered):
            self._history_check.posted(trending_post.channel_id)
        _log(trending_post, outcome)

    async def _with_papers(
        self, trending_post: TrendingPost, trending_entries: Sequence[TrendingEntry]
    ) -> TrendingPost:
        """Returns the message with the papers that the list has for the channel now."""
        subscriptions = await self._subscriptions.in_channel(trending_post.channel_id)
        known = await self._papers.get_many([trending_entry.arxiv_id for trending_entry in trending_entries])
        # A trending entry has no categories; a stored paper does.
        papers = [as_paper(trending_entry, known.get(trending_entry.arxiv_id)) for trending_entry in trending_entries]
        # Takes milliseconds, so it leaves the event loop.
        matches = await asyncio.to_thread(
            match_keywords, papers, [subscription.keyword for subscription in subscriptions]
        )
        return replace(trending_post, papers=select_entries(trending_entries, matches, trending_post.min_votes))


def _log(trending_post: TrendingPost, outcome: StepOutcome) -> None:
    fields = {"channel_id": trending_post.channel_id, "day": trending_post.day.isoformat()}
    match outcome:
        case Delivered():
            log.info("trending post sent", extra=fields)
        case Rejected(reason):
            log.error("trending post rejected", extra=fields | {"reason": reason})
        case _:
            pass  # an outcome that does not settle the message
