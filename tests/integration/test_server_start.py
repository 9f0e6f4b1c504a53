"""A start with a database on a server that cannot be used: one sentence, exit code 1, and nothing is changed."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest

from bot.__main__ import main
from bot.runtime.errors import DatabaseUnusable
from bot.runtime.server_url import ServerUrl
from bot.store.migrate import APPLICATION_ID
from bot.store.server_schema import RUNNING, prepare_server
from bot.store.summary import summarise
from tests.support.tcp_server import PASSWORD, USER, TcpServer, server_url

pytestmark = pytest.mark.slow

# Prepares a database with this name, and returns the URL to start the bot with.
Prepare = Callable[[TcpServer, str], ServerUrl]


@pytest.fixture
def name(server: TcpServer, request: pytest.FixtureRequest) -> str:
    """The name of a database without tables."""
    name = f"d{abs(hash(request.node.nodeid))}"
    server.create(name)
    return name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, and an environment with only a token."""
    monkeypatch.chdir(tmp_path)
    for variable in [each for each in os.environ if each.startswith("DAILY_PAPERS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DISCORD_TOKEN", "not-a-real-token")
    switch_interval_s = sys.getswitchinterval()  # the program changes it
    yield tmp_path
    sys.setswitchinterval(switch_interval_s)


def wrong_password(server: TcpServer, name: str) -> ServerUrl:
    return server.url(name, password=f"{PASSWORD}!")


def unknown_user(server: TcpServer, name: str) -> ServerUrl:
    return server.url(name, user="eve")


def unknown_database(server: TcpServer, _: str) -> ServerUrl:
    return server.url("nowhere")


def closed_port(_: TcpServer, name: str) -> ServerUrl:
    return server_url(1, name)


def unknown_host(_: TcpServer, name: str) -> ServerUrl:
    return ServerUrl(server_url(1, name).secret.replace("127.0.0.1", "nowhere.invalid"))


def tls_that_the_server_lacks(server: TcpServer, name: str) -> ServerUrl:
    return server_url(server.port, name, options="?sslmode=require")


def tls_that_the_server_requires(server: TcpServer, _: str) -> ServerUrl:
    if ("tls_only",) not in server.execute("SELECT datname FROM pg_database"):
        server.create("tls_only")
    return server.url("tls_only")


def unknown_option(server: TcpServer, name: str) -> ServerUrl:
    return server_url(server.port, name, options="?colour=blue")


def invalid_option(server: TcpServer, name: str) -> ServerUrl:
    return server_url(server.port, name, options="?sslmode=perhaps")


def old_version(server: TcpServer, name: str) -> ServerUrl:
    """A server whose answer to the bot's question is that of version 14."""
    found = "CASE $1 WHEN 'server_version_num' THEN '140011' ELSE pg_catalog.current_setting($1) END"
    server.execute(f"CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT {found} $$", name)
    server.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    return server.url(name)


def read_only(server: TcpServer, name: str) -> ServerUrl:
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    return server.url(name)


def other_encoding(server: TcpServer, name: str) -> ServerUrl:
    server.execute(f"DROP DATABASE {name}")
    return server.create(name, "LATIN1")


def tables_of_another_program(server: TcpServer, name: str) -> ServerUrl:
    server.execute("CREATE TABLE papers (id int)", name)
    server.execute("INSERT INTO papers VALUES (1)", name)
    return server.url(name)


def newer_revision(server: TcpServer, name: str) -> ServerUrl:
    prepare_server(server.url(name), creates=True)
    server.execute("UPDATE alembic_version SET version_num = '9999'", name)
    return server.url(name)


def user_who_may_not_create_tables(server: TcpServer, name: str) -> ServerUrl:
    if ("reader",) not in server.execute("SELECT rolname FROM pg_roles"):
        server.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD.replace('%', '%%')}'")
    return server.url(name, user="reader")


def missing_schema(server: TcpServer, name: str) -> ServerUrl:
    return server_url(server.port, name, options="?options=-csearch_path%3Dnowhere")


def user_who_may_only_read(server: TcpServer, name: str) -> ServerUrl:
    prepare_server(server.url(name), creates=True)
    url = user_who_may_not_create_tables(server, name)
    server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", name)
    return url


FAULTS: Final[dict[Prepare, str]] = {
    wrong_password: f'password authentication failed for user "{USER}"',
    unknown_user: 'password authentication failed for user "eve"',
    unknown_database: 'database "nowhere" does not exist',
    closed_port: "Connection refused",
    unknown_host: "failed to resolve host 'nowhere.invalid'",
    tls_that_the_server_lacks: "server does not support SSL, but SSL was required",
    tls_that_the_server_requires: "pg_hba.conf rejects connection",
    unknown_option: 'invalid connection option "colour"',
    invalid_option: 'invalid sslmode value: "perhaps"',
    old_version: "has PostgreSQL 14; Daily Papers needs 15 or newer",
    read_only: "is read-only: set `database` to the primary server",
    other_encoding: "has the encoding LATIN1: create it with the encoding UTF8",
    tables_of_another_program: "belongs to another program: set `database` to an empty one",
    newer_revision: "was written by a newer Daily Papers (revision 9999): update the program",
    user_who_may_not_create_tables: "The user may not create tables in the database",
    missing_schema: "has no schema of the search_path: create the schema first",
    user_who_may_only_read: "The user may not write to the database",
}
# `page` creates no table, and has another reason; for a user who may only read, it works.
ONLY_BOT: Final = (user_who_may_not_create_tables, missing_schema)
CASES: Final = [("run", each) for each in FAULTS] + [
    ("page", each) for each in FAULTS if each != user_who_may_only_read
]


@pytest.mark.parametrize(("command", "prepare"), CASES, ids=lambda each: getattr(each, "__name__", each))
def test_fault_is_one_sentence_and_changes_nothing(
    prepare: Prepare, command: str, server: TcpServer, name: str, folder: Path, start: "Start"
) -> None:
    url = prepare(server, name)
    before = server.dump(name)
    sentence = start(url, command)
    if command == "run" or prepare not in ONLY_BOT:
        assert FAULTS[prepare] in sentence
    assert str(url).partition(" ")[0] in sentence
    assert server.dump(name) == before
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("prepare", FAULTS, ids=lambda prepare: prepare.__name__)
def test_check_names_the_fault_of_a_start(prepare: Prepare, server: TcpServer, name: str) -> None:
    url = prepare(server, name)
    before = server.dump(name)
    with pytest.raises(DatabaseUnusable, match=re.escape(FAULTS[prepare])) as caught:
        summarise(url)
    assert "hush" not in str(caught.value)
    assert server.dump(name) == before


def test_check_accepts_a_database_without_tables(server: TcpServer, name: str) -> None:
    assert summarise(server.url(name)) is None


Start = Callable[[ServerUrl, str], str]


@pytest.fixture
def start(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Start:
    """Runs a command with a database that cannot be used; returns the sentence that it prints."""
    del folder

    def run(url: ServerUrl, command: str) -> str:
        monkeypatch.setenv("DAILY_PAPERS_DATABASE", url.secret)
        assert main([command]) == 1
        shown = capfd.readouterr()
        (sentence,) = shown.err.splitlines()
        assert shown.out == ""
        assert re.fullmatch(r"The .*\.", sentence) or sentence.startswith("Another ")
        assert "hush" not in sentence
        return sentence

    return run


def test_database_that_another_bot_uses_is_rejected(server: TcpServer, name: str, start: Start) -> None:
    prepare_server(server.url(name), creates=True)
    before = server.dump(name)
    with psycopg.connect(server.url(name).secret) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", (APPLICATION_ID, RUNNING))
        assert "Another Daily Papers already runs with the database" in start(server.url(name), "run")
    assert server.dump(name) == before


@pytest.mark.usefixtures("as_root")
def test_full_server_is_rejected_at_the_start(server: TcpServer, name: str, start: Start) -> None:
    with server.on_small_disk(name) as disk:
        before = server.dump(name)
        disk.fill()
        assert "No space left on device" in start(server.url(name), "run")
        disk.free()
        assert server.dump(name) == before
