"""The Discord token: its sources, and that it is never shown."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.config import Settings
from tests.support.settings import Loader

TOKEN = "MTk4NjIy.Cl2FMQ.Zn-s3cret"


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    """Loads settings from a temporary file."""
    return Loader(tmp_path / "config.json")


def _token(settings: Settings) -> str | None:
    return None if settings.discord.token is None else settings.discord.token.get_secret_value()


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({}, "from-file"),
        ({"DAILY_PAPERS_DISCORD__TOKEN": "long-name"}, "long-name"),
        ({"DISCORD_TOKEN": "short-name"}, "short-name"),
        ({"DISCORD_TOKEN": "short-name", "DAILY_PAPERS_DISCORD__TOKEN": "long-name"}, "short-name"),
        ({"DISCORD_TOKEN": "", "DAILY_PAPERS_DISCORD__TOKEN": "long-name"}, "long-name"),
        ({"DISCORD_TOKEN": " short-name\n"}, "short-name"),
    ],
)
def test_discord_token_overrides_every_other_source(loader: Loader, environ: Mapping[str, str], token: str) -> None:
    assert _token(loader.load({"discord": {"token": "from-file"}}, **environ)) == token


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blank_token_in_the_file_counts_as_none(loader: Loader, blank: str | None) -> None:
    assert _token(loader.load({"discord": {"token": blank}})) is None


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"discord": {"token": f"Bot {TOKEN}"}}),
        json.dumps({"discord": {"token": [TOKEN]}}),
        json.dumps({"discord": {"token": {"value": TOKEN}}}),
        json.dumps({"discord": TOKEN}),
        json.dumps({"discord": [TOKEN]}),
        json.dumps({"token": TOKEN}),
        json.dumps({"discord": {"tokne": TOKEN}}),
        json.dumps({"discord": {"token": f"{TOKEN}é"}}),
        json.dumps({"discord": {"token": TOKEN}, "arxiv": {"contact": "\ud800"}}),
        f'{{"discord": {{"token": "{TOKEN}", "token": "{TOKEN}"}}}}',
        f'{{"discord": {{"token": "{TOKEN}}}',
        f'{{"discord": {{"token": {TOKEN}}}}}',
    ],
)
def test_fault_never_contains_the_token(loader: Loader, text: str) -> None:
    faults = loader.faults_of_text(text)
    assert faults
    assert "s3cret" not in "".join(faults)


@pytest.mark.parametrize("name", ["DISCORD_TOKEN", "DAILY_PAPERS_DISCORD__TOKEN"])
def test_token_with_a_space_is_rejected_without_being_shown(loader: Loader, name: str) -> None:
    assert loader.faults(**{name: f"Bot {TOKEN}"}) == [
        (
            f"discord.token ({name}): does not look like a Discord token; "
            "allowed: the token on the Bot page of the developer portal."
        )
    ]


def test_repr_never_contains_the_token(loader: Loader) -> None:
    settings = loader.load(DISCORD_TOKEN=TOKEN)
    assert _token(settings) == TOKEN
    assert "s3cret" not in f"{settings!r} {settings} {settings.discord!r} {settings.model_dump()!r}"
    assert "s3cret" not in settings.model_dump_json()


# The example in Discord's documentation. A token in the wrong setting is recognised by its format.
PASTED = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


@pytest.mark.parametrize(
    "content",
    [
        {PASTED: 1},
        {"discord": {PASTED: 1}},
        {"log": {"level": PASTED}},
        {"web": {"port": [PASTED]}},
        {"subscriptions": PASTED},
        {"subscriptions": [{"channel_id": PASTED, "keywords": []}]},
    ],
)
def test_token_pasted_into_the_wrong_place_is_not_shown(loader: Loader, content: object) -> None:
    (*_, fault) = loader.faults(content)
    assert "(a token)" in fault
    assert not any(part in fault for part in PASTED.split("."))


def test_token_pasted_into_the_wrong_variable_is_not_shown(loader: Loader) -> None:
    assert loader.faults(DAILY_PAPERS_WEB__PORT=PASTED) == [
        'web.port (DAILY_PAPERS_WEB__PORT): "(a token)" is not valid; allowed: 1 to 65535.'
    ]
