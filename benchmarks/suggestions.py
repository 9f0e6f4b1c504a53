"""Measures how long suggestions take for a server with 10,000 keywords, most of them expressions.

A keystroke searches the server's index; after a change of the server's keywords, the index is built again first.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.generated_papers import phrases
from benchmarks.measured_bot import percentile
from benchmarks.results import Figure, Run
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.runtime.clock import SystemClock
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX
from bot.services.keyword_indexes import KeywordIndexes
from bot.store.subscriptions import Subscriptions
from cogs.suggestions import choice_name, choice_value, suggested
from tests.support.store import opened

_NOW: Final = datetime(2026, 11, 18, tzinfo=UTC)
_GUILD, _CHANNELS, _KEYWORDS = 1, 20, 10_000
_KEYSTROKES: Final = 500
_CHANGES: Final = 20
_P99_MAX_MS: Final = 50.0


def measure(run: Run) -> Sequence[Figure]:
    """Types into an option, on a SQLite database of its own."""
    with tempfile.TemporaryDirectory(dir=run.cache) as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    keywords = _keywords()
    texts = [keyword.text.casefold() for keyword in keywords]
    async with opened(folder / "suggestions.sqlite3") as store:
        per_channel = len(keywords) // _CHANNELS
        for channel in range(_CHANNELS):
            added = keywords[channel * per_channel : (channel + 1) * per_channel]
            await store.subscriptions.add_all(added, 1 + channel, _GUILD, added_by=1, now=_NOW)
        indexes = KeywordIndexes(store.subscriptions, SystemClock())
        await indexes.get(_GUILD)
        typed = [keywords[place * 7].shown[place % 5 : place % 5 + 1 + place % 9] for place in range(_KEYSTROKES)]
        keystrokes = [await _keystroke(indexes, each) for each in typed]
        naive = [_timed_comparison(texts, each.casefold()) for each in typed]
        rebuilt = [await _after_a_change(store.subscriptions, indexes, keywords[place]) for place in range(_CHANGES)]
    size = f"{_KEYWORDS:,} keywords in {_CHANNELS} channels"
    return [
        Figure(
            f"suggestions from {size}, p99",
            (percentile(keystrokes, 0.99),),
            "ms",
            _P99_MAX_MS,
            naive=(percentile(naive, 0.99),),
            naive_way="comparing what was typed with each keyword",
        ),
        Figure(f"the first suggestions after a change of {size}", tuple(rebuilt), "ms", _P99_MAX_MS),
    ]


def _keywords() -> list[Keyword]:
    """Returns phrases, short expressions and long ones, by turns."""
    found = phrases(_KEYWORDS)
    typed = (
        (
            phrase,
            f'"{phrase}" AND cat:cs.CL ANDNOT survey',
            " OR ".join(f'"{each}"' for each in found[place : place + 9]),
        )
        for place, phrase in enumerate(found)
    )
    return [parse_keyword(texts[place % 3]) for place, texts in enumerate(typed)]


async def _keystroke(indexes: KeywordIndexes, typed: str) -> float:
    started_s = time.perf_counter()
    index = await indexes.get(_GUILD)
    choices: list[tuple[str, str]] = []
    async for each in suggested(index, typed, lambda _: True):
        choices.append((choice_name(each.label), choice_value(each.keyword_id)))
        if len(choices) == AUTOCOMPLETE_CHOICES_MAX:
            break
    return (time.perf_counter() - started_s) * 1000


async def _after_a_change(subscriptions: Subscriptions, indexes: KeywordIndexes, keyword: Keyword) -> float:
    await subscriptions.remove(keyword, 1)
    return await _keystroke(indexes, "model")


def _timed_comparison(texts: Sequence[str], typed: str) -> float:
    started_s = time.perf_counter()
    list(islice((each for each in texts if typed in each), AUTOCOMPLETE_CHOICES_MAX))
    return (time.perf_counter() - started_s) * 1000
