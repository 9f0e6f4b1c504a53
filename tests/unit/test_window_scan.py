"""Window scans: complete only when every paper that arXiv counts was read."""

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

REJECTIONS = (Rejection("http://arxiv.org/abs/x", "it has no title"), Rejection("entry 2 of the page", "it has no id"))
Responder = Callable[[int, int], FeedPage]


def papers(count: int) -> list[Paper]:
    return [paper(f"2611.{number:05}") for number in range(count)]


def page(shown: Sequence[Paper], total: int, *, rejected: Sequence[Rejection] = ()) -> FeedPage:
    return FeedPage(tuple(shown), tuple(rejected), total, 0)


def serving(stored: Sequence[Paper]) -> Responder:
    return lambda start, size: page(stored[start : start + size], len(stored))


def always(response: FeedPage) -> Responder:
    return lambda _start, _size: response


def read(respond: Responder, *, page_size: int = 10, trust_zero: bool = True) -> tuple[Complete | SplitNeeded, int]:
    """Runs a scan to its end; returns the result and the number of requests."""
    scan = WindowScan(trust_zero=trust_zero, page_size=page_size)
    for requests in range(1000):
        step = scan.step
        if not isinstance(step, FetchPage):
            return step, requests
        scan = scan.after(respond(step.start, step.size))
    raise AssertionError("the scan does not end")


def test_window_is_read_page_by_page() -> None:
    stored = papers(25)
    assert read(serving(stored)) == (Complete(tuple(stored), (), 25), 3)


def test_scan_starts_with_a_full_page() -> None:
    assert WindowScan(trust_zero=True).step == FetchPage(0, ARXIV_PAGE_SIZE)


def test_rejected_entries_count_as_read() -> None:
    assert read(always(page(papers(3), 5, rejected=REJECTIONS))) == (Complete(tuple(papers(3)), REJECTIONS, 5), 1)


def test_entry_rejected_on_two_pages_counts_once() -> None:
    shown = iter([page(papers(3), 5, rejected=REJECTIONS[:1]), page(papers(4), 5, rejected=REJECTIONS[:1])])
    assert read(lambda _start, _size: next(shown)) == (Complete(tuple(papers(4)), REJECTIONS[:1], 5), 2)


def test_unchanged_papers_count_as_read() -> None:
    known = tuple(each.arxiv_id for each in papers(5)[3:])
    shown = FeedPage(tuple(papers(3)), (), 5, 0, known, (1, 2, 3))
    assert read(always(shown)) == (Complete(tuple(papers(3)), (), 5, 2, frozenset({1, 2, 3})), 1)


def test_page_of_unchanged_papers_advances_the_scan() -> None:
    pages = [FeedPage((), (), 15, 0, tuple(each.arxiv_id for each in papers(10))), page(papers(15)[10:], 15)]
    shown = iter(pages)
    assert read(lambda _start, _size: next(shown)) == (Complete(tuple(papers(15)[10:]), (), 15, 10), 2)


def test_paper_that_changes_during_a_scan_counts_once() -> None:
    first = FeedPage((), (), 2, 0, (papers(1)[0].arxiv_id,))
    shown = iter([first, page(papers(1), 2), page(papers(2), 2)])
    assert read(lambda _start, _size: next(shown), page_size=1) == (Complete(tuple(papers(2)), (), 2), 3)


def test_zero_results_are_trusted_after_a_probe_with_papers() -> None:
    assert read(serving([]), trust_zero=True) == (Complete((), (), 0), 1)


def test_zero_results_without_a_probe_need_a_second_request() -> None:
    assert read(serving([]), trust_zero=False) == (Complete((), (), 0), 2)


def test_papers_found_by_the_second_request_are_kept() -> None:
    shown = iter([page([], 0), page(papers(2), 2)])
    assert read(lambda _start, _size: next(shown), trust_zero=False) == (Complete(tuple(papers(2)), (), 2), 2)


def test_total_that_drops_to_zero_between_pages_is_ignored() -> None:
    stored = papers(25)
    starts: list[int] = []

    def respond(start: int, size: int) -> FeedPage:
        starts.append(start)
        return page([], 0) if len(starts) == 2 else serving(stored)(start, size)

    result, _ = read(respond)
    assert isinstance(result, Complete)
    assert set(result.papers) == set(stored)


def test_total_that_grows_between_pages_is_read_completely() -> None:
    stored = papers(25)
    result, requests = read(lambda start, size: page(stored[start : start + size], 15 if start == 0 else 25))
    assert result == Complete(tuple(stored), (), 25)
    assert requests == 3


def test_next_page_continues_where_a_short_page_ended() -> None:
    stored = papers(20)
    starts: list[int] = []

    def respond(start: int, size: int) -> FeedPage:
        starts.append(start)
        return serving(stored)(start, 7 if start == 0 else size)

    assert read(respond) == (Complete(tuple(stored), (), 20), 3)
    assert starts == [0, 7, 17]


def test_papers_missing_from_a_page_are_found_by_another_sweep() -> None:
    stored = papers(30)
    calls: list[int] = []

    def respond(start: int, size: int) -> FeedPage:
        calls.append(start)
        return page(stored[start : start + 1], 30) if len(calls) == 1 else serving(stored)(start, size)

    result, _ = read(respond)
    assert isinstance(result, Complete)
    assert set(result.papers) == set(stored)


def test_window_still_incomplete_after_three_more_sweeps_is_split() -> None:
    stored = papers(20)
    result, requests = read(lambda start, size: page(stored[start : min(start + size, 19)], 20))
    assert result == SplitNeeded(seen=19, total=20)
    assert requests == 4 * 3  # each sweep has one more request for the missing entry


def test_window_whose_pages_stay_empty_is_split() -> None:
    assert read(always(page([], 20))) == (SplitNeeded(seen=0, total=20), 8)


def test_window_above_the_cap_is_split_after_one_page() -> None:
    over = limits.ARXIV_RESULT_CAP + 1
    assert read(always(page(papers(10), over))) == (SplitNeeded(seen=10, total=over), 1)


def test_no_page_goes_beyond_the_cap() -> None:
    ends: list[int] = []

    def respond(start: int, size: int) -> FeedPage:
        ends.append(start + size)
        return page([], limits.ARXIV_RESULT_CAP)

    read(respond, page_size=3000)
    assert max(ends) == limits.ARXIV_RESULT_CAP


@pytest.mark.parametrize("trust_zero", [True, False])
@given(count=st.integers(min_value=1, max_value=60), seed=st.integers(min_value=0, max_value=10_000))
def test_complete_window_has_every_paper_despite_shuffled_short_pages(trust_zero: bool, count: int, seed: int) -> None:
    stored, rng = papers(count), random.Random(seed)

    def respond(start: int, size: int) -> FeedPage:
        if rng.random() < 0.1:
            return page([], 0)
        order = rng.sample(stored, count) if rng.random() < 0.3 else stored
        shown = order[start : start + size]
        return page(rng.sample(shown, max(0, len(shown) - rng.choice([0, 0, 0, 1, 5]))), count)

    result, _ = read(respond, trust_zero=trust_zero)
    if isinstance(result, Complete) and result.total:
        assert set(result.papers) == set(stored)
    elif isinstance(result, SplitNeeded):
        assert result.seen < count


def test_paper_returned_twice_is_kept_once() -> None:
    stored = [*papers(10), papers(10)[9], *papers(11)[10:]]  # the last paper of page one again
    result, _ = read(lambda start, size: page(stored[start : start + size], 11))
    assert isinstance(result, Complete)
    assert [each.arxiv_id.value for each in result.papers] == [f"2611.{number:05}" for number in range(11)]
