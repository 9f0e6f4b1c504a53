"""The discord.py client: intents, cogs, registration of slash commands, and the reply to a command that failed.

The composition passes the cogs. This module decides nothing about papers.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Collection, Sequence
from random import Random
from typing import Any, Final, TypeVar

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.discord_api.autocompletion import AutocompletionLimit, answer_without_suggestions
from bot.discord_api.backoff import RATELIMIT_WAIT_MAX_S
from bot.discord_api.channel_directory import ChannelDirectory
from bot.discord_api.cooldown import CLICKS_PER_MINUTE, Cooldown
from bot.discord_api.greeting import Greeter
from bot.discord_api.outcomes import hide_outage_traces
from bot.discord_api.private_replies import answer_failure
from bot.discord_api.request_budget import prioritize_requests
from bot.discord_api.server_changes import ServerChanges
from bot.discord_api.sharded_client import ShardedClient
from bot.runtime.clock import Clock
from bot.runtime.errors import StoreUnavailable
from bot.runtime.problems import ReportedProblems
from bot.services.lookup import LookupService
from bot.services.subscriptions import SubscriptionService
from bot.services.trending import TrendingLists
from bot.store.channels import Channels
from bot.store.polls import KeyValues

log = logging.getLogger(__name__)

# discord.py is ready once the gateway has sent no server for this long (its default: 2 s). Until a later server arrives
# its channels are fetched by REST.
GUILDS_QUIET_S: Final = 0.5
# At the shutdown: how long cancelled commands may take to end, of the 0.5 s for closing the connection.
COMMANDS_END_S: Final = 0.2

# How often an event is handled again that the database could not store.
EVENT_RETRY_S: Final = 5.0

# discord.py passes buttons and menus an interaction of any client.
AnyClient = TypeVar("AnyClient", bound=discord.Client)

_COMMANDS_HASH_KEY: Final = "slash commands known to Discord"


class SlashCommands(app_commands.CommandTree["Client"]):
    """The slash commands, with the tasks that run them: discord.py keeps no reference to those."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client)
        self._running: set[asyncio.Task[object]] = set()
        self._autocompletion = AutocompletionLimit()

    async def interaction_check(self, interaction: discord.Interaction["Client"], /) -> bool:
        """Records the task of a command, and allows everyone; limits requests for suggestions."""
        if interaction.type is discord.InteractionType.autocomplete and not self._autocompletion.allows(
            interaction.user.id, interaction.guild_id
        ):
            await answer_without_suggestions(interaction)
            return False
        self.track_current_task()
        return True

    def track_current_task(self) -> None:
        """Tracks the task of a command, a button or a menu.

        What it sends to Discord does not wait behind all papers that are being posted.
        """
        prioritize_requests()
        task = asyncio.current_task()
        if task is not None:
            self.track(task)

    def track(self, task: asyncio.Task[object]) -> None:
        """Keeps a reference to a task until it ends; `cancel_running` cancels it."""
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def cancel_running(self) -> None:
        """Cancels the running commands: the database and the sessions that they use are about to be closed.

        A command that is slow to end is not waited for: the connection would stay open, and its keep-alive thread run.
        """
        tasks = tuple(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=COMMANDS_END_S)


class CogWithMenus(commands.Cog):
    """A cog with commands in the menu of a message ("Apps"), which discord.py does not find in a cog."""

    def __init__(self, menus: Sequence[app_commands.ContextMenu]) -> None:
        self.menus = menus


class Client(ShardedClient, commands.Bot):
    """The bot's connection to Discord.

    `check_channels` is awaited with channels that may be blocked or open now.
    """

    def __init__(
        self,
        key_values: KeyValues,
        lookup_service: LookupService,
        subscription_service: SubscriptionService,
        trending: TrendingLists,
        channels: Channels,
        check_channels: Callable[[Collection[int]], Awaitable[None]],
        greeter: Greeter,
        directory: ChannelDirectory,
        http_trace: aiohttp.TraceConfig,
        *,
        shards: int | None,
        clock: Clock,
        rng: Random,
        problems: ReportedProblems,
    ) -> None:
        super().__init__(
            shards=shards,
            clock=clock,
            rng=rng,
            problems=problems,
            command_prefix=commands.when_mentioned,
            tree_cls=SlashCommands,
            help_command=None,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=RATELIMIT_WAIT_MAX_S,
            # Without the members intent the gateway sends the bot's own member only.
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=GUILDS_QUIET_S,
            http_trace=http_trace,
        )
        self._key_values = key_values
        # For buttons and menus, which discord.py creates from their custom_id.
        self.lookup_service = lookup_service
        self.subscription_service = subscription_service
        self.trending = trending
        self.clicks = Cooldown(CLICKS_PER_MINUTE)
        self._changes = ServerChanges(channels, directory, check_channels, self.remember_servers)
        self._greeter = greeter
        self.directory = directory
        self._guild_ids_at_connect: dict[int, tuple[int, ...]] = {}  # by shard
        self._cogs_to_load: Sequence[commands.Cog] = ()
        self._login_finished = asyncio.Event()
        self.tree.error(answer_failure)
        hide_outage_traces()

    @property
    def is_logged_in(self) -> bool:
        """Whether a login succeeded; a gateway connection that is lost later needs no other."""
        return self._login_finished.is_set()

    def set_cogs(self, cogs: Sequence[commands.Cog]) -> None:
        """Sets the cogs to load at login; called once, before `login`."""
        self._cogs_to_load = cogs

    async def log_in(self, token: str) -> None:
        """Logs in; may be repeated after a failure, such as an unreachable Discord."""
        # A failed login leaves its HTTP session open. Closing it closes the connector, too, which discord.py would use
        # again: every further attempt would fail with "Session is closed".
        await self.http.close()
        self.http.connector = discord.utils.MISSING
        await self.login(token)

    async def close(self) -> None:
        """Cancels the running commands, then closes the connection."""
        if isinstance(self.tree, SlashCommands):
            await self.tree.cancel_running()
        await super().close()

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Notes the servers of a shard before any later event: one that is joined from now on is not among these."""
        if event_name == "shard_connect":
            self._guild_ids_at_connect[args[0]] = tuple(guild.id for guild in self.guilds_of(args[0]))
        super().dispatch(event_name, *args, **kwargs)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Handles an event again that the database could not store, until it can; logs any other error."""
        error = sys.exc_info()[1]
        if not isinstance(error, StoreUnavailable):
            await super().on_error(event_method, *args, **kwargs)
            return
        log.warning("event postponed", extra={"reason": str(error), "event": event_method})
        while True:
            await self._clock.sleep(EVENT_RETRY_S)
            with contextlib.suppress(StoreUnavailable):
                await getattr(self, event_method)(*args, **kwargs)
                return

    async def setup_hook(self) -> None:
        await self.directory.load()
        for cog in self._cogs_to_load:
            await self.add_cog(cog, override=True)  # again if an earlier login failed after this
            for menu in cog.menus if isinstance(cog, CogWithMenus) else ():
                self.tree.add_command(menu, override=True)
        await self._sync_if_changed()
        self._login_finished.set()

    async def _sync_if_changed(self) -> None:
        """Registers the commands only if they changed: Discord limits creations to 200 per day."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        text = json.dumps([self.application_id, payload], sort_keys=True)
        commands_hash = hashlib.sha256(text.encode()).hexdigest()
        names = {command.name for command in await self.tree.fetch_commands()}
        if await self._key_values.get(_COMMANDS_HASH_KEY) == commands_hash and names == {
            command["name"] for command in payload
        }:
            return
        await self.tree.sync()
        await self._key_values.set(_COMMANDS_HASH_KEY, commands_hash)
        log.info("slash commands registered", extra={"commands": len(payload)})

    async def on_shard_ready(self, shard_id: int) -> None:
        # discord.py fires this again after each new session, so everything here may be repeated.
        guilds = self.guilds_of(shard_id)
        log.info("shard connected", extra={"shard": shard_id, "shards": self.shard_count, "guilds": len(guilds)})
        self.directory.session_started({guild.id for guild in guilds})
        await self._changes.arrived(guilds)
        shards = range(self.shard_count or 0)
        if all(self.are_guilds_known(each) for each in shards):
            ids = [guild_id for each in shards for guild_id in self._guild_ids_at_connect.get(each, ())]
            await self._greeter.connected(ids, self.guilds)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        # discord.py fires this for a server that it did not know; whether the server is new, the greeter knows.
        await self._changes.arrived([guild])
        await self._greeter.joined(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        # While a shard connects, `on_shard_ready` follows with all of its servers.
        if self.are_guilds_known(guild.shard_id):
            await self._changes.arrived([guild])

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self._changes.changed(guild)
        await self._greeter.left(guild)

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        await self._changes.changed(channel.guild)

    async def on_guild_channel_update(self, _: discord.abc.GuildChannel, channel: discord.abc.GuildChannel) -> None:
        await self._changes.changed(channel.guild)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        await self.directory.channel_deleted(channel.guild.id, channel.id)
        await self._changes.changed(channel.guild)

    async def on_guild_role_update(self, _: discord.Role, role: discord.Role) -> None:
        await self._changes.changed(role.guild)

    async def on_thread_update(self, _: discord.Thread, thread: discord.Thread) -> None:
        await self.directory.thread_changed(thread)
        await self._changes.changed(thread.guild)

    async def on_thread_join(self, thread: discord.Thread) -> None:
        # discord.py fires this for every thread that was not in its cache: reopened, or changed while it is archived.
        await self.directory.thread_changed(thread)
        await self._changes.changed(thread.guild)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        await self.directory.channel_deleted(event.guild_id, event.thread_id)

    async def on_thread_delete(self, thread: discord.Thread) -> None:
        await self._changes.changed(thread.guild)

    async def on_member_update(self, _: discord.Member, member: discord.Member) -> None:
        # Without the members intent this is the bot's own member: its roles changed.
        await self._changes.changed(member.guild)


def use_endpoints(api_url: str, gateway_url: str | None) -> None:
    """Points discord.py at a Discord-compatible server; called before any client is created.

    The gateway URL is used exactly as given. The API URL is a prefix: discord.py appends paths that begin with a slash.
    """
    Route.BASE = api_url.removesuffix("/")
    if gateway_url is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def client_of(interaction: discord.Interaction[AnyClient]) -> Client:
    """Returns the bot's client, which has the services, for a button or menu that discord.py created."""
    client = interaction.client
    if not isinstance(client, Client):
        raise TypeError("the interaction belongs to another client")
    return client
