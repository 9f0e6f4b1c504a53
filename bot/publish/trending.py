"""Posts each day's list to the channels that want it, once.

Lists that were read and what channels wish come from the store; one message a channel and day goes to Discord, with the
guarantees of posts (`sending`). It reads no list, and never posts a second one for a day.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final, assert_never

from bot.domain.matching import match
from bot.domain.outgoing import Blocked, Delivered, MessageAbsent, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.trending.entry import TrendingEntry, as_paper
from bot.domain.trending.post import TrendingPost, TrendingSubscription, days_to_post, select_entries
from bot.publish.availability import ChannelAvailability
from bot.publish.sender import CHANNELS_AT_ONCE, SEND_BACKOFF_FLOOR_S, Sender
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.metrics import Metrics, Step
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions
from bot.store.trending_entries import TrendingEntries
from bot.store.trending_posts import TrendingPosts

log = logging.getLogger(__name__)

# How often it is looked whether a day's list is to be posted; one that was read rings.
TRENDING_POST_CHECK_INTERVAL_S: Final = 60.0


class TrendingPublisher:
    """Looks for lists to be posted; rung when one was read, or a channel asked for them."""

    def __init__(
        self,
        *,
        trending_posts: TrendingPosts,
        trending_entries: TrendingEntries,
        subscriptions: Subscriptions,
        papers: Papers,
        sender: Sender,
        availability: ChannelAvailability,
        clock: Clock,
        metrics: Metrics,
        wakeup: Wakeup,
    ) -> None:
        self._trending_posts = trending_posts
        self._trending_entries = trending_entries
        self._subscriptions = subscriptions
        self._papers = papers
        self._sender = sender
        self._availability = availability
        self._clock = clock
        self._metrics = metrics
        self._wakeup = wakeup
        self._room = asyncio.Semaphore(CHANNELS_AT_ONCE)

    async def run(self) -> None:
        """Post what is due, for ever."""
        await self._sender.ready()
        while True:
            await self._side_by_side(
                self._go_on(trending_post) for trending_post in await self._trending_posts.unsettled(self._clock.now())
            )
            next_due = await self._begin_what_is_due()
            await self._wakeup.wait(self._idle_s(next_due, await self._trending_posts.next_attempt()))

    def _idle_s(self, *moments: datetime | None) -> float:
        """The seconds until the first of these, within bounds: a channel may be set right at any time."""
        waits_s = [(moment - self._clock.now()).total_seconds() for moment in moments if moment is not None]
        return max(SEND_BACKOFF_FLOOR_S, min([TRENDING_POST_CHECK_INTERVAL_S, *waits_s]))

    async def _begin_what_is_due(self) -> datetime | None:
        """Post the lists whose turn it is where they are due, oldest first; returns when one is due next."""
        now = self._clock.now()
        days = days_to_post(await self._trending_posts.fetched_days(), now)
        later: list[datetime] = []
        for day in days:
            turns = [
                (trending_subscription, trending_subscription.post_time(day, days[-1]))
                for trending_subscription in await self._trending_posts.due_subscriptions(day, now)
            ]
            trending_entries = await self._trending_entries.of_day(day)
            await self._side_by_side(
                self._begin(trending_subscription, day, trending_entries)
                for trending_subscription, at in turns
                if at is not None and at <= now
            )
            later += [at for _, at in turns if at is not None and at > now]
        return min(later, default=None)

    async def _side_by_side(self, works: Iterable[Coroutine[None, None, None]]) -> None:
        async def in_turn(work: Coroutine[None, None, None]) -> None:
            async with self._room:
                await work

        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(in_turn(work))

    async def _begin(
        self, trending_subscription: TrendingSubscription, day: date, trending_entries: Sequence[TrendingEntry]
    ) -> None:
        if not await self._availability.is_open(
            trending_subscription.channel_id, await self._sender.blocked(trending_subscription.channel_id)
        ):
            return
        key, nonce = secrets.token_urlsafe(9), secrets.token_hex(12)
        with self._metrics.step(Step.CLAIM):
            bound = await self._trending_posts.bind(
                trending_subscription, day, key=key, nonce=nonce, now=self._clock.now()
            )
        if bound is None:
            return
        trending_post = await self._filled(bound, trending_entries)
        if not trending_post.papers:
            await self._trending_posts.settle(trending_post, Delivered(None), self._clock.now())
            return
        outcome = await self._sender.first(trending_post)
        if isinstance(outcome, Blocked):
            # The first attempt, and refused: surely nothing of it is there.
            await self._trending_posts.release(trending_post)
            self._sender.forget(trending_post)
        await self._settle(trending_post, outcome)

    async def _go_on(self, bound: TrendingPost) -> None:
        """Bring a message to its end that was tried before; where its list is empty by now, it is only looked for."""

        async def on_attempt(now: datetime) -> None:
            await self._trending_posts.record_attempt(bound, now)

        if not await self._availability.is_open(bound.channel_id, await self._sender.blocked(bound.channel_id)):
            return
        trending_post = await self._filled(bound, await self._trending_entries.of_day(bound.day))
        outcome = await (
            self._sender.again(trending_post, on_attempt) if trending_post.papers else self._sender.find(trending_post)
        )
        await self._settle(trending_post, outcome)

    async def _filled(self, trending_post: TrendingPost, trending_entries: Sequence[TrendingEntry]) -> TrendingPost:
        """The message with its papers, as they are listed now."""
        subscriptions = await self._subscriptions.in_channel(trending_post.channel_id)
        known = await self._papers.get_many([trending_entry.arxiv_id for trending_entry in trending_entries])
        # A list knows no categories; a paper that is known does.
        papers = [known.get(trending_entry.arxiv_id) or as_paper(trending_entry) for trending_entry in trending_entries]
        # Milliseconds, away from the event loop.
        matches = await asyncio.to_thread(match, papers, [subscription.keyword for subscription in subscriptions])
        return replace(trending_post, papers=select_entries(trending_entries, matches, trending_post.min_votes))

    async def _settle(self, trending_post: TrendingPost, outcome: SendOutcome | MessageAbsent) -> None:
        match outcome:
            case Delivered():
                with self._metrics.step(Step.SETTLE):
                    await self._trending_posts.settle(trending_post, outcome, self._clock.now())
                log.info(
                    "list posted", extra={"channel": trending_post.channel_id, "day": trending_post.day.isoformat()}
                )
            case Rejected(reason):
                await self._trending_posts.settle(trending_post, Delivered(None), self._clock.now())
                log.error("list refused", extra={"channel": trending_post.channel_id, "reason": reason})
            case MessageAbsent():
                await self._trending_posts.release(trending_post)
            case Blocked() | RetryLater() | OutcomeUnknown():
                await self._availability.wait_for(trending_post.channel_id, outcome)
                return
            case _:
                assert_never(outcome)
        self._sender.forget(trending_post)
        self._availability.answered(trending_post.channel_id)
