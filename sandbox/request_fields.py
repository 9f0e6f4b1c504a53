"""Reading what the page asks: fields of a query or of a JSON body, each with its type.

Enters: a request. Leaves: typed values, or `NotPossible` with one sentence that names the field.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Self

from aiohttp import web

from sandbox.discord import InvalidAction
from sandbox.discord.checks.commands import NESTING, OptionKind
from sandbox.discord.primitives import Payload, as_int, as_mapping, as_mappings, as_text

_BY_ID = {OptionKind.USER, OptionKind.CHANNEL, OptionKind.ROLE, OptionKind.MENTIONABLE, OptionKind.ATTACHMENT}
_SNOWFLAKE_DIGITS_MAX = 20


class RequestFields:
    """The fields of one request."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    @classmethod
    async def of(cls, request: web.Request) -> Self:
        """Read a GET's query or a POST's JSON body."""
        if request.method == "GET":
            return cls(dict(request.query))
        # A form of a foreign page cannot send this type without asking the browser's leave first.
        if request.content_type != "application/json":
            raise InvalidAction("The body is application/json.")
        try:
            return cls(as_mapping(json.loads(await request.read())))
        except ValueError:
            raise InvalidAction("The body is not JSON.") from None

    def has(self, name: str) -> bool:
        """Whether a field is there."""
        return name in self._fields

    def text(self, name: str) -> str:
        """A field that is a text."""
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise InvalidAction(f"{name} is a text.")
        return value

    def texts(self, name: str) -> list[str]:
        """A field that is a list of texts."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not all(isinstance(inner, str) for inner in value):
            raise InvalidAction(f"{name} is a list of texts.")
        return value

    def number(self, name: str, least: int, most: int) -> int:
        """A field that is a whole number between two bounds."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise InvalidAction(f"{name} is a whole number from {least:,} to {most:,}.")
        return value

    def snowflake(self, name: str) -> int:
        """A field that is an id."""
        text = self.text(name)
        if not text.isascii() or not text.isdigit() or len(text) > _SNOWFLAKE_DIGITS_MAX:
            raise InvalidAction(f"{name} is an id.")
        return int(text)

    def options(self, commands: Sequence[Payload]) -> dict[str, object]:
        """A command's options by name; ids travel as texts and become numbers."""
        kinds = _kinds(commands, self.text("name").split())
        given = as_mapping(self._fields.get("options"))
        return {name: as_int(value, -1) if kinds.get(name) in _BY_ID else value for name, value in given.items()}


def _kinds(commands: Sequence[Payload], path: Sequence[str]) -> dict[str, int]:
    """The options of a command or subcommand, with their types."""
    within = list(commands)
    for name in path:
        found = next((candidate for candidate in within if candidate.get("name") == name), {})
        within = as_mappings(found.get("options"))
    return {
        as_text(option.get("name")): as_int(option.get("type"))
        for option in within
        if as_int(option.get("type")) not in NESTING
    }
