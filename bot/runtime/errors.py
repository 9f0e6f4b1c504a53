"""What can go wrong, as one tree; leaves are named for what happened.

DailyPapersError
├── SettingsInvalid        config.json or the environment: every fault at once          exit 2
├── StartRefused           one sentence for the person who starts the program           exit 1
│   ├── DatabaseRefused    newer than the program, not ours, damaged, not writable, in use
│   ├── PageRefused        nothing to show, or nowhere to write it
│   └── TokenRefused       Discord does not know the token
├── KeywordRefused         the person's keyword cannot be watched; says what can
├── TimetableRefused       a time of day or a zone that there is not; names the nearest
├── ChartFailed            a picture that could not be drawn: its numbers are shown without
├── DayUnknown             a day of which there can be no list; says what can be asked
├── StoreUnavailable       the database cannot be written now (disk full, locked): tried again
├── ArxivError
│   ├── FeedInvalid        a body that is not a complete, valid feed: never "no papers"
│   ├── QueryRefused       arXiv answered 400: this query will not succeed
│   ├── ArxivThrottled     arXiv asks us to wait (429, 503): says until when
│   ├── ArxivBroken        out of reach, too slow, too large, or not a feed: says until when
│   └── ReadingIncomplete  arXiv never showed all the papers that it counted
└── HuggingFaceError
    ├── ListInvalid        a body that is no list of papers: never "nothing is listed"
    ├── DayRefused         Hugging Face answered 400: it has no list of that day
    └── HuggingFaceWait    out of reach, too slow, not a list, or asking us to wait: says until when
"""

from datetime import datetime


class DailyPapersError(Exception):
    """The root: everything that this program raises on purpose."""


class SettingsInvalid(DailyPapersError):
    """The settings have faults; `faults` holds all of them, one sentence each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class StartRefused(DailyPapersError):
    """The program cannot start; the message is one sentence for the person who started it."""


class DatabaseRefused(StartRefused):
    """The database file cannot be used, and was left as it is."""


class PageRefused(StartRefused):
    """The page cannot be made or written; what was there is as it was."""


class TokenRefused(StartRefused):
    """Discord refused the token; the message never holds it."""


class KeywordRefused(DailyPapersError):
    """A keyword that cannot be watched; the message says what is allowed."""


class TimetableRefused(DailyPapersError):
    """A time of day or a zone that cannot be meant; the message names the nearest."""


class ChartFailed(DailyPapersError):
    """The drawing process failed or hung; the message says so in words."""


class DayUnknown(DailyPapersError):
    """Not a day, or one of which there can be no list; the message says what can be asked."""


class StoreUnavailable(DailyPapersError):
    """The database cannot be written at the moment; nothing was changed."""


class ArxivError(DailyPapersError):
    """Something between us and arXiv; the message is in words for `/status`."""


class FeedInvalid(ArxivError):
    """The body is not a complete, valid Atom feed of arXiv's."""


class QueryRefused(ArxivError):
    """arXiv answered 400: the query itself is at fault."""


class ArxivWait(ArxivError):
    """No request may leave before `not_before`."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before


class ArxivThrottled(ArxivWait):
    """arXiv asks us to wait (429, 503)."""


class ArxivBroken(ArxivWait):
    """arXiv is out of reach, too slow, or its answer is no feed."""


class ReadingIncomplete(ArxivError):
    """arXiv counted more papers than it showed, however often it was asked."""


class HuggingFaceError(DailyPapersError):
    """Something between us and Hugging Face; the message is in words for people."""


class ListInvalid(HuggingFaceError):
    """The body is not a list of papers."""


class DayRefused(HuggingFaceError):
    """Hugging Face answered 400: it has no list of that day."""


class HuggingFaceWait(HuggingFaceError):
    """Out of reach, or asking us to wait: no request leaves before `not_before`."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before
