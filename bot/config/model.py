"""The settings with their defaults and rules. Each rule raises ValueError with a sentence for the operator."""

import ipaddress
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    SecretStr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import core_schema

from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S, SNOWFLAKE_MAX, SNOWFLAKE_MIN
from bot.runtime.server_url import ServerUrl

# arXiv's results change once a day (terms of use); a shorter fixed interval only repeats requests.
ARXIV_POLL_INTERVAL_MIN_S: Final = 600.0
LOOPBACK_POLL_INTERVAL_MIN_S: Final = 1.0
# Initial syncs read the papers of 30 days, and messages are edited for 30 days.
ABSTRACTS_KEPT_MIN_DAYS: Final = 30

# No parentheses: the contact becomes a comment in the User-Agent header (RFC 9110, section 5.6.5).
_CONTACT = re.compile(r"https?://[^\s()\\]+|[^\s@()\\]+@[^\s@()\\]+")
# The contact in config.example.json and in the documentation, which people copy unchanged.
_PLACEHOLDER_CONTACT: Final = "you@example.org"
KeywordFault = Callable[[str], str | None]


def is_loopback(url: str) -> bool:
    """Returns whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(*schemes: str) -> Callable[[str], str]:
    allowed = f"allowed: {' or '.join(f'{scheme}://…' for scheme in schemes)}"

    def check(url: str) -> str:
        if not _is_url(url, schemes):
            raise ValueError(f"is not a valid URL; {allowed}")
        if urlsplit(url).scheme in ("http", "ws") and not is_loopback(url):
            raise ValueError(f"is not encrypted; allowed: {schemes[0]}://…, or {schemes[1]}://… on this machine")
        return url

    return check


def public_address(url: str) -> str:
    """Returns the URL of a page without a slash at the end. Raises ValueError if a page cannot have it."""
    if not _is_url(url, ("https", "http")) or urlsplit(url).query or urlsplit(url).fragment:
        raise ValueError("is not the URL of a page; allowed: https://… or http://…, without query and fragment")
    return url.rstrip("/")


def _is_url(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an incomplete IPv6 address, or an invalid port
        return False
    is_one_word = url.isprintable() and " " not in url
    return has_host and is_one_word and parts.scheme in schemes and parts.username is None


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable() or not text.isascii():
        raise ValueError("is empty or not ASCII; allowed: one line of letters, digits and punctuation")
    return text.strip()


def _contact(text: str, info: ValidationInfo) -> str:
    line = _one_line(text)
    if not _CONTACT.fullmatch(line):
        raise ValueError("is not a contact; allowed: an email address or a URL (https://…)")
    if line.casefold() == _PLACEHOLDER_CONTACT and not _is_arxiv_local(info):
        raise ValueError(
            f"is still the example's {_PLACEHOLDER_CONTACT}; allowed: an email address or a URL where arXiv's "
            "operators can reach you, or null"
        )
    return line


def _upper_case(text: object) -> object:
    return text.strip().upper() if isinstance(text, str) else text


def _lower_case(text: object) -> object:
    return text.strip().lower() if isinstance(text, str) else text


def _blank_is_none(text: object) -> object:
    return None if isinstance(text, str) and not text.strip() else text


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            "does not look like a Discord token; allowed: the token on the Bot page of the developer portal"
        )
    return SecretStr(text)


def _channel_id(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(SNOWFLAKE_MAX)):
        return int(value)
    return value


def _database(value: object, path: ValidatorFunctionWrapHandler) -> Path | ServerUrl:
    if isinstance(value, ServerUrl):
        return value
    if isinstance(value, str) and ServerUrl.is_server(value):
        return ServerUrl.parse(value.strip())
    return _file(path(value))


def _file(path: Path) -> Path:
    # SQLite keeps :memory: in memory only, so nothing would survive a restart.
    if path.name in ("", "..", ":memory:") or "\0" in str(path):
        raise ValueError("is not the path of a file; allowed: the path of a file, which is created if missing")
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist; create it, or set the path of another file")
    return path


def _is_arxiv_local(info: ValidationInfo) -> bool:
    """Returns whether arXiv is on this machine; True if the URL is invalid, which is a fault already."""
    return "api_url" not in info.data or is_loopback(info.data["api_url"])


def _request_interval(interval_s: float, info: ValidationInfo) -> float:
    if interval_s < ARXIV_REQUEST_INTERVAL_S and not _is_arxiv_local(info):
        raise ValueError(
            f"is {interval_s:g}; allowed: {ARXIV_REQUEST_INTERVAL_S:g} or more, as arXiv's terms of use require "
            "(less only if arxiv.api_url is on this machine)"
        )
    return interval_s


def _poll_interval(interval_s: float, info: ValidationInfo) -> float:
    if interval_s < ARXIV_POLL_INTERVAL_MIN_S and not _is_arxiv_local(info):
        raise ValueError(
            f"is {interval_s:g}; allowed: null (arXiv's announcement calendar, recommended), or "
            f"{ARXIV_POLL_INTERVAL_MIN_S:g} or more, because arXiv's results change once a day"
        )
    return interval_s


def _keyword(text: str, info: ValidationInfo) -> str:
    keyword_fault: KeywordFault | None = info.context
    if keyword_fault is not None and (fault := keyword_fault(text)) is not None:
        raise ValueError(f"{json.dumps(text, ensure_ascii=False)}: {fault.rstrip('.')}")
    return text


HttpUrl = Annotated[str, AfterValidator(_url("https", "http"))]
GatewayUrl = Annotated[str, AfterValidator(_url("wss", "ws"))]
Line = Annotated[str, AfterValidator(_one_line)]
ChannelId = Annotated[int, BeforeValidator(_channel_id), Field(ge=SNOWFLAKE_MIN, le=SNOWFLAKE_MAX)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DiscordSettings(_Section):
    """Discord's endpoints and the bot's token."""

    token: Annotated[Annotated[SecretStr, AfterValidator(_token)] | None, BeforeValidator(_blank_is_none)] = None
    api_url: HttpUrl = "https://discord.com/api/v10"
    gateway_url: GatewayUrl | None = None
    # None: as many as Discord recommends. Each shard is a session of the gateway; Discord allows 1,000 per day.
    shards: Annotated[int, Field(ge=1, le=1000)] | None = None


class ArxivSettings(_Section):
    """arXiv's endpoint, the operator's contact, and the intervals."""

    api_url: HttpUrl = "https://export.arxiv.org/api/query"
    contact: Annotated[str, AfterValidator(_contact)] | None = None
    request_interval_s: Annotated[float, Field(gt=0, le=3600), AfterValidator(_request_interval)] = (
        ARXIV_REQUEST_INTERVAL_S
    )
    poll_interval_s: (
        Annotated[float, Field(ge=LOOPBACK_POLL_INTERVAL_MIN_S, le=86400), AfterValidator(_poll_interval)] | None
    ) = None

    @property
    def lacks_contact(self) -> bool:
        """Whether arXiv is not told whom to contact; a local arXiv needs no contact."""
        return self.contact is None and not is_loopback(self.api_url)


class HuggingFaceSettings(_Section):
    """Hugging Face's endpoint, and whether the bot uses Hugging Face at all."""

    enabled: bool = True
    api_url: HttpUrl = "https://huggingface.co/api"


class FileSubscription(_Section):
    """A channel's keywords in the file."""

    channel_id: ChannelId
    keywords: tuple[Annotated[str, AfterValidator(_keyword)], ...]


class WebSettings(_Section):
    """The bot's web server, which needs a port to run, and the channels that its page shows."""

    host: Line = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    public_channels: tuple[ChannelId, ...] = ()
    # The page's public URL, perhaps behind a proxy; a Host header cannot be trusted.
    address: Annotated[str, AfterValidator(public_address)] | None = None


class LimitsSettings(_Section):
    """How many keywords people can add with commands; subscriptions in the file never count."""

    keywords_per_command: Annotated[int, Field(ge=1, le=100)] = 25
    keywords_per_channel: Annotated[int, Field(ge=1, le=10_000)] = 200
    keywords_per_server: Annotated[int, Field(ge=1, le=100_000)] = 1000


class LogSettings(_Section):
    """The level and the format of the log."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper_case)] = "INFO"
    format: Annotated[Literal["text", "json"], BeforeValidator(_lower_case)] = "text"


class Settings(_Section):
    """Everything that an operator chooses."""

    discord: DiscordSettings = DiscordSettings()
    arxiv: ArxivSettings = ArxivSettings()
    huggingface: HuggingFaceSettings = HuggingFaceSettings()
    database: Annotated[
        Path | ServerUrl,
        GetPydanticSchema(
            lambda _, handler: core_schema.no_info_wrap_validator_function(
                _database,
                handler.generate_schema(Path),
                serialization=core_schema.plain_serializer_function_ser_schema(str),  # without the password
            )
        ),
    ] = Path("daily-papers.sqlite3")
    # None: for ever.
    abstracts_kept_days: Annotated[int, Field(ge=ABSTRACTS_KEPT_MIN_DAYS, le=36_500)] | None = None
    # None: the file does not manage subscriptions. A list, even an empty one, is the complete set of the file.
    subscriptions: tuple[FileSubscription, ...] | None = None
    web: WebSettings = WebSettings()
    limits: LimitsSettings = LimitsSettings()
    log: LogSettings = LogSettings()

    @property
    def state_file(self) -> Path:
        """The path from which the names of files next to the database are made; with a server, in this folder."""
        return Path("daily-papers") if isinstance(self.database, ServerUrl) else self.database
