"""What can go wrong, as one tree; leaves are named for what happened.

DailyPapersError
├── InvalidSettings        config.json or the environment: every fault at once          exit 2
├── StartupError           one sentence for the person who starts the program           exit 1
│   ├── DatabaseUnusable    newer than the program, not ours, damaged, not writable, in use
│   ├── PageError        nothing to show, or nowhere to write it
│   └── InvalidToken       Discord does not know the token
├── InvalidKeyword         the person's keyword cannot be watched; says what can
├── InvalidSchedule       a time of day or a zone that there is not; names the nearest
├── ChartFailed            a picture that could not be drawn: its numbers are shown without
├── InvalidDay             a day of which there can be no list; says what can be asked
├── StoreUnavailable       the database cannot be written now (disk full, locked): tried again
├── ArxivError
│   ├── InvalidFeed        a body that is not a complete, valid feed: never "no papers"
│   ├── QueryRejected       arXiv answered 400: this query will not succeed
│   ├── ArxivThrottled     arXiv asks us to wait (429, 503): says until when
│   ├── ArxivUnavailable        out of reach, too slow, too large, or not a feed: says until when
│   └── IncompleteResults  arXiv never showed all the papers that it counted
└── HuggingFaceError
    ├── InvalidTrendingList        a body that is no list of papers: never "nothing is listed"
    ├── TrendingDayUnavailable         Hugging Face answered 400: it has no list of that day
    └── HuggingFaceBackoff    out of reach, too slow, not a list, or asking us to wait: says until when
"""

from datetime import datetime


class DailyPapersError(Exception):
    """The root: everything that this program raises on purpose."""


class InvalidSettings(DailyPapersError):
    """The settings have faults; `faults` holds all of them, one sentence each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class StartupError(DailyPapersError):
    """The program cannot start; the message is one sentence for the person who started it."""


class DatabaseUnusable(StartupError):
    """The database file cannot be used, and was left as it is."""


class PageError(StartupError):
    """The page cannot be made or written; what was there is as it was."""


class InvalidToken(StartupError):
    """Discord refused the token; the message never holds it."""


class InvalidKeyword(DailyPapersError):
    """A keyword that cannot be watched; the message says what is allowed."""


class InvalidSchedule(DailyPapersError):
    """A time of day or a zone that cannot be meant; the message names the nearest."""


class ChartFailed(DailyPapersError):
    """The drawing process failed or hung; the message says so in words."""


class InvalidDay(DailyPapersError):
    """Not a day, or one of which there can be no list; the message says what can be asked."""


class StoreUnavailable(DailyPapersError):
    """The database cannot be written at the moment; nothing was changed."""


class ArxivError(DailyPapersError):
    """Something between us and arXiv; the message is in words for `/status`."""


class InvalidFeed(ArxivError):
    """The body is not a complete, valid Atom feed of arXiv's."""


class QueryRejected(ArxivError):
    """arXiv answered 400: the query itself is at fault."""


class ArxivBackoff(ArxivError):
    """No request may leave before `not_before`."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before


class ArxivThrottled(ArxivBackoff):
    """arXiv asks us to wait (429, 503)."""


class ArxivUnavailable(ArxivBackoff):
    """arXiv is out of reach, too slow, or its answer is no feed."""


class IncompleteResults(ArxivError):
    """arXiv counted more papers than it showed, however often it was asked."""


class HuggingFaceError(DailyPapersError):
    """Something between us and Hugging Face; the message is in words for people."""


class InvalidTrendingList(HuggingFaceError):
    """The body is not a list of papers."""


class TrendingDayUnavailable(HuggingFaceError):
    """Hugging Face answered 400: it has no list of that day."""


class HuggingFaceBackoff(HuggingFaceError):
    """Out of reach, or asking us to wait: no request leaves before `not_before`."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before
