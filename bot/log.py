"""Structured logs: one event a line, with fields, as text or JSON; the token can never stand in one.

Everybody logs through the standard library: `log.info("pass finished", extra={"new": 3})`.
"""

import contextlib
import json
import logging
from abc import abstractmethod
from datetime import UTC, datetime
from typing import Final, TextIO

from bot.config import LogSettings, Settings

# What every record has; the rest are the event's own fields.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_REDACTED: Final = "[token]"


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every record to `stream` (None: standard error) in the form that the settings ask for."""
    handler = _Handler(stream)
    token = settings.discord.token
    secret = None if token is None else token.get_secret_value()
    handler.setFormatter(_formatter(settings.log, secret))
    logging.basicConfig(level=settings.log.level, handlers=[handler], force=True)
    # What libraries say below a warning is about themselves; and discord.client warns that voice is not installed.
    quiet = logging.DEBUG if settings.log.level == "DEBUG" else logging.WARNING
    for name in ("discord", "aiohttp", "asyncio", "aiosqlite"):
        logging.getLogger(name).setLevel(max(quiet, logging.INFO))
    logging.getLogger("discord.client").addFilter(lambda record: "voice will NOT" not in str(record.msg))


def _formatter(settings: LogSettings, secret: str | None) -> logging.Formatter:
    return JsonLines(secret) if settings.format == "json" else TextLines(secret)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes records; of one that cannot be written it says only where it came from."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """Instead of the whole record to standard error, where the token might stand in it."""
        source = f"{record.name}:{record.lineno}"
        told = {"name": __name__, "levelname": "ERROR", "msg": "an event could not be written", "source": source}
        with contextlib.suppress(OSError, ValueError):  # the stream itself may be gone
            self.stream.write(self.format(logging.makeLogRecord(told)) + self.terminator)


class _Redacting(logging.Formatter):
    """Writes one line a record, without the token, whoever put it in."""

    def __init__(self, secret: str | None) -> None:
        super().__init__()
        # As it is, and as it stands between quotes, where JSON and reprs escape.
        self._secrets = () if secret is None else (secret, json.dumps(secret)[1:-1])

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record)
        for secret in self._secrets:
            line = line.replace(secret, _REDACTED)
        return line

    @abstractmethod
    def line(self, record: logging.LogRecord) -> str:
        """The record in the formatter's own form."""

    def trace(self, record: logging.LogRecord) -> str | None:
        """The traceback of what was raised, if anything was."""
        return None if not record.exc_info else self.formatException(record.exc_info)


class TextLines(_Redacting):
    """`2026-11-20T20:30:00Z INFO bot.ingest.poller looked at arXiv new=3`; a traceback follows, indented."""

    def line(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_quoted(value)}" for name, value in _fields(record).items())
        head = f"{_moment(record)} {record.levelname} {record.name} {_printable(record.getMessage())}{fields}"
        trace = self.trace(record)
        # An error's message may hold lines of others too: indented, none can look like an event.
        return "\n    ".join([head, *map(_printable, (trace or "").splitlines())])


class JsonLines(_Redacting):
    """One JSON object a line."""

    def line(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        trace = self.trace(record)
        if trace is not None:
            event["trace"] = trace
        event |= {f"{name}_" if name in event else name: value for name, value in _fields(record).items()}
        # ASCII: other line separators, and what steers a terminal, stay inside of the one line.
        return json.dumps(event, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _printable(text: str) -> str:
    """Text of others on one line: a newline in a title must not look like another event."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _quoted(value: object) -> str:
    text = _printable(str(value))
    return json.dumps(text, ensure_ascii=False) if " " in text or '"' in text or not text else text
