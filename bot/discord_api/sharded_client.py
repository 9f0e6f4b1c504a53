"""A discord.py client that is connected to the gateway with several shards in this process.

It knows which shards are connected. Each shard's connection is kept by `shard_connection.py`.
"""

import asyncio
import logging
import math
from collections.abc import Mapping
from random import Random
from typing import Any, Final, Self

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.state import AutoShardedConnectionState

from bot.discord_api.cache_size import share_values, trim
from bot.discord_api.http_client import BoundedClient
from bot.discord_api.outcomes import describe_failure
from bot.discord_api.session_starts import IDENTIFY_MARGIN_S, SessionStarts
from bot.discord_api.shard_connection import ShardConnection
from bot.domain.text import plural
from bot.runtime.clock import Clock
from bot.runtime.errors import DiscordUnavailable, StartupError
from bot.runtime.limits import IDENTIFY_INTERVAL_S
from bot.runtime.problems import ReportedProblems
from bot.runtime.shards import ShardReport, shard_of
from bot.runtime.supervisor import root_cause

log = logging.getLogger(__name__)

INVALID_SHARD: Final = 4010
SHARDING_REQUIRED: Final = 4011
# Close codes after which no reconnect succeeds (topics/opcodes-and-status-codes), with the text for the operator.
FATAL_CLOSE_CODES: Final = {
    4004: "Discord no longer accepts the token: set a new one in DISCORD_TOKEN.",
    INVALID_SHARD: "Discord refuses to serve the bot with {shards}: set `discord.shards` to null, as many as Discord "
    "recommends.",
    SHARDING_REQUIRED: "Discord requires sharding, and {shards} cannot serve so many servers: set `discord.shards` to "
    "null, as many as Discord recommends, or to a larger number.",
}
# The same, if the number of shards is the one that Discord recommends.
RECOMMENDATION_REFUSED: Final = {
    INVALID_SHARD: "Discord refuses to serve the bot with the {shards} that it recommends: set `discord.shards` to "
    "another number.",
    SHARDING_REQUIRED: "Discord requires sharding, and the {shards} that it recommends cannot serve so many servers: "
    "set `discord.shards` to a larger number.",
}


def rejected_shards(code: int, shard_count: int, *, is_recommended: bool) -> str | None:
    """Returns the sentence for a close code after which no reconnect succeeds; None for any other code."""
    sentence = FATAL_CLOSE_CODES.get(code)
    if is_recommended:
        sentence = RECOMMENDATION_REFUSED.get(code, sentence)
    shards = plural(shard_count, "shard")
    return None if sentence is None else sentence.format(shards=shards)


class ShardedState(AutoShardedConnectionState[Any]):
    """The cache of a client with several shards; a new session of a shard replaces the servers of that shard."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections: dict[int, ShardConnection] = {}
        self.server_by_channel: dict[int, int] = {}

    def get_channel(self, id: int | None) -> Any:  # noqa: A002 - the name in discord.py
        """Returns a channel from the cache; discord.py searches every server, which takes 1 ms with 10,000."""
        guild = self._get_guild(self.server_by_channel.get(id or 0))
        channel = None if guild is None or id is None else guild.get_channel_or_thread(id)
        return channel or super().get_channel(id)

    def _update_references(self, ws: DiscordWebSocket) -> None:
        """Hands a new socket to its shard: discord.py returns it only when it has identified."""
        super()._update_references(ws)
        if ws.shard_id in self.connections:
            self.connections[ws.shard_id].socket = ws

    def parse_ready(self, data: Any) -> None:
        """Forgets the servers of the shard: the bot may have left some of them."""
        shard_id = data["shard"][0]
        for guild in [guild for guild in self.guilds if guild.shard_id == shard_id]:
            self._remove_guild(guild)
        super().parse_ready(data)

    def parse_guild_create(self, data: Any) -> None:
        """Keeps only what the bot reads."""
        trim(data)
        super().parse_guild_create(data)
        if (guild := self._get_guild(int(data["id"]))) is not None:
            share_values(guild, self.user)


class ShardedClient(BoundedClient):
    """Connects as many shards as configured, or as Discord recommends."""

    def __init__(
        self,
        *args: Any,
        shards: int | None,
        clock: Clock,
        rng: Random,
        problems: ReportedProblems,
        **options: Any,
    ) -> None:
        self._state: ShardedState
        super().__init__(*args, **options)
        self._configured_shards = shards
        self._clock = clock
        self._rng = rng
        self._starts = SessionStarts(self._fetch_limits, clock, problems)
        self._guilds_known = asyncio.Event()

    def _get_state(self, **options: Any) -> AutoShardedConnectionState[Self]:
        self.use_bounded_http()
        self._state = ShardedState(
            dispatch=self.dispatch, handlers=self._handlers, hooks=self._hooks, http=self.http, **options
        )
        return self._state

    def is_connected(self) -> bool:
        """Whether all shards are connected, so that events and slash commands of every server arrive."""
        shards = self._state.connections.values()
        return bool(shards) and all(shard.is_connected for shard in shards)

    def are_guilds_known(self, shard_id: int) -> bool:
        """Whether the gateway has sent the servers of a shard in its current session."""
        shard = self._state.connections.get(shard_id)
        return shard is not None and shard.are_guilds_known

    def guilds_of(self, shard_id: int) -> list[discord.Guild]:
        """Returns the servers of a shard."""
        return [guild for guild in self.guilds if guild.shard_id == shard_id]

    def remember_servers(self, servers: Mapping[int, int]) -> None:
        """Remembers the servers of channels, so that `get_channel` finds them at once."""
        self._state.server_by_channel.update(servers)

    def shard_reports(self) -> tuple[ShardReport, ...]:
        """Returns the state of every shard; none before the first connection."""
        guilds = [0] * max(1, len(self._state.connections))
        for guild in self.guilds:
            guilds[shard_of(guild.id, len(guilds))] += 1
        return tuple(shard.report(guilds[shard_id]) for shard_id, shard in self._state.connections.items())

    async def wait_until_guilds_known(self) -> None:
        """Waits until the gateway has sent the channels and permissions of every server.

        Servers of a shard that cannot connect are not waited for once another shard is connected.
        """
        await self._guilds_known.wait()

    async def identify_time_s(self) -> float:
        """Returns how long Discord's limits make it take until all shards have identified."""
        limits = await self._starts.fetch_limits()
        shard_count = self._configured_shards or limits.shards
        return (math.ceil(shard_count / limits.max_concurrency) - 1) * (IDENTIFY_INTERVAL_S + IDENTIFY_MARGIN_S)

    async def connect(self, *, reconnect: bool = True) -> None:
        """Keeps the shards connected until the client is closed or cancelled.

        Raises StartupError if Discord refuses the shards or the token, and DiscordUnavailable if it does not say how
        many shards it recommends; without `reconnect`, the first failure.
        """
        refused_shards = 0
        while not self.is_closed():
            shard_count = self._configured_shards or await self._recommended_shards()
            if shard_count == refused_shards:
                raise StartupError(rejected_shards(SHARDING_REQUIRED, shard_count, is_recommended=True))
            try:
                await self._run_shards(shard_count, reconnect=reconnect)
            except discord.ConnectionClosed as error:
                is_recommended = self._configured_shards is None
                if (sentence := rejected_shards(error.code, shard_count, is_recommended=is_recommended)) is None:
                    raise
                if error.code != SHARDING_REQUIRED or not is_recommended:
                    raise StartupError(sentence) from None
                # The bot has joined so many servers that Discord recommends more shards now.
                refused_shards = shard_count
                log.warning("shards refused", extra={"shards": shard_count, "reason": sentence})

    async def _recommended_shards(self) -> int:
        try:
            return (await self._starts.fetch_limits()).shards
        except discord.LoginFailure:
            raise
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            raise DiscordUnavailable(f"Discord does not answer ({describe_failure(error)})") from None

    async def _run_shards(self, shard_count: int, *, reconnect: bool) -> None:
        self.shard_count = self._state.shard_count = shard_count
        self._state.shard_ids = range(shard_count)
        shards = {
            shard_id: ShardConnection(self, shard_id, self._starts, self._clock, self._rng, self._on_shard_change)
            for shard_id in range(shard_count)
        }
        self._state.connections = shards
        try:
            async with asyncio.TaskGroup() as group:
                for shard in shards.values():
                    group.create_task(shard.run(reconnect=reconnect))
        except BaseExceptionGroup as errors:  # callers expect discord.py's own exceptions
            raise root_cause(errors) from None
        finally:
            await asyncio.gather(*(shard.close() for shard in shards.values()))

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:  # noqa: ARG002
        """Waits for the shard's turn."""
        if shard_id is not None:
            await self._starts.take_turn(shard_id)

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Dispatches an event, unless the client is closed: then discord.py has no event loop for the listeners."""
        if event_name.startswith("shard_"):
            self._note(event_name, self._state.connections.get(args[0]))
        if not self.is_closed():
            super().dispatch(event_name, *args, **kwargs)

    def _note(self, event_name: str, shard: ShardConnection | None) -> None:
        if shard is None:
            return
        if event_name == "shard_connect":
            shard.session_started()
        elif event_name == "shard_resumed":
            shard.session_resumed()
        elif event_name == "shard_ready":
            shard.guilds_known()

    def _on_shard_change(self) -> None:
        shards = self._state.connections.values()
        if any(shard.are_guilds_known for shard in shards) and all(
            shard.are_guilds_known or shard.is_failing for shard in shards
        ):
            self._guilds_known.set()

    async def _fetch_limits(self) -> object:
        try:
            return await self.http.request(Route("GET", "/gateway/bot"))
        except discord.HTTPException as error:
            if error.status == 401:
                raise discord.LoginFailure("Discord no longer accepts the token") from None
            raise
