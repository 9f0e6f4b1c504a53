"""Days' lists for channels: whose turn it is, when they are due, what stands in them, and Discord's limits."""

import re
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, Immediate
from bot.domain.keyword import Keyword
from bot.domain.layout.trending_post import lay_out_trending_post
from bot.domain.matching import Match
from bot.domain.paper import ArxivId
from bot.domain.text import utf16_length
from bot.domain.trending.entry import abbreviate_count
from bot.domain.trending.post import (
    RankedEntry,
    TrendingDay,
    TrendingPost,
    TrendingSubscription,
    days_to_post,
    ended_at,
    select_entries,
)
from bot.runtime import limits
from tests.support.builders import listing

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 11, 20) + timedelta(days=n) for n in range(4))
THURSDAY = FRIDAY - timedelta(days=1)
BERLIN = DailySchedule(8, 30, "Europe/Berlin")


def read(day: date, papers: int = 40, *, before_its_end: bool = False) -> TrendingDay:
    return TrendingDay(day, ended_at(day) + timedelta(hours=-1 if before_its_end else 1), papers)


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


# --- whose turn it is --------------------------------------------------------------------------------


def test_newest_day_that_is_over_has_its_turn() -> None:
    lists = [read(FRIDAY), read(THURSDAY), read(SATURDAY, before_its_end=True)]
    assert days_to_post(lists, at(SATURDAY)) == (THURSDAY, FRIDAY)


def test_nothing_has_its_turn_before_yesterday_was_read_after_its_end() -> None:
    assert days_to_post([read(THURSDAY), read(FRIDAY, before_its_end=True)], at(SATURDAY)) == ()
    assert days_to_post([read(THURSDAY)], at(SATURDAY)) == ()
    assert days_to_post([], at(SATURDAY)) == ()


def test_empty_days_leave_the_turn_to_the_last_one_that_has_papers() -> None:
    weekend = [read(THURSDAY), read(FRIDAY), read(SATURDAY, 0), read(SUNDAY, 0)]
    assert days_to_post(weekend, at(MONDAY, 0)) == (THURSDAY, FRIDAY)
    assert days_to_post([read(SATURDAY, 0), read(SUNDAY, 0)], at(MONDAY, 0)) == ()


def test_list_of_which_the_end_is_not_known_does_not_let_an_older_one_pass() -> None:
    lists = [read(THURSDAY), read(FRIDAY, before_its_end=True), read(SATURDAY, 0), read(SUNDAY, 0)]
    assert days_to_post(lists, at(MONDAY)) == ()


def test_older_list_that_was_not_read_to_its_end_has_no_turn() -> None:
    lists = [read(THURSDAY, before_its_end=True), read(FRIDAY)]
    assert days_to_post(lists, at(SATURDAY)) == (FRIDAY,)


def test_turn_of_a_list_is_over_after_four_days() -> None:
    empty = [read(SATURDAY + timedelta(days=n), 0) for n in range(5)]
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    assert days_to_post([read(FRIDAY), *empty], at(tuesday)) == (FRIDAY,)
    assert days_to_post([read(FRIDAY), *empty], at(wednesday)) == ()


# --- when it is due ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        (Immediate(), at(SATURDAY, 0)),
        (BERLIN, at(SATURDAY, 7, 30)),
        (DailySchedule(8, 30, "Europe/Berlin", weekdays_only=True), at(MONDAY, 7, 30)),
        (DailySchedule(0, 0, "UTC"), at(SATURDAY, 0)),
        (DailySchedule(23, 0, "UTC"), at(SATURDAY, 23)),
    ],
)
def test_list_is_due_when_its_day_is_over_by_the_channels_timetable(schedule: ChannelSchedule, due: datetime) -> None:
    assert TrendingSubscription(1, 0, at(THURSDAY), schedule).due_at(FRIDAY) == due


def test_newer_list_that_is_due_later_takes_the_turn() -> None:
    as_they_come, berlin = (TrendingSubscription(1, 0, at(THURSDAY), schedule) for schedule in (Immediate(), BERLIN))
    assert as_they_come.turn(FRIDAY, FRIDAY) == at(SATURDAY, 0)
    assert as_they_come.turn(THURSDAY, FRIDAY) is None
    assert berlin.turn(THURSDAY, FRIDAY) is None


def test_lists_that_wait_for_the_same_moment_have_their_turn_together() -> None:
    # In Tokyo a day of UTC's is over at 09:00.
    tokyo = TrendingSubscription(1, 0, at(THURSDAY), DailySchedule(8, 30, "Asia/Tokyo", weekdays_only=True))
    assert tokyo.turn(THURSDAY, FRIDAY) == tokyo.turn(FRIDAY, FRIDAY) == at(SUNDAY, 23, 30)
    assert TrendingSubscription(1, 0, at(FRIDAY, 0), tokyo.schedule).turn(THURSDAY, FRIDAY) is None


def test_day_that_was_over_when_the_channel_asked_is_not_due() -> None:
    asked = at(FRIDAY, 0)
    assert TrendingSubscription(1, 0, asked, Immediate()).due_at(THURSDAY) is None
    assert TrendingSubscription(1, 0, asked, Immediate()).due_at(FRIDAY) == at(SATURDAY, 0)


# --- what stands in it -----------------------------------------------------------------------------------


def matched(arxiv_id: str, *keywords: str) -> list[Match]:
    return [Match(ArxivId(arxiv_id), Keyword.parse(keyword)) for keyword in keywords]


def test_papers_for_the_channels_keywords_come_first_then_the_most_votes() -> None:
    few, some, many = (listing(f"2611.0000{n}", votes=votes) for n, votes in ((1, 3), (2, 10), (3, 90)))
    papers = select_entries([many, some, few], matched("2611.00001", "RLHF", "reward model"), 0)
    assert papers == (RankedEntry(few, ("RLHF", "reward model")), RankedEntry(many), RankedEntry(some))


def test_papers_with_fewer_votes_are_left_out_whatever_they_match() -> None:
    few, enough = listing("2611.00001", votes=9), listing("2611.00002", votes=10)
    assert select_entries([few, enough], matched("2611.00001", "RLHF"), 10) == (RankedEntry(enough),)


def digest(*papers: RankedEntry) -> TrendingPost:
    return TrendingPost("key", 1, FRIDAY, 0, "nonce", at(SATURDAY), at(SATURDAY), papers)


def test_first_line_names_the_day_and_counts() -> None:
    assert digest(RankedEntry(listing())).header.heading == "**Trending on Friday, 20 November 2026**: 1 paper"
    several = digest(RankedEntry(listing("2611.00001"), ("RLHF",)), RankedEntry(listing("2611.00002")))
    assert several.header.heading.endswith(": 2 papers, 1 for this channel's keywords")
    assert several.header.mention_role is None


def test_line_says_votes_code_organization_and_why() -> None:
    said = listing(
        title="*Rare* things", votes=41, code_url="https://github.com/a/b", stars=1234, organization="Some_Lab"
    )
    assert lay_out_trending_post([RankedEntry(said, ("RLHF", "x_y"))], FRIDAY).description == (
        r"▲ 41 · **[\*Rare\* things](https://arxiv.org/abs/2611.00001)** · for RLHF, x\_y"
        " · [code ★ 1.2k](https://github.com/a/b) · Some\\_Lab"
    )
    assert lay_out_trending_post([RankedEntry(listing(votes=0))], FRIDAY).description == (
        "▲ 0 · **[A paper](https://arxiv.org/abs/2611.00001)**"
    )


def test_papers_for_the_channels_keywords_are_set_apart() -> None:
    laid_out = lay_out_trending_post(
        [RankedEntry(listing("2611.00001"), ("RLHF",)), RankedEntry(listing("2611.00002"))], FRIDAY
    )
    matching, between, other = laid_out.description.split("\n")
    assert matching.endswith(" · for RLHF")
    assert between == ""
    assert other.endswith("/2611.00002)**")


def test_ordinary_day_of_forty_shows_twenty_five_and_says_how_many_more() -> None:
    title = "A title of usual length on the many things that one can learn"
    papers = [RankedEntry(listing(f"2611.{n:05}", title=title, votes=41, code_url="https://github.com/a/b", stars=7,
                             organization="A university"), ("RLHF",) if n < 3 else ()) for n in range(40)]  # fmt: skip
    laid_out = lay_out_trending_post(papers, FRIDAY)
    *lines, last = filter(None, laid_out.description.split("\n"))
    assert len(lines) == laid_out.shown == 25
    assert last == "… and 15 more: `/trending date:2026-11-20`"
    assert all(f"[{title}](" in line and "▲ 41" in line for line in lines)
    assert [" · for RLHF" in line for line in lines] == [True] * 3 + [False] * 22


def test_lines_that_do_not_fit_are_counted_with_those_that_are_not_shown() -> None:
    papers = [RankedEntry(listing(f"abcdefghijklmnop.XY/{n:07}", title="word " * 40, votes=41), ("a keyword " * 9,))
              for n in range(25)]  # fmt: skip
    laid_out = lay_out_trending_post(papers, FRIDAY)
    assert 18 <= laid_out.shown < 25
    assert f"… and {25 - laid_out.shown} more: " in laid_out.description


_WORDS = ["word ", "*", "_", "[x](http://evil.com) ", "](", "@everyone ", "<@12> ", "\n", "😀", "# ", "$x^2$ "]


def _text(random: Random, longest: int = 60) -> str:
    return "".join(random.choices(_WORDS, k=random.randint(0, 5))) * random.choice([1, 1, longest])


def _ranked(random: Random, number: int, *, hostile: bool) -> RankedEntry:
    said = listing(
        f"abcdefghijklmnop.XY/{number:07}" if hostile else f"2611.{number:05}",
        title=_text(random) if hostile else "word " * 40,
        votes=10 ** random.randint(0, 7),
        organization=random.choice([None, _text(random)]),
        code_url=random.choice([None, "https://github.com/a/b", "https://evil.com/](x"]),
        stars=random.choice([None, 10 ** random.randint(0, 7)]),
    )
    return RankedEntry(said, tuple(_text(random) if hostile else "reward model" for _ in range(random.randint(0, 3))))


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 25, 26, 40]), st.booleans())
def test_every_limit_holds_for_any_list(seed: int, count: int, hostile: bool) -> None:
    random = Random(seed)
    papers = [_ranked(random, number, hostile=hostile) for number in range(count)]
    laid_out = lay_out_trending_post(papers, FRIDAY)
    assert 1 <= utf16_length(laid_out.description) <= limits.EMBED_DESCRIPTION_MAX
    lines = [line for line in laid_out.description.split("\n") if line]
    assert min(len(papers), 18) <= laid_out.shown <= limits.SELECT_OPTIONS_MAX
    assert len(lines) == laid_out.shown + (laid_out.shown < len(papers))
    for line, each in zip(lines[: laid_out.shown], papers, strict=False):
        votes, _, linked = line.partition(" · **[")
        assert votes == f"▲ {abbreviate_count(each.trending_entry.votes)}"
        title, found, details = linked.partition(f"]({each.trending_entry.arxiv_id.abs_url})**")
        assert found
        assert title
        known = re.sub(r"\[code(?: ★ [\d.kM]+)?\]\(https://[\w./%+~-]+\)", "", details)
        bare = re.sub(r"\\[^0-9A-Za-z\s]", "·", f"{title} {known}")
        assert not re.search(r"[*_~`|\[]|://|<[@#:/a-zA-Z]|@everyone|@here|<@\d", bare)
