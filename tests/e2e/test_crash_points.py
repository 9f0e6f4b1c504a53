"""The bot is killed just before and just after every durable step, and between a stored message and its answer.

After a restart no paper is missing, posted twice, or posted although it is older than the subscription, whether or not
Discord has forgotten the nonces.
"""

import asyncio
from collections.abc import Mapping
from itertools import product

import pytest

from bot.runtime.metrics import Step
from tests.support.crashes import STORED, Case, CrashResult, Nonces, Work, run_all
from tests.support.killable import CrashPoint
from tests.support.posted_papers import Comparison

SIDES = ("before", "after")
INGEST = (Step.FETCH, Step.PARSE, Step.MATCH, Step.COMMIT)
# Threads are started only where a channel wants them.
POLL = tuple(step for step in Step if step is not Step.START_THREAD)
# 12 papers in one channel, 3 of them in another one, too.
CORRECT = CrashResult(Comparison(expected=15, found=15, missing=(), duplicate=(), unexpected=()), exit_code=0)
# Five of them in that channel.
CORRECT_LIMITED = CrashResult(Comparison(expected=8, found=8, missing=(), duplicate=(), unexpected=()), exit_code=0)


def points(steps: tuple[Step, ...], nth: int = 1) -> list[CrashPoint]:
    """Returns the points before and after each of these steps."""
    return [CrashPoint(step, side, nth) for step, side in product(steps, SIDES)]


# Every point once: before each step with known nonces, after it with forgotten ones.
ONCE = [
    *(
        Case(work, point, Nonces.KNOWN if point.side == "before" else Nonces.FORGOTTEN)
        for work, steps in ((Work.INITIAL_SYNC, INGEST), (Work.POLL, POLL))
        for point in points(steps)
    ),
    *(Case(Work.POLL, STORED, nonces) for nonces in Nonces),
]
# The other way round, and when the bot reaches a step for the second and third time: further pages, commits, messages.
REPEATED = [
    case
    for nth, nonces in product((1, 2, 3), Nonces)
    for case in (
        *(Case(Work.INITIAL_SYNC, point, nonces) for point in points((Step.FETCH, Step.PARSE, Step.COMMIT), nth)),
        # Two channels get one message each: publishing reaches each step twice.
        *(Case(Work.POLL, point, nonces) for point in points(INGEST if nth == 3 else POLL, nth)),
    )
    if case not in ONCE and (case.work is Work.POLL or nth < 3)
]
# With a limit of papers per posting: what is posted and what is withheld is decided once.
LIMITED = [
    *(
        Case(Work.LIMITED_POLL, point, Nonces.KNOWN if point.side == "before" else Nonces.FORGOTTEN)
        for point in points((Step.COMMIT, Step.BIND, Step.SEND, Step.SETTLE))
    ),
    Case(Work.LIMITED_POLL, STORED, Nonces.FORGOTTEN),
]
# With a message and a thread for each paper.
THREADED = [
    Case(Work.THREADED_POLL, point, Nonces.KNOWN if point.side == "before" else Nonces.FORGOTTEN)
    for point in (
        *points((Step.BIND, Step.SEND, Step.SETTLE)),
        *points((Step.START_THREAD,)),
        *points((Step.START_THREAD,), 2),
    )
]
CASES = [*ONCE, *REPEATED, *LIMITED, *THREADED]


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[Case, CrashResult | Exception]:
    """The results of the selected cases, which run concurrently because a bot mostly waits."""
    selected = {item.name for item in request.session.items if item.path == request.path}
    cases = [case for case in CASES if any(name.endswith(f"[{case}]") for name in selected)]
    return asyncio.run(run_all(cases, tmp_path_factory.mktemp("crashes")))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_crash_loses_and_duplicates_nothing(case: Case, results: Mapping[Case, CrashResult | Exception]) -> None:
    result = results[case]
    if isinstance(result, Exception):
        raise result
    assert result == (CORRECT_LIMITED if case.work is Work.LIMITED_POLL else CORRECT)
