"""What the gateway sends about servers: each channel is looked at once, however many servers there are."""

import asyncio
from collections.abc import Collection

import discord
import pytest

from bot.discord_api.attempts import InvalidRequests
from bot.discord_api.cache_size import share_values, trim
from bot.discord_api.channel_directory import ChannelDirectory
from bot.discord_api.server_changes import ServerChanges
from bot.domain.keyword import Keyword
from bot.runtime.errors import StoreUnavailable
from sandbox.discord import BOT_PERMISSIONS, ChannelKind, Overwrite, Permission, World
from sandbox.discord.payloads import user_payload
from tests.support.clock import FakeClock
from tests.support.query_plans import StatementRecorder
from tests.support.store import NOW, Store

SERVERS = 60  # more than are looked at without a break for other callbacks
UNKNOWN = tuple(range(10**17, 10**17 + 20))


class GatewayHarness:
    """A cache with the servers of a world, and the changes that it causes."""

    def __init__(self, store: Store) -> None:
        self.world = World(application_id=10**17)
        self.client = discord.Client(
            intents=discord.Intents(guilds=True), member_cache_flags=discord.MemberCacheFlags.none()
        )
        self.state = self.client._connection  # noqa: SLF001 - the cache of discord.py
        user = user_payload(self.world.users[self.world.bot_id])
        self.state.user = discord.ClientUser(state=self.state, data=user)  # type: ignore[arg-type]
        self.checked: list[int] = []
        self.fails = False
        self.remembered: dict[int, int] = {}
        clock = FakeClock()
        directory = ChannelDirectory(store.channels, InvalidRequests(clock), clock)
        self.changes = ServerChanges(store.channels, directory, self.check, self.remembered.update)

    async def check(self, channel_ids: Collection[int]) -> None:
        if self.fails:
            raise StoreUnavailable("the database is locked")
        self.checked += channel_ids

    def server(self, number: int, *, compact: bool = False) -> tuple[discord.Guild, int]:
        """Adds a server to the cache; returns it and one of its channels."""
        guild_id = (10**11 + number) << 22
        self.world.add_guild(f"Group {number}", self.world.bot_id + 1, guild_id=guild_id)
        channel_id = self.world.add_channel(guild_id, "papers").id
        self.world.add_channel(guild_id, "other")
        return self.received(guild_id, compact=compact), channel_id

    def received(self, guild_id: int, *, compact: bool = False) -> discord.Guild:
        payload = self.world.guild_create(guild_id)
        if compact:
            trim(payload)
        guild = self.state._add_guild_from_data(payload)  # type: ignore[arg-type]  # noqa: SLF001
        if compact:
            share_values(guild, self.client.user)
        return guild


@pytest.fixture
def gateway(store: Store) -> GatewayHarness:
    gateway = GatewayHarness(store)
    gateway.world.add_user("owner", user_id=gateway.world.bot_id + 1)
    return gateway


async def subscribe(store: Store, *channel_ids: int) -> None:
    await store.subscriptions.apply_config({each: [Keyword.parse("graph")] for each in channel_ids}, NOW)


async def test_first_start_checks_each_channel_once(store: Store, gateway: GatewayHarness) -> None:
    servers = [gateway.server(number) for number in range(SERVERS)]
    channels = [channel_id for _, channel_id in servers]
    await subscribe(store, *channels, *UNKNOWN)
    await gateway.changes.arrived([guild for guild, _ in servers])
    assert sorted(gateway.checked) == sorted([*channels, *UNKNOWN])
    placed = {channel_id: guild.id for guild, channel_id in servers}
    assert await store.channels.servers() == placed | dict.fromkeys(UNKNOWN)
    assert gateway.remembered == placed


async def test_change_of_a_server_checks_only_its_channels(store: Store, gateway: GatewayHarness) -> None:
    (guild, channel_id), (other, _) = gateway.server(1), gateway.server(2)
    await subscribe(store, channel_id, *UNKNOWN)
    await gateway.changes.changed(guild)
    assert gateway.checked == [channel_id]
    await gateway.changes.changed(other)
    assert gateway.checked == [channel_id]


async def test_thread_is_recorded_with_its_parent(store: Store, gateway: GatewayHarness) -> None:
    guild, channel_id = gateway.server(1)
    thread = gateway.world.add_thread(channel_id, "reading club", owner_id=gateway.world.bot_id)
    guild = gateway.received(guild.id)
    await subscribe(store, thread.id)
    await gateway.changes.arrived([guild])
    assert (await store.channels.places())[thread.id].parent_id == channel_id


async def test_smaller_cache_has_the_same_channels_and_permissions(gateway: GatewayHarness) -> None:
    full, channel_id = gateway.server(1)
    role = gateway.world.add_role(full.id, "Readers", BOT_PERMISSIONS)
    gateway.world.add_channel(
        full.id,
        "hidden",
        overwrites=(
            Overwrite(role.id, "role", allow=Permission.SEND_MESSAGES),
            Overwrite(full.id, "role", deny=Permission.VIEW_CHANNEL),
        ),
    )
    gateway.world.add_channel(full.id, "topics", ChannelKind.CATEGORY)
    full = gateway.received(full.id)
    small = gateway.received(full.id, compact=True)
    assert small is not full
    assert [channel.id for channel in small.text_channels] == [channel.id for channel in full.text_channels]
    assert small.categories == []
    assert (small.me.name, small.me.id) == (full.me.name, full.me.id)
    for before, after in zip(full.text_channels, small.text_channels, strict=True):
        assert (before.name, before.overwrites.keys()) == (after.name, after.overwrites.keys())
        assert before.permissions_for(full.me) == after.permissions_for(small.me)
        assert before.permissions_for(full.default_role) == after.permissions_for(small.default_role)
    assert small.get_channel(channel_id) is not None


async def test_overwrites_of_one_channel_change_without_those_of_another(gateway: GatewayHarness) -> None:
    guild, _ = gateway.server(1)
    hidden = (Overwrite(guild.id, "role", deny=Permission.VIEW_CHANNEL),)
    for name in ("first", "second"):
        gateway.world.add_channel(guild.id, name, overwrites=hidden)
    first, second = gateway.received(guild.id, compact=True).text_channels[-2:]
    assert first._overwrites is second._overwrites  # noqa: SLF001 - what the smaller cache shares

    payload = {"id": str(first.id), "guild_id": str(guild.id), "type": 0, "name": "first", "position": 0}
    gateway.state.parse_channel_update({**payload, "permission_overwrites": []})

    assert first.permissions_for(first.guild.default_role).view_channel
    assert not second.permissions_for(second.guild.default_role).view_channel


async def test_servers_that_arrive_one_by_one_are_read_together(store: Store, gateway: GatewayHarness) -> None:
    servers = [gateway.server(number) for number in range(SERVERS)]
    await subscribe(store, *(channel_id for _, channel_id in servers))

    async def arrive() -> None:
        await asyncio.gather(*(gateway.changes.arrived([guild]) for guild, _ in servers))

    with StatementRecorder.recording() as recorder:
        await recorder.run(arrive())
    (statements,) = recorder.by_method.values()
    # The first server alone, then all others.
    assert len(statements) < 20
    assert set(gateway.checked) == {channel_id for _, channel_id in servers}
    assert gateway.remembered == {channel_id: guild.id for guild, channel_id in servers}


async def test_servers_of_a_failed_batch_are_handled_with_the_next(store: Store, gateway: GatewayHarness) -> None:
    (first, first_channel), (second, second_channel) = (gateway.server(number) for number in range(2))
    await subscribe(store, first_channel, second_channel)
    gateway.fails = True
    with pytest.raises(StoreUnavailable):
        await gateway.changes.changed(first)
    gateway.fails = False
    await gateway.changes.changed(second)
    assert sorted(gateway.checked) == sorted([first_channel, second_channel])
