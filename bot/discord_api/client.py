"""The discord.py client: intents, cogs, the sync of slash commands, those in hand, and what a failed one answers.

Cogs are handed in by who wires the program. It decides nothing about papers.
"""

import asyncio
import hashlib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.runtime.errors import DailyPapersError, StoreUnavailable
from bot.services.lookup import LookupService
from bot.services.subscriptions import SubscriptionService
from bot.services.trending import TrendingLists
from bot.store.polls import KeyValues

log = logging.getLogger(__name__)

# discord.py counts as ready once no server was announced for so long (its default: 2 s); a channel of a server that
# comes later is asked for by REST meanwhile.
GUILDS_QUIET_S: Final = 0.5
# discord.py waits out a rate limit up to this long, then raises RateLimited.
RATELIMIT_WAIT_MAX_S: Final = 30.0

# discord.py hands buttons and menus an interaction of any client.
AnyClient = TypeVar("AnyClient", bound=discord.Client)

# Close codes that no reconnect mends (topics/opcodes-and-status-codes): what to tell the person who runs the bot.
FATAL_CLOSE_CODES: Final = {
    4004: "Discord does not accept the token any more: set a new one in DISCORD_TOKEN.",
    4011: "Discord wants this bot to be sharded: it is in more than 2,500 servers, which one process does not serve.",
}
_COMMANDS_KNOWN: Final = "slash commands known to Discord"


class _Commands(app_commands.CommandTree["Client"]):
    """The slash commands; discord.py forgets the tasks in which they are answered, and this does not."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client)
        self._in_hand: set[asyncio.Task[object]] = set()

    async def interaction_check(self, _: discord.Interaction["Client"], /) -> bool:
        """Where every command begins; nobody is refused here."""
        task = asyncio.current_task()
        if task is not None:
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        return True

    async def end(self) -> None:
        """End the commands in hand: what they stand on is about to be closed."""
        tasks = tuple(self._in_hand)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Client(commands.Bot):
    """The bot's connection to Discord; `on_change` hears of a server whose channels or permissions may have changed."""

    def __init__(
        self,
        key_values: KeyValues,
        lookup_service: LookupService,
        subscription_service: SubscriptionService,
        trending: TrendingLists,
        on_change: Callable[[discord.Guild], Awaitable[None]],
        http_trace: aiohttp.TraceConfig,
    ) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            tree_cls=_Commands,
            help_command=None,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=RATELIMIT_WAIT_MAX_S,
            # Members are not needed: of them the gateway tells only ourselves.
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=GUILDS_QUIET_S,
            http_trace=http_trace,
        )
        self._key_values = key_values
        # For buttons and menus, which discord.py makes anew from their custom_id.
        self.lookup_service = lookup_service
        self.subscription_service = subscription_service
        self.trending = trending
        self._on_change = on_change
        self._handed_in: Sequence[commands.Cog] = ()
        self._logged_in = False
        self._connected = False
        self.tree.error(answer_failure)

    @property
    def is_logged_in(self) -> bool:
        """Whether a login went through to the end; a gateway that was lost after it needs no other."""
        return self._logged_in

    def is_connected(self) -> bool:
        """Whether the gateway is there: Discord tells us what happens, and people reach us."""
        return self._connected

    def set_cogs(self, cogs: Sequence[commands.Cog]) -> None:
        """The cogs to load at login; called once, before `login`."""
        self._handed_in = cogs

    async def close(self) -> None:
        """End the commands that are being answered, then the connection."""
        if isinstance(self.tree, _Commands):
            await self.tree.end()
        self._connected = False
        await super().close()

    def dispatch(self, event_name: str, /, *args: object, **kwargs: object) -> None:
        """Tell of an event; once the client closes, it has no loop on which anybody could hear (discord.py)."""
        if not self.is_closed():
            super().dispatch(event_name, *args, **kwargs)

    async def setup_hook(self) -> None:
        for cog in self._handed_in:
            await self.add_cog(cog, override=True)  # a login that failed later on comes by again
        await self._sync_if_changed()
        self._logged_in = True

    async def _sync_if_changed(self) -> None:
        """Tell Discord of the commands only when they changed: creations are limited to 200 a day."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        text = json.dumps([self.application_id, payload], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        names = {command.name for command in await self.tree.fetch_commands()}
        if await self._key_values.get(_COMMANDS_KNOWN) == digest and names == {command["name"] for command in payload}:
            return
        await self.tree.sync()
        await self._key_values.set(_COMMANDS_KNOWN, digest)
        log.info("slash commands registered", extra={"commands": len(payload)})

    async def on_disconnect(self) -> None:
        self._connected = False

    async def on_resumed(self) -> None:
        self._connected = True

    async def on_ready(self) -> None:
        # Fires again after reconnects (discord.py), so it only repeats what may be repeated.
        self._connected = True
        log.info("connected to Discord", extra={"servers": len(self.guilds)})
        for guild in self.guilds:
            await self._on_change(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._on_change(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        await self._on_change(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self._on_change(guild)

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        await self._on_change(channel.guild)

    async def on_guild_channel_update(self, _: discord.abc.GuildChannel, channel: discord.abc.GuildChannel) -> None:
        await self._on_change(channel.guild)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        await self._on_change(channel.guild)

    async def on_guild_role_update(self, _: discord.Role, role: discord.Role) -> None:
        await self._on_change(role.guild)

    async def on_thread_update(self, _: discord.Thread, thread: discord.Thread) -> None:
        await self._on_change(thread.guild)

    async def on_thread_join(self, thread: discord.Thread) -> None:
        # Also said of one that is taken out of the archive (discord.py).
        await self._on_change(thread.guild)

    async def on_thread_delete(self, thread: discord.Thread) -> None:
        await self._on_change(thread.guild)

    async def on_member_update(self, _: discord.Member, member: discord.Member) -> None:
        # With the guilds intent alone the gateway tells of our own member only: our roles changed.
        await self._on_change(member.guild)


def use_endpoints(api_url: str, gateway_url: str | None) -> None:
    """Points discord.py at a Discord-compatible server; called before any client is created.

    The gateway URL is used exactly as given. The API URL is a prefix: discord.py appends paths that begin with a slash.
    """
    Route.BASE = api_url.removesuffix("/")
    if gateway_url is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


async def answer_failure(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
    """Tell the person what happened, in one sentence; what we did not expect goes to the log whole."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if isinstance(cause, StoreUnavailable):
        words = f"Nothing was changed: {cause}. Please try again in a while; who runs the bot finds more in its log."
    elif isinstance(cause, DailyPapersError):
        words = str(cause)
    elif isinstance(cause, app_commands.CommandOnCooldown):
        words = f"That was quick: try again in {math.ceil(cause.retry_after)} s."
    elif isinstance(cause, app_commands.AppCommandError) and not isinstance(error, app_commands.CommandInvokeError):
        words = str(cause)
    else:
        log.error("command failed", extra={"command": _name(interaction)}, exc_info=cause)
        words = "Something went wrong here, and it was noted. Nothing was lost; please try again."
    await reply(interaction, words)


def _name(interaction: discord.Interaction) -> str:
    return interaction.command.qualified_name if interaction.command else str(interaction.type)


def client_of(interaction: discord.Interaction[AnyClient]) -> Client:
    """Our own client, which brings the use cases, for buttons and menus that discord.py made anew."""
    client = interaction.client
    if not isinstance(client, Client):
        raise TypeError("the components of our messages belong to our own client")
    return client


async def reply(interaction: discord.Interaction, words: str) -> None:
    """Answer for the caller's eyes, whether the interaction was answered or deferred before or not."""
    try:
        if interaction.response.is_done():
            await interaction.followup.send(words, ephemeral=True)
        else:
            await interaction.response.send_message(words, ephemeral=True)
    except discord.HTTPException as error:
        # The interaction is over (10062: it came too late, or was answered by a run that ended): nobody to tell.
        log.warning("reply not delivered", extra={"command": _name(interaction), "why": str(error)})
