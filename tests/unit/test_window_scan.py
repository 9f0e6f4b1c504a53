"""The reading of a slice: complete only when every paper that arXiv counts was seen."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.feed import FeedPage, Rejection
from bot.domain.paper import Paper
from bot.domain.window_scan import ARXIV_PAGE_SIZE, Complete, FetchPage, SplitNeeded, WindowScan
from bot.runtime import limits
from tests.support.builders import paper

BROKEN = (Rejection("http://arxiv.org/abs/x", "it has no title"), Rejection("entry 2 of the page", "it has no id"))
Answer = Callable[[int, int], FeedPage]


def papers(count: int) -> list[Paper]:
    return [paper(f"2611.{number:05}") for number in range(count)]


def page(shown: Sequence[Paper], total: int, *, rejected: Sequence[Rejection] = ()) -> FeedPage:
    return FeedPage(tuple(shown), tuple(rejected), total, 0)


def of(shelf: Sequence[Paper]) -> Answer:
    return lambda start, size: page(shelf[start : start + size], len(shelf))


def always(answer: FeedPage) -> Answer:
    return lambda _start, _size: answer


def read(answer: Answer, *, page_size: int = 10, trust_zero: bool = True) -> tuple[Complete | SplitNeeded, int]:
    """What the reading ends with, and after how many pages."""
    reading = WindowScan(trust_zero=trust_zero, page_size=page_size)
    for requests in range(1000):
        step = reading.step
        if not isinstance(step, FetchPage):
            return step, requests
        reading = reading.after(answer(step.start, step.size))
    raise AssertionError("the reading never ends")


def test_slice_is_paged_to_its_end() -> None:
    shelf = papers(25)
    assert read(of(shelf)) == (Complete(tuple(shelf), (), 25), 3)


def test_reading_starts_with_a_whole_page() -> None:
    assert WindowScan(trust_zero=True).step == FetchPage(0, ARXIV_PAGE_SIZE)


def test_rejected_entries_count_as_seen() -> None:
    assert read(always(page(papers(3), 5, rejected=BROKEN))) == (Complete(tuple(papers(3)), BROKEN, 5), 1)


def test_entry_rejected_on_two_pages_counts_once() -> None:
    shown = iter([page(papers(3), 5, rejected=BROKEN[:1]), page(papers(4), 5, rejected=BROKEN[:1])])
    assert read(lambda _start, _size: next(shown)) == (Complete(tuple(papers(4)), BROKEN[:1], 5), 2)


def test_zero_is_believed_at_once_after_a_probe_that_showed_papers() -> None:
    assert read(of([]), trust_zero=True) == (Complete((), (), 0), 1)


def test_zero_without_a_probe_is_asked_twice() -> None:
    assert read(of([]), trust_zero=False) == (Complete((), (), 0), 2)


def test_papers_that_show_at_the_second_asking_are_kept() -> None:
    shown = iter([page([], 0), page(papers(2), 2)])
    assert read(lambda _start, _size: next(shown), trust_zero=False) == (Complete(tuple(papers(2)), (), 2), 2)


def test_total_that_drops_to_zero_between_pages_is_not_believed() -> None:
    shelf = papers(25)
    asked: list[int] = []

    def answer(start: int, size: int) -> FeedPage:
        asked.append(start)
        return page([], 0) if len(asked) == 2 else of(shelf)(start, size)

    ending, _ = read(answer)
    assert isinstance(ending, Complete)
    assert set(ending.papers) == set(shelf)


def test_total_that_grows_between_pages_is_read_to_its_new_end() -> None:
    shelf = papers(25)
    ending, requests = read(lambda start, size: page(shelf[start : start + size], 15 if start == 0 else 25))
    assert ending == Complete(tuple(shelf), (), 25)
    assert requests == 3


def test_page_cut_short_is_followed_up_from_where_it_ended() -> None:
    shelf = papers(20)
    starts: list[int] = []

    def answer(start: int, size: int) -> FeedPage:
        starts.append(start)
        return of(shelf)(start, 7 if start == 0 else size)

    assert read(answer) == (Complete(tuple(shelf), (), 20), 3)
    assert starts == [0, 7, 17]


def test_short_page_is_made_up_for_by_reading_again() -> None:
    shelf = papers(30)
    calls: list[int] = []

    def answer(start: int, size: int) -> FeedPage:
        calls.append(start)
        return page(shelf[start : start + 1], 30) if len(calls) == 1 else of(shelf)(start, size)

    ending, _ = read(answer)
    assert isinstance(ending, Complete)
    assert set(ending.papers) == set(shelf)


def test_slice_that_stays_short_after_three_rereads_is_narrowed() -> None:
    shelf = papers(20)
    ending, requests = read(lambda start, size: page(shelf[start : min(start + size, 19)], 20))
    assert ending == SplitNeeded(seen=19, total=20)
    assert requests == 4 * 3  # each sweep asks once more for the entry that is missing


def test_answer_without_any_entry_is_narrowed_in_the_end() -> None:
    assert read(always(page([], 20))) == (SplitNeeded(seen=0, total=20), 8)


def test_slice_over_the_cap_is_narrowed_after_one_page() -> None:
    over = limits.ARXIV_RESULT_CAP + 1
    assert read(always(page(papers(10), over))) == (SplitNeeded(seen=10, total=over), 1)


def test_no_page_reaches_beyond_the_cap() -> None:
    ends: list[int] = []

    def answer(start: int, size: int) -> FeedPage:
        ends.append(start + size)
        return page([], limits.ARXIV_RESULT_CAP)

    read(answer, page_size=3000)
    assert max(ends) == limits.ARXIV_RESULT_CAP


@pytest.mark.parametrize("trust_zero", [True, False])
@given(count=st.integers(min_value=1, max_value=60), seed=st.integers(min_value=0, max_value=10_000))
def test_complete_slice_holds_every_paper_however_pages_are_shuffled_and_short(
    trust_zero: bool, count: int, seed: int
) -> None:
    shelf, rng = papers(count), random.Random(seed)

    def answer(start: int, size: int) -> FeedPage:
        if rng.random() < 0.1:
            return page([], 0)
        order = rng.sample(shelf, count) if rng.random() < 0.3 else shelf
        shown = order[start : start + size]
        return page(rng.sample(shown, max(0, len(shown) - rng.choice([0, 0, 0, 1, 5]))), count)

    ending, _ = read(answer, trust_zero=trust_zero)
    if isinstance(ending, Complete) and ending.total:
        assert set(ending.papers) == set(shelf)
    elif isinstance(ending, SplitNeeded):
        assert ending.seen < count


def test_paper_shown_twice_is_kept_once() -> None:
    shelf = [*papers(10), papers(10)[9], *papers(11)[10:]]  # the last of page one again, before the last paper
    ending, _ = read(lambda start, size: page(shelf[start : start + size], 11))
    assert isinstance(ending, Complete)
    assert [each.arxiv_id.value for each in ending.papers] == [f"2611.{number:05}" for number in range(11)]
