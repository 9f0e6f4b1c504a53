"""Discord's validation errors and their format."""

import discord
import pytest
from discord.http import Route

from sandbox.discord.primitives import snowflake_at
from tests.support.discord_client import DiscordHarness, logged_in

pytestmark = pytest.mark.slow

TOO_MANY_CHOICES = [{"name": str(number), "value": str(number)} for number in range(26)]


def button(custom_id: str = "a", **more: object) -> dict[str, object]:
    return {"type": 2, "style": 1, "label": "Read", "custom_id": custom_id} | more


def row(*children: object) -> dict[str, object]:
    return {"type": 1, "components": list(children)}


def menu(*values: str, **more: object) -> dict[str, object]:
    options = [{"label": value, "value": value} for value in values]
    return {"type": 3, "custom_id": "m", "options": options} | more


def command(**more: object) -> dict[str, object]:
    return {"name": "read", "description": "Read it", "type": 1} | more


def option(**more: object) -> dict[str, object]:
    return {"type": 3, "name": "word", "description": "A word"} | more


async def errors_of(harness: DiscordHarness, method: str, path: str, body: object) -> dict[str, str]:
    """Returns the error codes of a rejected form by dotted path."""
    error = await error_response(harness, method, path, body)
    assert error.status == 400
    errors = recorded_answer(error)
    assert error.code == 50035
    return errors


async def error_response(harness: DiscordHarness, method: str, path: str, body: object) -> discord.HTTPException:
    with pytest.raises(discord.HTTPException) as error:
        await harness.client.http.request(Route(method, path), json=body)
    return error.value


def recorded_answer(error: discord.HTTPException) -> dict[str, str]:
    """discord.py formats the error tree as lines such as "In embeds.0.title: Must be …"."""
    lines = [line.removeprefix("In ").split(": ", 1) for line in error.text.splitlines()[1:]]
    return dict(lines)


MESSAGES = {
    "content too long": ({"content": "x" * 2001}, {"content": "Must be 2000 or fewer in length."}),
    "title too long": (
        {"embeds": [{"title": "x" * 257}]},
        {"embeds.0.title": "Must be 256 or fewer in length."},
    ),
    "several faults at once": (
        {"content": "x" * 2001, "embeds": [{"title": "t"}, {"description": "x" * 4097}]},
        {
            "content": "Must be 2000 or fewer in length.",
            "embeds.1.description": "Must be 4096 or fewer in length.",
        },
    ),
    "more than 6,000 characters together": (
        {"embeds": [{"description": "x" * 3000}, {"description": "y" * 3001}]},
        {"embeds": "Embed size exceeds maximum size of 6000"},
    ),
    "eleven embeds": (
        {"embeds": [{"title": "t"}] * 11},
        {"embeds": "Must be 10 or fewer in length."},
    ),
    "field without a value": (
        {"embeds": [{"fields": [{"name": "n", "value": " "}]}]},
        {"embeds.0.fields.0.value": "This field is required"},
    ),
    "footer and author too long": (
        {"embeds": [{"footer": {"text": "x" * 2049}, "author": {"name": "x" * 257}}]},
        {
            "embeds.0.footer.text": "Must be 2048 or fewer in length.",
            "embeds.0.author.name": "Must be 256 or fewer in length.",
        },
    ),
    "embed that shows nothing": (
        {"embeds": [{"color": 1}]},
        {"embeds.0.description": "This field is required"},
    ),
    "address that is none": (
        {"embeds": [{"title": "t", "url": "arxiv.org"}]},
        {"embeds.0.url": "Not a well formed URL."},
    ),
    "address of a scheme that is not allowed": (
        {"embeds": [{"title": "t", "url": "ftp://arxiv.org/"}]},
        {"embeds.0.url": "Scheme \"ftp\" is not supported. Scheme must be one of ('http', 'https')."},
    ),
    "time that is none": (
        {"embeds": [{"title": "t", "timestamp": "yesterday"}]},
        {"embeds.0.timestamp": "Could not parse yesterday. Should be ISO8601."},
    ),
    "colour that is none": (
        {"embeds": [{"title": "t", "color": 0x1000000}]},
        {"embeds.0.color": "int value should be less than or equal to 16777215."},
    ),
    "unknown keys": (
        {"content": "x", "contents": "x", "embeds": [{"titel": "t", "title": "t"}]},
        {"contents": 'Unknown field "contents".', "embeds.0.titel": 'Unknown field "titel".'},
    ),
    "nonce too long": (
        {"content": "x", "nonce": "n" * 26},
        {"nonce": "Must be 25 or fewer in length."},
    ),
    "content of another type": (
        {"content": 5},
        {"content": 'Could not interpret "5" as string.'},
    ),
    "embeds of another type": (
        {"content": "x", "embeds": {}},
        {"embeds": "Only iterables may be used in a ListType"},
    ),
    "six rows": (
        {"content": "x", "components": [row(button(str(number))) for number in range(6)]},
        {"components": "Must be 5 or fewer in length."},
    ),
    "six buttons in a row": (
        {"content": "x", "components": [row(*(button(str(number)) for number in range(6)))]},
        {"components.0.components": "Must be between 1 and 5 in length."},
    ),
    "button outside a row": (
        {"content": "x", "components": [button()]},
        {"components.0.type": "Value must be one of {1}."},
    ),
    "custom id twice": (
        {"content": "x", "components": [row(button("a")), row(button("a"))]},
        {"components.1": "Component custom id cannot be duplicated"},
    ),
    "custom id and label too long": (
        {"content": "x", "components": [row(button("a" * 101, label="l" * 81))]},
        {
            "components.0.components.0.custom_id": "Must be between 1 and 100 in length.",
            "components.0.components.0.label": "Must be 80 or fewer in length.",
        },
    ),
    "button without a label": (
        {"content": "x", "components": [row(button(label=""))]},
        {"components.0.components.0": "A button must have a label or an emoji"},
    ),
    "link without an address": (
        {"content": "x", "components": [row({"type": 2, "style": 5, "label": "PDF"})]},
        {"components.0.components.0.url": "This field is required"},
    ),
    "menu next to a button": (
        {"content": "x", "components": [row(button(), menu("1"))]},
        {"components.0.components": "A row holds one select menu and nothing else"},
    ),
    "menu of 26 entries": (
        {"content": "x", "components": [row(menu(*map(str, range(26))))]},
        {"components.0.components.0.options": "Must be between 1 and 25 in length."},
    ),
    "entry that is too long and one that is there twice": (
        {"content": "x", "components": [row(menu("a" * 101, "b", "b"))]},
        {
            "components.0.components.0.options.0.label": "Must be between 1 and 100 in length.",
            "components.0.components.0.options.0.value": "Must be between 1 and 100 in length.",
            "components.0.components.0.options.2.value": "The specified option value is already used",
        },
    ),
    "link with a custom id, menu that takes more than it has": (
        {
            "content": "x",
            "components": [
                row({"type": 2, "style": 5, "label": "PDF", "url": "https://a.example/", "custom_id": "a"}),
                row(menu("1", "2", max_values=3)),
            ],
        },
        {
            "components.0.components.0.custom_id": "A link has no custom id",
            "components.1.components.0.max_values": "int value should be less than or equal to 2.",
        },
    ),
    "V2 section without an accessory, in a container that holds a container": (
        {
            "flags": 1 << 15,
            "components": [
                {"type": 17, "components": [{"type": 17, "components": []}]},
                {"type": 9, "components": [{"type": 10, "content": "x"}, button()]},
            ],
        },
        {
            "components.0.components.0.type": "Value must be one of {1, 9, 10, 12, 13, 14}.",
            "components.1.components.1.type": "Value must be one of {10}.",
            "components.1.accessory": "This field is required",
        },
    ),
    "more than 40 V2 components": (
        {"flags": 1 << 15, "components": [{"type": 17, "components": [{"type": 14}] * 40}]},
        {"components": "A message has 40 components at most"},
    ),
    "V2 next to content": (
        {"content": "x", "flags": 1 << 15, "components": [{"type": 10, "content": "text"}]},
        {"content": "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2"},
    ),
    "V2 with too much text": (
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 2001}, {"type": 10, "content": "y" * 2000}]},
        {"components": "Text exceeds maximum size of 4000"},
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
async def test_invalid_message_returns_every_error_with_its_path(name: str) -> None:
    body, expected = MESSAGES[name]
    async with logged_in() as harness:
        papers = harness.world.default.channel("papers")
        assert await errors_of(harness, "POST", f"/channels/{papers}/messages", body) == expected
        assert harness.world.messages.history(papers) == []


COMMANDS = {
    "upper case": (command(name="Read"), {"0.name": "Command name is invalid"}),
    "space in the name": (command(name="read it"), {"0.name": "Command name is invalid"}),
    "name too long": (command(name="r" * 33), {"0.name": "Must be between 1 and 32 in length."}),
    "no description": (command(description=None), {"0.description": "This field is required"}),
    "description too long": (command(description="d" * 101), {"0.description": "Must be between 1 and 100 in length."}),
    "unknown key": (command(colour=1), {"0.colour": 'Unknown field "colour".'}),
    "26 options": (
        command(options=[option(name=f"o{number}") for number in range(26)]),
        {"0.options": "Must be 25 or fewer in length."},
    ),
    "26 choices": (
        command(options=[option(choices=TOO_MANY_CHOICES)]),
        {"0.options.0.choices": "Must be 25 or fewer in length."},
    ),
    "required after optional": (
        command(options=[option(), option(name="other", required=True)]),
        {"0.options.1": "Required options must be placed before non-required options"},
    ),
    "option twice": (
        command(options=[option(), option()]),
        {"0.options.1.name": "Option names must be unique"},
    ),
    "autocomplete next to choices": (
        command(options=[option(autocomplete=True, choices=[{"name": "a", "value": "a"}])]),
        {"0.options.0.autocomplete": "Autocomplete needs a string, integer or number without choices"},
    ),
    "group in a group": (
        command(options=[option(type=2, name="a", options=[option(type=2, name="b", options=[])])]),
        {"0.options.0.options.0.type": "Groups cannot be nested any further"},
    ),
    "subcommand next to another option": (
        command(options=[option(type=1, name="a"), option(name="b")]),
        {"0.options": "Sub-command and sub-command group option types are mutually exclusive to all other types"},
    ),
    "context and channel type that do not exist": (
        command(contexts=[3], options=[option(type=7, channel_types=[99])]),
        {
            "0.contexts.0": "Value must be one of {0, 1, 2}.",
            "0.options.0.channel_types.0": "Value must be one of "
            "{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}.",
        },
    ),
    "choice without a value": (
        command(options=[option(choices=[{"name": "a"}])]),
        {"0.options.0.choices.0.value": "This field is required"},
    ),
    "more than 8,000 characters": (
        command(
            options=[
                option(name=f"o{number}", choices=[{"name": "c" * 100, "value": "v" * 100}] * 25) for number in range(2)
            ]
        ),
        {"0": "Command exceeds maximum size (8000)"},
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_invalid_command_returns_every_error_with_its_path(name: str) -> None:
    body, expected = COMMANDS[name]
    async with logged_in() as harness:
        path = f"/applications/{harness.world.application_id}/commands"
        assert await errors_of(harness, "PUT", path, [body]) == expected
        assert harness.local.commands == []


async def test_command_of_a_menu_has_neither_description_nor_options() -> None:
    async with logged_in() as harness:
        path = f"/applications/{harness.world.application_id}/commands"
        message = "Context menu commands cannot have descriptions or options"
        body = {"type": 3, "name": "Look up papers", "description": "x"}
        assert await errors_of(harness, "PUT", path, [body]) == {"0.description": message}
        assert "0.type" in await errors_of(harness, "PUT", path, [{"type": 9, "name": "x"}])
        many = [{"type": 3, "name": f"Menu {number}"} for number in range(16)]
        with pytest.raises(discord.HTTPException, match="15 or fewer"):
            await harness.client.http.request(Route("PUT", path), json=many)
        await harness.client.http.request(Route("PUT", path), json=many[:15])
        assert len(harness.local.commands) == 15


async def test_too_many_or_duplicate_commands_are_rejected() -> None:
    async with logged_in() as harness:
        path = f"/applications/{harness.world.application_id}/commands"
        many = [command(name=f"c{number}") for number in range(101)]
        with pytest.raises(discord.HTTPException, match="100 or fewer"):
            await harness.client.http.request(Route("PUT", path), json=many)
        assert await errors_of(harness, "PUT", path, [command(), command()]) == {
            "1.name": "Application command names must be unique"
        }


async def test_commands_can_be_added_edited_and_deleted_individually() -> None:
    async with logged_in() as harness:
        path = f"/applications/{harness.world.application_id}/commands"
        http = harness.client.http
        await http.request(Route("POST", path), json=command())
        await http.request(Route("POST", path), json=command(description="Read it again"))
        assert [given["description"] for given in harness.local.commands] == ["Read it again"]
        one = f"{path}/{harness.local.commands[0]['id']}"
        await http.request(Route("PATCH", one), json={"description": "And again"})
        assert (await http.request(Route("GET", one)))["description"] == "And again"
        guild_path = f"/applications/{harness.world.application_id}/guilds/{harness.world.default.guild_id}/commands"
        await http.request(Route("PUT", guild_path), json=[command(description="Only here")])
        offered = harness.local.commands_for(harness.world.default.member_id, harness.world.default.channel("papers"))
        assert [given["description"] for given in offered] == ["Only here"]
        await http.request(Route("DELETE", one))
        assert harness.local.commands == []
        assert (await error_response(harness, "DELETE", one, None)).code == 10063


async def test_error_body_has_discords_format() -> None:
    async with logged_in() as harness:
        papers = harness.world.default.channel("papers")
        body = {"embeds": [{"title": "x" * 257}]}
        error = await error_response(harness, "POST", f"/channels/{papers}/messages", body)
        fault = {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length."}
        errors = error._errors  # noqa: SLF001 - discord.py keeps the nested errors there only
        assert errors == {"embeds": {"0": {"title": {"_errors": [fault]}}}}
        assert error.response.headers["Content-Type"] == "application/json"


async def test_empty_messages_are_rejected() -> None:
    async with logged_in() as harness:
        papers = harness.world.default.channel("papers")
        bodies: list[dict[str, object]] = [{}, {"content": "  "}, {"embeds": []}]
        for body in bodies:
            assert (await error_response(harness, "POST", f"/channels/{papers}/messages", body)).code == 50006


async def test_limits_are_exact_and_apply_after_trimming() -> None:
    async with logged_in() as harness:
        embed = {"title": " " + "x" * 256 + " ", "description": "d" * 4096, "footer": {"text": "f" * 1648}}
        components = [row(*(button(str(number)) for number in range(5))), row(menu(*map(str, range(25))))]
        body = {"content": "c" * 2000, "embeds": [embed], "components": components, "nonce": "n" * 25}
        papers = harness.world.default.channel("papers")
        sent = await harness.client.http.request(Route("POST", f"/channels/{papers}/messages"), json=body)
        assert sent["embeds"][0]["title"] == "x" * 256
        assert [part["id"] for part in sent["components"]] == [1, 7]


async def test_valid_components_v2_layout_is_accepted() -> None:
    view = discord.ui.LayoutView()
    view.add_item(discord.ui.Container(discord.ui.TextDisplay("# Title"), discord.ui.Separator()))
    view.add_item(discord.ui.Section("text", accessory=discord.ui.Button(label="Read", custom_id="a")))
    async with logged_in() as harness:
        sent = await harness.partial("papers").send(view=view)
        assert len(sent.components) == 2
        assert sent.flags.components_v2


async def test_unknown_routes_return_404_and_are_recorded() -> None:
    async with logged_in() as harness:
        assert (await error_response(harness, "GET", "/guilds/1/mysteries", None)).status == 404
        assert (await error_response(harness, "DELETE", "/users/@me", None)).status == 404
        assert harness.local.unknown_routes == ["GET /guilds/1/mysteries", "DELETE /users/@me"]
        assert harness.local.requests[-1].template is None


async def test_invalid_ids_and_invalid_json_are_rejected() -> None:
    async with logged_in() as harness:
        assert await errors_of(harness, "GET", "/channels/papers", None) == {
            "channel_id": 'Value "papers" is not snowflake.'
        }
        papers = harness.world.default.channel("papers")
        with pytest.raises(discord.HTTPException) as error:
            await harness.client.http.request(Route("POST", f"/channels/{papers}/messages"), data="{")
        assert error.value.code == 50109
        assert await errors_of(harness, "GET", f"/channels/{papers}/messages?limit=101", None) == {
            "limit": "int value should be between 1 and 100."
        }


async def test_ids_contain_their_creation_time() -> None:
    async with logged_in() as harness:
        moment_s = harness.world.now()
        made = harness.world.new_id()
        assert abs(made - snowflake_at(moment_s)) < snowflake_at(moment_s + 1) - snowflake_at(moment_s)
        assert harness.world.new_id() > made
