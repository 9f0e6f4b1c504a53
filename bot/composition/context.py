"""Shared by the composition: the context, the stores, and the wake-ups between loops.

It opens and starts nothing.
"""

from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import Self

import aiohttp

from bot.config import Settings
from bot.runtime.clock import Clock, SystemClock, Wakeup
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from bot.runtime.problems import ReportedProblems
from bot.runtime.server_time import CorrectedClock
from bot.runtime.shards import Shards
from bot.store.audits import AuditStore
from bot.store.author_names import AuthorNames
from bot.store.channel_queues import ChannelQueues
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.database import Database
from bot.store.discussions import Discussions
from bot.store.edits import Edits
from bot.store.excluded_papers import ExcludedPapers
from bot.store.exclusions import Exclusions
from bot.store.explanations import PaperHistory
from bot.store.exports import Exports
from bot.store.found_messages import FoundMessages
from bot.store.group_commit import GroupCommit
from bot.store.ingest import IngestStore
from bot.store.known_guilds import KnownGuilds
from bot.store.month_counts import MonthCounts
from bot.store.outbox import Outbox
from bot.store.pages import PageStore
from bot.store.paper_posts import PaperPosts
from bot.store.papers import Papers
from bot.store.personal_data import PersonalData
from bot.store.polls import KeyValues, Polls
from bot.store.questions import Questions
from bot.store.search import SearchIndex
from bot.store.server_settings import ServerSettingsStore
from bot.store.statistics import Statistics
from bot.store.subscriptions import Subscriptions
from bot.store.trending_entries import TrendingEntries
from bot.store.trending_posts import TrendingPosts
from bot.store.withheld import WithheldPapers


def release() -> str:
    """Returns the version of the installed package; `dev` for a checkout that is not installed."""
    try:
        return version("daily-papers")
    except PackageNotFoundError:
        return "dev"


@dataclass(frozen=True, slots=True)
class Context:
    """What every part may depend on: settings, time, randomness, metrics, and where it reports problems."""

    settings: Settings
    clock: CorrectedClock
    rng: Random
    metrics: Metrics
    problems: ReportedProblems = field(default_factory=ReportedProblems)
    shards: Shards = field(default_factory=Shards)

    @classmethod
    def create(cls, settings: Settings, metrics: Metrics | None = None, clock: Clock | None = None) -> Self:
        """The context of a process, in which everything shares one clock that responses correct."""
        problems = ReportedProblems()
        corrected_clock = CorrectedClock(clock or SystemClock(), problems)
        return cls(settings, corrected_clock, Random(), metrics or Metrics(), problems)  # noqa: S311 - jitter, no secret

    def open_session(self) -> aiohttp.ClientSession:
        """Returns a session for one server, whose responses correct the clock."""
        return open_session(self.clock.observe_responses(aiohttp.TraceConfig()))

    @property
    def gate_path(self) -> Path:
        """The lock file next to the database; every process of the bot requests arXiv through it."""
        return self.settings.state_file.with_name(self.settings.state_file.name + ".gate")

    @property
    def fonts_path(self) -> Path:
        """The folder next to the database in which the drawing process caches its list of fonts."""
        return self.settings.state_file.with_name(self.settings.state_file.name + ".fonts")

    @property
    def user_agent(self) -> str:
        """A descriptive name with a contact, as arXiv's terms of use ask for."""
        return f"DailyPapers/{release()} ({self.settings.arxiv.contact or 'no contact given'})"


@dataclass(frozen=True, slots=True)
class Stores:
    """One object per group of queries, all on one database."""

    subscriptions: Subscriptions
    channels: Channels
    channel_settings: ChannelSettingsStore
    papers: Papers
    ingest_store: IngestStore
    outbox: Outbox
    channel_queues: ChannelQueues
    edits: Edits
    polls: Polls
    key_values: KeyValues
    known_guilds: KnownGuilds
    trending_entries: TrendingEntries
    trending_posts: TrendingPosts
    page_store: PageStore
    month_counts: MonthCounts
    statistics: Statistics
    found_messages: FoundMessages
    search_index: SearchIndex
    excluded_papers: ExcludedPapers
    questions: Questions
    exclusions: Exclusions
    withheld: WithheldPapers
    paper_history: PaperHistory
    audits: AuditStore
    paper_posts: PaperPosts
    exports: Exports
    author_names: AuthorNames
    server_settings: ServerSettingsStore
    personal_data: PersonalData
    discussions: Discussions

    @classmethod
    def create(cls, database: Database, clock: Clock | None = None) -> Self:
        """All stores of a database; with a clock, messages of several channels share transactions."""
        commits = GroupCommit(database, clock)
        subscriptions = Subscriptions(database)
        return cls(
            subscriptions,
            Channels(database),
            ChannelSettingsStore(database),
            Papers(database),
            IngestStore(database),
            Outbox(database, commits),
            ChannelQueues(database),
            Edits(database),
            Polls(database),
            KeyValues(database),
            KnownGuilds(database),
            TrendingEntries(database),
            TrendingPosts(database, commits),
            PageStore(database),
            MonthCounts(database),
            Statistics(database),
            FoundMessages(database),
            SearchIndex(database),
            ExcludedPapers(database),
            Questions(database),
            Exclusions(database),
            WithheldPapers(database),
            PaperHistory(database),
            AuditStore(database),
            PaperPosts(database),
            Exports(database),
            AuthorNames(database),
            ServerSettingsStore(database, subscriptions.note_change),
            PersonalData(database),
            Discussions(database),
        )


@dataclass(frozen=True, slots=True)
class Wakeups:
    """One wake-up per loop, named for the loop that waits on it."""

    poller: Wakeup
    dispatcher: Wakeup
    janitor: Wakeup
    editor: Wakeup
    trending_poller: Wakeup
    trending_publisher: Wakeup
    discussions: Wakeup

    def notify_all(self) -> None:
        """Wakes every loop, because the clock was set."""
        for loop in (self.poller, self.dispatcher, self.janitor, self.editor, self.discussions):
            loop.notify()
        self.trending_poller.notify()
        self.trending_publisher.notify()

    @classmethod
    def create(cls, clock: Clock) -> Self:
        """Wake-ups that nothing has notified yet."""
        return cls(*(Wakeup(clock) for _ in fields(cls)))

    def notify_settings_changed(self) -> None:
        """Wakes the loops that read channel settings: other papers or trending lists may be due now."""
        self.dispatcher.notify()
        self.trending_publisher.notify()
        self.trending_poller.notify()
        self.discussions.notify()

    def notify_trending_stored(self) -> None:
        """Wakes the loops that use trending lists: posts may show new votes, and a list may be due."""
        self.editor.notify()
        self.trending_publisher.notify()
