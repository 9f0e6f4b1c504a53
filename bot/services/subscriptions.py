"""Who watches what, as people ask for it: subscribe, unsubscribe, list.

Text that a person typed enters; answers in domain values leave. Permissions are the cogs' business: whoever calls
here may.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.categories import is_category
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.domain.subscription import Source, Subscription
from bot.ingest.initial_sync import InitialSync, SyncStatus
from bot.runtime.clock import Clock
from bot.store.outbox import Outbox
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions

# The newest papers that a reply to /subscribe names.
PREVIEW_PAPERS: Final = 3
# More papers a week than this are called broad, and so many narrower ideas are offered, none of which keeps
# more than this share of the papers.
BROAD_PER_WEEK: Final = 100
NARROWER_IDEAS: Final = 3
NARROWER_SHARE: Final = 0.75
# How many of the last papers are posted on request when a channel subscribes.
PAST_POSTED: Final = 5


@dataclass(frozen=True, slots=True)
class NarrowerKeyword:
    """A broad keyword within one category, and how many papers a week that would be."""

    keyword: Keyword
    per_week: int


@dataclass(frozen=True, slots=True)
class KeywordPreview:
    """What the last 30 days hold for a keyword: how many papers, and the newest of them."""

    keyword: Keyword
    papers: int
    newest: tuple[Paper, ...]
    narrower: tuple[NarrowerKeyword, ...]

    @property
    def per_week(self) -> int:
        """How many papers a week that makes."""
        return round(self.papers * 7 / INITIAL_SYNC_PERIOD.days)


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The subscription has ended; its unsent papers went with it."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class KeptByConfig:
    """config.json wants the subscription: only a change of the file ends it."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class NotSubscribed:
    """The channel does not watch this; `nearest` are its own keywords that look like it."""

    typed: str
    nearest: tuple[str, ...]


class SubscriptionService:
    """Adds, ends and lists subscriptions."""

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

    async def subscribe(self, keyword: Keyword, channel_id: int, guild_id: int, user_id: int) -> bool:
        """Subscribe a channel; False when it is subscribed already. Its past is read in the background."""
        before = await self._subscriptions.in_channel(channel_id)
        added = await self._subscriptions.add(keyword, channel_id, guild_id, added_by=user_id, now=self._clock.now())
        self._initial_sync.wake()
        return added and all(subscription.keyword != keyword for subscription in before)

    async def wait_until_read(self, keywords: Iterable[Keyword], timeout_s: float, *, keep_waiting: bool) -> SyncStatus:
        """Wait for the keywords' first reading; unless `patient`, an arXiv that does not answer ends the wait."""
        return await self._initial_sync.wait(frozenset(keywords), timeout_s, keep_waiting=keep_waiting)

    async def found(self, keyword: Keyword) -> KeywordPreview:
        """What a keyword would have brought in the last 30 days."""
        since = self._clock.now() - INITIAL_SYNC_PERIOD
        newest = await self._papers.newest(keyword, PREVIEW_PAPERS)
        count = await self._papers.count(keyword, since)
        broad = keyword.category is None and count * 7 > BROAD_PER_WEEK * INITIAL_SYNC_PERIOD.days
        narrower = await self._narrower(keyword, since, count) if broad else ()
        return KeywordPreview(keyword, count, newest, narrower)

    async def _narrower(self, keyword: Keyword, since: datetime, whole: int) -> tuple[NarrowerKeyword, ...]:
        """The same words within the categories that have most of the papers, but for those that have nearly all."""
        counts = await self._papers.count_by_category(keyword, since)
        ideas = [(category, papers) for category, papers in counts if papers <= NARROWER_SHARE * whole]
        return tuple(
            NarrowerKeyword(
                Keyword.parse(keyword.shown, category), max(1, round(papers * 7 / INITIAL_SYNC_PERIOD.days))
            )
            for category, papers in ideas[:NARROWER_IDEAS]
            if is_category(category)
        )

    async def post_past(self, keywords: Iterable[Keyword], channel_id: int) -> int:
        """Let the last few papers of these keywords be posted too; returns how many are to come."""
        added = await self._outbox.add_newest(channel_id, tuple(keywords), PAST_POSTED, self._clock.now())
        self._on_new_posts()
        return added

    async def keywords_of(self, channel_id: int, ids: Iterable[int]) -> tuple[Keyword, ...]:
        """Those of a channel's keywords that are meant by their ids."""
        wanted = set(ids)
        own = {subscription.keyword for subscription in await self._subscriptions.in_channel(channel_id)}
        return tuple(
            watched.keyword
            for watched in await self._subscriptions.watched()
            if watched.id in wanted and watched.keyword in own
        )

    async def ids_of(self, keywords: Iterable[Keyword]) -> tuple[int, ...]:
        """The ids by which buttons name keywords."""
        wanted = frozenset(keywords)
        return tuple(watched.id for watched in await self._subscriptions.watched() if watched.keyword in wanted)

    async def unsubscribe(self, keyword: Keyword, channel_id: int) -> Unsubscribed | KeptByConfig | NotSubscribed:
        """End a channel's subscription, as far as commands can."""
        try:
            left = await self._subscriptions.remove(keyword, channel_id)
        except KeyError:
            own = await self._subscriptions.in_channel(channel_id)
            return NotSubscribed(keyword.shown, nearest(keyword.shown, own))
        return KeptByConfig(keyword) if Source.FILE in left else Unsubscribed(keyword)

    async def in_channel(self, channel_id: int) -> tuple[Subscription, ...]:
        """A channel's subscriptions."""
        return await self._subscriptions.in_channel(channel_id)

    async def in_guild(self, guild_id: int) -> tuple[Subscription, ...]:
        """A server's subscriptions, by channel; those of channels that are gone too."""
        return await self._subscriptions.in_guild(guild_id)

    async def apply_config(self, wanted: Mapping[int, Iterable[Keyword]] | None) -> None:
        """Make the settings file's subscriptions what the file wants now; None: it says nothing, nothing changes."""
        if wanted is None:
            return
        await self._subscriptions.apply_config(
            {channel_id: tuple(keywords) for channel_id, keywords in wanted.items()}, self._clock.now()
        )


def nearest(typed: str, own: Iterable[Subscription]) -> tuple[str, ...]:
    """Those of a channel's keywords that look most like what was typed."""
    by_canonical = {subscription.keyword.canonical.casefold(): subscription.keyword.shown for subscription in own}
    close = difflib.get_close_matches(typed.casefold(), by_canonical, n=3, cutoff=0.4)
    return tuple(by_canonical[canonical] for canonical in close)
