"""Log formats: one event per line with its fields, and the token always redacted."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from bot.config import Settings
from bot.log import JsonLines, TextLines, configure
from bot.runtime.log_repeats import SAME_INFO_MAX, SAME_LINE_MAX, SAME_WARNING_MAX, WINDOW_S
from tests.support.seconds import Seconds

TOKEN = "MTk4NjIy.Cl2FMQ.Zn-secret"
TIME = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
Formatter = type[TextLines] | type[JsonLines]
BOTH = pytest.mark.parametrize("formatter", [TextLines, JsonLines])


def record(message: str = "poll finished", *arguments: object, **fields: object) -> logging.LogRecord:
    """Returns a record of the poller, with fields."""
    log_record = logging.makeLogRecord(
        {"name": "bot.ingest.poller", "levelname": "INFO", "msg": message, "args": arguments, **fields}
    )
    log_record.created = TIME.timestamp()
    return log_record


def error_record(message: str) -> logging.LogRecord:
    """Returns a record with the traceback of an error with this message."""
    try:
        fail(message)
    except ValueError as error:
        return record("failed", exc_info=(ValueError, error, error.__traceback__))


def fail(message: str) -> NoReturn:
    raise ValueError(message)


@pytest.fixture
def restored_loggers() -> Iterator[None]:
    """Restores the loggers, to which pytest attaches handlers."""
    root = logging.getLogger()
    loggers = [
        root,
        *map(
            logging.getLogger,
            ("discord", "discord.client", "aiohttp", "asyncio", "aiosqlite", "alembic", "sqlalchemy", "psycopg"),
        ),
    ]
    before = [(logger, logger.level, logger.handlers[:], logger.filters[:]) for logger in loggers]
    yield
    for logger, level, handlers, filters in before:
        logger.setLevel(level)
        logger.handlers[:], logger.filters[:] = handlers, filters


def settings(**log: str) -> Settings:
    """Returns settings with a token and these log settings."""
    return Settings.model_validate_json(json.dumps({"discord": {"token": TOKEN}, "log": log}))


def test_text_line_has_time_level_logger_event_and_fields() -> None:
    line = TextLines().format(record(requests=1, new=3))
    assert line == "2026-11-20T20:30:00.000Z INFO bot.ingest.poller poll finished requests=1 new=3"


def test_field_with_spaces_or_quotes_or_empty_is_quoted() -> None:
    line = TextLines().format(record(keyword="reward model", reason='"no"', empty=""))
    assert line.endswith(r'poll finished keyword="reward model" reason="\"no\"" empty=""')


def test_json_line_has_the_same_data() -> None:
    assert json.loads(JsonLines().format(record("read %d pages", 2, new=3, at=TIME))) == {
        "time": "2026-11-20T20:30:00.000Z",
        "level": "INFO",
        "logger": "bot.ingest.poller",
        "event": "read 2 pages",
        "new": 3,
        "at": "2026-11-20 20:30:00+00:00",
    }


def test_field_with_a_reserved_name_gets_an_underscore() -> None:
    event = json.loads(JsonLines().format(record(time="soon", level=7)))
    assert (event["time"], event["level"]) == ("2026-11-20T20:30:00.000Z", "INFO")
    assert (event["time_"], event["level_"]) == ("soon", 7)


@BOTH
@pytest.mark.parametrize("separator", ["\n", "\r\n", "\x0b", "\x85", "\u2028"])
def test_line_breaks_in_a_title_stay_on_one_line(formatter: Formatter, separator: str) -> None:
    forged = f"Title{separator}2026-11-20T20:30:00.000Z ERROR bot.composition.app forged"
    assert len(formatter().format(record(f"rejected {forged}", title=forged)).splitlines()) == 1


@BOTH
def test_terminal_control_characters_are_escaped(formatter: Formatter) -> None:
    line = formatter().format(record("a \x1b[2J and \x9b31m", title="\u202egnp.exe"))
    assert not {"\x1b", "\x9b", "\u202e"} & set(line)


def test_letters_of_other_scripts_stay_readable_in_text() -> None:
    assert TextLines().format(record("読む", author="Erdős")).endswith("読む author=Erdős")


def test_traceback_is_indented_so_that_no_line_looks_like_an_event() -> None:
    head, *trace = TextLines().format(error_record("first\n2026-11-20 INFO forged")).splitlines()
    assert head.endswith("INFO bot.ingest.poller failed")
    assert trace[0] == "    Traceback (most recent call last):"
    assert trace[-2:] == ["    ValueError: first", "    2026-11-20 INFO forged"]


def test_traceback_is_a_field_in_json() -> None:
    event = json.loads(JsonLines().format(error_record("no")))
    assert event["event"] == "failed"
    assert event["trace"].endswith("ValueError: no")


@BOTH
def test_token_is_redacted_in_event_arguments_fields_and_traceback(formatter: Formatter) -> None:
    in_event = record(f"Bot {TOKEN} and %s", TOKEN, header=f"Authorization: {TOKEN}", nested={"token": [TOKEN]})
    for line in (
        formatter({TOKEN: "[token]"}).format(in_event),
        formatter({TOKEN: "[token]"}).format(error_record(f"refused: {TOKEN}")),
    ):
        assert "[token]" in line
        assert TOKEN not in line


@BOTH
def test_token_is_redacted_where_quoting_escapes_it(formatter: Formatter) -> None:
    token = 'a"b\\c-secret'
    line = formatter({token: "[token]"}).format(record("refused", reason=f"the token {token}"))
    assert "[token]" in line
    assert "secret" not in line


@pytest.mark.usefixtures("restored_loggers")
def test_configured_log_uses_the_format_and_redacts_the_token() -> None:
    stream = io.StringIO()
    configure(settings(format="json"), stream)
    logging.getLogger("bot.composition.app").info("started with %s", TOKEN, extra={"servers": 2})
    event = json.loads(stream.getvalue())
    assert (event["event"], event["servers"]) == ("started with [token]", 2)


@pytest.mark.usefixtures("restored_loggers")
def test_records_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure(settings(level="WARNING"), stream)
    logging.getLogger("bot.composition.app").info("hidden")
    logging.getLogger("bot.composition.app").warning("shown")
    assert stream.getvalue().endswith("WARNING bot.composition.app shown\n")
    assert "hidden" not in stream.getvalue()


@pytest.mark.usefixtures("restored_loggers")
def test_libraries_log_warnings_only_and_nothing_about_voice() -> None:
    stream = io.StringIO()
    configure(settings(), stream)
    logging.getLogger("discord.gateway").info("Shard ID None has connected")
    logging.getLogger("discord.client").warning("PyNaCl is not installed, voice will NOT be supported")
    assert stream.getvalue() == ""
    logging.getLogger("discord.gateway").warning("rate limited")
    assert "rate limited" in stream.getvalue()


@pytest.mark.usefixtures("restored_loggers")
def test_libraries_log_more_at_debug_but_never_payloads() -> None:
    stream = io.StringIO()
    configure(settings(level="DEBUG"), stream)
    logging.getLogger("discord.gateway").info("connected")
    logging.getLogger("discord.gateway").debug("For Shard ID None: WebSocket Event: …")
    assert "connected" in stream.getvalue()
    assert "WebSocket Event" not in stream.getvalue()


@pytest.mark.usefixtures("restored_loggers")
def test_log_goes_to_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings())
    logging.getLogger("bot.composition.app").info("started")
    assert "started" in capsys.readouterr().err


@pytest.mark.usefixtures("restored_loggers")
@pytest.mark.parametrize(("log_format", "line"), [("text", "ERROR bot.log "), ("json", '"logger": "bot.log"')])
def test_unformattable_event_is_reported_without_its_content(
    capsys: pytest.CaptureFixture[str], log_format: str, line: str
) -> None:
    configure(settings(format=log_format))
    logging.getLogger("discord.client").warning("%d servers", TOKEN)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert line in written
    assert "event could not be written" in written
    assert "discord.client:" in written
    assert TOKEN not in written


@pytest.mark.usefixtures("restored_loggers")
def test_closed_stream_raises_nothing() -> None:
    stream = io.StringIO()
    configure(settings(), stream)
    stream.close()
    logging.getLogger("bot.composition.app").info("started")
    assert stream.closed


@pytest.fixture
def stream(restored_loggers: None) -> Iterator[io.StringIO]:
    """The log, as text; the limits are those of production."""
    stream = io.StringIO()
    configure(settings(), stream, Seconds())
    yield stream
    logging.getLogger().handlers[0].close()


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.ERROR])
def test_repeated_event_is_limited_and_its_number_is_written(stream: io.StringIO, level: int) -> None:
    for _ in range(5000):
        logging.getLogger("bot.web.listening").log(level, "connection not accepted", extra={"reason": "no descriptor"})
    assert len(lines(stream)) == SAME_LINE_MAX
    logging.getLogger().handlers[0].close()
    assert len(lines(stream)) == SAME_LINE_MAX + 1
    assert lines(stream)[-1].endswith(
        f'bot.web.listening connection not accepted reason="no descriptor" repeated={5000 - SAME_LINE_MAX}'
    )


def test_events_that_differ_are_not_repetitions(stream: io.StringIO) -> None:
    for number in range(SAME_WARNING_MAX):
        logging.getLogger("bot.publish").error("message rejected", extra={"channel_id": number})
    assert len(lines(stream)) == SAME_WARNING_MAX


@pytest.mark.parametrize(("level", "limit"), [(logging.INFO, SAME_INFO_MAX), (logging.ERROR, SAME_WARNING_MAX)])
def test_event_with_ever_different_fields_is_limited_too(stream: io.StringIO, level: int, limit: int) -> None:
    for number in range(limit + 50):
        logging.getLogger("bot.web").log(level, "refused", extra={"address": number})
    assert len(lines(stream)) == limit
    logging.getLogger().handlers[0].close()
    assert lines(stream)[-1].endswith(f"bot.web refused address={limit + 49} repeated=50")


def test_numbers_in_the_text_of_a_library_do_not_make_events_different(stream: io.StringIO) -> None:
    for number in range(SAME_WARNING_MAX + 50):
        logging.getLogger("asyncio").error(f"accept() failed\nsocket: <fd={number}, at {hex(number)}>")
    assert len(lines(stream)) == SAME_WARNING_MAX


def test_other_events_are_written_during_a_flood_of_one(stream: io.StringIO) -> None:
    for _ in range(1000):
        logging.getLogger("asyncio").error("accept() failed")
    logging.getLogger("bot.publish").error("message rejected")
    assert lines(stream)[-1].endswith("message rejected")


def test_repeated_tracebacks_of_different_errors_are_different_events(stream: io.StringIO) -> None:
    for error in (ValueError("no"), OSError("no")):
        for _ in range(100):
            logging.getLogger("asyncio").error("task failed", exc_info=error)
    assert sum(line.endswith("task failed") for line in lines(stream)) == 2 * SAME_LINE_MAX


@pytest.mark.usefixtures("restored_loggers")
def test_limits_start_again_after_a_minute() -> None:
    stream, clock = io.StringIO(), Seconds()
    configure(settings(), stream, clock)
    for minute in range(3):
        clock.now_s = minute * WINDOW_S
        for _ in range(100):
            logging.getLogger("asyncio").error("accept() failed")
    logging.getLogger().handlers[0].close()
    repeated = [line for line in lines(stream) if line.endswith(f"repeated={100 - SAME_LINE_MAX}")]
    assert (len(lines(stream)), len(repeated)) == (3 * SAME_LINE_MAX + 3, 3)


def test_token_is_redacted_in_the_summary_of_repetitions(stream: io.StringIO) -> None:
    for _ in range(100):
        logging.getLogger("discord.http").error("refused %s", TOKEN)
    logging.getLogger().handlers[0].close()
    assert "repeated=80" in lines(stream)[-1]
    assert TOKEN not in stream.getvalue()


def test_number_of_repetitions_is_written_without_a_further_event(stream: io.StringIO) -> None:
    for _ in range(100):
        logging.getLogger("asyncio").error("accept() failed")
    (timer,) = (thread for thread in threading.enumerate() if isinstance(thread, threading.Timer))
    assert timer.interval == WINDOW_S
    timer.function()  # what the timer does after a minute
    timer.cancel()
    assert lines(stream)[-1].endswith(f"accept() failed repeated={100 - SAME_LINE_MAX}")
