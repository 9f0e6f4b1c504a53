"""What makes a chaos run fail, and how its size is chosen."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from tests.support.chaos import STANDARD, Hazard, Result, Tally, chosen_hazards
from tests.support.chaos.floods import HealthChecks
from tests.support.chaos.observer import Observed
from tests.support.databases import IS_POSTGRESQL
from tests.support.posted_papers import Comparison

GOOD = Result(
    seed=1,
    tally=Tally(150.0, MappingProxyType({Hazard.KILLS: 3}), 2, 5, 5, 0.2, 10.0),
    posts=Comparison(5, 5, (), (), ()),
    hostile_duplicates=0,
    observed=Observed(answered=10, slowest_s=0.2),
    health=HealthChecks(requested=4, answered=4),
    exit_code=0,
    early_requests=0,
    invalid_requests=3,
    database="ok",
    log_errors=MappingProxyType({}),
)
PAPER = (1, "https://arxiv.org/abs/2611.00001")
FAULTY = {
    "missing": replace(GOOD, posts=replace(GOOD.posts, missing=(PAPER,))),
    "duplicate": replace(GOOD, posts=replace(GOOD.posts, duplicate=(PAPER,))),
    "unexpected": replace(GOOD, posts=replace(GOOD.posts, unexpected=(PAPER,))),
    "hostile duplicate": replace(GOOD, hostile_duplicates=1),
    "late": replace(GOOD, observed=Observed(answered=10, late=["answered after 3.1 s"])),
    "never observed": replace(GOOD, observed=Observed()),
    "standstill": replace(GOOD, tally=replace(GOOD.tally, longest_standstill_s=241.0)),
    "health": replace(GOOD, health=HealthChecks(requested=4, answered=1)),
    "early request": replace(GOOD, early_requests=1),
    "database": replace(GOOD, database="dangling row in outbox"),
    "exit code": replace(GOOD, exit_code=1),
}


def test_run_without_faults_is_correct() -> None:
    assert GOOD.failures == ()


@pytest.mark.parametrize("fault", FAULTY)
def test_each_fault_fails_the_run_and_is_printed(fault: str) -> None:
    result = FAULTY[fault]
    assert len(result.failures) == 1
    assert f"FAILED: {result.failures[0]}" in result.lines()


def test_longer_run_has_as_much_of_everything_per_minute() -> None:
    minutes = STANDARD.duration_s / 60
    longer = STANDARD.lasting(3 * minutes)
    assert longer.duration_s == pytest.approx(3 * STANDARD.duration_s)
    assert longer.announcements == 3 * STANDARD.announcements
    assert {hazard: 3 * least for hazard, least in STANDARD.minimum.items()} == longer.minimum


def test_standard_run_has_every_hazard_of_the_database_unless_some_are_chosen() -> None:
    assert chosen_hazards({}) == set(Hazard)
    assert set(STANDARD.minimum) == set(Hazard) - (set() if IS_POSTGRESQL else {Hazard.DATABASE})
    chosen = chosen_hazards({"CHAOS_ONLY": "clock, flood"})
    assert set(STANDARD.only(chosen).minimum) == {Hazard.CLOCK, Hazard.FLOOD}
    with pytest.raises(ValueError, match="meteor"):
        chosen_hazards({"CHAOS_ONLY": "meteor"})
