"""Blocked channels keep their papers, admins get one notice, and posting resumes by itself."""

import re
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.keyword import Keyword
from sandbox.discord import Message, Permission, Status
from tests.support.posting import add_papers, allow, config_with, deny, send_statuses, wait_for_first_poll
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox
from tests.support.store import opened

pytestmark = pytest.mark.slow

# 1 % of the invalid requests in ten minutes after which Discord bans an address (topics/rate-limits).
INVALID = {401, 403, 429}
INVALID_MAX = 100
MISSING_PERMISSIONS = Status.api_error(403, 50013, "Missing Permissions")


def direct_messages(sandbox: RunningSandbox, user_id: int) -> list[str]:
    """Returns the bot's direct messages to a user."""
    return [message.content for message in sandbox.world.messages.in_channel(sandbox.world.dm_with(user_id).id)]


def notices_in(sandbox: RunningSandbox, name: str) -> list[Message]:
    """Returns the bot's messages in a channel that contain no paper."""
    return [message for message in sandbox.posts(name) if not message.embeds]


async def test_subscriber_gets_one_notice_and_a_blocked_channel_resumes(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        admin = sandbox.world.default.admin_id
        await sandbox.subscribe("reward model")
        deny(sandbox, "papers")
        await sandbox.wait_until(lambda: bool(direct_messages(sandbox, admin)))
        urls = add_papers(sandbox)
        await sandbox.wait_for_status("**Queued**: 3 papers.")
        allow(sandbox, "papers")
        await sandbox.wait_for_papers("papers", 3)
        assert sandbox.posted_urls("papers") == urls
        # A second block within a day causes no second notice.
        deny(sandbox, "papers", Permission.EMBED_LINKS)
        await sandbox.wait_for_status("The bot needs the Embed Links permission there.")
        await sandbox.wait_for_next_poll()
        (notice,) = direct_messages(sandbox, admin)
        assert notice == (
            f"Papers can't be posted in <#{sandbox.channel('papers')}>. "
            "The bot needs the Send Messages permission there. "
            "New papers are queued and will be posted once this is fixed."
        )
        assert set(send_statuses(sandbox, "papers")) == {200}


@pytest.mark.parametrize(
    "target",
    ["public updates", *(pytest.param(where, marks=pytest.mark.slow) for where in ("system", "nowhere"))],
)
async def test_notice_goes_to_the_server_if_the_subscriber_accepts_no_dms(tmp_path: Path, target: str) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        guild = sandbox.world.guilds[sandbox.world.default.guild_id]
        if target != "nowhere":
            guild.system_channel_id = sandbox.channel("general")
            guild.public_updates_channel_id = sandbox.channel("admins" if target == "public updates" else "no-entry")
        sandbox.world.users[sandbox.world.default.admin_id].accepts_dms = False
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            deny(sandbox, "papers")
            await sandbox.wait_for_status("The bot needs the Send Messages permission there.")
            await sandbox.wait_until(lambda: rejected_direct_messages(sandbox) == 1)
            where = {"public updates": "admins", "system": "general"}.get(target)
            if where is not None:
                await sandbox.wait_until(lambda: bool(notices_in(sandbox, where)))
            await sandbox.wait_for_next_poll()
            found = {
                name: len(notices_in(sandbox, name))
                for name in ("admins", "general", "papers")
                if notices_in(sandbox, name)
            }
            assert found == ({} if where is None else {where: 1})
            assert rejected_direct_messages(sandbox) == 1
            for message in notices_in(sandbox, where or "papers"):
                assert f"<#{sandbox.channel('papers')}>" in message.content
                assert "reward" not in message.content
                assert not message.pings


async def test_notice_about_a_channel_of_the_config_file_goes_to_its_server(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.world.guilds[sandbox.world.default.guild_id].system_channel_id = sandbox.channel("general")
        async with running_bot(sandbox, config=config_with(sandbox, "read-only", "papers")):
            await sandbox.wait_until(lambda: bool(notices_in(sandbox, "general")))
            await wait_for_first_poll(sandbox)
            (notice,) = notices_in(sandbox, "general")
            assert f"<#{sandbox.channel('read-only')}>" in notice.content


async def test_locked_thread_keeps_its_papers_until_it_is_unlocked(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        thread, admin = sandbox.channel("reading club"), sandbox.world.default.admin_id
        await sandbox.subscribe("reward model", channel="reading club")
        for archived in (False, True):
            sandbox.world.set_thread(thread, locked=True, archived=archived)
            # An archived thread is no longer among the server's channels.
            await sandbox.wait_for_status("blocked <t:")
            urls = add_papers(sandbox, 2)
            await sandbox.wait_for_status("**Queued**: 2 papers.")
            assert "The thread is locked." in await sandbox.reply_to("status")
            before = len(sandbox.posted_urls("reading club"))
            sandbox.world.set_thread(thread, locked=False, archived=False)
            await sandbox.wait_for_papers("reading club", before + 2)
            assert sandbox.posted_urls("reading club")[before:] == urls
        assert len(direct_messages(sandbox, admin)) == 1


async def test_deleted_channel_causes_a_notice_and_stops_no_other(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        admin = sandbox.world.default.admin_id
        for name in ("papers", "vision", "reading club"):
            await sandbox.subscribe("reward model", channel=name)
        for name in ("papers", "reading club"):
            sandbox.world.delete_channel(sandbox.channel(name))
        await sandbox.wait_until(lambda: len(direct_messages(sandbox, admin)) == 2)
        urls = add_papers(sandbox)
        await sandbox.wait_for_papers("vision", 3)
        assert sandbox.posted_urls("vision") == urls
        reply = await sandbox.reply_to("status", channel="vision")
        for name in ("papers", "reading club"):
            link = f"<#{sandbox.channel(name)}>"
            gone = rf"^⏸️ {link} \(deleted or archived, id `\d+`\), blocked <t:\d+:R>: The channel does not"
            assert re.search(gone, reply, re.MULTILINE)


async def test_papers_of_a_server_that_removed_the_bot_are_kept_until_it_returns(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        admin, guild_id = sandbox.world.default.admin_id, sandbox.world.default.guild_id
        await sandbox.subscribe("reward model")
        sandbox.world.remove_bot_from_guild(guild_id)
        await sandbox.wait_until(lambda: bool(direct_messages(sandbox, admin)))
        (notice,) = direct_messages(sandbox, admin)
        assert "The bot is not in the channel's server" in notice
        urls = add_papers(sandbox)
        await sandbox.wait_for_next_poll()
        assert sandbox.posted_urls("papers") == []
        sandbox.world.add_bot_to_guild(guild_id)
        await sandbox.wait_for_papers("papers", 3)
        assert sandbox.posted_urls("papers") == urls
        assert send_statuses(sandbox, "papers") == [200]


def rejected_direct_messages(sandbox: RunningSandbox) -> int:
    """Returns how many direct messages Discord rejected."""
    dms = {channel.id for channel in sandbox.world.channels.values() if channel.guild_id is None}
    paths = {f"/channels/{channel_id}/messages" for channel_id in dms}
    return sum(request.status == 403 for request in sandbox.discord.requests if request.path in paths)


async def test_300_blocked_channels_stay_below_one_percent_of_the_ban_limit(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.world.users[sandbox.world.default.member_id].accepts_dms = False
        guild_id = sandbox.world.default.guild_id
        channels = [sandbox.world.add_channel(guild_id, f"closed {number}").id for number in range(300)]
        async with opened(sandbox.database) as store:
            for channel_id in channels:
                await store.subscriptions.add_all(
                    [Keyword.parse("reward model")],
                    channel_id,
                    guild_id,
                    added_by=sandbox.world.default.member_id,
                    now=datetime.now(UTC),
                )
        # The gateway's permissions allow posting, and Discord rejects it all the same.
        sandbox.discord.faults.add("POST", r"^/channels/\d+/messages$", MISSING_PERMISSIONS, times=100_000)
        async with running_bot(sandbox):
            await wait_for_first_poll(sandbox)
            add_papers(sandbox, 1)
            await sandbox.wait_for_status("**Queued**: 300 papers.")
            await wait_for_all_backoffs(sandbox)
            await sandbox.wait_for_next_poll()
            statuses = Counter(request.status for request in sandbox.discord.requests)
        assert sum(statuses[status] for status in INVALID) < INVALID_MAX
        assert statuses[403] > 0


async def wait_for_all_backoffs(sandbox: RunningSandbox) -> None:
    """Waits until every channel waits for its next attempt."""

    def all_back_off() -> bool:
        with closing(sqlite3.connect(f"{sandbox.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            question = "SELECT * FROM channels WHERE not_before IS NULL"
            return connection.execute(question).fetchone() is None

    await wait_until(all_back_off, DEADLINE_S)
