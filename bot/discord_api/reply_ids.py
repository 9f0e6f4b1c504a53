"""Custom ids of the buttons below replies to commands: pages, answers, confirmations.

Their formats never change once they were released, as those in `custom_ids`.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final, Literal, Self

from bot.discord_api.custom_ids import CustomId, parse_choice, parse_id

SubscribedAction = Literal["new", "past", "undo"]
ImportAction = Literal["apply", "cancel", "undo"]
PrivacyAction = Literal["delete", "cancel"]
KeywordsMove = Literal["first", "to", "from", "last", "file"]
PageMove = Literal["to", "from"]

_SUBSCRIBED_ACTIONS: Final[tuple[SubscribedAction, ...]] = ("new", "past", "undo")
_IMPORT_ACTIONS: Final[tuple[ImportAction, ...]] = ("apply", "cancel", "undo")
_PRIVACY_ACTIONS: Final[tuple[PrivacyAction, ...]] = ("delete", "cancel")
_KEYWORDS_MOVES: Final[tuple[KeywordsMove, ...]] = ("first", "to", "from", "last", "file")
_PAGE_MOVES: Final[tuple[PageMove, ...]] = ("to", "from")


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
        keyword_ids = tuple(map(parse_id, match["keywords"].split(",")))
        action = parse_choice(match["action"], _SUBSCRIBED_ACTIONS)
        return cls(action, parse_id(match["channel"]), keyword_ids)

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
        move = parse_choice(match["move"], _KEYWORDS_MOVES)
        return cls(parse_id(match["caller"]), parse_id(match["channel"]), move, int(match["position"]))

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
        move, by_date = parse_choice(match["move"], _PAGE_MOVES), match["order"] == "d"
        low, high = parse_id(match["low"]), parse_id(match["high"])
        return cls(move, int(match["place"]), int(match["count"]), by_date, low, high)

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
        return cls(parse_id(match["caller"]), match["key"], int(match["answer"]))

    def __str__(self) -> str:
        return f"answer:{self.caller_id}:{self.key}:{self.answer}"


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
        action = parse_choice(match["action"], _IMPORT_ACTIONS)
        return cls(action, parse_id(match["caller"]), match["import_id"])

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
        return cls(parse_choice(match["action"], _PRIVACY_ACTIONS), parse_id(match["caller"]))

    def __str__(self) -> str:
        return f"privacy:{self.action}:{self.caller_id}"
