"""What everybody stands on: settings, clock and chance; the rooms of the database; the alarms between loops.

A database and a clock enter; what `wiring` ties together leaves.
"""

from dataclasses import dataclass
from random import Random
from typing import Self

from bot.config import Settings
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.metrics import Metrics
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.database import Database
from bot.store.edits import Edits
from bot.store.ingest import IngestStore
from bot.store.month_counts import MonthCounts
from bot.store.outbox import Outbox
from bot.store.pages import PageStore
from bot.store.papers import Papers
from bot.store.polls import KeyValues, Polls
from bot.store.statistics import Statistics
from bot.store.subscriptions import Subscriptions
from bot.store.trending_entries import TrendingEntries
from bot.store.trending_posts import TrendingPosts


@dataclass(frozen=True, slots=True)
class Context:
    """What everybody stands on."""

    settings: Settings
    clock: Clock
    rng: Random
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Stores:
    """The rooms of the database."""

    subscriptions: Subscriptions
    channels: Channels
    channel_settings: ChannelSettingsStore
    papers: Papers
    ingest_store: IngestStore
    outbox: Outbox
    edits: Edits
    polls: Polls
    key_values: KeyValues
    trending_entries: TrendingEntries
    trending_posts: TrendingPosts
    page_store: PageStore
    month_counts: MonthCounts
    statistics: Statistics

    @classmethod
    def of(cls, database: Database) -> Self:
        """All of them, on one database."""
        return cls(
            Subscriptions(database),
            Channels(database),
            ChannelSettingsStore(database),
            Papers(database),
            IngestStore(database),
            Outbox(database),
            Edits(database),
            Polls(database),
            KeyValues(database),
            TrendingEntries(database),
            TrendingPosts(database),
            PageStore(database),
            MonthCounts(database),
            Statistics(database),
        )


@dataclass(frozen=True, slots=True)
class Wakeups:
    """By which one loop wakes another."""

    poller: Wakeup
    posts: Wakeup
    house: Wakeup
    editor: Wakeup
    trending: Wakeup
    trending_posts: Wakeup

    @classmethod
    def of(cls, clock: Clock) -> Self:
        """Nobody has rung yet."""
        return cls(Wakeup(clock), Wakeup(clock), Wakeup(clock), Wakeup(clock), Wakeup(clock), Wakeup(clock))

    def notify_settings_changed(self) -> None:
        """A channel wants to be posted to in another way: more may be due in it, and other lists be wanted."""
        self.posts.notify()
        self.trending_posts.notify()
        self.trending.notify()

    def notify_trending_stored(self) -> None:
        """A list was read: messages may have votes to show, channels may get it."""
        self.editor.notify()
        self.trending_posts.notify()
