"""Who is told of a paused channel, through a real discord.py client, and the requests that Discord holds against us."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import discord
import pytest

from bot.discord_api.invalid_requests import INVALID_REQUESTS_MAX, INVALID_REQUESTS_WINDOW_S, InvalidRequests
from bot.discord_api.notices import DiscordNotices
from bot.domain.subscription import BlockedNotice
from sandbox.discord import DiscordFault, DropAfter, DropBefore, Status
from tests.support.clock import FakeClock
from tests.support.discord_client import DEADLINE_S, DiscordHarness, SmallClient, connected

STRANGER = 1191319909171999997
REASON = "The bot needs Send Messages there."
MISSING_PERMISSIONS = Status.api_error(403, 50013, "Missing Permissions")


@dataclass(frozen=True, slots=True)
class Desk:
    """A messenger, and the Discord through which it tells."""

    lab: DiscordHarness
    clock: FakeClock
    invalid_requests: InvalidRequests
    messenger: DiscordNotices

    def notice(self, *, subscriber: int | None = None, guild_id: int | None = None) -> BlockedNotice:
        places = self.lab.world.default
        return BlockedNotice(places.channel("papers"), guild_id or places.guild_id, REASON, subscriber)

    def told(self, user_id: int) -> list[str]:
        """What a person was told directly."""
        dm = self.lab.world.dm_with(user_id)
        return [message.content for message in self.lab.world.messages.in_channel(dm.id)]

    def told_in(self, name: str) -> list[str]:
        """What was said in a channel."""
        channel_id = self.lab.world.default.channel(name)
        return [message.content for message in self.lab.world.messages.in_channel(channel_id)]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A messenger in a server whose system channel is #general."""
    clock = FakeClock()
    invalid_requests = InvalidRequests(clock)
    async with connected(SmallClient(http_trace=invalid_requests.trace())) as lab:
        guild_id = lab.world.default.guild_id
        lab.world.remove_bot_from_guild(guild_id)
        lab.world.guilds[guild_id].system_channel_id = lab.world.default.channel("general")
        lab.world.add_bot_to_guild(guild_id)
        await lab.client.wait_for("guild_join", timeout=DEADLINE_S)
        yield Desk(lab, clock, invalid_requests, DiscordNotices(lab.client, invalid_requests))


async def test_subscriber_is_told_directly_and_nobody_else(desk: Desk) -> None:
    member = desk.lab.world.default.member_id
    assert await desk.messenger.tell(desk.notice(subscriber=member))
    (told,) = desk.told(member)
    assert REASON in told
    assert desk.told_in("general") == []


@pytest.mark.parametrize("kind", [Status(503), DropBefore(), DropAfter(), Status(429)], ids=repr)
async def test_notice_without_an_answer_is_not_settled_and_stands_there_once_in_the_end(
    desk: Desk, kind: DiscordFault
) -> None:
    member = desk.lab.world.default.member_id
    desk.lab.local.faults.add("POST", r"^/channels/\d+/messages$", kind)
    assert not await desk.messenger.tell(desk.notice(subscriber=member))
    assert await desk.messenger.tell(desk.notice(subscriber=member))
    assert len(desk.told(member)) == 1
    assert desk.told_in("general") == []


@pytest.mark.parametrize("subscriber", [None, STRANGER], ids=["nobody", "an account that is gone"])
async def test_server_is_told_where_no_subscriber_can_be(desk: Desk, subscriber: int | None) -> None:
    assert await desk.messenger.tell(desk.notice(subscriber=subscriber))
    (told,) = desk.told_in("general")
    assert f"<#{desk.lab.world.default.channel('papers')}>" in told


async def test_server_that_the_bot_left_or_that_has_nowhere_to_be_told_settles_the_notice(desk: Desk) -> None:
    assert await desk.messenger.tell(desk.notice(guild_id=STRANGER))
    desk.lab.local.faults.add("POST", r"^/channels/\d+/messages$", MISSING_PERMISSIONS)
    assert await desk.messenger.tell(desk.notice())
    assert desk.told_in("general") == []


# Invalid requests.


async def fail(desk: Desk, status: int, times: int) -> None:
    """Ask something that Discord answers with this status."""
    desk.lab.local.faults.add("GET", "^/users/@me$", Status.api_error(status, 0, "No"), times=times)
    for _ in range(times):
        with pytest.raises(discord.HTTPException):
            await desk.lab.client.http.request(discord.http.Route("GET", "/users/@me"))


async def test_other_refusals_are_not_held_against_us(desk: Desk) -> None:
    await fail(desk, 404, INVALID_REQUESTS_MAX + 1)
    await fail(desk, 400, INVALID_REQUESTS_MAX + 1)
    assert desk.invalid_requests.pause_s() == 0


async def test_after_many_invalid_requests_nobody_is_told_until_the_first_of_them_is_ten_minutes_old(
    desk: Desk,
) -> None:
    member = desk.lab.world.default.member_id
    await fail(desk, 403, 1)
    await desk.clock.advance(30)
    await fail(desk, 401, INVALID_REQUESTS_MAX - 2)
    assert desk.invalid_requests.pause_s() == 0
    await fail(desk, 403, 1)
    assert desk.invalid_requests.pause_s() == INVALID_REQUESTS_WINDOW_S - 30
    assert not await desk.messenger.tell(desk.notice(subscriber=member))
    await desk.clock.advance(INVALID_REQUESTS_WINDOW_S - 30)
    assert await desk.messenger.tell(desk.notice(subscriber=member))
    assert len(desk.told(member)) == 1
