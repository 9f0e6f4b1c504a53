"""Keywords that may be expressions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.keywords import (
    AmbiguousKeyword,
    match_keywords,
    parse_keyword,
    read_keyword,
    stored_keyword,
)
from bot.domain.expressions.matching import match_expressions
from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.paper import ArxivId, Paper
from bot.domain.queries import Window, candidates_query, keywords_query, latest_query
from bot.runtime.errors import InvalidKeyword
from sandbox.arxiv.index import SearchIndex
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.query import parse
from tests.support.builders import paper
from tests.support.expressions import PHRASES
from tests.unit.test_expression_matching import papers

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
WEEK = Window(NOW - timedelta(days=7), NOW)
EXPRESSIONS = ("reward OR CLIP", "ti:reward -RLHF", "au:Hinton", "cat:cs.CL", "=CLIP", "reward -cat:cs.LG")


@pytest.mark.parametrize(
    "text", [*PHRASES, "reward model [cs.CL]", "large models (LLMs)", "a1 and b1", "vision:language"]
)
def test_phrase_in_a_file_is_the_keyword_that_it_was(text: str) -> None:
    keyword, before = parse_keyword(text), Keyword.parse(text)
    assert (keyword, keyword.shown, keyword.tokens, keyword.category, keyword.expression) == (
        before, before.shown, before.tokens, before.category, None,
    )  # fmt: skip


def test_phrase_in_quotation_marks_or_with_a_category_clause_is_a_phrase() -> None:
    assert read_keyword('"reward model" AND cat:cs.CL') == Keyword.parse("reward model [cs.CL]")
    assert read_keyword("reward model", "cs.CL") == Keyword.parse("reward model [cs.CL]")
    assert parse_keyword("ti:clip OR abs:clip") == Keyword.parse("clip")


def test_expression_is_shown_as_it_can_be_typed() -> None:
    keyword = parse_keyword('RLHF|"reward model" [cs.CL]')
    assert keyword.shown == '(RLHF OR "reward model") AND cat:cs.CL'
    assert parse_keyword(keyword.shown) == keyword
    assert keyword.expression is not None


def test_ambiguous_text_has_a_keyword_per_reading() -> None:
    keyword = read_keyword("llm and agents")
    assert isinstance(keyword, AmbiguousKeyword)
    assert [each.shown for each in keyword.readings] == ["llm and agents", "llm AND agents"]


def test_ambiguous_expression_in_a_file_is_rejected_with_its_readings() -> None:
    with pytest.raises(InvalidKeyword, match=r'Write `ti:"scaling laws"` or `ti:scaling AND laws`'):
        parse_keyword("ti:scaling laws")


def test_stored_phrase_with_operators_keeps_its_meaning() -> None:
    before = Keyword.parse("llm OR agents")
    assert stored_keyword(before.shown, before.canonical).expression is None
    expression = parse_keyword("llm OR agents")
    assert stored_keyword(expression.shown, expression.canonical) == expression != before


@given(papers, st.lists(st.sampled_from((*PHRASES, *EXPRESSIONS)), max_size=6))
def test_matches_are_those_of_phrases_and_expressions_by_keyword(papers: list[Paper], typed: list[str]) -> None:
    keywords = [parse_keyword(text) for text in typed]
    expected: list[ArxivId] = []
    for keyword in dict.fromkeys(keywords):
        if keyword.expression is None:
            expected += (pair.arxiv_id for pair in match(papers, [keyword]))
        else:
            expected += (found.arxiv_id for found in match_expressions(papers, [keyword.expression]))
    assert [pair.arxiv_id for pair in match_keywords(papers, keywords)] == expected


def test_query_for_several_keywords_finds_the_candidates_of_each() -> None:
    keywords = [parse_keyword("graph networks"), parse_keyword("RLHF OR au:Hinton"), parse_keyword("tools -cat:cs.CV")]
    index = SearchIndex()
    listed = [
        SandboxPaper(title="Graph network", arxiv_id="2611.00001", published=NOW),
        SandboxPaper(title="A", authors=("G. Hinton",), arxiv_id="2611.00002", published=NOW),
        SandboxPaper(title=r"\emph{Tools}", arxiv_id="2611.00003", published=NOW),
        SandboxPaper(title="Tools", categories=("cs.CV",), arxiv_id="2611.00004", published=NOW),
    ]
    index.add(listed)
    found = index.search(parse(candidates_query(keywords, WEEK).search))
    assert sorted(found) == ["2611.00001", "2611.00002", "2611.00003"]
    assert sorted(index.search(parse(keywords_query(keywords, WEEK).search))) == sorted(found)
    index.close()


def test_expression_that_arxiv_cannot_find_reads_every_paper() -> None:
    keyword = parse_keyword("agents OR 2026")
    assert candidates_query([keyword, parse_keyword("tools")], WEEK).search == WEEK.search_term
    assert latest_query(keyword).search.startswith("submittedDate:[1991")
    assert latest_query(parse_keyword("ti:agents")).search == '(ti:"agents")'


def test_keyword_typed_twice_matches_once() -> None:
    agents = paper(title="Agents")
    keywords = [parse_keyword("agents OR tools"), parse_keyword("tools | agent"), parse_keyword("agents")]
    assert [pair.keyword.shown for pair in match_keywords([agents], keywords)] == ["agents OR tools", "agents"]
