"""What the delivery says of channels whose server the gateway has not told of, as for moments after each session."""

import pytest

from bot.delivery import DiscordDelivery
from bot.domain.post import RetryLater
from bot.invalid_requests import InvalidRequests
from sandbox.discord import ChannelKind
from tests.support.clock import FakeClock
from tests.support.discord_client import Lab, logged_in


def delivery_of(lab: Lab, clock: FakeClock) -> DiscordDelivery:
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
        obstacle = await delivery_of(lab, clock := FakeClock()).obstacle(channel.id)
        assert isinstance(obstacle, RetryLater)
        assert obstacle.why == "Discord has not told of the channel's server yet"
        assert (obstacle.not_before - clock.now()).total_seconds() < 10
