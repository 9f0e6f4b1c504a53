"""One event a line with its fields, and never a token, whoever put it in."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from bot.config import Settings
from bot.log import JsonLines, TextLines, configure

TOKEN = "MTk4NjIy.Cl2FMQ.Zn-secret"
MOMENT = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
Formatter = type[TextLines] | type[JsonLines]
BOTH = pytest.mark.parametrize("formatter", [TextLines, JsonLines])


def record(message: str = "pass finished", *arguments: object, **fields: object) -> logging.LogRecord:
    """An event of the pipeline's, with its own fields."""
    made = logging.makeLogRecord(
        {"name": "bot.ingest.poller", "levelname": "INFO", "msg": message, "args": arguments, **fields}
    )
    made.created = MOMENT.timestamp()
    return made


def failed(message: str) -> logging.LogRecord:
    """An event with the traceback of an error that says `message`."""
    try:
        refuse(message)
    except ValueError as error:
        return record("failed", exc_info=(ValueError, error, error.__traceback__))


def refuse(message: str) -> NoReturn:
    raise ValueError(message)


@pytest.fixture
def quiet_afterwards() -> Iterator[None]:
    """Give the loggers back as they were: pytest has handlers of its own."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, ("discord", "discord.client", "aiohttp", "asyncio", "aiosqlite"))]
    before = [(logger, logger.level, logger.handlers[:], logger.filters[:]) for logger in loggers]
    yield
    for logger, level, handlers, filters in before:
        logger.setLevel(level)
        logger.handlers[:], logger.filters[:] = handlers, filters


def settings(**log: str) -> Settings:
    """Settings with a token, and what is said of the log."""
    return Settings.model_validate_json(json.dumps({"discord": {"token": TOKEN}, "log": log}))


def test_text_line_has_moment_level_room_event_and_fields() -> None:
    line = TextLines(None).format(record(requests=1, new=3))
    assert line == "2026-11-20T20:30:00.000Z INFO bot.ingest.poller pass finished requests=1 new=3"


def test_field_with_spaces_or_quotes_or_nothing_in_it_is_quoted() -> None:
    line = TextLines(None).format(record(keyword="reward model", why='"no"', empty=""))
    assert line.endswith(r'pass finished keyword="reward model" why="\"no\"" empty=""')


def test_json_line_has_the_same_as_an_object() -> None:
    assert json.loads(JsonLines(None).format(record("read %d pages", 2, new=3, at=MOMENT))) == {
        "time": "2026-11-20T20:30:00.000Z",
        "level": "INFO",
        "logger": "bot.ingest.poller",
        "event": "read 2 pages",
        "new": 3,
        "at": "2026-11-20 20:30:00+00:00",
    }


def test_field_named_as_a_part_of_the_json_line_stands_beside_it() -> None:
    event = json.loads(JsonLines(None).format(record(time="soon", level=7)))
    assert (event["time"], event["level"]) == ("2026-11-20T20:30:00.000Z", "INFO")
    assert (event["time_"], event["level_"]) == ("soon", 7)


@BOTH
@pytest.mark.parametrize("separator", ["\n", "\r\n", "\x0b", "\x85", "\u2028"])
def test_title_with_line_breaks_stays_on_the_line_of_its_event(formatter: Formatter, separator: str) -> None:
    forged = f"Title{separator}2026-11-20T20:30:00.000Z ERROR bot.composition.app all is lost"
    assert len(formatter(None).format(record(f"rejected {forged}", title=forged)).splitlines()) == 1


@BOTH
def test_what_steers_a_terminal_is_written_out(formatter: Formatter) -> None:
    line = formatter(None).format(record("a \x1b[2J and \x9b31m", title="\u202egnp.exe"))
    assert not {"\x1b", "\x9b", "\u202e"} & set(line)


def test_letters_of_other_scripts_can_be_read_in_text() -> None:
    assert TextLines(None).format(record("読む", author="Erdős")).endswith("読む author=Erdős")


def test_traceback_follows_indented_so_that_no_line_of_it_looks_like_an_event() -> None:
    head, *trace = TextLines(None).format(failed("first\n2026-11-20 INFO forged")).splitlines()
    assert head.endswith("INFO bot.ingest.poller failed")
    assert trace[0] == "    Traceback (most recent call last):"
    assert trace[-2:] == ["    ValueError: first", "    2026-11-20 INFO forged"]


def test_traceback_is_a_field_in_json() -> None:
    event = json.loads(JsonLines(None).format(failed("no")))
    assert event["event"] == "failed"
    assert event["trace"].endswith("ValueError: no")


@BOTH
def test_token_is_redacted_in_event_arguments_fields_and_traceback(formatter: Formatter) -> None:
    in_event = record(f"Bot {TOKEN} and %s", TOKEN, header=f"Authorization: {TOKEN}", nested={"token": [TOKEN]})
    for line in (formatter(TOKEN).format(in_event), formatter(TOKEN).format(failed(f"refused: {TOKEN}"))):
        assert "[token]" in line
        assert TOKEN not in line


@BOTH
def test_token_is_redacted_where_quoting_escapes_it(formatter: Formatter) -> None:
    token = 'a"b\\c-secret'
    line = formatter(token).format(record("refused", why=f"the token {token}"))
    assert "[token]" in line
    assert "secret" not in line


@pytest.mark.usefixtures("quiet_afterwards")
def test_configured_log_writes_in_the_form_asked_for_without_the_token() -> None:
    stream = io.StringIO()
    configure(settings(format="json"), stream)
    logging.getLogger("bot.composition.app").info("started with %s", TOKEN, extra={"servers": 2})
    event = json.loads(stream.getvalue())
    assert (event["event"], event["servers"]) == ("started with [token]", 2)


@pytest.mark.usefixtures("quiet_afterwards")
def test_level_decides_what_is_written() -> None:
    stream = io.StringIO()
    configure(settings(level="WARNING"), stream)
    logging.getLogger("bot.composition.app").info("not this")
    logging.getLogger("bot.composition.app").warning("but this")
    assert stream.getvalue().endswith("WARNING bot.composition.app but this\n")
    assert "not this" not in stream.getvalue()


@pytest.mark.usefixtures("quiet_afterwards")
def test_libraries_speak_of_warnings_alone_and_never_of_voice() -> None:
    stream = io.StringIO()
    configure(settings(), stream)
    logging.getLogger("discord.gateway").info("Shard ID None has connected")
    logging.getLogger("discord.client").warning("PyNaCl is not installed, voice will NOT be supported")
    assert stream.getvalue() == ""
    logging.getLogger("discord.gateway").warning("rate limited")
    assert "rate limited" in stream.getvalue()


@pytest.mark.usefixtures("quiet_afterwards")
def test_libraries_say_more_when_everything_is_asked_for_but_never_their_payloads() -> None:
    stream = io.StringIO()
    configure(settings(level="DEBUG"), stream)
    logging.getLogger("discord.gateway").info("connected")
    logging.getLogger("discord.gateway").debug("For Shard ID None: WebSocket Event: …")
    assert "connected" in stream.getvalue()
    assert "WebSocket Event" not in stream.getvalue()


@pytest.mark.usefixtures("quiet_afterwards")
def test_log_goes_to_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings())
    logging.getLogger("bot.composition.app").info("started")
    assert "started" in capsys.readouterr().err


@pytest.mark.usefixtures("quiet_afterwards")
@pytest.mark.parametrize(("form", "line"), [("text", "ERROR bot.log "), ("json", '"logger": "bot.log"')])
def test_event_that_cannot_be_written_is_told_of_without_what_it_holds(
    capsys: pytest.CaptureFixture[str], form: str, line: str
) -> None:
    configure(settings(format=form))
    logging.getLogger("discord.client").warning("%d servers", TOKEN)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert line in written
    assert "an event could not be written" in written
    assert "discord.client:" in written
    assert TOKEN not in written


@pytest.mark.usefixtures("quiet_afterwards")
def test_log_whose_stream_is_gone_stops_nobody() -> None:
    stream = io.StringIO()
    configure(settings(), stream)
    stream.close()
    logging.getLogger("bot.composition.app").info("started")
    assert stream.closed
