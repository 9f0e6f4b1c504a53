"""Builds arXiv queries, and the windows of submission times that they cover.

Queries are always fully parenthesized: arXiv has no operator precedence and evaluates from the right, so
`a AND b OR c` means `a AND (b OR c)`. It never sends a request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bot.domain.expressions.arxiv_terms import expression_terms
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.domain.search_terms import any_of, exact_terms, formatting_terms, wide_terms

# Keywords per query. A form POST has no known length limit; status 414 is for GET.
ARXIV_KEYWORDS_PER_QUERY: Final = 40
# Moderation held a paper for 13 days (submitted 30 October, announced 12 November).
INITIAL_SYNC_PERIOD: Final = timedelta(days=30)
POLL_OVERLAP: Final = timedelta(days=7)
WINDOW_MIN: Final = timedelta(hours=1)

# All papers of an initial sync are read in quarters.
_SYNC_HALVINGS: Final = 2

_Item = TypeVar("_Item")

# Every paper: arXiv has no other term for that. It opened on 14 August 1991.
_ANY_TIME: Final = "submittedDate:[199108140000 TO 209912312359]"

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)

# Older windows: one per day, seven in rotation. A day starts up to 24 h before the poll, so the youngest window starts
# one day inside the poll's own overlap. A paper that is 30 days old today may be 36 days old when its turn comes.
_OLDER_WINDOWS: Final = 7
_OLDER_YOUNGEST: Final = POLL_OVERLAP - _DAY
_OLDER_WIDTH: Final = (INITIAL_SYNC_PERIOD + _OLDER_WINDOWS * _DAY - _OLDER_YOUNGEST) / _OLDER_WINDOWS


@dataclass(frozen=True, slots=True)
class Window:
    """A range of submission times, both ends included; queries use whole minutes, rounded outwards."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a window must be in UTC")
        if self.start >= self.end:
            raise ValueError(f"a window must end after it starts: {self.start} to {self.end}")

    @property
    def search_term(self) -> str:
        """The window in arXiv's query syntax."""
        end = self.end if self.end == _whole_minute(self.end) else self.end + _MINUTE
        return f"submittedDate:[{self.start:%Y%m%d%H%M} TO {end:%Y%m%d%H%M}]"

    def halves(self) -> "tuple[Window, Window] | None":
        """Returns two windows that share one minute; None if the window is too narrow to split."""
        length = self.end - self.start
        if length < 2 * WINDOW_MIN:
            return None
        middle = _whole_minute(self.start + length / 2)
        return Window(self.start, middle), Window(middle, self.end)


@dataclass(frozen=True, slots=True)
class Query:
    """A query to arXiv: its `search_query`, the window that it covers, and the order of the results.

    The results are ordered by submission, or with `by_update` by the last version. With `ids`, it asks for these papers
    instead.
    """

    search: str
    window: Window | None = None
    newest_first: bool = True
    by_update: bool = False
    ids: tuple[str, ...] = ()


def keywords_query(keywords: Iterable[Keyword], window: Window) -> Query:
    """Returns a query for papers of any of the keywords (at least one), in the spellings that most papers use."""
    return Query(f"{any_of(map(_keyword_term, keywords))} AND {window.search_term}", window)


def candidates_query(keywords: Iterable[Keyword], window: Window) -> Query:
    """Returns a query for every paper that may match one of the keywords (at least one) in the window."""
    found, formatted = [], []
    for keyword in keywords:
        terms = wide_terms(keyword) if keyword.expression is None else expression_terms(keyword.expression.node)
        if not terms.found and keyword.category is None:
            return window_query(window)
        found.append(_in_category(terms.found, keyword.category))
        if terms.formatted:
            formatted.append(_in_category(terms.formatted, keyword.category))
    if formatted:
        found.append(f"({any_of(formatted)} AND {formatting_terms()})")
    return Query(f"{any_of(found)} AND {window.search_term}", window)


def window_query(window: Window) -> Query:
    """Returns a query for every paper that was submitted in the window."""
    return Query(window.search_term, window)


def latest_query(keyword: Keyword, window: Window | None = None, *, by_update: bool = False) -> Query:
    """Returns a query for the newest papers of one keyword, or with `by_update` for those updated last.

    Without a window, they can have any age.
    """
    term = _keyword_term(keyword)
    return Query(term if window is None else f"{any_of([term])} AND {window.search_term}", window, by_update=by_update)


def is_countable(keyword: Keyword) -> bool:
    """Whether arXiv's search can find a keyword: one that it cannot find is searched in all papers."""
    return keyword.expression is None or bool(expression_terms(keyword.expression.node).found)


def papers_query(arxiv_ids: Iterable[ArxivId]) -> Query:
    """Returns a query for the newest versions of these papers."""
    return Query("", ids=tuple(arxiv_id.value for arxiv_id in arxiv_ids))


def probe_query(window: Window) -> Query:
    """Returns a query to request one result of: does arXiv answer, and is the newest batch there?"""
    return window_query(window)


def _keyword_term(keyword: Keyword) -> str:
    if keyword.expression is not None:
        return expression_terms(keyword.expression.node).found or _ANY_TIME
    return _in_category(exact_terms(keyword), keyword.category)


def _in_category(term: str, category: str | None) -> str:
    """Limits a term to a category; an empty term is any paper of the category."""
    if category is None:
        return term
    limit = f"cat:{_category_pattern(category)}"
    return f"({term} AND {limit})" if term else limit


def _category_pattern(category: str) -> str:
    # An archive (`astro-ph`) includes its categories; arXiv's `cat:` is exact except for a wildcard at the end.
    return category if "." in category else f"{category}*"


def clamp_synced_until(synced_until: datetime, now: datetime) -> datetime:
    """Returns the position; one in the future is due to a wrong clock, and is replaced by 30 days ago."""
    return synced_until if synced_until <= now else now - INITIAL_SYNC_PERIOD


def poll_window(synced_until: datetime, now: datetime) -> Window:
    """Returns what a poll reads: from 7 days before the last complete poll until now, however long ago that was."""
    return Window(clamp_synced_until(synced_until, now) - POLL_OVERLAP, now)


def initial_sync_window(now: datetime) -> Window:
    """Returns the window of a keyword's initial sync."""
    return Window(now - INITIAL_SYNC_PERIOD, now)


def initial_sync_parts(now: datetime) -> tuple[Window, ...]:
    """Returns the window of an initial sync in parts, oldest first; each has fewer papers than arXiv returns (10,000).

    In September 2026, arXiv announced 9,000 papers per week, so that a quarter of 30 days has fewer.
    """
    parts: tuple[Window, ...] = (initial_sync_window(now),)
    for _ in range(_SYNC_HALVINGS):
        parts = tuple(half for part in parts for half in part.halves() or (part,))
    return parts


def older_window(now: datetime) -> Window:
    """Returns today's window of older papers: seven consecutive days cover all papers that are 7 to 30 days old.

    Windows count from midnight UTC, so that a poll may run at any time of the day. They overlap by one day, because a
    paper gets one day older from one window to the next.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    turn = _OLDER_WINDOWS - 1 - now.toordinal() % _OLDER_WINDOWS
    youngest = midnight - _OLDER_YOUNGEST - turn * _OLDER_WIDTH
    return Window(youngest - _OLDER_WIDTH - _DAY, youngest)


def keyword_groups(keywords: Sequence[_Item]) -> tuple[tuple[_Item, ...], ...]:
    """Splits the keywords into groups that fit in one query each."""
    size = ARXIV_KEYWORDS_PER_QUERY
    return tuple(tuple(keywords[start : start + size]) for start in range(0, len(keywords), size))


def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
