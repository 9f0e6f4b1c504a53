"""config.example.json lists every setting."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.__main__ import keyword_fault
from bot.config import Settings, load_settings
from bot.runtime.errors import InvalidSettings

EXAMPLE = Path(__file__).parents[2] / "config.example.json"


def _names(section: type[BaseModel]) -> dict[str, object]:
    """Returns the names of all settings, nested by section."""
    return {
        name: _names(field.annotation)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        else None
        for name, field in section.model_fields.items()
    }


def test_example_has_every_setting_and_no_others() -> None:
    def names(content: object) -> object:
        return {key: names(value) for key, value in content.items()} if isinstance(content, dict) else None

    assert names(json.loads(EXAMPLE.read_text())) == _names(Settings)


def test_example_is_valid_and_otherwise_has_the_defaults() -> None:
    example = load_settings(EXAMPLE, {"DAILY_PAPERS_ARXIV__CONTACT": "me@lab.example"}, keyword_fault)
    assert example.arxiv.contact is not None
    assert example.subscriptions
    assert example.subscriptions[0].keywords
    arxiv = example.arxiv.model_copy(update={"contact": None})
    assert example.model_copy(update={"arxiv": arxiv, "subscriptions": None}) == Settings()


def test_example_copied_unchanged_has_one_fault() -> None:
    with pytest.raises(InvalidSettings, match=r"\Aarxiv.contact: is still the example's you@example.org; .*\Z"):
        load_settings(EXAMPLE, {}, keyword_fault)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(Settings().web, "port", 1)  # noqa: B010 - mypy rejects the assignment; this tests it at runtime
