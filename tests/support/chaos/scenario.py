"""The subscriptions of a run and the papers that arXiv announces: what must be posted follows from these alone.

Keywords are invented words, so that whether a paper contains one is never in doubt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.arxiv import SandboxPaper
from sandbox.discord import ChannelKind, DefaultWorld, Permission

_KEYWORDS_MAX = 9  # per channel, besides those that only this channel has
# Of this many channels, one is an announcement channel, one a thread and one a forum.
_KINDS_EVERY = 10
_HOSTILE_CHANNELS = 4
_HOSTILE_TEXT_LENGTH = 100_000
# All are in the window of each poll, with up to 0.6 MB each: more would exceed the limit for a page again and again.
HOSTILE_PAPERS_MAX = 8
HOSTILE_WORD = "hostility"
HOSTILE_PIECES = (
    *(
        "(",
        "{",
        "$",
        "\\",
        "\\frac{",
        "^",
        "_",
        "$$\\begin{",
        "`",
        "**",
        "||",
        "[x](",
        "<@",
        "<@&",
        "<#1",
        "@everyone ",
    ),
    *("a,", ",", "-", "- ", "*", '"', "a AND ", "NOT ", "ti:", "\n", "\u202e", "\u0301", "\u200b", "🧪", "ﬃ", "İ", "0"),
)
_ANNOUNCEMENTS, _THREADS, _FORUMS = 0, 9, 5


@dataclass(frozen=True, slots=True)
class Place:
    """A person and a channel of a server that nothing happens to."""

    person: int
    channel: int


@dataclass(frozen=True, slots=True)
class HostileServer:
    """A server whose people are hostile; half of them are its administrators."""

    people: tuple[int, ...]
    channels: tuple[int, ...]
    role: int


def keyword(number: int) -> str:
    """Returns a keyword: one word or a phrase."""
    return f"steady marker{number:03d}" if number % 2 else f"marker{number:03d}"


def add_channels(world: DefaultWorld, count: int) -> tuple[int, ...]:
    """Adds text channels, announcement channels, threads and forums in two servers; returns their ids."""
    second = world.add_guild("Second Reading Group", world.default.admin_id)
    kinds = {
        _ANNOUNCEMENTS: ChannelKind.ANNOUNCEMENT,
        _THREADS: ChannelKind.PUBLIC_THREAD,
        _FORUMS: ChannelKind.FORUM,
    }
    return tuple(
        _add_channel(world, (world.default.guild_id, second.id)[n // 2 % 2], n, kinds.get(n % _KINDS_EVERY))
        for n in range(count)
    )


def _add_channel(world: DefaultWorld, guild_id: int, number: int, kind: ChannelKind | None) -> int:
    if kind is ChannelKind.PUBLIC_THREAD:
        parent = world.add_channel(guild_id, f"parent-{number}")
        return world.add_thread(parent.id, f"thread {number}", owner_id=world.default.admin_id).id
    return world.add_channel(guild_id, f"channel-{number}", kind or ChannelKind.TEXT).id


def add_uninvolved_server(world: DefaultWorld) -> Place:
    """Adds a server with one person and one channel."""
    person = world.add_user("observer").id
    guild = world.add_guild("Quiet Reading Group", person)
    return Place(person, world.add_channel(guild.id, "papers").id)


def add_hostile_server(world: DefaultWorld, people: int) -> HostileServer:
    """Adds a server with hostile people and a few channels."""
    owner = world.add_user("hostile-owner").id
    guild = world.add_guild("Hostile Reading Group", owner)
    role = world.add_role(guild.id, "Hostile", Permission.ADMINISTRATOR)
    ids = tuple(world.add_user(f"hostile-{number}").id for number in range(people))
    for number, person in enumerate(ids):
        world.add_member(guild.id, person, [role.id] if number % 2 == 0 else [])
    names = (f"hostile-{number}" for number in range(_HOSTILE_CHANNELS))
    return HostileServer(ids, tuple(world.add_channel(guild.id, name).id for name in names), role.id)


def assign_keywords(channels: Sequence[int], keywords: int, rng: Random) -> dict[int, tuple[str, ...]]:
    """Returns each channel's keywords; every keyword has at least one channel, and every channel a keyword."""
    numbers_of: dict[int, set[int]] = {channel: set() for channel in channels}
    for number in range(keywords):
        numbers_of[channels[number % len(channels)]].add(number)
    for numbers in numbers_of.values():
        numbers.update(rng.sample(range(keywords), min(keywords, rng.randint(1, _KEYWORDS_MAX))))
    return {channel: tuple(keyword(number) for number in sorted(numbers)) for channel, numbers in numbers_of.items()}


def papers(count: int, keywords: int, rng: Random, days_ago: tuple[float, float]) -> Iterator[SandboxPaper]:
    """Yields papers submitted within a range of days ago, each with no, one or two keywords."""
    for _ in range(count):
        contained = [keyword(number) for number in rng.sample(range(keywords), rng.choice((0, 1, 1, 1, 2)))]
        in_title = rng.random() < 0.5
        subject = " and ".join(contained) or "No Keyword at All"
        ago = timedelta(days=rng.uniform(*days_ago))
        yield SandboxPaper(
            title=f"On {subject}" if in_title else "On <Ordinary> Things & $\\mathcal{O}(n^2)$ Others",
            abstract="We compute @everyone." if in_title else f"We compute. This is about {subject}.",
            published=(datetime.now(UTC) - ago).replace(microsecond=0),
        )


def hostile_paper(rng: Random) -> SandboxPaper:
    """Returns a paper whose text is as long and as bad as an author can make it; only hostile people want it."""
    piece = "".join(rng.choices(HOSTILE_PIECES, k=rng.choice((1, 1, 2, 3))))
    return SandboxPaper(
        title=f"{HOSTILE_WORD} {piece * _HOSTILE_TEXT_LENGTH}"[: rng.choice((200, _HOSTILE_TEXT_LENGTH // 10))],
        abstract=f"{HOSTILE_WORD} {piece * _HOSTILE_TEXT_LENGTH}"[:_HOSTILE_TEXT_LENGTH],
        published=(datetime.now(UTC) - timedelta(days=rng.uniform(0.2, 6.0))).replace(microsecond=0),
    )


def subscribers(paper: SandboxPaper, subscriptions: Mapping[int, Sequence[str]]) -> frozenset[int]:
    """Returns the channels in which a paper must be posted."""
    text = f"{paper.title}\n{paper.abstract}"
    return frozenset(channel for channel, keywords in subscriptions.items() if any(word in text for word in keywords))
