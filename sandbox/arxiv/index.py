"""Searches papers as arXiv does, with SQLite's full-text search in memory.

Imitates Elasticsearch's English analyzer, which arXiv uses: words are stemmed, stop words are dropped but keep their
position within a phrase, hyphens split words, and `4.5` and `Qwen2.5` are one word. It never sorts or pages results.
"""

import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sandbox.arxiv.papers import SandboxPaper, split_id
from sandbox.arxiv.query import DateRange, Group, Node, Operator, Term

# Lucene's EnglishAnalyzer.ENGLISH_STOP_WORDS_SET.
STOP_WORDS = frozenset(
    {
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
    }
    | {"on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will"}
    | {"with"}
)
_FOUND_MAX = 20_000  # terms whose results are remembered
_STOP_WORD_PLACEHOLDER = "stopwordgap"  # replaces a stop word, so that phrases keep their distances

# The subset of Unicode's word boundaries that papers need: an apostrophe or full stop between letters, and a full stop
# or comma between digits, do not end a word; a hyphen does (UAX 29, rules WB6, WB7, WB11, WB12).
# Each Chinese character and each hiragana is a word; katakana and hangul form words, as letters do.
_IDEOGRAPHS = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(
    rf"[{_IDEOGRAPHS}]|(?:(?![{_IDEOGRAPHS}])\w)+(?:(?:(?<=[^\W\d_])['’.](?=[^\W\d_])|(?<=\d)[.,](?=\d))(?:(?![{_IDEOGRAPHS}])\w)+)*"
)
_POSSESSIVE = re.compile(r"['’]s$")
_INNER_PUNCTUATION = str.maketrans(
    {"'": "ʼ", "’": "ʼ", ".": "ǀ", ",": "ǀ", "_": "ǀ"}
)  # letters to SQLite, which therefore does not split the word


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[str, ...]
    tokenizer: str
    folds: bool
    english: bool


# One table per text analysis; `all` searches every field with accents folded.
_TABLES = {
    "english": _Table(("ti", "abs"), "porter unicode61 remove_diacritics 0", folds=False, english=True),
    "plain": _Table(("co", "jr", "rn"), "unicode61 remove_diacritics 0", folds=False, english=False),
    "authors": _Table(("au",), "unicode61 remove_diacritics 0", folds=True, english=False),
    "everything": _Table(
        ("ti", "abs", "au", "co", "jr", "rn"), "porter unicode61 remove_diacritics 0", folds=True, english=True
    ),
}
_TABLE_OF = {"ti": "english", "abs": "english", "co": "plain", "jr": "plain", "rn": "plain", "au": "authors"}


class TermIndex:
    """A full-text index of the visible papers, one row per paper."""

    def __init__(self) -> None:
        self._papers: dict[str, SandboxPaper] = {}
        self._row_of: dict[str, int] = {}
        self._id_of: dict[int, str] = {}
        self._by_category: dict[str, set[str]] = {}
        self._stale: dict[str, set[str]] = {name: set() for name in _TABLES}
        self._found: dict[Term, frozenset[str]] = {}  # since the last change
        # Only one thread uses the connection at a time, but not always the same: searches may run in a worker thread.
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        for name, table in _TABLES.items():
            self._db.execute(
                f"CREATE VIRTUAL TABLE {name} USING fts5({', '.join(table.columns)}, tokenize='{table.tokenizer}')"
            )

    def close(self) -> None:
        """Closes the in-memory database."""
        self._db.close()

    def add(self, papers: Iterable[SandboxPaper]) -> None:
        """Adds papers, each replacing an earlier version."""
        self._found.clear()
        for paper in papers:
            before = self._papers.get(paper.arxiv_id)
            for category in before.categories if before else ():
                self._by_category[category].discard(paper.arxiv_id)
            for category in paper.categories:
                self._by_category.setdefault(category, set()).add(paper.arxiv_id)
            row = self._row_of.setdefault(paper.arxiv_id, len(self._row_of) + 1)
            self._id_of[row] = paper.arxiv_id
            self._papers[paper.arxiv_id] = paper
            for stale in self._stale.values():
                stale.add(paper.arxiv_id)

    def search(self, query: Node) -> Counter[str]:
        """Returns the ids of matching papers, with the number of terms that each matched as a rough relevance."""
        scores: Counter[str] = Counter()
        found = self._find(query, scores)
        return Counter({arxiv_id: scores[arxiv_id] for arxiv_id in found})

    def _find(self, node: Node, scores: Counter[str]) -> set[str]:
        match node:
            case Term():
                if node not in self._found:
                    if len(self._found) >= _FOUND_MAX:
                        self._found.clear()
                    self._found[node] = frozenset(self._term(node))
                scores.update(self._found[node])
                return set(self._found[node])
            case DateRange(first, last):
                return {i for i, paper in self._papers.items() if first <= paper.published <= last}
            case Group(operands, operators, negated):
                found = self._find(operands[-1], scores)
                for operand, operator in zip(reversed(operands[:-1]), reversed(operators), strict=True):
                    found = _combine(self._find(operand, scores), operator, found)
                return self._papers.keys() - found if negated else found

    def _term(self, term: Term) -> set[str]:
        match term.field:
            case "cat":
                return self._in_category(term.value)
            case "id":
                return self._with_id(term.value)
            case "doi":
                return {i for i, paper in self._papers.items() if paper.doi == term.value}
            case "all":
                return self._text("everything", None, term)
            case field:
                return self._text(_TABLE_OF[field], field, term)

    def _in_category(self, value: str) -> set[str]:
        if "*" not in value:
            return set(self._by_category.get(value, ()))
        names = [name for name in self._by_category if fnmatchcase(name, value.replace("[", "[[]"))]
        return set().union(*(self._by_category[name] for name in names))

    def _with_id(self, value: str) -> set[str]:
        try:
            arxiv_id, version = split_id(value)
        except ValueError:
            return set()
        paper = self._papers.get(arxiv_id)
        return {arxiv_id} if paper and version in (None, paper.version) else set()

    def _text(self, name: str, column: str | None, term: Term) -> set[str]:
        table = _TABLES[name]
        words = list(_words(term.value, table))
        expression = _expression(words, quoted=term.quoted)
        if expression is None:
            return set()
        self._refresh(name)
        if column is not None:
            expression = f"{{{column}}} : ({expression})"
        rows = self._db.execute(f"SELECT rowid FROM {name} WHERE {name} MATCH ?", (expression,))  # noqa: S608 - constant table names
        return {self._id_of[row] for (row,) in rows}

    def _refresh(self, name: str) -> None:
        """Updates a table just before it is read, so that tables that are never searched cost nothing."""
        stale, table = self._stale[name], _TABLES[name]
        if not stale:
            return
        marks = ", ".join("?" * (len(table.columns) + 1))
        insert = f"INSERT INTO {name}(rowid, {', '.join(table.columns)}) VALUES ({marks})"  # noqa: S608 - constant names
        rows = [(self._row_of[i], *_row(self._papers[i], table)) for i in sorted(stale)]
        self._db.execute("BEGIN")
        self._db.executemany(f"DELETE FROM {name} WHERE rowid = ?", [row[:1] for row in rows])  # noqa: S608 - as above
        self._db.executemany(insert, rows)
        self._db.execute("COMMIT")
        stale.clear()


def _combine(left: set[str], operator: Operator, right: set[str]) -> set[str]:
    match operator:
        case Operator.AND:
            return left & right
        case Operator.OR:
            return left | right
        case Operator.ANDNOT:
            return left - right


def _row(paper: SandboxPaper, table: _Table) -> Iterator[str]:
    fields = {
        "ti": paper.title,
        "abs": paper.abstract,
        # A placeholder between names, so that a phrase never spans two authors.
        "au": f" {_STOP_WORD_PLACEHOLDER} ".join(paper.authors),
        "co": paper.comment or "",
        "jr": paper.journal_ref or "",
        "rn": paper.report_number or "",
    }
    return (" ".join(_words(fields[column], table)) for column in table.columns)


def _words(text: str, table: _Table) -> Iterator[str]:
    for word in _WORD.findall(_fold(text) if table.folds else text):
        own = _POSSESSIVE.sub("", word) if table.english else word
        yield (
            _STOP_WORD_PLACEHOLDER if table.english and own.lower() in STOP_WORDS else own.translate(_INNER_PUNCTUATION)
        )


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_FOLDED_LETTERS)


# Letters that ICU folding maps but Unicode decomposition does not.
_FOLDED_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "ħ": "h", "ı": "i", "ß": "ss"}
    | {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"}
)


def _expression(words: list[str], *, quoted: bool) -> str | None:
    """Returns the full-text expression for a phrase or an AND of words; None if there are only stop words."""
    while words and words[0] == _STOP_WORD_PLACEHOLDER:
        words.pop(0)
    while words and words[-1] == _STOP_WORD_PLACEHOLDER:
        words.pop()
    if not words:
        return None
    if quoted:
        return f'"{" ".join(words)}"'
    return " AND ".join(f'"{word}"' for word in words if word != _STOP_WORD_PLACEHOLDER)
