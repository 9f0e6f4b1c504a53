"""One channel's messages, one after the other: bound, sent, and settled by Discord's answer.

A channel in; posts and what became of them out. What was tried before and whose answer is missing comes first. It never
sends what it has not bound to a post before.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Protocol, assert_never

from bot.clock import Clock
from bot.domain.layout import next_message
from bot.domain.post import (
    Absent,
    Delivered,
    Obstructed,
    Outcome,
    Post,
    RetryLater,
    Unanswered,
    Undeliverable,
)
from bot.domain.retry import backoff
from bot.limits import (
    ABSENCE_BELIEVED_AFTER,
    NONCE_REMEMBERED,
    NONCE_TRUSTED_S,
    OBSTACLE_RECHECK,
    SELECT_OPTIONS_MAX,
    SEND_BACKOFF_CEILING_S,
    SEND_BACKOFF_FLOOR_S,
    SENDS_PER_SECOND,
)
from bot.metrics import Metrics, Step
from bot.pipeline.batches import Batches
from bot.store.channels import Channels
from bot.store.outbox import Outbox

log = logging.getLogger(__name__)


class Delivery(Protocol):
    """What the lower half asks of Discord."""

    async def ready(self) -> None:
        """Wait until the channels and permissions of every server are known."""
        ...

    async def obstacle(self, channel_id: int) -> Obstructed | RetryLater | None:
        """Why nothing can be posted in the channel at the moment; None when it can."""
        ...

    def takes_nonce(self, post: Post) -> bool:
        """Whether Discord keeps the message from being there twice; a new forum post has no such guard."""
        ...

    async def send(self, post: Post) -> Outcome:
        """Send the message once; with the same nonce it is never there twice within the nonce's window."""
        ...

    async def find(self, post: Post) -> Delivered | Absent | RetryLater | Obstructed:
        """Look for the message by its key in what the channel holds since its first attempt."""
        ...


class Posting:
    """Brings channels forward, a message at a time."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        channels: Channels,
        batches: Batches,
        delivery: Delivery,
        clock: Clock,
        rng: Random,
        metrics: Metrics,
        on_pause: Callable[[], None],
        on_posted: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._batches = batches
        self._delivery = delivery
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._on_pause = on_pause
        self._on_posted = on_posted
        self._pace = Pace(clock, SENDS_PER_SECOND)
        # When this process first tried each post, by its key: a nonce is trusted only so long, and only by who sent it.
        self._first_tried_s: dict[str, float] = {}
        self._failures: dict[int, int] = {}
        self._paused: set[int] = set()

    async def ready(self) -> None:
        """Wait until the channels and permissions of every server are known."""
        await self._delivery.ready()

    async def look_over(self, channel_id: int) -> None:
        """Say of a channel whether it can be posted in: an admin should know before papers wait."""
        obstacle = await self._delivery.obstacle(channel_id)
        if isinstance(obstacle, Obstructed):
            await self._pause(channel_id, obstacle)
        elif obstacle is None:
            await self._resume(channel_id)

    async def post_next(self, channel_id: int) -> bool:
        """Bring the channel one message further; False when it has to wait or has nothing left."""
        obstacle = await self._delivery.obstacle(channel_id)
        if obstacle is not None:
            return await self._wait_for(channel_id, obstacle)
        if channel_id in self._paused:
            await self._resume(channel_id)
        post = await self._outbox.open_post(channel_id)
        if post is not None:
            return await self._post_again(post)
        post = await self._bind_next(channel_id)
        if post is None:
            return False
        outcome = await self._send(post)
        if isinstance(outcome, Obstructed):
            # The first attempt, and refused: surely nothing of it is there.
            await self._release(post)
            if post.frame.thread_id is not None:
                self._batches.lost_thread(post)
                return True
        return await self._settle(post, outcome)

    async def _post_again(self, post: Post) -> bool:
        """Bring a message to its end that was tried before: it may be there, whatever Discord says to the next try."""
        if not self._nonce_is_trusted(post):
            found = await self._delivery.find(post)
            if isinstance(found, Obstructed) and found.gone and post.frame.thread_id is not None:
                # Whatever the forum's post held went with it.
                self._batches.lost_thread(post)
                await self._release(post)
                return True
            if not isinstance(found, Absent):
                return await self._settle(post, found)
            age = self._clock.now() - post.last_attempt
            if age > NONCE_REMEMBERED:
                await self._release(post)
                return True
            if not self._delivery.takes_nonce(post) and age < ABSENCE_BELIEVED_AFTER:
                return await self._wait_for(
                    post.channel_id,
                    RetryLater(post.last_attempt + ABSENCE_BELIEVED_AFTER, "it may still be on its way"),
                )
            # So young that it may still be on its way: the nonce keeps the two apart.
            self._first_tried_s[post.key] = self._clock.monotonic()
        await self._outbox.tried_again(post, self._clock.now())
        outcome = await self._send(post)
        if isinstance(outcome, Undeliverable):
            found = await self._delivery.find(post)
            outcome = outcome if isinstance(found, Absent) else found
        return await self._settle(post, outcome)

    async def _bind_next(self, channel_id: int) -> Post | None:
        now = self._clock.now()
        frame = await self._batches.next_frame(channel_id, now)
        entries = next_message(await self._outbox.due(channel_id, now, SELECT_OPTIONS_MAX), frame.layout)
        if not entries:
            await self._batches.ended(channel_id)
            return None
        key, nonce = secrets.token_urlsafe(9), secrets.token_hex(12)
        with self._metrics.step(Step.CLAIM):
            return await self._outbox.bind(channel_id, entries, frame, key=key, nonce=nonce, now=now)

    def _nonce_is_trusted(self, post: Post) -> bool:
        tried_s = self._first_tried_s.get(post.key) if self._delivery.takes_nonce(post) else None
        return tried_s is not None and self._clock.monotonic() - tried_s <= NONCE_TRUSTED_S

    async def _send(self, post: Post) -> Outcome:
        await self._pace.turn()
        self._first_tried_s.setdefault(post.key, self._clock.monotonic())
        with self._metrics.step(Step.SEND):
            outcome = await self._delivery.send(post)
        self._metrics.posts.labels(type(outcome).__name__).inc()
        return outcome

    async def _settle(self, post: Post, outcome: Outcome) -> bool:
        """Write down what became of a message; True when the channel can go on."""
        match outcome:
            case Delivered():
                publish = await self._batches.publishes(post.channel_id)
                with self._metrics.step(Step.SETTLE):
                    await self._outbox.delivered(post, outcome, self._clock.now(), publish=publish)
                self._batches.went_out(post, outcome)
                self._on_posted()
                self._metrics.posted.inc(len(post.entries))
                self._forget(post)
                log.info("message posted", extra={"channel": post.channel_id, "papers": len(post.entries)})
                return True
            case Undeliverable(reason):
                return await self._set_aside(post, reason)
            case Unanswered(why):
                return await self._wait_for(post.channel_id, RetryLater(self._next_try(post.channel_id), why))
            case Obstructed() | RetryLater():
                return await self._wait_for(post.channel_id, outcome)
            case _:
                assert_never(outcome)

    async def _set_aside(self, post: Post, reason: str) -> bool:
        """One refused paper must not hold up its neighbours: a refused group goes again one by one."""
        if len(post.entries) > 1:
            await self._release(post, alone=True)
            return True
        await self._outbox.refused(post, reason, self._clock.now())
        self._forget(post)
        paper = post.entries[0].paper.arxiv_id
        log.error("message refused", extra={"channel": post.channel_id, "paper": paper, "reason": reason})
        return True

    async def _wait_for(self, channel_id: int, cause: Obstructed | RetryLater) -> bool:
        if isinstance(cause, Obstructed):
            await self._pause(channel_id, cause)
        else:
            await self._channels.rest(channel_id, cause.not_before)
            wait_s = (cause.not_before - self._clock.now()).total_seconds()
            self._metrics.waits.labels("Discord").inc(max(0.0, wait_s))
            log.warning("channel rests", extra={"channel": channel_id, "until": cause.not_before, "why": cause.why})
        return False

    async def _pause(self, channel_id: int, cause: Obstructed) -> None:
        now = self._clock.now()
        self._paused.add(channel_id)
        if await self._channels.pause(channel_id, cause, now=now, not_before=now + OBSTACLE_RECHECK):
            log.warning("channel paused", extra={"channel": channel_id, "reason": cause.reason})
            self._on_pause()

    async def _resume(self, channel_id: int) -> None:
        self._paused.discard(channel_id)
        if await self._channels.resume(channel_id):
            log.info("channel resumed", extra={"channel": channel_id})

    def _next_try(self, channel_id: int) -> datetime:
        attempt = self._failures.get(channel_id, 0) + 1
        self._failures[channel_id] = attempt
        delay_s = backoff(
            attempt, floor_s=SEND_BACKOFF_FLOOR_S, ceiling_s=SEND_BACKOFF_CEILING_S, jitter=self._rng.random()
        )
        return self._clock.now() + timedelta(seconds=delay_s)

    async def _release(self, post: Post, *, alone: bool = False) -> None:
        await self._outbox.release(post, alone=alone)
        self._forget(post)

    def _forget(self, post: Post) -> None:
        self._first_tried_s.pop(post.key, None)
        self._failures.pop(post.channel_id, None)


class Pace:
    """Our own pace over all channels: discord.py knows each route's limit, not the one over all of them."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._interval_s = 1 / per_second
        self._next_s = 0.0

    async def turn(self) -> None:
        """Wait for the next free moment."""
        now_s = self._clock.monotonic()
        moment_s = max(now_s, self._next_s)
        self._next_s = moment_s + self._interval_s
        await self._clock.sleep(moment_s - now_s)
