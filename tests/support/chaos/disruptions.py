"""Disrupts the gateway, denies permissions, or removes the bot from a server, and undoes it after a while."""

import asyncio
from collections.abc import Sequence
from random import Random

from sandbox.discord import Permission
from tests.support.chaos.faults import Disruption
from tests.support.running import RunningSandbox

_DENIED = {
    Disruption.SEND_DENIED: Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS,
    Disruption.VIEW_DENIED: Permission.VIEW_CHANNEL,
    Disruption.HISTORY_DENIED: Permission.READ_MESSAGE_HISTORY,
}
_UNKNOWN_ERROR, _SESSION_TIMED_OUT = 4000, 4009  # topics/opcodes-and-status-codes


class Disruptor:
    """Causes disruptions, one at a time."""

    def __init__(self, sandbox: RunningSandbox, channels: Sequence[int], rng: Random) -> None:
        self._sandbox = sandbox
        self._channels = channels
        self._rng = rng

    async def cause(self, disruption: Disruption) -> None:
        """Causes a disruption, and returns when it is undone."""
        discord = self._sandbox.discord
        match disruption:
            case Disruption.CONNECTION_LOST:
                await discord.close_gateway()
            case Disruption.CLOSED_RESUMABLE:
                await discord.close_gateway(_UNKNOWN_ERROR)
            case Disruption.CLOSED_UNRESUMABLE:
                await discord.close_gateway(_SESSION_TIMED_OUT, resumable=False)
            case Disruption.RECONNECT_REQUESTED:
                discord.request_reconnect()
            case Disruption.SESSION_INVALID:
                discord.invalidate_sessions()
            case Disruption.GATEWAY_OUTAGE:
                await self._gateway_outage()
            case Disruption.THREAD_LOCKED:
                await self._lock_a_thread()
            case Disruption.REMOVED_FROM_SERVER:
                await self._remove_from_server()
            case Disruption.SEND_DENIED | Disruption.VIEW_DENIED | Disruption.HISTORY_DENIED:
                await self._deny(_DENIED[disruption])

    async def _wait(self) -> None:
        await asyncio.sleep(self._rng.uniform(0.3, 2.5))

    async def _gateway_outage(self) -> None:
        self._sandbox.discord.gateway_open = False
        await self._sandbox.discord.close_gateway()
        await self._wait()
        self._sandbox.discord.gateway_open = True

    async def _lock_a_thread(self) -> None:
        world = self._sandbox.world
        threads = [
            channel.id
            for channel in world.channels.values()
            if channel.is_thread and (channel.id in self._channels or channel.parent_id in self._channels)
        ]
        if threads:
            thread = self._rng.choice(threads)
            world.lock_thread(thread)
            await self._wait()
            world.set_thread(thread, archived=False, locked=False)

    async def _remove_from_server(self) -> None:
        world = self._sandbox.world
        guild_id = world.channels[self._rng.choice(self._channels)].guild_id
        assert guild_id is not None
        world.remove_bot_from_guild(guild_id)
        await self._wait()
        world.add_bot_to_guild(guild_id)

    async def _deny(self, permission: Permission) -> None:
        world = self._sandbox.world
        channel = world.channels[self._rng.choice(self._channels)]
        # A thread has its parent's permissions.
        target_id = channel.parent_id if channel.is_thread and channel.parent_id is not None else channel.id
        world.set_overwrite(target_id, world.bot_id, deny=permission)
        await self._wait()
        world.set_overwrite(target_id, world.bot_id)
