"""Stored times in the future are corrected once a server confirms the time; none is left out, and no other changes."""

import asyncio
import logging
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, TrendingSettings
from bot.domain.outgoing import Blocked
from bot.domain.poll_schedule import Poll, PollCompleted
from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.runtime.problems import ReportedProblems
from bot.runtime.server_time import CorrectedClock
from bot.services.clock_watch import CLOCK_CHECK_INTERVAL_S, ClockWatch
from bot.store import schema
from bot.store.clock_repair import CLOCK_AHEAD_MAX, StoredTimes
from bot.store.column_types import Utc
from tests.support.builders import paper
from tests.support.clock import FakeClock, give_way, jumps_ahead, settle
from tests.support.databases import reading, rows
from tests.support.ingest import running
from tests.support.store import CHANNEL, NOW, Store

LATER: Final = NOW + timedelta(days=2)
# Every column with a time. The first are corrected; the others need no correction, for the reason given.
CORRECTED: Final = {
    ("keywords", "new_since"),
    ("keywords", "synced_until"),
    ("keywords", "previous_matcher_until"),
    ("channels", "blocked_since"),
    ("channels", "gone_since"),
    ("channels", "notified_at"),
    ("channels", "not_before"),
    ("channels", "waits_since"),
    ("channel_settings", "paused_since"),
    ("channel_settings", "trending_since"),
    ("subscriptions", "added_at"),
    ("exclusions", "added_at"),
    ("outbox", "arrived_at"),
    ("outbox", "due_at"),
    ("edits", "not_before"),
    ("discussions", "not_before"),
    ("discussions", "waits_since"),
    ("discussions", "requested_at"),
    ("edits", "waits_since"),
    ("posts", "publish_at"),
    ("posts", "waits_since"),
    ("posts", "last_attempt"),
    ("trending_posts", "last_attempt"),
    ("polls", "at"),
    ("polls", "retry_at"),
    ("trending_days", "fetched_at"),
    ("month_counts", "counted_at"),
    ("backfilled_months", "fetched_at"),
}
UNCORRECTED: Final = {
    # arXiv's own times.
    ("papers", "published"),
    ("papers", "updated"),
    ("matches", "published"),
    ("matches", "updated"),
    ("backfilled_papers", "updated"),
    ("outbox", "published"),
    ("excluded_papers", "published"),
    ("withheld", "published"),
    # They only expire later.
    ("questions", "asked_at"),
    ("settings_imports", "created_at"),
    ("settings_imports", "expires_at"),
    # Corrected once the subscription is restored.
    ("import_removals", "added_at"),
    # A time in the future does not delay an audit.
    ("audits", "started_at"),
    # Each query of the known servers corrects it.
    ("known_guilds", "left_at"),
    # Never read.
    ("matches", "matched_at"),
    # Corrected like those of other queued papers, once a paper is queued again.
    ("withheld", "arrived_at"),
    ("withheld", "due_at"),
    # Only for counts, and for how long an exclusion can be undone.
    ("withheld", "withheld_at"),
    # Only for the order of messages, and for when edits and wanted threads expire.
    ("posts", "settled_at"),
    ("trending_posts", "settled_at"),
    # The sender does not trust them: it searches by message id.
    ("posts", "first_attempt"),
    ("trending_posts", "first_attempt"),
    # A time in the future does not delay an attempt.
    ("discussions", "attempted_at"),
    # Discord's time.
    ("posts", "attempted_at"),
    ("trending_posts", "attempted_at"),
}


def test_every_column_with_a_time_is_corrected_or_exempt() -> None:
    times = {
        (table.name, column.name)
        for table in schema.metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, Utc)
    }
    assert times == CORRECTED | UNCORRECTED


async def fill(store: Store, time: datetime) -> None:
    """Stores rows of every kind whose times are at `time`, as a clock would have that is ahead by then."""
    await store.subscribe("graph")
    await store.sync(new_since=time - INITIAL_SYNC_PERIOD, synced_until=time)
    await store.poll(paper("2611.00001", title="Graph", published=time), now=time)
    await store.bind(now=time)
    await store.poll(paper("2611.00002", title="Graph", published=time), now=time)
    await store.channels.block(CHANNEL, Blocked("gone", gone=True), now=time, not_before=time)
    await store.channels.record_notice(CHANNEL, time)
    trending = TrendingSettings(0, time)
    await store.set_channel(CHANNEL, ChannelSettings(paused_since=time, trending=trending))
    await store.polls.add(Poll(time, PollCompleted(1, batch=True)))
    message = {"key": "k", "nonce": "n", "first_attempt": time, "last_attempt": time}
    waits = {"not_before": time, "waits_since": time}
    async with store.database.transaction() as connection:
        for statement in (
            sa.update(schema.keywords).values(previous_matcher_until=time),
            sa.update(schema.subscriptions).values(added_at=time),
            sa.update(schema.channels).values(waits),
            sa.insert(schema.edits).values(post_key="key", **waits),
            sa.insert(schema.discussions).values(
                post_key="key", arxiv_id="", channel_id=CHANNEL, state="wanted", requested_at=time, **waits
            ),
            sa.update(schema.posts).values(publish_at=time, waits_since=time),
            sa.insert(schema.exclusions).values(
                channel_id=CHANNEL, canonical="a", shown="a", added_by=1, added_at=time
            ),
            sa.insert(schema.trending_days).values(day="2026-11-18", fetched_at=time),
            sa.insert(schema.month_counts).values(canonical="graph", month="2026-10", papers=5, counted_at=time),
            sa.insert(schema.backfilled_months).values(keyword_id=1, month="2026-10", fetched_at=time),
            sa.insert(schema.trending_posts).values(channel_id=CHANNEL, day="2026-11-17", min_votes=0, **message),
        ):
            await connection.write(statement)


def future_times(path: Path) -> set[tuple[str, str]]:
    """Returns the columns that contain a time after now."""
    with reading(path) as connection:
        return {
            (table, column)
            for table, column in CORRECTED
            if connection.execute(
                sa.select(sa.exists().where(schema.metadata.tables[table].c[column] > NOW + CLOCK_AHEAD_MAX))
            ).scalar_one()
        }


@jumps_ahead
async def test_no_time_in_the_future_is_left(store: Store, jump: timedelta) -> None:
    ahead = NOW + CLOCK_AHEAD_MAX + jump
    await fill(store, ahead)
    assert future_times(store.path) >= CORRECTED - {("polls", "retry_at"), ("keywords", "new_since")}
    assert await StoredTimes(store.database).correct(NOW) > 0
    assert future_times(store.path) == set()
    (watched,) = await store.watched()
    assert watched.synced_until == watched.new_since == NOW - INITIAL_SYNC_PERIOD
    assert await StoredTimes(store.database).correct(NOW) == 0


async def test_times_in_the_past_are_unchanged(store: Store) -> None:
    await fill(store, NOW)
    before = rows(store.path)
    assert await StoredTimes(store.database).correct(NOW) == 0
    assert rows(store.path) == before


async def test_daily_channel_keeps_its_due_time(store: Store) -> None:
    await store.watch("graph")
    await store.set_channel(CHANNEL, ChannelSettings(schedule=DailySchedule(18, 0, "UTC")))
    await store.poll(paper("2611.00001", title="Graph"))
    due = await store.outbox.next_due()
    assert await StoredTimes(store.database).correct(NOW) == 0
    assert await store.outbox.next_due() == due == NOW + timedelta(hours=6)


async def test_newest_papers_that_were_requested_in_the_future_are_due(store: Store) -> None:
    await store.subscribe("graph")
    await store.sync(paper("2611.00001", title="Graph"))
    await store.outbox.add_newest(CHANNEL, [each.keyword for each in await store.watched()], 5, LATER)
    await store.channels.correct_due_times(NOW, all_papers=False)
    assert await store.due_ids() == ["2611.00001"]


async def test_nothing_is_corrected_before_a_server_confirms_the_time(store: Store) -> None:
    await fill(store, NOW)
    before = rows(store.path)
    clock = FakeClock(NOW - timedelta(days=30))  # a machine without a battery-backed clock
    changes: list[None] = []
    watch = ClockWatch(CorrectedClock(clock), StoredTimes(store.database), lambda: changes.append(None))
    async with running(watch.run()):
        await clock.advance(60)
        assert rows(store.path) == before
        assert changes == []


async def test_stored_times_are_corrected_at_the_first_response(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await fill(store, LATER)
    corrected, woken = CorrectedClock(clock), asyncio.Event()
    async with running(ClockWatch(corrected, StoredTimes(store.database), woken.set).run()):
        await settle()
        corrected.observe("discord.com", {"Date": format_datetime(NOW, usegmt=True)})
        await clock.advance(1)
        await woken.wait()
        assert future_times(store.path) == set()
    assert "stored times corrected" in [record.message for record in caplog.records]


async def test_jump_of_an_unconfirmed_clock_wakes_the_loops(store: Store, clock: FakeClock) -> None:
    corrected, woken = CorrectedClock(clock), asyncio.Event()
    corrected.observe("discord.com", {"Date": format_datetime(NOW, usegmt=True)})
    async with running(ClockWatch(corrected, StoredTimes(store.database), woken.set).run()):
        while not clock.sleeping:
            await give_way()
        assert not woken.is_set()
        clock.jump(timedelta(hours=8))  # the machine was suspended, which stops the monotonic clock
        corrected.observe("discord.com", {"Date": format_datetime(clock.now(), usegmt=True)})
        await clock.advance(CLOCK_CHECK_INTERVAL_S)
        await woken.wait()


async def test_wrong_clock_is_a_problem_until_it_is_right(clock: FakeClock) -> None:
    problems = ReportedProblems()
    corrected = CorrectedClock(clock, problems)
    clock.jump(timedelta(days=2))
    corrected.observe("discord.com", {"Date": format_datetime(NOW, usegmt=True)})
    assert problems.current["clock"].text == "The machine's clock is 2 days ahead of the time that servers report"
    clock.jump(timedelta(days=-2))
    corrected.report()
    assert problems.current == {}
