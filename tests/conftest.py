"""In which order tests run, and which of them stay together, where several workers share them."""

import gc
import logging
from collections.abc import Generator, Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.support.skips"]

# What ends last should be short: these begin first.
_LONG: Final = ("tests/e2e/test_chaos.py", "tests/browser/")
# These mostly wait, the others mostly compute: side by side they use the processor best.
_WAITING: Final = "tests/e2e/"
# Its tests are tried side by side, once for all of them.
_TOGETHER: Final = "tests/e2e/test_crash_points.py"

# A look at each property in `make test`; `make coverage` tries as many examples as Hypothesis does by default. How long
# one takes depends on what else the machine does. Where CI is set Hypothesis draws the same ones each time: what is red
# there is so because of what changed, not by chance.
_ANY_MACHINE: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("look", _ANY_MACHINE, max_examples=10)
settings.register_profile("thorough", _ANY_MACHINE)
settings.load_profile("look")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector: what collection makes is kept, and looking through it took a third."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread what waits over the whole run, each kind shuffled as it is."""
    place: dict[str, float] = {}
    for waits in (True, False):
        kind = dict.fromkeys(_scope(item.nodeid) for item in items if item.nodeid.startswith(_WAITING) is waits)
        place |= {scope: at / len(kind) for at, scope in enumerate(kind)}
    for began, long in enumerate(_LONG):
        place |= dict.fromkeys([scope for scope in place if scope.startswith(long)], began - len(_LONG))
    items.sort(key=lambda item: place[_scope(item.nodeid)])


def _scope(nodeid: str) -> str:
    """A file's tests stay with one worker, so that what they share is made once; those of e2e share nothing."""
    path = nodeid.split("::", 1)[0]
    return nodeid if path.startswith(_WAITING) and path != _TOGETHER else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> "ByFile":
    """How workers share the tests."""
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out what belongs together."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Take away what a program that ran inside the test left at the root logger: its stream is closed with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)
