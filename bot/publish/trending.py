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
from typing import assert_never

from bot.domain.matching import match
from bot.domain.post import Blocked, Delivered, MessageAbsent, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.trending.digest import Digest, Wish, chosen, whose_turn
from bot.domain.trending.listing import Listing, as_paper
from bot.publish.availability import ChannelAvailability
from bot.publish.sender import Sender
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.limits import CHANNELS_AT_ONCE, DIGESTS_LOOKED_AT_EVERY_S, SEND_BACKOFF_FLOOR_S
from bot.runtime.metrics import Metrics, Step
from bot.store.digests import Digests
from bot.store.listings import Listings
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)


class TrendingPublisher:
    """Looks for lists to be posted; rung when one was read, or a channel asked for them."""

    def __init__(
        self,
        *,
        digests: Digests,
        listings: Listings,
        subscriptions: Subscriptions,
        papers: Papers,
        sender: Sender,
        availability: ChannelAvailability,
        clock: Clock,
        metrics: Metrics,
        wakeup: Wakeup,
    ) -> None:
        self._digests = digests
        self._listings = listings
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
            await self._side_by_side(self._go_on(digest) for digest in await self._digests.open(self._clock.now()))
            next_due = await self._begin_what_is_due()
            await self._wakeup.wait(self._idle_s(next_due, await self._digests.next_try()))

    def _idle_s(self, *moments: datetime | None) -> float:
        """The seconds until the first of these, within bounds: a channel may be set right at any time."""
        waits_s = [(moment - self._clock.now()).total_seconds() for moment in moments if moment is not None]
        return max(SEND_BACKOFF_FLOOR_S, min([DIGESTS_LOOKED_AT_EVERY_S, *waits_s]))

    async def _begin_what_is_due(self) -> datetime | None:
        """Post the lists whose turn it is where they are due, oldest first; returns when one is due next."""
        now = self._clock.now()
        days = whose_turn(await self._digests.days_read(), now)
        later: list[datetime] = []
        for day in days:
            turns = [(wish, wish.turn(day, days[-1])) for wish in await self._digests.wishes(day, now)]
            listings = await self._listings.of_day(day)
            await self._side_by_side(
                self._begin(wish, day, listings) for wish, at in turns if at is not None and at <= now
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

    async def _begin(self, wish: Wish, day: date, listings: Sequence[Listing]) -> None:
        if not await self._availability.is_open(wish.channel_id, await self._sender.blocked(wish.channel_id)):
            return
        key, nonce = secrets.token_urlsafe(9), secrets.token_hex(12)
        with self._metrics.step(Step.CLAIM):
            bound = await self._digests.bind(wish, day, key=key, nonce=nonce, now=self._clock.now())
        if bound is None:
            return
        digest = await self._filled(bound, listings)
        if not digest.papers:
            await self._digests.settled(digest, Delivered(None), self._clock.now())
            return
        outcome = await self._sender.first(digest)
        if isinstance(outcome, Blocked):
            # The first attempt, and refused: surely nothing of it is there.
            await self._digests.release(digest)
            self._sender.forget(digest)
        await self._settle(digest, outcome)

    async def _go_on(self, bound: Digest) -> None:
        """Bring a message to its end that was tried before; where its list is empty by now, it is only looked for."""

        async def on_attempt(now: datetime) -> None:
            await self._digests.record_attempt(bound, now)

        if not await self._availability.is_open(bound.channel_id, await self._sender.blocked(bound.channel_id)):
            return
        digest = await self._filled(bound, await self._listings.of_day(bound.day))
        outcome = await (self._sender.again(digest, on_attempt) if digest.papers else self._sender.find(digest))
        await self._settle(digest, outcome)

    async def _filled(self, digest: Digest, listings: Sequence[Listing]) -> Digest:
        """The message with its papers, as they are listed now."""
        subscriptions = await self._subscriptions.in_channel(digest.channel_id)
        known = await self._papers.among([listing.arxiv_id for listing in listings])
        # A list knows no categories; a paper that is known does.
        papers = [known.get(listing.arxiv_id) or as_paper(listing) for listing in listings]
        # Milliseconds, away from the event loop.
        matches = await asyncio.to_thread(match, papers, [subscription.keyword for subscription in subscriptions])
        return replace(digest, papers=chosen(listings, matches, digest.at_least))

    async def _settle(self, digest: Digest, outcome: SendOutcome | MessageAbsent) -> None:
        match outcome:
            case Delivered():
                with self._metrics.step(Step.SETTLE):
                    await self._digests.settled(digest, outcome, self._clock.now())
                log.info("list posted", extra={"channel": digest.channel_id, "day": digest.day.isoformat()})
            case Rejected(reason):
                await self._digests.settled(digest, Delivered(None), self._clock.now())
                log.error("list refused", extra={"channel": digest.channel_id, "reason": reason})
            case MessageAbsent():
                await self._digests.release(digest)
            case Blocked() | RetryLater() | OutcomeUnknown():
                await self._availability.wait_for(digest.channel_id, outcome)
                return
            case _:
                assert_never(outcome)
        self._sender.forget(digest)
        self._availability.answered(digest.channel_id)
