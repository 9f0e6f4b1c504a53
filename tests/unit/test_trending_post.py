"""Trending posts: which lists are due and when, their papers, and Discord's limits."""

import re
from dataclasses import replace
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
from bot.domain.weekdays import MONDAY_TO_FRIDAY
from bot.runtime import limits
from tests.support.builders import trending_entry

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 11, 20) + timedelta(days=n) for n in range(4))
THURSDAY = FRIDAY - timedelta(days=1)
BERLIN = DailySchedule(8, 30, "Europe/Berlin")


def list_of(day: date, papers: int = 40, *, before_day_ended: bool = False) -> TrendingDay:
    return TrendingDay(day, ended_at(day) + timedelta(hours=-1 if before_day_ended else 1), papers)


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


# --- which lists are due --------------------------------------------------------------------------------


def test_newest_complete_list_is_posted() -> None:
    lists = [list_of(FRIDAY), list_of(THURSDAY), list_of(SATURDAY, before_day_ended=True)]
    assert days_to_post(lists, at(SATURDAY)) == (THURSDAY, FRIDAY)


def test_nothing_is_posted_before_yesterdays_list_is_complete() -> None:
    assert days_to_post([list_of(THURSDAY), list_of(FRIDAY, before_day_ended=True)], at(SATURDAY)) == ()
    assert days_to_post([list_of(THURSDAY)], at(SATURDAY)) == ()
    assert days_to_post([], at(SATURDAY)) == ()


def test_last_list_with_papers_is_posted_after_empty_days() -> None:
    weekend = [list_of(THURSDAY), list_of(FRIDAY), list_of(SATURDAY, 0), list_of(SUNDAY, 0)]
    assert days_to_post(weekend, at(MONDAY, 0)) == (THURSDAY, FRIDAY)
    assert days_to_post([list_of(SATURDAY, 0), list_of(SUNDAY, 0)], at(MONDAY, 0)) == ()


def test_incomplete_newest_list_blocks_older_ones() -> None:
    lists = [list_of(THURSDAY), list_of(FRIDAY, before_day_ended=True), list_of(SATURDAY, 0), list_of(SUNDAY, 0)]
    assert days_to_post(lists, at(MONDAY)) == ()


def test_incomplete_older_list_is_not_posted() -> None:
    lists = [list_of(THURSDAY, before_day_ended=True), list_of(FRIDAY)]
    assert days_to_post(lists, at(SATURDAY)) == (FRIDAY,)


def test_list_is_not_posted_after_four_days() -> None:
    immediate = TrendingSubscription(1, 0, at(THURSDAY), Immediate())
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    assert immediate.post_time(FRIDAY, FRIDAY, at(tuesday, 23)) == at(SATURDAY, 0)
    assert immediate.post_time(FRIDAY, FRIDAY, at(wednesday, 0)) is None


def test_lists_without_newer_ones_are_considered_for_a_week_and_four_days() -> None:
    empty = [list_of(SATURDAY + timedelta(days=n), 0) for n in range(12)]
    assert days_to_post([list_of(FRIDAY), *empty], at(FRIDAY + timedelta(days=11))) == (FRIDAY,)
    assert days_to_post([list_of(FRIDAY), *empty], at(FRIDAY + timedelta(days=12))) == ()


def test_channel_with_a_weekly_schedule_gets_the_lists_of_the_week_on_its_day() -> None:
    thursdays = DailySchedule(8, 30, "Europe/Berlin", frozenset({3}))
    weekly = TrendingSubscription(1, 0, at(THURSDAY, 12), thursdays)
    last, next_thursday = THURSDAY + timedelta(days=6), at(THURSDAY + timedelta(days=7), 7, 30)
    week = [THURSDAY, FRIDAY, MONDAY, MONDAY + timedelta(days=1), last]
    assert days_to_post([list_of(day) for day in week], next_thursday) == tuple(week)
    assert {weekly.post_time(day, last, next_thursday) for day in week} == {next_thursday}


# --- when they are due ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        (Immediate(), at(SATURDAY, 0)),
        (BERLIN, at(SATURDAY, 7, 30)),
        (DailySchedule(8, 30, "Europe/Berlin", days=MONDAY_TO_FRIDAY), at(MONDAY, 7, 30)),
        (DailySchedule(0, 0, "UTC"), at(SATURDAY, 0)),
        (DailySchedule(23, 0, "UTC"), at(SATURDAY, 23)),
    ],
)
def test_list_is_due_after_its_day_by_the_channels_schedule(schedule: ChannelSchedule, due: datetime) -> None:
    assert TrendingSubscription(1, 0, at(THURSDAY), schedule).due_at(FRIDAY) == due


def test_newer_list_replaces_an_older_one() -> None:
    immediate, berlin = (TrendingSubscription(1, 0, at(THURSDAY), schedule) for schedule in (Immediate(), BERLIN))
    assert immediate.post_time(FRIDAY, FRIDAY, at(SATURDAY)) == at(SATURDAY, 0)
    assert immediate.post_time(THURSDAY, FRIDAY, at(SATURDAY)) is None
    assert berlin.post_time(THURSDAY, FRIDAY, at(SATURDAY)) is None


def test_lists_due_at_the_same_time_are_all_posted() -> None:
    # In Tokyo, a UTC day ends at 09:00.
    tokyo = TrendingSubscription(1, 0, at(THURSDAY), DailySchedule(8, 30, "Asia/Tokyo", days=MONDAY_TO_FRIDAY))
    assert (
        tokyo.post_time(THURSDAY, FRIDAY, at(SATURDAY))
        == tokyo.post_time(FRIDAY, FRIDAY, at(SATURDAY))
        == at(SUNDAY, 23, 30)
    )
    assert TrendingSubscription(1, 0, at(FRIDAY, 0), tokyo.schedule).post_time(THURSDAY, FRIDAY, at(SATURDAY)) is None


def test_day_that_ended_before_the_subscription_is_not_due() -> None:
    since = at(FRIDAY, 0)
    assert TrendingSubscription(1, 0, since, Immediate()).due_at(THURSDAY) is None
    assert TrendingSubscription(1, 0, since, Immediate()).due_at(FRIDAY) == at(SATURDAY, 0)


# --- papers and layout -----------------------------------------------------------------------------------


def matched(arxiv_id: str, *keywords: str) -> list[Match]:
    return [Match(ArxivId(arxiv_id), Keyword.parse(keyword)) for keyword in keywords]


def test_matching_papers_come_first_then_by_votes() -> None:
    few, some, many = (trending_entry(f"2611.0000{n}", votes=votes) for n, votes in ((1, 3), (2, 10), (3, 90)))
    papers = select_entries([many, some, few], matched("2611.00001", "RLHF", "reward model"), 0)
    assert papers == (RankedEntry(few, ("RLHF", "reward model")), RankedEntry(many), RankedEntry(some))


def test_papers_with_too_few_votes_are_omitted_even_if_they_match() -> None:
    few, enough = trending_entry("2611.00001", votes=9), trending_entry("2611.00002", votes=10)
    assert select_entries([few, enough], matched("2611.00001", "RLHF"), 10) == (RankedEntry(enough),)


def post(*papers: RankedEntry) -> TrendingPost:
    return TrendingPost("key", 1, FRIDAY, 0, "nonce", at(SATURDAY), at(SATURDAY), papers)


def test_headline_has_day_and_counts() -> None:
    assert post(RankedEntry(trending_entry())).header.headline == "**Trending on Friday, 20 November 2026**: 1 paper"
    several = post(RankedEntry(trending_entry("2611.00001"), ("RLHF",)), RankedEntry(trending_entry("2611.00002")))
    assert several.header.headline.endswith(": 2 papers, 1 for this channel's keywords")
    assert several.header.mention_role is None


def test_line_has_votes_title_keywords_code_and_organization() -> None:
    entry = trending_entry(
        title="*Rare* things", votes=41, code_url="https://github.com/a/b", stars=1234, organization="Some_Lab"
    )
    assert lay_out_trending_post([RankedEntry(entry, ("RLHF", "x_y"))], FRIDAY).description == (
        "**[∗Rare∗ things](https://arxiv.org/abs/2611.00001)**\n"
        r"-# ▲ 41 votes · for RLHF, x\_y"
        " · [code ★ 1.2k](https://github.com/a/b) · Some\\_Lab"
    )
    assert lay_out_trending_post([RankedEntry(trending_entry(votes=0))], FRIDAY).description == (
        "**[A paper](https://arxiv.org/abs/2611.00001)**\n-# ▲ 0 votes"
    )


def test_matching_papers_are_separated_from_the_others() -> None:
    laid_out = lay_out_trending_post(
        [RankedEntry(trending_entry("2611.00001"), ("RLHF",)), RankedEntry(trending_entry("2611.00002"))], FRIDAY
    )
    matching, other = laid_out.description.split("\n\n")
    assert matching.endswith("\n-# ▲ 1 vote · for RLHF")
    assert other.startswith("**[A paper](https://arxiv.org/abs/2611.00002)**\n")


def test_forty_papers_show_twenty_five_and_the_number_of_others() -> None:
    title = "A title of usual length on the many things that one can learn"
    entry = trending_entry(title=title, votes=41, code_url="https://github.com/a/b", stars=7, organization="A lab")
    entries = [replace(entry, arxiv_id=ArxivId(f"2611.{n:05}")) for n in range(40)]
    papers = [RankedEntry(entry, ("RLHF",) if n < 3 else ()) for n, entry in enumerate(entries)]
    laid_out = lay_out_trending_post(papers, FRIDAY)
    *lines, last = papers_in(laid_out.description)
    assert len(lines) == laid_out.shown == 25
    assert last == "… and 15 more: `/trending date:2026-11-20`"
    assert all(f"[{title}](" in line and "▲ 41" in line for line in lines)
    assert [" · for RLHF" in line for line in lines] == [True] * 3 + [False] * 22


def test_lines_that_do_not_fit_are_counted() -> None:
    entries = [trending_entry(f"abcdefghijklmnop.XY/{n:07}", title="word " * 40, votes=41) for n in range(25)]
    papers = [RankedEntry(entry, ("a keyword " * 3,)) for entry in entries]
    laid_out = lay_out_trending_post(papers, FRIDAY)
    assert 18 <= laid_out.shown < 25
    assert f"… and {25 - laid_out.shown} more: " in laid_out.description


def papers_in(description: str) -> list[str]:
    """Returns each paper's two lines, and the last line if it counts more papers."""
    return re.findall(r"^(?:\*\*\[.*\n-# .*|….*)$", description, re.MULTILINE)


_WORDS = ["word ", "*", "_", "[x](http://evil.com) ", "](", "@everyone ", "<@12> ", "\n", "😀", "# ", "$x^2$ "]


def _text(random: Random, longest: int = 60) -> str:
    return "".join(random.choices(_WORDS, k=random.randint(0, 5))) * random.choice([1, 1, longest])


def _ranked(random: Random, number: int, *, hostile: bool) -> RankedEntry:
    entry = trending_entry(
        f"abcdefghijklmnop.XY/{number:07}" if hostile else f"2611.{number:05}",
        title=_text(random) if hostile else "word " * 40,
        votes=10 ** random.randint(0, 7),
        organization=random.choice([None, _text(random)]),
        code_url=random.choice([None, "https://github.com/a/b", "https://evil.com/](x"]),
        stars=random.choice([None, 10 ** random.randint(0, 7)]),
    )
    return RankedEntry(entry, tuple(_text(random) if hostile else "reward model" for _ in range(random.randint(0, 3))))


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 25, 26, 40]), st.booleans())
def test_any_list_stays_within_all_limits(seed: int, count: int, hostile: bool) -> None:
    random = Random(seed)
    papers = [_ranked(random, number, hostile=hostile) for number in range(count)]
    laid_out = lay_out_trending_post(papers, FRIDAY)
    assert 1 <= utf16_length(laid_out.description) <= limits.EMBED_DESCRIPTION_MAX
    lines = papers_in(laid_out.description)
    assert min(len(papers), 18) <= laid_out.shown <= limits.SELECT_OPTIONS_MAX
    assert len(lines) == laid_out.shown + (laid_out.shown < len(papers))
    for line, each in zip(lines[: laid_out.shown], papers, strict=False):
        title, found, details = line.removeprefix("**[").partition(f"]({each.trending_entry.arxiv_id.abs_url})**\n-# ")
        assert found
        assert details.startswith(f"▲ {abbreviate_count(each.trending_entry.votes)} vote")
        assert title
        other_text = re.sub(r"\[code(?: ★ [\d.kM]+)?\]\(https://[\w./%+~-]+\)", "", details)
        bare = re.sub(r"\\[^0-9A-Za-z\s]", "·", f"{title} {other_text}")
        assert not re.search(r"[*_~`|\[]|://|<[@#:/a-zA-Z]|@everyone|@here|<@\d", bare)
