"""Opens everything, wires it, supervises the loops, and closes in order.

Settings in; it returns when the program was asked to end, or raises StartRefused with one sentence for the person who
started it. No rule lives here.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import discord
from pydantic import SecretStr

from bot.arxiv import ArxivClient, open_session
from bot.client import Client, point_at
from bot.clock import Alarm, SystemClock
from bot.config import Settings, is_loopback
from bot.delivery import DiscordDelivery
from bot.domain.keyword import Keyword
from bot.errors import StartRefused, TokenRefused
from bot.gate import Gate
from bot.invalid_requests import InvalidRequests
from bot.limits import ARXIV_BACKOFF_FLOOR_S, ARXIV_REQUEST_INTERVAL_S, CLOSE_TIMEOUT_S, SHUTDOWN_GRACE_S
from bot.metrics import LagMeter, Metrics
from bot.notices import DiscordMessenger
from bot.pipeline.batches import Batches
from bot.pipeline.caretaker import Caretaker
from bot.pipeline.deliver import Deliver
from bot.pipeline.firsts import FirstReadings
from bot.pipeline.passes import Passes
from bot.pipeline.posting import Posting
from bot.pipeline.retouch import Retouch
from bot.pipeline.slices import SliceReader
from bot.services.arranging import Arranging
from bot.services.health import Health
from bot.services.looking_up import LookingUp
from bot.services.reporting import Reporting
from bot.services.subscribing import Subscribing
from bot.store.channels import Channels
from bot.store.database import Database
from bot.store.edits import Edits
from bot.store.looks import Looks, Marks
from bot.store.outbox import Outbox
from bot.store.papers import Papers
from bot.store.preferences import ChannelPreferences
from bot.store.readings import Readings
from bot.store.subscriptions import Subscriptions
from bot.supervisor import Loop, Supervisor, first_cause
from bot.tries import note_tries
from bot.web import WebServer
from cogs.channels import ChannelCommands
from cogs.lookup import AbstractButton, AbstractMenu, LookupCommands
from cogs.operations import OperationCommands
from cogs.subscribed import SubscribedButton
from cogs.subscriptions import SubscriptionCommands

log = logging.getLogger(__name__)

# Close codes that no reconnect mends (topics/opcodes-and-status-codes): what to tell the person who runs the bot.
_REFUSED: Final = {
    4004: "Discord does not accept the token any more: set a new one in DISCORD_TOKEN.",
    4011: "Discord wants this bot to be sharded: it is in more than 2,500 servers, which one process does not serve.",
}


async def run(settings: Settings, end: asyncio.Event, metrics: Metrics | None = None) -> None:
    """Run the bot until `end` is set; raises StartRefused when it cannot run at all."""
    if settings.discord.token is None:
        raise TokenRefused("No Discord token is set: put it in the environment as DISCORD_TOKEN.")
    point_at(settings.discord.api_url, settings.discord.gateway_url)
    async with contextlib.AsyncExitStack() as closing:
        database = await Database.open(settings.database)
        closing.push_async_callback(database.close)
        app = App(settings, settings.discord.token, database, metrics or Metrics())
        closing.push_async_callback(app.close)
        await app.subscribing.follow_file(settings_subscriptions(settings))
        if settings.arxiv.contact is None and not is_loopback(settings.arxiv.api_url):
            log.warning("arXiv asks for a contact in case of trouble: set arxiv.contact")
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
        clock, rng = SystemClock(), random.Random()  # noqa: S311 - jitter, no secret
        interval_s = settings.arxiv.request_interval_s
        self._settings = settings
        self._token = token
        self._logged_in = asyncio.Event()
        self._session = open_session()
        arxiv = ArxivClient(
            self._session,
            Gate(gate_path(settings), clock, interval_s),
            clock,
            settings.arxiv.api_url,
            user_agent(settings.arxiv.contact),
            rng,
            metrics,
            # A shorter interval is allowed on loopback alone; a backoff there is shorter in proportion.
            backoff_floor_s=ARXIV_BACKOFF_FLOOR_S * interval_s / ARXIV_REQUEST_INTERVAL_S,
        )
        subscriptions, papers, outbox = Subscriptions(database), Papers(database), Outbox(database)
        readings, looks, marks = Readings(database), Looks(database), Marks(database)
        self._channels = Channels(database)
        reader = SliceReader(arxiv, metrics)
        pass_alarm, post_alarm, house_alarm, retouch_alarm = (Alarm(clock) for _ in range(4))
        self._supervisor = Supervisor(clock, rng, metrics)
        self._firsts = FirstReadings(subscriptions, readings, reader, clock, metrics, on_read=pass_alarm.ring)
        self._passes = Passes(
            client=arxiv,
            reader=reader,
            subscriptions=subscriptions,
            readings=readings,
            looks=looks,
            marks=marks,
            clock=clock,
            metrics=metrics,
            poll_interval_s=settings.arxiv.poll_interval_s,
            alarm=pass_alarm,
            on_new_posts=post_alarm.ring,
            on_edits=retouch_alarm.ring,
        )
        looking_up = LookingUp(
            client=arxiv, subscriptions=subscriptions, papers=papers, passes=self._passes, clock=clock
        )
        preferences = ChannelPreferences(database)
        arranging = Arranging(preferences, papers, outbox, clock, post_alarm.ring)
        reporting = Reporting(
            passes=self._passes,
            firsts=self._firsts,
            outbox=outbox,
            channels=self._channels,
            preferences=preferences,
            supervisor=self._supervisor,
        )
        self.subscribing = Subscribing(subscriptions, papers, outbox, self._firsts, clock, post_alarm.ring)
        invalid_requests = InvalidRequests(clock)
        self._client = Client(
            marks, looking_up, self.subscribing, self._on_change, note_tries(invalid_requests.trace())
        )
        self._client.add_dynamic_items(AbstractButton, AbstractMenu, SubscribedButton)
        self._client.bring(
            [
                SubscriptionCommands(self.subscribing, reporting, arranging),
                LookupCommands(looking_up),
                OperationCommands(reporting),
                ChannelCommands(arranging),
            ]
        )
        delivery = DiscordDelivery(self._client, clock, invalid_requests)
        posting = Posting(
            outbox=outbox,
            channels=self._channels,
            batches=Batches(outbox, preferences),
            delivery=delivery,
            clock=clock,
            rng=rng,
            metrics=metrics,
            on_pause=house_alarm.ring,
            on_posted=retouch_alarm.ring,
        )
        self._deliver = Deliver(outbox, self._channels, posting, clock, post_alarm)
        self._retouch = Retouch(Edits(database), delivery, clock, retouch_alarm)
        messenger = DiscordMessenger(self._client, invalid_requests)
        self._caretaker = Caretaker(self._channels, subscriptions, messenger, clock, house_alarm)
        self._lag = LagMeter(clock, metrics)
        health = Health(
            looks=looks,
            outbox=outbox,
            subscriptions=subscriptions,
            clock=clock,
            metrics=metrics,
            gateway_is_up=self._client.is_connected,
        )
        self._web = WebServer(health, metrics)

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
                await self._deliver.stop()

    def _loops(self) -> Mapping[str, Loop]:
        return {
            "The connection to Discord": self._connect,
            "Reading arXiv": self._passes.run,
            "Reading new keywords": self._firsts.run,
            "Posting": self._after_login(self._deliver.run),
            "Telling admins": self._after_login(self._caretaker.run),
            "Editing posts": self._after_login(self._retouch.run),
            "Metering": self._lag.run,
        }

    def _after_login(self, loop: Loop) -> Loop:
        async def run() -> None:
            await self._logged_in.wait()  # before it discord.py knows of no gateway to wait for
            await loop()

        return run

    async def _connect(self) -> None:
        try:
            if not self._client.is_logged_in:
                # A try that failed half-way left its HTTP session open (discord.py).
                await self._client.http.close()
                await self._client.login(self._token.get_secret_value())
                self._logged_in.set()
            await self._client.connect()
        except discord.LoginFailure:
            raise TokenRefused("Discord refused the token: check DISCORD_TOKEN (or `discord.token`).") from None
        except discord.ConnectionClosed as error:
            if error.code in _REFUSED:
                raise StartRefused(_REFUSED[error.code]) from None
            raise

    async def _on_change(self, guild: discord.Guild) -> None:
        """A server's channels or permissions may have changed: a paused channel may be open again, or the reverse."""
        channel_ids = [channel.id for channel in (*guild.channels, *guild.threads)]
        await self._channels.learn_guild(guild.id, channel_ids)
        await self._deliver.look_over_channels(guild.id)

    async def close(self) -> None:
        """Close what was opened, in order; nobody waits for Discord's goodbye."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._client.close()
        await self._session.close()


async def _ended(work: asyncio.Task[None]) -> None:
    """Wait for the loops to end; of what they raised the one sentence for the person who runs the bot counts most."""
    try:
        await work
    except asyncio.CancelledError:
        return
    except BaseExceptionGroup as group:
        raise first_cause(group) from None


def gate_path(settings: Settings) -> Path:
    """The lock file beside the database through which every command of the program asks arXiv."""
    return settings.database.with_name(settings.database.name + ".gate")


def user_agent(contact: str | None) -> str:
    """How the program introduces itself to arXiv: a descriptive name with a contact (terms of use)."""
    try:
        release = version("daily-papers")
    except PackageNotFoundError:  # started from a checkout that was not installed
        release = "dev"
    return f"DailyPapers/{release} ({contact or 'no contact given'})"
