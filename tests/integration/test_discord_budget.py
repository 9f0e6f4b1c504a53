"""Every request to Discord waits for the budget, except replies to interactions; a global 429 lowers its rate."""

import asyncio
from collections.abc import Awaitable, Callable

import discord
import pytest
from discord.http import Route

from bot.discord_api.backoff import DiscordBackoff
from bot.discord_api.http_client import BUCKETS_MIN
from bot.discord_api.request_budget import REQUESTS_PER_SECOND, SLOWDOWN
from bot.domain.outgoing import Delivered, RetryLater
from sandbox.discord import CloudflareBlock
from tests.support.clock import give_way, settle
from tests.support.guarded_client import (
    GuardedHarness,
    check,
    edit,
    find,
    guarded,
    notify,
    publish,
    rate_limited,
    send,
)

pytestmark = pytest.mark.slow

REQUESTS: list[Callable[[GuardedHarness], Awaitable[object]]] = [send, edit, publish, find, check, notify]


async def end(harness: GuardedHarness, request: asyncio.Task[object]) -> object:
    """Moves the clock until a request is answered."""
    while not request.done():
        await harness.clock.advance(0.05)
        await give_way()
    return await request


@pytest.mark.parametrize("request_of", REQUESTS, ids=lambda request: request.__name__)
async def test_request_waits_for_the_budget(request_of: Callable[[GuardedHarness], Awaitable[object]]) -> None:
    async with guarded(is_budgeted=True) as harness:
        before = len(harness.lab.local.requests)
        harness.budget.limited(1.0)
        request = asyncio.ensure_future(request_of(harness))
        await harness.clock.advance(0.9)
        assert len(harness.lab.local.requests) == before
        await end(harness, request)
        assert len(harness.lab.local.requests) > before


async def test_reply_to_an_interaction_does_not_wait() -> None:
    async with guarded(is_budgeted=True) as harness:
        harness.budget.limited(1.0)
        with pytest.raises(discord.NotFound):  # there is no such interaction
            await harness.lab.client.http.request(Route("POST", "/interactions/1/token/callback"), json={"type": 1})


async def test_global_limit_lowers_the_rate() -> None:
    async with guarded(is_budgeted=True) as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(0.02, is_global=True))
        assert isinstance(await end(harness, asyncio.ensure_future(send(harness))), Delivered)
        assert harness.budget.rate < REQUESTS_PER_SECOND * SLOWDOWN + 1


async def test_limit_of_one_route_does_not_lower_the_rate() -> None:
    async with guarded(is_budgeted=True) as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(0.02))
        assert isinstance(await end(harness, asyncio.ensure_future(send(harness))), Delivered)
        assert harness.budget.rate == REQUESTS_PER_SECOND


async def test_request_that_waits_for_the_budget_does_not_leave_during_a_backoff() -> None:
    async with guarded(is_budgeted=True) as harness:
        harness.lab.local.faults.add("POST", "/channels/.*/messages$", CloudflareBlock())
        harness.budget.limited(1.0)
        requests = [asyncio.ensure_future(send(harness)) for _ in range(3)]
        before = len(harness.lab.local.requests)
        assert [type(await end(harness, request)) for request in requests] == [RetryLater] * 3
        assert len(harness.lab.local.requests) == before + 1
        assert isinstance(harness.backoff.error(), DiscordBackoff)


async def test_buckets_of_discord_py_are_dropped_when_their_window_is_over() -> None:
    async with guarded() as harness:
        http = harness.lab.client.http
        for number in range(3 * BUCKETS_MIN):
            async with http.get_ratelimit(f"route {number}"):
                pass
        assert len(http._buckets) <= BUCKETS_MIN  # noqa: SLF001 -- what discord.py keeps
        used = http.get_ratelimit("used")
        async with used:
            for number in range(3 * BUCKETS_MIN):
                http.get_ratelimit(f"other route {number}")
            assert http.get_ratelimit("used") is used
        await settle()
