"""Measures which of 10,000 expressions of ten clauses 2,000 papers satisfy, and how long reading an expression takes.

Each expression has the same shape: `(a OR b OR =c OR ti:d) AND (e OR f OR au:g) AND cat:h ANDNOT (i OR abs:j)`. The
phrases have one to three words in sequence that a paper contains, so that most of them are different. The times are CPU
times.
"""

import gc
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from benchmarks.generated_papers import PaperGenerator, phrases
from benchmarks.results import Figure, Run
from bot.domain.expressions.matching import match_expressions
from bot.domain.expressions.parsing import KeywordExpression, parse_expression
from bot.domain.paper import Paper
from bot.runtime.errors import InvalidKeyword
from tests.support.reference_expressions import ReferenceExpressions

_END: Final = datetime(2026, 11, 18, tzinfo=UTC)
_PAPERS: Final = 2000
_EXPRESSIONS: Final = 10_000
_CLAUSES: Final = 10
_READ: Final = 1000
_ROUNDS: Final = 3
_NAIVE_EXPRESSIONS: Final = 2  # the naive way takes this part of its time
_CPU_MAX_S: Final = 2.0
_WORD: Final = re.compile(r"[A-Za-z]+")


def measure(run: Run) -> Sequence[Figure]:
    """Returns the time of matching and that of reading, with the naive way of matching."""
    papers = [each.paper for each in PaperGenerator(_PAPERS, phrases(1000), _END).papers()]
    rng = random.Random(13)
    expressions = _expressions(rng, papers, _EXPRESSIONS)
    typed = list(map(str, expressions[:_READ]))
    reading_s = _timed(lambda: list(map(parse_expression, typed)))
    different = len({each.key for expression in expressions for each in expression.clauses})
    gc.collect()
    gc.freeze()  # as the bot does: its collections do not visit what was there before
    try:
        took_s = tuple(_timed(lambda: match_expressions(papers, expressions)) for _ in range(run.size(1, _ROUNDS)))
    finally:
        gc.unfreeze()
    pairs = len(match_expressions(papers, expressions))
    sizes = f"{_EXPRESSIONS:,} expressions of {_CLAUSES} clauses, {different:,} different, {_PAPERS:,} papers"
    naive = _timed(lambda: _match_naively(papers, expressions[:_NAIVE_EXPRESSIONS]))
    return (
        Figure(
            f"matching {sizes}, {pairs:,} matches",
            took_s,
            "s",
            _CPU_MAX_S,
            naive=(naive * _EXPRESSIONS / _NAIVE_EXPRESSIONS,),
            naive_way="comparing each clause with each paper",
        ),
        Figure(f"reading an expression of {_CLAUSES} clauses", (1000 * reading_s / _READ,), "ms"),
    )


def _timed(work: Callable[[], object]) -> float:
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


def _match_naively(papers: Sequence[Paper], expressions: Sequence[KeywordExpression]) -> list[int]:
    reference = ReferenceExpressions(papers)
    return [len(reference.satisfying(each.node)) for each in expressions]


def _expressions(rng: random.Random, papers: Sequence[Paper], count: int) -> list[KeywordExpression]:
    found: dict[KeywordExpression, None] = {}
    while len(found) < count:
        try:
            parsed = parse_expression(_typed(rng, papers))
        except InvalidKeyword:
            continue  # only stop words
        if isinstance(parsed, KeywordExpression):
            found[parsed] = None
    return list(found)


def _typed(rng: random.Random, papers: Sequence[Paper]) -> str:
    a, b, c, d, e, f, i, j = (f'"{_phrase(rng, rng.choice(papers))}"' for _ in range(_CLAUSES - 2))
    paper = rng.choice(papers)
    author, category = rng.choice(paper.authors), rng.choice(paper.categories)
    return (
        f'({a} OR {b} OR ={c} OR ti:{d}) AND ({e} OR {f} OR au:"{author}") AND cat:{category} ANDNOT ({i} OR abs:{j})'
    )


def _phrase(rng: random.Random, paper: Paper) -> str:
    listed = _WORD.findall(rng.choice((paper.title, paper.abstract)))
    length = rng.choice((1, 2, 2, 3))
    start = rng.randrange(max(1, len(listed) - length))
    return " ".join(listed[start : start + length])
