"""The bot is killed just before and just after every durable step, and once more between Discord and its answer.

However it died, and whatever Discord has forgotten meanwhile: when it is started again nothing is missing, nothing is
there twice, and nothing is there that was the past.
"""

import asyncio
from collections.abc import Mapping
from itertools import product

import pytest

from bot.runtime.metrics import Step
from tests.support.crashes import STORED, Aftermath, Case, Nonces, Reading, try_all
from tests.support.killable import CrashPoint
from tests.support.ledger import Balance

SIDES = ("before", "after")
UPPER_HALF = (Step.FETCH, Step.PARSE, Step.MATCH, Step.COMMIT)
# 12 papers for one channel, 3 of them for another too; the past is nobody's news.
ALL_IS_WELL = Aftermath(Balance(expected=15, found=15, missing=(), double=(), uncalled=()), exit_code=0)


def points(steps: tuple[Step, ...] | type[Step], nth: int = 1) -> list[CrashPoint]:
    """Before and after each of these steps."""
    return [CrashPoint(step, side, nth) for step, side in product(steps, SIDES)]


# Every point of both halves once, with the nonces known to one side of each step and forgotten to the other.
QUICK = [
    *(
        Case(reading, point, Nonces.KNOWN if point.side == "before" else Nonces.FORGOTTEN)
        for reading, steps in ((Reading.FIRST, UPPER_HALF), (Reading.PASS, tuple(Step)))
        for point in points(steps)
    ),
    *(Case(Reading.PASS, STORED, nonces) for nonces in Nonces),
]
# The other way round; and when the bot comes by for the second and the third time: further pages, commits, messages.
THOROUGH = [
    case
    for nth, nonces in product((1, 2, 3), Nonces)
    for case in (
        *(Case(Reading.FIRST, point, nonces) for point in points((Step.FETCH, Step.PARSE, Step.COMMIT), nth)),
        # Two channels get a message each: the lower half comes by twice.
        *(Case(Reading.PASS, point, nonces) for point in points(UPPER_HALF if nth == 3 else Step, nth)),
    )
    if case not in QUICK and (case.reading is Reading.PASS or nth < 3)
]


@pytest.fixture(scope="module")
def aftermaths(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[Case, Aftermath | Exception]:
    """What became of each case that is to be tested: they are tried side by side, since a bot mostly waits."""
    wanted = {item.name for item in request.session.items if item.path == request.path}
    cases = [case for case in (*QUICK, *THOROUGH) if any(name.endswith(f"[{case}]") for name in wanted)]
    return asyncio.run(try_all(cases, tmp_path_factory.mktemp("crashes")))


@pytest.mark.parametrize("case", [*QUICK, *(pytest.param(case, marks=pytest.mark.slow) for case in THOROUGH)], ids=str)
def test_crash_loses_and_duplicates_nothing(case: Case, aftermaths: Mapping[Case, Aftermath | Exception]) -> None:
    aftermath = aftermaths[case]
    if isinstance(aftermath, Exception):
        raise aftermath
    assert aftermath == ALL_IS_WELL
