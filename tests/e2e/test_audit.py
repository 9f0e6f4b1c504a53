"""`/audit`: every difference between arXiv and the database is named; a server can have one audit per hour."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cogs.audit_texts import INTERRUPTED
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.killable import KILLED, killable_bot
from tests.support.quiescence import wait_until
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
            for table in ("outbox", "matches", "papers"):
                database.execute(f"DELETE FROM {table} WHERE arxiv_id = ?", (arxiv_id,))  # noqa: S608 - constants
        # The last poll was a moment ago: the next one finds the paper in an hour.
        async with running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
            reply = await audit(sandbox, days=30)
            assert "7 days" not in reply
            assert "arXiv has 2 matching papers.\n1 posted, 1 missing." in reply
            assert f"- [Removed Reward Models](<{removed}>) (`{arxiv_id}`): missing here. No poll has found it" in reply
            assert kept not in reply
            assert "A server can have one audit per hour. Try again <t:" in await audit(sandbox)
