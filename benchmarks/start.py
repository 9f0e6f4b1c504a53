"""Measures how long the bot takes to start in 2,000 and in 10,000 servers, and its CPU time and memory then.

Each server has eight text channels in two categories, two of them with overwrites, and six roles. Half of the names are
unique, and a channel of every tenth server has a keyword. The bot has four shards in 10,000 servers. Discord's limits
make the last of them identify later: this identify time is not the bot's. The database exists, as at all starts but the
first, which loads Alembic and takes 13 MB more. Run it on an idle machine: the local Discord takes CPU time, too.
"""

import asyncio
import json
import os
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.results import Figure, Run
from bot.discord_api.session_starts import IDENTIFY_MARGIN_S
from bot.runtime.limits import IDENTIFY_INTERVAL_S
from bot.store.database import Database
from sandbox.discord import ChannelKind, IdentifyLimits, Overwrite, Permission, World
from tests.e2e.test_health import get
from tests.support.loopback import free_port
from tests.support.running import RunningSandbox, bot_process, running_sandbox

# Until every server is known, after the last shard may identify.
READY_MAX_S: Final = 5.0
MEMORY_MAX_MB: Final = 150.0
# Servers and shards of each start.
_SIZES: Final = ((2_000, 1), (10_000, 4))
_CHANNELS: Final = 8
_ROLES: Final = 6
_SUBSCRIBED_EVERY: Final = 10
_DEADLINE_S: Final = 180.0
_CHECK_INTERVAL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class MeasuredStart:
    """One start of the bot, until `/healthz` reports that every shard is connected."""

    servers: int
    shards: int
    ready_s: float
    identify_s: float
    cpu_s: float
    memory_mb: float
    settled_memory_mb: float

    @property
    def figures(self) -> list[Figure]:
        """The figures with their targets; the identify time is Discord's."""
        name = f"{self.servers:,} servers, {self.shards} shards"
        return [
            Figure(f"{name}: start to ready", (self.ready_s,), "s", self.identify_s + READY_MAX_S),
            Figure(f"{name}: CPU time until ready", (self.cpu_s,), "s"),
            Figure(f"{name}: memory when ready", (self.memory_mb,), "MB"),
            Figure(f"{name}: memory 10 s later", (self.settled_memory_mb,), "MB", MEMORY_MAX_MB),
        ]


def measure(run: Run) -> Sequence[Figure]:
    """Measures every size; at the reduced size only the smallest."""
    figures: list[Figure] = []
    for servers, shards in _SIZES[: run.size(1, len(_SIZES))]:
        with tempfile.TemporaryDirectory() as folder:
            figures += asyncio.run(_measure(Path(folder), servers, shards)).figures
    return figures


async def _measure(folder: Path, servers: int, shards: int) -> MeasuredStart:
    limits = IdentifyLimits(recommended_shards=shards)
    port = free_port()
    async with running_sandbox(folder, identify_limits=limits) as sandbox:
        config = folder / "config.json"
        config.write_text(json.dumps({"subscriptions": _add_servers(sandbox.world, servers)}), encoding="utf-8")
        environment = {"DAILY_PAPERS_WEB__PORT": str(port), "DAILY_PAPERS_LOG__LEVEL": "WARNING"}
        await (await Database.open_exclusive(sandbox.database)).close()
        started_at_s = time.monotonic()
        async with bot_process(sandbox, "--config", str(config), **environment) as process:
            await _wait_until_connected(port, process)
            ready_s, cpu_s, memory_mb = time.monotonic() - started_at_s, _cpu_s(process.pid), _memory_mb(process.pid)
            await asyncio.sleep(10)
            settled_mb = _memory_mb(process.pid)
            _check(sandbox, shards)
    identify_s = (shards - 1) * (IDENTIFY_INTERVAL_S + IDENTIFY_MARGIN_S)
    return MeasuredStart(servers, shards, ready_s, identify_s, cpu_s, memory_mb, settled_mb)


def _add_servers(world: World, servers: int) -> list[dict[str, object]]:
    """Adds the servers; returns the subscriptions of some of their channels."""
    subscriptions: list[dict[str, object]] = []
    owner_id = world.add_user("owner").id
    for guild_id in tuple(world.guilds):
        world.remove_bot_from_guild(guild_id)
    for number in range(servers):
        guild_id = (50_000_000_000 + number) << 22
        world.add_guild(f"Reading Group {number}", owner_id, guild_id=guild_id)
        role_ids = [world.add_role(guild_id, f"Role {each}", Permission.VIEW_CHANNEL).id for each in range(_ROLES - 2)]
        category_ids = [world.add_channel(guild_id, f"Topics {each}", ChannelKind.CATEGORY).id for each in range(2)]
        for each in range(_CHANNELS):
            hidden = (
                Overwrite(guild_id, "role", deny=Permission.VIEW_CHANNEL),
                Overwrite(role_ids[0], "role", allow=Permission.VIEW_CHANNEL),
            )
            world.add_channel(
                guild_id,
                f"papers-{each}" if each % 2 else f"papers-{number}-{each}",
                parent_id=category_ids[each % 2],
                overwrites=hidden if each >= _CHANNELS - 2 else (),
            )
        if number % _SUBSCRIBED_EVERY == 0:
            channel_id = next(each.id for each in world.channels_of(guild_id) if each.kind is ChannelKind.TEXT)
            subscriptions.append({"channel_id": channel_id, "keywords": [f"reward model {number % 100}"]})
    return subscriptions


async def _wait_until_connected(port: int, process: Process) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            if process.returncode is not None:
                raise RuntimeError((await process.communicate())[1].decode())
            try:
                answer = json.loads((await get(port, "/healthz"))[1])
            except OSError:  # the bot has not opened its port yet
                answer = {}
            if answer and answer["checks"]["gateway"]["ok"]:
                return
            await asyncio.sleep(_CHECK_INTERVAL_S)


def _check(sandbox: RunningSandbox, shards: int) -> None:
    if sandbox.discord.identify_count != shards:
        raise RuntimeError(f"{shards} shards identified {sandbox.discord.identify_count} times")


def _cpu_s(pid: int) -> float:
    """The CPU time of a process, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    """The resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (resident,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(resident) * 1024 / 1e6
