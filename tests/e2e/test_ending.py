"""The end of the bot, wherever it comes: in order, without a word of complaint."""

import asyncio
from pathlib import Path

from bot.__main__ import keyword_fault
from bot.app import run
from bot.config import load_settings
from bot.limits import GUILDS_QUIET_S
from tests.support.running import DEADLINE_S, a_box, left_by_discord_py


async def test_end_before_discord_has_told_of_its_servers_breaks_nothing_that_waits_for_them(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        end = asyncio.Event()
        bot = asyncio.create_task(run(load_settings(None, box.environment(), keyword_fault), end))
        await box.discord.wait_until_bot_ready(DEADLINE_S)
        end.set()
        await bot
        left = left_by_discord_py()
        if left:
            done, late = await asyncio.wait(left, timeout=GUILDS_QUIET_S * 2)
            assert [task.exception() for task in done if not task.cancelled()] == [None] * len(done)
            for task in late:
                task.cancel()
