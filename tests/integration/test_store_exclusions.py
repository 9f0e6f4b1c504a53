"""Exclusions in the store: which papers leave the queue, which come back, and what is known about them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings
from bot.domain.exclusions import ChannelExclusion, ExclusionQuotas, QuotaReached, WithheldPaper, WithheldReason
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked
from bot.domain.paper import Paper
from bot.domain.weekdays import MONDAY_TO_FRIDAY
from bot.store.exclusions import UNDO_PERIOD, AlreadyExcluded, ExclusionAdded, ExclusionRemoved
from bot.store.withheld import HeldBack
from tests.support.builders import paper
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

LATER: Final = NOW + timedelta(days=2)
QUOTAS: Final = ExclusionQuotas(per_channel=2, per_server=3)
SURVEY: Final = paper("2611.00001", title="A survey of graphs")
THEORY: Final = paper("2611.00002", title="Graph theory", published=NOW + timedelta(minutes=1))
BOTH: Final = paper("2611.00003", title="Graph theory: a survey", published=NOW + timedelta(minutes=2))


@pytest.fixture
async def watching(store: Store) -> Store:
    """A store in which two channels watch "graph"."""
    await store.watch("graph")
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    return store


async def exclude(store: Store, text: str, channel_id: int = CHANNEL, now: datetime = NOW) -> ExclusionAdded:
    added = await add(store, text, channel_id, now)
    assert isinstance(added, ExclusionAdded)
    return added


async def add(
    store: Store, text: str, channel_id: int = CHANNEL, now: datetime = NOW
) -> ExclusionAdded | AlreadyExcluded | QuotaReached:
    keyword = parse_keyword(text)
    return await store.exclusions.add(channel_id, GUILD, keyword, added_by=ADA, now=now, quotas=QUOTAS)


async def remove(store: Store, exclusion: ChannelExclusion, now: datetime) -> int:
    """Removes an exclusion; returns how many papers are queued again."""
    removed = await store.exclusions.remove(exclusion.channel_id, exclusion.id, now)
    assert isinstance(removed, ExclusionRemoved)
    return removed.queued


def ids(*papers: Paper) -> list[str]:
    return [each.arxiv_id.value for each in papers]


async def withheld(store: Store, *papers: Paper) -> list[tuple[str, str | None]]:
    """Returns these papers as far as they are withheld in the channel, each with its exclusion."""
    found = await store.withheld.of_papers([CHANNEL], ids(*papers))
    return sorted((each.arxiv_id, each.exclusion) for each in found)


async def test_new_paper_that_an_exclusion_matches_is_not_queued(watching: Store) -> None:
    added = await exclude(watching, "survey")
    written = await watching.poll(SURVEY, THEORY)
    assert (written.papers, written.posts) == (2, 3)
    assert await watching.due_ids() == ids(THEORY)
    assert await watching.due_ids(OTHER_CHANNEL) == ids(SURVEY, THEORY)
    assert await watching.withheld.of_papers([CHANNEL, OTHER_CHANNEL], ids(SURVEY, THEORY)) == (
        WithheldPaper(
            CHANNEL, "2611.00001", WithheldReason.EXCLUSION, NOW, exclusion="survey", exclusion_id=added.exclusion.id
        ),
    )


async def test_withheld_paper_counts_as_seen_for_other_keywords(watching: Store) -> None:
    await exclude(watching, "survey")
    await watching.poll(SURVEY)
    await watching.watch("survey")
    assert (await watching.poll(SURVEY)).posts == 0
    assert await watching.due_ids() == []


async def test_new_exclusion_takes_waiting_papers_out_of_its_channel(watching: Store) -> None:
    await watching.poll(SURVEY, THEORY)
    added = await exclude(watching, "survey")
    assert added.withheld == 1
    assert await watching.due_ids() == ids(THEORY)
    assert await watching.due_ids(OTHER_CHANNEL) == ids(SURVEY, THEORY)


async def test_paper_that_is_bound_to_a_message_stays(watching: Store) -> None:
    await watching.poll(SURVEY)
    post = await watching.bind()
    assert (await exclude(watching, "survey")).withheld == 0
    unsettled = await watching.outbox.unsettled_post(CHANNEL)
    assert unsettled is not None
    assert unsettled.entries == post.entries


async def test_released_paper_is_withheld_by_an_exclusion_added_meanwhile(watching: Store) -> None:
    await watching.poll(SURVEY, THEORY)
    post = await watching.bind()
    await exclude(watching, "survey")
    await watching.outbox.release(post)
    assert await watching.due_ids() == ids(THEORY)
    assert await withheld(watching, SURVEY, THEORY) == [("2611.00001", "survey")]


async def test_new_version_of_a_waiting_paper_is_compared_again(watching: Store) -> None:
    await exclude(watching, "survey")
    await watching.poll(THEORY)
    await watching.poll(replace(THEORY, title="Graph theory: a survey", version=2))
    assert await watching.due_ids() == []
    assert await watching.due_ids(OTHER_CHANNEL) == ids(THEORY)


async def test_backlog_ends_if_an_exclusion_withholds_all_of_it(watching: Store) -> None:
    await watching.set_channel(CHANNEL, ChannelSettings(paused_since=NOW))
    await watching.poll(SURVEY)
    await watching.channel_settings.resume(CHANNEL, NOW)
    await exclude(watching, "survey")
    assert not (await watching.channel_settings.get(CHANNEL)).backlog_pending


async def test_equal_exclusion_is_added_once(watching: Store) -> None:
    first = await exclude(watching, "a survey")
    again = await add(watching, "A Surveys")
    assert again == AlreadyExcluded(first.exclusion)
    assert await watching.exclusions.in_channel(CHANNEL) == (first.exclusion,)


async def test_quotas_of_channel_and_server_reject_further_exclusions(watching: Store) -> None:
    await exclude(watching, "survey")
    await exclude(watching, "theory")
    assert await add(watching, "third") == QuotaReached(2, is_of_server=False)
    await exclude(watching, "survey", OTHER_CHANNEL)
    assert await add(watching, "theory", OTHER_CHANNEL) == QuotaReached(3, is_of_server=True)
    assert len(await watching.exclusions.in_channels([CHANNEL, OTHER_CHANNEL])) == 3


async def test_exclusion_of_another_channel_is_not_removed(watching: Store) -> None:
    added = await exclude(watching, "survey")
    assert await watching.exclusions.remove(OTHER_CHANNEL, added.exclusion.id, NOW) is None
    assert len(await watching.exclusions.in_channel(CHANNEL)) == 1


async def test_exclusion_removed_within_a_day_brings_back_what_it_withheld(watching: Store) -> None:
    added = await exclude(watching, "survey")
    await watching.poll(SURVEY)
    assert await remove(watching, added.exclusion, NOW + UNDO_PERIOD / 2) == 1
    (entry,) = await watching.due(now=NOW + UNDO_PERIOD)
    assert (entry.paper.arxiv_id.value, entry.keywords) == ("2611.00001", ("graph",))
    assert await withheld(watching, SURVEY) == []


async def test_papers_whose_time_has_passed_stay_withheld_and_explained(watching: Store) -> None:
    added = await exclude(watching, "survey")
    await watching.poll(SURVEY)
    assert await remove(watching, added.exclusion, LATER) == 0
    assert await watching.due_ids() == []
    assert await withheld(watching, SURVEY) == [("2611.00001", "survey")]
    assert (await watching.poll(SURVEY)).posts == 0


async def test_paper_that_waits_for_its_digest_comes_back(watching: Store) -> None:
    weekdays = DailySchedule(8, 30, "Europe/Berlin", days=MONDAY_TO_FRIDAY)
    saturday, sunday, monday = (NOW + timedelta(days=days) for days in (3, 4.5, 5))
    await watching.set_channel(CHANNEL, ChannelSettings(schedule=weekdays))
    added = await exclude(watching, "survey")
    await watching.poll(SURVEY, now=saturday)
    assert await remove(watching, added.exclusion, sunday) == 1
    assert await watching.due(now=sunday) == ()
    assert len(await watching.due(now=monday)) == 1


async def test_paper_that_became_due_during_a_pause_comes_back(watching: Store) -> None:
    await watching.set_channel(CHANNEL, ChannelSettings(paused_since=NOW - timedelta(days=1)))
    added = await exclude(watching, "survey")
    await watching.poll(SURVEY)
    assert await remove(watching, added.exclusion, LATER) == 1


async def test_paper_that_became_due_in_a_blocked_channel_comes_back(watching: Store) -> None:
    await watching.channels.block(CHANNEL, Blocked("a reason"), now=NOW, not_before=NOW)
    added = await exclude(watching, "survey")
    await watching.poll(SURVEY)
    assert await remove(watching, added.exclusion, LATER) == 1


async def test_another_exclusion_keeps_withholding_a_paper(watching: Store) -> None:
    survey = await exclude(watching, "survey")
    await exclude(watching, "theory")
    await watching.poll(BOTH)
    assert await withheld(watching, BOTH) == [("2611.00003", "survey")]
    assert await remove(watching, survey.exclusion, NOW) == 0
    assert await withheld(watching, BOTH) == [("2611.00003", "theory")]


async def test_withheld_paper_that_was_withdrawn_does_not_come_back(watching: Store) -> None:
    added = await exclude(watching, "survey")
    await watching.poll(SURVEY)
    await watching.papers.add([replace(SURVEY, version=2, comment="This paper has been withdrawn")])
    assert await remove(watching, added.exclusion, NOW) == 0


async def test_newest_papers_leave_out_excluded_and_withheld_ones(watching: Store) -> None:
    old = paper("2611.00009", title="An old graph", published=NOW - timedelta(days=40))
    await exclude(watching, "survey")
    await watching.poll(SURVEY, THEORY, old)
    await watching.outbox.withhold_rest(CHANNEL, 0, NOW)
    await watching.subscribe("graphs")
    assert await watching.outbox.add_newest(CHANNEL, [Keyword.parse("graph")], 2, NOW) == 1
    assert await watching.due_ids() == ids(old)


async def test_papers_of_a_channel_are_newest_first_and_listed_once(watching: Store) -> None:
    await watching.watch("theory")
    await exclude(watching, "survey")
    old = paper("2611.00009", title="An old graph", published=NOW - timedelta(days=40))
    await watching.poll(SURVEY, THEORY, old)
    since = NOW - timedelta(days=30)
    found = await watching.exclusions.papers_since(CHANNEL, since)
    assert [each.value for each in found] == ids(THEORY, SURVEY)


async def test_withheld_papers_are_counted_by_channel_reason_and_exclusion(watching: Store) -> None:
    survey = await exclude(watching, "survey")
    await watching.poll(SURVEY, THEORY, BOTH)
    await watching.outbox.withhold_rest(CHANNEL, 0, NOW)
    since = NOW - timedelta(days=30)
    counts = await watching.withheld.count_since([CHANNEL, OTHER_CHANNEL], since)
    assert counts == {CHANNEL: HeldBack(by_limit=1, by_exclusions=2)}
    assert await watching.withheld.count_by_exclusion(CHANNEL, since) == {survey.exclusion.id: 2}
    assert await watching.withheld.count_since([CHANNEL], LATER) == {}
