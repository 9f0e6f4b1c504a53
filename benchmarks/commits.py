"""Measures what a poll commits, and the statements of each start, each poll and each dispatcher's round.

Everything goes through the store; the naive way writes the same rows with plain sqlite3, in one transaction.
"""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.database import copied, generated, insert
from benchmarks.generated_papers import PaperGenerator, phrases
from benchmarks.generated_tables import MATCHES, PAPERS, GeneratedTables, Row, TableRows, paper_row
from benchmarks.results import Figure, Run
from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.paper import ArxivId, Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.codecs import to_text
from bot.store.opening import prepare_exclusive
from tests.support.store import Store, opened

_NOW: Final = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
_REPETITIONS: Final = 3
_PAPERS, _MATCHES_PER_PAPER, _CHANNELS_PER_KEYWORD = 1_000, 5, 4
_KEYWORD_COUNTS: Final = (1_000, 10_000)
_CONFIGURED_CHANNELS: Final = 2_000
_CONFIGURED_PER_CHANNEL: Final = 5
_CHANNELS_PER_COMMIT: Final = 400
_COMMIT_MAX_S: Final = 1.0
# The dispatcher asks at most twice per second, the editor once per minute.
_QUERY_MAX_MS: Final = 20.0
_QUEUED_PAPERS: Final = 30
_REVISED_PAPERS: Final = 8
_FIRST_ID: Final = 50_000

_CommittedWindow: TypeAlias = tuple[tuple[Paper, ...], tuple[Match, ...]]


def measure(run: Run) -> Sequence[Figure]:
    """Commits into new databases, then asks the generated one."""
    with tempfile.TemporaryDirectory(dir=run.cache) as folder:
        figures = [figure for count in _KEYWORD_COUNTS for figure in asyncio.run(_commits(Path(folder), count))]
        figures += asyncio.run(_starts(Path(folder)))
    path, tables = generated(run)
    with copied(path) as copy:
        return [*figures, *asyncio.run(_rounds(copy, tables))]


# --- commits of a poll ---------------------------------------------------------------------------


async def _commits(folder: Path, keyword_count: int) -> list[Figure]:
    """Each keyword has four channels, so that each of a paper's five keywords queues it in four others."""
    keywords = tuple(map(Keyword.parse, phrases(keyword_count)))
    windows = list(_windows(keywords, _REPETITIONS))
    commit_s: list[float] = []
    finish_s: list[float] = []
    watched_s: list[float] = []
    async with opened(folder / f"commits-{keyword_count}.sqlite3") as store:
        await store.subscriptions.apply_config(_four_channels(keywords), _NOW)
        await _sync_all(store)
        watched = await store.watched()
        for papers, matches in windows:
            with _timed(commit_s):
                written = await store.ingest_store.record_window(watched, papers, matches, _NOW)
            _check(written.posts, len(matches) * _CHANNELS_PER_KEYWORD)
        for repetition in range(1, _REPETITIONS + 1):
            with _timed(watched_s):
                watched = await store.watched()
            with _timed(finish_s):
                await store.ingest_store.finish_poll(watched, _NOW + timedelta(hours=repetition))
    naive_s = _naive_commits(folder / f"naive-{keyword_count}.sqlite3", keywords, windows)
    size = f"with {keyword_count:,} keywords"
    rows = f"{_PAPERS:,} papers, {_PAPERS * _MATCHES_PER_PAPER:,} matches, {_outbox_rows():,} outbox rows"
    return [
        Figure(f"commit {rows} {size}", tuple(commit_s), "s", _COMMIT_MAX_S, naive_s, "plain sqlite3"),
        Figure(f"finish_poll {size}", tuple(finish_s), "s", _COMMIT_MAX_S),
        Figure(f"watched {size}", tuple(watched_s), "s"),
    ]


def _outbox_rows() -> int:
    return _PAPERS * _MATCHES_PER_PAPER * _CHANNELS_PER_KEYWORD


def _four_channels(keywords: Sequence[Keyword]) -> dict[int, list[Keyword]]:
    """The keywords of a paper are neighbours: with four channels each out of 400, they never share one."""
    configured: dict[int, list[Keyword]] = {}
    for place, number in product(range(len(keywords)), range(_CHANNELS_PER_KEYWORD)):
        channel = (place * _CHANNELS_PER_KEYWORD + number) % _CHANNELS_PER_COMMIT
        configured.setdefault(1 + channel, []).append(keywords[place])
    return configured


def _windows(keywords: Sequence[Keyword], count: int) -> Iterator[_CommittedWindow]:
    """Yields windows of new papers; each paper matches five neighbouring keywords."""
    generator = PaperGenerator(count * _PAPERS, [each.shown for each in keywords], _NOW).papers()
    for window in range(count):
        papers = tuple(_as_new(next(generator).paper, window * _PAPERS + place) for place in range(_PAPERS))
        matches = tuple(
            Match(each.arxiv_id, keywords[(place * _MATCHES_PER_PAPER + near) % len(keywords)])
            for place, each in enumerate(papers)
            for near in range(_MATCHES_PER_PAPER)
        )
        yield papers, matches


def _as_new(paper: Paper, number: int, now: datetime = _NOW) -> Paper:
    """Returns the paper with an id of its own and submitted now."""
    return replace(paper, arxiv_id=ArxivId(f"2611.{_FIRST_ID + number:05}"), published=now, updated=now)


async def _sync_all(store: Store) -> None:
    since = _NOW - timedelta(days=30)
    await store.ingest_store.finish_initial_sync(await store.watched(), since, _NOW)


def _naive_commits(path: Path, keywords: Sequence[Keyword], windows: Sequence[_CommittedWindow]) -> tuple[float, ...]:
    os.close(prepare_exclusive(path))
    took_s: list[float] = []
    places = {keyword: place for place, keyword in enumerate(keywords)}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO channels (channel_id) VALUES (?)", [(1 + n,) for n in range(_CHANNELS_PER_COMMIT)]
        )
        rows = [(1 + place, each.canonical, each.shown) for each, place in places.items()]
        _write(connection, "keywords", ("id", "canonical", "shown"), rows)
        connection.execute("COMMIT")
        for papers, matches in windows:
            with _timed(took_s):
                _naive_commit(connection, places, papers, matches)
    return tuple(took_s)


def _naive_commit(
    connection: sqlite3.Connection, places: dict[Keyword, int], papers: Sequence[Paper], matches: Sequence[Match]
) -> None:
    now = to_text(_NOW)
    connection.execute("BEGIN IMMEDIATE")
    first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM outbox").fetchone()[0]
    pairs = [(1 + places[each.keyword], each.arxiv_id.value) for each in matches]
    queued = [
        (1 + (keyword_id * _CHANNELS_PER_KEYWORD + number) % _CHANNELS_PER_COMMIT, paper, keyword_id)
        for keyword_id, paper in pairs
        for number in range(_CHANNELS_PER_KEYWORD)
    ]
    outbox = [(first + n, channel, paper, now, now, now) for n, (channel, paper, _) in enumerate(queued)]
    keywords = [(first + n, keyword_id) for n, (_, _, keyword_id) in enumerate(queued)]
    _write(connection, "papers", PAPERS, map(paper_row, papers))
    _write(connection, "matches", MATCHES, [(*pair, now, now, now) for pair in pairs])
    columns = ("id", "channel_id", "arxiv_id", "published", "arrived_at", "due_at")
    _write(connection, "outbox", columns, outbox)
    _write(connection, "outbox_keywords", ("outbox_id", "keyword_id"), keywords)
    connection.execute("COMMIT")


def _write(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    deque(insert(connection, TableRows(table, columns, rows, 0)), maxlen=0)


# --- each start ----------------------------------------------------------------------------------


async def _starts(folder: Path) -> list[Figure]:
    """10,000 subscriptions in the settings: new at the first start, unchanged at every later one."""
    count = _CONFIGURED_CHANNELS * _CONFIGURED_PER_CHANNEL
    keywords = tuple(map(Keyword.parse, phrases(count)))
    configured = {
        1 + channel: keywords[channel * _CONFIGURED_PER_CHANNEL : (channel + 1) * _CONFIGURED_PER_CHANNEL]
        for channel in range(_CONFIGURED_CHANNELS)
    }
    first_s: list[float] = []
    later_s: list[float] = []
    for repetition in range(_REPETITIONS):
        async with opened(folder / f"start-{repetition}.sqlite3") as store:
            with _timed(first_s):
                await store.subscriptions.apply_config(configured, _NOW)
            with _timed(later_s):
                await store.subscriptions.apply_config(configured, _NOW)
    naive_s = tuple(_naive_start(folder / f"naive-start-{n}.sqlite3", configured) for n in range(_REPETITIONS))
    name = f"apply_config of {count:,} subscriptions"
    return [
        Figure(f"{name}, first start", tuple(first_s), "s", None, naive_s, "plain sqlite3"),
        Figure(f"{name}, unchanged", tuple(later_s), "s", 0.5),
    ]


def _naive_start(path: Path, configured: dict[int, tuple[Keyword, ...]]) -> float:
    os.close(prepare_exclusive(path))
    took_s: list[float] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection, _timed(took_s):
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO channels (channel_id) VALUES (?)", [(each,) for each in configured])
        unique = dict.fromkeys(keyword for keywords in configured.values() for keyword in keywords)
        insert = "INSERT INTO keywords (canonical, shown) VALUES (?, ?)"
        connection.executemany(insert, [(keyword.canonical, keyword.shown) for keyword in unique])
        ids = dict(connection.execute("SELECT canonical, id FROM keywords").fetchall())
        connection.executemany(
            """INSERT INTO subscriptions (channel_id, keyword_id, shown, by_file, by_command, added_at)
               VALUES (?, ?, ?, 1, 0, ?)""",
            [
                (channel, ids[each.canonical], each.shown, to_text(_NOW))
                for channel, all_ in configured.items()
                for each in all_
            ],
        )
        connection.execute("COMMIT")
    return took_s[0]


# --- what the dispatcher and the editor query ------------------------------------------------------


async def _rounds(path: Path, tables: GeneratedTables) -> list[Figure]:
    """On the generated database: without anything to do, with queued papers, and with waiting edits."""
    now = tables.end + timedelta(days=1)
    posts = f"{tables.size.posts:,} posts"
    async with opened(path) as store:
        figures = [
            await _timed_query(f"due_channels, {posts}", lambda: store.outbox.due_channels(now)),
            await _timed_query(f"next_due, {posts}", store.outbox.next_due),
            await _timed_query(f"edits.due, {posts}, no edits", lambda: store.edits.due(now)),
        ]
        watched = await store.watched()
        broadest = next(each for each in watched if each.keyword == tables.keywords[0])
        queued = f"{await _queue(store, broadest, now):,} waiting rows"
        figures += [
            await _timed_query(f"due_channels, {posts}, {queued}", lambda: store.outbox.due_channels(now)),
            await _timed_query(f"next_due, {posts}, {queued}", store.outbox.next_due),
        ]
        await _revise(store, broadest, now)
        edits = f"{len(await store.edits.due(now)):,} edits"
        return [
            *figures,
            await _timed_query(f"edits.due, {posts}, {edits}", lambda: store.edits.due(now), target_ms=None),
        ]


async def _timed_query(
    name: str, query: Callable[[], Awaitable[object]], target_ms: float | None = _QUERY_MAX_MS
) -> Figure:
    took_s: list[float] = []
    for _ in range(_REPETITIONS + 1):
        with _timed(took_s):
            await query()
    # The first one reads the file from the disk.
    return Figure(name, tuple(each_s * 1000 for each_s in took_s[1:]), "ms", target_ms)


async def _queue(store: Store, watched: WatchedKeyword, now: datetime) -> int:
    """Queues papers in every channel that subscribes to the keyword; returns how many rows that are."""
    generator = PaperGenerator(_QUEUED_PAPERS, [watched.keyword.shown], now).papers()
    papers = [_as_new(each.paper, place, now) for place, each in enumerate(generator)]
    matches = [Match(each.arxiv_id, watched.keyword) for each in papers]
    return (await store.ingest_store.record_window([watched], papers, matches, now)).posts


async def _revise(store: Store, watched: WatchedKeyword, now: datetime) -> None:
    """Records new versions of the newest posted papers."""
    newest = await store.papers.newest(watched.keyword, _QUEUED_PAPERS + _REVISED_PAPERS)
    revised = [replace(each, version=each.version + 1, comment="Revised.") for each in newest[_QUEUED_PAPERS:]]
    await store.ingest_store.record_window([watched], revised, [], now)


def _check(actual: int, expected: int) -> None:
    if actual != expected:
        raise AssertionError(f"{actual} rows were written instead of {expected}")


@contextmanager
def _timed(took_s: list[float]) -> Iterator[None]:
    started_s = time.perf_counter()
    yield
    took_s.append(time.perf_counter() - started_s)
