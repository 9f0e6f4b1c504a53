"""Disrupts the gateway, denies permissions, removes the bot from a server, blocks Discord, or moves the bot's clock.

Each disruption is undone after a while, at the latest when the run is over.
"""

from collections.abc import Sequence
from itertools import cycle
from random import Random

from sandbox.discord import Permission
from tests.support.chaos.faults import Disruption, clock_jumps, cloudflare_blocks, disruptions
from tests.support.chaos.hazards import Hazard
from tests.support.chaos.stage import Stage

_DENIED = {
    Disruption.SEND_DENIED: Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS,
    Disruption.VIEW_DENIED: Permission.VIEW_CHANNEL,
    Disruption.HISTORY_DENIED: Permission.READ_MESSAGE_HISTORY,
}
_UNKNOWN_ERROR, _SESSION_TIMED_OUT = 4000, 4009  # topics/opcodes-and-status-codes
# The bot can notice the end of a block once its backoff is over, which is Retry-After, or doubles.
_JITTER_S = 2.0


class Disruptor:
    """Causes disruptions, one at a time."""

    def __init__(self, stage: Stage, channels: Sequence[int]) -> None:
        self._stage = stage
        self._sandbox = stage.sandbox
        self._channels = channels
        self._rng = stage.random_for("disruptions")

    async def run(self) -> None:
        """Causes disruptions until the run is over."""
        for disruption in cycle(disruptions(len(Disruption), self._rng)):
            await self._stage.pause(self._rng.uniform(1.0, 7.0))
            if self._stage.is_over:
                return
            await self._cause(disruption)
            self._stage.counts[Hazard.GATEWAY] += 1

    async def _cause(self, disruption: Disruption) -> None:
        match disruption:
            case Disruption.THREAD_LOCKED:
                await self._lock_a_thread()
            case Disruption.REMOVED_FROM_SERVER:
                await self._remove_from_server()
            case Disruption.SEND_DENIED | Disruption.VIEW_DENIED | Disruption.HISTORY_DENIED:
                await self._deny(_DENIED[disruption])
            case _:
                async with self._stage.unreachable():
                    await self._disrupt_gateway(disruption)

    async def _disrupt_gateway(self, disruption: Disruption) -> None:
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
            case _:
                await self._gateway_outage()

    async def _wait(self) -> None:
        await self._stage.pause(self._rng.uniform(0.3, 2.5))

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


async def block_discord(stage: Stage) -> None:
    """Blocks all requests to Discord for some seconds, repeatedly until the run is over."""
    rng: Random = stage.random_for("Cloudflare")
    for block in cloudflare_blocks(rng):
        await stage.pause(rng.uniform(8.0, 25.0))
        if stage.is_over:
            return
        blocked_s = rng.uniform(0.5, 3.0)
        async with stage.unreachable():
            stage.sandbox.discord.faults.block(block)
            await stage.pause(blocked_s)
            stage.sandbox.discord.faults.unblock()
            await stage.pause(max(float(block.retry_after or 0), 2 * blocked_s) + _JITTER_S)
        stage.counts[Hazard.CLOUDFLARE] += 1


async def move_clock(stage: Stage) -> None:
    """Moves the bot's wall clock, and moves it back after some seconds, until the run is over."""
    rng: Random = stage.random_for("clock")
    for jump_s in clock_jumps(rng):
        await stage.pause(rng.uniform(1.0, 8.0))
        if stage.is_over:
            return
        stage.clock.ahead_s = jump_s
        await stage.pause(rng.uniform(1.0, 6.0))
        stage.clock.ahead_s = 0.0
        stage.counts[Hazard.CLOCK] += 1
