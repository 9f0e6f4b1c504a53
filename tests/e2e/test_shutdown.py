"""Tests of a clean shutdown at unusual moments."""

import asyncio
import contextlib
import gc
from pathlib import Path

import aiohttp
import discord
import pytest
from discord import app_commands

from bot.__main__ import keyword_fault
from bot.composition.app import App, run
from bot.config import load_settings
from bot.discord_api.client import GUILDS_QUIET_S
from bot.runtime.clock import SystemClock
from bot.runtime.metrics import Metrics
from bot.store.database import Database
from tests.support.discord_client import pointed_at
from tests.support.running import DEADLINE_S, leftover_discord_tasks, running_sandbox


async def test_shutdown_before_the_servers_are_known_raises_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        stop = asyncio.Event()
        bot = asyncio.create_task(run(load_settings(None, sandbox.environment(), keyword_fault), stop))
        await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        stop.set()
        await bot
        leftover = leftover_discord_tasks()
        if leftover:
            done, pending = await asyncio.wait(leftover, timeout=GUILDS_QUIET_S * 2)
            assert [task.exception() for task in done if not task.cancelled()] == [None] * len(done)
            for task in pending:
                task.cancel()


@pytest.mark.slow
async def test_slow_command_leaves_no_connection_open_at_shutdown(tmp_path: Path) -> None:
    started = asyncio.Event()

    @app_commands.command(description="Does not end when it is cancelled")
    async def slow(_: discord.Interaction) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:  # like a command that waits for a drawing process to be killed
            await asyncio.Event().wait()

    async with running_sandbox(tmp_path) as sandbox:
        settings = load_settings(None, sandbox.environment(), keyword_fault)
        token = settings.discord.token
        assert token is not None
        async with contextlib.AsyncExitStack() as closing:
            closing.enter_context(pointed_at(settings.discord.api_url, settings.discord.gateway_url or ""))
            database = await Database.open_exclusive(sandbox.database)
            closing.push_async_callback(database.close)
            app, stop = App(settings, token, database, Metrics(), SystemClock()), asyncio.Event()
            app.client.tree.add_command(slow)
            bot = asyncio.create_task(app.run_until(stop))
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
            await sandbox.discord.run_command(
                "slow", user_id=sandbox.world.default.admin_id, channel_id=sandbox.channel("papers")
            )
            await asyncio.wait_for(started.wait(), DEADLINE_S)
            stop.set()
            await bot
            await app.close()
        sessions = [each for each in gc.get_objects() if type(each) is aiohttp.ClientSession]
        assert [session for session in sessions if not session.closed] == []
