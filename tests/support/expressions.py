"""Random expressions, and the papers of the recordings with all their fields."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st

from bot.domain.categories import ARCHIVES, CATEGORIES
from bot.domain.expressions.nodes import (
    AuthorClause,
    CategoryClause,
    Clause,
    ExpressionNode,
    TextField,
    WordClause,
    conjunction,
    disjunction,
    negation,
)
from bot.domain.expressions.parsing import KeywordExpression, parse_expression
from bot.domain.paper import ArxivId, Paper
from bot.domain.tex.convert import tex_to_text
from bot.runtime.errors import InvalidKeyword
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.recorded import read_directory
from tests.support.recordings import ANNOUNCED_DAYS, ARXIV_ANSWERS, recorded_files

PHRASES = (
    "reward model", "reward", "rewards", "RLHF", "CLIP", "clip", "graph neural networks", "C++", "A* search", "ΛCDM",
    "σ8", "CO2", "state-of-the-art", "and rescue", "O(n) attention", "naïve Bayes", "模型", "GPT-4o", "the model",
)  # fmt: skip
NAMES = (
    "Hinton", "Hinton, G", "Geoffrey Hinton", "Y. LeCun", "Le Cun", "van den Oord", "Oord, A. van den", "Erdős",
    "Garcia-Marquez, Gabriel", "Xiao-Ming Li", "O'Neill", "Al Gore",
)  # fmt: skip
CODES = ("cs.CL", "cs", "astro-ph", "astro-ph.CO", "quant-ph", "math")


def parsed(text: str) -> KeywordExpression:
    """Returns the only reading of a text."""
    expression = parse_expression(text)
    assert isinstance(expression, KeywordExpression), text
    return expression


def _word_clauses() -> st.SearchStrategy[WordClause]:
    return st.builds(
        lambda text, field, is_exact: WordClause.parse(text, field, is_exact=is_exact),
        st.sampled_from(PHRASES),
        st.sampled_from(TextField),
        st.booleans(),
    )


CLAUSES: st.SearchStrategy[Clause] = st.one_of(
    _word_clauses(),
    st.sampled_from(NAMES).map(AuthorClause.parse),
    st.builds(CategoryClause, st.sampled_from(CODES), st.booleans()),
)
NODES: st.SearchStrategy[ExpressionNode] = st.recursive(
    CLAUSES,
    lambda nodes: st.one_of(
        nodes.map(negation),
        st.lists(nodes, min_size=2, max_size=4).map(lambda each: conjunction(*each)),
        st.lists(nodes, min_size=2, max_size=4).map(lambda each: disjunction(*each)),
    ),
    max_leaves=10,
)


def recorded_papers() -> tuple[SandboxPaper, ...]:
    """Returns the recorded papers, each once, with the raw text of all their fields."""
    announced = {
        entry["arxiv_id"]: SandboxPaper(
            arxiv_id=entry["arxiv_id"],
            title=entry["title"],
            abstract=entry["abstract"],
            authors=tuple(entry["authors"]),
            categories=tuple(dict.fromkeys((entry["primary_category"], *entry["categories"]))),
            comment=entry["comment"] or None,
            published=datetime(2026, 4, 20, tzinfo=UTC),
        )
        for path in recorded_files(ANNOUNCED_DAYS, "*.json")
        for entry in json.loads(path.read_text(encoding="utf-8"))["papers"]
    }
    return (*{paper.arxiv_id: paper for paper in read_directory(ARXIV_ANSWERS)}.values(), *announced.values())


def as_paper(recorded: SandboxPaper) -> Paper:
    """Returns the paper as the bot reads it from a feed."""
    return Paper(
        arxiv_id=ArxivId(recorded.arxiv_id),
        version=recorded.version,
        title=" ".join(recorded.title.split()),
        abstract=" ".join(recorded.abstract.split()),
        authors=recorded.authors,
        primary_category=recorded.categories[0],
        categories=recorded.categories,
        published=recorded.published,
        updated=recorded.updated,
        comment=recorded.comment,
        journal_ref=recorded.journal_ref,
        doi=recorded.doi,
    )


def vocabulary(rng: random.Random, papers: Sequence[Paper], size: int) -> list[Clause]:
    """Returns random clauses that some of the papers satisfy."""
    found: dict[str, Clause] = {}
    makers = (_random_words, _random_words, _random_words, _random_author, _random_category)
    while len(found) < size:
        try:
            clause = rng.choice(makers)(rng, rng.choice(papers))
        except InvalidKeyword:
            continue  # only stop words
        found[clause.key] = clause
    return list(found.values())


def random_expressions(rng: random.Random, clauses: Sequence[Clause], count: int) -> Iterator[KeywordExpression]:
    """Yields random expressions of these clauses, nested up to three levels deep."""
    made = 0
    while made < count:
        try:
            yield KeywordExpression.create(_random_node(rng, clauses, 3))
        except InvalidKeyword:
            continue  # nearly everything, or a contradiction
        made += 1


def _random_node(rng: random.Random, clauses: Sequence[Clause], depth: int) -> ExpressionNode:
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(clauses)
    operands = [_random_node(rng, clauses, depth - 1) for _ in range(rng.choice((2, 2, 3)))]
    operands = [negation(each) if rng.random() < 0.2 else each for each in operands]
    return rng.choice((conjunction, disjunction))(*operands)


def _random_words(rng: random.Random, paper: Paper) -> Clause:
    field = rng.choice((TextField.TITLE_OR_ABSTRACT, TextField.TITLE_OR_ABSTRACT, *TextField))
    texts = {
        TextField.TITLE: paper.title,
        TextField.COMMENT: paper.comment or paper.title,
        TextField.JOURNAL: paper.journal_ref or paper.title,
    }
    listed = tex_to_text(texts.get(field, paper.abstract)).replace("[", " ").split()
    length = rng.choice((1, 1, 2, 2, 3))
    start = rng.randrange(max(1, len(listed) - length))
    spelled = " ".join(listed[start : start + length]).strip(".,;:()")
    return WordClause.parse(spelled, field, is_exact=rng.random() < 0.15)


def _random_author(rng: random.Random, paper: Paper) -> Clause:
    name = rng.choice(paper.authors)
    given, _, family = name.rpartition(" ")
    return AuthorClause.parse(rng.choice((name, family, f"{given[:1]}. {family}", f"{family}, {given}")))


def _random_category(rng: random.Random, paper: Paper) -> Clause:
    code = rng.choice(paper.categories)
    archive = code.partition(".")[0]
    known = [each for each in (code, archive) if each in CATEGORIES or each in ARCHIVES]
    return CategoryClause(rng.choice(known or ["cs.CL"]), rng.random() < 0.4)
