"""What is to be posted: durable intentions, the message they are bound to, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Final

from bot.domain.channel_settings import Layout
from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import TrendingEntry


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A durable intention to post one paper in one channel; `keywords` are shown as their reason.

    `listing` is what Hugging Face says of the paper by now.
    """

    id: int
    paper: Paper
    keywords: tuple[str, ...]
    alone: bool
    trending_entry: TrendingEntry | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is due in a channel: so many papers for these keywords, the first of which came at `arrived`."""

    papers: int
    keywords: tuple[str, ...]
    arrived: datetime | None


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """What a message has beside its papers: how they are laid out, its first line, whom it pings.

    `thread_id` is the forum post that the message continues.
    """

    layout: Layout = Layout.CARDS
    heading: str = ""
    mention_role: int | None = None
    thread_id: int | None = None


# A message with its papers alone.
NO_HEADER: Final = MessageHeader()


@dataclass(frozen=True, slots=True)
class Post:
    """One Discord message of ours, bound to its entries before it leaves; `message_id` once Discord holds it."""

    key: str
    channel_id: int
    nonce: str
    first_attempt: datetime
    last_attempt: datetime
    entries: tuple[OutboxEntry, ...]
    header: MessageHeader = NO_HEADER
    message_id: int | None = None

    @property
    def papers(self) -> tuple[tuple[Paper, tuple[str, ...]], ...]:
        """The papers with the keywords that each is posted for."""
        return tuple((entry.paper, entry.keywords) for entry in self.entries)

    @property
    def trending_entries(self) -> Mapping[ArxivId, TrendingEntry]:
        """What Hugging Face says of those of the papers that it lists."""
        return {
            entry.paper.arxiv_id: entry.trending_entry for entry in self.entries if entry.trending_entry is not None
        }


def one_message(due: Sequence[OutboxEntry]) -> tuple[OutboxEntry, ...]:
    """The first of the due entries that go in one message: one that goes alone, or all up to the next such one."""
    if due and due[0].alone:
        return tuple(due[:1])
    return tuple(takewhile(lambda entry: not entry.alone, due))
