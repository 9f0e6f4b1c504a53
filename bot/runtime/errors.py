"""The tree of the errors that the program raises on purpose; each is named after what happened.

DailyPapersError
├── InvalidSettings             config.json or the environment is invalid; holds every fault      exit 2
├── StartupError                the program cannot start; one sentence for the operator           exit 1
│   ├── DatabaseUnusable        made by a newer version, not our file, damaged, read-only, in use
│   ├── PageError               there is nothing to show, or nowhere to write the page
│   └── InvalidToken            Discord rejected the token
├── InvalidKeyword              cannot be subscribed to; says what is allowed
│   └── InvalidExpression       an expression cannot be read; says where, and what is expected there
├── InvalidPaperId              no arXiv id, or several; says what to give instead
├── InvalidSettingsFile         a settings file cannot be imported; says where it is wrong and what is allowed
├── InvalidSchedule             no such time of day or time zone; names the closest
├── InvalidPeriod               not a date, or a period that ends before it begins
├── ChartFailed                 the chart could not be drawn; its numbers are shown without it
├── CommandRejected             a command cannot be run here (cogs/permissions.py)
├── ExportsBusy                 too many exports wait (services/exports.py)
├── AttachmentUnavailable       the file of an option cannot be loaded (discord_api/attachments.py)
├── TrendingDisabled            huggingface.enabled is false (services/trending.py)
├── InvalidDay                  not a day, or one without a trending list; says which days have one
├── DiscordBackoff              no request to Discord may leave before a time (discord_api/backoff.py)
├── DiscordUnavailable          a login failed although the token was not rejected; retried
├── StoreUnavailable            the database cannot be written now (disk full, locked); retried
│   └── CommitUnanswered        the connection was lost during a commit: the change may be stored
├── RequestFailed               internal to the HTTP clients (`http.py`)
├── ArxivError
│   ├── InvalidFeed             not a complete, valid feed; never treated as "no papers"
│   ├── QueryRejected           status 400 or the like: repeating the query will not help
│   ├── ArxivBackoff            no request may leave before a time
│   │   ├── ArxivThrottled      arXiv asked the bot to wait (429, 503)
│   │   └── ArxivUnavailable    unreachable, too slow, too large, or not a feed
│   │       └── ArxivTooLarge   a large page failed: the next one should have fewer entries
│   ├── ArxivBusy               too many requests wait at the gate, or one waited too long; nothing was sent
│   ├── LookupsExhausted        people looked up too much in the last minute; says when the next lookup is possible
│   └── IncompleteResults       arXiv never returned all the papers that it counted
└── HuggingFaceError
    ├── InvalidTrendingList     not a list of papers; never treated as "nothing is listed"
    ├── TrendingDayUnavailable  status 400: there is no list for that day
    └── HuggingFaceBackoff      unreachable, too slow, not a list, or throttled: no request may leave before a time
"""

from datetime import datetime


class DailyPapersError(Exception):
    """The root of the tree."""


class InvalidSettings(DailyPapersError):
    """The settings are invalid; `faults` holds every fault, one sentence each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class StartupError(DailyPapersError):
    """The program cannot start; the message is one sentence for the person who started it."""


class DatabaseUnusable(StartupError):
    """The database file cannot be used; it was not changed."""


class PageError(StartupError):
    """The page cannot be rendered or written; an existing file was not changed."""


class InvalidToken(StartupError):
    """Discord rejected the token; the message never contains it."""


class InvalidKeyword(DailyPapersError):
    """A keyword that cannot be subscribed to; the message says what is allowed."""


class InvalidExpression(InvalidKeyword):
    """An expression that cannot be read; the message is one sentence, `position` is where `text` is wrong."""

    def __init__(self, message: str, text: str, position: int) -> None:
        super().__init__(message)
        self.text = text
        self.position = position


class InvalidPaperId(DailyPapersError):
    """A text without an arXiv id, or with several; the message is one sentence about what to give instead."""


class InvalidSettingsFile(DailyPapersError):
    """A settings file that cannot be imported; the message says where it is wrong, and what is allowed."""


class InvalidSchedule(DailyPapersError):
    """A time of day, a day or a time zone that does not exist; the message names the closest, or what is allowed."""


class InvalidPeriod(DailyPapersError):
    """Not a date, or a period that ends before it begins; the message says what is possible."""


class ChartFailed(DailyPapersError):
    """The process that draws charts failed or hung; the message is readable for people."""


class InvalidDay(DailyPapersError):
    """Not a day, or one without a trending list; the message says which days have one."""


class StoreUnavailable(DailyPapersError):
    """The database cannot be written at the moment; nothing was changed."""


class CommitUnanswered(StoreUnavailable):
    """The connection to the database was lost during a commit: the change may be stored."""


class DiscordUnavailable(DailyPapersError):
    """Discord returned no usable answer; the message contains no text of a proxy page."""


class ClockWasSet(DailyPapersError):
    """The clock was set while something was read, so that it is unknown which times are right."""


class ArxivError(DailyPapersError):
    """A query to arXiv failed; the message is readable in `/status`."""


class InvalidFeed(ArxivError):
    """The body is not a complete, valid Atom feed from arXiv."""


class QueryRejected(ArxivError):
    """arXiv rejected the query itself, with status 400, 413 or 414."""


class ArxivBackoff(ArxivError):
    """No request to arXiv may leave before `not_before`."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before


class ArxivThrottled(ArxivBackoff):
    """arXiv asked the bot to wait (429, 503)."""


class ArxivUnavailable(ArxivBackoff):
    """arXiv is unreachable or too slow, or its response is not a feed."""


class ArxivTooLarge(ArxivUnavailable):
    """The page that was just fetched is too large, or too large to succeed; raised only for its own request."""


class ArxivBusy(ArxivError):
    """The request left the queue of the gate unsent: too many wait, or it waited too long."""


class LookupsExhausted(ArxivError):
    """The limit of lookups for all people together is reached until `not_before`; nothing was sent."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before


class IncompleteResults(ArxivError):
    """arXiv counted more papers than it returned, over repeated requests."""


class HuggingFaceError(DailyPapersError):
    """A request to Hugging Face failed; the message is readable for people."""


class InvalidTrendingList(HuggingFaceError):
    """The body is not a list of papers."""


class TrendingDayUnavailable(HuggingFaceError):
    """Hugging Face has no list for that day (status 400)."""


class HuggingFaceBackoff(HuggingFaceError):
    """Hugging Face is unreachable or asked the bot to wait: no request may leave before `not_before`."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before
