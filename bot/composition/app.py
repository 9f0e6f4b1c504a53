"""Opens everything, has it wired, supervises the loops, and closes in order.

Settings in; it returns when the program was asked to end, or raises StartupError with one sentence for the person who
started it. No rule lives here.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping
from typing import Final

import discord
from pydantic import SecretStr

from bot.composition.context import Context, Stores, Wakeups
from bot.composition.trending import build_trending
from bot.composition.wiring import Services, build_cogs, build_ingest, build_publish, user_agent
from bot.config import Settings, is_loopback
from bot.discord_api.attempts import InvalidRequests, request_trace
from bot.discord_api.client import FATAL_CLOSE_CODES, Client, use_endpoints
from bot.domain.keyword import Keyword
from bot.runtime.clock import SystemClock
from bot.runtime.errors import InvalidToken, StartupError
from bot.runtime.http import open_session
from bot.runtime.metrics import LagMeter, Metrics
from bot.runtime.supervisor import Loop, Supervisor, root_cause
from bot.services.health import Health
from bot.store.database import Database
from bot.web import PublicPage, WebServer, page_address
from cogs.lookup import AbstractButton, AbstractMenu
from cogs.subscribe_buttons import SubscribedButton
from cogs.trending import TrendingButton

log = logging.getLogger(__name__)

# An orderly end within 5 s: what docker stop and systemd wait for is more.
SHUTDOWN_GRACE_S: Final = 4.0
# Of the 5 s, for saying goodbye to Discord.
CLOSE_TIMEOUT_S: Final = 0.5


async def run(settings: Settings, end: asyncio.Event, metrics: Metrics | None = None) -> None:
    """Run the bot until `end` is set; raises StartupError when it cannot run at all."""
    if settings.discord.token is None:
        raise InvalidToken("No Discord token is set: put it in the environment as DISCORD_TOKEN.")
    use_endpoints(settings.discord.api_url, settings.discord.gateway_url)
    async with contextlib.AsyncExitStack() as closing:
        database = await Database.open_exclusive(settings.database)
        closing.push_async_callback(database.close)
        app = App(settings, settings.discord.token, database, metrics or Metrics())
        closing.push_async_callback(app.close)
        await app.subscription_service.apply_config(settings_subscriptions(settings))
        if settings.arxiv.contact is None and not is_loopback(settings.arxiv.api_url):
            log.warning("arXiv asks for a contact in case of trouble: set arxiv.contact")
        if settings.web.public_channels and settings.web.port is None:
            log.warning("channels are public, but their page is not served: set web.port")
        await app.run_until(end)


def settings_subscriptions(settings: Settings) -> dict[int, tuple[Keyword, ...]] | None:
    """What the file wants, by channel; None where it says nothing about subscriptions."""
    if settings.subscriptions is None:
        return None
    wanted: dict[int, tuple[Keyword, ...]] = {}
    for subscription in settings.subscriptions:
        keywords = tuple(Keyword.parse(keyword) for keyword in subscription.keywords)
        wanted[subscription.channel_id] = wanted.get(subscription.channel_id, ()) + keywords
    return wanted


class App:
    """The wired program."""

    def __init__(self, settings: Settings, token: SecretStr, database: Database, metrics: Metrics) -> None:
        context = Context(settings, SystemClock(), random.Random(), metrics)  # noqa: S311 - jitter, no secret
        stores, wakeups = Stores.of(database), Wakeups.of(context.clock)
        self._settings = settings
        self._token = token
        self._channels = stores.channels
        self._session = open_session()
        self._supervisor = Supervisor(context.clock, context.rng, metrics)
        self._ingest = build_ingest(context, stores, wakeups, self._session)
        self._trending = build_trending(
            settings,
            trending_entries=stores.trending_entries,
            user_agent=user_agent(settings.arxiv.contact),
            clock=context.clock,
            rng=context.rng,
            metrics=metrics,
            wakeup=wakeups.trending,
            on_listed=wakeups.notify_trending_stored,
        )
        services = Services.of(context, stores, wakeups, self._ingest, self._trending, self._supervisor)
        self.subscription_service = services.subscription_service
        invalid_requests = InvalidRequests(context.clock)
        self._client = Client(
            stores.key_values,
            services.lookup_service,
            services.subscription_service,
            None if self._trending is None else self._trending.trending,
            self._on_change,
            request_trace(invalid_requests),
        )
        self._client.add_dynamic_items(AbstractButton, AbstractMenu, SubscribedButton, TrendingButton)
        self._client.set_cogs(build_cogs(services, self._trending))
        self._publish = build_publish(context, stores, wakeups, self._client, invalid_requests)
        self._lag = LagMeter(context.clock, metrics)
        health = Health(
            polls=stores.polls,
            outbox=stores.outbox,
            subscriptions=stores.subscriptions,
            clock=context.clock,
            metrics=metrics,
            gateway_is_up=self._client.is_connected,
        )
        page = PublicPage(services.pages, settings.web.public_channels, page_address(settings.web))
        self._web = WebServer(health, metrics, page)

    async def run_until(self, end: asyncio.Event) -> None:
        """Keep the loops running; when asked to end, finish the messages in hand first."""
        async with self._web.listening(self._settings.web.host, self._settings.web.port):
            work = asyncio.create_task(self._supervisor.run(self._loops()))
            asked = asyncio.create_task(end.wait())
            try:
                await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
                if end.is_set():
                    await self._finish_messages()
            finally:
                asked.cancel()
                work.cancel()
                await _ended(work)

    async def _finish_messages(self) -> None:
        log.info("asked to end")
        with contextlib.suppress(TimeoutError):  # what is not finished by then is looked for at the next start
            async with asyncio.timeout(SHUTDOWN_GRACE_S):
                await self._publish.dispatcher.stop()

    def _loops(self) -> Mapping[str, Loop]:
        trending: dict[str, Loop] = {}
        if self._trending is not None:
            trending["Reading Hugging Face"] = self._trending.keeper.run
            trending["Posting lists"] = self._when_guilds_known(self._publish.trending_publisher.run)
        return trending | {
            "The connection to Discord": self._connect,
            "Reading arXiv": self._ingest.poller.run,
            "Reading new keywords": self._ingest.initial_sync.run,
            "Posting": self._when_guilds_known(self._publish.dispatcher.run),
            "Telling admins": self._when_guilds_known(self._publish.janitor.run),
            "Editing posts": self._when_guilds_known(self._publish.editor.run),
            "Metering": self._lag.run,
        }

    def _when_guilds_known(self, loop: Loop) -> Loop:
        async def run() -> None:
            await self._client.wait_until_guilds_known()
            await loop()

        return run

    async def _connect(self) -> None:
        try:
            if not self._client.is_logged_in:
                # A try that failed half-way left its HTTP session open (discord.py).
                await self._client.http.close()
                await self._client.login(self._token.get_secret_value())
            await self._client.connect()
        except discord.LoginFailure:
            raise InvalidToken("Discord refused the token: check DISCORD_TOKEN (or `discord.token`).") from None
        except discord.ConnectionClosed as error:
            if error.code in FATAL_CLOSE_CODES:
                raise StartupError(FATAL_CLOSE_CODES[error.code]) from None
            raise

    async def _on_change(self, guild: discord.Guild) -> None:
        """A server's channels or permissions may have changed: a paused channel may be open again, or the reverse."""
        channel_ids = [channel.id for channel in (*guild.channels, *guild.threads)]
        await self._channels.set_guild(guild.id, channel_ids)
        await self._publish.dispatcher.check_channels(guild.id)

    async def close(self) -> None:
        """Close what was opened, in order; nobody waits for Discord's goodbye."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._client.close()
        await self._client.http.close()  # discord.py leaves it open where its close was given up
        await self._session.close()
        if self._trending is not None:
            await self._trending.session.close()


async def _ended(work: asyncio.Task[None]) -> None:
    """Wait for the loops to end; of what they raised the one sentence for the person who runs the bot counts most."""
    try:
        await work
    except asyncio.CancelledError:
        return
    except BaseExceptionGroup as group:
        raise root_cause(group) from None
