"""What the channels should hold, from what arXiv announced, against what they do hold."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.discord import Channel, ChannelKind, World
from tests.support.embeds import papers_in

# A channel and the address of a paper's abstract page.
Posted = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Balance:
    """How often something is where it should not be, or is not where it should be."""

    expected: int
    found: int
    missing: tuple[Posted, ...]
    double: tuple[Posted, ...]
    uncalled: tuple[Posted, ...]  # posted although nobody subscribed to it, or although it was the past

    @property
    def is_even(self) -> bool:
        """Whether every paper stands exactly where it should, once."""
        return not (self.missing or self.double or self.uncalled)


def posted(world: World) -> Counter[Posted]:
    """How often each paper stands in each channel, over the whole history of all of them; a forum's posts are it."""
    return Counter(
        (_subscriber(channel, world), url)
        for channel in world.channels.values()
        for message in world.messages.in_channel(channel.id)
        if message.author_id == world.bot_id and message.interaction is None
        for url in papers_in(message)
    )


def _subscriber(channel: Channel, world: World) -> int:
    parent = world.channels.get(channel.parent_id) if channel.parent_id is not None else None
    return parent.id if parent is not None and parent.kind is ChannelKind.FORUM else channel.id


def balance(expected: Iterable[Posted], found: Counter[Posted]) -> Balance:
    """Compare; what is expected is expected once, however often it is named."""
    wanted = set(expected)
    return Balance(
        expected=len(wanted),
        found=found.total(),
        missing=tuple(sorted(wanted - found.keys())),
        double=tuple(sorted(place for place, times in found.items() if times > 1)),
        uncalled=tuple(sorted(found.keys() - wanted)),
    )
