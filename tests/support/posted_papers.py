"""Compares the papers that channels contain with those that they should contain, from what arXiv announced."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.discord import Channel, ChannelKind, World
from tests.support.embeds import papers_in

# How a message of `/channel test` begins.
_SAMPLE = "**Sample**"

# A channel id and the URL of a paper's abstract page.
PostedPaper = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences between the expected papers and the posted ones."""

    expected: int
    found: int
    missing: tuple[PostedPaper, ...]
    duplicate: tuple[PostedPaper, ...]
    unexpected: tuple[PostedPaper, ...]  # nobody subscribed to them, or they were published before the subscription

    @property
    def is_exact(self) -> bool:
        """Whether every expected paper was posted once, and no other."""
        return not (self.missing or self.duplicate or self.unexpected)


def posted_papers(world: World) -> Counter[PostedPaper]:
    """Returns how often each paper was posted in each channel; posts in a forum count for the forum."""
    return Counter(
        (_subscribed_channel(channel, world), url)
        for channel in world.channels.values()
        for message in world.messages.in_channel(channel.id)
        if message.author_id == world.bot_id and message.interaction is None and not message.content.startswith(_SAMPLE)
        for url in papers_in(message)
    )


def _subscribed_channel(channel: Channel, world: World) -> int:
    parent = world.channels.get(channel.parent_id) if channel.parent_id is not None else None
    return parent.id if parent is not None and parent.kind is ChannelKind.FORUM else channel.id


def compare(expected: Iterable[PostedPaper], posted: Counter[PostedPaper]) -> Comparison:
    """Compares; each expected paper is expected once, however often it is listed."""
    expected_once = set(expected)
    return Comparison(
        expected=len(expected_once),
        found=posted.total(),
        missing=tuple(sorted(expected_once - posted.keys())),
        duplicate=tuple(sorted(paper for paper, times in posted.items() if times > 1)),
        unexpected=tuple(sorted(posted.keys() - expected_once)),
    )
