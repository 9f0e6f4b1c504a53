"""Custom ids of the button **Discuss** and of its menu; see `custom_ids` for what applies to all of them."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from bot.discord_api.custom_ids import CustomId


@dataclass(frozen=True, slots=True)
class DiscussButtonId(CustomId):
    """The button that starts or links the discussion of a message; `key` is the key of the post."""

    TEMPLATE: ClassVar[str] = r"discuss:(?P<key>[\w-]+)"

    key: str

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE."""
        return cls(match["key"])

    def __str__(self) -> str:
        return f"discuss:{self.key}"


@dataclass(frozen=True, slots=True)
class DiscussMenuId(CustomId):
    """The menu with the papers of a message, to discuss one of them; its options are arXiv ids."""

    TEMPLATE: ClassVar[str] = r"discuss-menu:(?P<key>[\w-]+)"

    key: str

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE."""
        return cls(match["key"])

    def __str__(self) -> str:
        return f"discuss-menu:{self.key}"
