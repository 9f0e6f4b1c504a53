"""`daily-papers check`: what is well and what is not, before a start or beside a running bot.

Settings enter; a table leaves, a line each for the database, arXiv, Hugging Face, the token and every mapped channel.
It changes nothing, and asks arXiv one question through the same gate as everybody.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

import aiohttp
import discord
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.arxiv.gate import Priority
from bot.composition.context import Context
from bot.composition.trending import trending_feature
from bot.composition.wiring import arxiv_client, discord_delivery
from bot.config import Settings, is_loopback
from bot.discord_api.client import FATAL_CLOSE_CODES, GUILDS_QUIET_S, use_endpoints
from bot.discord_api.delivery import DiscordDelivery
from bot.domain.outgoing import Blocked, RetryLater
from bot.domain.queries import POLL_OVERLAP, Window, probe_query
from bot.domain.text import plural
from bot.runtime.clock import SystemClock
from bot.runtime.errors import ArxivError, DatabaseUnusable, HuggingFaceError, StoreUnavailable
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from bot.runtime.supervisor import root_cause
from bot.services.trending import TrendingDisabled
from bot.store.backup import DatabaseSummary, summarise

# How long `daily-papers check` waits for arXiv's turn and for Discord.
CHECK_TIMEOUT_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the table."""

    what: str
    well: bool
    words: str


async def check(settings: Settings, console: Console) -> bool:
    """Prints the result of every check, and returns whether all of them passed."""
    context = Context(settings, SystemClock(), Random(), Metrics())  # noqa: S311 - jitter, no secret
    use_endpoints(settings.discord.api_url, settings.discord.gateway_url)
    summary, database = await asyncio.to_thread(_database, settings.database)
    channels = {subscription.channel_id for subscription in settings.subscriptions or ()}
    channels |= set(summary.channels if summary is not None else ())
    with console.status("Asking arXiv, Hugging Face and Discord …"):
        async with asyncio.TaskGroup() as group:
            arxiv = group.create_task(_arxiv(context))
            lists = group.create_task(_hugging_face(context))
            on_discord = group.create_task(_discord(context, sorted(channels)))
    findings = [_settings(settings), database, arxiv.result(), lists.result(), *on_discord.result()]
    console.print(_table(findings))
    return all(finding.well for finding in findings)


def _settings(settings: Settings) -> CheckResult:
    if settings.arxiv.contact is None and not is_loopback(settings.arxiv.api_url):
        return CheckResult("settings", well=True, words="no fault, but arXiv asks for a contact: set arxiv.contact")
    return CheckResult("settings", well=True, words="no fault")


def _database(path: Path) -> tuple[DatabaseSummary | None, CheckResult]:
    try:
        summary = summarise(path)
    except DatabaseUnusable as error:
        return None, CheckResult("database", well=False, words=str(error))
    if summary is None:
        return None, CheckResult("database", well=True, words=f"{path} is not there yet; the first start makes it")
    contents = f"{plural(summary.keywords, 'keyword')}, {plural(summary.papers, 'paper')}"
    words = f"sound: {contents}, {summary.waiting:,} wait to be posted"
    return summary, CheckResult("database", well=True, words=words)


async def _arxiv(context: Context) -> CheckResult:
    now = context.clock.now()
    async with open_session() as session:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                page = await arxiv_client(context, session).fetch(
                    probe_query(Window(now - POLL_OVERLAP, now)), start=0, size=1, priority=Priority.INTERACTIVE
                )
        except (ArxivError, StoreUnavailable) as error:
            return CheckResult("arXiv", well=False, words=str(error))
        except TimeoutError:
            return CheckResult("arXiv", well=False, words="its turn did not come: is a running bot reading much?")
    papers = plural(page.total, "paper")
    return CheckResult("arXiv", page.total > 0, f"answers: {papers} in the last 7 days")


async def _hugging_face(context: Context) -> CheckResult:
    yesterday = context.clock.now().date() - timedelta(days=1)
    async with trending_feature(context).source() as source:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                listed = await source.fetch_list(yesterday)
        except TrendingDisabled:
            return CheckResult("Hugging Face", well=True, words="switched off: huggingface.enabled is false")
        except HuggingFaceError as error:
            return CheckResult("Hugging Face", well=False, words=str(error))
        except TimeoutError:
            return CheckResult("Hugging Face", well=False, words=f"no whole list in {CHECK_TIMEOUT_S:g} s")
    papers = plural(len(listed), "paper")
    return CheckResult("Hugging Face", well=True, words=f"answers: {papers} listed on {yesterday.isoformat()}")


async def _discord(context: Context, channel_ids: Sequence[int]) -> list[CheckResult]:
    token = context.settings.discord.token
    if token is None:
        return [CheckResult("token", well=False, words="none is set: put it in the environment as DISCORD_TOKEN")]
    client = discord.Client(intents=discord.Intents(guilds=True), guild_ready_timeout=GUILDS_QUIET_S)
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S), client:
            await client.login(token.get_secret_value())
            async with _connected(client):
                delivery = discord_delivery(context, client)
                await delivery.ready()
                name = client.user.name if client.user is not None else "the bot"
                servers = plural(len(client.guilds), "server")
                well = CheckResult("token", well=True, words=f"logged in as {name}, in {servers}")
                return [well, *[await _channel(delivery, channel_id) for channel_id in channel_ids]]
    except discord.LoginFailure:
        return [CheckResult("token", well=False, words="Discord refuses it")]
    except discord.ConnectionClosed as error:
        words = FATAL_CLOSE_CODES.get(error.code, f"hangs up (code {error.code})")
        return [CheckResult("Discord", well=False, words=words)]
    except TimeoutError:
        return [CheckResult("Discord", well=False, words=f"no answer in {CHECK_TIMEOUT_S:g} s")]
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        return [CheckResult("Discord", well=False, words=f"out of reach ({type(error).__name__})")]


@contextlib.asynccontextmanager
async def _connected(client: discord.Client) -> AsyncIterator[None]:
    """The gateway tells of channels and permissions, as it tells the running bot."""
    try:
        async with asyncio.TaskGroup() as group:
            gateway = group.create_task(client.connect())
            yield
            # Before the client closes: then it has no loop left to tell of the gateway's end (discord.py), and fails.
            gateway.cancel()
    except BaseExceptionGroup as several:
        raise root_cause(several) from None


async def _channel(delivery: DiscordDelivery, channel_id: int) -> CheckResult:
    match await delivery.blocked(channel_id):
        case None:
            return CheckResult(f"channel {channel_id}", well=True, words="can be posted in")
        case Blocked(reason):
            return CheckResult(f"channel {channel_id}", well=False, words=reason)
        case RetryLater(_, why):
            return CheckResult(f"channel {channel_id}", well=False, words=why)


def _table(findings: Collection[CheckResult]) -> Table:
    table = Table("what", "state", "in words")
    for finding in findings:
        state = "[green]well[/]" if finding.well else "[bold red]not well[/]"
        table.add_row(escape(finding.what), state, escape(finding.words))
    return table
