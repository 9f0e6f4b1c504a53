"""The end of the bot, wherever it comes: in order, without a word of complaint."""

import asyncio
import contextlib
import gc
from pathlib import Path

import aiohttp
import pytest

from bot.__main__ import keyword_fault
from bot.composition.app import App, run
from bot.config import load_settings
from bot.discord_api.client import GUILDS_QUIET_S, SlashCommands
from bot.runtime.metrics import Metrics
from bot.store.database import Database
from tests.support.discord_client import pointed_at
from tests.support.running import DEADLINE_S, leftover_discord_tasks, running_sandbox


async def test_shutdown_before_the_servers_are_known_raises_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        end = asyncio.Event()
        bot = asyncio.create_task(run(load_settings(None, sandbox.environment(), keyword_fault), end))
        await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        end.set()
        await bot
        left = leftover_discord_tasks()
        if left:
            done, late = await asyncio.wait(left, timeout=GUILDS_QUIET_S * 2)
            assert [task.exception() for task in done if not task.cancelled()] == [None] * len(done)
            for task in late:
                task.cancel()


@pytest.mark.slow
async def test_slow_command_leaves_no_connection_open_at_shutdown(tmp_path: Path) -> None:
    async def take_time_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:  # as where a process that draws is killed
            await asyncio.Event().wait()

    async with running_sandbox(tmp_path) as sandbox:
        settings = load_settings(None, sandbox.environment(), keyword_fault)
        token = settings.discord.token
        assert token is not None
        async with contextlib.AsyncExitStack() as closing:
            closing.enter_context(pointed_at(settings.discord.api_url, settings.discord.gateway_url or ""))
            database = await Database.open_exclusive(sandbox.database)
            closing.push_async_callback(database.close)
            app = App(settings, token, database, Metrics())
            await app._client.login(token.get_secret_value())
            slow = asyncio.create_task(take_time_to_end())
            assert isinstance(app._client.tree, SlashCommands)
            app._client.tree.track(slow)
            await asyncio.sleep(0)
            await app.close()
        sessions = [each for each in gc.get_objects() if type(each) is aiohttp.ClientSession]
        assert [session for session in sessions if not session.closed] == []
