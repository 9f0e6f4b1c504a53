"""Runs the bot: opens the database, builds the object graph, supervises the loops, and closes everything in order.

It contains no rules about papers or posts.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final

import discord
from pydantic import SecretStr

from bot.composition.commands import build_cogs
from bot.composition.context import Context, Stores, Wakeups
from bot.composition.publish import DiscordState, build_publish, discord_threads
from bot.composition.trending import trending_feature
from bot.composition.wiring import Services, build_ingest, build_services, pruning_loops, search_index_loop
from bot.config import Settings
from bot.discord_api.backoff_watch import BackoffWatch
from bot.discord_api.channel_directory import ChannelDirectory
from bot.discord_api.client import Client, use_endpoints
from bot.discord_api.greeting import Greeter
from bot.domain.accepted_keywords import configured_keyword, unlikely_to_match
from bot.domain.keyword import Keyword
from bot.runtime.clock import Clock, SystemClock
from bot.runtime.errors import InvalidToken, StoreUnavailable
from bot.runtime.metrics import LagMeter, Metrics
from bot.runtime.shutdown import ended_within
from bot.runtime.supervisor import Loop, Supervisor, root_cause
from bot.services.authors import AuthorCounter
from bot.services.clock_watch import ClockWatch
from bot.services.discussions import DiscussionService
from bot.services.health import Health
from bot.store.clock_repair import StoredTimes
from bot.store.database import Database
from bot.web import PublicPage, WebServer, page_address
from cogs.audit import InterruptedAudits
from cogs.citations import CitationButton, CiteButton
from cogs.discuss import DiscussButton, DiscussMenu
from cogs.keyword_list import KeywordsButton
from cogs.latest_pages import LatestButton
from cogs.lookup import AbstractButton, AbstractMenu
from cogs.papers import PaperMenu
from cogs.privacy import PrivacyButton
from cogs.questions import AnswerButton
from cogs.rest import RestButton
from cogs.search import SearchButton
from cogs.settings_import import ImportButton
from cogs.settings_panel import PanelItem
from cogs.subscribe_buttons import SubscribedButton
from cogs.trending import TrendingButton

log = logging.getLogger(__name__)

# A shutdown takes at most 5 s; docker stop and systemd wait longer than that.
SHUTDOWN_GRACE_S: Final = 4.0
# How much of the 5 s closing the gateway may take.
CLOSE_TIMEOUT_S: Final = 0.5


def _do_nothing() -> None:
    """The default for `on_loaded`."""


async def run(
    settings: Settings,
    stop: asyncio.Event,
    metrics: Metrics | None = None,
    clock: Clock | None = None,
    *,
    on_loaded: Callable[[], None] = _do_nothing,
) -> None:
    """Runs the bot until `stop` is set; raises StartupError if it cannot start.

    `on_loaded` is called before it connects, when everything that stays in memory has been loaded.
    """
    if settings.discord.token is None:
        raise InvalidToken("No Discord token is set: set DISCORD_TOKEN, or `discord.token` in config.json.")
    use_endpoints(settings.discord.api_url, settings.discord.gateway_url)
    async with contextlib.AsyncExitStack() as closing:
        database = await Database.open_exclusive(settings.database)
        closing.push_async_callback(database.close)
        app = App(settings, settings.discord.token, database, metrics or Metrics(), clock or SystemClock())
        closing.push_async_callback(app.close)
        await app.subscriptions.apply_config(_subscriptions_by_channel(settings))
        await app.subscriptions.load()
        on_loaded()
        _warn_of_unsupported_keywords(settings)
        if settings.arxiv.lacks_contact:
            log.warning("arXiv contact missing", extra={"reason": "arxiv.contact is not set"})
        if settings.web.public_channels and settings.web.port is None:
            log.warning("public page not served", extra={"reason": "web.port is not set"})
        await app.run_until(stop)


def _subscriptions_by_channel(settings: Settings) -> dict[int, tuple[Keyword, ...]] | None:
    """The subscriptions in config.json by channel; None if it has no `subscriptions`."""
    if settings.subscriptions is None:
        return None
    keywords: dict[int, tuple[Keyword, ...]] = {}
    for subscription in settings.subscriptions:
        parsed = tuple(map(configured_keyword, subscription.keywords))
        keywords[subscription.channel_id] = keywords.get(subscription.channel_id, ()) + parsed
    return keywords


def _warn_of_unsupported_keywords(settings: Settings) -> None:
    """An earlier release accepted them, so they do not prevent a start."""
    for subscription in settings.subscriptions or ():
        for keyword in subscription.keywords:
            problem = unlikely_to_match(configured_keyword(keyword))
            if problem is not None:
                log.warning("keyword unlikely to match", extra={"keyword": keyword, "reason": problem})


class App:
    """The wired program."""

    def __init__(
        self, settings: Settings, token: SecretStr, database: Database, metrics: Metrics, clock: Clock
    ) -> None:
        context = Context.create(settings, metrics, clock)
        stores, wakeups = Stores.create(database, context.clock), Wakeups.create(context.clock)
        self._settings = settings
        self._token = token
        self._clock = context.clock
        self._session = context.open_session()
        self._supervisor = Supervisor(context.clock, context.rng, metrics, database.write_problem)
        self._ingest = build_ingest(context, stores, wakeups, self._session)
        self._trending = trending_feature(context).build(stores, wakeups)
        services = build_services(context, stores, wakeups, self._ingest, self._trending, self._supervisor)
        self.subscriptions = services.subscriptions
        self._audits = services.audits
        state = DiscordState.create(context)
        self.client = self._build_client(context, stores, services, state)
        self._backoff_watch = BackoffWatch(self.client, state.backoff, stores.key_values, context.clock, context.rng)
        threads = discord_threads(context, self.client, state)
        # Unlike the other services, it writes to Discord.
        discussions = DiscussionService(stores.discussions, stores.channel_settings, threads, context.clock)
        self.client.set_cogs(build_cogs(context, services, self._trending, discussions))
        self._publish = build_publish(context, stores, wakeups, self._trending, self.client, state, threads)
        self._clock_watch = ClockWatch(context.clock, StoredTimes(database), wakeups.notify_all)
        self._lag = LagMeter(context.clock, metrics)
        self._pruning_loops = pruning_loops(context, database)
        self._search_index_loop = search_index_loop(context, database)
        self._author_counter = AuthorCounter(stores.author_names, context.clock)
        self._server_settings = services.server_settings
        page = PublicPage(services.pages, settings.web.public_channels, page_address(settings.web))
        self._web = WebServer(self._build_health(context, stores), metrics, page)

    def _build_client(self, context: Context, stores: Stores, services: Services, state: DiscordState) -> Client:
        client = Client(
            stores.key_values,
            services.lookup,
            services.subscriptions,
            self._trending.lists,
            stores.channels,
            self._check_channels,
            Greeter(stores.known_guilds, context.clock),
            ChannelDirectory(stores.channels, state.invalid_requests, context.clock),
            state.trace(context.clock),
            shards=context.settings.discord.shards,
            clock=context.clock,
            rng=context.rng,
            problems=context.problems,
        )
        context.shards.use(client.shard_reports)
        client.add_dynamic_items(AbstractButton, AbstractMenu, AnswerButton, ImportButton, KeywordsButton)
        client.add_dynamic_items(LatestButton, PrivacyButton, RestButton, SearchButton, SubscribedButton)
        client.add_dynamic_items(CiteButton, CitationButton, PanelItem, PaperMenu, TrendingButton)
        client.add_dynamic_items(DiscussButton, DiscussMenu)
        return client

    def _build_health(self, context: Context, stores: Stores) -> Health:
        return Health(
            polls=stores.polls,
            outbox=stores.outbox,
            subscriptions=stores.subscriptions,
            clock=context.clock,
            metrics=context.metrics,
            gateway_is_up=self.client.is_connected,
            problems=context.problems.current,
            shards=context.shards,
            channels=stores.channels,
            poll_wait_s=self._ingest.gate.poll_wait_s,
        )

    async def run_until(self, stop: asyncio.Event) -> None:
        """Keeps the loops running until `stop` is set, then finishes the messages that are being sent."""
        async with self._web.listening(self._settings.web.host, self._settings.web.port):
            await self._backoff_watch.restore()
            loops = asyncio.create_task(self._supervisor.run(self._loops()))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({loops, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    await self._finish_messages()
                    await self._save_backoff()
            finally:
                stopped.cancel()
                loops.cancel()
                await _wait_for_loops(loops)

    async def _finish_messages(self) -> None:
        log.info("shutting down")
        # The next start looks up messages that are not finished in time.
        await ended_within(self._publish.dispatcher.stop(), SHUTDOWN_GRACE_S)

    async def _save_backoff(self) -> None:
        """Stores a backoff that has just begun, or the next start would send a request during it."""
        with contextlib.suppress(StoreUnavailable):  # which is logged and shown in `/status`
            await ended_within(self._backoff_watch.save(), SHUTDOWN_GRACE_S)

    def _loops(self) -> Mapping[str, Loop]:
        return {
            **self._trending.loops(self._when_guilds_known(self._publish.trending_publisher.run)),
            "The connection to Discord": self._connect,
            "Reading arXiv": self._ingest.poller.run,
            "Reading new keywords": self._ingest.initial_sync.run,
            "Posting": self._when_guilds_known(self._publish.dispatcher.run),
            "Waiting for Discord": self._backoff_watch.run,
            "Telling admins": self._when_guilds_known(self._publish.janitor.run),
            "Starting threads": self._when_guilds_known(self._publish.discussion_loop.run),
            "Editing posts": self._when_guilds_known(self._publish.editor.run),
            "Checking the clock": self._clock_watch.run,
            "Looking for a second bot": self._when_guilds_known(self._publish.history_check.run),
            "Metering": self._lag.run,
            "Building the search index": self._search_index_loop,
            "Ending interrupted audits": self._when_guilds_known(
                InterruptedAudits(self.client, self._audits, self._clock).run
            ),
            "Counting authors": self._author_counter.run,
            "Deleting expired imports": self._server_settings.run,
            **self._pruning_loops,
        }

    def _when_guilds_known(self, loop: Loop) -> Loop:
        async def run() -> None:
            await self.client.wait_until_guilds_known()
            await loop()

        return run

    async def _connect(self) -> None:
        try:
            if not self.client.is_logged_in:
                await self._backoff_watch.log_in(lambda: self.client.log_in(self._token.get_secret_value()))
            await self.client.connect()
        except discord.LoginFailure:
            raise InvalidToken("Discord rejected the token: check DISCORD_TOKEN (or `discord.token`).") from None

    async def _check_channels(self, channel_ids: Collection[int]) -> None:
        await self._publish.dispatcher.check_channels(channel_ids)

    async def close(self) -> None:
        """Closes the connections; waits for Discord's close frame only briefly."""
        await ended_within(self.client.close(), CLOSE_TIMEOUT_S)
        await self.client.http.close()  # discord.py leaves it open if its close was cancelled
        await self._session.close()
        await self._trending.close()


async def _wait_for_loops(loops: asyncio.Task[None]) -> None:
    """Waits until the loops have ended, and raises the root cause if one of them failed."""
    try:
        await loops
    except asyncio.CancelledError:
        return
    except BaseExceptionGroup as group:
        raise root_cause(group) from None
