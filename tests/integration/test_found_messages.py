"""Reads the bot's messages in a history: key, papers, layout and headline, in channels, threads and forums."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import aiohttp
import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.discord_api.acknowledgements import observe_acknowledgements
from bot.discord_api.attempts import InvalidRequests
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.delivery import DiscordDelivery
from bot.discord_api.found_messages import PAGES_PER_STEP, DiscordHistory
from bot.discord_api.server_time import DiscordTime
from bot.domain.channel_settings import Discussion, Layout
from bot.domain.found import FoundMessage, HistoryPage
from bot.domain.history import Position, created_at, snowflake
from bot.domain.outgoing import Blocked, Delivered, MessageAbsent, OutgoingMessage, RetryLater
from bot.domain.post import MessageHeader, OutboxEntry, Post
from bot.domain.trending.post import RankedEntry, TrendingPost
from bot.runtime.limits import HISTORY_PAGE_SIZE
from sandbox.discord import ChannelKind, Message, Status
from sandbox.discord.primitives import Payload, snowflake_at
from tests.support.builders import paper, trending_entry
from tests.support.clock import FakeClock
from tests.support.discord_client import DiscordHarness, SmallClient, connected, logged_in
from tests.support.store import NOW
from tests.support.trending_publisher import WEDNESDAY

HEADLINE = "**2 new papers** for graph"


def history_of(lab: DiscordHarness) -> DiscordHistory:
    clock = FakeClock()
    return DiscordHistory(lab.client, clock, DiscordTime(clock))


def delivery_of(lab: DiscordHarness) -> DiscordDelivery:
    clock = FakeClock()
    return DiscordDelivery(lab.client, clock, ChannelAccess(lab.client, clock, InvalidRequests(clock)))


def post(
    channel_id: int, papers: int, layout: Layout = Layout.CARDS, *, key: str = "a-key", role: int | None = None
) -> Post:
    entries = [OutboxEntry(n, paper(f"2611.{n:05}"), ("graph",), alone=False) for n in range(1, papers + 1)]
    header = MessageHeader(layout, HEADLINE, role)
    return Post(key, channel_id, f"nonce {key}", NOW, NOW, tuple(entries), header)


async def send(lab: DiscordHarness, message: OutgoingMessage) -> Delivered:
    sent = await delivery_of(lab).send(message)
    assert isinstance(sent, Delivered)
    return sent


async def read(lab: DiscordHarness, channel_id: int, after: int = 0) -> tuple[FoundMessage, ...]:
    page = await history_of(lab).read_history(channel_id, Position(after))
    assert isinstance(page, HistoryPage)
    assert page.rest is None
    return page.messages


async def forum_of(lab: DiscordHarness) -> int:
    created = asyncio.ensure_future(lab.client.wait_for("guild_channel_create", timeout=10.0))
    await asyncio.sleep(0)  # lets it start to wait
    forum = lab.world.add_channel(lab.world.default.guild_id, "forum", ChannelKind.FORUM)
    await created
    return forum.id


@pytest.mark.parametrize(
    ("papers", "layout"), [(1, Layout.CARDS), (10, Layout.CARDS), (1, Layout.COMPACT), (20, Layout.COMPACT)]
)
async def test_post_is_read_with_its_key_papers_and_header(papers: int, layout: Layout) -> None:
    async with logged_in() as lab:
        role = lab.world.default.bot_role_id
        message = post(lab.world.default.channel("papers"), papers, layout, role=role)
        sent = await send(lab, message)
        (found,) = await read(lab, message.channel_id)
        assert sent.message_id is not None
        assert found == FoundMessage(
            key="a-key",
            message_id=sent.message_id,
            arxiv_ids=tuple(entry.paper.arxiv_id.value for entry in message.entries),
            layout=layout,
            headline=HEADLINE,
            mention_role=role,
        )
        assert await read(lab, message.channel_id, sent.message_id) == ()


@pytest.mark.parametrize("headline", [HEADLINE, ""])
@pytest.mark.parametrize("channel_role", [101, None])
async def test_post_is_read_with_all_roles_that_it_pings(headline: str, channel_role: int | None) -> None:
    async with logged_in() as lab:
        message = post(lab.world.default.channel("papers"), 2)
        header = MessageHeader(Layout.CARDS, headline, channel_role, keyword_roles=(102, 103))
        await send(lab, replace(message, header=header))
        (found,) = await read(lab, message.channel_id)
        assert found.headline == headline
        # It does not matter which of them is the channel's.
        assert (found.mention_role, *found.keyword_roles) == header.roles


@pytest.mark.parametrize("papers", [1, 2])
@pytest.mark.parametrize("discussion", [Discussion.BUTTON, None])
async def test_post_is_read_with_its_button_for_discussions(papers: int, discussion: Discussion | None) -> None:
    async with logged_in() as lab:
        message = post(lab.world.default.channel("papers"), papers)
        await send(lab, replace(message, header=replace(message.header, discussion=discussion)))
        (found,) = await read(lab, message.channel_id)
        assert found.discussion is discussion


async def test_trending_post_is_read_with_its_day() -> None:
    async with logged_in() as lab:
        channel = lab.world.default.channel("papers")
        papers = tuple(RankedEntry(trending_entry(f"2611.{n:05}", day=WEDNESDAY)) for n in (1, 2))
        await send(lab, TrendingPost("a-key", channel, WEDNESDAY, 0, "nonce", NOW, NOW, papers))
        (found,) = await read(lab, channel)
        assert (found.day, found.key) == (WEDNESDAY, "a-key")


async def test_other_messages_are_no_posts() -> None:
    """Samples and replies have the key of no post, and people write whatever they want."""
    async with logged_in() as lab:
        channel = lab.world.default.channel("papers")
        lab.world.messages.post(channel, lab.world.default.admin_id, "**Trending on Friday, 99 November 2026**")
        await lab.partial("papers").send("Hello")
        await send(lab, post(channel, 2, key="looked-up"))
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="More", custom_id="trending:2026-11-20:1:0"))
        await lab.partial("papers").send("**Trending on Friday, 99 November 2026**", view=view)
        assert await read(lab, channel) == ()


async def test_messages_of_a_forum_are_found_in_their_threads() -> None:
    async with connected() as lab:
        forum = await forum_of(lab)
        first = await send(lab, post(forum, 1, key="first"))
        more = post(forum, 2, key="more")
        await send(lab, replace(more, header=replace(more.header, thread_id=first.thread_id)))
        lab.world.add_thread(forum, "of another person", owner_id=lab.world.default.admin_id)
        archived = await send(lab, post(forum, 1, key="archived"))
        assert archived.thread_id is not None
        lab.world.set_thread(archived.thread_id, archived=True)
        found = await read(lab, forum)
        assert [(message.key, message.thread_id) for message in found] == [
            ("first", first.thread_id),
            ("more", first.thread_id),
            ("archived", archived.thread_id),
        ]
        assert await read(lab, forum, snowflake(created_at(archived.thread_id) + timedelta(minutes=1))) == ()


async def read_in_steps(lab: DiscordHarness, channel_id: int, after: int) -> list[HistoryPage]:
    """Reads a history to its end, in at most five steps."""
    pages: list[HistoryPage] = []
    position: Position | None = Position(after)
    while position is not None:
        assert len(pages) < 5, "it never ends"
        page = await history_of(lab).read_history(channel_id, position)
        assert isinstance(page, HistoryPage)
        pages.append(page)
        position = page.rest
    return pages


@pytest.mark.parametrize("is_commented", [False, True])
async def test_forum_with_many_threads_is_read_in_steps(is_commented: bool) -> None:
    """People write in old forum posts, whose last messages are therefore newer than the threads after them."""
    async with connected() as lab:
        forum = await forum_of(lab)
        keys = [f"key-{number}" for number in range(PAGES_PER_STEP + 1)]
        threads = [(await send(lab, post(forum, 1, key=key))).thread_id or 0 for key in keys]
        if is_commented:
            for thread_id in threads:
                lab.world.messages.post(thread_id, lab.world.default.admin_id, "Interesting")
        pages = await read_in_steps(lab, forum, 0)
        assert [message.key for page in pages for message in page.messages] == keys
        assert pages[0].read_until in range(threads[-2], threads[-1]), "a later process may continue there"


async def test_comments_in_many_old_forum_posts_are_read_once() -> None:
    async with connected() as lab:
        forum = await forum_of(lab)
        threads = [
            (await send(lab, post(forum, 1, key=f"key-{number}"))).thread_id or 0
            for number in range(PAGES_PER_STEP + 1)
        ]
        for thread_id in threads:
            lab.world.messages.post(thread_id, lab.world.default.admin_id, "Interesting")
        pages = await read_in_steps(lab, forum, threads[-1])
        assert [page.messages for page in pages] == [(), ()]
        assert [page.read_until for page in pages] == [threads[-1], threads[-1]]


async def test_forum_post_with_many_comments_is_read_in_steps() -> None:
    async with connected() as lab:
        forum = await forum_of(lab)
        first = await send(lab, post(forum, 1, key="first"))
        assert first.thread_id is not None
        for _ in range(PAGES_PER_STEP * HISTORY_PAGE_SIZE):
            lab.world.messages.post(first.thread_id, lab.world.default.admin_id, "Interesting")
        more = post(forum, 2, key="more")
        await send(lab, replace(more, header=replace(more.header, thread_id=first.thread_id)))
        pages = await read_in_steps(lab, forum, 0)
        assert [[message.key for message in page.messages] for page in pages] == [["first"], ["more"]]
        assert pages[0].read_until < first.thread_id


async def test_long_history_is_read_up_to_its_newest_message() -> None:
    async with logged_in() as lab:
        channel = lab.world.default.channel("papers")
        ids = [snowflake_at(NOW.timestamp()) + number for number in range(200)]
        for message_id in ids:
            lab.world.messages.post(channel, lab.world.default.admin_id, "hello", message_id=message_id)
        message = post(channel, 1, key="absent")
        delivery = delivery_of(lab)
        assert await delivery.find(message, Position(0)) == Position(ids[99], ids[199])
        assert await delivery.find(message, Position(ids[99], ids[199])) == MessageAbsent()
        # Messages that people write in the meantime do not prolong the search.
        assert await delivery.find(message, Position(0, ids[50])) == MessageAbsent()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(Status(503), RetryLater), (Status.api_error(403, 50001, "Missing Access"), Blocked)],
)
async def test_history_that_cannot_be_read(answer: Status, outcome: type[RetryLater | Blocked]) -> None:
    async with logged_in() as lab:
        lab.local.faults.add("GET", "/messages$", answer, times=5)
        read_history = history_of(lab).read_history(lab.world.default.channel("papers"), Position(0))
        assert isinstance(await read_history, outcome)


async def test_message_that_discord_py_cannot_parse_does_not_hide_the_others() -> None:
    async with logged_in() as lab:
        message = post(lab.world.default.channel("papers"), 1)
        odd: Payload = {"type": "rich", "color": None}
        lab.world.messages.add(
            Message(lab.world.new_id(), message.channel_id, lab.world.default.admin_id, embeds=[odd])
        )
        sent = await send(lab, message)
        assert [found.message_id for found in await read(lab, message.channel_id)] == [sent.message_id]
        assert await delivery_of(lab).find(message, Position(0)) == sent


async def test_answer_without_messages_is_an_outage() -> None:
    async with logged_in() as lab:
        message = post(lab.world.default.channel("papers"), 1)
        lab.local.faults.add("GET", "/messages$", Status(200, {"messages": []}), times=2)
        assert isinstance(await history_of(lab).read_history(message.channel_id, Position(0)), RetryLater)
        assert isinstance(await delivery_of(lab).find(message, Position(0)), RetryLater)


async def test_thread_that_was_deleted_after_it_was_listed_does_not_block_its_forum() -> None:
    async with connected() as lab:
        forum = await forum_of(lab)
        deleted, kept = [await send(lab, post(forum, 1, key=key)) for key in ("deleted", "kept")]
        gone = Status.api_error(404, 10003, "Unknown Channel")
        lab.local.faults.add("GET", f"/channels/{deleted.thread_id}/messages$", gone, times=2)
        assert [found.message_id for found in await read(lab, forum)] == [kept.message_id]
        assert await delivery_of(lab).find(post(forum, 1, key="kept"), Position(0)) == kept
        lab.local.faults.add("GET", "/messages$", Status.api_error(404, 10004, "Unknown Guild"))
        assert isinstance(await history_of(lab).read_history(forum, Position(0)), Blocked)


async def test_discords_time_is_known_after_the_login() -> None:
    time = DiscordTime(FakeClock())
    async with logged_in(SmallClient(http_trace=time.observe(aiohttp.TraceConfig()))) as lab:
        now = time.now()
        assert now is not None
        assert abs(now.timestamp() - lab.world.now()) < 10
        assert DiscordHistory(lab.client, FakeClock(), time).started_at() == time.started_at
        assert DiscordHistory(lab.client, FakeClock(), time).server_time() == now


async def test_only_the_first_answer_to_an_interaction_is_evidence_of_a_second_bot() -> None:
    evidence: list[str] = []
    trace = observe_acknowledgements(aiohttp.TraceConfig(), evidence.append)
    taken = Status.api_error(400, 40060, "Interaction has already been acknowledged.")
    async with logged_in() as lab, aiohttp.ClientSession(trace_configs=[trace]) as session:

        async def answer(interaction_id: int) -> None:
            await session.post(f"{discord.http.Route.BASE}/interactions/{interaction_id}/token/callback", json={})

        for status in (Status(502), taken, Status(400), Status.api_error(400, 50035, "Invalid Form Body"), taken):
            lab.local.faults.add("POST", "/callback$", status)
        await answer(1)
        await answer(1)
        await answer(2)
        await answer(3)
        assert evidence == []
        await answer(4)
        assert len(evidence) == 1


async def test_error_nested_too_deeply_is_no_evidence_of_a_second_bot() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=400, text="[" * 100_000, content_type="application/json")

    evidence: list[str] = []
    app = web.Application()
    app.router.add_post("/interactions/1/token/callback", answer)
    trace = observe_acknowledgements(aiohttp.TraceConfig(), evidence.append)
    async with TestServer(app) as server, aiohttp.ClientSession(trace_configs=[trace]) as session:
        response = await session.post(server.make_url("/interactions/1/token/callback"))
        assert (response.status, evidence) == (400, [])


async def test_newest_message_is_known_from_the_gateway() -> None:
    async with logged_in() as lab:
        world, default = lab.world, lab.world.default
        written = world.messages.post(default.channel("papers"), default.member_id, "Hello")
        connection = asyncio.create_task(lab.client.connect())
        await lab.client.wait_until_ready()
        history = history_of(lab)
        assert history.newest_message(default.channel("papers")) == written.id
        assert history.newest_message(default.channel("vision")) == 0
        assert history.newest_message(default.channel("reading club")) == 0
        assert history.newest_message(default.channel("forum")) is None
        assert history.newest_message(1) is None
        await lab.client.close()
        await connection
