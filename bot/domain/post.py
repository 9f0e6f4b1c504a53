"""Papers to be posted: outbox entries, and the post that they are bound to before it is sent.

`outgoing` has the outcomes of sending; `layout.message` decides which entries share a post.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Final

from bot.domain.channel_settings import Discussion, Layout
from bot.domain.expressions.authors import MatchedAuthor
from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import TrendingEntry


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One paper that waits to be posted in one channel; `keywords` are shown as the reason.

    An entry marked `alone` gets a post of its own. `trending_entry` is the latest one known for the paper. `authors`
    are those for whom it matches; with `is_first`, it is posted before papers that match for other reasons. `roles` are
    those of its keywords, which a message with it pings.
    """

    id: int
    paper: Paper
    keywords: tuple[str, ...]
    alone: bool
    trending_entry: TrendingEntry | None = None
    authors: tuple[MatchedAuthor, ...] = ()
    is_first: bool = False
    roles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """What is due in a channel: the number of papers, their keywords, and when the first of them arrived."""

    papers: int
    keywords: tuple[str, ...]
    arrived: datetime | None


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """What a message has besides its papers: layout, headline, and the roles that it pings.

    `mention_role` is the channel's role, `keyword_roles` are those of keywords, and `earlier_roles` those that earlier
    messages of the batch pinged; None if these are unknown. `thread_id` is the forum post that the message belongs to,
    if any. `begins_batch` is known only until the message is bound: what depends on it is stored then.
    """

    layout: Layout = Layout.CARDS
    headline: str = ""
    mention_role: int | None = None
    thread_id: int | None = None
    keyword_roles: tuple[int, ...] = ()
    earlier_roles: tuple[int, ...] | None = ()
    discussion: Discussion | None = None
    begins_batch: bool = field(default=False, compare=False)

    @property
    def roles(self) -> tuple[int, ...]:
        """The roles that the message pings, each once."""
        channel_role = () if self.mention_role is None else (self.mention_role,)
        return tuple(dict.fromkeys((*channel_role, *self.keyword_roles)))

    def followed_by(self, thread_id: int | None) -> "MessageHeader":
        """Returns the header of the batch's next message, which pings none of these roles again."""
        earlier = None if self.earlier_roles is None else tuple(dict.fromkeys((*self.earlier_roles, *self.roles)))
        return MessageHeader(self.layout, thread_id=thread_id, earlier_roles=earlier)


# For a message that consists of papers only.
NO_HEADER: Final = MessageHeader()


@dataclass(frozen=True, slots=True)
class Post:
    """One Discord message, bound to its entries before it is sent; `message_id` is None until it is delivered.

    `rest` is how many papers the channel's limit withheld from its batch.
    """

    key: str
    channel_id: int
    nonce: str
    first_attempt: datetime
    last_attempt: datetime
    entries: tuple[OutboxEntry, ...]
    header: MessageHeader = NO_HEADER
    message_id: int | None = None
    search: SearchStart = UNKNOWN_START
    rest: int = 0

    @property
    def papers(self) -> tuple[tuple[Paper, tuple[str, ...]], ...]:
        """The papers, each with the keywords that it is posted for."""
        return tuple((entry.paper, entry.keywords) for entry in self.entries)

    @property
    def matched_authors(self) -> Mapping[ArxivId, Sequence[MatchedAuthor]]:
        """The authors for whom papers match, of the papers that have any."""
        return {entry.paper.arxiv_id: entry.authors for entry in self.entries if entry.authors}

    @property
    def trending_entries(self) -> Mapping[ArxivId, TrendingEntry]:
        """The trending entries of the papers that have one."""
        return {
            entry.paper.arxiv_id: entry.trending_entry for entry in self.entries if entry.trending_entry is not None
        }


def in_order(entries: Iterable[OutboxEntry]) -> list[OutboxEntry]:
    """Returns the entries as they are posted: papers of followed authors first, then the oldest paper, then by id."""
    return sorted(entries, key=lambda entry: (not entry.is_first, entry.paper.published, entry.paper.arxiv_id.value))


def one_message(due: Sequence[OutboxEntry]) -> tuple[OutboxEntry, ...]:
    """Returns the first due entry if it is marked `alone`, otherwise all entries before the next one that is."""
    if due and due[0].alone:
        return tuple(due[:1])
    return tuple(takewhile(lambda entry: not entry.alone, due))
