"""`daily-papers page`: its output, and one sentence for each error."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.domain.keyword import Keyword
from bot.page.model import PageFormat
from tests.support.builders import paper
from tests.support.modes import mode_of, umask
from tests.support.store import NOW, opened

pytestmark = pytest.mark.slow

HERE, THERE, NOWHERE = 123456789012345678, 223456789012345678, 323456789012345678


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a database: two channels with a paper each."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DAILY_PAPERS_") or name == "DISCORD_TOKEN"]:
        monkeypatch.delenv(name)
    asyncio.run(_fill(tmp_path / "daily-papers.sqlite3"))
    return tmp_path


async def _fill(database: Path) -> None:
    async with opened(database) as store:
        await store.watch("graph", channel_id=HERE)
        await store.watch("sheaf", channel_id=THERE)
        long = "We compute. " * 1500
        await store.poll(
            paper("2611.00001", title="A graph", abstract=long),
            paper("2611.00002", title="A sheaf", abstract=long),
            paper("2611.00004", title="A sheaf on a curved manifold's graphs"),
        )


Captured = pytest.CaptureFixture[str]


def page(*arguments: str) -> int:
    return main(["page", *arguments])


def failure(shown: Captured, *arguments: str) -> str:
    """Returns the one sentence with which the command fails, and checks that nothing else is printed."""
    assert page(*arguments) == 1
    output = shown.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    return line


def test_page_of_all_channels_is_printed_as_markdown(folder: Path, capsys: Captured) -> None:
    assert page() == 0
    output = capsys.readouterr()
    assert output.out.startswith("# Daily Papers\n")
    assert output.out.index("\n## graph\n") < output.out.index("A graph") < output.out.index("\n## sheaf\n")
    assert output.err == ""


def test_channel_option_selects_channels(folder: Path, capsys: Captured) -> None:
    assert page("--channel", str(HERE)) == 0
    output = capsys.readouterr().out
    assert "A graph" in output
    assert "## sheaf" not in output
    assert "A sheaf]" not in output
    assert page("--channel", str(HERE), "--channel", str(THERE)) == 0
    assert "A sheaf" in capsys.readouterr().out


@pytest.mark.parametrize("page_format", PageFormat)
def test_each_format_is_written_to_a_file(folder: Path, capsys: Captured, page_format: PageFormat) -> None:
    assert page("--format", page_format.value, "--output", "page") == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "Wrote page: 2 keywords, 3 papers, arXiv last read at 2026-11-18 12:00 UTC.\n"
    assert "A graph" in (folder / "page").read_text()
    assert sorted(path.name for path in folder.iterdir() if "sqlite3" not in path.name) == ["page"]


def test_address_is_linked_in_the_feed(folder: Path, capsys: Captured) -> None:
    assert page("--format", "atom", "--address", "http://papers.example.org/daily") == 0
    assert 'href="http://papers.example.org/daily/daily-papers.atom"' in capsys.readouterr().out


def test_existing_file_is_replaced_and_keeps_mode_and_link(folder: Path) -> None:
    (folder / "file").write_text("old")
    (folder / "file").chmod(0o604)
    (folder / "link").symlink_to("file")
    (folder / "other").hardlink_to(folder / "file")
    assert page("--output", "link") == 0
    assert (folder / "link").is_symlink()
    assert "A graph" in (folder / "file").read_text()
    assert stat.S_IMODE((folder / "file").stat().st_mode) == 0o604
    assert (folder / "other").read_text() == "old"  # an open file keeps its content


def test_new_file_has_the_mode_of_the_umask(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        assert page("--output", "page") == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "page").stat().st_mode) == 0o640


def test_replaced_private_file_is_never_readable_by_others(folder: Path) -> None:
    (folder / "page").write_text("old")
    (folder / "page").chmod(0o600)
    with umask(0):
        assert page("--output", "page") == 0
    assert mode_of(folder / "page") == 0o600


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("nowhere/page", "The folder of nowhere/page does not exist: create it first."),
        (".", ". is a folder: choose a file for the page."),
        ("pipe", "pipe is not a regular file: choose a file for the page."),
        ("x" * 300, f"{'x' * 300} cannot be written: File name too long. Nothing was changed."),
    ],
)
def test_file_that_cannot_be_written_is_reported_in_one_sentence(
    folder: Path, capsys: Captured, output: str, sentence: str
) -> None:
    os.mkfifo("pipe")
    before = sorted(folder.iterdir())
    assert failure(capsys, "--output", output) == sentence
    assert sorted(folder.iterdir()) == before


def test_full_disk_leaves_the_old_file_unchanged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", "")  # the file with measured coverage would be too large
    (folder / "page").write_text("old")
    # Files of at most 32.5 KiB: enough for SQLite's files next to the database, too little for the HTML page.
    limited = ["sh", "-c", 'ulimit -f 65 && exec "$@"', "sh"]
    ended = run(*limited, *COMMAND, "--output", "page", "--format", "html")
    assert ended.returncode == 1
    assert ended.stderr == "page cannot be written: File too large. Nothing was changed.\n"
    assert (folder / "page").read_text() == "old"
    assert not list(folder.glob(".daily-papers-*"))


def test_summary_says_that_arxiv_was_not_read_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    async def subscribe() -> None:
        async with opened(tmp_path / "daily-papers.sqlite3") as store:
            await store.subscriptions.add_all([Keyword.parse("graph")], HERE, 1, added_by=1, now=NOW)

    monkeypatch.chdir(tmp_path)
    asyncio.run(subscribe())
    assert page("--output", "page.md") == 0
    output = capsys.readouterr()
    assert "1 keyword, 0 papers, arXiv not read yet" in output.out + output.err


def test_channel_without_keywords_is_reported_with_the_others(folder: Path, capsys: Captured) -> None:
    assert failure(capsys, "--channel", str(HERE), "--channel", str(NOWHERE)) == (
        f"Channel {NOWHERE} has no keywords; these have: {HERE}, {THERE}."
    )


def test_bot_without_subscriptions_has_no_page(folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAILY_PAPERS_DATABASE", "empty.sqlite3")
    asyncio.run(_make(folder / "empty.sqlite3"))
    assert failure(capsys).startswith("No channel has keywords yet. Add one with /subscribe, or set ")


async def _make(database: Path) -> None:
    async with opened(database):
        pass


def test_missing_database_is_reported_and_not_created(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAILY_PAPERS_DATABASE", "other.sqlite3")
    assert failure(capsys, "--output", "page") == (
        "There is no database other.sqlite3 yet: start the bot first, which creates it, or set `database`."
    )
    assert not list(folder.glob("other*"))
    assert not (folder / "page").exists()


@pytest.mark.parametrize(
    "arguments",
    [["--channel", "general"], ["--channel", "12"], ["--format", "pdf"], ["--address", "example.org"]],
    ids=" ".join,
)
def test_invalid_argument_is_reported_with_the_usage(folder: Path, capsys: Captured, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        page(*arguments)
    assert ended.value.code == 2
    assert arguments[1] in capsys.readouterr().err


# As a separate process.

COMMAND = (sys.executable, "-m", "bot", "page")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=40, check=False, encoding="utf-8"
    )


async def test_page_is_written_while_the_bot_runs(folder: Path) -> None:
    async with opened(folder / "daily-papers.sqlite3") as store:
        await store.poll(paper("2611.00003", title="A newer graph"))
        ended = await asyncio.to_thread(run, *COMMAND, "--format", "json")
    assert ended.stderr == ""
    assert "A newer graph" in json.dumps(json.loads(ended.stdout))


def test_closed_pipe_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m bot page --format html | head -c 1; echo"
    ended = run("bash", "-o", "pipefail", "-c", command)
    assert ended.stdout == "<\n"
    assert ended.stderr == ""


def test_output_dash_is_stdout_and_other_pipes_are_rejected(folder: Path) -> None:
    ended = run("sh", "-c", f"{sys.executable} -m bot page --output - | head -1")
    assert (ended.stdout, ended.stderr) == ("# Daily Papers\n", "")
    assert not (folder / "-").exists()
    ended = run("bash", "-o", "pipefail", "-c", f"{sys.executable} -m bot page --output /dev/stdout | cat")
    assert (ended.returncode, ended.stderr) == (1, "/dev/stdout is not a regular file: choose a file for the page.\n")


def test_full_output_device_is_reported_in_one_sentence(folder: Path) -> None:
    ended = run("sh", "-c", f"{sys.executable} -m bot page > /dev/full")
    assert (ended.returncode, ended.stderr) == (1, "The page cannot be written: No space left on device.\n")
