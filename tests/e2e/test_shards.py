"""The bot with several shards: Discord's limits, routing by server, and shards that fail while the others work."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.__main__ import keyword_fault
from bot.composition.app import run
from bot.config import load_settings
from bot.runtime.errors import StartupError
from bot.runtime.limits import IDENTIFY_INTERVAL_S
from bot.runtime.shards import shard_of
from sandbox.discord import IdentifyLimits, Permission, Status
from tests.e2e.test_health import get, samples, wait_for_health
from tests.support.embeds import papers_in
from tests.support.loopback import free_port
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

SHARDS = 4
# One session per shard at once: quick, and each bucket still has its limit.
QUICK = IdentifyLimits(recommended_shards=SHARDS, max_concurrency=SHARDS)


@dataclass(frozen=True)
class Servers:
    """One server per shard, with one channel each that is subscribed in config.json."""

    sandbox: RunningSandbox
    channels: tuple[int, ...]
    config: Path

    def papers(self, shard_id: int) -> list[str]:
        """The URLs of the papers posted in a shard's server."""
        messages = self.sandbox.world.messages.in_channel(self.channels[shard_id])
        return [url for message in messages if message.interaction is None for url in papers_in(message)]

    async def wait_for_papers(self, shard_id: int, urls: list[str]) -> None:
        """Waits until these papers are posted in a shard's server."""
        await self.sandbox.wait_until(lambda: self.papers(shard_id) == urls)

    async def status(self, shard_id: int) -> str:
        """The reply to `/status` in a shard's server."""
        admin_id = self.sandbox.world.default.admin_id
        invocation = await self.sandbox.discord.run_command(
            "status", user_id=admin_id, channel_id=self.channels[shard_id]
        )
        await invocation.wait_for_edit(lambda message: bool(message.content), DEADLINE_S)
        assert invocation.reply is not None
        return invocation.reply.content

    async def wait_for_status(self, shard_id: int, text: str) -> None:
        """Repeats `/status` in a shard's server until its reply contains a text."""
        async with asyncio.timeout(DEADLINE_S):
            while text not in (reply := await self.status(shard_id)):
                assert reply
                await asyncio.sleep(0.1)

    def guild_id(self, shard_id: int) -> int:
        """The id of a shard's server."""
        return (1_000_000 * SHARDS + shard_id) << 22


def add_servers(sandbox: RunningSandbox) -> Servers:
    world = sandbox.world
    channels = []
    for shard_id in range(SHARDS):
        guild_id = (1_000_000 * SHARDS + shard_id) << 22
        assert shard_of(guild_id, SHARDS) == shard_id
        world.add_guild(f"Group {shard_id}", world.default.admin_id, guild_id=guild_id)
        channels.append(world.add_channel(guild_id, "papers").id)
    config = sandbox.database.with_name("config.json")
    subscriptions = [{"channel_id": channel_id, "keywords": ["reward model"]} for channel_id in channels]
    config.write_text(json.dumps({"subscriptions": subscriptions}), encoding="utf-8")
    return Servers(sandbox, tuple(channels), config)


@asynccontextmanager
async def with_servers(tmp_path: Path, limits: IdentifyLimits = QUICK) -> AsyncIterator[Servers]:
    async with running_sandbox(tmp_path, identify_limits=limits) as sandbox:
        yield add_servers(sandbox)


async def wait_until_ready(servers: Servers, port: int) -> None:
    await wait_for_health(port, 200)
    await servers.sandbox.wait_until(lambda: servers.sandbox.discord.bot_is_ready)


async def test_shards_identify_within_the_limits(tmp_path: Path) -> None:
    port = free_port()
    async with (
        with_servers(tmp_path, replace(QUICK, max_concurrency=2)) as servers,
        running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_WEB__PORT=str(port)),
    ):
        await wait_until_ready(servers, port)
        received = servers.sandbox.discord.identifies.received
        assert sorted(each.shard_id for each in received) == [0, 1, 2, 3]
        assert received == servers.sandbox.discord.identifies.accepted
        for bucket in (0, 1):
            times = [each.at_s for each in received if each.shard_id % 2 == bucket]
            assert all(later - earlier >= IDENTIFY_INTERVAL_S for earlier, later in itertools.pairwise(times))
        first, second = (min(each.at_s for each in received if each.shard_id % 2 == bucket) for bucket in (0, 1))
        assert abs(first - second) < IDENTIFY_INTERVAL_S / 2


async def test_commands_posts_and_events_reach_every_shard(tmp_path: Path) -> None:
    port = free_port()
    async with (
        with_servers(tmp_path) as servers,
        running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_WEB__PORT=str(port)),
    ):
        await wait_until_ready(servers, port)
        for shard_id in range(SHARDS):
            expected = f"**Shard of this server**: {shard_id} (4 of 4 shards are connected)."
            assert expected in await servers.status(shard_id)
        assert "Last checked" in await servers.sandbox.reply_to("status", channel=None)  # direct messages: shard 0
        await servers.sandbox.wait_for_next_poll()
        url = servers.sandbox.add_paper("A Reward Model")
        for shard_id in range(SHARDS):
            await servers.wait_for_papers(shard_id, [url])
        gauges = await samples(port)
        assert [gauges["shard_up", str(shard_id)] for shard_id in range(SHARDS)] == [1] * SHARDS
        assert sum(gauges["shard_guilds", str(shard_id)] for shard_id in range(SHARDS)) == SHARDS + 1
        reply = "The bot needs the Send Messages permission there."
        servers.sandbox.world.set_overwrite(servers.channels[2], servers.guild_id(2), deny=Permission.SEND_MESSAGES)
        await servers.wait_for_status(2, reply)
        assert reply not in await servers.status(1)


async def test_unreachable_shard_does_not_stop_the_others(tmp_path: Path) -> None:
    port = free_port()
    async with with_servers(tmp_path) as servers:
        servers.sandbox.discord.unreachable_shards.add(3)
        async with running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_WEB__PORT=str(port)):
            await wait_for_detail(port, "1 of 4 shards are not connected to Discord: shard 3: the connection ended")
            await servers.sandbox.wait_until(lambda: servers.sandbox.discord.bot_is_ready)
            assert "⚠️ Shard 3 of 4 is not connected to Discord: the connection ended." in await servers.status(0)
            await servers.sandbox.wait_for_next_poll()
            url = servers.sandbox.add_paper("A Reward Model")
            for shard_id in (0, 1, 2):
                await servers.wait_for_papers(shard_id, [url])
            gauges = await samples(port)
            assert (gauges["shard_up", "3"], gauges["shard_up", "0"], gauges["gateway_up", ""]) == (0, 1, 0)
            servers.sandbox.discord.unreachable_shards.clear()
            await wait_for_health(port, 200)
            await servers.wait_for_papers(3, [url])
            assert "(4 of 4 shards are connected)" in await servers.status(3)


async def test_lost_connection_of_one_shard_is_resumed_alone(tmp_path: Path) -> None:
    port = free_port()
    async with (
        with_servers(tmp_path) as servers,
        running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_WEB__PORT=str(port)),
    ):
        await wait_until_ready(servers, port)
        discord = servers.sandbox.discord
        for disconnect in (discord.request_reconnect, discord.close_gateway):
            result = disconnect(shard_id=1)
            if result is not None:
                await result
            assert "Last checked" in await servers.status(0)
            await wait_for_health(port, 200)
            assert "Last checked" in await servers.status(1)
        assert discord.identify_count == SHARDS


async def test_new_session_of_one_shard_leaves_the_other_sessions(tmp_path: Path) -> None:
    port = free_port()
    async with (
        with_servers(tmp_path) as servers,
        running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_WEB__PORT=str(port)),
    ):
        await wait_until_ready(servers, port)
        discord = servers.sandbox.discord
        left = servers.guild_id(1)
        discord.unreachable_shards.add(1)
        discord.invalidate_sessions(shard_id=1)
        servers.sandbox.world.remove_bot_from_guild(left)  # no session of the shard receives this
        discord.unreachable_shards.clear()
        await wait_until(lambda: discord.identify_count == SHARDS + 1, DEADLINE_S)
        await wait_for_health(port, 200)
        assert (await samples(port))["shard_guilds", "1"] == 0
        assert [each.shard_id for each in discord.identifies.accepted[SHARDS:]] == [1]


@pytest.mark.parametrize("shards", ["1", "2"])
async def test_too_few_shards_end_the_bot_with_one_sentence(tmp_path: Path, shards: str) -> None:
    async with with_servers(tmp_path, replace(QUICK, guilds_per_shard_max=1)) as servers:
        with pytest.raises(StartupError) as error:
            async with running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_DISCORD__SHARDS=shards) as bot:
                await bot
        plural = "1 shard" if shards == "1" else "2 shards"
        assert str(error.value) == (
            f"Discord requires sharding, and {plural} cannot serve so many servers: set `discord.shards` to null, as "
            "many as Discord recommends, or to a larger number."
        )


async def test_bot_uses_more_shards_when_discord_requires_them(tmp_path: Path) -> None:
    port = free_port()
    limits = replace(QUICK, recommended_shards=1)
    async with (
        with_servers(tmp_path, limits) as servers,
        running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_WEB__PORT=str(port)),
    ):
        await wait_until_ready(servers, port)
        discord = servers.sandbox.discord
        discord.identifies.limits = replace(QUICK, guilds_per_shard_max=2)
        discord.invalidate_sessions()
        await wait_until(lambda: discord.identify_count >= 1 + SHARDS, DEADLINE_S)
        await wait_for_detail(port, "connected to Discord with 4 shards")
        assert "(4 of 4 shards are connected)" in await servers.status(2)


async def test_bot_waits_when_all_sessions_of_the_day_are_used(tmp_path: Path) -> None:
    port = free_port()
    async with with_servers(tmp_path) as servers:
        discord, end = servers.sandbox.discord, asyncio.Event()
        discord.identifies.use_up(reset_after_s=5.0)
        environment = servers.sandbox.environment(DAILY_PAPERS_WEB__PORT=str(port))
        bot = asyncio.create_task(run(load_settings(servers.config, environment, keyword_fault), end))
        try:
            await wait_until(lambda: bool(discord.commands), DEADLINE_S)
            await wait_for_detail(port, "Discord allows 1000 connections per day, and all of them were used; next try")
            assert discord.identifies.received == []
            await wait_for_health(port, 200)
        finally:
            end.set()
            await bot
        assert len(discord.identifies.received) == len(discord.identifies.accepted) == SHARDS


async def test_bot_asks_again_when_discord_does_not_say_how_many_shards(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with with_servers(tmp_path) as servers:
        servers.sandbox.discord.faults.add("GET", "^/gateway/bot$", Status(503))
        async with running_bot(servers.sandbox, config=servers.config, DAILY_PAPERS_WEB__PORT=str(port)):
            await wait_until_ready(servers, port)
    (failure,) = (record for record in caplog.records if record.getMessage() == "loop failed")
    assert str(vars(failure)["reason"]).startswith("Discord does not answer (status 503")


async def wait_for_detail(port: int, text: str) -> None:
    """Polls `/healthz` until the detail of the gateway contains a text."""
    async with asyncio.timeout(DEADLINE_S):
        while text not in (answer := (await get(port, "/healthz"))[1]):
            assert answer
            await asyncio.sleep(0.1)
