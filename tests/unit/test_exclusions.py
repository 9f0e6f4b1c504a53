"""Which papers of a queue exclusions withhold, how many exclusions there may be, and what a limit leaves of a batch."""

from datetime import UTC, datetime
from typing import Final

import pytest

from bot.domain.channel_settings import ChannelSettings
from bot.domain.exclusions import (
    ChannelExclusion,
    ExcludedEntry,
    ExclusionQuotas,
    QueuedPaper,
    QuotaReached,
    find_withheld,
)
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.posting_limit import PostingShare, papers_allowed, share_of
from tests.support.builders import paper

NOW: Final = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
SURVEY: Final = paper("2611.00001", title="A survey of agents", authors=("Y. LeCun",))
AGENTS: Final = paper("2611.00002", title="Agents that plan")
IDS: Final = (SURVEY.arxiv_id.value, AGENTS.arxiv_id.value)


def exclusion(number: int, text: str, channel_id: int = 1) -> ChannelExclusion:
    return ChannelExclusion(number, channel_id, parse_keyword(text), 71, NOW)


def withheld(*exclusions: ChannelExclusion) -> list[ExcludedEntry]:
    """Returns what is withheld of both papers, which wait in two channels: rows 1 and 2, and 3 and 4."""
    pairs = ((channel_id, arxiv_id) for channel_id in (1, 2) for arxiv_id in IDS)
    queued = [QueuedPaper(number, *pair) for number, pair in enumerate(pairs, 1)]
    return find_withheld(queued, [SURVEY, AGENTS], exclusions)


def test_exclusion_withholds_only_matching_papers_of_its_channel() -> None:
    assert withheld(exclusion(7, "survey")) == [ExcludedEntry(1, 7)]
    assert withheld(exclusion(7, "survey", channel_id=2)) == [ExcludedEntry(3, 7)]


def test_paper_that_matches_two_exclusions_is_withheld_by_the_older_one() -> None:
    assert withheld(exclusion(8, "agents"), exclusion(7, "survey")) == [ExcludedEntry(1, 7), ExcludedEntry(2, 8)]


def test_equal_exclusions_of_two_channels_withhold_in_both() -> None:
    both = withheld(exclusion(7, "survey OR plans"), exclusion(8, "survey OR plans", channel_id=2))
    assert both == [ExcludedEntry(1, 7), ExcludedEntry(2, 7), ExcludedEntry(3, 8), ExcludedEntry(4, 8)]


def test_author_who_possibly_matches_is_excluded_as_by_a_negated_clause() -> None:
    assert withheld(exclusion(7, 'au:"Yann LeCun"')) == [ExcludedEntry(1, 7)]


@pytest.mark.parametrize(
    ("in_channel", "in_server", "reached"),
    [
        (4, 9, None),
        (5, 5, QuotaReached(5, is_of_server=False)),
        (4, 10, QuotaReached(10, is_of_server=True)),
    ],
)
def test_quota_of_channel_is_reached_before_that_of_server(
    in_channel: int, in_server: int, reached: QuotaReached | None
) -> None:
    assert ExclusionQuotas(per_channel=5, per_server=10).reached(in_channel, in_server) == reached


@pytest.mark.parametrize(
    ("limit", "left", "begins", "allowed"),
    [
        (None, None, True, None),
        (None, 3, False, None),
        (20, 3, True, 20),
        (20, 3, False, 3),
        (20, None, False, 20),
        (2, 15, False, 2),
    ],
)
def test_batch_may_contain_what_its_limit_and_earlier_messages_leave(
    limit: int | None, left: int | None, begins: bool, allowed: int | None
) -> None:
    settings = ChannelSettings(papers_per_posting=limit, papers_left=left)
    assert papers_allowed(settings, begins=begins) == allowed


def test_message_takes_its_papers_from_the_limit() -> None:
    limited = ChannelSettings(papers_per_posting=20)
    assert share_of(limited, 20, 10, is_last=False) == PostingShare(10, is_last=False)


def test_channel_that_never_had_a_limit_stores_no_share() -> None:
    assert share_of(ChannelSettings(), None, 10, is_last=True) is None


def test_first_message_after_the_limit_was_removed_announces_what_it_had_withheld() -> None:
    assert share_of(ChannelSettings(papers_left=4), None, 10, is_last=True) == PostingShare(None, is_last=True)
