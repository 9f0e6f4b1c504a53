"""Puts what pydantic found into one sentence a fault: where it stands, what is wrong, what is allowed.

What stands where a token may stand is never shown, nor what looks like one elsewhere.
"""

import difflib
import json
import re
from collections.abc import Collection, Mapping
from typing import Final

from pydantic_core import ErrorDetails

from bot.config.model import FileSubscription

Place = tuple[str, ...]
_SHOWN_MAX: Final = 60
# The three parts that Discord's tokens have (reference#authentication shows one): pasted into the wrong place at times.
_TOKEN: Final = re.compile(r"[\w-]{24,}\.[\w-]{6,}\.[\w-]{27,}", re.ASCII)


def sentence(details: ErrorDetails, variables: Mapping[Place, str], known: Collection[str]) -> str:
    """One fault in words; `variables` names the environment's settings, `known` are all that there are."""
    steps = [step for step in details["loc"] if not str(step).startswith("function-")]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    variable = next((name for place, name in variables.items() if list(place) == steps[: len(place)]), None)
    at = where if variable is None else f"{where} ({variable})"
    message = details["msg"]
    match details["type"]:
        case "json_invalid":  # valid to Python's reader, but not to pydantic's
            return "The settings are nested too deeply."
        case "extra_forbidden":
            return f"{at}: there is no such setting{nearest(where, _beside(steps) or known)}"
        case "missing":
            return f"{at}: it is missing."
        case "value_error":  # ours: it says what is wrong and what is allowed
            return f"{at}: {message.removeprefix('Value error, ')}."
    value = "its value" if steps in (["discord"], ["discord", "token"]) else _value(details["input"])
    return f"{at}: {value} is not allowed; {message[0].lower()}{message[1:]}."


def shown(text: str) -> str:
    """Text of the person's own as it can be shown at a terminal: on one line, and without a token."""
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return _TOKEN.sub("(a token)", line)


def nearest(name: str, known: Collection[str]) -> str:
    """How the sentence about an unknown name ends: with the known one that looks most like it, if any does."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else "."


def _beside(steps: list[str | int]) -> list[str]:
    """The settings that stand beside one of a file's subscription."""
    if len(steps) != len(("subscriptions", "number", "name")):
        return []
    return [f"{steps[0]}[{steps[1]}].{name}" for name in FileSubscription.model_fields]


def _value(value: object) -> str:
    text = shown(json.dumps(value, default=str))
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
