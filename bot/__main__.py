"""Command line → settings → logs → one command; exit 0: done, 1: it cannot, 2: faulty settings, 130: Ctrl-C."""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from bot import log
from bot.commands.backfill import backfill
from bot.commands.check import check
from bot.commands.export import export
from bot.composition.app import run
from bot.config import Settings, load_settings, public_address
from bot.domain.backfill_plan import month_of
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.page.model import PageFormat
from bot.runtime.clock import SystemClock
from bot.runtime.errors import InvalidKeyword, InvalidSettings, StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.store.backup import back_up

# A thread's turn while others wait. Of Python's own 5 ms, three threads that compute keep the event loop for too long.
THREAD_TURN_S: Final = 0.001


def main(arguments: Sequence[str] | None = None, metrics: Metrics | None = None) -> int:
    """Run the program as the command line says; returns its exit code. Tests hand in metrics that watch its steps."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings(options.config, os.environ, keyword_fault)
    except InvalidSettings as error:
        print(*error.faults, sep="\n", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 2
    log.configure(settings)
    try:
        return _command(options, settings, metrics)
    except StartupError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    except StoreUnavailable as error:  # while the bot runs this is tried again; before that there is nothing to go on
        print(f"Daily Papers cannot start: {error}.", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    except KeyboardInterrupt:  # of the commands that need no orderly end: what they do is done whole or not at all
        print("Stopped.", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 130


def _command(options: argparse.Namespace, settings: Settings, metrics: Metrics | None) -> int:
    match options.command:
        case "backup":
            return _back_up(settings, options.file)
        case "page":
            asyncio.run(_page(options, settings))
            return 0
        case "backfill":
            console = Console(stderr=True)
            return asyncio.run(backfill(settings, options.since, console, metrics, papers_only=options.papers_only))
        case "check":
            return 0 if asyncio.run(check(settings, Console())) else 1
        case _:
            sys.setswitchinterval(THREAD_TURN_S)
            asyncio.run(_run_until_signalled(settings, metrics))
            return 0


async def _page(options: argparse.Namespace, settings: Settings) -> None:
    await export(
        settings.database,
        PageFormat(options.format),
        channels=options.channel,
        output=None if options.output == Path("-") else options.output,
        address=options.address,
    )


async def _run_until_signalled(settings: Settings, metrics: Metrics | None) -> None:
    """SIGTERM (docker stop, systemd) and Ctrl-C ask for an orderly end; discord.py itself knows only Ctrl-C."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await run(settings, end, metrics)


def _back_up(settings: Settings, target: Path) -> int:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Copying the database", total=None)
        back_up(
            settings.database,
            target,
            lambda left, total: progress.update(task, total=total, completed=total - left),
        )
    console.print(f"{settings.database} was copied to {target}.", markup=False, highlight=False)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daily-papers", description="Watches arXiv for keywords and posts every new paper once to Discord."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (default: config.json where it is there)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands (default: run)")
    commands.add_parser("run", help="run the bot", description="Runs the bot until SIGTERM or Ctrl-C.")
    commands.add_parser(
        "check",
        help="say what is well and what is not: settings, database, arXiv, Hugging Face, token, channels",
        description="Looks at the settings, the database, arXiv, Hugging Face, the token and every channel that has "
        "keywords, while the bot runs or not. It changes nothing. Exit code 0: all is well; else 1.",
    )
    backup = commands.add_parser(
        "backup",
        help="copy the database, while the bot runs or not",
        description="Copies the database into one file that stands alone, while the bot runs or not.",
    )
    backup.add_argument("file", type=Path, metavar="FILE", help="the copy; one that is there is replaced")
    past = commands.add_parser(
        "backfill",
        help="read the past for the page and the charts, while the bot runs or not",
        description="Reads the past of what is watched, for the page and the charts; none of it is ever posted. "
        "arXiv is asked as politely as by the bot, the newest month first. Stopped at any time, the same command goes "
        "on from there.",
    )
    past.add_argument(
        "--since", type=_since, required=True, metavar="DAY", help="such as 2026-01-01: from that day's month on"
    )
    past.add_argument(
        "--papers-only", action="store_true", help="without the counts for charts: a request a keyword and month"
    )
    page = commands.add_parser(
        "page",
        help="write the page of the newest papers, while the bot runs or not",
        description="Prints the page of the newest papers of each keyword that is watched, or writes it into a file, "
        "while the bot runs or not. arXiv is not asked.",
    )
    _add_page(page)
    for command in commands.choices.values():
        # Here too: people write it last. Suppressed, so that what stood before the command is not overwritten.
        command.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def _add_page(page: argparse.ArgumentParser) -> None:
    page.add_argument(
        "--format", choices=[form.value for form in PageFormat], default=PageFormat.MD.value, help="default: md"
    )
    page.add_argument(
        "--channel", action="append", type=_channel_id, metavar="ID", help="only its keywords; may be repeated"
    )
    page.add_argument(
        "--output", type=Path, metavar="FILE", help="written whole or not at all (default, and -: printed)"
    )
    page.add_argument("--address", type=_page_address, metavar="URL", help="where the page will be, for links to it")


def _channel_id(text: str) -> int:
    if not re.fullmatch("[0-9]{17,20}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no channel's id (Discord: Copy Channel ID)")
    return int(text)


def _page_address(text: str) -> str:
    try:
        return f"{public_address(text)}/"
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def _since(text: str) -> Month:
    try:
        return month_of(text, SystemClock().now())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def keyword_fault(text: str) -> str | None:
    """Why a keyword of the settings cannot be watched; None when it can."""
    try:
        Keyword.parse(text)
    except InvalidKeyword as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
