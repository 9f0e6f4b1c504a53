"""What can be set, its defaults, and what is allowed: each rule says so in its own words."""

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
    SecretStr,
    ValidationInfo,
)

from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S, SNOWFLAKE_MAX, SNOWFLAKE_MIN

# What arXiv shows changes once a day (terms of use); a fixed interval shorter than this only repeats questions.
ARXIV_POLL_INTERVAL_MIN_S: Final = 600.0
LOOPBACK_POLL_INTERVAL_MIN_S: Final = 1.0

# It goes into the User-Agent in parentheses, so it may not hold one (RFC 9110, comments).
_CONTACT = re.compile(r"https?://[^\s()\\]+|[^\s@()\\]+@[^\s@()\\]+")
KeywordFault = Callable[[str], str | None]


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(*schemes: str) -> Callable[[str], str]:
    allowed = f"allowed: {' or '.join(f'{scheme}://…' for scheme in schemes)}"

    def check(url: str) -> str:
        if not _is_address(url, schemes):
            raise ValueError(f"is not an address; {allowed}")
        if urlsplit(url).scheme in ("http", "ws") and not is_loopback(url):
            raise ValueError(f"is not encrypted; allowed: {schemes[0]}://…, or an address of this machine")
        return url

    return check


def public_address(url: str) -> str:
    """Where a page is or will be, without the slash at its end; ValueError says what is allowed."""
    if not _is_address(url, ("https", "http")) or urlsplit(url).query or urlsplit(url).fragment:
        raise ValueError("is not where a page is; allowed: https://… or http://…, without a question mark")
    return url.rstrip("/")


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is none
        return False
    in_one_word = url.isprintable() and " " not in url
    return has_place and in_one_word and parts.scheme in schemes and parts.username is None


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable() or not text.isascii():
        raise ValueError("is empty, or not plain ASCII; allowed: one line of letters, digits and punctuation")
    return text.strip()


def _contact(text: str) -> str:
    line = _one_line(text)
    if not _CONTACT.fullmatch(line):
        raise ValueError("is no way to reach you; allowed: an e-mail address, or the address of a page (https://…)")
    return line


def _blank_is_none(text: object) -> object:
    return None if isinstance(text, str) and not text.strip() else text


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("does not look like a Discord token; allowed: the text of the developer portal's Bot page")
    return SecretStr(text)


def _channel_id(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(SNOWFLAKE_MAX)):
        return int(value)
    return value


def _file(path: Path) -> Path:
    # SQLite keeps a database of that name in memory, where no post would outlive a restart.
    if path.name in ("", "..", ":memory:") or "\0" in str(path):
        raise ValueError("is not the name of a file; allowed: the path of a file, which is made where there is none")
    return path


def _asks_this_machine(info: ValidationInfo) -> bool:
    """Whether arXiv is on this machine; an address that is at fault itself makes no second fault."""
    return "api_url" not in info.data or is_loopback(info.data["api_url"])


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

    token: Annotated[Annotated[SecretStr, AfterValidator(_token)] | None, BeforeValidator(_blank_is_none)] = None
    api_url: HttpUrl = "https://discord.com/api/v10"
    gateway_url: GatewayUrl | None = None


class ArxivSettings(_Section):
    """Where arXiv is, who asks, and how often."""

    api_url: HttpUrl = "https://export.arxiv.org/api/query"
    contact: Annotated[str, AfterValidator(_contact)] | None = None
    request_interval_s: Annotated[float, Field(gt=0, le=3600), AfterValidator(_polite_interval)] = (
        ARXIV_REQUEST_INTERVAL_S
    )
    poll_interval_s: (
        Annotated[float, Field(ge=LOOPBACK_POLL_INTERVAL_MIN_S, le=86400), AfterValidator(_polite_poll)] | None
    ) = None


class HuggingFaceSettings(_Section):
    """Where Hugging Face's daily papers are, and whether they are asked for votes and code at all."""

    enabled: bool = True
    api_url: HttpUrl = "https://huggingface.co/api"


class FileSubscription(_Section):
    """The keywords that the file wants in a channel."""

    channel_id: ChannelId
    keywords: tuple[Annotated[str, AfterValidator(_keyword)], ...]


class WebSettings(_Section):
    """Where the bot's own web server listens (without a port it does not), and whose papers everybody may see there."""

    host: Line = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    public_channels: tuple[ChannelId, ...] = ()
    # Where people reach the page, perhaps through a proxy: what they send as Host is not to be believed.
    address: Annotated[str, AfterValidator(public_address)] | None = None


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
