"""What to ask arXiv for: windows of time, and the queries that read them.

In come keywords, marks and the time; out go windows and queries in arXiv's grammar, always fully parenthesised:
arXiv has no precedence and reads from the right, so that `a AND b OR c` means `a AND (b OR c)`. It asks nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bot.domain.keyword import Keyword, search_phrases

# One query may hold so many keywords; form POST has no length limit that we know, 414 is for GET.
ARXIV_KEYWORDS_PER_QUERY: Final = 40
# Moderation held a paper for 13 days (submitted 30 October, announced 12 November).
INITIAL_SYNC_PERIOD: Final = timedelta(days=30)
POLL_OVERLAP: Final = timedelta(days=7)
WINDOW_MIN: Final = timedelta(hours=1)

_Grouped = TypeVar("_Grouped")

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)

# The older slices: one a day, seven in turn. A day begins up to 24 h before the look, so the youngest slice begins
# a day inside the pass's own overlap; and what is 30 days old today may be 36 when its slice comes round.
_OLDER_SLICES: Final = 7
_OLDER_YOUNGEST: Final = POLL_OVERLAP - _DAY
_OLDER_WIDTH: Final = (INITIAL_SYNC_PERIOD + _OLDER_SLICES * _DAY - _OLDER_YOUNGEST) / _OLDER_SLICES


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of submission times, both ends included; arXiv is asked in whole minutes, rounded outwards."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a window is in UTC")
        if self.start >= self.end:
            raise ValueError(f"a window that ends before it starts: {self.start} to {self.end}")

    @property
    def search_term(self) -> str:
        """The window in arXiv's grammar."""
        end = self.end if self.end == _whole_minute(self.end) else self.end + _MINUTE
        return f"submittedDate:[{self.start:%Y%m%d%H%M} TO {end:%Y%m%d%H%M}]"

    def halves(self) -> "tuple[Window, Window] | None":
        """The window cut in two that share their minute; None when it is too narrow for that."""
        length = self.end - self.start
        if length < 2 * WINDOW_MIN:
            return None
        middle = _whole_minute(self.start + length / 2)
        return Window(self.start, middle), Window(middle, self.end)


@dataclass(frozen=True, slots=True)
class Query:
    """One question to arXiv: its `search_query`, the order of the answers, and the window that it reads."""

    search: str
    window: Window | None = None
    newest_first: bool = True


def keywords_query(keywords: Iterable[Keyword], window: Window) -> Query:
    """The candidates for any of `keywords`, at least one, submitted in `window`."""
    return Query(f"({' OR '.join(map(_keyword_term, keywords))}) AND {window.search_term}", window)


def window_query(window: Window) -> Query:
    """Everything that was submitted in `window`, whatever the keywords."""
    return Query(window.search_term, window)


def latest_query(keyword: Keyword) -> Query:
    """The newest papers for one keyword, without a bound of time."""
    return Query(_keyword_term(keyword))


def probe_query(window: Window) -> Query:
    """The newest of everything in `window`, to be asked for one result: is arXiv well, is the batch there?"""
    return window_query(window)


def _keyword_term(keyword: Keyword) -> str:
    phrases = (f'ti:"{phrase}" OR abs:"{phrase}"' for phrase in search_phrases(keyword))
    term = f"({' OR '.join(phrases)})"
    return term if keyword.category is None else f"({term} AND cat:{_category_pattern(keyword.category)})"


def _category_pattern(category: str) -> str:
    # An archive (`astro-ph`) stands for all its categories; arXiv's cat: is exact but for a wildcard at the end.
    return category if "." in category else f"{category}*"


def clamp_synced_until(mark: datetime, now: datetime) -> datetime:
    """The end of the last complete pass; one in the future is a clock gone wrong, and counts as 30 days ago."""
    return mark if mark <= now else now - INITIAL_SYNC_PERIOD


def poll_window(mark: datetime, now: datetime) -> Window:
    """What a pass reads: from 7 days before the last complete one to now, so that any outage is made up."""
    return Window(clamp_synced_until(mark, now) - POLL_OVERLAP, now)


def initial_sync_window(now: datetime) -> Window:
    """What a keyword's first reading covers."""
    return Window(now - INITIAL_SYNC_PERIOD, now)


def older_window(now: datetime) -> Window:
    """The day's slice of what is older than a pass reads: any 7 days in a row cover every paper of 7 to 30 days.

    Slices count from midnight, UTC, so that a pass may come at any time of the day; they overlap by the day that a
    paper grows older from one to the next.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    band = _OLDER_SLICES - 1 - now.toordinal() % _OLDER_SLICES
    youngest = midnight - _OLDER_YOUNGEST - band * _OLDER_WIDTH
    return Window(youngest - _OLDER_WIDTH - _DAY, youngest)


def keyword_groups(keywords: Sequence[_Grouped]) -> tuple[tuple[_Grouped, ...], ...]:
    """The keywords in groups that fit one query each."""
    size = ARXIV_KEYWORDS_PER_QUERY
    return tuple(tuple(keywords[start : start + size]) for start in range(0, len(keywords), size))


def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
