"""Probes: when they are sent, what ends the global backoff, and what a restart keeps of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import discord
import pytest

from bot.discord_api.backoff import (
    BACKOFF_CEILING_S,
    BACKOFF_FLOOR_S,
    WAIT_MAX_S,
    BackoffPeriod,
    RouteFailures,
)
from bot.discord_api.backoff_watch import BackoffWatch
from bot.domain.outgoing import Delivered, RetryLater
from bot.runtime.errors import DiscordUnavailable
from sandbox.discord import CloudflareBlock, DropBefore, Status
from tests.support.clock import FakeClock, NoJitter, every_jump, give_way
from tests.support.discord_client import DEADLINE_S
from tests.support.guarded_client import GuardedHarness, guarded, rate_limited
from tests.support.quiescence import wait_until
from tests.support.store import Store

pytestmark = pytest.mark.slow


def watch_of(harness: GuardedHarness, store: Store) -> BackoffWatch:
    return BackoffWatch(harness.lab.client, harness.backoff, store.key_values, harness.clock, NoJitter())


async def nothing() -> None:
    """A login that succeeds."""


@asynccontextmanager
async def watching(harness: GuardedHarness, store: Store) -> AsyncIterator[None]:
    watch = watch_of(harness, store)
    await watch.restore()
    await watch.log_in(nothing)
    running = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


def probes(harness: GuardedHarness) -> list[int | None]:
    return [request.status for request in harness.lab.local.requests if request.path == "/gateway"]


async def until(condition: Callable[[], bool]) -> None:
    await wait_until(condition, DEADLINE_S)


async def next_probe(harness: GuardedHarness) -> None:
    """Moves the clock to the next probe, and waits until its answer is handled."""
    await until(lambda: harness.clock.sleeping > 0)
    sent = len(probes(harness))
    await harness.clock.advance(harness.backoff.probe_due_in_s() or 0.0)
    await until(lambda: len(probes(harness)) > sent and harness.backoff.probe_due_in_s() != 0.0)


async def start_block(harness: GuardedHarness, block: CloudflareBlock) -> None:
    harness.lab.local.faults.block(block)
    assert isinstance(await harness.delivery.send(harness.post()), RetryLater)


async def test_delays_between_probes_double_and_one_answer_ends_the_backoff(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.discord_api")
    async with guarded() as harness, watching(harness, store):
        await start_block(harness, CloudflareBlock(403))
        delays_s = []
        for _ in range(10):
            delays_s.append(harness.backoff.probe_due_in_s())
            await next_probe(harness)
        assert delays_s == [min(BACKOFF_FLOOR_S * 2**number, BACKOFF_CEILING_S) for number in range(10)]
        assert probes(harness) == [403] * 10
        harness.lab.local.faults.unblock()
        await next_probe(harness)
        assert harness.backoff.period is None
        assert not harness.problems.current
        assert isinstance(await harness.delivery.send(harness.post()), Delivered)
    assert [record.getMessage() for record in caplog.records] == ["Discord backoff", "Discord backoff over"]


@every_jump
async def test_logged_duration_of_a_backoff_does_not_depend_on_the_system_clock(
    store: Store, caplog: pytest.LogCaptureFixture, jump: timedelta
) -> None:
    caplog.set_level(logging.INFO, "bot.discord_api")
    async with guarded() as harness, watching(harness, store):
        await start_block(harness, CloudflareBlock(403))
        harness.clock.jump(jump)
        harness.lab.local.faults.unblock()
        await next_probe(harness)
    assert vars(caplog.records[-1])["duration_s"] == BACKOFF_FLOOR_S


async def test_next_backoff_starts_with_the_shortest_delay_again(store: Store) -> None:
    async with guarded() as harness, watching(harness, store):
        for _ in range(2):
            await start_block(harness, CloudflareBlock(403))
            assert harness.backoff.probe_due_in_s() == BACKOFF_FLOOR_S
            await next_probe(harness)
            harness.lab.local.faults.unblock()
            await next_probe(harness)
            assert isinstance(await harness.delivery.send(harness.post()), Delivered)


async def test_probe_obeys_a_new_retry_after(store: Store) -> None:
    async with guarded() as harness, watching(harness, store):
        await start_block(harness, CloudflareBlock(403))
        harness.lab.local.faults.block(CloudflareBlock(429, retry_after="1e12"))
        await next_probe(harness)
        harness.lab.local.faults.block(CloudflareBlock(429, retry_after="99999999"))
        await next_probe(harness)
        assert harness.backoff.probe_due_in_s() == WAIT_MAX_S


@pytest.mark.parametrize("fault", [DropBefore(), Status(503)], ids=repr)
async def test_probe_without_an_answer_continues_the_backoff(store: Store, fault: DropBefore | Status) -> None:
    async with guarded() as harness, watching(harness, store):
        await start_block(harness, CloudflareBlock(403))
        harness.lab.local.faults.clear()
        harness.lab.local.faults.add("GET", "^/gateway$", fault, times=2 if isinstance(fault, DropBefore) else 1)
        await next_probe(harness)
        assert harness.backoff.period is not None
        await next_probe(harness)
        assert harness.backoff.period is None


async def test_error_of_discord_itself_ends_the_backoff(store: Store) -> None:
    async with guarded() as harness, watching(harness, store):
        await start_block(harness, CloudflareBlock(403))
        harness.lab.local.faults.clear()
        harness.lab.local.faults.add("GET", "^/gateway$", Status.api_error(401, 0, "401: Unauthorized"))
        await next_probe(harness)
        assert harness.backoff.period is None


async def test_route_that_is_blocked_alone_pauses_the_others_only_once(store: Store) -> None:
    """As when Cloudflare's firewall takes the text of one message for an attack."""
    async with guarded() as harness, watching(harness, store):
        papers = harness.lab.world.default.channel("papers")
        await start_block(harness, CloudflareBlock(403, path_pattern=f"^/channels/{papers}/"))
        await next_probe(harness)
        waits_s = [harness.wait_s(await harness.delivery.send(harness.post())) for _ in range(3)]
        assert waits_s == [2, 4, 8]
        assert harness.backoff.period is None
        assert isinstance(await harness.delivery.send(harness.post("vision")), Delivered)
        harness.lab.local.faults.unblock()
        assert isinstance(await harness.delivery.send(harness.post()), Delivered)
        await start_block(harness, CloudflareBlock(403))
        assert harness.backoff.period is not None, "the route has worked since, so that this block is another one"


async def test_only_the_newest_routes_are_remembered_for_an_hour() -> None:
    failures = RouteFailures(clock := FakeClock(), NoJitter())
    for number in range(1001):
        failures.add(str(number))
    assert [failures.is_known(route) for route in ("0", "1", "1000")] == [False, True, True]
    failures.forget("1")
    await clock.advance(3599)
    assert [failures.is_known(route) for route in ("1", "1000")] == [False, True]
    await clock.advance(1)
    assert not failures.is_known("1000")


# Restarts.


async def test_restart_continues_the_backoff_without_a_request(store: Store) -> None:
    async with guarded() as harness, watching(harness, store):
        await start_block(harness, CloudflareBlock(429, retry_after="600"))
        await until(lambda: harness.clock.sleeping > 0)
    async with guarded() as harness:
        watch = watch_of(harness, store)
        await watch.restore()
        assert harness.backoff.probe_due_in_s() == 600
        assert isinstance(await harness.delivery.send(harness.post()), RetryLater)
        assert list(harness.problems.current) == ["discord"]
        assert not probes(harness)


async def test_restart_after_the_backoff_starts_without_one(store: Store) -> None:
    async with guarded() as harness, watching(harness, store):
        await start_block(harness, CloudflareBlock(403))
        harness.lab.local.faults.unblock()
        await next_probe(harness)
        await until(lambda: harness.clock.sleeping == 0)
        await watch_of(harness, store).save()
    async with guarded() as harness:
        await watch_of(harness, store).restore()
        assert harness.backoff.period is None


@pytest.mark.parametrize("ahead", [timedelta(days=-30), timedelta(0), timedelta(minutes=5), timedelta(days=3650)])
async def test_stored_backoff_lasts_at_most_an_hour_more(store: Store, ahead: timedelta) -> None:
    async with guarded() as harness:
        now = harness.clock.now()
        harness.backoff.restore(BackoffPeriod("a reason", now + ahead, now + ahead))
        watch = watch_of(harness, store)
        await watch.save()
        await watch.restore()
        assert harness.backoff.probe_due_in_s() == min(max(ahead.total_seconds(), 0.0), WAIT_MAX_S)


@every_jump
async def test_stored_backoff_lasts_no_longer_after_a_jump_of_the_clock(store: Store, jump: timedelta) -> None:
    async with guarded() as harness:
        await start_block(harness, CloudflareBlock(429, retry_after="60"))
        await watch_of(harness, store).save()
        harness.clock.jump(jump)
        watch = watch_of(harness, store)
        await watch.restore()
        assert (harness.backoff.probe_due_in_s() or 0.0) <= 60


NAIVE = '{"reason": "x", "since": "2026-11-27T12:00:00", "not_before": "2026-11-27T12:00:00"}'


@pytest.mark.parametrize(
    "stored", ["", "{", "[]", "{}", '{"reason": "x", "since": "x", "not_before": "x"}', NAIVE, "null"]
)
async def test_unreadable_stored_backoff_is_ignored(store: Store, stored: str) -> None:
    await store.key_values.set("Discord backoff", stored)
    async with guarded() as harness:
        await watch_of(harness, store).restore()
        assert harness.backoff.period is None


# Logins.


async def test_login_waits_until_the_stored_backoff_ends(store: Store) -> None:
    async with guarded() as harness:
        now = harness.clock.now()
        harness.backoff.restore(BackoffPeriod("a reason", now, now + timedelta(minutes=10)))
        login = asyncio.create_task(watch_of(harness, store).log_in(lambda: fetch(harness)))
        await harness.clock.advance(599)
        assert not login.done()
        await harness.clock.advance(1)
        await login
        assert harness.backoff.period is None


async def fetch(harness: GuardedHarness) -> None:
    await harness.lab.client.http.request(discord.http.Route("GET", "/users/@me"))


@pytest.mark.parametrize("fault", [rate_limited(1e12), rate_limited(None), Status(403), Status(429)], ids=repr)
async def test_login_is_repeated_as_often_as_discord_allows(store: Store, fault: Status) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("GET", "^/users/@me$", fault, times=2)
        login = asyncio.create_task(watch_of(harness, store).log_in(lambda: fetch(harness)))
        while not login.done():
            await harness.clock.advance(harness.clock.next_in_s or 0.0)
            await give_way()
        await login
        assert harness.clock.monotonic() >= 2 * BACKOFF_FLOOR_S
        assert not harness.lab.local.faults.pending


async def test_failed_login_is_described_without_the_page(store: Store) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.block(CloudflareBlock(503))
        with pytest.raises(DiscordUnavailable) as error:
            await watch_of(harness, store).log_in(lambda: fetch(harness))
        assert str(error.value) == "Discord does not answer (a proxy page with status 503 instead of Discord's answer)"
