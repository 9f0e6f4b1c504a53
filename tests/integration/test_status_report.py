"""The report for `/status`: channels that wait are hidden only while the whole bot waits for Discord."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from random import Random

import pytest

from bot.discord_api.attempts import INVALID_REQUESTS_MAX, InvalidRequests
from bot.publish.second_bot import SecondBot
from bot.runtime.metrics import Metrics
from bot.runtime.problems import DISCORD_BACKOFF, Problem, ReportedProblems
from bot.runtime.server_time import CorrectedClock
from bot.runtime.shards import Shards
from bot.runtime.supervisor import Supervisor
from bot.services.status import StatusService
from bot.store.search import SearchIndex
from tests.support.clock import FakeClock, NoJitter
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import CHANNEL, Store


def status_of(ingest: Ingest, store: Store, problems: ReportedProblems) -> StatusService:
    return StatusService(
        poller=ingest.poller,
        initial_sync=ingest.initial_sync,
        outbox=store.outbox,
        channels=store.channels,
        clock=ingest.clock,
        channel_settings=store.channel_settings,
        subscriptions=store.subscriptions,
        withheld=store.withheld,
        supervisor=Supervisor(ingest.clock, Random(0), Metrics()),
        problems=problems.current,
        trending_problem=lambda: None,
        shards=Shards(),
        search_index=SearchIndex(store.database),
        discussions=store.discussions,
    )


def report_a_wrong_clock(clock: FakeClock, problems: ReportedProblems) -> None:
    server_time = clock.now() - timedelta(hours=1)
    CorrectedClock(clock, problems).observe("discord.com", {"Date": format_datetime(server_time, usegmt=True)})


def report_a_second_bot(clock: FakeClock, problems: ReportedProblems) -> None:
    SecondBot(clock, NoJitter(), problems).found("a message with an unknown key")


def report_invalid_requests(clock: FakeClock, problems: ReportedProblems) -> None:
    invalid_requests = InvalidRequests(clock, problems)
    for _ in range(INVALID_REQUESTS_MAX):
        invalid_requests.record(403)


@pytest.mark.parametrize("report", [report_a_wrong_clock, report_a_second_bot, report_invalid_requests])
async def test_other_problems_of_the_whole_bot_hide_no_waiting_channel(
    subscribed: Store, report: Callable[[FakeClock, ReportedProblems], None]
) -> None:
    problems = ReportedProblems()
    async with ingest_over(subscribed) as ingest:
        until = ingest.clock.now() + timedelta(minutes=10)
        await subscribed.channels.back_off(CHANNEL, until, now=ingest.clock.now())
        report(ingest.clock, problems)
        shown = await status_of(ingest, subscribed, problems).report(None)
    assert len(shown.reported) == 1
    assert shown.backing_off == {CHANNEL: until}


async def test_waiting_channels_are_hidden_while_the_whole_bot_waits_for_discord(subscribed: Store) -> None:
    problems = ReportedProblems()
    async with ingest_over(subscribed) as ingest:
        until = ingest.clock.now() + timedelta(minutes=10)
        await subscribed.channels.back_off(CHANNEL, until, now=ingest.clock.now())
        problems.report(DISCORD_BACKOFF, Problem("Posting is paused", until))
        shown = await status_of(ingest, subscribed, problems).report(None)
    assert shown.backing_off == {}
