"""Threads on the local Discord: their names, kinds and permissions, Discord's errors, and lost answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import discord
import pytest

from bot.discord_api.attempts import InvalidRequests, request_trace
from bot.discord_api.backoff import RATELIMIT_WAIT_MAX_S
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.threads import (
    LIMITED_CHANNELS_MAX,
    TOO_MANY_THREADS,
    TOO_MANY_THREADS_RETRY,
    DiscordThreads,
    LimitedChannels,
)
from bot.domain.discussion import MessageDeleted, PostedMessage, ThreadOutcome, ThreadRequest, ThreadStarted
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater
from sandbox.discord import Channel, ChannelKind, DropAfter, Limit, Message, Permission, RateLimits, Status
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.discord_client import DEADLINE_S, DiscordHarness, SmallClient, connected, logged_in
from tests.support.quiescence import wait_until

THREADS = r"^/channels/\d+/(messages/\d+/)?threads$"
ONE, TWO = paper(title=r"$\alpha$-Fair Agents"), paper("2611.00002", title="Agents <@1>")


@dataclass(frozen=True, slots=True)
class Lab:
    """A connected client that starts threads."""

    discord: DiscordHarness
    clock: FakeClock
    threads: DiscordThreads

    def request(self, *papers: int, name: str = "papers", whole: bool = False, key: str = "key") -> ThreadRequest:
        """A request for the thread of the first paper of a new message, or of the whole message."""
        world = self.discord.world
        channel_id = world.default.channel(name)
        message = world.messages.add(Message(world.new_id(), channel_id, world.bot_id, "papers"))
        contained = tuple((ONE, TWO)[number - 1] for number in papers)
        posted = PostedMessage(key, channel_id, message.id, "**2 new papers** for agents", contained)
        return ThreadRequest(posted, None if whole else contained[0])

    def thread(self, outcome: ThreadOutcome) -> Channel:
        """The thread on Discord."""
        assert isinstance(outcome, ThreadStarted), outcome
        return self.discord.world.channels[outcome.thread_id]

    def all(self) -> list[str]:
        """The names of the threads that the bot started."""
        world = self.discord.world
        return [each.name for each in world.channels.values() if each.is_thread and each.owner_id == world.bot_id]

    def requests(self) -> list[int | None]:
        """The statuses of all attempts to start a thread."""
        recorded = self.discord.local.requests
        return [each.status for each in recorded if each.method == "POST" and each.path.endswith("/threads")]

    async def set_bot(self, name: str, **overwrite: Permission) -> None:
        """Changes the bot's permissions in a channel, and waits until its cache knows."""
        world, default = self.discord.world, self.discord.world.default
        updated = asyncio.ensure_future(self.discord.client.wait_for("guild_channel_update", timeout=DEADLINE_S))
        await asyncio.sleep(0)  # lets it start to wait
        world.set_overwrite(default.channel(name), default.bot_role_id, **overwrite)
        await updated


@asynccontextmanager
async def lab(rate_limits: RateLimits | None = None) -> AsyncIterator[Lab]:
    clock = FakeClock()
    invalid_requests = InvalidRequests(clock)
    client = SmallClient(http_trace=request_trace(invalid_requests))
    client.http.max_ratelimit_timeout = RATELIMIT_WAIT_MAX_S
    async with connected(client, rate_limits=rate_limits) as harness:
        yield Lab(harness, clock, DiscordThreads(client, clock, ChannelAccess(client, clock, invalid_requests)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("papers", ChannelKind.PUBLIC_THREAD), ("announcements", ChannelKind.ANNOUNCEMENT_THREAD)],
)
async def test_message_with_one_paper_gets_its_own_thread_with_the_title(name: str, kind: ChannelKind) -> None:
    async with lab() as at:
        request = at.request(1, name=name)
        outcome = await at.threads.start(request)
        assert outcome == ThreadStarted(request.message.message_id)
        thread = at.thread(outcome)
        assert (thread.name, thread.kind, thread.parent_id) == ("α-Fair Agents", kind, request.message.channel_id)


async def test_all_threads_that_discord_allows_in_five_minutes_are_started() -> None:
    """discord.py would raise an error for the second one, because the window is longer than it may wait."""
    limits = RateLimits(threads=Limit(3, 300.0), messages=Limit(1000, 1.0))
    async with lab(limits) as at:
        for number in range(3):
            assert isinstance(await at.threads.start(at.request(1, key=f"key {number}")), ThreadStarted)
        outcome = await at.threads.start(at.request(1))
        assert isinstance(outcome, RetryLater)
        assert timedelta(seconds=200) < outcome.not_before - at.clock.now() <= timedelta(seconds=301)


@pytest.mark.parametrize("is_at_once", [True, False])
async def test_rate_limit_of_a_channel_gets_one_rejection_and_stops_no_other_channel(is_at_once: bool) -> None:
    limits = RateLimits(threads=Limit(3, 300.0), messages=Limit(1000, 1.0), others=Limit(1000, 1.0))
    async with lab(limits) as at:
        requests = [at.request(1, key=f"key {number}") for number in range(20)]
        if is_at_once:
            outcomes = await asyncio.gather(*map(at.threads.start, requests))
        else:
            outcomes = [await at.threads.start(request) for request in requests]
        assert at.requests() == [201, 201, 201, 429]
        assert [isinstance(outcome, RetryLater) for outcome in outcomes] == [False] * 3 + [True] * 17
        assert isinstance(await at.threads.start(at.request(1, name="announcements")), ThreadStarted)
        await at.clock.advance(301)  # by the clock of the bot alone: Discord's limit lasts
        for request in requests[3:]:
            assert isinstance(await at.threads.start(request), RetryLater)
        assert at.requests() == [201, 201, 201, 429, 201, 429]


async def test_requests_leave_nothing_in_the_client_of_discord_py() -> None:
    async with lab(RateLimits(messages=Limit(1000, 1.0))) as at:
        hashes = at.discord.client.http._bucket_hashes  # noqa: SLF001
        before = dict(hashes)
        at.discord.local.faults.add("POST", THREADS, Status.api_error(400, 50035, "Invalid Form Body"))
        for papers in ((1,), (1,), (2, 1)):
            await at.threads.start(at.request(*papers))
        assert len(at.requests()) == 3
        assert hashes == before


async def test_rate_limits_that_are_over_are_forgotten() -> None:
    clock = FakeClock()
    channels, now = LimitedChannels(clock), clock.now()
    for channel_id in range(LIMITED_CHANNELS_MAX + 5):
        channels.add(channel_id, RetryLater(now + timedelta(minutes=5), "Discord's rate limit"))
    assert len(channels) == LIMITED_CHANNELS_MAX
    assert channels.get(4) is None
    clock.jump(timedelta(days=1))  # no clock of the machine prolongs a wait
    later = clock.now() + timedelta(minutes=5)
    assert channels.get(5) == RetryLater(later, "Discord's rate limit")
    await clock.advance(300)
    assert channels.get(5) is None
    channels.add(1, RetryLater(clock.now() + timedelta(minutes=5), "Discord's rate limit"))
    assert len(channels) == 1


async def test_thread_of_a_batch_has_the_headline_without_markdown() -> None:
    async with lab() as at:
        thread = at.thread(await at.threads.start(at.request(1, 2, whole=True)))
        assert thread.name == "2 new papers for agents"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("papers", ChannelKind.PUBLIC_THREAD), ("announcements", ChannelKind.ANNOUNCEMENT_THREAD)],
)
async def test_one_of_several_papers_gets_a_thread_beside_the_message(name: str, kind: ChannelKind) -> None:
    async with lab() as at:
        request = at.request(2, 1, name=name)
        outcome = await at.threads.start(request)
        thread = at.thread(outcome)
        assert thread.id != request.message.message_id
        assert (thread.name, thread.kind) == ("Agents <@\u200b1> · 2611.00002", kind)
        for _ in range(2):  # the second attempt has the same nonce
            assert isinstance(await at.threads.send_first_message(request.message, TWO, thread.id), Delivered)
        (message,) = at.discord.world.messages.in_channel(thread.id)
        guild_id = at.discord.world.default.guild_id
        link = f"https://discord.com/channels/{guild_id}/{request.message.channel_id}/{request.message.message_id}"
        assert message.content.endswith(f"](<https://arxiv.org/abs/2611.00002>), from [this post](<{link}>)")


async def test_existing_thread_of_a_message_is_returned_and_not_started_again() -> None:
    async with lab() as at:
        request = at.request(1)
        first = await at.threads.start(request)
        again = await at.threads.start(request)
        assert again == ThreadStarted(request.message.message_id, is_new=False)
        world = at.discord.world
        world.set_thread(at.thread(first).id, archived=True)
        await wait_until_forgotten(at, at.thread(first).id)
        assert await at.threads.start(request) == again
        assert at.all() == ["α-Fair Agents"]
        assert at.requests()[-1] == 400


async def wait_until_forgotten(at: Lab, thread_id: int) -> None:
    await wait_until(lambda: at.discord.client.get_channel(thread_id) is None, DEADLINE_S)


async def test_lost_answer_about_a_thread_beside_a_message_starts_no_second_one() -> None:
    async with lab() as at:
        request = at.request(2, 1)
        at.discord.local.faults.add("POST", THREADS, DropAfter())
        outcome = await at.threads.start(request)
        assert isinstance(outcome, OutcomeUnknown)
        assert len(at.requests()) == 1
        for is_archived in (False, True):
            (thread,) = (each for each in at.discord.world.channels.values() if each.name.endswith("2611.00002"))
            at.discord.world.set_thread(thread.id, archived=is_archived)
            if is_archived:
                await wait_until_forgotten(at, thread.id)
            found = await at.threads.start(request, attempted_since=at.clock.now())
            assert found == ThreadStarted(thread.id, is_new=False)
        assert at.all() == ["Agents <@\u200b1> · 2611.00002"]


async def test_thread_that_the_cache_lacks_is_found_among_the_active_ones() -> None:
    async with lab() as at:
        request = at.request(2, 1)
        thread = at.thread(await at.threads.start(request))
        channel = at.discord.text_channel("papers")
        await wait_until_known(at, thread.id)
        channel.guild._remove_thread(discord.Object(thread.id))  # noqa: SLF001 -- as after a lost event
        found = await at.threads.start(request, attempted_since=at.clock.now())
        assert found == ThreadStarted(thread.id, is_new=False)


async def wait_until_known(at: Lab, thread_id: int) -> None:
    await wait_until(lambda: at.discord.client.get_channel(thread_id) is not None, DEADLINE_S)


async def test_thread_of_another_member_with_the_same_name_is_not_used() -> None:
    async with lab() as at:
        request, world = at.request(2, 1), at.discord.world
        other = world.add_thread(request.message.channel_id, "Agents · 2611.00002", owner_id=world.default.member_id)
        await wait_until_known(at, other.id)
        outcome = await at.threads.start(request, attempted_since=at.clock.now())
        assert at.thread(outcome).id != other.id


@pytest.mark.parametrize(
    ("denied", "reason"),
    [
        (
            Permission.CREATE_PUBLIC_THREADS,
            "To start threads, the bot needs the Create Public Threads permission there.",
        ),
        (
            Permission.CREATE_PUBLIC_THREADS | Permission.SEND_MESSAGES_IN_THREADS,
            "To start threads, the bot needs the Create Public Threads and Send Messages in Threads permissions there.",
        ),
    ],
)
async def test_missing_permission_is_found_without_a_request(denied: Permission, reason: str) -> None:
    async with lab() as at:
        await at.set_bot("papers", deny=denied)
        for request in (at.request(1), at.request(2, 1)):
            assert await at.threads.start(request) == Blocked(reason)
        assert at.requests() == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Status.api_error(403, 50013, "Missing Permissions"), Blocked),
        (Status.api_error(404, 10008, "Unknown Message"), MessageDeleted),
        (Status.api_error(400, 160006, "Maximum number of active threads reached"), RetryLater),
        (Status.api_error(400, 50035, "Invalid Form Body"), Rejected),
        (Status(503, {}), OutcomeUnknown),
        (Status(200, {}), OutcomeUnknown),
    ],
)
async def test_error_of_discord_becomes_an_outcome(answer: Status, outcome: type[object]) -> None:
    async with lab() as at:
        at.discord.local.faults.add("POST", THREADS, answer, times=10)
        for request in (at.request(1), at.request(2, 1)):
            assert isinstance(await at.threads.start(request), outcome)


async def test_server_with_too_many_active_threads_is_tried_again_later() -> None:
    async with lab() as at:
        at.discord.world.active_threads_max = 1  # the default server has one
        outcome = await at.threads.start(at.request(1))
        assert outcome == RetryLater(at.clock.now() + TOO_MANY_THREADS_RETRY, TOO_MANY_THREADS)


async def test_deleted_message_gets_no_thread() -> None:
    async with lab() as at:
        request = at.request(1)
        message = at.discord.world.messages.get(request.message.message_id)
        assert message is not None
        at.discord.world.messages.delete(message)
        assert await at.threads.start(request) == MessageDeleted()


async def test_channel_without_threads_is_rejected_without_a_request() -> None:
    async with lab() as at:
        in_thread = at.request(1, name="reading club")
        for is_archived in (False, True):
            at.discord.world.set_thread(in_thread.message.channel_id, archived=is_archived)
            outcome = await at.threads.start(in_thread)
            assert outcome == Rejected("Threads can be started in text channels and announcement channels.")
        assert isinstance(await at.threads.start(at.request(1, name="no-entry")), Blocked)
        assert at.requests() == []


async def test_only_a_thread_that_discord_does_not_know_is_deleted() -> None:
    async with lab() as at:
        thread = at.thread(await at.threads.start(at.request(1)))
        assert await at.threads.exists(thread.id)
        at.discord.world.set_thread(thread.id, archived=True)
        await wait_until_forgotten(at, thread.id)
        assert await at.threads.exists(thread.id)
        at.discord.local.faults.add("GET", rf"^/channels/{thread.id}$", Status(503, {}), times=10)
        assert await at.threads.exists(thread.id)
        at.discord.local.faults.clear()
        at.discord.world.delete_channel(thread.id)
        assert not await at.threads.exists(thread.id)


async def test_first_message_that_discord_rejects_is_an_outcome() -> None:
    async with lab() as at:
        request = at.request(2, 1)
        thread = at.thread(await at.threads.start(request))
        at.discord.world.delete_channel(thread.id)
        assert isinstance(await at.threads.send_first_message(request.message, TWO, thread.id), Blocked)


async def test_channel_that_the_gateway_has_not_sent_waits() -> None:
    clock = FakeClock()
    async with logged_in() as harness:
        access = ChannelAccess(harness.client, clock, InvalidRequests(clock))
        message = PostedMessage("key", harness.world.default.channel("papers"), 2, "", (ONE,))
        outcome = await DiscordThreads(harness.client, clock, access).start(ThreadRequest(message, ONE))
    assert isinstance(outcome, RetryLater)
