"""No text makes a regular expression or a text function slow: 100,000 hostile characters take less than a second.

The texts are derived from the structure of each expression. The times are CPU times, so that the load of the machine
does not matter.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import pytest

from bot.runtime.errors import DailyPapersError
from tests.support.regex_attacks import Expression, attacks, expressions

pytestmark = pytest.mark.slow

SIZE: Final = 100_000
BOUND_S: Final = 1.0


class TooSlow(BaseException):
    """Not an Exception, so that nothing catches it."""


def _interrupt(*_: object) -> None:
    raise TooSlow


@contextmanager
def cpu_time_limit(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def is_slow(call: Callable[[], object], bound_s: float = BOUND_S) -> bool:
    """Whether a call takes longer than the bound, twice: another thread's work counts too."""
    for _ in range(2):
        try:
            with cpu_time_limit(bound_s):
                call()
        except TooSlow:
            continue
        except (DailyPapersError, ValueError):
            pass
        return False
    return True


@pytest.mark.parametrize("expression", expressions(), ids=lambda expression: expression.place)
def test_expression_takes_linear_time(expression: Expression) -> None:
    for text in attacks(expression.pattern, SIZE):
        for way in expression.ways:
            call = partial(expression.apply, way, text)
            assert not is_slow(call), f"{way} of {text[:40]!r}…{text[-10:]!r}"
