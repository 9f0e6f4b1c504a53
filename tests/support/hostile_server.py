"""A database with thousands of subscriptions, most of them in one server, and 100 people who type there.

Keywords are of all lengths. Each person types at the speed of a person, and is answered within three seconds.
"""

import asyncio
import itertools
import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

import aiohttp

from bot.domain.keyword import Keyword
from bot.store.codecs import to_text
from sandbox.discord import ChannelKind, NotAcknowledged, Permission
from tests.support.databases import create_where_missing
from tests.support.running import DEADLINE_S, RunningSandbox

_WORDS = [
    "graph",
    "reward",
    "model",
    "diffusion",
    "agent",
    "language",
    "vision",
    "robot",
    "policy",
    "sparse",
    "causal",
    "neural",
    "quantum",
    "lattice",
    "spectral",
    "galaxy",
    "plasma",
    "protein",
    "topology",
    "optimal",
    "transport",
    "kernel",
    "federated",
    "secure",
    "verified",
    "symbolic",
    "retrieval",
    "planning",
]
_CHANNELS = 200
_OTHER_SERVERS = 10
_SHARE_OF_OTHERS = 0.1
_PAUSE_S = 0.4
_SHOWN_MAX = 60
_TYPED = ("g", "gra", "graph", "reward model", "zzz", "", "policy 1", "model agent")
_OPTIONS: tuple[tuple[str, dict[str, object], str], ...] = (
    ("trend", {}, "keyword"),
    ("trend", {"keyword": "graph"}, "keyword5"),
    ("unsubscribe", {}, "keyword"),
    ("subscribe", {"keyword": "graph"}, "category"),
    ("follow", {}, "author"),
    ("trending", {}, "date"),
    ("channel schedule", {}, "time"),
    ("channel schedule", {"time": "09:00"}, "zone"),
)
_COMMANDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("status", {}),
    ("keywords", {}),
    ("subscribe", {"keyword": "graph, a new keyword, another new one"}),
    ("follow", {"author": "Ada Okafor"}),
    ("unsubscribe", {"keyword": "graph, a keyword that is not there"}),
    ("subscribe", {"keyword": ", ".join(f"{word} {number}" for number, word in enumerate(_WORDS * 20))[:6000]}),
    ("channel show", {}),
    ("latest", {"keyword": "reward model"}),
    ("help", {}),
)


@dataclass(slots=True)
class Load:
    """How long people waited, in seconds, and what was not answered within Discord's three seconds."""

    suggestions_s: list[float] = field(default_factory=list)
    commands_s: list[float] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        """Whether everything was answered in time."""
        return not self.unanswered and max(self.health_s) < 3

    def __str__(self) -> str:
        waits = {"suggestions": self.suggestions_s, "commands": self.commands_s, "/healthz": self.health_s}
        lines = [
            f"{name}: {len(each_s):,}, median {median(each_s) * 1000:.0f} ms, longest {max(each_s) * 1000:.0f} ms"
            for name, each_s in waits.items()
        ]
        return "\n".join([*lines, f"unanswered: {', '.join(self.unanswered) or 'none'}"])


def create_subscriptions(sandbox: RunningSandbox, count: int, *, people: int) -> Sequence[int]:
    """Creates a database with synced keywords, and people who may manage channels; returns their ids."""
    world = sandbox.world
    guild_id = world.default.guild_id
    channels = [(sandbox.channel(name), guild_id) for name in ("papers", "vision", "general", "admins")]
    channels += [(world.add_channel(guild_id, f"lab-{n}", ChannelKind.TEXT).id, guild_id) for n in range(_CHANNELS)]
    others = []
    for number in range(_OTHER_SERVERS):
        guild = world.add_guild(f"Other {number}", world.default.admin_id)
        others.append((world.add_channel(guild.id, "papers", ChannelKind.TEXT).id, guild.id))
    in_others = round(count * _SHARE_OF_OTHERS)
    # Half of the hostile server's keywords are in its first channel.
    chosen = itertools.chain(
        itertools.repeat(channels[0], (count - in_others) // 2),
        itertools.islice(itertools.cycle(channels[1:]), count - in_others - (count - in_others) // 2),
        itertools.islice(itertools.cycle(others), in_others),
    )
    create_where_missing(sandbox.database)
    _write(sandbox, list(chosen))
    role_id = world.add_role(guild_id, "Typists", Permission.MANAGE_CHANNELS).id
    users = [world.add_user(f"typist-{number}").id for number in range(people)]
    for user_id in users:
        world.add_member(guild_id, user_id, [role_id])
    return users


def _write(sandbox: RunningSandbox, channels: Sequence[tuple[int, int]]) -> None:
    now = datetime.now(UTC)
    rng = random.Random(11)
    keywords = [Keyword.parse(_phrase(rng, number)) for number in range(len(channels))]
    with closing(sqlite3.connect(sandbox.database)) as connection, connection:
        connection.executemany("INSERT INTO channels (channel_id, guild_id) VALUES (?, ?)", sorted(set(channels)))
        connection.executemany(
            "INSERT INTO keywords (id, canonical, shown, new_since, synced_until) VALUES (?, ?, ?, ?, ?)",
            [
                (number, keyword.canonical, keyword.shown, to_text(now - timedelta(days=30)), to_text(now))
                for number, keyword in enumerate(keywords, 1)
            ],
        )
        connection.executemany(
            """INSERT INTO subscriptions (channel_id, keyword_id, shown, by_file, by_command, added_by, added_at)
               VALUES (?, ?, ?, 0, 1, 1, ?)""",
            [
                (channel_id, number, keyword.shown, to_text(now))
                for number, (keyword, (channel_id, _)) in enumerate(zip(keywords, channels, strict=True), 1)
            ],
        )


def _phrase(rng: random.Random, number: int) -> str:
    """Two words in most cases, and as many as a keyword holds in every tenth."""
    words = rng.choices(_WORDS, k=2 if number % 10 else 22)
    return f"{' '.join(words)[:190]} {number}"


async def run_load(sandbox: RunningSandbox, people: Sequence[int], port: int, duration_s: float) -> Load:
    """Lets everyone type and run commands, and requests `/healthz`, for a while."""
    load = Load()
    ends_at_s = asyncio.get_running_loop().time() + duration_s
    async with asyncio.TaskGroup() as group:
        for number, user_id in enumerate(people):
            group.create_task(_type(sandbox, load, user_id, number, ends_at_s))
        group.create_task(_run_commands(sandbox, load, people, ends_at_s))
        group.create_task(_check_health(load, port, ends_at_s))
    return load


async def _type(sandbox: RunningSandbox, load: Load, user_id: int, number: int, ends_at_s: float) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(_PAUSE_S * number / 100)
    for step in itertools.count(number):
        if loop.time() > ends_at_s:
            return
        name, options, focused = _OPTIONS[step % len(_OPTIONS)]
        typed = options | {focused: _TYPED[step // len(_OPTIONS) % len(_TYPED)]}
        started_at_s = loop.time()
        try:
            await sandbox.discord.autocomplete(
                name, typed, focused, user_id=user_id, channel_id=sandbox.channel("papers")
            )
        except NotAcknowledged:
            load.unanswered.append(f"/{name} {json.dumps(typed)}")
        load.suggestions_s.append(loop.time() - started_at_s)
        await asyncio.sleep(_PAUSE_S)


async def _run_commands(sandbox: RunningSandbox, load: Load, people: Sequence[int], ends_at_s: float) -> None:
    loop = asyncio.get_running_loop()
    for step in itertools.count():
        if loop.time() > ends_at_s:
            return
        name, options = _COMMANDS[step % len(_COMMANDS)]
        # Each command has a limit per person.
        user_id, channel_id = people[step % len(people)], sandbox.channel("papers")
        started_at_s = loop.time()
        invocation = await sandbox.discord.run_command(name, options, user_id=user_id, channel_id=channel_id)
        try:
            await invocation.wait_until_acknowledged()
            load.commands_s.append(loop.time() - started_at_s)
            await invocation.wait_for_reply(DEADLINE_S)
        except (NotAcknowledged, TimeoutError):
            load.unanswered.append(f"/{name} {json.dumps(options)[:_SHOWN_MAX]}")


async def _check_health(load: Load, port: int, ends_at_s: float) -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        while loop.time() < ends_at_s:
            started_at_s = loop.time()
            async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
                await response.read()
            load.health_s.append(loop.time() - started_at_s)
            await asyncio.sleep(_PAUSE_S)
