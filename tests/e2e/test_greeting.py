"""Tests of the greeting: one per server that the bot joins, none after outages, restarts and upgrades."""

from pathlib import Path

import pytest

from sandbox.discord import Permission
from sandbox.discord.faults import Status
from tests.support.running import RunningSandbox, running_bot, running_sandbox


def new_server(sandbox: RunningSandbox, *, system_channel: bool = True) -> int:
    """Adds a server that the bot is not in, with a channel for system messages; returns the server's id."""
    world = sandbox.world
    guild = world.add_guild("Elsewhere", world.default.admin_id, with_bot=False)
    channel = world.add_channel(guild.id, "welcome")
    guild.system_channel_id = channel.id if system_channel else None
    return guild.id


def greetings(sandbox: RunningSandbox, guild_id: int) -> list[str]:
    """The bot's messages in a server."""
    channels = sandbox.world.channels_of(guild_id)
    return [
        message.content
        for channel in channels
        for message in sandbox.world.messages.in_channel(channel.id)
        if message.author_id == sandbox.world.bot_id and message.interaction is None
    ]


async def settle(sandbox: RunningSandbox) -> None:
    """Waits until the bot has handled all earlier gateway events: it greets another server last."""
    guild_id = new_server(sandbox)
    sandbox.world.add_bot_to_guild(guild_id)
    await sandbox.wait_until(lambda: bool(greetings(sandbox, guild_id)))


@pytest.mark.slow
async def test_joined_server_is_greeted_once_in_its_system_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        guild_id = new_server(sandbox)
        async with running_bot(sandbox):
            sandbox.world.add_bot_to_guild(guild_id)
            await sandbox.wait_until(lambda: bool(greetings(sandbox, guild_id)))
            (text,) = greetings(sandbox, guild_id)
            assert "`/subscribe reward model`" in text
            assert "`/help`" in text
            # Removed and added again soon.
            sandbox.world.remove_bot_from_guild(guild_id)
            sandbox.world.add_bot_to_guild(guild_id)
            await settle(sandbox)
        async with running_bot(sandbox):
            await settle(sandbox)
        assert greetings(sandbox, guild_id) == [text]


@pytest.mark.slow
async def test_server_joined_while_the_bot_was_down_is_greeted_at_the_next_start(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await settle(sandbox)
        guild_id = new_server(sandbox)
        sandbox.world.add_bot_to_guild(guild_id)
        async with running_bot(sandbox):
            await sandbox.wait_until(lambda: bool(greetings(sandbox, guild_id)))
        async with running_bot(sandbox):
            await settle(sandbox)
        assert len(greetings(sandbox, guild_id)) == 1


async def test_known_server_is_not_greeted_after_an_outage(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        guild_id = sandbox.world.default.guild_id
        sandbox.world.guilds[guild_id].system_channel_id = sandbox.channel("general")
        async with running_bot(sandbox):
            await settle(sandbox)
            emit = sandbox.world.events.emit
            emit("GUILD_DELETE", {"id": str(guild_id), "unavailable": True}, guild_id=guild_id)
            emit("GUILD_CREATE", sandbox.world.guild_create(guild_id), guild_id=guild_id)
            # As for a server that the bot joins, which Discord also sends if it forgot that the bot was in it.
            described = sandbox.world.guild_create(guild_id)
            del described["unavailable"]
            emit("GUILD_CREATE", described, guild_id=guild_id)
            await settle(sandbox)
        assert greetings(sandbox, guild_id) == []


@pytest.mark.slow
async def test_server_without_a_writable_system_channel_is_not_greeted(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        without, forbidden = new_server(sandbox, system_channel=False), new_server(sandbox)
        (channel,) = sandbox.world.channels_of(forbidden)
        sandbox.world.set_overwrite(channel.id, forbidden, deny=Permission.SEND_MESSAGES)
        async with running_bot(sandbox):
            sandbox.world.add_bot_to_guild(without)
            sandbox.world.add_bot_to_guild(forbidden)
            await settle(sandbox)
        assert greetings(sandbox, without) == greetings(sandbox, forbidden) == []


@pytest.mark.slow
async def test_greeting_that_discord_rejects_is_not_repeated(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        guild_id = new_server(sandbox)
        (channel,) = sandbox.world.channels_of(guild_id)
        sandbox.discord.faults.add("POST", rf"^/channels/{channel.id}/messages$", Status.api_error(403, 50013, "No"))
        async with running_bot(sandbox):
            sandbox.world.add_bot_to_guild(guild_id)
            await settle(sandbox)
        async with running_bot(sandbox):
            await settle(sandbox)
        assert greetings(sandbox, guild_id) == []
