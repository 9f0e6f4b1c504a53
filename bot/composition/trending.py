"""Builds everything that depends on Hugging Face, or its substitutes if `huggingface.enabled` is false.

`trending_feature` is the only code that reads that setting.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import aiohttp
from discord.ext import commands

from bot.composition.context import Context, Stores, Wakeups
from bot.config import Settings, is_loopback
from bot.discord_api.messages import RenderedMessage, render, render_without_trending
from bot.domain.outgoing import OutgoingMessage
from bot.domain.paper import ArxivId
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.huggingface.client import HuggingFaceClient
from bot.ingest.trending import (
    TRENDING_POLL_INTERVAL,
    TrendingFetcher,
    TrendingPoller,
    TrendingProblem,
    TrendingSource,
)
from bot.runtime.supervisor import Loop
from bot.services.lookup import FindTrendingEntries
from bot.services.trending import DisabledTrending, TrendingDisabled, TrendingLists, TrendingService
from cogs.trending import TrendingCommands


@dataclass(frozen=True, slots=True)
class TrendingParts:
    """The parts that other objects use; `loops` takes the loop that posts trending lists."""

    lists: TrendingLists
    find_entries: FindTrendingEntries
    problem: Callable[[], TrendingProblem | None]
    render: Callable[[OutgoingMessage], RenderedMessage]
    cogs: tuple[commands.Cog, ...]
    loops: Callable[[Loop], Mapping[str, Loop]]
    close: Callable[[], Awaitable[None]]


class TrendingFeature(Protocol):
    """Trending lists, switched on or off."""

    def build(self, stores: Stores, wakeups: Wakeups, /) -> TrendingParts:
        """The parts; the caller closes them."""
        ...

    def source(self) -> AbstractAsyncContextManager[TrendingSource]:
        """Reads lists without storing them; raises TrendingDisabled if Hugging Face is switched off."""
        ...


def trending_feature(context: Context) -> TrendingFeature:
    """Decides whether Hugging Face is used."""
    return _Enabled(context) if context.settings.huggingface.enabled else _Disabled()


class _Enabled:
    def __init__(self, context: Context) -> None:
        self._context = context

    def build(self, stores: Stores, wakeups: Wakeups) -> TrendingParts:
        clock, entries = self._context.clock, stores.trending_entries
        session = self._context.open_session()
        fetcher = TrendingFetcher(self._client(session), entries, clock, wakeups.notify_trending_stored)
        poll_interval = _poll_interval(self._context.settings)
        poller = TrendingPoller(fetcher, entries, clock, wakeups.trending_poller, interval=poll_interval)
        service = TrendingService(fetcher, entries, clock)
        return TrendingParts(
            lists=service,
            find_entries=entries.of_papers,
            problem=lambda: poller.problem,
            render=render,
            cogs=(TrendingCommands(service),),
            loops=lambda publisher: {"Reading Hugging Face": poller.run, "Posting lists": publisher},
            close=session.close,
        )

    @asynccontextmanager
    async def source(self) -> AsyncIterator[TrendingSource]:
        async with self._context.open_session() as session:
            yield self._client(session)

    def _client(self, session: aiohttp.ClientSession) -> HuggingFaceClient:
        context = self._context
        api_url = context.settings.huggingface.api_url
        return HuggingFaceClient(session, context.clock, api_url, context.user_agent, context.rng, context.metrics)


def _poll_interval(settings: Settings) -> timedelta:
    """Reads a local Hugging Face as often as a local arXiv, so that changes show at once in the sandbox."""
    interval_s = settings.arxiv.poll_interval_s
    if interval_s is None or not is_loopback(settings.huggingface.api_url):
        return TRENDING_POLL_INTERVAL
    return timedelta(seconds=interval_s)


class _Disabled:
    def build(self, _stores: Stores, _wakeups: Wakeups) -> TrendingParts:
        return TrendingParts(
            lists=DisabledTrending(),
            find_entries=_no_entries,
            problem=lambda: None,
            render=render_without_trending,
            cogs=(),
            loops=lambda _publisher: {},
            close=_nothing_to_close,
        )

    @asynccontextmanager
    async def source(self) -> AsyncIterator[TrendingSource]:
        yield _NoSource()


class _NoSource:
    async def fetch_list(self, day: date) -> tuple[TrendingEntry, ...]:  # noqa: ARG002 - the name is part of the protocol
        raise TrendingDisabled


async def _no_entries(_papers: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
    return NO_TRENDING_ENTRIES


async def _nothing_to_close() -> None:
    pass
