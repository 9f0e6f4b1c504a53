"""What expressions exclude, and by which of their exclusions."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.exclusions import find_exclusions, has_exclusions, match_and_exclude
from bot.domain.expressions.keywords import match_keywords, parse_keyword
from bot.domain.paper import Paper
from tests.support.builders import paper

TITLES = (
    "Agents",
    "Agents: A Survey",
    "A Case Study of Agents",
    "A Survey and Case Study of Agents",
    "Planets: A Survey",
)


def titled(*titles: str) -> list[Paper]:
    return [paper(f"2611.{number:05}", title=title) for number, title in enumerate(titles, 1)]


def excluded(typed: str, papers: Sequence[Paper]) -> dict[str, list[str]]:
    """Returns the titles of the excluded papers by exclusion."""
    titles = {each.arxiv_id: each.title for each in papers}
    found: dict[str, list[str]] = {}
    for each in find_exclusions(papers, [parse_keyword(typed)]):
        found.setdefault(each.excluded_by, []).append(titles[each.arxiv_id])
    return found


def test_paper_counts_for_the_first_exclusion_that_removes_it() -> None:
    assert excluded('agents -survey -"case study"', titled(*TITLES)) == {
        "-survey": ["Agents: A Survey", "A Survey and Case Study of Agents"],
        "-case study": ["A Case Study of Agents"],
    }
    assert excluded("agents ANDNOT (survey OR robots)", titled(*TITLES)) == {
        "-(survey | robots)": ["Agents: A Survey", "A Survey and Case Study of Agents"]
    }


@pytest.mark.parametrize("typed", ["agents", "agents OR tools", "agents -cat:cs.LG", "agents OR (tools -survey)"])
def test_keyword_without_exclusions_from_the_whole_excludes_nothing(typed: str) -> None:
    assert not has_exclusions(parse_keyword(typed))
    assert excluded(typed, titled(*TITLES)) == {}


def test_excluded_category_limits_what_other_exclusions_remove() -> None:
    listed = [
        paper("2611.00001", title=TITLES[1], categories=("cs.LG",)),
        paper("2611.00002", title=TITLES[1], categories=("cs.LG", "cs.CL")),
    ]
    found = find_exclusions(listed, [parse_keyword("agents -survey -cat:cs.CL")])
    assert [each.arxiv_id.value for each in found] == ["2611.00001"]
    assert has_exclusions(parse_keyword("agents -primary:cs.LG"))


def test_versions_of_a_paper_count_once() -> None:
    (first,) = titled("Agents: A Survey")
    assert len(find_exclusions([first, first], [parse_keyword("agents -survey")])) == 1


@given(st.lists(st.sampled_from(TITLES), max_size=8))
def test_matches_and_exclusions_together_are_what_matches_without_exclusions(titles: list[str]) -> None:
    papers = titled(*titles)
    keyword, without = parse_keyword('agents -survey -"case study"'), parse_keyword("agents")
    matches, exclusions = match_and_exclude(papers, [keyword, without])
    assert (matches, exclusions) == (
        match_keywords(papers, [keyword, without]), find_exclusions(papers, [keyword, without]),
    )  # fmt: skip
    matched = [each.arxiv_id for each in matches if each.keyword == keyword]
    removed = [each.arxiv_id for each in exclusions]
    assert sorted(matched + removed) == sorted(each.arxiv_id for each in match_keywords(papers, [without]))
