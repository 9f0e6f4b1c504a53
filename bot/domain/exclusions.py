"""Exclusions of a channel: the papers that match one are not posted there.

It decides which papers of a queue an exclusion withholds, and never looks at what a channel is subscribed to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bot.domain.expressions.keywords import match_keywords
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper


@dataclass(frozen=True, slots=True)
class ChannelExclusion:
    """A keyword whose papers are not posted in a channel, also if they match only possibly.

    `added_by` is None if the data of the person who added it was deleted.
    """

    id: int
    channel_id: int
    keyword: Keyword
    added_by: int | None
    added_at: datetime


@dataclass(frozen=True, slots=True)
class QuotaReached:
    """A channel, or else a server, has as many exclusions as are allowed."""

    limit: int
    is_of_server: bool


@dataclass(frozen=True, slots=True)
class ExclusionQuotas:
    """How many exclusions a channel and a server can have."""

    per_channel: int
    per_server: int

    def reached(self, in_channel: int, in_server: int) -> QuotaReached | None:
        """Returns which quota allows no other exclusion; None if both do."""
        if in_channel >= self.per_channel:
            return QuotaReached(self.per_channel, is_of_server=False)
        return QuotaReached(self.per_server, is_of_server=True) if in_server >= self.per_server else None


class WithheldReason(StrEnum):
    """Why a paper left the queue without being posted."""

    EXCLUSION = "exclusion"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class WithheldPaper:
    """A paper that a channel did not get.

    `exclusion` is the text of the exclusion, which may have been removed since: then `exclusion_id` is None. `post_key`
    is the message that says how many papers the limit withheld.
    """

    channel_id: int
    arxiv_id: str
    reason: WithheldReason
    withheld_at: datetime
    exclusion: str | None = None
    exclusion_id: int | None = None
    post_key: str | None = None


class QueuedPaper(NamedTuple):
    """A paper that waits in a channel; `id` is the id of its outbox row."""

    id: int
    channel_id: int
    arxiv_id: str


class ExcludedEntry(NamedTuple):
    """A paper in a queue and the exclusion that it matches."""

    outbox_id: int
    exclusion_id: int


def find_withheld(
    queued: Iterable[QueuedPaper], papers: Sequence[Paper], exclusions: Sequence[ChannelExclusion]
) -> list[ExcludedEntry]:
    """Returns the queued papers that match an exclusion of their channel, each with the first one."""
    matched: dict[str, set[str]] = {}
    for match in match_keywords(papers, [exclusion.keyword for exclusion in exclusions]):
        matched.setdefault(match.keyword.canonical, set()).add(match.arxiv_id.value)
    by_channel: dict[int, list[tuple[int, set[str]]]] = {}
    for exclusion in sorted(exclusions, key=lambda each: each.id):
        if found := matched.get(exclusion.keyword.canonical):
            by_channel.setdefault(exclusion.channel_id, []).append((exclusion.id, found))
    pairs = ((each, _first(by_channel, each)) for each in queued)
    return [ExcludedEntry(each.id, exclusion_id) for each, exclusion_id in pairs if exclusion_id is not None]


def _first(by_channel: Mapping[int, Iterable[tuple[int, set[str]]]], queued: QueuedPaper) -> int | None:
    """Returns the first exclusion that withholds a paper."""
    exclusions = by_channel.get(queued.channel_id, ())
    return next((exclusion_id for exclusion_id, found in exclusions if queued.arxiv_id in found), None)
