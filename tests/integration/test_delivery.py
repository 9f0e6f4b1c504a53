"""Channel checks before the gateway has sent a server, and rendering off the event loop."""

import asyncio
import time
from dataclasses import replace

import pytest

from bot.discord_api.attempts import InvalidRequests
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.delivery import DiscordDelivery
from bot.discord_api.messages import render
from bot.domain.channel_settings import Layout
from bot.domain.history import Position
from bot.domain.outgoing import Delivered, MessageAbsent, RetryLater
from bot.domain.post import MessageHeader, OutboxEntry, Post
from sandbox.discord import ChannelKind
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.discord_client import DiscordHarness, connected, logged_in
from tests.support.store import NOW


def access_of(lab: DiscordHarness, clock: FakeClock) -> ChannelAccess:
    return ChannelAccess(lab.client, clock, InvalidRequests(clock))


@pytest.mark.parametrize("kind", [ChannelKind.TEXT, ChannelKind.FORUM, ChannelKind.PUBLIC_THREAD])
async def test_channel_of_a_server_unknown_to_the_gateway_is_retried_soon(kind: ChannelKind) -> None:
    """Neither its type nor the permissions can be relied on, so that nothing is sent and no block is reported."""
    async with logged_in() as lab:
        guild_id = lab.world.default.guild_id
        if kind is ChannelKind.PUBLIC_THREAD:
            channel = lab.world.add_thread(lab.world.default.channel("papers"), "thread", owner_id=lab.world.bot_id)
        else:
            channel = lab.world.add_channel(guild_id, "unseen", kind)
        blocked = await access_of(lab, clock := FakeClock()).check_channel(channel.id)
        assert isinstance(blocked, RetryLater)
        assert blocked.reason == "the gateway has not sent the channel's server yet"
        assert (blocked.not_before - clock.now()).total_seconds() < 10


async def test_forum_post_is_found_by_its_key() -> None:
    entries = (OutboxEntry(1, paper("2611.00001"), ("x",), alone=True),)
    async with connected() as lab:
        created = asyncio.ensure_future(lab.client.wait_for("guild_channel_create", timeout=10.0))
        await asyncio.sleep(0)  # lets it start to wait
        forum = lab.world.add_channel(lab.world.default.guild_id, "forum", ChannelKind.FORUM)
        await created
        post = Post("a-key-of-12c", forum.id, "1", NOW, NOW, entries, MessageHeader(Layout.CARDS, "**1 new paper**"))
        delivery = DiscordDelivery(lab.client, clock := FakeClock(), access_of(lab, clock))
        sent = await delivery.send(post)
        assert isinstance(sent, Delivered)
        assert sent.thread_id is not None
        assert await delivery.find(post, Position(0)) == sent
        assert await delivery.find(replace(post, key="another-key1"), Position(0)) == MessageAbsent()


@pytest.mark.slow
async def test_rendering_tex_does_not_block_the_event_loop() -> None:
    papers = [paper(f"2611.{number:05}", abstract=r"\frac{" * 3_000) for number in range(1, 11)]
    entries = tuple(OutboxEntry(number, each, ("x",), alone=False) for number, each in enumerate(papers))
    async with logged_in() as lab:
        post = Post("key", lab.world.default.channel("papers"), "1", NOW, NOW, entries, MessageHeader(Layout.CARDS, ""))
        rendering_s = await asyncio.to_thread(_rendering_time_s, post)
        gaps_s: list[float] = []
        measuring = asyncio.create_task(_measure_gaps(gaps_s))
        await asyncio.sleep(0)  # lets it start
        delivery = DiscordDelivery(lab.client, clock := FakeClock(), access_of(lab, clock))
        assert isinstance(await delivery.send(post), Delivered)
        measuring.cancel()
        assert max(gaps_s) < rendering_s / 2
        assert not lab.client.persistent_views, "discord.py would keep every message"


def _rendering_time_s(post: Post) -> float:
    started_s = time.thread_time()
    render(post)
    return time.thread_time() - started_s


async def _measure_gaps(gaps_s: list[float]) -> None:
    while True:
        started_s = time.thread_time()  # other threads and processes do not count
        await asyncio.sleep(0)
        gaps_s.append(time.thread_time() - started_s)
