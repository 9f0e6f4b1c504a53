"""Loads settings from a temporary file and returns them or their faults."""

import json
from pathlib import Path

import pytest

from bot.__main__ import keyword_fault
from bot.config import Settings, load_settings
from bot.runtime.errors import InvalidSettings


class Loader:
    """Loads settings from one file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def load(self, content: object = None, **environ: str) -> Settings:
        """Returns the settings of a file with `content` and of the environment."""
        return self.load_text(json.dumps(content or {}), **environ)

    def load_text(self, text: str, **environ: str) -> Settings:
        """Returns the settings of a file with this text and of the environment."""
        self.file.write_text(text, encoding="utf-8")
        return load_settings(self.file, environ, keyword_fault)

    def faults(self, content: object = None, **environ: str) -> list[str]:
        """Returns the faults of a file with `content` and of the environment."""
        return self.faults_of_text(json.dumps(content or {}), **environ)

    def faults_of_text(self, text: str, **environ: str) -> list[str]:
        """Returns the faults of a file with this text and of the environment; the file's path becomes FILE."""
        with pytest.raises(InvalidSettings) as caught:
            self.load_text(text, **environ)
        assert str(caught.value) == "\n".join(caught.value.faults)
        return [fault.replace(str(self.file), "FILE") for fault in caught.value.faults]
