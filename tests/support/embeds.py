"""Reads embeds, list lines and components from the JSON of sandbox messages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from sandbox.discord import Message

# Discord's limit (resources/message#embed-object-embed-limits).
EMBED_FOOTER_MAX: Final = 2048

_ABSTRACT_LINK: Final = re.compile(r"\]\((https://arxiv\.org/abs/[^)]+)\)")


@dataclass(frozen=True, slots=True)
class ShownEmbed:
    """One embed; missing parts are empty."""

    title: str
    url: str
    description: str
    footer: str
    thumbnail: str

    @classmethod
    def read(cls, embed: Mapping[str, object]) -> Self:
        """Parses an embed's JSON."""
        return cls(
            title=str(embed.get("title", "")),
            url=str(embed.get("url", "")),
            description=str(embed.get("description", "")),
            footer=_inner(embed, "footer", "text"),
            thumbnail=_inner(embed, "thumbnail", "url"),
        )

    @property
    def length(self) -> int:
        """The length that counts towards Discord's limit of 6,000 per message."""
        return sum(map(len, (self.title, self.description, self.footer)))


def papers_in(message: Message) -> list[str]:
    """Returns the URLs of the papers in a message, in order, in either layout."""
    return [url for embed in message.embeds for url in _papers_in(embed)]


def _papers_in(embed: Mapping[str, object]) -> list[str]:
    if "url" in embed:
        return [str(embed["url"])]
    return _ABSTRACT_LINK.findall(str(embed.get("description", "")))


def embeds_of(*messages: Message) -> list[ShownEmbed]:
    """Returns the visible embeds of these messages, in order."""
    return [ShownEmbed.read(embed) for message in messages for embed in message.shown_embeds]


def _inner(embed: Mapping[str, object], part: str, name: str) -> str:
    inner = embed.get(part)
    return str(inner[name]) if isinstance(inner, Mapping) else ""


def lines_of(*messages: Message) -> dict[str, str]:
    """Returns the two lines of each paper in the compact lists of these messages, by the URL of the paper."""
    items = [item for embed in embeds_of(*messages) for item in embed.description.split("\n\n")]
    return {link[0]: item for item in items if (link := _ABSTRACT_LINK.findall(item))}


def components_of(message: Message) -> list[Mapping[str, object]]:
    """Returns the buttons and menus below a message, in order."""
    all_components: list[Mapping[str, object]] = []
    for row in message.components:
        components = row["components"]
        assert isinstance(components, list)
        all_components += components
    return all_components
