"""Measures what keywords match in generated TeX and in recorded papers, what arXiv finds of it, and how long it takes.

The recordings are optional. Recorded papers display a term if it is a word of their displayed text. The figures are
discussed in docs/adr/0011-matching.md.
"""

import gc
import random
import re
import sqlite3
import time
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.results import Figure, Run
from bot.domain.keyword import Keyword
from bot.domain.matching import Match, match
from bot.domain.paper import Paper
from bot.domain.previous_matching import previous_matches
from bot.domain.queries import Window, candidates_query
from bot.domain.searchable import searchable, words
from bot.domain.stemming import stem
from bot.domain.tex.convert import tex_to_text
from bot.runtime.errors import InvalidKeyword
from sandbox.arxiv.index import TermIndex
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.query import parse
from tests.support.announced import announced_papers
from tests.support.builders import paper
from tests.support.recordings import ANNOUNCED_DAYS
from tests.support.reference_matching import ReferenceText
from tests.support.tex_forms import tex_papers

_NOW: Final = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
_WEEK: Final = Window(_NOW - timedelta(days=7), _NOW)
_TERMS: Final = ("ΛCDM", "Hα", "σ8", "CO2", "H2O", "H0 tension", "SIM", "RM", "PM", "text")
_GENERATED_PAPERS: Final = 4000
_TIMED_PAPERS, _TIMED_KEYWORDS, _QUERIED_KEYWORDS = 2000, (10, 100, 1000, 10_000), 300
_NAIVE_KEYWORDS: Final = 5  # the naive way takes this part of its time
_ROUNDS: Final = 3
_SHOWN_STEMS: Final = 12
# Limits.
_SHARE_MIN: Final = 0.99
_MISSED_MAX: Final = 0.001
_CPU_MAX_S: Final = 0.5  # for the largest number of keywords
_GROWTH_MAX: Final = 8.0  # from the smallest number of keywords to the largest, a thousand times as many


def measure(_: Run) -> Sequence[Figure]:
    """Compares the matchers, with a table of their own, and measures the time."""
    generated = tex_papers(10, _GENERATED_PAPERS)
    papers = [paper(f"2611.{n:05}", title=each.title, abstract=each.abstract) for n, each in enumerate(generated)]
    displaying = {term: {n for n, each in enumerate(generated) if term in each.terms} for term in _TERMS}
    passed = _compare_matchers(f"{len(papers)} generated papers", papers, displaying)
    if ANNOUNCED_DAYS.exists():
        recorded = announced_papers()
        displaying = {term: _displaying(term, recorded) for term in _TERMS}
        passed &= _compare_matchers(f"{len(recorded)} recorded papers", recorded, displaying)
        _compare_stemmers(recorded)
        passed &= _query_arxiv(recorded)
        papers = recorded * (1 + _TIMED_PAPERS // len(recorded))
    quality = Figure("limits of recall, precision and candidates kept", (float(passed),), "of 1", 1.0, at_least=True)
    return [quality, *_times(papers[:_TIMED_PAPERS])]


# --- recall and precision ------------------------------------------------------------------------


def _compare_matchers(name: str, papers: Sequence[Paper], displaying: Mapping[str, set[int]]) -> bool:
    """Prints the recall and precision of this matcher and of the previous release's."""
    print(f"{name}: displayed / found / both by this matcher; found / both by the previous release's")
    passed = True
    place = {each.arxiv_id: n for n, each in enumerate(papers)}
    for term, displayed in displaying.items():
        keyword = Keyword.parse(term)
        found = {place[pair.arxiv_id] for pair in match(papers, [keyword])}
        pairs = previous_matches(papers, [Match(each.arxiv_id, keyword) for each in papers])
        before = {place[pair.arxiv_id] for pair in pairs}
        counts = (len(displayed), len(found), len(found & displayed), len(before), len(before & displayed))
        print(f"  {term:<12}", *(f"{count:6}" for count in counts))
        passed &= len(found & displayed) >= _SHARE_MIN * max(len(displayed), len(found))
    return passed


def _displaying(term: str, papers: Sequence[Paper]) -> set[int]:
    """Returns the papers with the word in any case, or its plural; that of a name ends in a lower-case s (RMs)."""
    plural = f"(?i:{term}s)" if term.islower() else f"{term}s"
    pattern = re.compile(rf"(?<![^\W_])(?:(?i:{term})|{plural})(?![^\W_])")
    return {n for n, each in enumerate(papers) if any(map(pattern.search, _displayed(each)))}


def _displayed(each: Paper) -> tuple[str, str]:
    title, abstract = (unicodedata.normalize("NFKC", tex_to_text(text)) for text in (each.title, each.abstract))
    return title, abstract


# --- stems ---------------------------------------------------------------------------------------


def _compare_stemmers(papers: Sequence[Paper]) -> None:
    """Prints how many papers Porter's stemmer adds to the keywords of one word, and for which words."""
    counts = Counter(word for each in papers for word in set(words(searchable(f"{each.title}. {each.abstract}"))))
    vocabulary = [word for word in counts if word.isascii() and word.isalpha()]
    porter: dict[str, list[str]] = {}
    for word, porter_stem in _porter_stems(vocabulary).items():
        porter.setdefault(porter_stem, []).append(word)
    split = {key: {stem(word) for word in group} for key, group in porter.items()}
    separated = [key for key, stems in split.items() if len(stems) > 1]
    print(f"{len(vocabulary)} words: {len(porter)} stems of Porter's, {sum(map(len, split.values()))} of this stemmer")
    by_papers = sorted(separated, key=lambda key: -sum(counts[word] for word in porter[key]))
    for key in by_papers[:_SHOWN_STEMS]:
        groups = [[word for word in porter[key] if stem(word) == each] for each in sorted(split[key])]
        print("  separated:", " | ".join(" ".join(f"{word} {counts[word]}" for word in group) for group in groups))
    beyond = {
        each: {_porter for _porter, stems in split.items() if each in stems} for each in set().union(*split.values())
    }
    print("  conflated by this stemmer only:", sorted(each for each, stems in beyond.items() if len(stems) > 1))


def _porter_stems(vocabulary: Sequence[str]) -> dict[str, str]:
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute("CREATE VIRTUAL TABLE texts USING fts5(body, tokenize = 'porter unicode61')")
        index.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'instance')")
        index.executemany("INSERT INTO texts(rowid, body) VALUES (?, ?)", enumerate(vocabulary))
        return {vocabulary[row]: term for term, row in index.execute("SELECT term, doc FROM terms")}


# --- candidates ----------------------------------------------------------------------------------


def _query_arxiv(papers: Sequence[Paper]) -> bool:
    """Prints how many matching papers the query to arXiv misses, and how many candidates it returns."""
    index = TermIndex()
    index.add(
        SandboxPaper(
            title=each.title, abstract=each.abstract, arxiv_id=each.arxiv_id.value, published=_NOW,
            categories=each.categories,
        )
        for each in papers
    )  # fmt: skip
    keywords = _random_keywords(papers, _QUERIED_KEYWORDS)
    matched: dict[Keyword, set[str]] = {keyword: set() for keyword in keywords}
    for pair in match(papers, keywords):
        matched[pair.keyword].add(pair.arxiv_id.value)
    candidates = missed = 0
    for keyword, ids in matched.items():
        found = index.search(parse(candidates_query([keyword], _WEEK).search)).keys()
        candidates, missed = candidates + len(found), missed + len(ids - found)
        if ids - found:
            print(f"  missed: {keyword.shown!r} in {len(ids - found)} papers")
    index.close()
    matches = sum(map(len, matched.values()))
    print(f"{len(keywords)} random keywords: {matches} matches, {missed} missed by arXiv, {candidates} candidates")
    return missed <= _MISSED_MAX * matches


def _random_keywords(papers: Sequence[Paper], count: int) -> list[Keyword]:
    """Returns different keywords of one to three words that papers display."""
    rng = random.Random(7)
    keywords: dict[Keyword, None] = {}
    while len(keywords) < count:
        text = " ".join(_displayed(rng.choice(papers))).split()
        length = rng.choice((1, 2, 2, 3))
        start = rng.randrange(len(text) - length)
        try:
            keywords[Keyword.parse(" ".join(text[start : start + length]).strip(".,;:()").replace(",", " "))] = None
        except InvalidKeyword:
            continue
    return list(keywords)


# --- time ----------------------------------------------------------------------------------------


def _times(papers: Sequence[Paper]) -> list[Figure]:
    """Measures the CPU time for more and more keywords, and that of comparing each keyword with each paper."""
    keywords = _random_keywords(papers, max(_TIMED_KEYWORDS))
    gc.collect()
    gc.freeze()  # as the bot does: its collections do not visit what was there before
    try:
        took_s = {
            count: tuple(_match_once(papers, keywords[:count]) for _ in range(_ROUNDS)) for count in _TIMED_KEYWORDS
        }
    finally:
        gc.unfreeze()
    largest, naive_s = max(took_s), _naive_time(papers, keywords)
    figures = [
        Figure(f"match {len(papers):,} papers, {count:,} keywords", values, "CPU s")
        for count, values in took_s.items()
        if count != largest
    ]
    name = f"match {len(papers):,} papers, {largest:,} keywords"
    growth = min(took_s[largest]) / min(took_s[min(took_s)])
    return [
        *figures,
        Figure(name, took_s[largest], "CPU s", _CPU_MAX_S, (naive_s,), "without an index"),
        Figure(f"growth for {largest // min(took_s):,} times the keywords", (growth,), "times", _GROWTH_MAX),
    ]


def _match_once(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> float:
    started_at_s = time.process_time()
    match(papers, keywords)
    return time.process_time() - started_at_s


def _naive_time(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> float:
    texts = [ReferenceText(each) for each in papers]
    started_at_s = time.process_time()
    for keyword in keywords[:_NAIVE_KEYWORDS]:
        for text in texts:
            text.contains(keyword.tokens)
    return (time.process_time() - started_at_s) * len(keywords) / _NAIVE_KEYWORDS
