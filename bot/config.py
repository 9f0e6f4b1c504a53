"""config.json and the environment → frozen settings, or every fault at once.

A path and the environment enter; `Settings` leave, or SettingsInvalid with one sentence a fault: where it stands, what
is wrong, what is allowed. The environment goes before the file. The token never stands in a fault or a repr.
"""

import difflib
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from bot.errors import SettingsInvalid
from bot.limits import (
    ARXIV_POLL_INTERVAL_MIN_S,
    ARXIV_REQUEST_INTERVAL_S,
    LOOPBACK_POLL_INTERVAL_MIN_S,
    SNOWFLAKE_MAX,
    SNOWFLAKE_MIN,
)

DEFAULT_FILE: Final = Path("config.json")
PREFIX: Final = "DAILY_PAPERS_"
_SEPARATOR: Final = "__"
_SHOWN_MAX: Final = 60

KeywordFault = Callable[[str], str | None]


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(*schemes: str) -> Callable[[str], str]:
    def check(url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.hostname or parts.username is not None:
            raise ValueError(f"is not an address; allowed: {' or '.join(schemes)}://host…")
        if parts.scheme in ("http", "ws") and not is_loopback(url):
            raise ValueError(f"is not encrypted; allowed: {parts.scheme}s://…, or an address of this machine")
        return url.rstrip("/")

    return check


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("is empty or has control characters; allowed: one line of text")
    return text.strip()


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("does not look like a Discord token; allowed: the text of the developer portal's Bot page")
    return SecretStr(text)


def _channel_id(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value


def _file(path: Path) -> Path:
    if path.name == "":
        raise ValueError("is empty; allowed: the path of a file")
    return path


def _asks_this_machine(info: ValidationInfo) -> bool:
    return is_loopback(info.data.get("api_url", ""))


def _polite_interval(interval_s: float, info: ValidationInfo) -> float:
    if interval_s < ARXIV_REQUEST_INTERVAL_S and not _asks_this_machine(info):
        raise ValueError(
            f"is {interval_s:g}; allowed: {ARXIV_REQUEST_INTERVAL_S:g} or more, as arXiv's terms of use ask "
            "(less only where arxiv.api_url is on this machine)"
        )
    return interval_s


def _polite_poll(interval_s: float, info: ValidationInfo) -> float:
    if interval_s < ARXIV_POLL_INTERVAL_MIN_S and not _asks_this_machine(info):
        raise ValueError(
            f"is {interval_s:g}; allowed: null (by arXiv's calendar, the best) or {ARXIV_POLL_INTERVAL_MIN_S:g} or "
            "more, since what arXiv shows changes once a day"
        )
    return interval_s


def _keyword(text: str, info: ValidationInfo) -> str:
    keyword_fault: KeywordFault | None = info.context
    if keyword_fault is not None and (fault := keyword_fault(text)) is not None:
        raise ValueError(f"{json.dumps(text, ensure_ascii=False)}: {fault.rstrip('.')}")
    return text


HttpUrl = Annotated[str, AfterValidator(_address("https", "http"))]
GatewayUrl = Annotated[str, AfterValidator(_address("wss", "ws"))]
Line = Annotated[str, AfterValidator(_one_line)]
ChannelId = Annotated[int, BeforeValidator(_channel_id), Field(ge=SNOWFLAKE_MIN, le=SNOWFLAKE_MAX)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DiscordSettings(_Section):
    """Where Discord is, and the bot's token there."""

    token: Annotated[SecretStr, AfterValidator(_token)] | None = None
    api_url: HttpUrl = "https://discord.com/api/v10"
    gateway_url: GatewayUrl | None = None


class ArxivSettings(_Section):
    """Where arXiv is, who asks, and how often."""

    api_url: HttpUrl = "https://export.arxiv.org/api/query"
    contact: Line | None = None
    request_interval_s: Annotated[float, Field(gt=0, le=3600), AfterValidator(_polite_interval)] = (
        ARXIV_REQUEST_INTERVAL_S
    )
    poll_interval_s: (
        Annotated[float, Field(ge=LOOPBACK_POLL_INTERVAL_MIN_S, le=86400), AfterValidator(_polite_poll)] | None
    ) = None


class HuggingFaceSettings(_Section):
    """Where Hugging Face's papers are."""

    api_url: HttpUrl = "https://huggingface.co/api"


class FileSubscription(_Section):
    """The keywords that the file wants in a channel."""

    channel_id: ChannelId
    keywords: tuple[Annotated[str, AfterValidator(_keyword)], ...]


class WebSettings(_Section):
    """Where the bot's own web server listens; without a port it does not."""

    host: Line = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class LogSettings(_Section):
    """How much is logged, and in which form."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


class Settings(_Section):
    """Everything that an operator chooses."""

    discord: DiscordSettings = DiscordSettings()
    arxiv: ArxivSettings = ArxivSettings()
    huggingface: HuggingFaceSettings = HuggingFaceSettings()
    database: Annotated[Path, AfterValidator(_file)] = Path("daily-papers.sqlite3")
    # None: the file says nothing, and nothing changes; a list, an empty one too, is what the file wants.
    subscriptions: tuple[FileSubscription, ...] | None = None
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()


def load_settings(path: Path | None, environ: Mapping[str, str], keyword_fault: KeywordFault) -> Settings:
    """Read the settings; `path` None takes config.json where it is there. Raises SettingsInvalid with every fault.

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
        faults += [_sentence(details, names) for details in error.errors(include_url=False)]
        raise SettingsInvalid(tuple(faults)) from None
    if faults:
        raise SettingsInvalid(tuple(faults))
    return settings


def _read_file(path: Path | None) -> tuple[dict[str, object], list[str]]:
    """What the file holds, or nothing and why."""
    file = DEFAULT_FILE if path is None else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_no_key_twice)
    except FileNotFoundError:
        return {}, [] if path is None else [f"{file}: there is no such file."]
    except OSError as error:
        return {}, [f"{file}: it cannot be read ({error.strerror})."]
    except UnicodeDecodeError:
        return {}, [f"{file}: it is not text in UTF-8."]
    except json.JSONDecodeError as error:
        return {}, [f"{file}: it is not JSON (line {error.lineno}, column {error.colno}: {error.msg})."]
    except (ValueError, RecursionError) as error:
        return {}, [f"{file}: {error}."]
    if not isinstance(content, dict):
        return {}, [f"{file}: it holds a {type(content).__name__}; allowed: one object, {{…}}."]
    return content, []


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"the key {', '.join(twice)} stands twice in one object")
    return dict(pairs)


_Place = tuple[str, ...]


def _read_environment(environ: Mapping[str, str]) -> tuple[dict[_Place, tuple[str, object]], list[str]]:
    """The settings in the environment by their place, with the variable's name; and the variables that mean nothing."""
    known = dict(_places(Settings))
    variables: dict[_Place, tuple[str, object]] = {}
    faults: list[str] = []
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        place = tuple(name.removeprefix(PREFIX).lower().split(_SEPARATOR))
        if place not in known:
            names = [PREFIX + _SEPARATOR.join(other).upper() for other in known]
            faults.append(f"{name}: there is no such setting{_nearest(name, names)}")
        else:
            variables[place] = (name, _value(text, is_text=known[place]))
    token = environ.get("DISCORD_TOKEN", "").strip()
    if token:
        variables["discord", "token"] = ("DISCORD_TOKEN", token)
    return variables, faults


def _places(section: type[BaseModel], at: _Place = ()) -> Iterator[tuple[_Place, bool]]:
    """Where settings stand, and whether each is a text: what a variable holds is JSON where it is not."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _places(field.annotation, (*at, name))
        else:
            kinds = str(field.annotation)
            yield (*at, name), not any(kind in kinds for kind in ("int", "float", "tuple"))


def _value(text: str, *, is_text: bool) -> object:
    if is_text:
        return text or None
    try:
        value: object = json.loads(text) if text else None
    except ValueError:
        return text
    return value


def _put(wanted: dict[str, object], place: _Place, value: object) -> None:
    section = wanted
    for name in place[:-1]:
        inner = section.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # the file holds something else there, which is a fault of its own
        section = inner
    section[place[-1]] = value


def _sentence(details: ErrorDetails, variables: Mapping[_Place, str]) -> str:
    """One fault: its place, what is wrong, what is allowed."""
    steps = [step for step in details["loc"] if not str(step).startswith("function-")]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    variable = variables.get(tuple(map(str, steps)))
    at = where if variable is None else f"{where} ({variable})"
    if details["type"] == "extra_forbidden":
        known = [".".join(place) for place, _ in _places(Settings)] + list(Settings.model_fields)
        return f"{at}: there is no such setting{_nearest(where, known)}"
    if details["type"] == "missing":
        return f"{at}: it is missing."
    message = details["msg"]
    if details["type"] == "value_error":  # ours: it says what is wrong and what is allowed
        return f"{at}: {message.removeprefix('Value error, ')}."
    shown = "its value" if "token" in steps else _shown(details["input"])
    return f"{at}: {shown} is not allowed; {message[0].lower()}{message[1:]}."


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else "."
