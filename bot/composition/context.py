"""What everybody stands on: settings, clock and chance; the rooms of the database; the alarms between loops.

A database and a clock enter; what `wiring` ties together leaves.
"""

from dataclasses import dataclass
from random import Random
from typing import Self

from bot.config import Settings
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.metrics import Metrics
from bot.store.channels import Channels
from bot.store.database import Database
from bot.store.digests import Digests
from bot.store.edits import Edits
from bot.store.listings import Listings
from bot.store.month_counts import MonthCounts
from bot.store.outbox import Outbox
from bot.store.papers import Papers
from bot.store.polls import KeyValues, Polls
from bot.store.preferences import ChannelPreferences
from bot.store.readings import Readings
from bot.store.shelf import Shelf
from bot.store.statistics import Statistics
from bot.store.subscriptions import Subscriptions


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
    preferences: ChannelPreferences
    papers: Papers
    readings: Readings
    outbox: Outbox
    edits: Edits
    polls: Polls
    key_values: KeyValues
    listings: Listings
    digests: Digests
    shelf: Shelf
    month_counts: MonthCounts
    statistics: Statistics

    @classmethod
    def of(cls, database: Database) -> Self:
        """All of them, on one database."""
        return cls(
            Subscriptions(database),
            Channels(database),
            ChannelPreferences(database),
            Papers(database),
            Readings(database),
            Outbox(database),
            Edits(database),
            Polls(database),
            KeyValues(database),
            Listings(database),
            Digests(database),
            Shelf(database),
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
    lists: Wakeup
    digests: Wakeup

    @classmethod
    def of(cls, clock: Clock) -> Self:
        """Nobody has rung yet."""
        return cls(Wakeup(clock), Wakeup(clock), Wakeup(clock), Wakeup(clock), Wakeup(clock), Wakeup(clock))

    def notify_settings_changed(self) -> None:
        """A channel wants to be posted to in another way: more may be due in it, and other lists be wanted."""
        self.posts.notify()
        self.digests.notify()
        self.lists.notify()

    def notify_trending_stored(self) -> None:
        """A list was read: messages may have votes to show, channels may get it."""
        self.editor.notify()
        self.digests.notify()
