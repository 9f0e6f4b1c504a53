"""Custom ids of buttons and menus: built, parsed and kept within Discord's limit here, and nowhere else.

A custom id is stored with its message on Discord, and a component of an old message must keep working: a format never
changes once it was released. `TEMPLATE` is the pattern by which discord.py routes an interaction to its component.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final, Literal, Self, cast

from bot.domain.paper import ArxivId
from bot.runtime.limits import CUSTOM_ID_MAX

# The key in messages that are not posts, such as replies to commands.
NO_POST_KEY: Final = "looked-up"

# SQLite's integers have 64 bits with a sign; Discord's ids fit for 70 years.
ID_MAX: Final = 2**63 - 1

SubscribedAction = Literal["new", "past", "undo"]
ImportAction = Literal["apply", "cancel", "undo"]
PrivacyAction = Literal["delete", "cancel"]
KeywordsMove = Literal["first", "to", "from", "last", "file"]
PageMove = Literal["to", "from"]


class CustomIdTooLong(ValueError):
    """The custom id exceeds Discord's limit."""


@dataclass(frozen=True, slots=True)
class CustomId:
    """What the custom ids of one component contain; `str` encodes it."""

    TEMPLATE: ClassVar[str]

    def encode(self) -> str:
        """Returns the custom id; raises CustomIdTooLong."""
        text = str(self)
        if len(text) > CUSTOM_ID_MAX:
            raise CustomIdTooLong(f"a custom id of {len(text)} characters; Discord allows {CUSTOM_ID_MAX}")
        return text

    @property
    def fits(self) -> bool:
        """Whether `encode` succeeds."""
        return len(str(self)) <= CUSTOM_ID_MAX


@dataclass(frozen=True, slots=True)
class AbstractButtonId(CustomId):
    """The button that shows the abstract of a message's only paper; `key` is the key of the post."""

    TEMPLATE: ClassVar[str] = r"abstract:(?P<arxiv_id>[^:]+):(?P<key>[\w-]+)"

    arxiv_id: ArxivId
    key: str

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for a text that is no arXiv id."""
        return cls(ArxivId(match["arxiv_id"]), match["key"])

    def __str__(self) -> str:
        return f"abstract:{self.arxiv_id}:{self.key}"


@dataclass(frozen=True, slots=True)
class AbstractMenuId(CustomId):
    """The menu that shows the abstract of one of a message's papers; `key` is the key of the post."""

    TEMPLATE: ClassVar[str] = r"abstracts:(?P<key>[\w-]+)"

    key: str

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE."""
        return cls(match["key"])

    def __str__(self) -> str:
        return f"abstracts:{self.key}"


@dataclass(frozen=True, slots=True)
class SubscribedButtonId(CustomId):
    """A button below the reply to `/subscribe`: what it does, in which channel, for which keywords."""

    TEMPLATE: ClassVar[str] = r"subscribed:(?P<action>new|past|undo):(?P<channel>\d+):(?P<keywords>\d+(?:,\d+)*)"

    action: SubscribedAction
    channel_id: int
    keyword_ids: tuple[int, ...]

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for an id that cannot exist."""
        keyword_ids = tuple(map(_id, match["keywords"].split(",")))
        return cls(cast("SubscribedAction", match["action"]), _id(match["channel"]), keyword_ids)

    def __str__(self) -> str:
        return f"subscribed:{self.action}:{self.channel_id}:{','.join(map(str, self.keyword_ids))}"


@dataclass(frozen=True, slots=True)
class KeywordsButtonId(CustomId):
    """A button below a list of keywords: who may use it, which channel is listed (0: all), and what it shows.

    `from` is the page that begins at a position, `to` the one that ends there; the others ignore the position.
    """

    TEMPLATE: ClassVar[str] = (
        r"keywords:(?P<caller>\d{1,20}):(?P<channel>\d{1,20}):(?P<move>first|to|from|last|file):(?P<position>\d{1,9})"
    )

    caller_id: int
    channel_id: int
    move: KeywordsMove
    position: int

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for an id that cannot exist."""
        move = cast("KeywordsMove", match["move"])
        return cls(_id(match["caller"]), _id(match["channel"]), move, int(match["position"]))

    def __str__(self) -> str:
        return f"keywords:{self.caller_id}:{self.channel_id}:{self.move}:{self.position}"


@dataclass(frozen=True, slots=True)
class TrendingButtonId(CustomId):
    """A button that opens a page of a day's trending list; `count` is how many papers it shows, 0 for all."""

    TEMPLATE: ClassVar[str] = r"trending:(?P<day>\d{4}-\d{2}-\d{2}):(?P<page>\d{1,4}):(?P<count>\d{1,4})"

    day: date
    page: int
    count: int

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for a day that does not exist."""
        return cls(date.fromisoformat(match["day"]), int(match["page"]), int(match["count"]))

    def __str__(self) -> str:
        return f"trending:{self.day.isoformat()}:{self.page}:{self.count}"


@dataclass(frozen=True, slots=True)
class SearchButtonId(CustomId):
    """A button that shows another page of a search: the page that begins at a hit or ends there, and its papers.

    `low` and `high` limit the documents of the index that are searched.
    """

    TEMPLATE: ClassVar[str] = (
        r"search:(?P<move>to|from):(?P<place>\d{1,6}):(?P<count>\d{1,2}):(?P<order>[rd])"
        r":(?P<low>\d{1,19}):(?P<high>\d{1,19})"
    )

    move: PageMove
    place: int
    count: int
    by_date: bool
    low: int
    high: int

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for numbers that cannot exist."""
        move, by_date = cast("PageMove", match["move"]), match["order"] == "d"
        return cls(move, int(match["place"]), int(match["count"]), by_date, _id(match["low"]), _id(match["high"]))

    def __str__(self) -> str:
        order = "d" if self.by_date else "r"
        return f"search:{self.move}:{self.place}:{self.count}:{order}:{self.low}:{self.high}"


@dataclass(frozen=True, slots=True)
class LatestButtonId(CustomId):
    """A button that shows another page of the newest papers: after `offset` papers, `count` at most.

    Without a period, both of its days are None.
    """

    TEMPLATE: ClassVar[str] = (
        r"latest:(?P<offset>\d{1,6}):(?P<count>\d{1,2}):(?P<order>[nu])"
        r":(?P<first>\d{4}-\d{2}-\d{2}|-):(?P<last>\d{4}-\d{2}-\d{2}|-)"
    )

    offset: int
    count: int
    by_update: bool
    first: date | None
    last: date | None

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for a day that does not exist."""
        first, last = (None if match[end] == "-" else date.fromisoformat(match[end]) for end in ("first", "last"))
        return cls(int(match["offset"]), int(match["count"]), match["order"] == "u", first, last)

    def __str__(self) -> str:
        order = "u" if self.by_update else "n"
        return f"latest:{self.offset}:{self.count}:{order}:{self.first or '-'}:{self.last or '-'}"


@dataclass(frozen=True, slots=True)
class AnswerButtonId(CustomId):
    """A button that answers a question about what someone typed: who may use it, the question's key, the answer."""

    TEMPLATE: ClassVar[str] = r"answer:(?P<caller>\d{1,20}):(?P<key>[0-9a-f]{16}):(?P<answer>\d)"

    caller_id: int
    key: str
    answer: int

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for an id that cannot exist."""
        return cls(_id(match["caller"]), match["key"], int(match["answer"]))

    def __str__(self) -> str:
        return f"answer:{self.caller_id}:{self.key}:{self.answer}"


@dataclass(frozen=True, slots=True)
class CiteButtonId(CustomId):
    """The button that shows a paper's citation."""

    TEMPLATE: ClassVar[str] = r"cite:(?P<arxiv_id>[^:]+)"

    arxiv_id: ArxivId

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for a text that is no arXiv id."""
        return cls(ArxivId(match["arxiv_id"]))

    def __str__(self) -> str:
        return f"cite:{self.arxiv_id}"


@dataclass(frozen=True, slots=True)
class CitationButtonId(CustomId):
    """A button below a citation that shows it in another format, by the format's value."""

    TEMPLATE: ClassVar[str] = r"citation:(?P<form>[a-z-]{1,20}):(?P<arxiv_id>[^:]+)"

    form: str
    arxiv_id: ArxivId

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for a text that is no arXiv id."""
        return cls(match["form"], ArxivId(match["arxiv_id"]))

    def __str__(self) -> str:
        return f"citation:{self.form}:{self.arxiv_id}"


@dataclass(frozen=True, slots=True)
class PaperMenuId(CustomId):
    """The menu that shows one of several papers; its options are arXiv ids."""

    TEMPLATE: ClassVar[str] = r"papers:menu"

    @classmethod
    def from_match(cls, _: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE."""
        return cls()

    def __str__(self) -> str:
        return "papers:menu"


@dataclass(frozen=True, slots=True)
class ImportButtonId(CustomId):
    """A button of an import of settings: what it does, who may use it, and which import."""

    TEMPLATE: ClassVar[str] = r"import:(?P<action>apply|cancel|undo):(?P<caller>\d{1,20}):(?P<import_id>[0-9a-f]{16})"

    action: ImportAction
    caller_id: int
    import_id: str

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for an id that cannot exist."""
        return cls(cast("ImportAction", match["action"]), _id(match["caller"]), match["import_id"])

    def __str__(self) -> str:
        return f"import:{self.action}:{self.caller_id}:{self.import_id}"


@dataclass(frozen=True, slots=True)
class PrivacyButtonId(CustomId):
    """A button that confirms or cancels the deletion of what is stored about a person."""

    TEMPLATE: ClassVar[str] = r"privacy:(?P<action>delete|cancel):(?P<caller>\d{1,20})"

    action: PrivacyAction
    caller_id: int

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for an id that cannot exist."""
        return cls(cast("PrivacyAction", match["action"]), _id(match["caller"]))

    def __str__(self) -> str:
        return f"privacy:{self.action}:{self.caller_id}"


@dataclass(frozen=True, slots=True)
class RestButtonId(CustomId):
    """A button that shows papers that the limit withheld from a message's batch, from the position `start` on."""

    TEMPLATE: ClassVar[str] = r"rest:(?P<key>[\w-]+):(?P<start>\d{1,7})"

    key: str
    start: int

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE."""
        return cls(match["key"], int(match["start"]))

    def __str__(self) -> str:
        return f"rest:{self.key}:{self.start}"


def _id(digits: str) -> int:
    """Returns an id of Discord or of the database; raises ValueError for one that the database cannot hold."""
    number = int(digits)
    if number > ID_MAX:
        raise ValueError(f"no id: {number}")
    return number


def post_key(custom_id: str) -> str | None:
    """Returns the key of the post that a component belongs to, or None for a component of another message."""
    for template in (AbstractButtonId.TEMPLATE, AbstractMenuId.TEMPLATE):
        match = re.fullmatch(template, custom_id)
        if match is not None:
            return match["key"]
    return None
