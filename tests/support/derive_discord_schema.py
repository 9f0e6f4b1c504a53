"""Derives `discord_schema.json` from Discord's OpenAPI document: the request bodies of the routes in use, no prose.

The document is https://github.com/discord/discord-api-spec (Copyright 2023 Discord, MIT License). The derived schema
keeps what decides whether a request body is valid, and drops every description. Run it after the document changes:
`python -m tests.support.derive_discord_schema [OPENAPI_JSON]`.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from tests.support.recordings import DISCORD_DOCUMENT

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

SCHEMA: Final = Path(__file__).with_name("discord_schema.json")
# Every route of the local Discord; a test compares the two.
ROUTES: Final = (
    "GET /applications/@me",
    "GET /applications/{application_id}/commands",
    "POST /applications/{application_id}/commands",
    "PUT /applications/{application_id}/commands",
    "DELETE /applications/{application_id}/commands/{command_id}",
    "GET /applications/{application_id}/commands/{command_id}",
    "PATCH /applications/{application_id}/commands/{command_id}",
    "GET /applications/{application_id}/guilds/{guild_id}/commands",
    "POST /applications/{application_id}/guilds/{guild_id}/commands",
    "PUT /applications/{application_id}/guilds/{guild_id}/commands",
    "DELETE /applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
    "GET /applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
    "PATCH /applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
    "GET /channels/{channel_id}",
    "PATCH /channels/{channel_id}",
    "GET /channels/{channel_id}/messages",
    "POST /channels/{channel_id}/messages",
    "DELETE /channels/{channel_id}/messages/{message_id}",
    "GET /channels/{channel_id}/messages/{message_id}",
    "PATCH /channels/{channel_id}/messages/{message_id}",
    "POST /channels/{channel_id}/messages/{message_id}/crosspost",
    "POST /channels/{channel_id}/messages/{message_id}/threads",
    "PUT /channels/{channel_id}/thread-members/@me",
    "POST /channels/{channel_id}/threads",
    "GET /channels/{channel_id}/threads/archived/public",
    "POST /channels/{channel_id}/typing",
    "GET /gateway",
    "GET /gateway/bot",
    "GET /guilds/{guild_id}",
    "GET /guilds/{guild_id}/channels",
    "GET /guilds/{guild_id}/members/{user_id}",
    "GET /guilds/{guild_id}/roles",
    "GET /guilds/{guild_id}/threads/active",
    "POST /interactions/{interaction_id}/{interaction_token}/callback",
    "GET /oauth2/applications/@me",
    "GET /users/@me",
    "POST /users/@me/channels",
    "GET /users/@me/guilds",
    "GET /users/{user_id}",
    "POST /webhooks/{webhook_id}/{webhook_token}",
    "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original",
    "GET /webhooks/{webhook_id}/{webhook_token}/messages/@original",
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original",
    "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
    "GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
)
# Keywords whose value is one schema, several, or several by name; and those whose value stays as it is.
ONE: Final = frozenset({"items", "additionalProperties"})
SEVERAL: Final = frozenset({"oneOf", "anyOf", "allOf"})
NAMED: Final = frozenset({"properties"})
PLAIN: Final = frozenset(
    {"type", "required", "enum", "const", "format", "pattern", "contentEncoding", "minimum", "maximum", "minLength"}
    | {"maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"}
)
PROSE: Final = frozenset({"title", "description", "x-discord-union"})
_COMPONENT: Final = "#/components/schemas/"
# The documentation has GUILD_MEDIA (resources/channel#channel-object-channel-types), and discord.py names it where a
# command takes any channel; the document leaves it out.
_ADDED: Final[Mapping[str, Json]] = {"ChannelTypes": {"const": 16}}


def derive(document: dict[str, Json], routes: Iterable[str] = ROUTES) -> dict[str, Json]:
    """Returns the schema of each route's JSON body (None for a route without one) and of the components they use.

    Raises ValueError for a keyword that the script does not know, KeyError for a route that the document lacks.
    """
    bodies = {route: _body(document, route) for route in sorted(routes)}
    components: dict[str, Json] = {}
    wanted = [name for body in bodies.values() for name in _components_in(body)]
    while wanted:
        name = wanted.pop()
        if name not in components:
            components[name] = _component(document, name)
            wanted.extend(_components_in(components[name]))
    return {"$defs": dict(sorted(components.items())), "routes": bodies}


def dump(schema: Mapping[str, Json]) -> str:
    """Returns the schema as JSON with one component or route per line."""
    return _block([f"{json.dumps(name)}: {_block(_lines(section))}" for name, section in schema.items()]) + "\n"


def _lines(section: Json) -> list[str]:
    return [
        f"{json.dumps(name)}: {json.dumps(value, sort_keys=True, separators=(',', ':'))}"
        for name, value in _object(section).items()
    ]


def _block(lines: list[str]) -> str:
    return "{\n" + ",\n".join(lines) + "\n}"


def _body(document: dict[str, Json], route: str) -> Json:
    method, path = route.split(" ")
    operation = _at(document, "paths", path, method.lower())
    if "requestBody" not in operation:
        return None
    return _stripped(_at(operation, "requestBody", "content", "application/json", "schema"))


def _component(document: dict[str, Json], name: str) -> Json:
    component = _stripped(_at(document, "components", "schemas", name))
    if name in _ADDED:
        alternatives = component["oneOf"]
        assert isinstance(alternatives, list)
        alternatives.append(_ADDED[name])
    return component


def _stripped(schema: Json) -> dict[str, Json]:
    """Returns the schema without prose, its references pointing to `$defs`."""
    return {key: _value(key, value) for key, value in _object(schema).items() if key not in PROSE}


def _value(key: str, value: Json) -> Json:
    if key in PLAIN or (key in ONE and isinstance(value, bool)):
        return value
    if key == "$ref" and isinstance(value, str) and value.startswith(_COMPONENT):
        return f"#/$defs/{value.removeprefix(_COMPONENT)}"
    if key in ONE:
        return _stripped(value)
    if key in SEVERAL and isinstance(value, list):
        return [_stripped(each) for each in value]
    if key in NAMED:
        return {name: _stripped(each) for name, each in _object(value).items()}
    raise ValueError(f"unknown keyword in Discord's OpenAPI document: {key}: {value!r}")


def _components_in(schema: Json) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _components_in(each)
    elif isinstance(schema, dict):
        for key, each in schema.items():
            if key == "$ref" and isinstance(each, str):
                yield each.removeprefix("#/$defs/")
            else:
                yield from _components_in(each)


def _at(document: dict[str, Json], *keys: str) -> dict[str, Json]:
    for key in keys:
        document = _object(document[key])
    return document


def _object(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value


def main() -> None:
    """Writes the schema next to this script."""
    document = Path(sys.argv[1]) if len(sys.argv) > 1 else DISCORD_DOCUMENT
    SCHEMA.write_text(dump(derive(json.loads(document.read_text(encoding="utf-8")))), encoding="utf-8")


if __name__ == "__main__":
    main()
