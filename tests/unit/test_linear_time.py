"""No text makes a regular expression or a text function slow.

Expressions are attacked with 100,000 characters that are derived from their structure, and must take less than a
second; functions with as many characters as their input can have. The times are CPU times, so that the load of the
machine does not matter.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from bot.domain.channel_schedule import parse_time, split_zone
from bot.domain.expressions.grammar import split_tokens
from bot.domain.expressions.names import listed_readings
from bot.domain.expressions.parsing import parse_expression
from bot.domain.expressions.splitting import split_list
from bot.domain.feed import PAPER_ABSTRACT_MAX, PAPER_FIELD_MAX, PAPER_TITLE_MAX
from bot.domain.keyword import Keyword
from bot.domain.layout.badges import badges
from bot.domain.layout.card import full_abstract, lay_out_cards
from bot.domain.layout.code_link import code_link
from bot.domain.layout.venue import venue
from bot.domain.matching import match
from bot.domain.paper_ids import find_paper_ids, parse_paper_id
from bot.domain.period import parse_period
from bot.domain.period_text import read_period
from bot.domain.searchable import searchable
from bot.domain.similar_terms import similar_keywords
from bot.domain.stemming import stem
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, defuse_mentions, escape_keeping_links, escape_label, escape_markdown
from bot.domain.tokens import read_tokens
from bot.domain.unsupported import unsupported_syntax, without_ending_wildcards
from bot.domain.withdrawal import is_withdrawn
from bot.domain.words import caseless, plain, unaccented, visible
from bot.domain.zones import parse_zone, suggest_zones
from bot.page.bibtex import bibtex
from bot.page.markdown import escaped
from bot.page.references import ReferenceFormat, write_citation
from bot.page.text import plain_text
from bot.runtime.errors import DailyPapersError
from tests.support.builders import paper
from tests.support.regex_attacks import Expression, attacks, expressions

pytestmark = pytest.mark.slow

SIZE: Final = 100_000
BOUND_S: Final = 1.0
# An expression can have thousands of texts: those that take the longest at a short length are tried at full length.
SHORT: Final = 4000
TRIED: Final = 12
PAPER: Final = paper("2611.00001")
KEYWORDS: Final = [Keyword.parse(text) for text in ("reward model", "Q*", "graph networks [cs.LG]")]
# What opens or separates something in TeX, Markdown, keywords, comments and links.
UNITS: Final = (
    "{", "}", "$", "\\", "^{", "_", "\\frac{", "\\left(", "\\href{", "\\c ", "``", "'", "~", "\\cite{a}", "\\sim ", "[",
    "(", "<", "<1@", "*", "|", "a ", "a-", "1 ", ". ", "a, ", "A", "\u4e2d", "\u0301", "a.b/", "http://a ", " ",
    "https://github.com/a/b ", "https://arxiv.org/abs/2403.01234v1", "%2F", "2403.", "hep-th/", "10.48550/",
    "accepted at ", "pages, ", "CVPR 2026 ", "withdrawn ", "AND ", "# 1", "@",
)  # fmt: skip
# Each function with how much text it can get: `domain.feed` caps the fields of papers, Discord the options of commands.
FUNCTIONS: Final[dict[str, tuple[Callable[[str], object], int]]] = {
    "visible": (visible, SIZE),
    "plain": (plain, SIZE),
    "caseless": (caseless, SIZE),
    "unaccented": (unaccented, SIZE),
    "escape_markdown": (escape_markdown, SIZE),
    "escape_label": (escape_label, SIZE),
    "escape_keeping_links": (escape_keeping_links, SIZE),
    "escaped": (escaped, SIZE),
    "defuse_mentions": (defuse_mentions, SIZE),
    "cut": (lambda text: cut(text, 4096), SIZE),
    "Keyword.parse": (Keyword.parse, SIZE),
    "unsupported_syntax": (unsupported_syntax, SIZE),
    "without_ending_wildcards": (without_ending_wildcards, SIZE),
    "split_list": (split_list, 6000),
    "split_tokens": (split_tokens, SIZE),
    "parse_expression": (parse_expression, SIZE),
    "listed_readings": (listed_readings, PAPER_FIELD_MAX),
    "parse_zone": (parse_zone, SIZE),
    "suggest_zones": (suggest_zones, SIZE),
    "parse_time": (parse_time, SIZE),
    "split_zone": (split_zone, SIZE),
    "stem": (stem, SIZE),
    "read_tokens": (read_tokens, PAPER_ABSTRACT_MAX),
    "similar_keywords": (lambda text: similar_keywords(text, ["graph networks", "agents"]), PAPER_TITLE_MAX),
    "tex_to_text": (tex_to_text, PAPER_ABSTRACT_MAX),
    "plain_text": (plain_text, PAPER_ABSTRACT_MAX),
    "searchable": (searchable, PAPER_ABSTRACT_MAX),
    "match": (lambda text: match([replace(PAPER, abstract=text)], KEYWORDS), PAPER_ABSTRACT_MAX),
    "code_link": (lambda text: code_link(replace(PAPER, abstract=text)), PAPER_ABSTRACT_MAX),
    "is_withdrawn": (lambda text: is_withdrawn(replace(PAPER, abstract=f"withdrawn {text}")), PAPER_ABSTRACT_MAX),
    "full_abstract": (lambda text: full_abstract(replace(PAPER, abstract=text)), PAPER_ABSTRACT_MAX),
    "lay_out_cards": (lambda text: lay_out_cards([(replace(PAPER, abstract=text), ["x"])], {}), PAPER_ABSTRACT_MAX),
    "venue of a comment": (lambda text: venue(text, None), PAPER_FIELD_MAX),
    "venue of a reference": (lambda text: venue(None, text), PAPER_FIELD_MAX),
    "badges": (lambda text: badges(replace(PAPER, comment=text)), PAPER_FIELD_MAX),
    "authors": (lambda text: replace(PAPER, authors=(text,)), PAPER_FIELD_MAX),
    "parse_paper_id": (parse_paper_id, SIZE),
    "find_paper_ids": (lambda text: find_paper_ids(text, 20), SIZE),
    "read_period": (lambda text: read_period(text, PAPER.published.date()), SIZE),
    "parse_period": (lambda text: parse_period(text, text, PAPER.published.date()), SIZE),
    "write_citation": (
        lambda text: [write_citation(replace(PAPER, title=text, authors=(text,)), form) for form in ReferenceFormat],
        PAPER_TITLE_MAX,
    ),
    "bibtex": (lambda text: bibtex(replace(PAPER, title=text, authors=(text,))), PAPER_TITLE_MAX),
}


class TooSlow(BaseException):
    """Not an Exception, so that nothing catches it."""


def _interrupt(*_: object) -> None:
    raise TooSlow


@contextmanager
def cpu_time_limit(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def cpu_time_s(call: Callable[[], object]) -> float:
    started_s = time.process_time()
    call()
    return time.process_time() - started_s


def is_slow(call: Callable[[], object]) -> bool:
    """Whether a call takes longer than the bound twice: the first call may fill caches."""
    for _ in range(2):
        try:
            with cpu_time_limit(BOUND_S):
                call()
        except TooSlow:
            continue
        except (DailyPapersError, ValueError):
            pass
        return False
    return True


def hostile_texts(size: int) -> Iterator[str]:
    """Long runs, runs that are closed, runs within a formula, and runs before ordinary words."""
    for unit in UNITS:
        run = unit * (size // len(unit))
        yield run
        yield f"${run[: size - 2]}$"
        yield run[: size // 2] + "}" * (size // 2)
        yield run[: size // 2] + "ab " * (size // 6)


def slowest_attacks(expression: Expression, way: str) -> list[str]:
    """The texts whose shorter forms take the longest: what is not linear takes longer than the others at any length."""
    short_forms = attacks(expression.pattern, SIZE, SHORT)
    times_s = {text: cpu_time_s(partial(expression.apply, way, short)) for text, short in short_forms.items()}
    return sorted(times_s, key=times_s.__getitem__, reverse=True)[:TRIED]


@pytest.mark.parametrize("expression", expressions(), ids=lambda expression: expression.place)
def test_expression_takes_linear_time(expression: Expression) -> None:
    for way in expression.ways:
        for text in slowest_attacks(expression, way):
            call = partial(expression.apply, way, text)
            assert not is_slow(call), f"{way} of {text[:40]!r}…{text[-10:]!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_takes_no_long_time_for_hostile_text(name: str) -> None:
    function, size = FUNCTIONS[name]
    for text in hostile_texts(size):
        assert not is_slow(partial(function, text)), f"{text[:40]!r}…{text[-10:]!r}"


def test_slow_expression_is_found() -> None:
    slow = Expression("here", re.compile(r"\s+x"), frozenset({"scan"}))
    assert any(is_slow(partial(slow.apply, "scan", text)) for text in slowest_attacks(slow, "scan"))


def test_expressions_of_all_parts_are_found() -> None:
    places = {expression.place.split(":")[0].split(".")[1] for expression in expressions()}
    assert {"domain", "page", "discord_api", "config"} <= places
    assert len(expressions()) > 250
