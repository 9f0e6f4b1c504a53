"""`/subscribe` killed at any moment leaves all keywords or none, and a reply that is true."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.killable import KILLED, BotProcess, killable_bot
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_sandbox

pytestmark = pytest.mark.slow

KEYWORDS = [f"topic {number:03}" for number in range(25)]


def stored_keywords(sandbox: RunningSandbox) -> int:
    with closing(sqlite3.connect(sandbox.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM subscriptions").fetchone()[0])


async def run_subscribe_until_killed(sandbox: RunningSandbox, bot: BotProcess, *, when_stored: bool) -> bool:
    """Kills the bot at the first response or at the first stored keyword; returns whether a text had been sent."""
    await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
    invocation = await sandbox.discord.run_command(
        "subscribe",
        {"keyword": ", ".join(KEYWORDS)},
        user_id=sandbox.world.default.admin_id,
        channel_id=sandbox.channel("papers"),
    )
    if when_stored:
        await wait_until(lambda: stored_keywords(sandbox) > 0, DEADLINE_S)
    else:
        await invocation.wait_until_acknowledged()
    bot.kill()
    assert await bot.wait_for_exit(DEADLINE_S) == KILLED
    if invocation.reply is not None:
        assert invocation.reply.content.startswith("**topic 000**: added to")
        # The line stays there: nothing follows.
        assert invocation.reply.content.endswith("If no preview follows here, see `/status`.")
    return invocation.reply is not None


@pytest.mark.parametrize("when_stored", [True, False])
async def test_killed_subscribe_leaves_all_keywords_and_no_thinking_reply(tmp_path: Path, when_stored: bool) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        config = tmp_path / "config.json"
        config.write_text(json.dumps({}), encoding="utf-8")
        async with killable_bot(sandbox.environment(), config, tmp_path / "log", at=None) as bot:
            has_text = await run_subscribe_until_killed(sandbox, bot, when_stored=when_stored)
            assert has_text or when_stored
            assert stored_keywords(sandbox) == 25
        # After the restart, existing papers are read without being posted.
        async with killable_bot(sandbox.environment(), config, tmp_path / "log", at=None):
            await sandbox.wait_for_next_poll()
            assert sandbox.posts("papers") == []
