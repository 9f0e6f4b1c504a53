"""A real store in a file of its own, and the short ways in which tests fill it."""

import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.paper import Paper
from bot.domain.post import OutboxEntry, Post
from bot.domain.subscription import WatchedKeyword
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.database import Database
from bot.store.edits import Edits
from bot.store.ingest import IngestStore, WindowWritten
from bot.store.opening import prepare_exclusive
from bot.store.outbox import Outbox
from bot.store.pages import PageStore
from bot.store.papers import Papers
from bot.store.polls import KeyValues, Polls
from bot.store.subscriptions import Subscriptions
from bot.store.trending_entries import TrendingEntries
from bot.store.trending_posts import TrendingPosts

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
READ_FROM = NOW - timedelta(days=30)
GUILD, CHANNEL, OTHER_CHANNEL = 1, 11, 12
ADA = 71


@dataclass(frozen=True, slots=True)
class Store:
    """Every room of the store, over one file."""

    path: Path
    database: Database
    subscriptions: Subscriptions
    ingest_store: IngestStore
    outbox: Outbox
    papers: Papers
    channels: Channels
    channel_settings: ChannelSettingsStore
    edits: Edits
    polls: Polls
    key_values: KeyValues
    page_store: PageStore
    trending_entries: TrendingEntries
    trending_posts: TrendingPosts

    async def subscribe(self, keyword: str, channel_id: int = CHANNEL, *, added_by: int = ADA) -> bool:
        """Subscribe by command."""
        return await self.subscriptions.add(Keyword.parse(keyword), channel_id, GUILD, added_by=added_by, now=NOW)

    async def watched(self, *keywords: str) -> tuple[WatchedKeyword, ...]:
        """These keywords as they are watched now; all, when none is named."""
        wanted = {Keyword.parse(keyword) for keyword in keywords}
        return tuple(
            watched for watched in await self.subscriptions.watched() if not wanted or watched.keyword in wanted
        )

    async def read_past(self, *papers: Paper, new_since: datetime = READ_FROM, synced_until: datetime = NOW) -> None:
        """Make the first reading of every keyword that waits for it; arXiv shows `papers`."""
        unread = tuple(watched for watched in await self.watched() if watched.synced_until is None)
        matches = match(papers, [watched.keyword for watched in unread])
        await self.ingest_store.record_seen(unread, papers, matches, synced_until)
        await self.ingest_store.finish_initial_sync(unread, new_since, synced_until)

    async def watch(self, *keywords: str, channel_id: int = CHANNEL) -> None:
        """Subscribe by command, with a past that is read and empty."""
        for keyword in keywords:
            await self.subscribe(keyword, channel_id)
        await self.read_past()

    async def read(
        self, *papers: Paper, planned: Iterable[WatchedKeyword] | None = None, now: datetime = NOW
    ) -> WindowWritten:
        """Record the one slice of a pass; arXiv shows `papers`."""
        kept = tuple(await self.watched() if planned is None else planned)
        matches = match(papers, [watched.keyword for watched in kept])
        return await self.ingest_store.record_window(kept, papers, matches, now)

    async def due(self, channel_id: int = CHANNEL, limit: int = 100, now: datetime = NOW) -> tuple[OutboxEntry, ...]:
        """What the channel could be sent."""
        return await self.outbox.due(channel_id, now, limit)

    async def due_ids(self, channel_id: int = CHANNEL) -> list[str]:
        """The arXiv ids of what the channel could be sent, in the order of sending."""
        return [entry.paper.arxiv_id.value for entry in await self.due(channel_id)]

    async def bind(self, channel_id: int = CHANNEL, *, limit: int = 10, key: str = "key", now: datetime = NOW) -> Post:
        """Bind what is due to a message."""
        entries = await self.due(channel_id, limit, now)
        post = await self.outbox.bind(channel_id, entries, key=key, nonce=f"nonce of {key}", now=now)
        assert post is not None
        return post


@cache
def _migrated() -> bytes:
    """A new database as the first start leaves it: running the migrations for each test takes longer than copying."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "papers.sqlite3")
        os.close(prepare_exclusive(path))
        return path.read_bytes()


def create_where_missing(path: Path) -> None:
    """Put an empty, migrated database at `path` unless a file is there."""
    if not path.exists():
        path.write_bytes(_migrated())


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    """The store in the file at `path`, created where it is missing, closed in the end."""
    create_where_missing(path)
    database = await Database.open_exclusive(path)
    try:
        yield Store(
            path,
            database,
            Subscriptions(database),
            IngestStore(database),
            Outbox(database),
            Papers(database),
            Channels(database),
            ChannelSettingsStore(database),
            Edits(database),
            Polls(database),
            KeyValues(database),
            PageStore(database),
            TrendingEntries(database),
            TrendingPosts(database),
        )
    finally:
        await database.close()


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as another connection sees them."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608 - our own tables
            for table in tables
        }
