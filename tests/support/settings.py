"""Loads settings from a file of the test's own, or says what is wrong with them."""

import json
from pathlib import Path

import pytest

from bot.__main__ import keyword_fault
from bot.config import Settings, load_settings
from bot.runtime.errors import InvalidSettings


class Loader:
    """Loads a file of the test's own."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def load(self, content: object = None, **environ: str) -> Settings:
        """The settings of a file that holds `content`, and of an environment."""
        return self.load_text(json.dumps(content or {}), **environ)

    def load_text(self, text: str, **environ: str) -> Settings:
        """The settings of a file that holds this text."""
        self.file.write_text(text, encoding="utf-8")
        return load_settings(self.file, environ, keyword_fault)

    def faults(self, content: object = None, **environ: str) -> list[str]:
        """What is wrong with a file that holds `content`, and with an environment."""
        return self.faults_of_text(json.dumps(content or {}), **environ)

    def faults_of_text(self, text: str, **environ: str) -> list[str]:
        """What is wrong with a file that holds this text; its own path is called FILE."""
        with pytest.raises(InvalidSettings) as caught:
            self.load_text(text, **environ)
        assert str(caught.value) == "\n".join(caught.value.faults)
        return [fault.replace(str(self.file), "FILE") for fault in caught.value.faults]
