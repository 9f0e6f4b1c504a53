"""Turns pydantic's errors into one sentence per fault: the setting, what is wrong, what is allowed.

It never shows the value of the token's setting, nor a value elsewhere that looks like a token or a URL with a password.
"""

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from pydantic_core import ErrorDetails

from bot.config.model import FileSubscription

SettingPath = tuple[str, ...]
_VALUE_MAX_CHARS: Final = 60
# By pydantic's type of error, and by the last name in a setting's path.
_ALLOWED_BY_ERROR: Final[Mapping[str, str]] = {
    "bool_type": "true or false",
    "finite_number": "a number",
    "float_type": "a number",
    "model_type": "a JSON object",
    "path_type": "text",
    "string_type": "text",
    "tuple_type": "a JSON list",
}
_ALLOWED_BY_SETTING: Final[Mapping[str, str]] = {
    "abstracts_kept_days": "30 to 36500, or null (for ever)",
    "keywords_per_channel": "1 to 10000",
    "keywords_per_command": "1 to 100",
    "keywords_per_server": "1 to 100000",
    "port": "1 to 65535",
    "shards": "1 to 1000, or null (as many as Discord recommends)",
}
_CHANNEL_ID_SETTINGS: Final = ("channel_id", "public_channels")
# How alike two names of settings are from which one is suggested for the other; difflib's 0.6 also finds other words.
_SIMILAR: Final = 0.75
# The three parts of a Discord token (reference#authentication), which people sometimes paste into the wrong setting.
_TOKEN: Final = re.compile(r"(?<![\w-])[\w-]{24,}+\.[\w-]{6,}+\.[\w-]{27,}+", re.ASCII)

# The user and the password of a URL; the password may contain characters that should be percent-encoded.
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/]*:\S*@")


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
            return f"{setting}: unknown setting{suggestion(name, {each: each for each in _siblings(steps) or known})}"
        case "missing":
            return f"{setting}: missing."
        case "value_error":  # raised by bot.config.model: says what is wrong and what is allowed
            return f"{setting}: {message.removeprefix('Value error, ')}."
    value = "its value" if _may_be_secret(steps, details["input"]) else _value(details["input"])
    if steps[-1:] != ["public_channels"] and _last_name(steps) in _CHANNEL_ID_SETTINGS:
        return f"{setting}: {value} is not a channel id (in Discord: Copy Channel ID)."
    return f"{setting}: {value} is not valid; allowed: {_allowed(details, steps)}."


def _may_be_secret(steps: Sequence[str | int], value: object) -> bool:
    """Whether a value may contain the token, or the password of the database in an object."""
    return steps in (["discord"], ["discord", "token"]) or (steps == ["database"] and isinstance(value, dict | list))


def _allowed(details: ErrorDetails, steps: Sequence[str | int]) -> str:
    """Returns what a setting allows, without the words of pydantic: `1 to 65535`, or `true or false`."""
    error = details["type"]
    if error in _ALLOWED_BY_ERROR:
        return _ALLOWED_BY_ERROR[error]
    name = _last_name(steps)
    if name in _ALLOWED_BY_SETTING:
        return _ALLOWED_BY_SETTING[name]
    context = details.get("ctx", {})
    match error:
        case "literal_error":
            return str(context["expected"]).replace("'", "")
        case "greater_than":
            return f"more than {context['gt']:g}"
        case "greater_than_equal":
            return f"{context['ge']:g} or more"
        case "less_than_equal":
            return f"{context['le']:g} or less"
    return details["msg"].removeprefix("Input should be ")


def printable(text: str) -> str:
    """Returns the operator's text on one line, without control characters and without a token."""
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return _TOKEN.sub("(a token)", line)


def suggestion(name: str, known: Mapping[str, str]) -> str:
    """Returns the end of the sentence about an unknown setting: the one that was probably meant, if there is one.

    `known` maps settings to how they are shown.
    """
    ranked = sorted(((_similarity(name, each), each) for each in known), reverse=True)
    best = [each for similarity, each in ranked if similarity and similarity == ranked[0][0]]
    return f"; did you mean {known[best[0]]}?" if len(best) == 1 else "."


def _similarity(name: str, known: str) -> float:
    """Returns from 0 to 1 how alike two settings are: 0 unless their last names and their sections are.

    A shared section is not enough: `log.colour` is not `log.level`. A missing section is no difference: `port` is
    `web.port`, and without separators, so is `web_port`.
    """
    (section, last), (known_section, known_last) = _parts(name), _parts(known)
    if section + last == known_section + known_last:
        return 1.0
    sections = _ratio(section, known_section) if section else _SIMILAR
    lasts = _ratio(last, known_last)
    return 0.0 if min(sections, lasts) < _SIMILAR else (sections + lasts) / 2


def _parts(name: str) -> tuple[str, str]:
    section, _, last = name.casefold().rpartition(".")
    return re.sub(r"\W|_", "", section), last.replace("_", "")


def _ratio(typed: str, known: str) -> float:
    return difflib.SequenceMatcher(None, typed, known, autojunk=False).ratio()


def _last_name(steps: Sequence[str | int]) -> str:
    return next((step for step in reversed(steps) if isinstance(step, str)), "")


def _siblings(steps: list[str | int]) -> list[str]:
    """Returns the settings of a subscription, if `steps` leads to one of them."""
    if len(steps) != len(("subscriptions", "number", "name")):
        return []
    return [f"{steps[0]}[{steps[1]}].{name}" for name in FileSubscription.model_fields]


def _value(value: object) -> str:
    text = _CREDENTIALS.sub("(a password)@", printable(json.dumps(value, default=str)))
    return text if len(text) <= _VALUE_MAX_CHARS else f"{text[:_VALUE_MAX_CHARS]}…"
