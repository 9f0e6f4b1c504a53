"""The committed schema of Discord's requests: what it contains, and that a check against it can fail."""

import json
import re
from collections.abc import Iterator

import pytest
from aiohttp import web

from sandbox.discord import LocalDiscord, RecordedRequest
from tests.support.derive_discord_schema import NAMED, ONE, PLAIN, ROUTES, SCHEMA, SEVERAL, Json, derive, dump
from tests.support.openapi import discord_specification
from tests.support.recordings import DISCORD_DOCUMENT

PREFIX = "/api/v10"
MESSAGES = "/channels/1/messages"
CALLBACK = "/interactions/1/t/callback"
COMMANDS = "/applications/1/commands"
COMMAND = {"name": "latest", "description": "Show the latest papers", "type": 1, "options": []}


def faults(method: str, path: str, body: object) -> list[str]:
    return discord_specification().faults([RecordedRequest(method, path, None, {}, {}, body, (), 0.0, 200)])


def schema() -> dict[str, dict[str, Json]]:
    read: dict[str, dict[str, Json]] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return read


def keywords(node: Json) -> Iterator[str]:
    """Every keyword of a schema and of its nested schemas; names of properties are not keywords."""
    assert isinstance(node, dict)
    for key, value in node.items():
        yield key
        if key in ONE and isinstance(value, dict):
            yield from keywords(value)
        for each in value if key in SEVERAL and isinstance(value, list) else ():
            yield from keywords(each)
        for each in value.values() if key in NAMED and isinstance(value, dict) else ():
            yield from keywords(each)


def strings(node: object) -> Iterator[str]:
    """Every string value, at any depth."""
    if isinstance(node, str):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from strings(each)


def test_schema_contains_every_route_of_the_local_discord() -> None:
    app = web.Application()
    LocalDiscord().attach(app)
    paths = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    served = {
        f"{method} {path.removeprefix(PREFIX)}"
        for method, path in paths
        if path.startswith(PREFIX) and method not in ("HEAD", "*")
    }
    assert served == set(ROUTES) == schema()["routes"].keys()


def test_schema_contains_exactly_the_components_it_references() -> None:
    known = {f"#/$defs/{name}" for name in schema()["$defs"]}
    assert {text for text in strings(schema()) if text.startswith("#")} == known


def test_schema_contains_no_prose() -> None:
    read = schema()
    bodies = [body for body in (*read["$defs"].values(), *read["routes"].values()) if body is not None]
    assert {key for body in bodies for key in keywords(body)} <= {"$ref"} | ONE | SEVERAL | NAMED | PLAIN
    assert [text for text in strings(read) if " " in text] == []


def test_derivation_rejects_unknown_keywords() -> None:
    body: Json = {"schema": {"type": "object", "propertyNames": {"maxLength": 3}}}
    operation: Json = {"requestBody": {"content": {"application/json": body}}}
    with pytest.raises(ValueError, match="unknown keyword in Discord's OpenAPI document: propertyNames"):
        derive({"paths": {"/gateway": {"post": operation}}}, ["POST /gateway"])


@pytest.mark.recordings
def test_schema_matches_discords_document() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == dump(derive(json.loads(DISCORD_DOCUMENT.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", MESSAGES, {"content": "x" * 4000, "embeds": [{"title": "x" * 256}] * 10, "nonce": "n"}),
        ("PATCH", f"{MESSAGES}/2", {"content": None, "embeds": [], "components": []}),
        ("PUT", COMMANDS, [COMMAND]),
        ("POST", CALLBACK, {"type": 5, "data": {"flags": 64}}),
    ],
)
def test_valid_body_has_no_fault(method: str, path: str, body: object) -> None:
    assert faults(method, path, body) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "fault"),
    [
        (
            "POST",
            MESSAGES,
            {"embeds": [{"title": "x" * 257}]},
            r'\$.embeds\[0].title: "[x.]+" is longer than 256 characters',
        ),
        ("POST", MESSAGES, {"embeds": [{}] * 11}, r"\$.embeds: .* has more than 10 items"),
        (
            "POST",
            MESSAGES,
            {"embeds": [{"color": 0x1000000}]},
            r"\$.embeds\[0].color: \d+ is greater .*",
        ),
        ("POST", MESSAGES, {"content": 7}, r'\$.content: 7 is not of types "null", "string"'),
        ("POST", MESSAGES, [], r'\$: \[] is not of type "object"'),
        ("POST", MESSAGES, None, "needs a body"),
        ("GET", MESSAGES, {}, "takes no body"),
        ("DELETE", MESSAGES, None, "Discord has no such route"),
        ("PUT", COMMANDS, [{"description": "x"}], r'\$\[0]: "name" is a required property'),
        ("PUT", COMMANDS, [COMMAND | {"contexts": [9]}], r"\$\[0].contexts\[0]: 9 is not valid .*"),
    ],
)
def test_invalid_body_has_one_fault(method: str, path: str, body: object, fault: str) -> None:
    (found,) = faults(method, path, body)
    assert re.fullmatch(f"{method} {path}: {fault}", found)
