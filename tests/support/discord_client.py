"""An unmodified discord.py client, connected to a local Discord on loopback for one test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
import discord
import yarl
from aiohttp import web
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from sandbox.discord import DefaultWorld, IdentifyLimits, LocalDiscord, RateLimits

DEADLINE_S = 40.0


class SmallClient(discord.Client):
    """A client with only a command tree; it identifies again without discord.py's delay of 5 s."""

    def __init__(
        self, intents: discord.Intents | None = None, *, http_trace: aiohttp.TraceConfig | None = None
    ) -> None:
        intents = intents or discord.Intents(guilds=True)
        super().__init__(intents=intents, guild_ready_timeout=0.02, http_trace=http_trace or aiohttp.TraceConfig())
        self.tree = app_commands.CommandTree(self)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Skips the delay: only the real gateway limits how often a bot identifies."""


@dataclass(frozen=True)
class DiscordHarness:
    """A local Discord and its client."""

    local: LocalDiscord
    world: DefaultWorld
    client: SmallClient

    def text_channel(self, name: str) -> discord.TextChannel:
        """Returns a channel from the client's cache."""
        channel = self.client.get_channel(self.world.default.channel(name))
        assert isinstance(channel, discord.TextChannel)
        return channel

    def partial(self, name: str) -> discord.PartialMessageable:
        """Returns a channel that can be used without a gateway connection."""
        return self.client.get_partial_messageable(self.world.default.channel(name))


@contextmanager
def pointed_at(api_url: str, gateway_url: str) -> Iterator[None]:
    """Makes discord.py use another server until the block ends, through its class attributes."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = api_url, yarl.URL(gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


@asynccontextmanager
async def served(local: LocalDiscord) -> AsyncIterator[str]:
    """Serves a local Discord on a free loopback port; yields the address."""
    app = web.Application()
    local.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        with pointed_at(f"http://{host}:{port}/api/v10", f"ws://{host}:{port}/gateway"):
            yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def logged_in(
    client: SmallClient | None = None, *, rate_limits: RateLimits | None = None
) -> AsyncIterator[DiscordHarness]:
    """A client that is logged in to REST, without a gateway connection."""
    world = DefaultWorld()
    local = LocalDiscord(world=world, rate_limits=rate_limits or RateLimits.off(), identify_limits=IdentifyLimits.off())
    client = client or SmallClient()
    async with served(local):
        await client.login("sandbox-token")
        try:
            yield DiscordHarness(local, world, client)
        finally:
            await client.close()


@asynccontextmanager
async def connected(
    client: SmallClient | None = None, *, rate_limits: RateLimits | None = None
) -> AsyncIterator[DiscordHarness]:
    """A client that is connected to the gateway, with its commands registered."""
    async with logged_in(client, rate_limits=rate_limits) as harness:
        if harness.client.tree.get_commands():
            await harness.client.tree.sync()
        connection = asyncio.create_task(harness.client.connect())
        try:
            async with asyncio.timeout(DEADLINE_S):
                await harness.client.wait_until_ready()
            yield harness
        finally:
            await harness.client.close()
            await connection
