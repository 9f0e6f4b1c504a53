"""Reads the file and the environment, and judges all of it at once."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from bot.config.faults import Place, nearest, sentence, shown
from bot.config.model import KeywordFault, Settings
from bot.runtime.errors import InvalidSettings

DEFAULT_FILE: Final = Path("config.json")
PREFIX: Final = "DAILY_PAPERS_"
_SEPARATOR: Final = "__"
# Kubernetes tells every container of a service called daily-papers in these (concepts/services: discovering services).
_OF_A_SERVICE: Final = re.compile(rf"{PREFIX}(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP)|PORT=\w+://).*")


def load_settings(path: Path | None, environ: Mapping[str, str], keyword_fault: KeywordFault) -> Settings:
    """Read the settings; `path` None takes config.json where it is there. Raises InvalidSettings with every fault.

    `keyword_fault` says why a keyword cannot be watched, None where it can.
    """
    wanted, faults = _read_file(path)
    variables, unknown = _read_environment(environ)
    faults += unknown
    for place, (_, value) in variables.items():
        _put(wanted, place, value)
    # JSON again: pydantic's strict mode takes a list for a tuple and a string for a path from JSON alone.
    try:
        settings = Settings.model_validate_json(json.dumps(wanted), context=keyword_fault)
    except ValidationError as error:
        names = {place: name for place, (name, _) in variables.items()}
        known = [".".join(place) for place, _ in _places(Settings)] + list(Settings.model_fields)
        faults += [sentence(details, names, known) for details in error.errors(include_url=False)]
        raise InvalidSettings(tuple(map(shown, faults))) from None
    if faults:
        raise InvalidSettings(tuple(map(shown, faults)))
    return settings


def _read_file(path: Path | None) -> tuple[dict[str, object], list[str]]:
    """What the file holds, or nothing and why."""
    file = DEFAULT_FILE if path is None else path
    try:
        # Some editors put a byte order mark before UTF-8.
        content, twice = _json(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}, [] if path is None else [f"{file}: there is no such file."]
    except OSError as error:
        return {}, [f"{file}: it cannot be read ({error.strerror})."]
    except UnicodeDecodeError:
        return {}, [f"{file}: it is not text in UTF-8."]
    except UnicodeEncodeError:
        return {}, [f"{file}: it holds half of a character (a \\ud8… escape without its second half)."]
    except json.JSONDecodeError as error:
        return {}, [f"{file}: it is not JSON (line {error.lineno}, column {error.colno}: {error.msg})."]
    except RecursionError:
        return {}, [f"{file}: it is nested too deeply."]
    except ValueError:  # int() refuses what would take it minutes
        return {}, [f"{file}: it holds a number of thousands of digits."]
    faults = [f"{file}: the key {key} stands twice in one object." for key in twice]
    if not isinstance(content, dict):
        return {}, [*faults, f"{file}: it does not hold an object; allowed: {{…}}, as in config.example.json."]
    return content, faults


def _json(text: str) -> tuple[object, list[str]]:
    """What a text in JSON says, and the keys that stand twice in one object of it: of those the last counts."""
    twice: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> dict[str, object]:
        twice.extend(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        return dict(pairs)

    content: object = json.loads(text, object_pairs_hook=note)
    json.dumps(content, ensure_ascii=False).encode()
    return content, twice


def _read_environment(environ: Mapping[str, str]) -> tuple[dict[Place, tuple[str, object]], list[str]]:
    """The settings in the environment by their place, with the variable's name; and what is wrong there.

    A variable that is empty counts as not set.
    """
    known = {PREFIX + _SEPARATOR.join(place).upper(): (place, is_text) for place, is_text in _places(Settings)}
    variables: dict[Place, tuple[str, object]] = {}
    faults: list[str] = []
    ours = [name for name in environ if name.upper().startswith(PREFIX)]
    ours = [name for name in ours if not _OF_A_SERVICE.fullmatch(f"{name}={environ[name]}")]
    for name in (*ours, "DISCORD_TOKEN"):  # the token's own name comes last, and so goes before the other
        text = environ.get(name, "").strip()
        place, is_text = known.get(name, (("discord", "token"), True))
        if name in ours and name not in known:
            faults.append(f"{name}: there is no such setting{nearest(name.upper(), known)}")
        elif not text.isprintable():
            faults.append(f"{name}: it has control characters, or is not text in UTF-8.")
        elif text:
            variables[place] = (name, text if is_text else _from_json(text))
    return variables, faults


def _places(section: type[BaseModel], at: Place = ()) -> Iterator[tuple[Place, bool]]:
    """Where settings stand, and whether each is a text: what a variable holds is JSON where it is not."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _places(field.annotation, (*at, name))
        else:
            kinds = str(field.annotation)
            yield (*at, name), not any(kind in kinds for kind in ("int", "float", "tuple", "bool"))


def _from_json(text: str) -> object:
    try:
        value, twice = _json(text)
    except (ValueError, RecursionError):
        return text  # which is not the type that the setting wants, and so a fault of its own
    return text if twice else value


def _put(wanted: dict[str, object], place: Place, value: object) -> None:
    section = wanted
    for name in place[:-1]:
        inner = section.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # the file holds something else there, which is a fault of its own
        section = inner
    section[place[-1]] = value
