"""Discord on its bad days: nothing is lost, nothing is doubled, people are told, and it goes on by itself."""

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.discord_api.client import RATELIMIT_WAIT_MAX_S
from bot.domain.keyword import Keyword
from sandbox.discord import DropAfter, DropBefore, FaultKind, Message, Permission, RateLimited, Status, StatusAfter
from tests.support.quiescence import until
from tests.support.running import DEADLINE_S, Box, a_bot, a_box
from tests.support.store import opened

# 10,000 invalid requests in ten minutes ban the address (topics/rate-limits): 1 % of it.
INVALID = {401, 403, 429}
INVALID_MAX = 100
MISSING_PERMISSIONS = Status.refusal(403, 50013, "Missing Permissions")
INVALID_FORM = Status.refusal(400, 50035, "Invalid Form Body")
NO_SUCH_USER = 1191319909171999998


def watching(box: Box, *names: str, keyword: str = "reward model") -> Path:
    """A settings file that watches a keyword in these channels: nobody subscribed, so nobody is told directly."""
    config = box.database.with_name("config.json")
    wanted = [{"channel_id": box.channel(name), "keywords": [keyword]} for name in names]
    config.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
    return config


def publish(box: Box, count: int = 3) -> list[str]:
    """New papers about reward models."""
    return [box.publish(f"Reward Models, Part {part}") for part in range(count)]


async def until_read(box: Box) -> None:
    """Wait until the past was read: what is published from then on is new."""
    await box.until_status_says("Last look at arXiv**: <t:")


def messages_path(box: Box, name: str) -> str:
    return rf"^/channels/{box.channel(name)}/messages$"


def sends(box: Box, name: str) -> list[int | None]:
    """The statuses of all attempts to post in a channel."""
    path = f"/channels/{box.channel(name)}/messages"
    return [request.status for request in box.discord.requests if (request.method, request.path) == ("POST", path)]


def direct_messages(box: Box, user_id: int) -> list[str]:
    """What the bot wrote to a person directly."""
    return [message.content for message in box.world.messages.in_channel(box.world.dm_with(user_id).id)]


def said_in(box: Box, name: str) -> list[Message]:
    """What the bot wrote in a channel that is no paper."""
    return [message for message in box.posts(name) if not message.embeds]


def deny(box: Box, name: str, permission: Permission = Permission.SEND_MESSAGES) -> None:
    box.world.set_overwrite(box.channel(name), box.world.default.bot_role_id, deny=permission)


def allow(box: Box, name: str) -> None:
    box.world.set_overwrite(box.channel(name), box.world.default.bot_role_id)


# No answer, or one that says nothing.

NO_ANSWER: dict[str, FaultKind] = {
    "general": Status(500),
    "papers": StatusAfter(502),
    "reward-models": Status(503),
    "vision": StatusAfter(504),
    "announcements": DropBefore(),
    "reading club": DropAfter(),
}


@pytest.mark.slow
async def test_errors_and_dropped_connections_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box, config=watching(box, *NO_ANSWER)):
        await until_read(box)
        for name, kind in NO_ANSWER.items():
            box.discord.faults.add("POST", messages_path(box, name), kind)
        urls = publish(box, 13)
        for name in NO_ANSWER:
            await box.posted(name, 13)
        assert not box.discord.faults.pending
        assert {name: Counter(box.posted_urls(name)) for name in NO_ANSWER} == {
            name: Counter(urls) for name in NO_ANSWER
        }


@pytest.mark.slow
async def test_channel_that_is_asked_to_wait_for_long_rests_alone_and_without_asking_again(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box, config=watching(box, "papers", "vision")):
        await until_read(box)
        box.discord.faults.add("POST", messages_path(box, "papers"), RateLimited(RATELIMIT_WAIT_MAX_S + 5))
        urls = publish(box)
        await box.posted("vision", 3)
        await box.until_looked_again()
        assert sends(box, "papers") == [429]
        assert box.posted_urls("papers") == []
        assert "**Waiting to be posted**: 3 papers." in await box.said("status")
        urls += publish(box, 1)
        await box.posted("vision", 4)
        assert box.posted_urls("vision") == urls


@pytest.mark.slow
async def test_message_that_discord_refuses_is_set_aside_and_the_channel_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_box(tmp_path) as box, a_bot(box, config=watching(box, "papers")):
        await until_read(box)
        # All of them together, then the first alone.
        box.discord.faults.add("POST", messages_path(box, "papers"), INVALID_FORM, times=2)
        culprit, *others = publish(box, 4)
        await box.posted("papers", 3)
        await box.until_looked_again()
        assert box.posted_urls("papers") == others
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["message rejected"]
        assert "**Waiting to be posted**: 0 papers." in await box.said("status")
    with closing(sqlite3.connect(box.database)) as connection:
        refused = connection.execute("SELECT arxiv_id, rejection_reason FROM outbox WHERE state = 'refused'").fetchall()
    assert [f"https://arxiv.org/abs/{arxiv_id}" for arxiv_id, _ in refused] == [culprit]
    assert "Invalid Form Body" in refused[0][1]


# The gateway.


@pytest.mark.slow
async def test_posts_go_on_while_the_gateway_is_gone_and_what_changed_meanwhile_is_seen_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box, a_bot(box, config=watching(box, "papers", "vision")):
        await until_read(box)
        box.discord.gateway_open = False
        await box.discord.close_gateway(resumable=False)
        urls = publish(box)
        await box.posted("papers", 3)
        deny(box, "vision")
        box.discord.gateway_open = True
        await box.discord.wait_until_bot_ready(DEADLINE_S)
        said = await box.until_status_says("The bot needs Send Messages there.")
        assert f"<#{box.channel('vision')}>, paused" in said
        assert box.discord.identifies == 2
        allow(box, "vision")
        await box.posted("vision", 3)
        urls += publish(box, 2)
        for name in ("papers", "vision"):
            await box.posted(name, 5)
            assert box.posted_urls(name) == urls


@pytest.mark.parametrize("resumable", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["RESUMED", "READY"])
async def test_gateway_that_hangs_up_while_papers_are_posted_loses_nothing_and_doubles_nothing(
    tmp_path: Path, *, resumable: bool
) -> None:
    async with a_box(tmp_path) as box, a_bot(box, config=watching(box, "papers")):
        await until_read(box)
        urls: list[str] = []
        for hang_up in (None, 4000):
            urls += publish(box, 12)
            await box.posted("papers", len(urls) - 2)  # one message is there, the other is on its way
            await box.discord.close_gateway(hang_up, resumable=resumable)
            await box.posted("papers", len(urls))
            await box.discord.wait_until_bot_ready(DEADLINE_S)
        assert Counter(box.posted_urls("papers")) == Counter(urls)
        assert box.discord.identifies == (1 if resumable else 3)
        deny(box, "papers")
        await box.until_status_says("The bot needs Send Messages there.")


# Channels that cannot be posted in.


async def test_closed_channel_is_told_to_its_subscriber_once_and_resumes_by_itself(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        admin = box.world.default.admin_id
        await box.subscribe("reward model")
        deny(box, "papers")
        await box.until(lambda: bool(direct_messages(box, admin)))
        urls = publish(box)
        await box.until_status_says("**Waiting to be posted**: 3 papers.")
        allow(box, "papers")
        await box.posted("papers", 3)
        assert box.posted_urls("papers") == urls
        # Within a day nobody is told again.
        deny(box, "papers", Permission.EMBED_LINKS)
        await box.until_status_says("The bot needs Embed Links there.")
        await box.until_looked_again()
        (told,) = direct_messages(box, admin)
        assert told == (
            f"I can't post in <#{box.channel('papers')}>. The bot needs Send Messages there. "
            "New papers are queued, and posted as soon as this is fixed."
        )
        assert set(sends(box, "papers")) == {200}


@pytest.mark.parametrize(
    "told_in",
    ["public updates", *(pytest.param(where, marks=pytest.mark.slow) for where in ("system", "nowhere"))],
)
async def test_subscriber_who_takes_no_direct_messages_is_told_through_the_server_without_keywords(
    tmp_path: Path, told_in: str
) -> None:
    async with a_box(tmp_path) as box:
        guild = box.world.guilds[box.world.default.guild_id]
        if told_in != "nowhere":
            guild.system_channel_id = box.channel("general")
            guild.public_updates_channel_id = box.channel("admins" if told_in == "public updates" else "no-entry")
        box.world.users[box.world.default.admin_id].accepts_dms = False
        async with a_bot(box):
            await box.subscribe("reward model")
            deny(box, "papers")
            await box.until_status_says("The bot needs Send Messages there.")
            await box.until(lambda: refusals(box) == 1)
            where = {"public updates": "admins", "system": "general"}.get(told_in)
            if where is not None:
                await box.until(lambda: bool(said_in(box, where)))
            await box.until_looked_again()
            found = {name: len(said_in(box, name)) for name in ("admins", "general", "papers") if said_in(box, name)}
            assert found == ({} if where is None else {where: 1})
            assert refusals(box) == 1
            for message in said_in(box, where or "papers"):
                assert f"<#{box.channel('papers')}>" in message.content
                assert "reward" not in message.content
                assert not message.pings


async def test_channel_of_the_settings_file_is_told_of_in_its_server(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        box.world.guilds[box.world.default.guild_id].system_channel_id = box.channel("general")
        async with a_bot(box, config=watching(box, "read-only", "papers")):
            await box.until(lambda: bool(said_in(box, "general")))
            await until_read(box)
            (told,) = said_in(box, "general")
            assert f"<#{box.channel('read-only')}>" in told.content


async def test_locked_thread_keeps_its_papers_until_it_is_open_again(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        thread, admin = box.channel("reading club"), box.world.default.admin_id
        await box.subscribe("reward model", channel="reading club")
        for archived in (False, True):
            box.world.set_thread(thread, locked=True, archived=archived)
            # A thread in the archive is not among the server's channels any more.
            await box.until_status_says("paused <t:")
            urls = publish(box, 2)
            await box.until_status_says("**Waiting to be posted**: 2 papers.")
            assert "The thread is locked." in await box.said("status")
            before = len(box.posted_urls("reading club"))
            box.world.set_thread(thread, locked=False, archived=False)
            await box.posted("reading club", before + 2)
            assert box.posted_urls("reading club")[before:] == urls
        assert len(direct_messages(box, admin)) == 1


async def test_deleted_channel_is_told_of_and_the_others_go_on(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        admin = box.world.default.admin_id
        for name in ("papers", "vision", "reading club"):
            await box.subscribe("reward model", channel=name)
        for name in ("papers", "reading club"):
            box.world.delete_channel(box.channel(name))
        await box.until(lambda: len(direct_messages(box, admin)) == 2)
        urls = publish(box)
        await box.posted("vision", 3)
        assert box.posted_urls("vision") == urls
        said = await box.said("status", channel="vision")
        for name in ("papers", "reading club"):
            gone = (
                rf"^⏸️ <#{box.channel(name)}> \(deleted or archived, id `\d+`\), paused <t:\d+:R>: The channel does not"
            )
            assert re.search(gone, said, re.MULTILINE)


async def test_server_that_sends_the_bot_away_keeps_its_papers_until_it_is_back(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        admin, guild_id = box.world.default.admin_id, box.world.default.guild_id
        await box.subscribe("reward model")
        box.world.remove_bot_from_guild(guild_id)
        await box.until(lambda: bool(direct_messages(box, admin)))
        (told,) = direct_messages(box, admin)
        assert "The bot is not in the channel's server" in told
        urls = publish(box)
        await box.until_looked_again()
        assert box.posted_urls("papers") == []
        box.world.add_bot_to_guild(guild_id)
        await box.posted("papers", 3)
        assert box.posted_urls("papers") == urls
        assert sends(box, "papers") == [200]


def refusals(box: Box) -> int:
    """How many direct messages Discord refused."""
    dms = {channel.id for channel in box.world.channels.values() if channel.guild_id is None}
    paths = {f"/channels/{channel_id}/messages" for channel_id in dms}
    return sum(request.status == 403 for request in box.discord.requests if request.path in paths)


@pytest.mark.slow
async def test_three_hundred_channels_that_refuse_stay_below_one_percent_of_discords_ban_limit(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        box.world.users[box.world.default.member_id].accepts_dms = False
        guild_id = box.world.default.guild_id
        channels = [box.world.add_channel(guild_id, f"closed {number}").id for number in range(300)]
        async with opened(box.database) as store:
            for channel_id in channels:
                await store.subscriptions.add(
                    Keyword.parse("reward model"),
                    channel_id,
                    guild_id,
                    added_by=box.world.default.member_id,
                    now=datetime.now(UTC),
                )
        # What the gateway tells of the channels is fine; Discord refuses all the same.
        box.discord.faults.add("POST", r"^/channels/\d+/messages$", MISSING_PERMISSIONS, times=100_000)
        async with a_bot(box):
            await until_read(box)
            publish(box, 1)
            await box.until_status_says("**Waiting to be posted**: 300 papers.")
            await until_all_rest(box)
            await box.until_looked_again()
            statuses = Counter(request.status for request in box.discord.requests)
        assert sum(statuses[status] for status in INVALID) < INVALID_MAX
        assert statuses[403] > 0


async def until_all_rest(box: Box) -> None:
    """Wait until no channel is to be tried now."""

    def all_rest() -> bool:
        with closing(sqlite3.connect(f"{box.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            question = "SELECT * FROM channels WHERE not_before IS NULL"
            return connection.execute(question).fetchone() is None

    await until(all_rest, DEADLINE_S)
