"""Full garbage collections that take long exempt what survives them."""

import gc
from collections.abc import Iterator

import pytest

from bot.runtime.garbage import COLLECTION_MAX_S, CollectionLimit, without_collections


@pytest.fixture(autouse=True)
def _unfrozen() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def _limit(*, took_s: float) -> CollectionLimit:
    times = iter([100.0, 100.0 + took_s])
    return CollectionLimit(lambda: next(times))


def _collect(limit: CollectionLimit, generation: int) -> None:
    for phase in ("start", "stop"):
        limit.collected(phase, {"generation": generation, "collected": 0, "uncollectable": 0})


def test_exempts_the_survivors_of_a_long_full_collection() -> None:
    _collect(_limit(took_s=COLLECTION_MAX_S * 1.01), generation=2)

    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize(("took_s", "generation"), [(COLLECTION_MAX_S * 0.99, 2), (1.0, 1), (1.0, 0)])
def test_keeps_searching_after_a_short_or_a_partial_collection(took_s: float, generation: int) -> None:
    _collect(_limit(took_s=took_s), generation)

    assert gc.get_freeze_count() == 0


def test_collections_are_suspended_only_during_the_computation() -> None:
    with without_collections():
        enabled_meanwhile = gc.isenabled()

    assert not enabled_meanwhile
    assert gc.isenabled()


def _fail_without_collections() -> None:
    with without_collections():
        raise ValueError("failed")


def test_collections_are_enabled_after_a_failure() -> None:
    with pytest.raises(ValueError, match="failed"):
        _fail_without_collections()

    assert gc.isenabled()


def test_only_the_first_of_two_computations_enables_collections() -> None:
    with without_collections():
        with without_collections():
            pass
        enabled_after_the_second = gc.isenabled()

    assert not enabled_after_the_second
    assert gc.isenabled()
