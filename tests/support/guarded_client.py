"""A discord.py client that is protected as the bot's is, on a local Discord, without the rest of the bot."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.discord_api.attempts import InvalidRequests, request_trace
from bot.discord_api.backoff import RATELIMIT_WAIT_MAX_S, GlobalBackoff
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.delivery import DiscordDelivery
from bot.discord_api.http_client import BoundedClient
from bot.discord_api.notices import DiscordNotices
from bot.discord_api.request_budget import RequestBudget
from bot.domain.channel_settings import Layout
from bot.domain.history import Position
from bot.domain.outgoing import RetryLater
from bot.domain.post import MessageHeader, OutboxEntry, Post
from bot.domain.subscription import BlockedNotice
from bot.runtime.problems import ReportedProblems
from sandbox.discord import Status
from tests.support.builders import paper
from tests.support.clock import FakeClock, NoJitter, give_way
from tests.support.discord_client import DiscordHarness, SmallClient, connected, logged_in

ENTRIES = (OutboxEntry(1, paper(), ("x",), alone=True),)
VIA = {"Via": "1.1 google"}


class GuardedClient(BoundedClient, SmallClient):
    """The small client with the bot's HTTP client."""


@dataclass(frozen=True, slots=True)
class GuardedHarness:
    """A local Discord, and what the bot sends its requests through."""

    lab: DiscordHarness
    clock: FakeClock
    backoff: GlobalBackoff
    budget: RequestBudget
    problems: ReportedProblems
    access: ChannelAccess
    delivery: DiscordDelivery
    notices: DiscordNotices

    def post(self, name: str = "papers", *, channel_id: int | None = None, message_id: int | None = None) -> Post:
        """A post that is due in a channel, or was sent as `message_id`."""
        channel_id = channel_id or self.lab.world.default.channel(name)
        now = self.clock.now()
        header = MessageHeader(Layout.CARDS, "**1 new paper**")
        return Post("a-key-of-12c", channel_id, "1", now, now, ENTRIES, header, message_id=message_id)

    def wait_s(self, outcome: object) -> float:
        """How many seconds an outcome waits."""
        assert isinstance(outcome, RetryLater), outcome
        return (outcome.not_before - self.clock.now()).total_seconds()


@asynccontextmanager
async def guarded(*, gateway: bool = False, is_budgeted: bool = False) -> AsyncIterator[GuardedHarness]:
    """A protected client that is logged in, and connected to the gateway if a test needs its cache.

    `is_budgeted`: its requests wait for the budget, by the clock that the test moves.
    """
    clock, problems = FakeClock(), ReportedProblems()
    budget = RequestBudget(clock)
    invalid_requests, backoff = (
        InvalidRequests(clock, problems),
        GlobalBackoff(clock, NoJitter(), problems, budget.limited),
    )
    client = GuardedClient(http_trace=request_trace(invalid_requests, backoff, budget if is_budgeted else None))
    client.http.max_ratelimit_timeout = RATELIMIT_WAIT_MAX_S
    moving = asyncio.create_task(_move(clock)) if is_budgeted else None  # the requests of the login wait, too
    async with (connected if gateway else logged_in)(client) as lab:
        if moving is not None:
            moving.cancel()
        access = ChannelAccess(client, clock, invalid_requests, backoff)
        delivery = DiscordDelivery(client, clock, access)
        notices = DiscordNotices(client, invalid_requests)
        yield GuardedHarness(lab, clock, backoff, budget, problems, access, delivery, notices)


async def _move(clock: FakeClock) -> None:
    while True:
        await clock.advance(0.05)
        await give_way()


async def send(harness: GuardedHarness) -> object:
    """Sends a message."""
    return await harness.delivery.send(harness.post())


async def notify(harness: GuardedHarness) -> object:
    """Sends a notice."""
    return await harness.notices.send(
        BlockedNotice(1, None, "The channel is locked.", harness.lab.world.default.admin_id)
    )


async def edit(harness: GuardedHarness) -> object:
    """Edits a message."""
    return await harness.delivery.edit(harness.post(message_id=1))


async def publish(harness: GuardedHarness) -> object:
    """Publishes a message to a channel's followers."""
    return await harness.delivery.publish(harness.post(message_id=1))


async def find(harness: GuardedHarness) -> object:
    """Looks for a message in a channel's history."""
    return await harness.delivery.find(harness.post(), Position(0))


async def check(harness: GuardedHarness) -> object:
    """Checks a channel that is not in the gateway's cache."""
    return await harness.access.check_channel(1191319909171999999)


def rate_limited(retry_after: object, headers: Mapping[str, str] | None = None, *, is_global: bool = False) -> Status:
    """A 429 of Discord with any value as `retry_after`."""
    message = {"message": "You are being rate limited.", "retry_after": retry_after, "global": is_global}
    return Status(429, message, VIA | dict(headers or {}))
