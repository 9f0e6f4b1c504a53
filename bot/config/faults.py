"""Turns pydantic's errors into one sentence per fault: the setting, what is wrong, what is allowed.

It never shows the value of the token's setting, nor a value elsewhere that looks like a token.
"""

import difflib
import json
import re
from collections.abc import Collection, Mapping
from typing import Final

from pydantic_core import ErrorDetails

from bot.config.model import FileSubscription

SettingPath = tuple[str, ...]
_VALUE_MAX_CHARS: Final = 60
# The three parts of a Discord token (reference#authentication), which people sometimes paste into the wrong setting.
_TOKEN: Final = re.compile(r"[\w-]{24,}\.[\w-]{6,}\.[\w-]{27,}", re.ASCII)


def fault_sentence(details: ErrorDetails, variables: Mapping[SettingPath, str], known: Collection[str]) -> str:
    """Returns one fault as a sentence.

    `variables` maps settings from the environment to their variables; `known` lists all settings.
    """
    steps = [step for step in details["loc"] if not str(step).startswith("function-")]
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    variable = next((variable for path, variable in variables.items() if list(path) == steps[: len(path)]), None)
    setting = name if variable is None else f"{name} ({variable})"
    message = details["msg"]
    match details["type"]:
        case "json_invalid":  # valid for Python's parser, but not for pydantic's
            return "The settings are nested too deeply."
        case "extra_forbidden":
            return f"{setting}: unknown setting{suggestion(name, _siblings(steps) or known)}"
        case "missing":
            return f"{setting}: missing."
        case "value_error":  # raised by bot.config.model: says what is wrong and what is allowed
            return f"{setting}: {message.removeprefix('Value error, ')}."
    value = "its value" if steps in (["discord"], ["discord", "token"]) else _value(details["input"])
    return f"{setting}: {value} is not allowed; {message[0].lower()}{message[1:]}."


def printable(text: str) -> str:
    """Returns the operator's text on one line, without control characters and without a token."""
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return _TOKEN.sub("(a token)", line)


def suggestion(name: str, known: Collection[str]) -> str:
    """Returns the end of the sentence about an unknown name: the most similar known one, if there is one."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else "."


def _siblings(steps: list[str | int]) -> list[str]:
    """Returns the settings of a subscription, if `steps` leads to one of them."""
    if len(steps) != len(("subscriptions", "number", "name")):
        return []
    return [f"{steps[0]}[{steps[1]}].{name}" for name in FileSubscription.model_fields]


def _value(value: object) -> str:
    text = printable(json.dumps(value, default=str))
    return text if len(text) <= _VALUE_MAX_CHARS else f"{text[:_VALUE_MAX_CHARS]}…"
