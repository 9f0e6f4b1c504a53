"""Which papers satisfy an expression: operators, fields, exact words, categories, authors."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.matching import PaperSets, match_expressions, rows_of
from bot.domain.expressions.names import NameMatch
from bot.domain.expressions.nodes import ExpressionNode, clauses
from bot.domain.expressions.normal_form import normal_form
from bot.domain.expressions.parsing import KeywordExpression, parse_expression
from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.paper import Paper
from tests.support.builders import paper
from tests.support.expressions import (
    CLAUSES,
    NAMES,
    NODES,
    PHRASES,
    as_paper,
    parsed,
    random_expressions,
    recorded_papers,
    vocabulary,
)
from tests.support.reference_expressions import ReferenceExpressions

texts = st.lists(st.sampled_from((*PHRASES, "rewarding", "models", ".", "C", "Clip", "e.g.")), max_size=6).map(" ".join)
codes = st.lists(st.sampled_from(("cs.CL", "cs.LG", "astro-ph", "math-ph", "math.AG")), min_size=1, max_size=2)
papers = st.lists(
    st.builds(
        lambda number, title, abstract, comment, authors, codes: paper(
            f"2611.{number:05}",
            title=title,
            abstract=abstract,
            comment=comment,
            journal_ref=comment,
            authors=tuple(authors),
            categories=tuple(codes),
            primary_category=codes[0],
        ),
        st.integers(1, 4),
        texts,
        texts,
        st.none() | texts,
        st.lists(st.sampled_from((*NAMES, "G. Hinton", "Grace Hinton", "Yann LeCun", "Li Xiaoming")), max_size=3),
        codes,
    ),
    max_size=5,
)


def found(node: ExpressionNode, papers: list[Paper]) -> dict[int, NameMatch]:
    """Returns the places of the papers that satisfy an expression, and how well."""
    matched, certain = PaperSets(papers, clauses(node)).find(node)
    certainly = set(rows_of(certain))
    return {row: NameMatch.FULL if row in certainly else NameMatch.POSSIBLE for row in rows_of(matched)}


@given(NODES, papers)
def test_sets_equal_a_comparison_of_each_clause_with_each_paper(node: ExpressionNode, papers: list[Paper]) -> None:
    assert found(node, papers) == ReferenceExpressions(papers).satisfying(node)


@given(NODES, papers)
def test_normal_form_is_satisfied_by_the_same_papers(node: ExpressionNode, papers: list[Paper]) -> None:
    assert found(normal_form(node), papers).keys() == found(node, papers).keys()


@pytest.mark.slow
@pytest.mark.recordings
def test_ten_thousand_expressions_over_recorded_papers_equal_a_naive_evaluation() -> None:
    rng = random.Random(13)
    recorded = [as_paper(each) for each in rng.sample(recorded_papers(), 60)]
    reference = ReferenceExpressions(recorded)
    expressions = list(random_expressions(rng, vocabulary(rng, recorded, 300), 10_000))
    sets = PaperSets(recorded, (clause for each in expressions for clause in each.clauses))
    matches = 0
    for expression in expressions:
        matched, certain = sets.find(expression.node)
        naive = reference.satisfying(expression.node)
        assert list(rows_of(matched)) == list(naive), str(expression)
        assert list(rows_of(certain)) == [row for row, each in naive.items() if each is NameMatch.FULL], str(expression)
        matches += len(naive)
    assert matches > 2 * len(expressions)


# --- examples ------------------------------------------------------------------------------------

PAPER = paper(
    title="Reward models for C++ agents",
    abstract="We train CLIP with RLHF. A survey of rewards. CLIPs are clipped.",
    authors=("Geoffrey E. Hinton", "Yann Le Cun"),
    comment="Accepted at NeurIPS 2026 workshops",
    journal_ref="Phys. Rev. Lett. 1",
    categories=("cs.CL", "cs.LG"),
    primary_category="cs.CL",
)


@pytest.mark.parametrize(
    "typed",
    [
        "reward model",
        '"reward model" OR nothing',
        '("reward model" OR nothing) AND cat:cs.CL ANDNOT physics',
        "rlhf | nothing",
        '"reward model" RLHF',
        '"reward model" -physics',
        "ti:agents abs:survey",
        "-ti:survey agents",
        "co:NeurIPS",
        'co:"neurips 2026"',
        'jr:"phys. rev. lett."',
        "cat:cs.*",
        "cat:cs",
        "cat:cs.LG",
        "primary:cs.CL",
        "primary:cs.*",
        "=CLIP",
        '="A survey of"',
        "=C++",
        "ti:=C++",
        "au:Hinton",
        'au:"Hinton, G"',
        "au:LeCun",
        "(agents OR nothing) [cs.LG]",
        "NOT (physics OR nothing) AND agents",
        "agents AND NOT NOT agents",
        "cat:(physics.optics OR cs.CL)",
        "ti:(nothing OR agents)",
    ],
)
def test_expression_is_satisfied(typed: str) -> None:
    assert [each.arxiv_id for each in match_expressions([PAPER], [parsed(typed)])] == [PAPER.arxiv_id]


@pytest.mark.parametrize(
    "typed",
    [
        '"reward model" AND nothing',
        '"reward model" ANDNOT survey',
        '"reward model" -survey',
        "ti:survey",
        "abs:agents",
        "co:workshop",
        "co:agents",
        "jr:NeurIPS",
        "primary:cs.LG",
        "cat:math.*",
        "=clip",
        "=RLH",
        "=C",
        "=Rewards",
        "ti:=CLIP",
        "au:Geoffrey",
        'au:"Hinton, F"',
        "agents ANDNOT (au:Hinton OR nothing)",
    ],
)
def test_expression_is_not_satisfied(typed: str) -> None:
    assert match_expressions([PAPER], [parsed(typed)]) == ()


def test_match_by_an_initial_is_possible() -> None:
    expressions = [parsed(each) for each in ('au:"Hinton, G"', "au:Hinton", 'au:"Hinton, G" OR agents', "=C++")]
    assert [each.is_possible for each in match_expressions([PAPER], expressions)] == [True, False, False, False]


def test_two_versions_of_a_paper_match_once() -> None:
    older = paper(PAPER.arxiv_id.value, title="Agents")
    assert len(match_expressions([older, PAPER], [parsed("agents OR nothing")])) == 1


def test_equal_expressions_match_once() -> None:
    expressions = [parsed("agents OR nothing"), parsed("nothing | Agent")]
    assert [each.expression for each in match_expressions([PAPER], expressions)] == expressions[:1]


def test_phrase_matches_as_the_keyword_does() -> None:
    for phrase in PHRASES:
        keyword, expression = Keyword.parse(phrase), parse_phrase(phrase)
        assert expression.canonical == keyword.canonical
        some = [
            paper(title=phrase),
            paper("2611.00002", abstract="nothing"),
            paper("2611.00003", abstract=f"A {phrase}."),
        ]
        expected = [each.arxiv_id for each in match(some, [keyword])]
        assert [each.arxiv_id for each in match_expressions(some, [expression])] == expected != []


def parse_phrase(text: str) -> KeywordExpression:
    """Returns the reading of a text as a phrase."""
    expression = parse_expression(text)
    return expression if isinstance(expression, KeywordExpression) else expression.readings[0]


@pytest.mark.parametrize("rows", [(), (0,), (3, 5), tuple(range(0, 200, 3)), (0, 1999), tuple(range(2000))])
def test_rows_of_a_set_are_its_bits(rows: tuple[int, ...]) -> None:
    assert tuple(rows_of(sum(1 << row for row in rows))) == rows


@given(st.lists(CLAUSES, min_size=1, max_size=4), papers)
def test_many_papers_of_a_clause_equal_few(some: list[ExpressionNode], papers: list[Paper]) -> None:
    many = [paper(f"2611.{10 * number + part:05}", title=each.title, abstract=each.abstract, authors=each.authors,
                  comment=each.comment, journal_ref=each.journal_ref, categories=each.categories,
                  primary_category=each.primary_category)
            for number in range(40) for part, each in enumerate(papers)]  # fmt: skip
    for node in some:
        few = found(node, papers)
        expected = {number * len(papers) + row for number in range(40) for row in few}
        assert found(node, many).keys() == expected


def test_clause_of_many_papers_has_all_of_them() -> None:
    many = [paper(f"2611.{number:05}", title="Agents" if number % 4 else "Tools") for number in range(200)]
    expected = [row for row in range(200) if row % 4]
    assert list(found(parsed("agents OR nothing").node, many)) == expected
