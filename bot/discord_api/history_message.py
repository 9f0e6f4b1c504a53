"""A message in a channel's history, as Discord returns it. It sends nothing.

discord.py parses a whole page at once, and fails if one message contains what it does not expect, whoever wrote it.
Here only the ids of other people's messages are read, and of the bot's own what they need.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

import aiohttp

from bot.discord_api.custom_ids import AbstractButtonId, post_key
from bot.discord_api.discuss_ids import DiscussButtonId

# Discord's type of a menu with options of its own (components/reference).
_STRING_SELECT: Final = 3


class UnreadableHistory(aiohttp.ClientError):
    """Discord's answer contains no messages."""


@dataclass(frozen=True, slots=True)
class PostMarks:
    """What the components of a post contain: its key and its papers."""

    key: str
    arxiv_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryMessage:
    """A message in a channel's history."""

    id: int
    author_id: int
    payload: Mapping[str, object]

    @classmethod
    def parse(cls, payload: object) -> Self:
        """Parses a message; raises UnreadableHistory without its ids."""
        message = payload if isinstance(payload, dict) else {}
        try:
            return cls(int(message["id"]), int(message["author"]["id"]), message)
        except (TypeError, LookupError, ValueError):
            raise UnreadableHistory("a message without its ids") from None

    @property
    def content(self) -> str:
        """Its text."""
        return str(self.payload.get("content") or "")

    @property
    def has_links_in_embeds(self) -> bool:
        """Whether the title of one of its embeds is a link."""
        return any(embed.get("url") for embed in _dicts(self.payload.get("embeds")))

    def post_marks(self) -> PostMarks | None:
        """Returns the key and the papers in its components; None if it is no post."""
        marks = None
        for component in self._components():
            marks = _post_marks(component) or marks
        return marks

    @property
    def has_discuss_button(self) -> bool:
        """Whether it has the button **Discuss**."""
        custom_ids = (str(component.get("custom_id") or "") for component in self._components())
        return any(re.fullmatch(DiscussButtonId.TEMPLATE, custom_id) for custom_id in custom_ids)

    def _components(self) -> Iterator[dict[str, object]]:
        for row in _dicts(self.payload.get("components")):
            yield from _dicts(row.get("components"))


def _post_marks(component: Mapping[str, object]) -> PostMarks | None:
    custom_id = str(component.get("custom_id") or "")
    button = re.fullmatch(AbstractButtonId.TEMPLATE, custom_id)
    if button is not None:
        return PostMarks(button["key"], (button["arxiv_id"],))
    key = post_key(custom_id)
    if key is None or component.get("type") != _STRING_SELECT:
        return None
    return PostMarks(
        key, tuple(str(option["value"]) for option in _dicts(component.get("options")) if "value" in option)
    )


def _dicts(value: object) -> Iterator[dict[str, object]]:
    """The objects in a JSON array; none in anything else."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
