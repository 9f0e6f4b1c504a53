"""arXiv's search terms for expressions find every paper that satisfies them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given

from bot.domain.expressions.arxiv_terms import TERMS_MAX, expression_terms
from bot.domain.expressions.matching import PaperSets, rows_of
from bot.domain.expressions.nodes import ExpressionNode
from bot.domain.search_terms import formatting_terms
from sandbox.arxiv.index import TermIndex
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.query import parse
from tests.support.expressions import NODES, as_paper, parsed, random_expressions, recorded_papers, vocabulary

SUBMITTED = datetime(2026, 11, 17, tzinfo=UTC)


@pytest.fixture
def index() -> Iterator[TermIndex]:
    """An arXiv without papers."""
    created = TermIndex()
    yield created
    created.close()


def query_of(node: ExpressionNode) -> str | None:
    """Returns the query for the candidates of an expression; None if it is every paper."""
    terms = expression_terms(node)
    if not terms.found:
        return None
    return f"({terms.found} OR ({terms.formatted} AND {formatting_terms()}))" if terms.formatted else terms.found


@pytest.mark.slow
@pytest.mark.recordings
def test_queries_for_ten_thousand_expressions_find_every_recorded_match(index: TermIndex) -> None:
    rng = random.Random(31)
    recorded = recorded_papers()
    index.add(recorded)
    papers = [as_paper(each) for each in recorded]
    expressions = list(random_expressions(rng, vocabulary(rng, papers, 600), 10_000))
    sets = PaperSets(papers, (clause for each in expressions for clause in each.clauses))
    matches = everything = 0
    missed: dict[str, list[str]] = {}
    for expression in expressions:
        matched = {papers[row].arxiv_id.value for row in rows_of(sets.find(expression.node)[0])}
        query = query_of(expression.node)
        matches, everything = matches + len(matched), everything + (query is None)
        if query is not None and (lost := matched - index.search(parse(query)).keys()):
            missed[str(expression)] = sorted(lost)
    assert missed == {}
    assert matches > 10 * len(expressions)
    assert everything < len(expressions) / 10


def found(index: TermIndex, typed: str, *papers: SandboxPaper) -> list[str]:
    """Returns the titles of these papers that the query for an expression finds."""
    index.add(papers)
    query = query_of(parsed(typed).node)
    assert query is not None
    titles = {paper.arxiv_id: paper.title for paper in papers}
    return sorted(titles[each] for each in index.search(parse(query)))


def paper(number: int, title: str, **fields: object) -> SandboxPaper:
    """Builds a paper of the local arXiv."""
    return SandboxPaper(title=title, arxiv_id=f"2611.{number:05}", published=SUBMITTED, **fields)  # type: ignore[arg-type]


def test_excluded_word_is_not_sent(index: TermIndex) -> None:
    # arXiv's stems of `general` and `generate` are equal.
    assert found(index, "agents -general", paper(1, "Agents that generate")) == ["Agents that generate"]


def test_excluded_categories_are_sent(index: TermIndex) -> None:
    vision, other = paper(1, "Agents A", categories=("cs.CV",)), paper(2, "Agents B")
    algebra = paper(3, "Agents C", categories=("math.AG",))
    assert found(index, "agents -cat:cs.CV -cat:math.*", vision, other, algebra) == ["Agents B"]


def test_excluded_primary_category_is_not_sent(index: TermIndex) -> None:
    listed = paper(1, "Agents", categories=("cs.CL", "cs.CV"))
    assert found(index, "agents -primary:cs.CV", listed) == ["Agents"]


def test_archive_includes_its_categories_and_papers_in_none_of_them(index: TermIndex) -> None:
    listed = paper(1, "A", categories=("astro-ph",)), paper(2, "B", categories=("astro-ph.CO",)), paper(3, "C")
    assert found(index, "cat:astro-ph.*", *listed) == ["A", "B"]


def test_primary_category_is_sent_as_a_category(index: TermIndex) -> None:
    listed = paper(1, "A", categories=("cs.CL",)), paper(2, "B", categories=("cs.LG", "cs.CL")), paper(3, "C")
    assert found(index, "primary:cs.CL", *listed) == ["A", "B"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("LeCun", "Yann Le Cun"),
        ('"Le Cun"', "Yann LeCun"),
        ('"van den Oord"', "Aäron van den Oord"),
        ('"Oord, A. van den"', "A. van den Oord"),
        ("vandenoord", "Aäron van den Oord"),
        ("Erdos", "Pál Erdős"),
        ("ONeill", "Jim O'Neill"),
        ('"O\'Neill"', "Jim ONeill"),
        ('"García-Márquez, G"', "Gabriel García Márquez"),
        ('"Garcia Marquez"', "Gabriel García-Márquez"),
        ('"Xu Wei"', "Wei Xu"),
        ("Møller", "A. Moller"),
    ],
)
def test_author_is_found_in_every_spelling(index: TermIndex, typed: str, name: str) -> None:
    assert found(index, f"au:{typed}", paper(1, "A", authors=("Ada Lovelace", name))) == ["A"]


def test_words_within_formatting_commands_are_found(index: TermIndex) -> None:
    listed = paper(1, r"\emph{Reward} \textbf{model} of agents"), paper(2, "Reward of a model of agents")
    assert found(index, '"reward model" AND (agents OR nothing)', *listed) == [listed[0].title]
    assert found(index, '"reward model" agents -cat:cs.CV', *listed) == [listed[0].title]


def test_field_is_sent(index: TermIndex) -> None:
    listed = paper(1, "Agents", comment="At NeurIPS"), paper(2, "A", abstract="agents", comment="at ICML")
    assert found(index, "ti:agents", *listed) == ["Agents"]
    assert found(index, "abs:agents", *listed) == ["A"]
    assert found(index, "co:neurips", *listed) == ["Agents"]
    assert found(index, "ti:=Agents co:NeurIPS", *listed) == ["Agents"]


@pytest.mark.parametrize("typed", ["agents OR 2026", "2026 -cat:cs.CV", "(agents AND 2026) OR 2026", "co:x OR 모델"])
def test_alternative_that_arxiv_cannot_find_can_be_in_any_paper(typed: str) -> None:
    assert expression_terms(parsed(typed).node).found == ""


def test_term_that_arxiv_cannot_find_is_left_out() -> None:
    assert expression_terms(parsed("agents AND 2026").node) == expression_terms(parsed("agents").node)


def test_query_has_a_limited_number_of_terms() -> None:
    greek = [f"σ{number}" for number in range(1, 50)]
    for joint in (" AND ", " OR "):
        terms = expression_terms(parsed(joint.join(greek)).node)
        assert (terms.found + terms.formatted).count(":") <= TERMS_MAX
        assert bool(terms.found) is (joint == " AND ")


@given(NODES)
def test_query_is_balanced_and_not_deeply_nested(node: ExpressionNode) -> None:
    query = query_of(node)
    assert query is None or parse(query).operands
