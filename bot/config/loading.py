"""Reads config.json and the environment, and validates both together."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from bot.config.faults import SettingPath, fault_sentence, printable, suggestion
from bot.config.model import KeywordFault, Settings
from bot.runtime.errors import InvalidSettings

DEFAULT_FILE: Final = Path("config.json")
PREFIX: Final = "DAILY_PAPERS_"
_SEPARATOR: Final = "__"
# Variables of a command, the tests and the benchmarks.
_NOT_SETTINGS: Final = frozenset({"DAILY_PAPERS_COPY_TO", "DAILY_PAPERS_TEST_POSTGRES", "DAILY_PAPERS_BENCH_POSTGRES"})
# Variables that Kubernetes sets where a service is named daily-papers (concepts/services: discovering services).
_KUBERNETES_VARIABLE: Final = re.compile(rf"{PREFIX}(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP)|PORT=\w+://).*")


def load_settings(path: Path | None, environ: Mapping[str, str], keyword_fault: KeywordFault) -> Settings:
    """Returns the settings. Raises InvalidSettings with every fault.

    `path` None reads config.json if it exists. `keyword_fault` returns why a keyword cannot be watched, None if it can.
    """
    content, faults = _read_file(path)
    variables, unknown = _read_environment(environ)
    faults += unknown
    for setting_path, (_, value) in variables.items():
        _set(content, setting_path, value)
    # Encoded as JSON again: pydantic's strict mode accepts a list for a tuple and a string for a path only in JSON.
    try:
        settings = Settings.model_validate_json(json.dumps(content), context=keyword_fault)
    except ValidationError as error:
        names = {setting_path: name for setting_path, (name, _) in variables.items()}
        known = [".".join(setting_path) for setting_path, _ in _setting_paths(Settings)] + list(Settings.model_fields)
        faults += [fault_sentence(details, names, known) for details in error.errors(include_url=False)]
        raise InvalidSettings(tuple(map(printable, faults))) from None
    if faults:
        raise InvalidSettings(tuple(map(printable, faults)))
    return settings


def _read_file(path: Path | None) -> tuple[dict[str, object], list[str]]:
    """Returns the content of the file, or an empty object, and the faults."""
    file = DEFAULT_FILE if path is None else path
    try:
        # Some editors write a byte order mark.
        content, duplicates = _parse_json(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}, [] if path is None else [f"{file}: no such file."]
    except OSError as error:
        return {}, [f"{file}: cannot be read ({error.strerror})."]
    except UnicodeDecodeError:
        return {}, [f"{file}: not UTF-8 text."]
    except UnicodeEncodeError:
        return {}, [f"{file}: contains an unpaired surrogate (a \\ud8… escape without its second half)."]
    except json.JSONDecodeError as error:
        return {}, [f"{file}: not valid JSON (line {error.lineno}, column {error.colno}: {error.msg})."]
    except RecursionError:
        return {}, [f"{file}: nested too deeply."]
    except ValueError:  # int() limits the number of digits
        return {}, [f"{file}: contains a number with thousands of digits."]
    faults = [f"{file}: duplicate key {key} in one object." for key in duplicates]
    if not isinstance(content, dict):
        return {}, [*faults, f"{file}: not a JSON object; allowed: {{…}}, as in config.example.json."]
    return content, faults


def _parse_json(text: str) -> tuple[object, list[str]]:
    """Returns the parsed JSON, and the keys that occur twice in one object, of which the last wins."""
    duplicates: list[str] = []

    def to_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        duplicates.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return dict(pairs)

    content: object = json.loads(text, object_pairs_hook=to_object)
    # Raises UnicodeEncodeError for an unpaired surrogate.
    json.dumps(content, ensure_ascii=False).encode()
    return content, duplicates


def _read_environment(environ: Mapping[str, str]) -> tuple[dict[SettingPath, tuple[str, object]], list[str]]:
    """Returns the variable and value of each setting in the environment, and the faults.

    An empty variable counts as not set.
    """
    known = {PREFIX + _SEPARATOR.join(path).upper(): (path, is_text) for path, is_text in _setting_paths(Settings)}
    variables: dict[SettingPath, tuple[str, object]] = {}
    faults: list[str] = []
    prefixed = [name for name in environ if name.upper().startswith(PREFIX)]
    prefixed = [name for name in prefixed if name not in _NOT_SETTINGS]
    prefixed = [name for name in prefixed if not _KUBERNETES_VARIABLE.fullmatch(f"{name}={environ[name]}")]
    for name in (*prefixed, "DISCORD_TOKEN"):  # last, so DISCORD_TOKEN overrides DAILY_PAPERS_DISCORD__TOKEN
        text = environ.get(name, "").strip()
        setting_path, is_text = known.get(name, (("discord", "token"), True))
        if name in prefixed and name not in known:
            faults.append(f"{name}: unknown setting{_suggested_variable(name)}")
        elif not text.isprintable():
            faults.append(f"{name}: has control characters, or is not UTF-8 text.")
        elif text:
            variables[setting_path] = (name, text if is_text else _from_json(text))
    return variables, faults


def _suggested_variable(name: str) -> str:
    known = {".".join(path): PREFIX + _SEPARATOR.join(path).upper() for path, _ in _setting_paths(Settings)}
    return suggestion(name.upper().removeprefix(PREFIX).lower().replace(_SEPARATOR, "."), known)


def _setting_paths(section: type[BaseModel], prefix: SettingPath = ()) -> Iterator[tuple[SettingPath, bool]]:
    """Yields the path of each setting, and whether it is text; the variable of any other setting holds JSON."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _setting_paths(field.annotation, (*prefix, name))
        else:
            annotation = str(field.annotation)
            yield (*prefix, name), not any(kind in annotation for kind in ("int", "float", "tuple", "bool"))


def _from_json(text: str) -> object:
    try:
        value, duplicates = _parse_json(text)
    except (ValueError, RecursionError):
        return text  # fails validation, because the setting is not text
    return text if duplicates else value


def _set(content: dict[str, object], setting_path: SettingPath, value: object) -> None:
    section = content
    for name in setting_path[:-1]:
        inner = section.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # the file's value is not a section, which validation reports
        section = inner
    section[setting_path[-1]] = value
