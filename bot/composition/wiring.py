"""How the rooms are tied together: stores, alarms, both halves and the use cases, each built in one place.

Settings and what everybody stands on enter; wired objects leave. It opens nothing, runs nothing and closes nothing:
that is `app`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

import aiohttp
from discord.ext import commands

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate
from bot.charts.renderer import Charts
from bot.composition.context import Context, Stores, Wakeups
from bot.composition.trending import Lists
from bot.config import Settings
from bot.discord_api.client import Client
from bot.discord_api.delivery import DiscordDelivery
from bot.discord_api.invalid_requests import InvalidRequests
from bot.discord_api.notices import DiscordNotices
from bot.ingest.initial_sync import InitialSync
from bot.ingest.month_counts import MonthCounter
from bot.ingest.poller import Poller
from bot.ingest.window_reader import WindowReader
from bot.publish.availability import ChannelAvailability
from bot.publish.batches import Batches
from bot.publish.channel_worker import ChannelWorker
from bot.publish.dispatcher import Dispatcher
from bot.publish.editor import Editor
from bot.publish.janitor import Janitor
from bot.publish.sender import Sender
from bot.publish.trending import TrendingPublisher
from bot.runtime.limits import ARXIV_BACKOFF_FLOOR_S, ARXIV_REQUEST_INTERVAL_S
from bot.runtime.supervisor import Supervisor
from bot.services.arranging import Arranging
from bot.services.charting import Charting
from bot.services.looking_up import LookingUp
from bot.services.pages import Pages
from bot.services.reporting import Reporting
from bot.services.subscribing import Subscribing
from cogs.channels import ChannelCommands
from cogs.charts import ChartCommands
from cogs.lookup import LookupCommands
from cogs.operations import OperationCommands
from cogs.pages import PageCommands
from cogs.subscribe import SubscribeCommand
from cogs.subscriptions import SubscriptionCommands
from cogs.trending import TrendingCommands


@dataclass(frozen=True, slots=True)
class UpperHalf:
    """What reads arXiv."""

    arxiv: ArxivClient
    poller: Poller
    initial_sync: InitialSync


@dataclass(frozen=True, slots=True)
class LowerHalf:
    """What writes to Discord."""

    dispatcher: Dispatcher
    trending_publisher: TrendingPublisher
    editor: Editor
    janitor: Janitor


def arxiv_client(context: Context, session: aiohttp.ClientSession) -> ArxivClient:
    """The client of whoever asks arXiv: through the one gate, with the manners of the settings."""
    interval_s = context.settings.arxiv.request_interval_s
    return ArxivClient(
        session,
        Gate(gate_path(context.settings), context.clock, interval_s),
        context.clock,
        context.settings.arxiv.api_url,
        user_agent(context.settings.arxiv.contact),
        context.rng,
        context.metrics,
        # A shorter interval is allowed on loopback alone; a backoff there is shorter in proportion.
        backoff_floor_s=ARXIV_BACKOFF_FLOOR_S * interval_s / ARXIV_REQUEST_INTERVAL_S,
    )


def upper_half(context: Context, stores: Stores, wakeups: Wakeups, session: aiohttp.ClientSession) -> UpperHalf:
    """arXiv's client and the loops that read by it."""
    arxiv = arxiv_client(context, session)
    reader = WindowReader(arxiv, context.metrics)
    initial_sync = InitialSync(
        stores.subscriptions, stores.readings, reader, context.clock, context.metrics, on_read=wakeups.poller.notify
    )
    poller = Poller(
        client=arxiv,
        reader=reader,
        subscriptions=stores.subscriptions,
        readings=stores.readings,
        polls=stores.polls,
        key_values=stores.key_values,
        clock=context.clock,
        metrics=context.metrics,
        poll_interval_s=context.settings.arxiv.poll_interval_s,
        wakeup=wakeups.poller,
        on_new_posts=wakeups.posts.notify,
        on_edits=wakeups.editor.notify,
    )
    return UpperHalf(arxiv, poller, initial_sync)


def lower_half(
    context: Context, stores: Stores, wakeups: Wakeups, client: Client, invalid_requests: InvalidRequests
) -> LowerHalf:
    """The loops that post, edit and tell, through one client."""
    delivery = DiscordDelivery(client, context.clock, invalid_requests, listed=context.settings.huggingface.enabled)
    sender = Sender(delivery, context.clock, context.metrics)
    availability = ChannelAvailability(
        stores.channels, context.clock, context.rng, context.metrics, wakeups.house.notify
    )
    channel_worker = ChannelWorker(
        outbox=stores.outbox,
        batches=Batches(stores.outbox, stores.preferences),
        sender=sender,
        availability=availability,
        clock=context.clock,
        metrics=context.metrics,
        on_posted=wakeups.editor.notify,
    )
    notices = DiscordNotices(client, invalid_requests)
    return LowerHalf(
        dispatcher=Dispatcher(stores.outbox, stores.channels, channel_worker, context.clock, wakeups.posts),
        trending_publisher=TrendingPublisher(
            digests=stores.digests,
            listings=stores.listings,
            subscriptions=stores.subscriptions,
            papers=stores.papers,
            sender=sender,
            availability=availability,
            clock=context.clock,
            metrics=context.metrics,
            wakeup=wakeups.digests,
        ),
        editor=Editor(stores.edits, delivery, context.clock, wakeups.editor),
        janitor=Janitor(stores.channels, stores.subscriptions, notices, context.clock, wakeups.house),
    )


@dataclass(frozen=True, slots=True)
class UseCases:
    """What people ask for, as the cogs call it."""

    subscribing: Subscribing
    arranging: Arranging
    looking_up: LookingUp
    reporting: Reporting
    pages: Pages
    charting: Charting
    charts: Charts

    @classmethod
    def of(
        cls,
        context: Context,
        stores: Stores,
        wakeups: Wakeups,
        upper: UpperHalf,
        lists: Lists | None,
        supervisor: Supervisor,
    ) -> Self:
        """All of them."""
        return cls(
            Subscribing(
                stores.subscriptions,
                stores.papers,
                stores.outbox,
                upper.initial_sync,
                context.clock,
                wakeups.posts.notify,
            ),
            Arranging(
                preferences=stores.preferences,
                channels=stores.channels,
                papers=stores.papers,
                outbox=stores.outbox,
                clock=context.clock,
                has_lists=lists is not None,
                on_change=wakeups.notify_settings_changed,
            ),
            LookingUp(
                client=upper.arxiv,
                subscriptions=stores.subscriptions,
                papers=stores.papers,
                listings=stores.listings if context.settings.huggingface.enabled else None,
                poller=upper.poller,
                clock=context.clock,
            ),
            Reporting(
                poller=upper.poller,
                initial_sync=upper.initial_sync,
                outbox=stores.outbox,
                channels=stores.channels,
                preferences=stores.preferences,
                supervisor=supervisor,
                lists=None if lists is None else lists.keeper,
            ),
            Pages(stores.shelf, context.clock),
            Charting(
                MonthCounter(upper.arxiv, stores.month_counts, context.clock),
                stores.statistics,
                context.clock,
                interval_s=context.settings.arxiv.request_interval_s,
            ),
            Charts(fonts_path(context.settings)),
        )


def commands_for(use_cases: UseCases, lists: Lists | None) -> Sequence[commands.Cog]:
    """The slash commands; without lists there is no `/trending`."""
    return (
        *(() if lists is None else (TrendingCommands(lists.trending),)),
        SubscribeCommand(use_cases.subscribing, use_cases.reporting, use_cases.arranging),
        SubscriptionCommands(use_cases.subscribing),
        LookupCommands(use_cases.looking_up),
        OperationCommands(use_cases.reporting),
        ChannelCommands(use_cases.arranging),
        PageCommands(use_cases.pages),
        ChartCommands(use_cases.charting, use_cases.charts, use_cases.subscribing),
    )


def gate_path(settings: Settings) -> Path:
    """The lock file beside the database through which every command of the program asks arXiv."""
    return settings.database.with_name(settings.database.name + ".gate")


def fonts_path(settings: Settings) -> Path:
    """The folder beside the database in which the drawing process keeps its list of fonts."""
    return settings.database.with_name(settings.database.name + ".fonts")


def user_agent(contact: str | None) -> str:
    """How the program introduces itself: a descriptive name with a contact, as arXiv asks for (terms of use)."""
    try:
        release = version("daily-papers")
    except PackageNotFoundError:  # started from a checkout that was not installed
        release = "dev"
    return f"DailyPapers/{release} ({contact or 'no contact given'})"
