"""`daily-papers check`: reports what works and what doesn't; it can run next to the bot.

It prints a table with one row for the settings, the database, arXiv, Hugging Face, the token and each channel that has
keywords. It changes no file, and sends arXiv one request through the request gate; if arXiv asks to wait, that is
recorded for the bot.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import aiohttp
import discord
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.arxiv.gate import Gate, Priority
from bot.composition.context import Context
from bot.composition.trending import trending_feature
from bot.composition.wiring import arxiv_client, channel_access, request_gate
from bot.config import Settings
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.client import GUILDS_QUIET_S, use_endpoints
from bot.discord_api.sharded_client import ShardedClient
from bot.domain.accepted_keywords import configured_keyword, unlikely_to_match
from bot.domain.outgoing import Blocked, RetryLater
from bot.domain.queries import POLL_OVERLAP, Window, probe_query
from bot.domain.text import plural
from bot.runtime.errors import (
    ArxivError,
    DatabaseUnusable,
    DiscordUnavailable,
    HuggingFaceError,
    StartupError,
    StoreUnavailable,
)
from bot.runtime.problems import ReportedProblems
from bot.runtime.server_url import ServerUrl
from bot.runtime.supervisor import root_cause
from bot.services.trending import TrendingDisabled
from bot.store.backend import Location
from bot.store.summary import DatabaseSummary, summarise

# How long one check may take: arXiv's includes waiting for a turn at the request gate.
CHECK_TIMEOUT_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One row of the table."""

    subject: str
    ok: bool
    detail: str


async def check(settings: Settings, console: Console) -> bool:
    """Prints the result of every check, and returns whether all of them passed."""
    context = Context.create(settings)
    use_endpoints(settings.discord.api_url, settings.discord.gateway_url)
    summary, database = await asyncio.to_thread(_check_database, settings.database)
    channels = {subscription.channel_id for subscription in settings.subscriptions or ()}
    channels |= set(summary.channels if summary is not None else ())
    with console.status("Checking arXiv, Hugging Face and Discord …"):
        async with asyncio.TaskGroup() as group:
            arxiv = group.create_task(_check_arxiv(context))
            hugging_face = group.create_task(_check_hugging_face(context))
            on_discord = group.create_task(_check_discord(context, sorted(channels)))
    results = [_check_settings(settings), database, arxiv.result(), hugging_face.result(), *on_discord.result()]
    console.print(_table(results))
    return all(result.ok for result in results)


def _check_settings(settings: Settings) -> CheckResult:
    detail = "valid"
    if settings.arxiv.lacks_contact:
        detail += ", but without a contact for arXiv: set arxiv.contact"
    if settings.abstracts_kept_days is not None:
        detail += f"; abstracts are removed {settings.abstracts_kept_days} days after a paper's last update"
    for subscription in settings.subscriptions or ():
        for text in subscription.keywords:
            if (problem := unlikely_to_match(configured_keyword(text))) is not None:
                detail += f"; the keyword {text!r} is unlikely to match: {problem}"
    return CheckResult("settings", ok=True, detail=detail)


def _check_database(location: Location) -> tuple[DatabaseSummary | None, CheckResult]:
    try:
        summary = summarise(location)
    except DatabaseUnusable as error:
        return None, CheckResult("database", ok=False, detail=str(error))
    is_server = isinstance(location, ServerUrl)
    if summary is None:
        missing = (
            "is empty; the first start creates its tables"
            if is_server
            else "does not exist yet; the first start creates it"
        )
        return None, CheckResult("database", ok=True, detail=f"{location} {missing}")
    state = "reachable" if is_server else "intact"
    contents = f"{plural(summary.keywords, 'keyword')}, {plural(summary.papers, 'paper')}"
    return summary, CheckResult("database", ok=True, detail=f"{state}: {contents}, {summary.waiting:,} queued")


@contextlib.asynccontextmanager
async def _temporary_gate(context: Context) -> AsyncIterator[Gate]:
    """The bot's request gate; its file is removed at the end if it did not exist before."""
    existed = context.gate_path.exists()
    gate = request_gate(context)
    yield gate
    if not existed:
        await gate.remove_file()


async def _check_arxiv(context: Context) -> CheckResult:
    now = context.clock.now()
    async with context.open_session() as session, _temporary_gate(context) as gate:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                page = await arxiv_client(context, session, gate).fetch(
                    probe_query(Window(now - POLL_OVERLAP, now)), start=0, size=1, priority=Priority.INTERACTIVE
                )
        except (ArxivError, StoreUnavailable) as error:
            return CheckResult("arXiv", ok=False, detail=str(error))
        except TimeoutError:
            return CheckResult(
                "arXiv",
                ok=False,
                detail=f"no turn at the request gate in {CHECK_TIMEOUT_S:g} s: is the bot reading a lot?",
            )
    papers = plural(page.total, "paper")
    return CheckResult("arXiv", page.total > 0, f"reachable: {papers} in the last 7 days")


async def _check_hugging_face(context: Context) -> CheckResult:
    yesterday = context.clock.now().date() - timedelta(days=1)
    async with trending_feature(context).source() as source:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                entries = await source.fetch_list(yesterday)
        except TrendingDisabled:
            return CheckResult("Hugging Face", ok=True, detail="switched off: huggingface.enabled is false")
        except HuggingFaceError as error:
            return CheckResult("Hugging Face", ok=False, detail=str(error))
        except TimeoutError:
            return CheckResult("Hugging Face", ok=False, detail=f"no complete list in {CHECK_TIMEOUT_S:g} s")
    papers = plural(len(entries), "paper")
    return CheckResult("Hugging Face", ok=True, detail=f"reachable: {papers} on {yesterday.isoformat()}")


async def _check_discord(context: Context, channel_ids: Sequence[int]) -> list[CheckResult]:
    token = context.settings.discord.token
    if token is None:
        return [CheckResult("token", ok=False, detail="not set: set DISCORD_TOKEN, or `discord.token` in config.json")]
    client = ShardedClient(
        intents=discord.Intents(guilds=True),
        guild_ready_timeout=GUILDS_QUIET_S,
        shards=context.settings.discord.shards,
        clock=context.clock,
        rng=context.rng,
        problems=ReportedProblems(),
    )
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S) as timeout, client:
            await client.login(token.get_secret_value())
            timeout.reschedule(asyncio.get_running_loop().time() + CHECK_TIMEOUT_S + await client.identify_time_s())
            async with _connected(client):
                access = channel_access(context, client)
                await client.wait_until_guilds_known()
                name = client.user.name if client.user is not None else "the bot"
                servers = plural(len(client.guilds), "server")
                token_result = CheckResult("token", ok=True, detail=f"logged in as {name}, in {servers}")
                return [token_result, *[await _check_channel(access, channel_id) for channel_id in channel_ids]]
    except discord.LoginFailure:
        return [CheckResult("token", ok=False, detail="Discord rejected it")]
    except (StartupError, DiscordUnavailable) as error:
        return [CheckResult("Discord", ok=False, detail=str(error))]
    except discord.ConnectionClosed as error:
        return [CheckResult("Discord", ok=False, detail=f"closed the connection (code {error.code})")]
    except TimeoutError:
        return [CheckResult("Discord", ok=False, detail=f"no answer in {CHECK_TIMEOUT_S:g} s")]
    except (aiohttp.ClientConnectionError, OSError):
        return [CheckResult("Discord", ok=False, detail="unreachable (no connection)")]
    except (discord.DiscordException, aiohttp.ClientError) as error:
        return [CheckResult("Discord", ok=False, detail=f"unreachable ({type(error).__name__})")]


@contextlib.asynccontextmanager
async def _connected(client: discord.Client) -> AsyncIterator[None]:
    """Connects to the gateway, which sends channels and permissions, until the block ends."""
    try:
        async with asyncio.TaskGroup() as group:
            # The first failure is the result of the check.
            gateway = group.create_task(client.connect(reconnect=False))
            yield
            # Before the client closes: after that, discord.py fails as it has no loop to dispatch the disconnect.
            gateway.cancel()
    except BaseExceptionGroup as group_error:
        raise root_cause(group_error) from None


async def _check_channel(access: ChannelAccess, channel_id: int) -> CheckResult:
    match await access.check_channel(channel_id):
        case None:
            return CheckResult(f"channel {channel_id}", ok=True, detail="the bot can post here")
        case Blocked(reason):
            return CheckResult(f"channel {channel_id}", ok=False, detail=reason)
        case RetryLater(_, reason):
            return CheckResult(f"channel {channel_id}", ok=False, detail=reason)


def _table(results: Collection[CheckResult]) -> Table:
    table = Table("check", "result", "details")
    for result in results:
        table.add_row(
            escape(result.subject), "[green]ok[/]" if result.ok else "[bold red]failed[/]", escape(result.detail)
        )
    return table
