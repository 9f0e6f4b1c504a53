"""Upheavals in the world: the gateway goes away, rights are taken and given back, the bot is thrown out and invited."""

import asyncio
from collections.abc import Sequence
from random import Random

from sandbox.discord import Permission
from tests.support.chaos.faults import Upheaval
from tests.support.running import RunningSandbox

_TAKEN = {
    Upheaval.MAY_NOT_SEND: Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS,
    Upheaval.MAY_NOT_VIEW: Permission.VIEW_CHANNEL,
    Upheaval.MAY_NOT_READ_HISTORY: Permission.READ_MESSAGE_HISTORY,
}
_UNKNOWN_ERROR, _SESSION_TIMED_OUT = 4000, 4009  # topics/opcodes-and-status-codes


class Upheavals:
    """Lets them happen, and mends them after a while."""

    def __init__(self, sandbox: RunningSandbox, channels: Sequence[int], draw: Random) -> None:
        self._sandbox = sandbox
        self._channels = channels
        self._draw = draw

    async def happen(self, upheaval: Upheaval) -> None:
        """It happens, and is over when this returns."""
        discord = self._sandbox.discord
        match upheaval:
            case Upheaval.CONNECTION_LOST:
                await discord.close_gateway()
            case Upheaval.CLOSED_RESUMABLE:
                await discord.close_gateway(_UNKNOWN_ERROR)
            case Upheaval.CLOSED_FOR_GOOD:
                await discord.close_gateway(_SESSION_TIMED_OUT, resumable=False)
            case Upheaval.ASKED_TO_RECONNECT:
                discord.request_reconnect()
            case Upheaval.SESSION_INVALID:
                discord.invalidate_sessions()
            case Upheaval.GATEWAY_OUTAGE:
                await self._gateway_outage()
            case Upheaval.THREAD_LOCKED:
                await self._lock_a_thread()
            case Upheaval.THROWN_OUT:
                await self._throw_out()
            case Upheaval.MAY_NOT_SEND | Upheaval.MAY_NOT_VIEW | Upheaval.MAY_NOT_READ_HISTORY:
                await self._take(_TAKEN[upheaval])

    async def _a_while(self) -> None:
        await asyncio.sleep(self._draw.uniform(0.3, 2.5))

    async def _gateway_outage(self) -> None:
        self._sandbox.discord.gateway_open = False
        await self._sandbox.discord.close_gateway()
        await self._a_while()
        self._sandbox.discord.gateway_open = True

    async def _lock_a_thread(self) -> None:
        world = self._sandbox.world
        places = {*self._channels}
        threads = [
            channel.id
            for channel in world.channels.values()
            if channel.is_thread and (channel.id in places or channel.parent_id in places)
        ]
        if threads:
            thread = self._draw.choice(threads)
            world.lock_thread(thread)
            await self._a_while()
            world.set_thread(thread, archived=False, locked=False)

    async def _throw_out(self) -> None:
        world = self._sandbox.world
        guild_id = world.channels[self._draw.choice(self._channels)].guild_id
        assert guild_id is not None
        world.remove_bot_from_guild(guild_id)
        await self._a_while()
        world.add_bot_to_guild(guild_id)

    async def _take(self, permission: Permission) -> None:
        world = self._sandbox.world
        channel = world.channels[self._draw.choice(self._channels)]
        # A thread has no overwrites of its own.
        place = channel.parent_id if channel.is_thread and channel.parent_id is not None else channel.id
        world.set_overwrite(place, world.bot_id, deny=permission)
        await self._a_while()
        world.set_overwrite(place, world.bot_id)
