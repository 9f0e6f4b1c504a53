"""Configures structured logging: one event per line, as text or JSON, never with a secret.

Modules log through the standard library: `log.info("poll finished", extra={"new_papers": 3})`. The schema:

- The event is a short lower-case phrase for one fact. It contains no values.
- Fields hold plain values: strings, numbers, and ISO 8601 strings for times; never the repr of an object.
- `reason` is the cause. `retry_at` is the time of the next attempt.
- Ids are `channel_id`, `guild_id` and `arxiv_id`; counts are plural nouns such as `papers`; durations end in `_s`.

A line of text is `TIME LEVEL LOGGER EVENT name=value …`. A line of JSON is an object with the keys `time`, `level`,
`logger`, `event`, `trace` (after an error) and the fields; a field with one of these names gets an underscore appended.
"""

import contextlib
import json
import logging
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TextIO

from bot.config import LogSettings, Settings
from bot.runtime.log_repeats import WINDOW_S, Repeats
from bot.runtime.server_url import ServerUrl

# The attributes of every record; any other attribute is a field of the event.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_LIBRARIES: Final = ("discord", "aiohttp", "asyncio", "aiosqlite", "alembic", "sqlalchemy", "psycopg")
_NO_SECRETS: Final[Mapping[str, str]] = {}
_PASSWORD_MIN: Final = 4


def configure(
    settings: Settings, stream: TextIO | None = None, monotonic: Callable[[], float] = time.monotonic
) -> None:
    """Sends every record to `stream` (None: standard error) in the configured format.

    The same event more than N times per minute (`bot.runtime.log_repeats`) becomes one line with the field `repeated`.
    """
    handler = _Handler(stream, monotonic)
    handler.setFormatter(_formatter(settings.log, _secrets(settings)))
    logging.basicConfig(level=settings.log.level, handlers=[handler], force=True)
    # Libraries' messages below a warning are about their internals; discord.client warns that voice is not installed.
    library_level = logging.DEBUG if settings.log.level == "DEBUG" else logging.WARNING
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(max(library_level, logging.INFO))
    logging.getLogger("discord.client").addFilter(lambda record: "voice will NOT" not in str(record.msg))


def silence() -> None:
    """Discards every record, for a command that reports everything in its own output."""
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def _secrets(settings: Settings) -> Mapping[str, str]:
    """Returns what replaces each secret. A shorter password would also replace parts of other words."""
    token, database = settings.discord.token, settings.database
    passwords = database.passwords if isinstance(database, ServerUrl) else ()
    replacements = {each: "[password]" for each in passwords if len(each) >= _PASSWORD_MIN}
    return replacements if token is None else replacements | {token.get_secret_value(): "[token]"}


def _formatter(settings: LogSettings, secrets: Mapping[str, str]) -> logging.Formatter:
    return JsonLines(secrets) if settings.format == "json" else TextLines(secrets)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes records, and counts those that repeat; where one cannot be formatted, writes only its source."""

    def __init__(self, stream: TextIO | None, monotonic: Callable[[], float]) -> None:
        super().__init__(stream)
        self._repeats = Repeats(_fields, monotonic)
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record, unless it repeats too often; the number of repetitions is written within a minute."""
        if self._repeats.is_over:
            self._write_summaries()
        if self._repeats.admits(record):
            super().emit(record)
        elif self._timer is None:
            self._timer = threading.Timer(WINDOW_S, self._end_window)
            self._timer.daemon = True  # at the end of the process, close() writes the numbers
            self._timer.start()

    def _end_window(self) -> None:
        """Runs in the timer's thread: no further event may come for hours."""
        self.acquire()
        try:
            self._timer = None
            self._write_summaries()
        finally:
            self.release()

    def _write_summaries(self) -> None:
        for summary in self._repeats.summaries():
            super().emit(summary)

    def close(self) -> None:
        """Writes the numbers of the current window."""
        self.acquire()
        try:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._write_summaries()
        finally:
            self.release()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """Replaces the default, which prints the whole record, perhaps with the token, to standard error."""
        source = f"{record.name}:{record.lineno}"
        attributes = {"name": __name__, "levelname": "ERROR", "msg": "event could not be written", "source": source}
        with contextlib.suppress(OSError, ValueError):  # the stream itself may be gone
            self.stream.write(self.format(logging.makeLogRecord(attributes)) + self.terminator)


class _Redacting(logging.Formatter):
    """Formats a record and removes the secrets from the result, wherever it came from."""

    def __init__(self, secrets: Mapping[str, str] = _NO_SECRETS) -> None:
        super().__init__()
        texts = {text: shown for secret, shown in secrets.items() for text in _escaped(secret)}
        self._secrets = dict(sorted(texts.items(), key=lambda item: len(item[0]), reverse=True))

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record)
        for secret, shown in self._secrets.items():
            line = line.replace(secret, shown)
        return line

    @abstractmethod
    def line(self, record: logging.LogRecord) -> str:
        """Returns the record in the formatter's format."""

    def trace(self, record: logging.LogRecord) -> str | None:
        """Returns the traceback of the record's exception, if there is one."""
        return None if not record.exc_info else self.formatException(record.exc_info)


def _escaped(secret: str) -> set[str]:
    """Returns a secret itself, and as JSON and reprs escape it, also one inside the other."""
    texts = {secret}
    for _ in range(2):
        texts |= {quoted[1:-1] for text in texts for quoted in (json.dumps(text), repr(text))}
    return texts


class TextLines(_Redacting):
    """`2026-11-20T20:30:00Z INFO bot.ingest.poller poll finished new_papers=3`, then the traceback, indented."""

    def line(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_quoted(value)}" for name, value in _fields(record).items())
        head = f"{_timestamp(record)} {record.levelname} {record.name} {_printable(record.getMessage())}{fields}"
        trace = self.trace(record)
        # An error's message may contain untrusted lines; indented, none can look like an event.
        return "\n    ".join([head, *map(_printable, (trace or "").splitlines())])


class JsonLines(_Redacting):
    """One JSON object per line."""

    def line(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        trace = self.trace(record)
        if trace is not None:
            event["trace"] = trace
        event |= {f"{name}_" if name in event else name: value for name, value in _fields(record).items()}
        # ASCII, so that Unicode line separators and terminal control characters are escaped.
        return json.dumps(event, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _timestamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _printable(text: str) -> str:
    """Returns untrusted text on one line, so that a newline in a title cannot look like another event."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _quoted(value: object) -> str:
    text = _printable(str(value))
    return json.dumps(text, ensure_ascii=False) if " " in text or '"' in text or not text else text
