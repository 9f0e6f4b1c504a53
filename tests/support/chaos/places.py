"""Who watches what, and what arXiv announces: from this alone follows what should be posted where.

Keywords are words that nobody else uses, so that whether a paper holds one is never in doubt.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.arxiv import SandboxPaper
from sandbox.discord import ChannelKind, DefaultWorld

_KEYWORDS_MAX = 9  # of one channel, beside those that only it has
# Of every so many channels one is an announcement channel, one a thread, and one a forum where there are any.
_KINDS_EVERY = 10
_ANNOUNCEMENTS, _THREADS, _FORUMS = 0, 9, 5


def keyword(number: int) -> str:
    """A keyword: one word, or a phrase."""
    return f"steady marker{number:03d}" if number % 2 else f"marker{number:03d}"


def add_channels(world: DefaultWorld, count: int, *, forums: bool) -> tuple[int, ...]:
    """Text channels, announcement channels, threads and perhaps forums, in two servers; returns their ids."""
    second = world.add_guild("Second Reading Group", world.default.admin_id)
    kinds = {_ANNOUNCEMENTS: ChannelKind.ANNOUNCEMENT, _THREADS: ChannelKind.PUBLIC_THREAD}
    if forums:
        kinds[_FORUMS] = ChannelKind.FORUM
    return tuple(
        _add_channel(world, (world.default.guild_id, second.id)[n // 2 % 2], n, kinds.get(n % _KINDS_EVERY))
        for n in range(count)
    )


def _add_channel(world: DefaultWorld, guild_id: int, number: int, kind: ChannelKind | None) -> int:
    if kind is ChannelKind.PUBLIC_THREAD:
        parent = world.add_channel(guild_id, f"parent-{number}")
        return world.add_thread(parent.id, f"thread {number}", owner_id=world.default.admin_id).id
    return world.add_channel(guild_id, f"channel-{number}", kind or ChannelKind.TEXT).id


def share_out(channels: Sequence[int], keywords: int, draw: Random) -> dict[int, tuple[str, ...]]:
    """Every keyword has a channel, and many have several; every channel has keywords."""
    wanted: dict[int, set[int]] = {channel: set() for channel in channels}
    for number in range(keywords):
        wanted[channels[number % len(channels)]].add(number)
    for numbers in wanted.values():
        numbers.update(draw.sample(range(keywords), min(keywords, draw.randint(1, _KEYWORDS_MAX))))
    return {channel: tuple(keyword(number) for number in sorted(numbers)) for channel, numbers in wanted.items()}


def papers(count: int, keywords: int, draw: Random, days_ago: tuple[float, float]) -> Iterator[SandboxPaper]:
    """Papers submitted so many days ago, each about none, one or two keywords."""
    for _ in range(count):
        held = [keyword(number) for number in draw.sample(range(keywords), draw.choice((0, 1, 1, 1, 2)))]
        in_title = draw.random() < 0.5
        subject = " and ".join(held) or "Nothing That Anybody Watches"
        ago = timedelta(days=draw.uniform(*days_ago))
        yield SandboxPaper(
            title=f"On {subject}" if in_title else "On <Ordinary> Things & $\\mathcal{O}(n^2)$ Others",
            abstract="We compute @everyone." if in_title else f"We compute. This is about {subject}.",
            published=(datetime.now(UTC) - ago).replace(microsecond=0),
        )


def subscribers(paper: SandboxPaper, watching: Mapping[int, Sequence[str]]) -> frozenset[int]:
    """The channels in which the paper should be posted."""
    text = f"{paper.title}\n{paper.abstract}"
    return frozenset(channel for channel, keywords in watching.items() if any(word in text for word in keywords))
