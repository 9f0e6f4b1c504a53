"""`/audit`: every difference between arXiv and the database is named; a server can have one audit per hour."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cogs.audit_texts import INTERRUPTED
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from sandbox.discord import InvalidAction
from tests.support.killable import KILLED, killable_bot
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow


async def audit(sandbox: RunningSandbox, **options: object) -> str:
    """The last text of the reply to `/audit` in #papers."""
    invocation = await sandbox.command("audit", options)
    await invocation.wait_for_edit(lambda message: not message.content.startswith("Reading"), DEADLINE_S)
    assert invocation.reply is not None
    embeds = [str(embed.get("description", "")) for embed in invocation.reply.shown_embeds]
    return "\n".join([invocation.reply.content, *embeds])


async def test_audit_names_a_paper_that_is_missing_in_the_database(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            kept, removed = (sandbox.add_paper(f"{name} Reward Models") for name in ("Kept", "Removed"))
            await sandbox.wait_for_papers("papers", 2)
        arxiv_id = removed.removeprefix("https://arxiv.org/abs/")
        with closing(sqlite3.connect(sandbox.database, isolation_level=None)) as database:
            database.execute("PRAGMA foreign_keys = ON")
            for table in ("outbox", "matches", "search_documents", "papers"):
                database.execute(f"DELETE FROM {table} WHERE arxiv_id = ?", (arxiv_id,))  # noqa: S608 - constants
        # The last poll was a moment ago: the next one finds the paper in an hour.
        async with running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
            reply = await audit(sandbox, days=30)
            assert "7 days" not in reply
            assert "arXiv has 2 matching papers.\n1 posted, 1 missing." in reply
            assert f"- [Removed Reward Models](<{removed}>) (`{arxiv_id}`): missing here. No poll has found it" in reply
            assert kept not in reply
            assert "A server can have one audit per hour. Try again <t:" in await audit(sandbox)


async def test_audit_that_a_restart_interrupts_says_so_and_can_be_repeated(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        config = tmp_path / "config.json"
        config.write_text(json.dumps({}), encoding="utf-8")
        environment = sandbox.environment(DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600")
        async with killable_bot(environment, config, tmp_path / "log", at=None) as bot:
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
            await sandbox.subscribe("reward model")
            await sandbox.wait_for_status("Last checked**: <t:")
            sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE))
            invocation = await sandbox.discord.run_command(
                "audit", user_id=sandbox.world.default.admin_id, channel_id=sandbox.channel("papers")
            )
            await invocation.wait_for_edit(lambda message: "0 of 1 part done" in message.content, DEADLINE_S)
            bot.kill()
            assert await bot.wait_for_exit(DEADLINE_S) == KILLED
        sandbox.arxiv.faults.clear()
        async with killable_bot(environment, config, tmp_path / "log", at=None):
            await invocation.wait_for_edit(lambda message: message.content == INTERRUPTED, DEADLINE_S)
            assert "✅ There is no difference." in await audit(sandbox)


async def test_audit_requires_managing_the_channel_and_a_keyword_of_it(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        with pytest.raises(InvalidAction):
            await sandbox.reply_to("audit", user_id=sandbox.world.default.member_id)
        await sandbox.subscribe("reward model")
        assert "has no such keyword" in await audit(sandbox, keyword="quokka")
        assert (
            await audit(sandbox, keyword="of the") == 'Use at least one word besides stop words such as "the" or "of".'
        )


async def test_keywords_of_the_channel_are_suggested_and_audited(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await sandbox.subscribe("agents")
        choices = await sandbox.suggestions("audit", {"keyword": "REW"}, "keyword")
        assert list(choices) == ["reward model"]
        assert "1 keyword" in await audit(sandbox, keyword=choices["reward model"])
        elsewhere = {"keyword": "", "channel": sandbox.channel("vision")}
        assert await sandbox.suggestions("audit", elsewhere, "keyword") == {}
