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

from bot.arxiv.client import ARXIV_BACKOFF_FLOOR_S, ArxivClient
from bot.arxiv.gate import Gate
from bot.charts.renderer import ChartRenderer
from bot.composition.context import Context, Stores, Wakeups
from bot.composition.trending import TrendingParts
from bot.config import Settings
from bot.discord_api.attempts import InvalidRequests
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.client import Client
from bot.discord_api.delivery import DiscordDelivery
from bot.discord_api.notices import DiscordNotices
from bot.ingest.initial_sync import InitialSync
from bot.ingest.month_counts import MonthCounter
from bot.ingest.poller import Poller
from bot.ingest.window_reader import WindowReader
from bot.publish.availability import ChannelAvailability
from bot.publish.batches import Batches
from bot.publish.channel_worker import ChannelWorker, PaperPostStorage
from bot.publish.dispatcher import Dispatcher
from bot.publish.editor import Editor
from bot.publish.janitor import Janitor
from bot.publish.lifecycle import MessageLifecycle
from bot.publish.sender import Sender
from bot.publish.trending import TrendingPostStorage, TrendingPublisher
from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S
from bot.runtime.supervisor import Supervisor
from bot.services.channel_settings import ChannelSettingsService
from bot.services.charts import ChartService
from bot.services.lookup import LookupService
from bot.services.pages import PageService
from bot.services.status import StatusService
from bot.services.subscriptions import SubscriptionService
from cogs.channels import ChannelCommands
from cogs.charts import ChartCommands
from cogs.lookup import LookupCommands
from cogs.pages import PageCommands
from cogs.status import StatusCommand
from cogs.subscribe import SubscribeCommand
from cogs.subscriptions import SubscriptionCommands
from cogs.trending import TrendingCommands


@dataclass(frozen=True, slots=True)
class IngestLoops:
    """What reads arXiv."""

    arxiv: ArxivClient
    poller: Poller
    initial_sync: InitialSync


@dataclass(frozen=True, slots=True)
class PublishLoops:
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


def build_ingest(context: Context, stores: Stores, wakeups: Wakeups, session: aiohttp.ClientSession) -> IngestLoops:
    """arXiv's client and the loops that read by it."""
    arxiv = arxiv_client(context, session)
    reader = WindowReader(arxiv, context.metrics)
    initial_sync = InitialSync(
        stores.subscriptions, stores.ingest_store, reader, context.clock, context.metrics, on_read=wakeups.poller.notify
    )
    poller = Poller(
        client=arxiv,
        reader=reader,
        subscriptions=stores.subscriptions,
        ingest_store=stores.ingest_store,
        polls=stores.polls,
        key_values=stores.key_values,
        clock=context.clock,
        metrics=context.metrics,
        poll_interval_s=context.settings.arxiv.poll_interval_s,
        wakeup=wakeups.poller,
        on_new_posts=wakeups.posts.notify,
        on_edits=wakeups.editor.notify,
    )
    return IngestLoops(arxiv, poller, initial_sync)


def build_publish(
    context: Context, stores: Stores, wakeups: Wakeups, client: Client, invalid_requests: InvalidRequests
) -> PublishLoops:
    """The loops that post, edit and tell, through one client."""
    clock, metrics = context.clock, context.metrics
    channel_access = ChannelAccess(client, clock, invalid_requests)
    delivery = DiscordDelivery(client, clock, channel_access, trending_enabled=context.settings.huggingface.enabled)
    sender = Sender(delivery, clock, metrics)
    availability = ChannelAvailability(
        stores.channels, channel_access.check_channel, clock, context.rng, metrics, wakeups.house.notify
    )
    batches = Batches(stores.outbox, stores.channel_settings)
    paper_posts = PaperPostStorage(stores.outbox, batches)
    trending_posts = TrendingPostStorage(stores.trending_posts)
    channel_worker = ChannelWorker(
        outbox=stores.outbox,
        batches=batches,
        lifecycle=MessageLifecycle(paper_posts, sender, availability, clock, metrics),
        availability=availability,
        clock=clock,
        metrics=metrics,
        on_posted=wakeups.editor.notify,
    )
    notices = DiscordNotices(client, invalid_requests)
    return PublishLoops(
        dispatcher=Dispatcher(
            outbox=stores.outbox,
            channels=stores.channels,
            availability=availability,
            channel_worker=channel_worker,
            clock=clock,
            wakeup=wakeups.posts,
        ),
        trending_publisher=TrendingPublisher(
            trending_posts=stores.trending_posts,
            trending_entries=stores.trending_entries,
            subscriptions=stores.subscriptions,
            papers=stores.papers,
            lifecycle=MessageLifecycle(trending_posts, sender, availability, clock, metrics),
            availability=availability,
            clock=clock,
            wakeup=wakeups.trending_posts,
        ),
        editor=Editor(stores.edits, delivery, clock, wakeups.editor),
        janitor=Janitor(stores.channels, stores.subscriptions, notices, clock, wakeups.house),
    )


@dataclass(frozen=True, slots=True)
class Services:
    """What people ask for, as the cogs call it."""

    subscription_service: SubscriptionService
    settings_service: ChannelSettingsService
    lookup_service: LookupService
    status_service: StatusService
    pages: PageService
    chart_service: ChartService
    charts: ChartRenderer

    @classmethod
    def of(
        cls,
        context: Context,
        stores: Stores,
        wakeups: Wakeups,
        upper: IngestLoops,
        trending: TrendingParts | None,
        supervisor: Supervisor,
    ) -> Self:
        """All of them."""
        return cls(
            SubscriptionService(
                stores.subscriptions,
                stores.papers,
                stores.outbox,
                upper.initial_sync,
                context.clock,
                wakeups.posts.notify,
            ),
            ChannelSettingsService(
                channel_settings=stores.channel_settings,
                channels=stores.channels,
                papers=stores.papers,
                outbox=stores.outbox,
                clock=context.clock,
                trending_enabled=trending is not None,
                on_change=wakeups.notify_settings_changed,
            ),
            LookupService(
                client=upper.arxiv,
                subscriptions=stores.subscriptions,
                papers=stores.papers,
                trending_entries=stores.trending_entries if context.settings.huggingface.enabled else None,
                poller=upper.poller,
                clock=context.clock,
            ),
            StatusService(
                poller=upper.poller,
                initial_sync=upper.initial_sync,
                outbox=stores.outbox,
                channels=stores.channels,
                channel_settings=stores.channel_settings,
                supervisor=supervisor,
                trending=None if trending is None else trending.keeper,
            ),
            PageService(stores.page_store, context.clock),
            ChartService(
                MonthCounter(upper.arxiv, stores.month_counts, context.clock),
                stores.statistics,
                context.clock,
                interval_s=context.settings.arxiv.request_interval_s,
            ),
            ChartRenderer(fonts_path(context.settings)),
        )


def build_cogs(services: Services, trending: TrendingParts | None) -> Sequence[commands.Cog]:
    """The slash commands; without lists there is no `/trending`."""
    return (
        *(() if trending is None else (TrendingCommands(trending.trending),)),
        SubscribeCommand(services.subscription_service, services.status_service, services.settings_service),
        SubscriptionCommands(services.subscription_service),
        LookupCommands(services.lookup_service),
        StatusCommand(services.status_service),
        ChannelCommands(services.settings_service),
        PageCommands(services.pages),
        ChartCommands(services.chart_service, services.charts, services.subscription_service),
    )


def gate_path(settings: Settings) -> Path:
    """The lock file next to the database that every command of the program shares to query arXiv."""
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
