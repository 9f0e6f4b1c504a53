"""Queries for the full-text index find every paper that the matcher accepts, and few others."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given

from bot.domain.expressions.keywords import as_keyword, match_keywords, parse_keyword
from bot.domain.expressions.nodes import ExpressionNode
from bot.domain.expressions.parsing import KeywordExpression
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.domain.search.query import AllOf, AnyOf, Everything, IndexQuery, TextPart, Words, index_query, ranked_words
from bot.domain.search.terms import INCOMPLETE, PaperTerms, paper_terms
from bot.runtime.errors import InvalidKeyword
from tests.support.builders import paper
from tests.support.expressions import NODES
from tests.unit.test_expression_matching import papers


def proposes(query: IndexQuery, terms: PaperTerms) -> bool:
    """Whether a query finds a paper with these terms."""
    match query:
        case Everything():
            return True
        case Words(sequence, place):
            texts = {
                TextPart.ANYWHERE: (terms.title, terms.abstract, terms.facts),
                TextPart.TITLE: (terms.title,),
                TextPart.ABSTRACT: (terms.abstract,),
            }[place]
            return any(_contains(text, sequence) for text in texts)
        case AllOf(operands, excluded):
            return all(proposes(each, terms) for each in operands) and not any(
                proposes(each, terms) for each in excluded
            )
        case AnyOf(operands):
            return any(proposes(each, terms) for each in operands)


def _contains(text: Sequence[str], sequence: Sequence[str]) -> bool:
    return any(text[start : start + len(sequence)] == sequence for start in range(len(text)))


def found(typed: str, *listed: Paper) -> list[str]:
    """Returns the titles of the papers that the query for a keyword finds."""
    query = index_query(parse_keyword(typed))
    return [each.title for each in listed if proposes(query, paper_terms(each))]


@given(NODES, papers)
def test_every_match_of_an_expression_is_proposed(node: ExpressionNode, listed: list[Paper]) -> None:
    try:
        keyword = as_keyword(KeywordExpression.create(node))
    except InvalidKeyword:
        return
    query = index_query(keyword)
    for each in listed:
        if match_keywords([each], [keyword]):
            assert proposes(query, paper_terms(each)), each


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("reward model", "Rewarding models"),
        ("state of the art", "The state-of-the-art"),
        ("CLIP", "Two CLIPs"),
        ("its LLM", "Its LLM"),
        ("C++", "Templates in C++"),
        ("ΛCDM", r"$\Lambda$CDM"),
        ("σ8", r"$\sigma_8$ tension"),
        ("Node.js", "On Node.js"),
        ("O'Neill", "O'Neill's cylinder"),
        ("模型", "大模型"),
        ("N_eff", "$N_{eff}$"),
        ("ti:=CLIP", "CLIP"),
    ],
)
def test_words_are_found_in_every_spelling(typed: str, title: str) -> None:
    assert found(typed, paper(title=title)) == [title]


def test_words_of_a_phrase_are_found_in_sequence_only() -> None:
    listed = paper(title="A reward model"), paper(title="A model of reward"), paper(title="Rewards", abstract="Model.")
    assert found("reward model", *listed) == ["A reward model"]


def test_field_is_searched_alone() -> None:
    listed = paper(title="Agents"), paper(title="A", abstract="agents"), paper(title="B", comment="agents")
    assert found("ti:agents", *listed) == ["Agents"]
    assert found("abs:agents", *listed) == ["A"]
    assert found("co:agents", *listed) == ["B"]
    assert found("jr:agents", *listed) == []


def test_excluded_category_is_not_found_but_an_excluded_word_is() -> None:
    listed = paper(title="Agents A"), paper(title="Agents survey"), paper(title="Agents B", categories=("cs.CV",))
    assert found("agents -survey -cat:cs.CV", *listed) == ["Agents A", "Agents survey"]


def test_archive_includes_its_categories() -> None:
    listed = paper(title="A", categories=("cs.CL", "math.AG"), primary_category="cs.CL"), paper(title="B")
    assert found("cat:math.*", *listed) == ["A"]
    assert found("primary:cs.*", *listed) == ["A", "B"]
    assert found("primary:math", *listed) == []
    assert found("a paper [math]", paper(categories=("math.AG",))) == ["A paper"]


def test_author_is_found_by_the_family_name_in_any_reading() -> None:
    listed = paper(title="A", authors=("Yann Le Cun",)), paper(title="B", authors=("Ada Lovelace", "Y. LeCun"))
    assert found('au:"LeCun, Y"', *listed) == ["A", "B"]


def test_phrase_with_many_spellings_is_searched_by_its_beginning() -> None:
    phrase = " ".join(["USES"] * 20)
    query = index_query(Keyword.parse(phrase))
    assert proposes(query, paper_terms(paper(title=phrase)))


def test_paper_with_too_many_words_is_marked() -> None:
    long = paper(title="A", abstract="word " * 10_000)
    assert paper_terms(long).facts[0] == INCOMPLETE
    assert paper_terms(replace(long, abstract="", authors=("Ada Lovelace",) * 20_000)).facts[0] != INCOMPLETE
    crowd = paper_terms(replace(long, abstract="", authors=tuple(f"Ada Lovelace{n}" for n in range(20_000))))
    assert crowd.facts[0] == INCOMPLETE
    assert sum(map(len, crowd.facts)) < 200_000


def test_long_word_is_cut_alike_in_the_query_and_in_the_index() -> None:
    long = "a" * 190
    assert found(long, paper(title=long)) == [long]
    assert max(map(len, paper_terms(paper(title=long)).title)) == 60


def test_beginning_of_a_phrase_with_many_spellings_is_searched() -> None:
    typed = "GPUs TPUs CPUs NPUs"  # two spellings of each
    query = index_query(parse_keyword(typed))
    assert isinstance(query, AnyOf)
    assert {len(words.sequence) for words in ranked_words(query)} == {3}
    assert found(typed, paper(title=typed), paper(title="GPUs TPUs")) == [typed]


def test_papers_are_ranked_by_words_alone() -> None:
    query = index_query(parse_keyword('("reward model" OR ti:RLHF) AND cat:cs.CL AND au:Hinton -survey'))
    assert ranked_words(query) == (Words(("reward", "model")), Words(("rlhf",), TextPart.TITLE))
    assert ranked_words(Everything()) == ()


@pytest.mark.parametrize("typed", ["à", "co:à", "jr:à AND ti:à", "à OR agents", "à AND (b OR à)"])
def test_clause_that_is_a_stop_word_without_accents_can_be_in_any_paper(typed: str) -> None:
    assert index_query(parse_keyword(typed)) == Everything()


def test_clause_that_the_index_cannot_narrow_down_is_left_to_the_matcher() -> None:
    for typed in ("agents AND à", "agents AND (à OR b)", "agents AND (b OR -c)"):
        assert index_query(parse_keyword(typed)) == Words(("agent",)), typed


def test_sequence_without_words_cannot_be_created() -> None:
    with pytest.raises(ValueError, match="needs a word"):
        Words(())
