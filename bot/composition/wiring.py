"""Connects the stores, the clients, the loops, the services and the cogs.

It opens, starts and closes nothing: `app` does that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import discord

from bot.arxiv.client import ARXIV_BACKOFF_FLOOR_S, ArxivClient
from bot.arxiv.gate import Gate
from bot.composition.context import Context, Stores, Wakeups
from bot.composition.trending import TrendingParts
from bot.discord_api.attempts import InvalidRequests
from bot.discord_api.backoff import GlobalBackoff
from bot.discord_api.channel_access import ChannelAccess
from bot.ingest.initial_sync import COLLECT_S, InitialSync
from bot.ingest.month_counts import MonthCounter
from bot.ingest.poller import Poller
from bot.ingest.window_reader import WindowReader
from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S
from bot.runtime.supervisor import Loop, Supervisor
from bot.services.audits import AuditService
from bot.services.authors import AuthorService
from bot.services.channel_settings import ChannelSettingsService
from bot.services.charts import ChartService
from bot.services.exclusions import ExclusionService
from bot.services.explanations import ExplanationService
from bot.services.exports import ExportService
from bot.services.lookup import LookupService
from bot.services.pages import PageService
from bot.services.paper_lookup import PaperLookupService
from bot.services.privacy import PrivacyService
from bot.services.pruning import AbstractPruner
from bot.services.questions import QuestionService
from bot.services.search import SearchService
from bot.services.search_index import SearchIndexer
from bot.services.server_settings import ServerSettingsService
from bot.services.status import StatusService
from bot.services.subscriptions import SubscriptionService
from bot.store.database import Database
from bot.store.pruning import AbstractPruning
from bot.store.search_building import SearchIndexBuilding


@dataclass(frozen=True, slots=True)
class IngestParts:
    """What reads arXiv."""

    gate: Gate
    arxiv: ArxivClient
    poller: Poller
    initial_sync: InitialSync


def request_gate(context: Context, *, ignores_backoff: bool = False) -> Gate:
    """The gate that every process of the bot shares."""
    interval_s = context.settings.arxiv.request_interval_s
    return Gate(context.gate_path, context.clock, interval_s, ignores_backoff=ignores_backoff)


def arxiv_client(context: Context, session: aiohttp.ClientSession, gate: Gate | None = None) -> ArxivClient:
    """A client that shares the request gate with every other process of the bot."""
    interval_s = context.settings.arxiv.request_interval_s
    return ArxivClient(
        session,
        gate or request_gate(context),
        context.clock,
        context.settings.arxiv.api_url,
        context.user_agent,
        context.rng,
        context.metrics,
        # Only a loopback arXiv allows a shorter interval; its backoffs are shorter in proportion.
        backoff_floor_s=ARXIV_BACKOFF_FLOOR_S * interval_s / ARXIV_REQUEST_INTERVAL_S,
    )


def channel_access(
    context: Context,
    client: discord.Client,
    invalid_requests: InvalidRequests | None = None,
    backoff: GlobalBackoff | None = None,
) -> ChannelAccess:
    """Checks channels through a client; the last two are shared by everything that uses the same client."""
    return ChannelAccess(client, context.clock, invalid_requests or InvalidRequests(context.clock), backoff)


def build_ingest(context: Context, stores: Stores, wakeups: Wakeups, session: aiohttp.ClientSession) -> IngestParts:
    """The arXiv client and the loops that read through it."""
    gate = request_gate(context)
    arxiv = arxiv_client(context, session, gate)
    reader = WindowReader(arxiv, context.metrics)
    initial_sync = InitialSync(
        stores.subscriptions,
        stores.ingest_store,
        reader,
        context.clock,
        context.metrics,
        on_synced=wakeups.poller.notify,
        collect_s=COLLECT_S * context.settings.arxiv.request_interval_s / ARXIV_REQUEST_INTERVAL_S,
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
        on_new_posts=wakeups.dispatcher.notify,
        on_edits=wakeups.editor.notify,
    )
    return IngestParts(gate, arxiv, poller, initial_sync)


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the cogs and the web server call."""

    subscriptions: SubscriptionService
    channel_settings: ChannelSettingsService
    lookup: LookupService
    search: SearchService
    paper_lookup: PaperLookupService
    exports: ExportService
    status: StatusService
    pages: PageService
    charts: ChartService
    questions: QuestionService
    exclusions: ExclusionService
    explanations: ExplanationService
    audits: AuditService
    authors: AuthorService
    server_settings: ServerSettingsService
    privacy: PrivacyService


def build_services(
    context: Context,
    stores: Stores,
    wakeups: Wakeups,
    ingest: IngestParts,
    trending: TrendingParts,
    supervisor: Supervisor,
) -> Services:
    """One object per use case."""
    search = SearchService(stores.search_index, trending.find_entries, context.clock)
    lookup = _lookup_service(context, stores, ingest, trending, search)
    paper_lookup = _paper_lookup_service(context, stores, ingest, trending, lookup)
    return Services(
        subscriptions=_subscription_service(context, stores, wakeups, ingest),
        channel_settings=_channel_settings_service(context, stores, wakeups),
        search=search,
        lookup=lookup,
        paper_lookup=paper_lookup,
        exports=ExportService(stores.page_store, stores.exports, stores.papers),
        status=_status_service(context, stores, ingest, trending, supervisor),
        pages=PageService(stores.page_store, context.clock, shows_trending=context.settings.huggingface.enabled),
        charts=_chart_service(context, stores, ingest),
        questions=QuestionService(stores.questions, context.clock),
        exclusions=ExclusionService(
            stores.exclusions, stores.withheld, stores.papers, context.clock, wakeups.dispatcher.notify
        ),
        explanations=_explanation_service(context, stores, ingest, paper_lookup, supervisor),
        audits=_audit_service(context, stores, ingest),
        authors=AuthorService(stores.author_names),
        server_settings=_server_settings_service(context, stores, wakeups, ingest),
        privacy=PrivacyService(stores.personal_data),
    )


def _subscription_service(
    context: Context, stores: Stores, wakeups: Wakeups, ingest: IngestParts
) -> SubscriptionService:
    return SubscriptionService(
        stores.subscriptions,
        stores.papers,
        stores.excluded_papers,
        stores.outbox,
        ingest.initial_sync,
        context.clock,
        wakeups.dispatcher.notify,
        context.settings.limits,
    )


def _audit_service(context: Context, stores: Stores, ingest: IngestParts) -> AuditService:
    return AuditService(
        client=ingest.arxiv,
        reader=WindowReader(ingest.arxiv, context.metrics),
        audits=stores.audits,
        withheld=stores.withheld,
        papers=stores.papers,
        poller=ingest.poller,
        clock=context.clock,
    )


def _channel_settings_service(context: Context, stores: Stores, wakeups: Wakeups) -> ChannelSettingsService:
    return ChannelSettingsService(
        channel_settings=stores.channel_settings,
        channels=stores.channels,
        subscriptions=stores.subscriptions,
        papers=stores.papers,
        outbox=stores.outbox,
        clock=context.clock,
        on_change=wakeups.notify_settings_changed,
    )


def _server_settings_service(
    context: Context, stores: Stores, wakeups: Wakeups, ingest: IngestParts
) -> ServerSettingsService:
    def on_change() -> None:
        wakeups.notify_settings_changed()
        ingest.initial_sync.notify()

    return ServerSettingsService(stores.server_settings, context.clock, context.settings.limits, on_change)


def _lookup_service(
    context: Context, stores: Stores, ingest: IngestParts, trending: TrendingParts, search: SearchService
) -> LookupService:
    return LookupService(
        client=ingest.arxiv,
        subscriptions=stores.subscriptions,
        papers=stores.papers,
        find_trending_entries=trending.find_entries,
        find_stored=search.stored,
        poller=ingest.poller,
        clock=context.clock,
        interval_s=context.settings.arxiv.request_interval_s,
    )


def _explanation_service(
    context: Context, stores: Stores, ingest: IngestParts, paper_lookup: PaperLookupService, supervisor: Supervisor
) -> ExplanationService:
    return ExplanationService(
        history=stores.paper_history,
        withheld=stores.withheld,
        paper_lookup=paper_lookup,
        poller=ingest.poller,
        clock=context.clock,
        problems=context.problems.current,
        loop_problems=lambda: supervisor.problems,
    )


def _paper_lookup_service(
    context: Context, stores: Stores, ingest: IngestParts, trending: TrendingParts, lookup: LookupService
) -> PaperLookupService:
    return PaperLookupService(
        client=ingest.arxiv,
        papers=stores.papers,
        paper_posts=stores.paper_posts,
        find_trending_entries=trending.find_entries,
        budget=lookup.budget,
        clock=context.clock,
    )


def _status_service(
    context: Context, stores: Stores, ingest: IngestParts, trending: TrendingParts, supervisor: Supervisor
) -> StatusService:
    return StatusService(
        poller=ingest.poller,
        initial_sync=ingest.initial_sync,
        outbox=stores.outbox,
        channels=stores.channels,
        clock=context.clock,
        channel_settings=stores.channel_settings,
        subscriptions=stores.subscriptions,
        withheld=stores.withheld,
        supervisor=supervisor,
        problems=context.problems.current,
        trending_problem=trending.problem,
        shards=context.shards,
        search_index=stores.search_index,
        discussions=stores.discussions,
    )


def search_index_loop(context: Context, database: Database) -> Loop:
    """The loop that builds the full-text index."""
    return SearchIndexer(SearchIndexBuilding(database), context.clock, context.problems).run


def pruning_loops(context: Context, database: Database) -> Mapping[str, Loop]:
    """The loop that removes old abstracts; none if they are kept for ever."""
    kept_days = context.settings.abstracts_kept_days
    if kept_days is None:
        return {}
    pruner = AbstractPruner(AbstractPruning(database), context.clock, timedelta(days=kept_days))
    return {"Pruning abstracts": pruner.run}


def _chart_service(context: Context, stores: Stores, ingest: IngestParts) -> ChartService:
    return ChartService(
        MonthCounter(ingest.arxiv, stores.month_counts, context.clock),
        stores.statistics,
        context.clock,
        interval_s=context.settings.arxiv.request_interval_s,
    )
