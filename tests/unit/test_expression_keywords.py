"""Keywords that may be expressions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.keywords import (
    AmbiguousKeyword,
    explain_keyword,
    has_category,
    match_keywords,
    narrowed,
    parse_keyword,
    read_keyword,
    required_phrases,
    stored_keyword,
    unambiguous,
)
from bot.domain.expressions.matching import match_expressions
from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.paper import ArxivId, Paper
from bot.domain.queries import Window, candidates_query, keywords_query, latest_query
from bot.runtime.errors import InvalidKeyword
from sandbox.arxiv.index import TermIndex
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
    index = TermIndex()
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


@pytest.mark.parametrize("text", ["agents", "agents OR tools", "agents [cs.CL]", 'name:"My papers" agents'])
def test_stored_text_gives_the_same_keyword_with_its_name(text: str) -> None:
    keyword = parse_keyword(f"name:mine {text}" if "name:" not in text else text)
    again = stored_keyword(keyword.text, keyword.canonical)
    assert (again, again.name, again.shown, again.text) == (keyword, keyword.name, keyword.shown, keyword.text)


def test_name_in_front_of_a_phrase_is_not_part_of_it() -> None:
    keyword = parse_keyword("name:RM reward model", "cs.CL")
    assert (keyword, keyword.label, keyword.shown) == (
        Keyword.parse("reward model [cs.CL]"), "RM", "reward model [cs.CL]",
    )  # fmt: skip
    assert read_keyword("name:RM reward model") == Keyword.parse("reward model")


@pytest.mark.parametrize("text", ["llm and agents", "llm and agents [cs.CL]", "ti:scaling laws", "a1 OR b1 and c1"])
def test_readings_can_be_typed_without_doubt(text: str) -> None:
    keyword = read_keyword(text)
    assert isinstance(keyword, AmbiguousKeyword)
    assert [read_keyword(unambiguous(each)) for each in keyword.readings] == list(keyword.readings)


def test_keyword_is_narrowed_to_a_category() -> None:
    assert narrowed(parse_keyword("agents"), "cs.CL") == parse_keyword("agents [cs.CL]")
    assert narrowed(parse_keyword("agents OR tools"), "cs.CL") == parse_keyword("(agents OR tools) AND cat:cs.CL")
    for text, limited in {"a1": False, "a1 [cs.CL]": True, "a1 OR b1": False, "a1 OR cat:cs.CL AND b1": True}.items():
        assert has_category(parse_keyword(text)) is limited


def test_phrases_are_explained_like_expressions() -> None:
    assert explain_keyword(parse_keyword("a*b c [cs]")) == r"title or abstract contains *a\*b c*; listed in cs.\*"
    assert explain_keyword(parse_keyword("agents OR tools")) == "title or abstract contains *agents* or *tools*"


def test_phrases_that_papers_may_need_are_those_that_are_searched_with_endings() -> None:
    assert required_phrases(parse_keyword("graph nets [cs.CL]")) == ("graph nets",)
    typed = 'agents (tools OR ti:"use of tools") =CLIP co:ICLR au:Hinton cat:cs.* agents -survey'
    assert required_phrases(parse_keyword(typed)) == ("agents", "tools", "use of tools")
