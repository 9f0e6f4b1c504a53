"""A database of the previous release is migrated with every row, and its unfinished work continues."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Layout, Style, TrendingSettings
from bot.domain.charts.trend import MonthCount
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.domain.outgoing import Delivered
from bot.domain.poll_schedule import BatchMissing, PollCompleted, PollFailed, PollThrottled
from bot.domain.post import MessageHeader
from bot.domain.subscription import Source
from bot.domain.weekdays import MONDAY_TO_FRIDAY
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.migrate import FORMAT
from bot.store.month_counts import MonthCounts
from tests.support import previous_release as previous
from tests.support.builders import paper
from tests.support.databases import rows, with_dates
from tests.support.page import read_page
from tests.support.schema_of import schema_of
from tests.support.store import opened

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

NOW: Final = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HOUR_AGO: Final = NOW - timedelta(hours=1)
MONTH_AGO: Final = NOW - timedelta(days=30)
INSTALLATION: Final = previous.Installation(
    now=NOW, guild=1, user=71, single=11, menu=12, absent=13, paused=14, blocked=15, trending=16, gone=17, message=77
)
# Tables that the migration renames.
RENAMED: Final[Mapping[str, str]] = {
    "looks": "polls",
    "marks": "key_values",
    "preferences": "channel_settings",
    "archive": "backfilled_papers",
    "archived_months": "backfilled_months",
    "month_totals": "month_counts",
    "listings": "trending_entries",
    "listed_days": "trending_days",
    "digests": "trending_posts",
}
# How many columns the migrations add at the end of a table's rows.
ADDED: Final[Mapping[str, int]] = {
    "trending_entries": 2,
    "channels": 1,
    "edits": 1,
    "posts": 6,
    "trending_posts": 2,
    "subscriptions": 2,
    "channel_settings": 4,
}
# The tables that the migrations create.
CREATED: Final = (
    "histories",
    "found_papers",
    "known_guilds",
    "author_keys",
    "author_matches",
    "excluded_papers",
    "questions",
    "settings_imports",
    "import_removals",
    "exclusions",
    "withheld",
    "audits",
    "discussions",
)


@pytest.fixture
def database(path: Path) -> Path:
    """The file of the previous release."""
    previous.write_database(path, INSTALLATION)
    return path


async def migrate(path: Path) -> None:
    async with opened(path):
        pass


async def test_fixture_has_rows_in_every_table(database: Path) -> None:
    assert [table for table, content in rows(database).items() if not content] == []
    assert rows(database).keys() >= RENAMED.keys()


async def test_every_row_survives_the_migration(database: Path) -> None:
    before = rows(database)
    # The new columns: until when the previous release's matcher was used, and the label.
    before["keywords"] = [(*keyword, keyword[-1], None) for keyword in before["keywords"]]
    await migrate(database)
    after = rows(database)
    assert after.pop("channel_places") == []
    spellings = {row[0]: row[2] for row in before["keywords"]}
    before["subscriptions"] = [
        (channel, keyword, spellings[keyword], *others) for channel, keyword, *others in before["subscriptions"]
    ]
    keywords = [(row[0], Keyword.parse(str(row[2])).canonical, *row[2:]) for row in before.pop("keywords")]
    assert after.pop("keywords") == keywords
    counts = [(Keyword.parse(str(row[0])).canonical, *row[1:]) for row in before.pop("month_totals")]
    assert after.pop("month_counts") == counts
    expected = {RENAMED.get(table, table): content for table, content in before.items()}
    for table, columns in ADDED.items():
        expected[table] = [(*row, *[None] * columns) for row in expected[table]]
    expected["key_values"] = sorted([*expected["key_values"], ("authors counted until", "")])
    assert after == with_dates(expected) | {table: [] for table in CREATED}
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_migrated_schema_equals_that_of_a_new_database(database: Path, tmp_path: Path) -> None:
    await migrate(database)
    fresh = tmp_path / "fresh.sqlite3"
    await migrate(fresh)
    assert schema_of(database) == schema_of(fresh)


async def test_migrated_posts_keep_their_keys_nonces_and_papers(database: Path) -> None:
    async with opened(database) as store:
        single = await store.outbox.unsettled_post(INSTALLATION.single)
        menu = await store.outbox.unsettled_post(INSTALLATION.menu)
        absent = await store.outbox.unsettled_post(INSTALLATION.absent)
        assert single is not None
        assert menu is not None
        assert absent is not None
        assert (single.key, single.nonce, single.first_attempt) == (previous.SINGLE_KEY, "nonce 1", HOUR_AGO)
        assert (menu.key, menu.header) == (
            previous.MENU_KEY,
            MessageHeader(Layout.COMPACT, "**2 new papers**", mention_role=5, earlier_roles=None),
        )
        posted = {post.key: [entry.paper.arxiv_id.value for entry in post.entries] for post in (single, menu, absent)}
        assert posted == {
            previous.SINGLE_KEY: [previous.IN_HISTORY],
            previous.MENU_KEY: [previous.IN_MENU_1, previous.IN_MENU_2],
            previous.ABSENT_KEY: [previous.ABSENT],
        }
        (trending_post,) = await store.trending_posts.unsettled(NOW)
        assert (trending_post.key, trending_post.day) == (previous.LIST_KEY, INSTALLATION.day)


async def test_migrated_queue_contains_the_queued_papers(database: Path) -> None:
    async with opened(database) as store:
        channels = (INSTALLATION.single, INSTALLATION.menu, INSTALLATION.absent, INSTALLATION.blocked)
        assert set(await store.outbox.due_channels(NOW)) == set(channels)
        assert [await store.due_ids(channel_id) for channel_id in channels] == [
            [previous.DUE],
            [],
            [],
            [previous.BLOCKED],
        ]
        assert await store.due_ids(INSTALLATION.paused) == []
        assert await store.outbox.waiting() == {
            channel_id: 2 if channel_id in (11, 12) else 1 for channel_id in range(11, 16)
        }
        assert await store.channel_settings.resume(INSTALLATION.paused, NOW) == 1
        assert await store.due_ids(INSTALLATION.paused) == [previous.BACKLOG]


async def test_papers_of_the_previous_release_are_not_queued_again(database: Path) -> None:
    async with opened(database) as store:
        before = rows(database)["outbox"]
        known = [paper(f"2601.{number:05}", title="Reward Model", published=HOUR_AGO) for number in range(1, 11)]
        assert (await store.poll(*known, planned=await store.watched("reward model"))).posts == 0
        after = rows(database)["outbox"]
        assert [(*row[:3], *row[4:]) for row in after] == [(*row[:3], *row[4:]) for row in before]  # without dates
        new = paper("2611.00001", title="Reward Model", published=NOW)
        assert (await store.poll(new, planned=await store.watched("reward model"))).posts == 5


async def test_migrated_subscriptions_keep_their_sources_and_sync_times(database: Path) -> None:
    async with opened(database) as store:
        subscriptions = await store.subscriptions.in_channel(INSTALLATION.single)
        assert [(each.keyword.shown, each.sources, each.added_by) for each in subscriptions] == [
            ("Graph Networks", frozenset(Source), 71),
            ("Reward Model", frozenset({Source.COMMAND}), 71),
        ]
        watched = {each.keyword.shown: (each.new_since, each.synced_until) for each in await store.watched()}
        assert watched == {
            "Reward Model": (MONTH_AGO, HOUR_AGO),
            "Graph Networks": (MONTH_AGO, HOUR_AGO),
            "diffusion": (None, None),
        }


async def test_migrated_channels_keep_their_settings_and_state(database: Path) -> None:
    async with opened(database) as store:
        assert await store.channel_settings.get(INSTALLATION.single) == ChannelSettings()
        assert await store.channel_settings.get(INSTALLATION.menu) == ChannelSettings(
            style=Style.COMPACT,
            schedule=DailySchedule(9, 30, "Europe/Berlin", days=MONDAY_TO_FRIDAY),
            mention_role=5,
            publish=True,
        )
        trending = TrendingSettings(3, MONTH_AGO)
        assert await store.channel_settings.get(INSTALLATION.trending) == ChannelSettings(
            style=Style.CARDS, trending=trending
        )
        assert await store.channel_settings.paused_channels() == {INSTALLATION.paused: HOUR_AGO}
        (blocked,) = await store.channels.blocked_channels()
        assert (blocked.channel_id, blocked.reason, blocked.since) == (
            INSTALLATION.blocked,
            "The bot needs Send Messages there.",
            HOUR_AGO,
        )
        assert await store.channels.pending_notices(NOW) == ()


async def test_migrated_edits_polls_counts_and_trending_lists_are_readable(database: Path) -> None:
    async with opened(database) as store:
        (edit,) = await store.edits.due(NOW)
        assert (edit.post.key, edit.post.message_id, edit.request_count) == (previous.DELIVERED_KEY, 77, 3)
        assert [poll.result for poll in await store.polls.recent()] == [
            PollCompleted(3, batch=True),
            BatchMissing(),
            PollThrottled(HOUR_AGO),
            PollFailed("arXiv is out of reach (timed out)", HOUR_AGO),
        ]
        assert await store.key_values.get("slash commands known to Discord") == "the hash of the commands"
        keyword, month = Keyword.parse("reward model"), Month.parse("2025-10")
        assert await MonthCounts(store.database).known([keyword], [month]) == {
            (keyword, month): MonthCount(12, HOUR_AGO)
        }
        assert await BackfilledPapers(store.database).months() == {(1, month): HOUR_AGO}
        entries = await store.trending_entries.of_day(INSTALLATION.day)
        assert [(entry.arxiv_id.value, entry.votes) for entry in entries] == [("2601.00008", 41), ("2601.00099", 7)]
        page = await read_page(store.page_store, [INSTALLATION.single], 100)
        (section,) = (section for section in page.sections if section.keyword == "Reward Model")
        assert previous.BACKFILLED in {each.arxiv_id.value for each in section.papers}


async def test_new_version_of_a_migrated_paper_requests_an_edit(database: Path) -> None:
    async with opened(database) as store:
        (before,) = await store.edits.due(NOW)
        await store.edits.done(before)
        await store.papers.add([paper(previous.DELIVERED, title="Reward Model", version=2)])
        assert [edit.post.message_id for edit in await store.edits.due(NOW)] == [77]


async def test_migrated_unsettled_post_settles(database: Path) -> None:
    async with opened(database) as store:
        post = await store.outbox.unsettled_post(INSTALLATION.single)
        assert post is not None
        await store.outbox.delivered(post, Delivered(78), NOW)
        assert await store.outbox.unsettled_post(INSTALLATION.single) is None
