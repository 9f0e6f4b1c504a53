"""Adds, ends and lists subscriptions, and previews what a keyword brings.

It never checks permissions: the cogs do that before they call it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.categories import CATEGORIES, is_category
from bot.domain.common_terms import COMMON_TERMS
from bot.domain.keyword import Keyword, keyword_key
from bot.domain.paper import Paper
from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.domain.similar_terms import nearest_terms, similar_keywords
from bot.domain.subscription import Source, Subscription
from bot.ingest.initial_sync import InitialSync, SyncStatus
from bot.runtime.clock import Clock
from bot.store.outbox import Outbox
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions

__all__ = [
    "BROAD_PER_WEEK",
    "NARROWER_KEYWORDS",
    "NARROWER_SHARE",
    "NEWEST_POSTED",
    "PREVIEW_PAPERS",
    "Added",
    "AlreadyWatched",
    "KeptByConfig",
    "KeywordPreview",
    "NarrowerKeyword",
    "NotSubscribed",
    "SubscriptionService",
    "SyncStatus",
    "Unsubscribed",
]

# How many papers a preview shows.
PREVIEW_PAPERS: Final = 3
# A keyword with more papers per week than this is broad: up to `NARROWER_KEYWORDS` narrower ones are suggested, each
# with at most `NARROWER_SHARE` of its papers.
BROAD_PER_WEEK: Final = 100
NARROWER_KEYWORDS: Final = 3
NARROWER_SHARE: Final = 0.75
# How many of the newest papers the button below the reply to /subscribe posts.
NEWEST_POSTED: Final = 5
# In how many titles terms are searched for that resemble a keyword without papers.
TITLES_SEARCHED: Final = 3000


@dataclass(frozen=True, slots=True)
class NarrowerKeyword:
    """A broad keyword limited to one category, and its papers per week."""

    keyword: Keyword
    per_week: int


@dataclass(frozen=True, slots=True)
class KeywordPreview:
    """A keyword's papers of the last 30 days: how many, and the newest of them.

    `similar_terms` are known terms that resemble a keyword without papers.
    """

    keyword: Keyword
    papers: int
    newest: tuple[Paper, ...]
    narrower: tuple[NarrowerKeyword, ...] = ()
    similar_terms: tuple[str, ...] = ()

    @property
    def per_week(self) -> int:
        """The average number of papers per week."""
        return round(self.papers * 7 / INITIAL_SYNC_PERIOD.days)


@dataclass(frozen=True, slots=True)
class Added:
    """The channel now subscribes to the keyword."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class AlreadyWatched:
    """The channel subscribed to the keyword before, in this spelling."""

    keyword: Keyword


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
        outbox: Outbox,
        initial_sync: InitialSync,
        clock: Clock,
        on_new_posts: Callable[[], None],
    ) -> None:
        self._subscriptions = subscriptions
        self._papers = papers
        self._outbox = outbox
        self._on_new_posts = on_new_posts
        self._initial_sync = initial_sync
        self._clock = clock

    async def subscribe(self, keyword: Keyword, channel_id: int, guild_id: int, user_id: int) -> Added | AlreadyWatched:
        """Subscribes a channel and starts the initial sync."""
        before = await self._subscriptions.in_channel(channel_id)
        await self._subscriptions.add(keyword, channel_id, guild_id, added_by=user_id, now=self._clock.now())
        self._initial_sync.notify()
        spellings = (subscription.keyword for subscription in before if subscription.keyword == keyword)
        return next(map(AlreadyWatched, spellings), Added(keyword))

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
        broad = keyword.category is None and count * 7 > BROAD_PER_WEEK * INITIAL_SYNC_PERIOD.days
        narrower = await self._narrower(keyword, since, count) if broad else ()
        return KeywordPreview(keyword, count, newest, narrower, () if count else await self._similar_terms(keyword))

    async def _similar_terms(self, keyword: Keyword) -> tuple[str, ...]:
        """Terms of known papers, or common ones, that are spelled like the keyword but are another one."""
        titles = (*await self._papers.titles(TITLES_SEARCHED), *CATEGORIES.values(), *COMMON_TERMS)
        suffix = f" [{keyword.category}]" if keyword.category else ""
        # In a thread, because 3,000 titles take 0.2 s.
        terms = await asyncio.to_thread(nearest_terms, keyword.shown.removesuffix(suffix), titles)
        return tuple(term + suffix for term in terms if keyword_key(term + suffix) not in (None, keyword.canonical))

    async def _narrower(self, keyword: Keyword, since: datetime, total: int) -> tuple[NarrowerKeyword, ...]:
        """The keyword within the categories that have most of its papers, except those that have nearly all."""
        counts = await self._papers.count_by_category(keyword, since)
        categories = [(category, papers) for category, papers in counts if papers <= NARROWER_SHARE * total]
        return tuple(
            NarrowerKeyword(
                Keyword.parse(keyword.shown, category), max(1, round(papers * 7 / INITIAL_SYNC_PERIOD.days))
            )
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
        requested = set(keyword_ids)
        subscribed = {subscription.keyword for subscription in await self._subscriptions.in_channel(channel_id)}
        return tuple(
            watched.keyword
            for watched in await self._subscriptions.watched()
            if watched.id in requested and watched.keyword in subscribed
        )

    async def keyword_ids(self, keywords: Iterable[Keyword]) -> tuple[int, ...]:
        """The ids of watched keywords, for the custom ids of buttons."""
        requested = frozenset(keywords)
        return tuple(watched.id for watched in await self._subscriptions.watched() if watched.keyword in requested)

    async def unsubscribe(self, keyword: Keyword, channel_id: int) -> Unsubscribed | KeptByConfig | NotSubscribed:
        """Ends a channel's subscription, unless config.json contains it."""
        try:
            sources = await self._subscriptions.remove(keyword, channel_id)
        except KeyError:
            subscriptions = await self._subscriptions.in_channel(channel_id)
            shown = [subscription.keyword.shown for subscription in subscriptions]
            # In a thread, because comparing with hundreds of long keywords takes more than a second.
            return NotSubscribed(keyword.shown, await asyncio.to_thread(similar_keywords, keyword.shown, shown))
        return KeptByConfig(keyword) if Source.FILE in sources else Unsubscribed(keyword)

    async def in_channel(self, channel_id: int) -> tuple[Subscription, ...]:
        """A channel's subscriptions."""
        return await self._subscriptions.in_channel(channel_id)

    async def in_guild(self, guild_id: int) -> tuple[Subscription, ...]:
        """A server's subscriptions ordered by channel, including channels that are gone."""
        return await self._subscriptions.in_guild(guild_id)

    async def apply_config(self, configured: Mapping[int, Iterable[Keyword]] | None) -> None:
        """Replaces the subscriptions from config.json; None (no `subscriptions` in the file) changes nothing."""
        if configured is None:
            return
        await self._subscriptions.apply_config(
            {channel_id: tuple(keywords) for channel_id, keywords in configured.items()}, self._clock.now()
        )
