"""Notices about blocked channels, sent by a real discord.py client, and the count of invalid requests."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import discord
import pytest

from bot.discord_api.attempts import INVALID_REQUESTS_MAX, INVALID_REQUESTS_WINDOW_S, InvalidRequests, request_trace
from bot.discord_api.notices import DiscordNotices
from bot.domain.subscription import BlockedNotice
from sandbox.discord import DiscordFault, DropAfter, DropBefore, Status
from tests.support.clock import FakeClock
from tests.support.discord_client import DEADLINE_S, DiscordHarness, SmallClient, connected

UNKNOWN_ID = 1191319909171999997
REASON = "The bot needs the Send Messages permission there."
MISSING_PERMISSIONS = Status.api_error(403, 50013, "Missing Permissions")


@dataclass(frozen=True, slots=True)
class NoticeHarness:
    """A notice sender and its local Discord."""

    lab: DiscordHarness
    clock: FakeClock
    invalid_requests: InvalidRequests
    notices: DiscordNotices

    def notice(self, *, subscriber: int | None = None, guild_id: int | None = None) -> BlockedNotice:
        ids = self.lab.world.default
        return BlockedNotice(ids.channel("papers"), guild_id or ids.guild_id, REASON, subscriber)

    def direct_messages(self, user_id: int) -> list[str]:
        """The direct messages to a user."""
        dm = self.lab.world.dm_with(user_id)
        return [message.content for message in self.lab.world.messages.in_channel(dm.id)]

    def messages_in(self, name: str) -> list[str]:
        """The messages in a channel."""
        channel_id = self.lab.world.default.channel(name)
        return [message.content for message in self.lab.world.messages.in_channel(channel_id)]


@pytest.fixture
async def harness() -> AsyncIterator[NoticeHarness]:
    """A notice sender in a server whose system channel is #general."""
    clock = FakeClock()
    invalid_requests = InvalidRequests(clock)
    async with connected(SmallClient(http_trace=request_trace(invalid_requests))) as lab:
        guild_id = lab.world.default.guild_id
        lab.world.remove_bot_from_guild(guild_id)
        lab.world.guilds[guild_id].system_channel_id = lab.world.default.channel("general")
        lab.world.add_bot_to_guild(guild_id)
        await lab.client.wait_for("guild_join", timeout=DEADLINE_S)
        yield NoticeHarness(lab, clock, invalid_requests, DiscordNotices(lab.client, invalid_requests))


async def test_notice_goes_to_the_subscriber_only(harness: NoticeHarness) -> None:
    member = harness.lab.world.default.member_id
    assert await harness.notices.send(harness.notice(subscriber=member))
    (text,) = harness.direct_messages(member)
    assert REASON in text
    assert harness.messages_in("general") == []


async def test_notice_in_the_server_names_no_channel_that_is_hidden_from_some(harness: NoticeHarness) -> None:
    ids = harness.lab.world.default
    for channel_id in (ids.channel("admins"), UNKNOWN_ID):
        assert await harness.notices.send(BlockedNotice(channel_id, ids.guild_id, REASON, None))
    for text in harness.messages_in("general"):
        assert text.startswith(f"Papers can't be posted in a channel that not everyone can view. {REASON} ")
        assert text.endswith(" `/status` shows the channel to those who can view it.")
    assert len(harness.messages_in("general")) == 2
    for name in ("papers", "reading club", "no-entry"):
        assert await harness.notices.send(BlockedNotice(ids.channel(name), ids.guild_id, REASON, None))
        assert f"<#{ids.channel(name)}>." in harness.messages_in("general")[-1]


@pytest.mark.parametrize("kind", [Status(503), DropBefore(), DropAfter(), Status(429)], ids=repr)
async def test_notice_without_an_answer_is_resent_without_a_duplicate(
    harness: NoticeHarness, kind: DiscordFault
) -> None:
    member = harness.lab.world.default.member_id
    harness.lab.local.faults.add("POST", r"^/channels/\d+/messages$", kind)
    assert not await harness.notices.send(harness.notice(subscriber=member))
    assert await harness.notices.send(harness.notice(subscriber=member))
    assert len(harness.direct_messages(member)) == 1
    assert harness.messages_in("general") == []


@pytest.mark.parametrize("subscriber", [None, UNKNOWN_ID], ids=["no subscriber", "a deleted account"])
async def test_notice_goes_to_the_server_if_there_is_no_reachable_subscriber(
    harness: NoticeHarness, subscriber: int | None
) -> None:
    assert await harness.notices.send(harness.notice(subscriber=subscriber))
    (text,) = harness.messages_in("general")
    assert f"<#{harness.lab.world.default.channel('papers')}>" in text


async def test_notice_that_can_reach_no_one_is_settled(harness: NoticeHarness) -> None:
    assert await harness.notices.send(harness.notice(guild_id=UNKNOWN_ID))
    harness.lab.local.faults.add("POST", r"^/channels/\d+/messages$", MISSING_PERMISSIONS)
    assert await harness.notices.send(harness.notice())
    assert harness.messages_in("general") == []


# Invalid requests.


async def fail(harness: NoticeHarness, status: int, times: int) -> None:
    """Makes requests that Discord answers with this status."""
    harness.lab.local.faults.add("GET", "^/users/@me$", Status.api_error(status, 0, "No"), times=times)
    for _ in range(times):
        with pytest.raises(discord.HTTPException):
            await harness.lab.client.http.request(discord.http.Route("GET", "/users/@me"))


async def test_other_errors_do_not_count_as_invalid_requests(harness: NoticeHarness) -> None:
    await fail(harness, 404, INVALID_REQUESTS_MAX + 1)
    await fail(harness, 400, INVALID_REQUESTS_MAX + 1)
    assert harness.invalid_requests.pause_s() == 0


async def test_no_notice_is_sent_for_ten_minutes_after_many_invalid_requests(
    harness: NoticeHarness,
) -> None:
    member = harness.lab.world.default.member_id
    await fail(harness, 403, 1)
    await harness.clock.advance(30)
    await fail(harness, 401, INVALID_REQUESTS_MAX - 2)
    assert harness.invalid_requests.pause_s() == 0
    await fail(harness, 403, 1)
    assert harness.invalid_requests.pause_s() == INVALID_REQUESTS_WINDOW_S - 30
    assert not await harness.notices.send(harness.notice(subscriber=member))
    await harness.clock.advance(INVALID_REQUESTS_WINDOW_S - 30)
    assert await harness.notices.send(harness.notice(subscriber=member))
    assert len(harness.direct_messages(member)) == 1
