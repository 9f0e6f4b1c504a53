"""Adds, ends and lists subscriptions, and previews what a keyword brings.

It never checks permissions: the cogs do that before they call it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.config import LimitsSettings
from bot.domain.categories import is_category
from bot.domain.expressions.exclusions import has_exclusions
from bot.domain.expressions.keywords import has_category, narrowed
from bot.domain.keyword import Keyword
from bot.domain.keyword_index import KeywordIndex
from bot.domain.paper import Paper
from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.domain.subscription import (
    Added,
    AddResult,
    AlreadyWatched,
    QuotaExceeded,
    Quotas,
    QuotaScope,
    Renamed,
    Source,
    Subscription,
)
from bot.ingest.initial_sync import InitialSync, SyncStatus
from bot.runtime.clock import Clock
from bot.services.keyword_indexes import KeywordIndexes
from bot.services.spelling_hints import SpellingHints
from bot.store.excluded_papers import NOTHING_EXCLUDED, ExcludedPapers, ExcludedSummary
from bot.store.outbox import Outbox
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions

__all__ = [
    "BROAD_PER_WEEK",
    "NARROWER_KEYWORDS",
    "NARROWER_SHARE",
    "NEWEST_POSTED",
    "PREVIEW_PAPERS",
    "AddResult",
    "Added",
    "AlreadyWatched",
    "KeptByConfig",
    "KeywordPreview",
    "NarrowerKeyword",
    "NotSubscribed",
    "QuotaExceeded",
    "QuotaScope",
    "Renamed",
    "SubscriptionService",
    "SyncStatus",
    "Unsubscribed",
]

# How many papers a preview shows, and how many that a keyword excludes.
PREVIEW_PAPERS: Final = 3
PREVIEW_EXCLUDED: Final = 2
# A keyword with more papers per week than this is broad: up to `NARROWER_KEYWORDS` narrower ones are suggested, each
# with at most `NARROWER_SHARE` of its papers.
BROAD_PER_WEEK: Final = 100
NARROWER_KEYWORDS: Final = 3
NARROWER_SHARE: Final = 0.75
# How many of the newest papers the button below the reply to /subscribe posts.
NEWEST_POSTED: Final = 5


@dataclass(frozen=True, slots=True)
class NarrowerKeyword:
    """A broad keyword limited to one category, and its papers per week."""

    keyword: Keyword
    category: str
    per_week: int


@dataclass(frozen=True, slots=True)
class KeywordPreview:
    """A keyword's papers of the last 30 days: how many, and the newest of them.

    `similar_terms` are known terms that resemble a keyword without papers; `excluded` is what its exclusions remove.
    """

    keyword: Keyword
    papers: int
    newest: tuple[Paper, ...]
    narrower: tuple[NarrowerKeyword, ...] = ()
    similar_terms: tuple[str, ...] = ()
    excluded: ExcludedSummary = NOTHING_EXCLUDED

    @property
    def per_week(self) -> int:
        """The average number of papers per week."""
        return round(self.papers * 7 / INITIAL_SYNC_PERIOD.days)


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The subscription has ended, and its queued papers are dropped."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class KeptByConfig:
    """config.json contains the subscription: only a change of the file ends it."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class NotSubscribed:
    """The channel has no such keyword; `similar` are keywords that it has."""

    typed: str
    similar: tuple[str, ...]


class SubscriptionService:
    """Adds, ends and lists subscriptions; `on_new_posts` wakes the loop that posts."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        papers: Papers,
        excluded_papers: ExcludedPapers,
        outbox: Outbox,
        initial_sync: InitialSync,
        clock: Clock,
        on_new_posts: Callable[[], None],
        limits: LimitsSettings,
    ) -> None:
        self._subscriptions = subscriptions
        self._papers = papers
        self._excluded_papers = excluded_papers
        self._outbox = outbox
        self._on_new_posts = on_new_posts
        self._initial_sync = initial_sync
        self._clock = clock
        self._limits = limits
        self._indexes = KeywordIndexes(subscriptions, clock)
        self._hints = SpellingHints(subscriptions, papers)

    @property
    def keywords_per_command(self) -> int:
        """How many keywords a command takes."""
        return self._limits.keywords_per_command

    async def load(self) -> None:
        """Parses every watched keyword, so that no request has to."""
        await self._subscriptions.watched()

    async def subscribe(
        self,
        keywords: Sequence[Keyword],
        channel_id: int,
        guild_id: int,
        user_id: int,
        mention_role: int | None = None,
    ) -> tuple[AddResult, ...]:
        """Subscribes a channel to the keywords that its quotas allow, all at once, and starts the initial sync.

        `mention_role` is the role that their papers ping; without one, keywords that the channel has keep theirs.
        """
        quotas = Quotas(self._limits.keywords_per_channel, self._limits.keywords_per_server)
        results = await self._subscriptions.add_all(
            keywords,
            channel_id,
            guild_id,
            added_by=user_id,
            now=self._clock.now(),
            quotas=quotas,
            mention_role=mention_role,
        )
        self._initial_sync.notify()
        return results

    async def wait_until_synced(
        self, keywords: Iterable[Keyword], timeout_s: float, *, keep_waiting: bool
    ) -> SyncStatus:
        """Waits for the initial sync of the keywords; unless `keep_waiting`, a failure of arXiv ends the wait."""
        return await self._initial_sync.wait(frozenset(keywords), timeout_s, keep_waiting=keep_waiting)

    async def preview(self, keyword: Keyword) -> KeywordPreview:
        """What the keyword would have posted in the last 30 days."""
        since = self._clock.now() - INITIAL_SYNC_PERIOD
        newest = await self._papers.newest(keyword, PREVIEW_PAPERS)
        count = await self._papers.count(keyword, since)
        broad = not has_category(keyword) and count * 7 > BROAD_PER_WEEK * INITIAL_SYNC_PERIOD.days
        narrower = await self._narrower(keyword, since, count) if broad else ()
        excluded = await self._excluded(keyword, since)
        similar = () if count or excluded.papers else await self._hints.terms(keyword)
        return KeywordPreview(keyword, count, newest, narrower, similar, excluded)

    async def _excluded(self, keyword: Keyword, since: datetime) -> ExcludedSummary:
        if not has_exclusions(keyword):
            return NOTHING_EXCLUDED
        return await self._excluded_papers.summary(keyword, since, PREVIEW_EXCLUDED)

    async def _narrower(self, keyword: Keyword, since: datetime, total: int) -> tuple[NarrowerKeyword, ...]:
        """The keyword within the categories that have most of its papers, except those that have nearly all."""
        counts = await self._papers.count_by_category(keyword, since)
        categories = [(category, papers) for category, papers in counts if papers <= NARROWER_SHARE * total]
        return tuple(
            NarrowerKeyword(narrowed(keyword, category), category, max(1, round(papers * 7 / INITIAL_SYNC_PERIOD.days)))
            for category, papers in categories[:NARROWER_KEYWORDS]
            if is_category(category)
        )

    async def post_newest(self, keywords: Iterable[Keyword], channel_id: int) -> int:
        """Queues the newest papers of these keywords; returns how many."""
        queued = await self._outbox.add_newest(channel_id, tuple(keywords), NEWEST_POSTED, self._clock.now())
        self._on_new_posts()
        return queued

    async def keywords_by_id(self, channel_id: int, keyword_ids: Iterable[int]) -> tuple[Keyword, ...]:
        """The channel's keywords with these ids; ids of other keywords are ignored."""
        return await self._subscriptions.by_ids(channel_id, keyword_ids)

    async def keyword_ids(self, keywords: Iterable[Keyword]) -> tuple[int, ...]:
        """The ids of watched keywords, for the custom ids of buttons."""
        return await self._subscriptions.ids(keywords)

    async def subscribed(self, channel_id: int, keywords: Iterable[Keyword]) -> tuple[Keyword, ...]:
        """Those of these keywords that the channel has, as it spells them."""
        return await self._subscriptions.in_channel_of(channel_id, keywords)

    async def similar(self, keyword: Keyword, channel_id: int) -> tuple[str, ...]:
        """Keywords of the channel that resemble one that it does not have."""
        return await self._hints.keywords(keyword, channel_id)

    async def unsubscribe(self, keyword: Keyword, channel_id: int) -> Unsubscribed | KeptByConfig | NotSubscribed:
        """Ends a channel's subscription, unless config.json contains it."""
        try:
            sources = await self._subscriptions.remove(keyword, channel_id)
        except KeyError:
            return NotSubscribed(keyword.label, await self.similar(keyword, channel_id))
        return KeptByConfig(keyword) if Source.FILE in sources else Unsubscribed(keyword)

    async def set_role(self, keyword: Keyword, channel_id: int, role_id: int | None) -> bool:
        """Pings a role for a keyword's papers, or none; returns whether the channel subscribes to the keyword."""
        return await self._subscriptions.set_role(keyword, channel_id, role_id)

    async def with_roles(self, channel_id: int, limit: int) -> tuple[Subscription, ...]:
        """The first of a channel's subscriptions that have a role."""
        return await self._subscriptions.with_roles(channel_id, limit)

    async def in_channel(self, channel_id: int) -> tuple[Subscription, ...]:
        """A channel's subscriptions."""
        return await self._subscriptions.in_channel(channel_id)

    async def index(self, guild_id: int) -> KeywordIndex:
        """A server's keywords, for suggestions."""
        return await self._indexes.get(guild_id)

    async def keywords_per_channel(self, guild_id: int) -> Mapping[int, int]:
        """How many keywords each channel of a server has, including channels that are gone."""
        return await self._subscriptions.keywords_per_channel(guild_id)

    async def in_channels(
        self, guild_id: int, channel_ids: Collection[int], offset: int, limit: int
    ) -> tuple[Subscription, ...]:
        """Part of the subscriptions of a server's channels, ordered by channel and keyword."""
        return await self._subscriptions.in_channels(guild_id, channel_ids, offset, limit)

    async def apply_config(self, configured: Mapping[int, Iterable[Keyword]] | None) -> None:
        """Replaces the subscriptions from config.json; None (no `subscriptions` in the file) changes nothing."""
        if configured is None:
            return
        await self._subscriptions.apply_config(
            {channel_id: tuple(keywords) for channel_id, keywords in configured.items()}, self._clock.now()
        )
