"""Quotas for keywords, and the pages of `/keywords`."""

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.keyword import Keyword
from cogs.subscribe import SUBSCRIBE_PER_MINUTE
from sandbox.discord import Message
from tests.support.embeds import components_of
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox
from tests.support.store import opened

pytestmark = pytest.mark.slow


def names(count: int, name: str = "topic") -> list[str]:
    return [f"{name} {number:03}" for number in range(count)]


async def subscribe_before_start(sandbox: RunningSandbox, channel: str, keywords: Sequence[str]) -> None:
    """Writes subscriptions made by commands into the database of a bot that does not run yet."""
    default = sandbox.world.default
    async with opened(sandbox.database) as store:
        await store.subscriptions.add_all(
            [Keyword.parse(keyword) for keyword in keywords],
            sandbox.channel(channel),
            default.guild_id,
            added_by=default.admin_id,
            now=datetime.now(UTC),
        )


def limited_bot(sandbox: RunningSandbox) -> AbstractAsyncContextManager[asyncio.Task[None]]:
    return running_bot(
        sandbox,
        DAILY_PAPERS_LIMITS__KEYWORDS_PER_COMMAND="4",
        DAILY_PAPERS_LIMITS__KEYWORDS_PER_CHANNEL="5",
        DAILY_PAPERS_LIMITS__KEYWORDS_PER_SERVER="7",
    )


def stored_keywords(sandbox: RunningSandbox) -> int:
    with closing(sqlite3.connect(sandbox.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM subscriptions").fetchone()[0])


async def test_reply_names_the_quota_what_fits_and_what_to_do(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, limited_bot(sandbox):
        here = f"<#{sandbox.channel('papers')}>"
        reply = await sandbox.reply_to("subscribe", {"keyword": ", ".join(names(6))})
        lines = reply.splitlines()
        assert [line.split(":")[0] for line in lines[1:5]] == [f"**topic {number:03}**" for number in range(4)]
        assert lines[0] == (
            "Left out: **topic 004**, **topic 005**. One command takes up to 4 keywords, and you gave 6. "
            "Run `/subscribe` again for the others."
        )
        reply = await sandbox.reply_to("subscribe", {"keyword": "a b, c d, topic 000"})
        assert f"**topic 000**: already in {here}." in reply
        assert (
            f"Not added: **c d**. {here} has 5 keywords of at most 5, so only 1 of 2 new keywords fit. Remove some "
            "with `/unsubscribe`, or choose another channel in the `channel` option."
        ) in reply
        reply = await sandbox.reply_to("subscribe", {"keyword": "e f"})
        assert reply == (
            f"Not added: **e f**. {here} has 5 keywords of at most 5. Remove some with `/unsubscribe`, or choose "
            "another channel in the `channel` option."
        )
        reply = await sandbox.reply_to("subscribe", {"keyword": "g h, i j, k l", "channel": sandbox.channel("vision")})
        assert (
            "Not added: **k l**. This server has 7 keywords of at most 7, so only 2 of 3 new keywords fit. Remove some "
            "with `/unsubscribe`; `/keywords` lists them."
        ) in reply
        assert stored_keywords(sandbox) == 7
        reply = await sandbox.reply_to("unsubscribe", {"keyword": ", ".join(names(5))})
        assert reply.splitlines()[0] == (
            "Left out: **topic 004**. One command takes up to 4 keywords, and you gave 5. "
            "Run `/unsubscribe` again for the others."
        )
        assert stored_keywords(sandbox) == 3


async def test_person_beyond_the_rate_limit_of_subscribe_affects_no_one_else(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        ids = sandbox.world.default
        await sandbox.subscribe("reward model")
        options = {"keyword": "reward model"}
        for _ in range(SUBSCRIBE_PER_MINUTE - 1):
            assert "already in" in await sandbox.reply_to("subscribe", options)
        assert re.fullmatch(
            r"Rate limit: try again in \d+ s\.", await sandbox.reply_to("subscribe", {"keyword": "a b"})
        )
        assert stored_keywords(sandbox) == 1
        sandbox.world.set_member_roles(ids.guild_id, ids.member_id, [ids.admin_role_id])
        assert "already in" in await sandbox.reply_to("subscribe", options, user_id=ids.member_id)


async def test_command_with_hundreds_of_keywords_gets_one_short_reply(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        typed = ",".join(f"topic {number}" for number in range(600))
        invocation = await sandbox.command("subscribe", {"keyword": typed})
        assert invocation.reply is not None
        assert "and 570 more. One command takes up to 25 keywords, and you gave 600." in invocation.reply.content
        await sandbox.wait_until(lambda: any("next check" in message.content for message in invocation.followups))
        assert len(invocation.followups) <= 2
        assert stored_keywords(sandbox) == 25


def labels(message: Message) -> dict[str, str]:
    """The custom ids of the enabled buttons by label."""
    return {str(each["label"]): str(each["custom_id"]) for each in components_of(message) if not each.get("disabled")}


def shown(message: Message) -> list[str]:
    """The keywords of a page."""
    return [line.split("**")[1] for line in message.content.splitlines() if line.startswith("- ")]


async def test_long_list_has_pages_whose_buttons_work_after_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await subscribe_before_start(sandbox, "papers", names(417))
        admin = sandbox.world.default.admin_id
        async with running_bot(sandbox):
            invocation = await sandbox.command("keywords")
            page = invocation.reply
            assert page is not None
            assert page.is_ephemeral
            assert invocation.followups == []
            assert shown(page) == names(20)
            assert page.content.endswith("-# Keywords 1–20 of 417")
            assert list(labels(page)) == ["More ▶", "Last ⏭", "All as a file"]
        async with running_bot(sandbox):

            async def press(label: str) -> Message:
                pressed = await sandbox.discord.press(page.id, labels(page)[label], user_id=admin)
                await pressed.wait_until_acknowledged()
                before = page.content
                await sandbox.wait_until(lambda: page.content != before)
                return page

            assert shown(await press("More ▶")) == names(40)[20:]
            assert list(labels(page)) == ["⏮ First", "◀ Back", "More ▶", "Last ⏭", "All as a file"]
            assert shown(await press("Last ⏭")) == names(417)[397:]
            assert shown(await press("◀ Back")) == names(397)[377:]
            assert shown(await press("⏮ First")) == names(20)
            pressed = await sandbox.discord.press(page.id, labels(page)["All as a file"], user_id=admin)
            reply = await pressed.wait_for_reply(DEADLINE_S)
            assert [attachment["filename"] for attachment in reply.attachments] == ["keywords.txt"]
            # The keywords of the page no longer exist.
            for first in range(0, 417, 25):
                await sandbox.reply_to("unsubscribe", {"keyword": ", ".join(names(417)[max(first, 5) : first + 25])})
            assert shown(await press("Last ⏭")) == names(5)


async def test_page_shows_only_channels_that_its_caller_can_view(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await subscribe_before_start(sandbox, "admins", names(30, "secret"))
        await subscribe_before_start(sandbox, "papers", names(30))
        member = sandbox.world.default.member_id
        async with running_bot(sandbox):
            invocation = await sandbox.command("keywords", user_id=member)
            page = invocation.reply
            assert page is not None
            assert page.content.endswith("-# Keywords 1–20 of 30")
            page.visible_to = None  # as if Discord showed the message to everyone
            pressed = await sandbox.discord.press(
                page.id, labels(page)["More ▶"], user_id=sandbox.world.default.admin_id
            )
            refused = await pressed.wait_for_reply(DEADLINE_S)
            assert refused.content == "Only the person who ran the command can use its buttons. Run `/keywords`."
            assert page.content.endswith("-# Keywords 1–20 of 30")
            everything = await sandbox.command("keywords")
            assert everything.reply is not None
            assert everything.reply.content.endswith("of 60")


async def test_concurrent_commands_keep_the_quota(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, limited_bot(sandbox):
        replies = await asyncio.gather(
            *(sandbox.reply_to("subscribe", {"keyword": ", ".join(names(3, f"name{n}"))}) for n in range(4))
        )
        assert stored_keywords(sandbox) == 5
        assert sum(reply.count(": added to") for reply in replies) == 5
