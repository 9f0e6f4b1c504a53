"""Custom ids: what all of them have in common, and those of buttons and menus that concern a post or a paper.

Custom ids are built, parsed and kept within Discord's limit here and in `reply_ids`, `discuss_ids` and `panel_ids`.
A custom id is stored with its message on Discord, and a component of an old message must keep working: a format never
changes once it was released. `TEMPLATE` is the pattern by which discord.py routes an interaction to its component.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, Self, TypeVar

from bot.domain.paper import ArxivId
from bot.runtime.limits import CUSTOM_ID_MAX

# The key in messages that are not posts, such as replies to commands.
NO_POST_KEY: Final = "looked-up"

# SQLite's integers have 64 bits with a sign; Discord's ids fit for 70 years.
ID_MAX: Final = 2**63 - 1

_ChoiceT = TypeVar("_ChoiceT", bound=str)


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


def parse_choice(text: str, choices: Iterable[_ChoiceT]) -> _ChoiceT:
    """Returns the choice with this text; raises ValueError for any other text."""
    for choice in choices:
        if choice == text:
            return choice
    raise ValueError(f"no choice: {text}")


def parse_id(digits: str) -> int:
    """Returns an id of Discord or of the database; raises ValueError for one that the database cannot hold."""
    number = int(digits)
    if number > ID_MAX:
        raise ValueError(f"no id: {number}")
    return number


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


def post_key(custom_id: str) -> str | None:
    """Returns the key of the post that a component belongs to, or None for a component of another message."""
    for template in (AbstractButtonId.TEMPLATE, AbstractMenuId.TEMPLATE):
        match = re.fullmatch(template, custom_id)
        if match is not None:
            return match["key"]
    return None
