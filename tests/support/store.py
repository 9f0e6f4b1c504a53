"""A real store in a file of its own, and the short ways in which tests fill it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.channel_settings import ChannelSettings
from bot.domain.expressions.exclusions import find_exclusions
from bot.domain.expressions.keywords import match_keywords, parse_keyword
from bot.domain.paper import Paper
from bot.domain.post import OutboxEntry, Post
from bot.domain.subscription import Added, Subscription, WatchedKeyword
from bot.store.backend import Location
from bot.store.channel_queues import BatchStart, ChannelQueue, ChannelQueues
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.database import Database
from bot.store.discussions import Discussions
from bot.store.edits import Edits
from bot.store.exclusions import Exclusions
from bot.store.ingest import IngestStore, WindowWritten
from bot.store.outbox import Outbox
from bot.store.pages import PageStore
from bot.store.papers import Papers
from bot.store.polls import KeyValues, Polls
from bot.store.subscriptions import Subscriptions
from bot.store.trending_entries import TrendingEntries
from bot.store.trending_posts import TrendingPosts
from bot.store.withheld import WithheldPapers
from tests.support.databases import create_where_missing, location

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
NEW_SINCE = NOW - timedelta(days=30)
GUILD, CHANNEL, OTHER_CHANNEL = 1, 11, 12
ADA = 71


@dataclass(frozen=True, slots=True)
class Store:
    """Every class of the store, on one file."""

    path: Path
    database: Database
    subscriptions: Subscriptions
    ingest_store: IngestStore
    outbox: Outbox
    channel_queues: ChannelQueues
    papers: Papers
    channels: Channels
    channel_settings: ChannelSettingsStore
    edits: Edits
    polls: Polls
    key_values: KeyValues
    page_store: PageStore
    trending_entries: TrendingEntries
    trending_posts: TrendingPosts
    exclusions: Exclusions
    withheld: WithheldPapers
    discussions: Discussions

    async def subscribe(self, keyword: str, channel_id: int = CHANNEL, *, added_by: int = ADA) -> bool:
        """Subscribes by command; returns whether the channel did not have the keyword."""
        keywords = [parse_keyword(keyword)]
        (result,) = await self.subscriptions.add_all(keywords, channel_id, GUILD, added_by=added_by, now=NOW)
        return isinstance(result, Added)

    async def in_guild(self, guild_id: int) -> tuple[Subscription, ...]:
        """Returns a server's subscriptions by channel and keyword."""
        channels = await self.subscriptions.keywords_per_channel(guild_id)
        return await self.subscriptions.in_channels(guild_id, list(channels), 0, 1000)

    async def set_channel(self, channel_id: int, channel_settings: ChannelSettings) -> None:
        """Replaces a channel's settings, whatever they were."""
        await self.channel_settings.change(channel_id, lambda _: channel_settings)

    async def watched(self, *keywords: str) -> tuple[WatchedKeyword, ...]:
        """Returns these watched keywords; all if none is given."""
        wanted = set(map(parse_keyword, keywords))
        return tuple(
            watched for watched in await self.subscriptions.watched() if not wanted or watched.keyword in wanted
        )

    async def sync(self, *papers: Paper, new_since: datetime = NEW_SINCE, synced_until: datetime = NOW) -> None:
        """Completes the initial sync of every unsynced keyword, in which arXiv returns `papers`."""
        unsynced = tuple(watched for watched in await self.watched() if watched.synced_until is None)
        keywords = [watched.keyword for watched in unsynced]
        matches, exclusions = match_keywords(papers, keywords), find_exclusions(papers, keywords)
        await self.ingest_store.record_seen(unsynced, papers, matches, synced_until, exclusions=exclusions)
        await self.ingest_store.finish_initial_sync(unsynced, new_since, synced_until)

    async def watch(self, *keywords: str, channel_id: int = CHANNEL) -> None:
        """Subscribes by command and completes the initial sync without papers."""
        for keyword in keywords:
            await self.subscribe(keyword, channel_id)
        await self.sync()

    async def poll(
        self, *papers: Paper, planned: Iterable[WatchedKeyword] | None = None, now: datetime = NOW
    ) -> WindowWritten:
        """Records the only window of a poll, in which arXiv returns `papers`."""
        watched = tuple(await self.watched() if planned is None else planned)
        keywords = [each.keyword for each in watched]
        matches, exclusions = match_keywords(papers, keywords), find_exclusions(papers, keywords)
        return await self.ingest_store.record_window(watched, papers, matches, now, exclusions=exclusions)

    async def due(self, channel_id: int = CHANNEL, limit: int = 100, now: datetime = NOW) -> tuple[OutboxEntry, ...]:
        """Returns the entries that are due in the channel, at most `limit`."""
        return (await self.queue(channel_id, now)).entries[:limit]

    async def queue(self, channel_id: int = CHANNEL, now: datetime = NOW) -> ChannelQueue:
        """Returns what is due in the channel."""
        (queue,) = await self.channel_queues.read([channel_id], now)
        return queue

    async def batch_start(self, channel_id: int = CHANNEL, now: datetime = NOW) -> BatchStart:
        """Returns what the first message of the channel's next batch depends on."""
        start = (await self.queue(channel_id, now)).start
        assert start is not None
        return start

    async def due_ids(self, channel_id: int = CHANNEL) -> list[str]:
        """Returns the arXiv ids of the due entries, in the order of sending."""
        return [entry.paper.arxiv_id.value for entry in await self.due(channel_id)]

    async def bind(self, channel_id: int = CHANNEL, *, limit: int = 10, key: str = "key", now: datetime = NOW) -> Post:
        """Binds the due entries to a message."""
        entries = await self.due(channel_id, limit, now)
        post = await self.outbox.bind(channel_id, entries, key=key, nonce=f"nonce of {key}", now=now)
        assert post is not None
        return post


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    """Opens the store in the file at `path`, which is created if missing, until the block ends."""
    create_where_missing(path)
    async with opened_at(location(path), path) as store:
        yield store


@asynccontextmanager
async def opened_at(place: Location, path: Path) -> AsyncIterator[Store]:
    """Opens the store in the database at `place` until the block ends; `path` is its name for the tests."""
    database = await Database.open_exclusive(place)
    try:
        yield Store(
            path,
            database,
            Subscriptions(database),
            IngestStore(database),
            Outbox(database),
            ChannelQueues(database),
            Papers(database),
            Channels(database),
            ChannelSettingsStore(database),
            Edits(database),
            Polls(database),
            KeyValues(database),
            PageStore(database),
            TrendingEntries(database),
            TrendingPosts(database),
            Exclusions(database),
            WithheldPapers(database),
            Discussions(database),
        )
    finally:
        await database.close()
