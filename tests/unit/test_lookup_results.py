"""Results of lookups: which are kept, and for how long."""

from dataclasses import replace

from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.services.lookup_results import (
    LOOKUPS_KEPT,
    PAPERS_KEPT,
    LookupOrder,
    LookupQuery,
    LookupResult,
    LookupResults,
)
from tests.support.builders import paper

PAPER = paper()


def query(number: int) -> LookupQuery:
    return LookupQuery(Keyword.parse(f"word{number}"))


def kept(results: LookupResults, count: int) -> list[int]:
    """Returns the numbers of the queries whose results are kept."""
    return [number for number in range(count) if results.get(query(number), 0.0).papers]


def result(*papers: Paper) -> LookupResult:
    return LookupResult(papers, len(papers))


def test_result_is_kept_until_it_expires() -> None:
    results = LookupResults()
    results.keep(query(1), result(PAPER), 10.0)
    assert results.get(query(1), 9.9).papers == (PAPER,)
    assert results.get(query(1), 10.0) == LookupResult()
    assert results.get(replace(query(1), order=LookupOrder.UPDATED), 0.0) == LookupResult()


def test_oldest_of_too_many_results_are_dropped() -> None:
    results = LookupResults()
    for number in range(LOOKUPS_KEPT + 2):
        results.keep(query(number), result(PAPER), 10.0)
    assert kept(results, LOOKUPS_KEPT + 2) == list(range(2, LOOKUPS_KEPT + 2))


def test_results_with_too_many_papers_together_are_dropped() -> None:
    results = LookupResults()
    results.keep(query(0), result(PAPER), 10.0)
    results.keep(query(1), result(*[PAPER] * (PAPERS_KEPT - 1)), 10.0)
    assert kept(results, 3) == [0, 1]
    results.keep(query(2), result(PAPER), 10.0)
    assert kept(results, 3) == [1, 2]
    results.keep(query(0), result(*[PAPER] * (PAPERS_KEPT + 1)), 10.0)
    assert kept(results, 3) == [0]
