"""Reads Discord's Markdown: the shown text, links, mentions and formatting.

Follows Discord's client (the rules of simple-markdown, tried from left to right) and its reference on message
formatting. If in doubt, it finds too much rather than too little.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_ESCAPED: Final = re.compile(r"\\([^0-9A-Za-z\s])")
_IN_ANGLES: Final = re.compile(r"<([^: >]+:/[^ >]+|[^ >]+@[^ >]+|(?:mailto|tel|sms|sip):[^ >]+|\+\d+)>")
_BARE: Final = re.compile(r"(?:https?|steam|discord)://[^\s<]+[^<.,:;\"')\]\s]")
_MASKED: Final = re.compile(
    r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]\(\s*<?((?:[^\s\\]|\\.)*?)>?(?:\s+['\"]([\s\S]*?)['\"])?\s*\)"
)
_SPECIAL: Final = re.compile(r"<(?:@[!&]?\d+|#\d+|t:-?\d+(?::\w)?|/[^>]+:\d+|a?:\w+:\d+|id:\w+)>|@everyone|@here")
_FORMATS: Final = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"\*\*((?:\\.|[^\\])+?)\*\*(?!\*)",
        r"__((?:\\.|[^\\])+?)__(?!_)",
        r"\|\|((?:\\.|[^\\])+?)\|\|",
        r"~~((?:\\.|[^\\])+?)~~",
        r"(`+)((?:.)+?)\1",
        r"\b_((?:\\.|[^\\_])+?)_\b|\*(?=\S)((?:\\.|[^\\*])+?)\*",
    )
)
_BLOCK: Final = re.compile(r"^[^\S\n]*(?:#{1,3}\s|-#\s|>{1,3}\s|[-*+]\s|\d+[.)]\s)", re.MULTILINE)


@dataclass(slots=True)
class Shown:
    """What a user sees."""

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)  # label and URL
    special: list[str] = field(default_factory=list)  # mentions, times, emoji, commands
    formatted: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)

    def add(self, inner: "Shown") -> None:
        self.text += inner.text
        self.links += inner.links
        self.special += inner.special
        self.formatted += inner.formatted


def read(markdown: str) -> Shown:
    """Reads the Markdown of a title, a description or a message."""
    shown = _inline(markdown)
    shown.blocks = _BLOCK.findall(markdown)
    return shown


def _inline(markdown: str, *, label: bool = False) -> Shown:
    shown, position = Shown(), 0
    while position < len(markdown):
        position += _read_construct(markdown, position, shown, label=label)
    return shown


def _read_construct(markdown: str, at: int, shown: Shown, *, label: bool) -> int:
    """Reads the construct at this position into `shown`, and returns its length.

    The label of a masked link contains no links, and shows backslashes.
    """
    if not label and (found := _ESCAPED.match(markdown, at)):
        shown.text += found[1]
    elif found := _SPECIAL.match(markdown, at):
        shown.special.append(found[0])
        shown.text += found[0]
    elif not label and (found := _IN_ANGLES.match(markdown, at)):
        shown.links.append((found[1], found[1]))
        shown.text += found[1]
    elif not label and (found := _BARE.match(markdown, at)):
        shown.links.append((found[0], found[0]))
        shown.text += found[0]
    elif not label and (found := _MASKED.match(markdown, at)):
        inner = _inline(found[1], label=True)
        shown.add(inner)
        shown.links.append((inner.text, _ESCAPED.sub(r"\1", found[2])))
    elif found := _formatted(markdown, at):
        inner = _inline(next(filter(None, reversed(found.groups()))), label=label)
        shown.formatted.append(inner.text)
        shown.add(inner)
    else:
        shown.text += markdown[at]
        return 1
    return len(found[0])


def _formatted(markdown: str, at: int) -> re.Match[str] | None:
    return next((found for pattern in _FORMATS if (found := pattern.match(markdown, at))), None)
