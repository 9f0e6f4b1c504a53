"""Keywords of the previous release that match the same papers become one keyword, and nothing of them is lost."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from bot.domain.charts.trend import MonthCount
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.domain.subscription import Source
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.codecs import to_text
from bot.store.month_counts import MonthCounts
from bot.store.opening import prepare_shared
from tests.integration.test_store_previous_release import HOUR_AGO, INSTALLATION, MONTH_AGO, NOW
from tests.support import previous_release as previous
from tests.support.builders import paper
from tests.support.databases import rows
from tests.support.killed_migration import migrate_until_killed
from tests.support.page import read_page
from tests.support.store import opened

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

DAY_AGO: Final = NOW - timedelta(days=1)
WEEK_AGO: Final = NOW - timedelta(days=7)
# Keyword 1 is "Reward Model". Keyword 4 has the same matches and is older in some channels; keyword 5 is not synced,
# keyword 6 is not watched any more, and keyword 7 is another one.
_ROWS: Final = f"""
INSERT INTO keywords VALUES
    (4, 'reward-models', 'reward-models', '{to_text(WEEK_AGO)}', '{to_text(DAY_AGO)}'),
    (5, 'rewards model', 'Rewards Model', NULL, NULL),
    (6, '(reward) model', '(reward) model', '{to_text(MONTH_AGO)}', NULL),
    (7, 'reward model [cs.CL]', 'Reward Model [cs.CL]', '{to_text(MONTH_AGO)}', '{to_text(DAY_AGO)}'),
    (9, 'sim', '\\sim', '{to_text(MONTH_AGO)}', '{to_text(DAY_AGO)}'),
    (8, 'rlhf or dpo', 'rlhf OR dpo', '{to_text(MONTH_AGO)}', '{to_text(DAY_AGO)}');
INSERT INTO subscriptions VALUES
    ({INSTALLATION.single}, 4, 1, 0, NULL, '2026-09-01T00:00:00.000000+00:00'),
    ({INSTALLATION.single}, 5, 0, 1, 72, '{to_text(DAY_AGO)}'),
    ({INSTALLATION.menu}, 4, 0, 1, 72, '{to_text(DAY_AGO)}'),
    ({INSTALLATION.trending}, 4, 0, 1, 73, '{to_text(WEEK_AGO)}'),
    ({INSTALLATION.trending}, 7, 0, 1, 73, '{to_text(WEEK_AGO)}'),
    ({INSTALLATION.trending}, 8, 0, 1, 73, '{to_text(WEEK_AGO)}'),
    ({INSTALLATION.trending}, 9, 0, 1, 73, '{to_text(WEEK_AGO)}');
INSERT INTO papers SELECT '2601.00012', 1, title, abstract, authors, primary_category, categories, published, updated,
                          comment, journal_ref, doi FROM papers WHERE arxiv_id = '2601.00001';
INSERT INTO matches VALUES
    (4, '2601.00008', '{to_text(WEEK_AGO)}'),
    (4, '2601.00012', '{to_text(WEEK_AGO)}'),
    (6, '2601.00011', '{to_text(WEEK_AGO)}');
INSERT INTO outbox VALUES
    (11, {INSTALLATION.trending}, '2601.00012', '{to_text(HOUR_AGO)}', '{to_text(HOUR_AGO)}', 'waiting', NULL, 0, NULL);
INSERT INTO outbox_keywords VALUES (8, 4), (11, 4);
INSERT INTO archive VALUES (4, '2601.00011'), (4, '2601.00012');
INSERT INTO archived_months VALUES (4, '2025-10', '{to_text(DAY_AGO)}'), (4, '2025-09', '{to_text(DAY_AGO)}');
INSERT INTO month_totals VALUES
    ('reward-models', '2025-10', 11, '{to_text(DAY_AGO)}'),
    ('reward-models', '2025-09', 9, '{to_text(DAY_AGO)}'),
    ('Unwatched', '2025-09', 7, '{to_text(NOW)}');
"""  # noqa: S608 - constants


@pytest.fixture
def database(path: Path) -> Path:
    """The file of the previous release, with keywords that match the same papers."""
    previous.write_database(path, INSTALLATION)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_ROWS)
    return path


async def test_keywords_with_the_same_matches_become_the_oldest_one(database: Path) -> None:
    async with opened(database) as store:
        watched = {each.id: each.keyword for each in await store.watched()}
    assert watched.keys() == {1, 2, 3, 7, 8}
    assert watched[1] == Keyword.parse("reward model")
    stored = {row[0]: row[1] for row in rows(database)["keywords"]}
    # A keyword that is only a TeX command is none any more.
    assert stored == {9: "sim"} | {keyword_id: keyword.canonical for keyword_id, keyword in watched.items()}
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_merged_subscriptions_keep_sources_callers_and_earliest_spelling(database: Path) -> None:
    async with opened(database) as store:
        subscriptions = {
            (each.channel_id, each.keyword.shown): (each.sources, each.added_by)
            for channel_id in (INSTALLATION.single, INSTALLATION.menu, INSTALLATION.trending, INSTALLATION.paused)
            for each in await store.subscriptions.in_channel(channel_id)
        }
    assert subscriptions == {
        (INSTALLATION.single, "reward-models"): (frozenset(Source), 71),
        (INSTALLATION.single, "Graph Networks"): (frozenset(Source), 71),
        (INSTALLATION.menu, "Reward Model"): (frozenset(Source), 72),
        (INSTALLATION.trending, "reward-models"): (frozenset({Source.COMMAND}), 73),
        (INSTALLATION.trending, "Reward Model [cs.CL]"): (frozenset({Source.COMMAND}), 73),
        (INSTALLATION.trending, "rlhf OR dpo"): (frozenset({Source.COMMAND}), 73),
        (INSTALLATION.paused, "Reward Model"): (frozenset({Source.COMMAND}), 71),
    }


async def test_sync_of_a_merged_keyword_continues_from_the_earliest_position(database: Path) -> None:
    async with opened(database) as store:
        (merged,) = await store.watched("reward model")
    assert (merged.new_since, merged.synced_until) == (MONTH_AGO, DAY_AGO)
    # What only the present matcher finds is seen if any of the merged keywords was synced until then.
    assert merged.previous_matcher_until == HOUR_AGO


async def test_papers_seen_by_any_merged_keyword_are_not_posted_again(database: Path) -> None:
    before = {row[:2] for row in rows(database)["outbox"]}
    async with opened(database) as store:
        known = [paper(f"2601.{number:05}", title="Reward Model", published=HOUR_AGO) for number in range(1, 13)]
        assert (await store.poll(*known, planned=await store.watched("reward model"))).posts == 0
        new = paper("2611.00001", title="Reward Model", published=NOW)
        # Once in each of the six channels: single, menu, absent, paused, blocked, trending.
        assert (await store.poll(new, planned=await store.watched("reward model"))).posts == 6
    assert {row[:2] for row in rows(database)["outbox"] if row[2] != "2611.00001"} == before


async def test_queued_and_posted_papers_name_the_merged_keyword_once(database: Path) -> None:
    async with opened(database) as store:
        (due,) = await store.due(INSTALLATION.trending)
        assert due.keywords == ("reward-models",)
        (edit,) = await store.edits.due(NOW)
        assert [entry.keywords for entry in edit.post.entries] == [("reward-models", "Graph Networks")]
        assert [entry.keywords for entry in await store.due(INSTALLATION.single)] == [("reward-models",)]
        assert (await store.batch_start(INSTALLATION.trending)).due.keywords == ("reward-models",)


async def test_pages_show_a_merged_keyword_once_in_the_spelling_of_the_channel(database: Path) -> None:
    async with opened(database) as store:
        page = await read_page(store.page_store, [INSTALLATION.trending], 100)
        assert [section.keyword for section in page.sections if "cs.CL" not in section.keyword] == [
            "reward-models",
            "rlhf OR dpo",
        ]
        (section,) = (section for section in page.sections if section.keyword == "reward-models")
        assert len(section.papers) == 12


async def test_backfilled_months_and_counts_of_merged_keywords_are_kept(database: Path) -> None:
    async with opened(database) as store:
        october, september = Month.parse("2025-10"), Month.parse("2025-09")
        assert await BackfilledPapers(store.database).months() == {(1, october): HOUR_AGO, (1, september): DAY_AGO}
        merged, other = Keyword.parse("Reward Models"), Keyword.parse("unwatched")
        assert await MonthCounts(store.database).known([merged, other], [october, september]) == {
            (merged, october): MonthCount(12, HOUR_AGO),
            (merged, september): MonthCount(9, DAY_AGO),
            (other, september): MonthCount(7, NOW),
        }
    assert len(rows(database)["month_counts"]) == 3


async def test_unsubscribing_ends_a_merged_keyword_in_one_step(database: Path) -> None:
    async with opened(database) as store:
        assert await store.subscriptions.remove(Keyword.parse("Reward model"), INSTALLATION.trending) == frozenset()
        assert await store.due_ids(INSTALLATION.trending) == []


async def test_merging_happens_once(database: Path) -> None:
    async with opened(database):
        pass
    after = rows(database)
    async with opened(database):
        pass
    assert rows(database) == after


def test_killed_merge_is_absent_and_then_complete(database: Path, tmp_path: Path) -> None:
    before, source = rows(database), database.read_bytes()
    complete = tmp_path / "complete.sqlite3"
    complete.write_bytes(source)
    prepare_shared(complete)
    for statement in count(1, 3):
        database.write_bytes(source)
        if not migrate_until_killed(database, statement):
            break
        assert rows(database) == before
        prepare_shared(database)
        assert rows(database) == rows(complete)
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
    assert statement > 60
