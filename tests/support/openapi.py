"""Checks the bot's recorded requests against the committed schema of Discord's OpenAPI document.

`derive_discord_schema` derives the schema. It knows types, lengths and counts, but neither unknown keys nor the 6,000
characters of all embeds: the local Discord rejects those itself.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from sandbox.discord import RecordedRequest
from tests.support.derive_discord_schema import SCHEMA


@dataclass(frozen=True, slots=True)
class _Route:
    template: str
    pattern: re.Pattern[str]
    parameters: int


class Specification:
    """Discord's specification; compiles a route's validator when it is first needed."""

    def __init__(self, schema: dict[str, dict[str, dict[str, object] | None]]) -> None:
        self._definitions = schema["$defs"]
        self._bodies = schema["routes"]
        # Templates without parameters come first: @original is not a message_id.
        templates = {route.split(" ")[1] for route in self._bodies}
        self._routes = sorted(map(_route, templates), key=lambda route: route.parameters)
        self._templates: dict[str, str | None] = {}
        self._validators: dict[str, Draft202012Validator | None] = {}

    def faults(self, requests: Iterable[RecordedRequest]) -> list[str]:
        """Returns one sentence per fault of the requests; empty if they are valid."""
        return [fault for request in requests for fault in self._faults_of(request)]

    def _faults_of(self, request: RecordedRequest) -> list[str]:
        name, route = f"{request.method} {request.path}", f"{request.method} {self._template(request.path)}"
        if route not in self._bodies:
            return [f"{name}: Discord has no such route"]
        validator = self._validator(route)
        if validator is None:
            return [] if request.body is None else [f"{name}: takes no body"]
        if request.body is None:
            return [f"{name}: needs a body"]
        return [f"{name}: {_describe(_deepest(error))}" for error in validator.iter_errors(request.body)]

    def _template(self, path: str) -> str | None:
        if path not in self._templates:
            matching = (route.template for route in self._routes if route.pattern.fullmatch(path))
            self._templates[path] = next(matching, None)
        return self._templates[path]

    def _validator(self, route: str) -> Draft202012Validator | None:
        if route not in self._validators:
            body = self._bodies[route]
            compiled = None if body is None else Draft202012Validator({"$defs": self._definitions, **body})
            self._validators[route] = compiled
        return self._validators[route]


@cache
def discord_specification() -> Specification:
    """Returns Discord's specification, from the committed schema."""
    return Specification(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _route(template: str) -> _Route:
    pieces = re.split(r"\{\w+\}", template)
    pattern = "[^/]+".join(re.escape(piece) for piece in pieces)
    return _Route(template, re.compile(pattern), len(pieces) - 1)


def _deepest(error: ValidationError) -> ValidationError:
    """Returns the error of the alternative that fits best; of equal ones, the error that names them all."""
    if not isinstance(error.kind, ValidationErrorKind.OneOfNotValid | ValidationErrorKind.AnyOf):
        return error
    inner = [_deepest(each) for alternative in error.kind.context for each in alternative]
    return max([error, *inner], key=lambda each: len(each.instance_path))


def _describe(error: ValidationError) -> str:
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.instance_path)
    return f"${path}: {error.message}"
