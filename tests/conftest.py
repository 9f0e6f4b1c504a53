"""The order of tests, how workers share them, and which tests are not measured."""

import gc
import logging
from collections.abc import Generator, Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.clock import SettlingLoop

pytest_plugins = ["tests.support.skips"]

# The longest tests start first.
LONG: Final = ("tests/e2e/test_chaos.py", "tests/browser/")
# These mostly wait while the others mostly compute: mixed, they use the CPU best.
WAITING: Final = "tests/e2e/"
# All tests of this file run in one worker: the first of them runs all cases concurrently.
TOGETHER: Final = "tests/e2e/test_crash_points.py"
# The slow tests that some folder needs to reach its floor of coverage; the others would only make measuring slower.
MEASURED_SLOW: Final = (
    "tests/e2e/test_audit.py",
    "tests/e2e/test_backfill.py",
    "tests/e2e/test_blocked_channels.py",
    "tests/e2e/test_channel_commands.py",
    "tests/e2e/test_channel_rules.py",
    "tests/e2e/test_charts.py",
    "tests/e2e/test_clear_backoff.py",
    "tests/e2e/test_discord_misbehaviour.py",
    "tests/e2e/test_expressions.py",
    "tests/e2e/test_follow.py",
    "tests/e2e/test_forged_components.py",
    "tests/e2e/test_greeting.py",
    "tests/e2e/test_help.py",
    "tests/e2e/test_hidden_threads.py",
    "tests/e2e/test_keyword_roles.py",
    "tests/e2e/test_latest.py",
    "tests/e2e/test_lifecycle.py",
    "tests/e2e/test_lost_answers.py",
    "tests/e2e/test_operator_commands.py",
    "tests/e2e/test_own_keywords.py",
    "tests/e2e/test_page.py",
    "tests/e2e/test_papers.py",
    "tests/e2e/test_privacy.py",
    "tests/e2e/test_process.py",
    "tests/e2e/test_quotas.py",
    "tests/e2e/test_search.py",
    "tests/e2e/test_settings_files.py",
    "tests/e2e/test_settings_panel.py",
    "tests/e2e/test_shards.py",
    "tests/e2e/test_status.py",
    "tests/e2e/test_subscribe.py",
    "tests/e2e/test_threads.py",
    "tests/e2e/test_trending.py",
    "tests/e2e/test_trending_posts.py",
    "tests/e2e/test_why.py",
    "tests/e2e/test_wrong_input.py",
    "tests/integration/test_charts.py",
    "tests/integration/test_discord_budget.py",
    "tests/integration/test_discord_probes.py",
    "tests/integration/test_discord_rate_limits.py",
    "tests/integration/test_huggingface.py",
    "tests/integration/test_matcher_upgrade.py",
    "tests/integration/test_page_command.py",
    "tests/integration/test_server_opening.py",
    "tests/integration/test_server_silence.py",
    "tests/integration/test_server_start.py",
    "tests/integration/test_store_cancellation.py",
    "tests/integration/test_store_copy.py",
    "tests/integration/test_store_keyword_merge.py",
    "tests/integration/test_store_migrations.py",
    "tests/integration/test_store_opening.py",
    "tests/integration/test_store_previous_release.py",
    "tests/integration/test_store_shared_access.py",
    "tests/integration/test_store_transactions.py",
    "tests/unit/test_card_limits.py",
    "tests/unit/test_page_bibtex.py",
    "tests/unit/test_page_html.py",
    "tests/unit/test_page_markdown.py",
    "tests/unit/test_trending_parsing.py",
)
# Quick tests that measuring would slow beyond their limits, or that measure nothing because they kill the bot.
UNMEASURED: Final = (
    "tests/browser/",
    "tests/e2e/test_crash_points.py",
    "tests/e2e/test_trending_crash_points.py",
    "tests/integration/test_charts.py::test_hostile_names_are_drawn_without_blocking_the_event_loop",
)

# `make test` tries a few examples of each property, `make coverage` as many as Hypothesis does by default. There is no
# deadline per example, because the time depends on the load of the machine. With CI set, Hypothesis generates the same
# examples each time, so that a failure is caused by a change and not by chance.
_ANY_MACHINE: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _ANY_MACHINE, max_examples=10)
settings.register_profile("thorough", _ANY_MACHINE)
settings.load_profile("quick")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects without the garbage collector, which took a third of the time and found nothing to free."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests that are not measured, and spreads those that wait over the whole run; each kind stays shuffled."""
    for item in items:
        is_slow = item.get_closest_marker("slow") is not None
        if item.nodeid.startswith(UNMEASURED) or (is_slow and not item.nodeid.startswith(MEASURED_SLOW)):
            item.add_marker("unmeasured")
    place: dict[str, float] = {}
    for waits in (True, False):
        kind = dict.fromkeys(_scope(item.nodeid) for item in items if item.nodeid.startswith(WAITING) is waits)
        place |= {scope: at / len(kind) for at, scope in enumerate(kind)}
    for position, long in enumerate(LONG):
        place |= dict.fromkeys([scope for scope in place if scope.startswith(long)], position - len(LONG))
    items.sort(key=lambda item: place[_scope(item.nodeid)])


def _scope(nodeid: str) -> str:
    """The tests of a file run in one worker and share fixtures, except end-to-end tests, which share nothing."""
    path = nodeid.split("::", 1)[0]
    return nodeid if path.startswith(WAITING) and path != TOGETHER else path


def pytest_asyncio_loop_factories() -> dict[str, type[SettlingLoop]]:
    """Returns the event loop of every test."""
    return {"settling": SettlingLoop}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> "ByFile":
    """Returns the scheduler that distributes the tests."""
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives tests of one scope to the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Removes handlers that a program run inside the test left at the root logger: their streams are closed by then."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)
