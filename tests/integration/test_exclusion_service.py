"""What a new exclusion removes, and which sample papers exclusions leave."""

from datetime import timedelta
from typing import Final

import pytest

from bot.domain.expressions.keywords import parse_keyword
from bot.services.exclusions import EXAMPLES, ExclusionAdded, ExclusionEffect, ExclusionService
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.store import ADA, CHANNEL, GUILD, NOW, Store

OLD: Final = paper("2610.00001", title="An old survey of graphs", published=NOW - timedelta(days=31))
SURVEYS: Final = tuple(
    paper(f"2611.{number:05}", title="A survey of graphs", published=NOW - timedelta(hours=number))
    for number in range(1, 6)
)
THEORY: Final = paper("2611.00010", title="Graph theory", published=NOW - timedelta(days=9))


@pytest.fixture
async def service(subscribed: Store, clock: FakeClock) -> ExclusionService:
    """A channel with six papers of the last 30 days, and one that is older."""
    await subscribed.poll(OLD, THEORY, *SURVEYS)
    return ExclusionService(subscribed.exclusions, subscribed.withheld, subscribed.papers, clock, lambda: None)


async def effect(service: ExclusionService, text: str) -> ExclusionEffect:
    added = await service.add(CHANNEL, GUILD, parse_keyword(text), ADA)
    assert isinstance(added, ExclusionAdded)
    return await service.effect(added.exclusion)


async def test_effect_counts_papers_of_30_days_with_the_newest_as_examples(service: ExclusionService) -> None:
    assert await effect(service, "survey") == ExclusionEffect(6, 5, SURVEYS[:EXAMPLES], is_complete=True)


async def test_effect_leaves_out_what_other_exclusions_remove(service: ExclusionService) -> None:
    await effect(service, "survey")
    assert await effect(service, "graph theory OR survey") == ExclusionEffect(1, 1, (THEORY,), is_complete=True)


async def test_sample_leaves_out_excluded_papers(service: ExclusionService) -> None:
    await effect(service, "survey")
    left = await service.without_excluded(CHANNEL, [(SURVEYS[0], ("graph",)), (THEORY, ("graph",))])
    assert left == ((THEORY, ("graph",)),)


async def test_removed_exclusion_wakes_the_loop_that_posts(subscribed: Store, clock: FakeClock) -> None:
    woken: list[bool] = []
    service = ExclusionService(
        subscribed.exclusions, subscribed.withheld, subscribed.papers, clock, lambda: woken.append(True)
    )
    added = await service.add(CHANNEL, GUILD, parse_keyword("survey"), ADA)
    assert isinstance(added, ExclusionAdded)
    assert await service.remove(CHANNEL, added.exclusion.id) is not None
    assert woken == [True]
