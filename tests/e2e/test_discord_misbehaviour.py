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
from sandbox.discord import DiscordFault, DropAfter, DropBefore, Message, Permission, RateLimited, Status, StatusAfter
from tests.support.quiescence import until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox
from tests.support.store import opened

# 10,000 invalid requests in ten minutes ban the address (topics/rate-limits): 1 % of it.
INVALID = {401, 403, 429}
INVALID_MAX = 100
MISSING_PERMISSIONS = Status.api_error(403, 50013, "Missing Permissions")
INVALID_FORM = Status.api_error(400, 50035, "Invalid Form Body")
NO_SUCH_USER = 1191319909171999998


def watching(sandbox: RunningSandbox, *names: str, keyword: str = "reward model") -> Path:
    """A settings file that watches a keyword in these channels: nobody subscribed, so nobody is told directly."""
    config = sandbox.database.with_name("config.json")
    wanted = [{"channel_id": sandbox.channel(name), "keywords": [keyword]} for name in names]
    config.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
    return config


def publish(sandbox: RunningSandbox, count: int = 3) -> list[str]:
    """New papers about reward models."""
    return [sandbox.add_paper(f"Reward Models, Part {part}") for part in range(count)]


async def until_read(sandbox: RunningSandbox) -> None:
    """Wait until the past was read: what is published from then on is new."""
    await sandbox.wait_for_status("Last checked**: <t:")


def messages_path(sandbox: RunningSandbox, name: str) -> str:
    return rf"^/channels/{sandbox.channel(name)}/messages$"


def sends(sandbox: RunningSandbox, name: str) -> list[int | None]:
    """The statuses of all attempts to post in a channel."""
    path = f"/channels/{sandbox.channel(name)}/messages"
    return [request.status for request in sandbox.discord.requests if (request.method, request.path) == ("POST", path)]


def direct_messages(sandbox: RunningSandbox, user_id: int) -> list[str]:
    """What the bot wrote to a person directly."""
    return [message.content for message in sandbox.world.messages.in_channel(sandbox.world.dm_with(user_id).id)]


def said_in(sandbox: RunningSandbox, name: str) -> list[Message]:
    """What the bot wrote in a channel that is no paper."""
    return [message for message in sandbox.posts(name) if not message.embeds]


def deny(sandbox: RunningSandbox, name: str, permission: Permission = Permission.SEND_MESSAGES) -> None:
    sandbox.world.set_overwrite(sandbox.channel(name), sandbox.world.default.bot_role_id, deny=permission)


def allow(sandbox: RunningSandbox, name: str) -> None:
    sandbox.world.set_overwrite(sandbox.channel(name), sandbox.world.default.bot_role_id)


# No answer, or one that says nothing.

NO_ANSWER: dict[str, DiscordFault] = {
    "general": Status(500),
    "papers": StatusAfter(502),
    "reward-models": Status(503),
    "vision": StatusAfter(504),
    "announcements": DropBefore(),
    "reading club": DropAfter(),
}


@pytest.mark.slow
async def test_errors_and_dropped_connections_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=watching(sandbox, *NO_ANSWER)):
        await until_read(sandbox)
        for name, kind in NO_ANSWER.items():
            sandbox.discord.faults.add("POST", messages_path(sandbox, name), kind)
        urls = publish(sandbox, 13)
        for name in NO_ANSWER:
            await sandbox.wait_for_papers(name, 13)
        assert not sandbox.discord.faults.pending
        assert {name: Counter(sandbox.posted_urls(name)) for name in NO_ANSWER} == {
            name: Counter(urls) for name in NO_ANSWER
        }


@pytest.mark.slow
async def test_channel_that_is_asked_to_wait_for_long_rests_alone_and_without_asking_again(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=watching(sandbox, "papers", "vision")):
        await until_read(sandbox)
        sandbox.discord.faults.add("POST", messages_path(sandbox, "papers"), RateLimited(RATELIMIT_WAIT_MAX_S + 5))
        urls = publish(sandbox)
        await sandbox.wait_for_papers("vision", 3)
        await sandbox.wait_for_next_poll()
        assert sends(sandbox, "papers") == [429]
        assert sandbox.posted_urls("papers") == []
        assert "**Queued**: 3 papers." in await sandbox.reply_to("status")
        urls += publish(sandbox, 1)
        await sandbox.wait_for_papers("vision", 4)
        assert sandbox.posted_urls("vision") == urls


@pytest.mark.slow
async def test_message_that_discord_refuses_is_set_aside_and_the_channel_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=watching(sandbox, "papers")):
        await until_read(sandbox)
        # All of them together, then the first alone.
        sandbox.discord.faults.add("POST", messages_path(sandbox, "papers"), INVALID_FORM, times=2)
        culprit, *others = publish(sandbox, 4)
        await sandbox.wait_for_papers("papers", 3)
        await sandbox.wait_for_next_poll()
        assert sandbox.posted_urls("papers") == others
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["message refused"]
        assert "**Queued**: 0 papers." in await sandbox.reply_to("status")
    with closing(sqlite3.connect(sandbox.database)) as connection:
        refused = connection.execute("SELECT arxiv_id, rejection_reason FROM outbox WHERE state = 'refused'").fetchall()
    assert [f"https://arxiv.org/abs/{arxiv_id}" for arxiv_id, _ in refused] == [culprit]
    assert "Invalid Form Body" in refused[0][1]


# The gateway.


@pytest.mark.slow
async def test_posts_go_on_while_the_gateway_is_gone_and_what_changed_meanwhile_is_seen_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=watching(sandbox, "papers", "vision")):
        await until_read(sandbox)
        sandbox.discord.gateway_open = False
        await sandbox.discord.close_gateway(resumable=False)
        urls = publish(sandbox)
        await sandbox.wait_for_papers("papers", 3)
        deny(sandbox, "vision")
        sandbox.discord.gateway_open = True
        await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        reply = await sandbox.wait_for_status("The bot needs Send Messages there.")
        assert f"<#{sandbox.channel('vision')}>, blocked" in reply
        assert sandbox.discord.identify_count == 2
        allow(sandbox, "vision")
        await sandbox.wait_for_papers("vision", 3)
        urls += publish(sandbox, 2)
        for name in ("papers", "vision"):
            await sandbox.wait_for_papers(name, 5)
            assert sandbox.posted_urls(name) == urls


@pytest.mark.parametrize("resumable", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["RESUMED", "READY"])
async def test_gateway_that_hangs_up_while_papers_are_posted_loses_nothing_and_doubles_nothing(
    tmp_path: Path, *, resumable: bool
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=watching(sandbox, "papers")):
        await until_read(sandbox)
        urls: list[str] = []
        for hang_up in (None, 4000):
            urls += publish(sandbox, 12)
            await sandbox.wait_for_papers("papers", len(urls) - 2)  # one message is there, the other is on its way
            await sandbox.discord.close_gateway(hang_up, resumable=resumable)
            await sandbox.wait_for_papers("papers", len(urls))
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        assert Counter(sandbox.posted_urls("papers")) == Counter(urls)
        assert sandbox.discord.identify_count == (1 if resumable else 3)
        deny(sandbox, "papers")
        await sandbox.wait_for_status("The bot needs Send Messages there.")


# Channels that cannot be posted in.


async def test_closed_channel_is_told_to_its_subscriber_once_and_resumes_by_itself(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        admin = sandbox.world.default.admin_id
        await sandbox.subscribe("reward model")
        deny(sandbox, "papers")
        await sandbox.wait_until(lambda: bool(direct_messages(sandbox, admin)))
        urls = publish(sandbox)
        await sandbox.wait_for_status("**Queued**: 3 papers.")
        allow(sandbox, "papers")
        await sandbox.wait_for_papers("papers", 3)
        assert sandbox.posted_urls("papers") == urls
        # Within a day nobody is told again.
        deny(sandbox, "papers", Permission.EMBED_LINKS)
        await sandbox.wait_for_status("The bot needs Embed Links there.")
        await sandbox.wait_for_next_poll()
        (told,) = direct_messages(sandbox, admin)
        assert told == (
            f"Papers cannot be posted in <#{sandbox.channel('papers')}> at the moment. "
            "The bot needs Send Messages there. They are kept, and posted as soon as this is mended."
        )
        assert set(sends(sandbox, "papers")) == {200}


@pytest.mark.parametrize(
    "told_in",
    ["public updates", *(pytest.param(where, marks=pytest.mark.slow) for where in ("system", "nowhere"))],
)
async def test_subscriber_who_takes_no_direct_messages_is_told_through_the_server_without_keywords(
    tmp_path: Path, told_in: str
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        guild = sandbox.world.guilds[sandbox.world.default.guild_id]
        if told_in != "nowhere":
            guild.system_channel_id = sandbox.channel("general")
            guild.public_updates_channel_id = sandbox.channel("admins" if told_in == "public updates" else "no-entry")
        sandbox.world.users[sandbox.world.default.admin_id].accepts_dms = False
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            deny(sandbox, "papers")
            await sandbox.wait_for_status("The bot needs Send Messages there.")
            await sandbox.wait_until(lambda: refusals(sandbox) == 1)
            where = {"public updates": "admins", "system": "general"}.get(told_in)
            if where is not None:
                await sandbox.wait_until(lambda: bool(said_in(sandbox, where)))
            await sandbox.wait_for_next_poll()
            found = {
                name: len(said_in(sandbox, name)) for name in ("admins", "general", "papers") if said_in(sandbox, name)
            }
            assert found == ({} if where is None else {where: 1})
            assert refusals(sandbox) == 1
            for message in said_in(sandbox, where or "papers"):
                assert f"<#{sandbox.channel('papers')}>" in message.content
                assert "reward" not in message.content
                assert not message.pings


async def test_channel_of_the_settings_file_is_told_of_in_its_server(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.world.guilds[sandbox.world.default.guild_id].system_channel_id = sandbox.channel("general")
        async with running_bot(sandbox, config=watching(sandbox, "read-only", "papers")):
            await sandbox.wait_until(lambda: bool(said_in(sandbox, "general")))
            await until_read(sandbox)
            (told,) = said_in(sandbox, "general")
            assert f"<#{sandbox.channel('read-only')}>" in told.content


async def test_locked_thread_keeps_its_papers_until_it_is_open_again(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        thread, admin = sandbox.channel("reading club"), sandbox.world.default.admin_id
        await sandbox.subscribe("reward model", channel="reading club")
        for archived in (False, True):
            sandbox.world.set_thread(thread, locked=True, archived=archived)
            # A thread in the archive is not among the server's channels any more.
            await sandbox.wait_for_status("blocked <t:")
            urls = publish(sandbox, 2)
            await sandbox.wait_for_status("**Queued**: 2 papers.")
            assert "The thread is locked." in await sandbox.reply_to("status")
            before = len(sandbox.posted_urls("reading club"))
            sandbox.world.set_thread(thread, locked=False, archived=False)
            await sandbox.wait_for_papers("reading club", before + 2)
            assert sandbox.posted_urls("reading club")[before:] == urls
        assert len(direct_messages(sandbox, admin)) == 1


async def test_deleted_channel_is_told_of_and_the_others_go_on(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        admin = sandbox.world.default.admin_id
        for name in ("papers", "vision", "reading club"):
            await sandbox.subscribe("reward model", channel=name)
        for name in ("papers", "reading club"):
            sandbox.world.delete_channel(sandbox.channel(name))
        await sandbox.wait_until(lambda: len(direct_messages(sandbox, admin)) == 2)
        urls = publish(sandbox)
        await sandbox.wait_for_papers("vision", 3)
        assert sandbox.posted_urls("vision") == urls
        reply = await sandbox.reply_to("status", channel="vision")
        for name in ("papers", "reading club"):
            link = f"<#{sandbox.channel(name)}>"
            gone = rf"^⏸️ {link} \(deleted or archived, id `\d+`\), blocked <t:\d+:R>: The channel does not"
            assert re.search(gone, reply, re.MULTILINE)


async def test_server_that_sends_the_bot_away_keeps_its_papers_until_it_is_back(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        admin, guild_id = sandbox.world.default.admin_id, sandbox.world.default.guild_id
        await sandbox.subscribe("reward model")
        sandbox.world.remove_bot_from_guild(guild_id)
        await sandbox.wait_until(lambda: bool(direct_messages(sandbox, admin)))
        (told,) = direct_messages(sandbox, admin)
        assert "The bot is not in the channel's server" in told
        urls = publish(sandbox)
        await sandbox.wait_for_next_poll()
        assert sandbox.posted_urls("papers") == []
        sandbox.world.add_bot_to_guild(guild_id)
        await sandbox.wait_for_papers("papers", 3)
        assert sandbox.posted_urls("papers") == urls
        assert sends(sandbox, "papers") == [200]


def refusals(sandbox: RunningSandbox) -> int:
    """How many direct messages Discord refused."""
    dms = {channel.id for channel in sandbox.world.channels.values() if channel.guild_id is None}
    paths = {f"/channels/{channel_id}/messages" for channel_id in dms}
    return sum(request.status == 403 for request in sandbox.discord.requests if request.path in paths)


@pytest.mark.slow
async def test_three_hundred_channels_that_refuse_stay_below_one_percent_of_discords_ban_limit(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.world.users[sandbox.world.default.member_id].accepts_dms = False
        guild_id = sandbox.world.default.guild_id
        channels = [sandbox.world.add_channel(guild_id, f"closed {number}").id for number in range(300)]
        async with opened(sandbox.database) as store:
            for channel_id in channels:
                await store.subscriptions.add(
                    Keyword.parse("reward model"),
                    channel_id,
                    guild_id,
                    added_by=sandbox.world.default.member_id,
                    now=datetime.now(UTC),
                )
        # What the gateway tells of the channels is fine; Discord refuses all the same.
        sandbox.discord.faults.add("POST", r"^/channels/\d+/messages$", MISSING_PERMISSIONS, times=100_000)
        async with running_bot(sandbox):
            await until_read(sandbox)
            publish(sandbox, 1)
            await sandbox.wait_for_status("**Queued**: 300 papers.")
            await until_all_rest(sandbox)
            await sandbox.wait_for_next_poll()
            statuses = Counter(request.status for request in sandbox.discord.requests)
        assert sum(statuses[status] for status in INVALID) < INVALID_MAX
        assert statuses[403] > 0


async def until_all_rest(sandbox: RunningSandbox) -> None:
    """Wait until no channel is to be tried now."""

    def all_rest() -> bool:
        with closing(sqlite3.connect(f"{sandbox.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            question = "SELECT * FROM channels WHERE not_before IS NULL"
            return connection.execute(question).fetchone() is None

    await until(all_rest, DEADLINE_S)
