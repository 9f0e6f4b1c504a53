"""config.example.json shows what there is to set."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.__main__ import keyword_fault
from bot.config import Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / "config.example.json"


def _shape(section: type[BaseModel]) -> dict[str, object]:
    """The names of all settings, nested as they are."""
    return {
        name: _shape(field.annotation)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        else None
        for name, field in section.model_fields.items()
    }


def test_example_shows_every_setting_once_and_nothing_else() -> None:
    def names(content: object) -> object:
        return {key: names(value) for key, value in content.items()} if isinstance(content, dict) else None

    assert names(json.loads(EXAMPLE.read_text())) == _shape(Settings)


def test_example_is_valid_and_differs_from_the_defaults_only_where_there_is_none() -> None:
    example = load_settings(EXAMPLE, {}, keyword_fault)
    assert example.arxiv.contact is not None
    assert example.subscriptions
    assert example.subscriptions[0].keywords
    arxiv = example.arxiv.model_copy(update={"contact": None})
    assert example.model_copy(update={"arxiv": arxiv, "subscriptions": None}) == Settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(Settings().web, "port", 1)  # noqa: B010 - mypy knows that it is frozen; this asks the running program
