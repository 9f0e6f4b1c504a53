"""Reads typed fields from a request of the page: from the query of a GET, or the JSON body of a POST.

Raises `InvalidAction` with a sentence that names the field. It never decides whether a user may do something.
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
    async def read(cls, request: web.Request) -> Self:
        """Reads the query of a GET or the JSON body of a POST."""
        if request.method == "GET":
            return cls(dict(request.query))
        # A form on another site cannot send this content type without a CORS preflight request.
        if request.content_type != "application/json":
            raise InvalidAction("The content type must be application/json.")
        try:
            return cls(as_mapping(json.loads(await request.read())))
        except ValueError:
            raise InvalidAction("The body is not valid JSON.") from None

    def has(self, name: str) -> bool:
        """Whether the request contains the field."""
        return name in self._fields

    def text(self, name: str) -> str:
        """Reads a string."""
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise InvalidAction(f"{name} must be a string.")
        return value

    def texts(self, name: str) -> list[str]:
        """Reads a list of strings."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not all(isinstance(inner, str) for inner in value):
            raise InvalidAction(f"{name} must be a list of strings.")
        return value

    def text_by_name(self, name: str) -> dict[str, str]:
        """Reads an object whose values are strings."""
        value = self._fields.get(name)
        if not isinstance(value, dict) or not all(isinstance(inner, str) for inner in value.values()):
            raise InvalidAction(f"{name} must be an object of strings.")
        return value

    def integer(self, name: str, minimum: int, maximum: int) -> int:
        """Reads an integer within bounds, both included."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise InvalidAction(f"{name} must be a whole number from {minimum:,} to {maximum:,}.")
        return value

    def snowflake(self, name: str) -> int:
        """Reads an id, which is sent as a string of digits."""
        text = self.text(name)
        if not text.isascii() or not text.isdigit() or len(text) > _SNOWFLAKE_DIGITS_MAX:
            raise InvalidAction(f"{name} must be an id.")
        return int(text)

    def options(self, commands: Sequence[Payload]) -> dict[str, object]:
        """Reads the options of a command by name; ids are sent as strings and become integers."""
        kinds = _option_types(commands, self.text("name").split())
        given = as_mapping(self._fields.get("options"))
        return {name: as_int(value, -1) if kinds.get(name) in _BY_ID else value for name, value in given.items()}


def _option_types(commands: Sequence[Payload], path: Sequence[str]) -> dict[str, int]:
    """Returns the types of the options of a command or subcommand, by name."""
    candidates = list(commands)
    for name in path:
        found = next((candidate for candidate in candidates if candidate.get("name") == name), {})
        candidates = as_mappings(found.get("options"))
    return {
        as_text(option.get("name")): as_int(option.get("type"))
        for option in candidates
        if as_int(option.get("type")) not in NESTING
    }
