"""Holds the bot's recorded requests against Discord's OpenAPI specification.

The specification lies beside the project, not in it; where it is absent, `discord_specification` says so and the
test that wanted it is skipped. It knows types, lengths and counts, but neither unknown keys nor the 6,000 characters
of all embeds: those the local Discord refuses by itself.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from sandbox.discord import RecordedRequest

SPECIFICATION = Path(__file__).resolve().parents[2].parent / "shared" / "discord" / "openapi.json"
_URI = "urn:discord"


@dataclass(frozen=True, slots=True)
class _Route:
    template: str
    pattern: re.Pattern[str]
    parameters: int


class Specification:
    """Discord's specification, its validators compiled when they are first needed."""

    def __init__(self, document: dict[str, dict[str, dict[str, object]]]) -> None:
        self._paths = document["paths"]
        self._registry = EMPTY_REGISTRY.with_resource(_URI, DRAFT202012.create_resource(document))
        # A template without parameters goes before one with: @original is no message_id.
        self._routes = sorted(map(_route, self._paths), key=lambda route: route.parameters)
        self._templates: dict[str, str | None] = {}
        self._validators: dict[tuple[str, str], Draft202012Validator | None] = {}
        self._judged: dict[tuple[str, str, str], str | None] = {}

    def faults(self, requests: Iterable[RecordedRequest]) -> list[str]:
        """What is wrong with the requests, one sentence a fault; empty when all is well."""
        return [fault for request in requests for fault in self._faults_of(request)]

    def _faults_of(self, request: RecordedRequest) -> list[str]:
        name, method = f"{request.method} {request.path}", request.method.lower()
        template = self._template(request.path)
        if template is None or method not in self._paths[template]:
            return [f"{name}: Discord has no such route"]
        validator = self._validator(template, method)
        if validator is None:
            return [] if request.body is None else [f"{name}: takes no body"]
        if request.body is None:
            return [f"{name}: needs a body"]
        worst = self._worst(validator, (template, method, json.dumps(request.body)))
        return [] if worst is None else [f"{name}: {worst}"]

    def _worst(self, validator: Draft202012Validator, request: tuple[str, str, str]) -> str | None:
        """What is most wrong with a body; each bot sends the same commands, whose judgement takes long."""
        if request not in self._judged:
            worst = best_match(validator.iter_errors(json.loads(request[2])))
            self._judged[request] = None if worst is None else f"{worst.json_path}: {worst.message}"
        return self._judged[request]

    def _template(self, path: str) -> str | None:
        if path not in self._templates:
            matching = (route.template for route in self._routes if route.pattern.fullmatch(path))
            self._templates[path] = next(matching, None)
        return self._templates[path]

    def _validator(self, template: str, method: str) -> Draft202012Validator | None:
        key = template, method
        if key not in self._validators:
            self._validators[key] = self._compile(template, method)
        return self._validators[key]

    def _compile(self, template: str, method: str) -> Draft202012Validator | None:
        operation = self._paths[template][method]
        assert isinstance(operation, dict)
        if "requestBody" not in operation:
            return None
        steps = ("paths", template, method, "requestBody", "content", "application/json", "schema")
        pointer = "/".join(step.replace("~", "~0").replace("/", "~1").replace("{", "%7B") for step in steps)
        pointer = pointer.replace("}", "%7D")
        return Draft202012Validator({"$ref": f"{_URI}#/{pointer}"}, registry=self._registry)


@cache
def discord_specification() -> Specification:
    """Discord's specification; skips the test where it does not lie beside the project."""
    if not SPECIFICATION.exists():
        pytest.skip("Discord's OpenAPI specification does not lie beside the project (../shared/discord/openapi.json)")
    document = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    # The documentation has GUILD_MEDIA (resources/channel#channel-object-channel-types), and discord.py names it
    # where a command takes any channel; the specification leaves it out.
    document["components"]["schemas"]["ChannelTypes"]["oneOf"].append({"title": "GUILD_MEDIA", "const": 16})
    return Specification(document)


def _route(template: str) -> _Route:
    pieces = re.split(r"\{\w+\}", template)
    pattern = "[^/]+".join(re.escape(piece) for piece in pieces)
    return _Route(template, re.compile(pattern), len(pieces) - 1)
