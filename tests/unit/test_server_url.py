"""The URL of a PostgreSQL database: what is accepted, and that no text form contains a password."""

import json
import logging
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa

from bot.config import Settings
from bot.log import JsonLines, TextLines
from bot.runtime.server_url import ServerUrl
from bot.store.server_schema import connect_arguments, secret_arguments, server_engine_url

PASSWORD = "hush/4711@hush:'4712\\%hush+47\"13 hush"
URLS = (
    f"postgresql://ada:{quote(PASSWORD, safe='')}@db.example.org:5433/papers",
    f"postgresql://ada:{quote(PASSWORD, safe='').lower()}@db.example.org:5433/papers",
    f"postgresql://ada@db.example.org:5433/papers?password={quote_plus(PASSWORD)}",
    f"postgresql:///papers?host=%2Ftmp&user=ada&sslpassword={quote(PASSWORD)}",
)


@pytest.mark.parametrize("text", URLS)
def test_settings_with_a_password_never_show_it(text: str) -> None:
    settings = Settings.model_validate_json(json.dumps({"database": text}))
    url = settings.database
    assert isinstance(url, ServerUrl)
    engine = sa.create_engine(server_engine_url(url))
    shown = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()]
    shown += [repr(url), str(url), f"{url}", repr(engine), repr(engine.url), engine.url.render_as_string(False)]
    assert not [each for each in shown if "hush" in each]
    assert PASSWORD in secret_arguments(url).values()


@pytest.mark.parametrize("text", URLS)
@pytest.mark.parametrize("formatter", [TextLines, JsonLines])
@pytest.mark.parametrize(
    "form", [str, repr, json.dumps, quote, quote_plus, lambda text: quote(text, safe=""), lambda text: f"u:{text}@h"]
)
def test_every_form_of_a_password_is_redacted(
    text: str, formatter: type[TextLines] | type[JsonLines], form: "type[str]"
) -> None:
    record = logging.makeLogRecord({"msg": "refused %s", "args": (form(PASSWORD),), "levelname": "INFO", "name": "x"})
    record.reason = form(PASSWORD)
    line = formatter(dict.fromkeys(ServerUrl.parse(text).passwords, "[password]")).format(record)
    assert "[password]" in line
    assert "hush" not in line
    assert "hush" not in formatter(dict.fromkeys(ServerUrl.parse(text).passwords, "[password]")).format(
        logging.makeLogRecord({"msg": text, "levelname": "INFO", "name": "x"})
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ada:hush@db.example.org:5433/papers", "papers at db.example.org:5433"),
        ("postgresql://ada:hush@/papers?host=db.example.org&port=5433", "papers at db.example.org:5433"),
        ("postgresql://ada:hush@/papers?host=%2Frun%2Fpostgresql", "papers at /run/postgresql"),
        ("postgresql:///papers?service=hush", "papers at the default socket"),
    ],
)
def test_url_is_shown_as_a_database_at_a_server(text: str, shown: str) -> None:
    assert str(ServerUrl.parse(text)) == shown


def test_parameters_of_the_url_replace_the_defaults() -> None:
    url = "postgresql://ada@db.example.org/papers"
    assert connect_arguments(ServerUrl.parse(url))["connect_timeout"] == 5
    assert "connect_timeout" not in connect_arguments(ServerUrl.parse(f"{url}?connect_timeout=20"))


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ada:hush@hush@db/papers",
        "postgresql://ada:hush/hush@db/papers",
        "postgresql://ada:hush?hush@db/papers",
        "postgresql://ada:hush#hush@db/papers",
        "postgresql://ada:hush[hush@db/papers",
        "postgresql://ada:hush hush@db/papers",
        "postgresql://ada:hush@db:99999/papers",
        "postgresql://ada:hush@db:/papers",
        "postgresql://ada:hush@db:0/papers",
        "postgresql://ada:hush@db..example.org/papers",
        f"postgresql://ada:hush@/papers?host={'a' * 64}.org",
        "postgresql://ada:hush%00hush@db/papers",
        "postgresql://ada:hush@db/papers#hush",
        "postgresql://ada:hush@db/",
        "postgresql+psycopg://ada:hush@db/papers",
        "mysql://ada:hush@db/papers",
    ],
)
def test_invalid_url_is_rejected_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of a PostgreSQL database") as caught:
        ServerUrl.parse(text)
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value)
