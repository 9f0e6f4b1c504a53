"""Tests of the command line: exit codes, and one line for each error."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.store.database import Database

TOKEN = "not-a-real-token"
DEADLINE_S = 40.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DAILY_PAPERS_") or name == "DISCORD_TOKEN"]:
        monkeypatch.delenv(name)
    switch_interval_s = sys.getswitchinterval()  # the program changes it
    yield tmp_path
    sys.setswitchinterval(switch_interval_s)


def bot(
    folder: Path, *arguments: str, largest_file_blocks: int | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Runs the program as a process until it ends; `largest_file_blocks` limits its files, in blocks of 512 bytes."""
    if largest_file_blocks is not None:  # the file with measured coverage would be too large
        environ["COVERAGE_PROCESS_CONFIG"] = ""
    limited = [] if largest_file_blocks is None else ["sh", "-c", f'ulimit -f {largest_file_blocks} && exec "$@"', "sh"]
    return subprocess.run(
        [*limited, sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_every_settings_fault_is_printed_and_the_exit_code_is_two(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config.json").write_text('{"web": {"prot": 1}, "log": {"level": "LOUD"}}')
    monkeypatch.setenv("DAILY_PAPERS_LOG__FORMAT", "xml")
    assert main([]) == 2
    shown = capsys.readouterr()
    assert sorted(shown.err.splitlines()) == [
        'log.format (DAILY_PAPERS_LOG__FORMAT): "xml" is not valid; allowed: text or json.',
        'log.level: "LOUD" is not valid; allowed: DEBUG, INFO, WARNING or ERROR.',
        "web.prot: unknown setting; did you mean web.port?",
    ]
    assert shown.out == ""
    assert [path.name for path in folder.iterdir()] == ["config.json"]


@pytest.mark.parametrize("arguments", ["--config other.json", "--config other.json page", "page --config other.json"])
def test_missing_settings_file_given_by_option_is_an_error(
    arguments: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err == "other.json: no such file.\n"


@pytest.mark.slow
def test_process_exits_with_the_exit_code_of_main(folder: Path) -> None:
    ended = bot(folder, DAILY_PAPERS_WEB__PORT="0", DISCORD_TOKEN=f"Bot {TOKEN}")
    assert ended.returncode == 2
    assert [line.split(" ")[0] for line in ended.stderr.splitlines()] == ["discord.token", "web.port"]
    assert TOKEN not in ended.stderr + ended.stdout


def test_start_without_a_token_says_how_to_set_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    error_output = capsys.readouterr().err
    assert (
        error_output.splitlines()[-1]
        == "No Discord token is set: set DISCORD_TOKEN, or `discord.token` in config.json."
    )


@pytest.mark.parametrize(
    ("database", "sentence"),
    [
        ("notes.txt", "is not a database or is damaged (file is not a database); it was left unchanged."),
        ("folder", "is a folder: set `database` to a file."),
    ],
)
def test_unusable_database_is_reported_in_one_line_and_left_unchanged(
    folder: Path, database: str, sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "folder").mkdir()
    (folder / "notes.txt").write_text("Buy milk.")
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("DAILY_PAPERS_DATABASE", database)
    assert main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line
    assert (folder / "notes.txt").read_text() == "Buy milk."


def test_missing_folder_of_the_database_is_an_invalid_setting(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAILY_PAPERS_DATABASE", str(folder / "missing" / "papers.sqlite3"))
    assert main(["check"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("missing does not exist; create it, or set the path of another file.")


def test_clock_of_a_bot_on_the_real_discord_cannot_be_moved(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    assert main(["--clock-ahead", "60"]) == 1
    assert capsys.readouterr().err == "--clock-ahead is only for the sandbox, whose clock can be moved.\n"


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"daily-papers {version('daily-papers')}\n"


async def create_database(path: Path) -> None:
    """Creates a database as the first start does."""
    await (await Database.open_exclusive(path)).close()


@pytest.mark.slow
def test_full_disk_at_the_start_is_reported_and_stores_no_subscription(folder: Path) -> None:
    asyncio.run(create_database(folder / "daily-papers.sqlite3"))
    keywords = [f"reward model {number}" for number in range(1500)]
    subscriptions = [{"channel_id": 123456789012345678, "keywords": keywords}]
    (folder / "config.json").write_text(json.dumps({"subscriptions": subscriptions}))
    ended = bot(folder, largest_file_blocks=256, DISCORD_TOKEN=TOKEN)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Daily Papers cannot start: the database cannot be used at the moment: disk ")
    assert len(ended.stderr.splitlines()) == 1
    with contextlib.closing(sqlite3.connect(folder / "daily-papers.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM subscriptions").fetchone() == (0,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@contextlib.contextmanager
def ctrl_c_enabled() -> Iterator[None]:
    """Child processes handle Ctrl-C; in a background job they would inherit that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_ctrl_c_ends_a_command_without_a_traceback(folder: Path) -> None:
    with ctrl_c_enabled(), socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(DEADLINE_S)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-m", "bot", "check"],
            cwd=folder,
            env={**os.environ, "DAILY_PAPERS_HUGGINGFACE__API_URL": address, "DAILY_PAPERS_ARXIV__API_URL": address},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        ) as process:
            request, _ = silent.accept()
            with request:
                process.send_signal(signal.SIGINT)
                _, error_output = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, error_output) == (130, "Stopped.\n")


def test_unknown_option_prints_the_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--confg", "x"])
    assert ended.value.code == 2
    assert "usage: daily-papers" in capsys.readouterr().err
