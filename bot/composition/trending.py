"""What reads Hugging Face's lists, tied together; nothing of it is there where `huggingface.enabled` is false.

Settings and what it stands on enter; the loop and the use case leave, with the session that whoever opened them closes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import aiohttp

from bot.config import Settings, is_loopback
from bot.huggingface.client import HuggingFaceClient
from bot.ingest.trending import TRENDING_POLL_INTERVAL, TrendingFetcher, TrendingPoller
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from bot.services.trending import TrendingService
from bot.store.trending_entries import TrendingEntries


@dataclass(frozen=True, slots=True)
class TrendingParts:
    """The loop that keeps the lists fresh, and the use case that shows one."""

    session: aiohttp.ClientSession
    keeper: TrendingPoller
    trending: TrendingService


def build_trending(
    settings: Settings,
    *,
    trending_entries: TrendingEntries,
    user_agent: str,
    clock: Clock,
    rng: Random,
    metrics: Metrics,
    wakeup: Wakeup,
    on_listed: Callable[[], None],
) -> TrendingParts | None:
    """All of it; None where Hugging Face is not to be asked. `alarm` wakes the loop, `on_listed` hears what it read."""
    if not settings.huggingface.enabled:
        return None
    session = open_session()
    client = HuggingFaceClient(session, clock, settings.huggingface.api_url, user_agent, rng, metrics)
    reader = TrendingFetcher(client, trending_entries, clock, on_listed)
    keeper = TrendingPoller(reader, trending_entries, clock, wakeup, every=_every(settings))
    return TrendingParts(session, keeper, TrendingService(reader, trending_entries, clock))


def _every(settings: Settings) -> timedelta:
    """A local Hugging Face is read as often as a local arXiv is: both are there to be watched."""
    interval_s = settings.arxiv.poll_interval_s
    if interval_s is None or not is_loopback(settings.huggingface.api_url):
        return TRENDING_POLL_INTERVAL
    return timedelta(seconds=interval_s)
