"""Message ids contain the time of creation, and positions in a history leave a margin."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.discord_api.server_time import DiscordTime
from bot.domain.channel_settings import Layout
from bot.domain.found import LATE_ARRIVAL, FoundMessage, is_by_second_bot
from bot.domain.history import ORDER_MARGIN, Position, created_at, earlier, snowflake, start_before
from bot.domain.trending.post import day_in_headline
from bot.publish.second_bot import PAUSE_MIN_S, PROBLEM, SecondBot
from bot.runtime.problems import ReportedProblems
from tests.support.clock import FakeClock, NoJitter

# The example in Discord's documentation (reference#snowflakes).
EXAMPLE_ID = 175928847299117063
EXAMPLE_TIME = datetime(2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC)


def test_id_contains_its_time() -> None:
    assert created_at(EXAMPLE_ID) == EXAMPLE_TIME
    assert snowflake(EXAMPLE_TIME) == EXAMPLE_ID >> 22 << 22
    assert snowflake(datetime(1980, 1, 1, tzinfo=UTC)) == 0


def test_search_starts_before_the_attempt() -> None:
    assert start_before(EXAMPLE_TIME).after == snowflake(EXAMPLE_TIME - ORDER_MARGIN)
    assert start_before(None).after is None


def test_later_search_begins_before_the_newest_messages() -> None:
    minute = EXAMPLE_ID - earlier(EXAMPLE_ID, ORDER_MARGIN)
    assert Position(EXAMPLE_ID).safe_after == EXAMPLE_ID
    assert Position(EXAMPLE_ID, EXAMPLE_ID + 2 * minute).safe_after == EXAMPLE_ID
    assert Position(EXAMPLE_ID, EXAMPLE_ID).safe_after == EXAMPLE_ID - minute
    assert Position(5, 5).safe_after == 0


async def test_discords_time_advances_with_the_monotonic_clock_only() -> None:
    clock = FakeClock()
    time = DiscordTime(clock)
    assert (time.now(), time.started_at) == (None, None)
    time.record({"Date": "Fri, 20 Nov 2026 11:18:25 GMT"})
    clock.set_wall_clock(timedelta(days=2))
    await clock.advance(5)
    started_at = datetime(2026, 11, 20, 11, 18, 25, tzinfo=UTC)
    assert time.now() == started_at + timedelta(seconds=5)
    time.record({})
    for text in ("", "yesterday", "Fri, 99 Nov 2026 11:18:25 GMT", f"Fri, 20 Nov {10**12} 11:18:25 GMT"):
        time.record({"Date": text})
    assert time.now() == started_at + timedelta(seconds=5)
    time.record({"Date": "Fri, 20 Nov 2026 11:19:25 -0000"})
    assert (time.now(), time.started_at) == (started_at + timedelta(seconds=60), started_at)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "Sat, 99 Apr 2026 11:18:25 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2300",
        "Fri, 01 Jan 2090 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2300",
        f"Mon, 01 Jan {10**20} 00:00:00 GMT",
    ],
)
def test_date_that_no_server_can_mean_is_not_discords_time(text: str | None) -> None:
    """A search would begin at the first message of the channel, and old messages would be a second bot's."""
    time = DiscordTime(FakeClock())
    time.record({} if text is None else {"Date": text})
    assert (time.now(), time.started_at) == (None, None)


def test_headline_of_a_trending_post_has_its_day() -> None:
    assert day_in_headline("**Trending on Friday, 20 November 2026**: 4 papers") == date(2026, 11, 20)
    assert day_in_headline("**Trending on Friday, 31 November 2026**") is None
    assert day_in_headline("**2 new papers** for graph") is None


async def test_evidence_prolongs_the_pause() -> None:
    problems = ReportedProblems()
    second_bot = SecondBot(clock := FakeClock(), NoJitter(), problems)
    second_bot.found("a message")
    await clock.advance(PAUSE_MIN_S - 1)
    second_bot.found("another message")
    assert second_bot.changes == 1
    assert [problem.text for problem in problems.current.values()] == [PROBLEM]
    await clock.advance(PAUSE_MIN_S - 1)
    assert second_bot.pause_s() == 1
    await clock.advance(1)
    assert second_bot.pause_s() == 0
    assert problems.current == {}
    second_bot.found("a message")
    assert second_bot.changes == 3


def test_keys_of_old_messages_are_dropped() -> None:
    second_bot = SecondBot(FakeClock(), NoJitter(), ReportedProblems())
    for number in range(20_001):
        second_bot.attempted(str(number))
    assert "0" not in second_bot.own_keys
    assert len(second_bot.own_keys) == 20_000


def test_message_of_a_second_bot_is_newer_than_the_process() -> None:
    def sent(after: timedelta) -> FoundMessage:
        return FoundMessage("key", snowflake(EXAMPLE_TIME + after), ("2611.00001",), Layout.CARDS, "")

    late, later = sent(LATE_ARRIVAL), sent(LATE_ARRIVAL + timedelta(seconds=1))
    assert not is_by_second_bot(late, EXAMPLE_TIME, ())
    assert is_by_second_bot(later, EXAMPLE_TIME, ("other",))
    assert not is_by_second_bot(later, EXAMPLE_TIME, ("key",))
    assert not is_by_second_bot(later, None, ())
