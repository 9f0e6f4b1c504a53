"""What the delivery says of channels whose server the gateway has not told of, as for moments after each session; and
that nobody waits while a message is drawn.
"""

import asyncio
import time

import pytest

from bot.discord_api.delivery import DiscordDelivery
from bot.discord_api.invalid_requests import InvalidRequests
from bot.discord_api.messages import render
from bot.domain.channel_settings import Layout
from bot.domain.outgoing import Delivered, RetryLater
from bot.domain.post import MessageHeader, OutboxEntry, Post
from sandbox.discord import ChannelKind
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.discord_client import DiscordHarness, logged_in
from tests.support.store import NOW


def delivery_of(lab: DiscordHarness, clock: FakeClock) -> DiscordDelivery:
    return DiscordDelivery(lab.client, clock, InvalidRequests(clock))


@pytest.mark.parametrize("kind", [ChannelKind.TEXT, ChannelKind.FORUM, ChannelKind.PUBLIC_THREAD])
async def test_channel_of_a_server_that_the_gateway_did_not_tell_of_yet_is_waited_for(kind: ChannelKind) -> None:
    """Whether it is a forum and what the bot may do there is not known: nothing is sent by a guess, nobody is told."""
    async with logged_in() as lab:
        guild_id = lab.world.default.guild_id
        if kind is ChannelKind.PUBLIC_THREAD:
            channel = lab.world.add_thread(lab.world.default.channel("papers"), "thread", owner_id=lab.world.bot_id)
        else:
            channel = lab.world.add_channel(guild_id, "unseen", kind)
        blocked = await delivery_of(lab, clock := FakeClock()).blocked(channel.id)
        assert isinstance(blocked, RetryLater)
        assert blocked.reason == "Discord has not told of the channel's server yet"
        assert (blocked.not_before - clock.now()).total_seconds() < 10


async def test_event_loop_turns_while_a_message_full_of_tex_is_drawn() -> None:
    papers = [paper(f"2611.{number:05}", abstract=r"\frac{" * 3_000) for number in range(1, 11)]
    entries = tuple(OutboxEntry(number, each, ("x",), alone=False) for number, each in enumerate(papers))
    async with logged_in() as lab:
        post = Post("key", lab.world.default.channel("papers"), "1", NOW, NOW, entries, MessageHeader(Layout.CARDS, ""))
        drawing_s = await asyncio.to_thread(_seconds_to_draw, post)
        gaps_s: list[float] = []
        ticking = asyncio.create_task(_tick(gaps_s))
        await asyncio.sleep(0)  # it ticks from here on
        assert isinstance(await delivery_of(lab, FakeClock()).send(post), Delivered)
        ticking.cancel()
        assert max(gaps_s) < drawing_s / 2
        assert not lab.client.persistent_views, "discord.py would remember each message for good"


def _seconds_to_draw(post: Post) -> float:
    began_s = time.thread_time()
    render(post)
    return time.thread_time() - began_s


async def _tick(gaps_s: list[float]) -> None:
    while True:
        began_s = time.thread_time()  # what other threads and programs do meanwhile does not count
        await asyncio.sleep(0)
        gaps_s.append(time.thread_time() - began_s)
