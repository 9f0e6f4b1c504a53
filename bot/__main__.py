"""The command line: loads the settings, configures logging, and runs one command.

Exit codes: 0 if it succeeded, 1 if it failed, 2 for invalid settings, 130 after Ctrl-C.
"""

import argparse
import asyncio
import gc
import os
import re
import signal
import stat
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from bot import log
from bot.commands.backfill import backfill
from bot.commands.check import check
from bot.commands.clear_backoff import clear_backoff
from bot.commands.copy_database import copy
from bot.commands.export import export
from bot.composition.app import run
from bot.composition.context import release
from bot.config import Settings, is_loopback, load_settings, public_address
from bot.domain.accepted_keywords import configured_keyword
from bot.domain.backfill_plan import month_of
from bot.domain.months import Month
from bot.page.model import PageFormat
from bot.runtime.clock import Clock, SystemClock
from bot.runtime.errors import InvalidKeyword, InvalidSettings, StartupError, StoreUnavailable
from bot.runtime.garbage import CollectionLimit
from bot.runtime.metrics import Metrics
from bot.runtime.server_url import ServerUrl
from bot.store.backup import back_up

# How long a thread may compute while others wait; with Python's 5 ms, three busy threads delay the event loop too much.
THREAD_SWITCH_INTERVAL_S: Final = 0.001

_AddParser = Callable[..., argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None, metrics: Metrics | None = None, clock: Clock | None = None) -> int:
    """Runs a command and returns its exit code; tests pass metrics that observe its steps, and a clock for the bot."""
    options = _parser().parse_args(arguments)
    os.umask(os.umask(0) & ~stat.S_IRWXU)  # a umask such as 0777 would make the bot's own files unusable
    try:
        settings = load_settings(options.config, os.environ, keyword_fault)
    except InvalidSettings as error:
        print(*error.faults, sep="\n", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 2
    if options.command == "check":  # its table is the report
        log.silence()
    else:
        log.configure(settings)
    try:
        return _command(options, settings, metrics, clock)
    except StartupError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    except StoreUnavailable as error:  # a running bot retries; at the start there is nothing to retry
        print(f"Daily Papers cannot start: {error}.", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    except KeyboardInterrupt:  # from commands that need no clean shutdown
        print("Stopped.", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 130


def _command(options: argparse.Namespace, settings: Settings, metrics: Metrics | None, clock: Clock | None) -> int:
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
        case "copy":
            copy(settings.database, Console(stderr=True))
            return 0
        case "clear-backoff":
            return 0 if asyncio.run(clear_backoff(settings, Console(stderr=True))) else 1
        case _:
            sys.setswitchinterval(THREAD_SWITCH_INTERVAL_S)
            CollectionLimit().start()
            asyncio.run(_run_until_signalled(settings, metrics, clock or _clock(options.clock_ahead, settings)))
            return 0


async def _page(options: argparse.Namespace, settings: Settings) -> None:
    await export(
        settings.database,
        PageFormat(options.format),
        channels=options.channel,
        output=None if options.output == Path("-") else options.output,
        address=options.address,
        shows_trending=settings.huggingface.enabled,
    )


def _clock(ahead_s: float, settings: Settings) -> Clock:
    if ahead_s and not is_loopback(settings.discord.api_url):
        raise StartupError("--clock-ahead is only for the sandbox, whose clock can be moved.")
    return SystemClock(timedelta(seconds=ahead_s))


async def _run_until_signalled(settings: Settings, metrics: Metrics | None, clock: Clock) -> None:
    """SIGTERM (docker stop, systemd) and Ctrl-C shut the bot down cleanly; discord.py handles only Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Parsed keywords stay in memory: no collection has to search them.
    await run(settings, stop, metrics, clock, on_loaded=gc.freeze)


def _back_up(settings: Settings, target: Path) -> int:
    if isinstance(settings.database, ServerUrl):
        raise StartupError(f"The database is {settings.database}, on a server: back it up with pg_dump.")
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Copying the database", total=None)
        back_up(
            settings.database,
            target,
            lambda left, total: progress.update(task, total=total, completed=total - left),
        )
    console.print(f"Copied {settings.database} to {target}.", markup=False, highlight=False, soft_wrap=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daily-papers", description="Watches arXiv for keywords and posts each new paper to Discord once."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: config.json if it exists)")
    # The sandbox starts the bot with it, after its own clock was moved.
    parser.add_argument("--clock-ahead", type=float, metavar="SECONDS", default=0.0, help=argparse.SUPPRESS)
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {release()}", help="print the version and exit"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands (default: run)")
    commands.add_parser("run", help="run the bot", description="Runs the bot. SIGTERM or Ctrl-C shuts it down cleanly.")
    commands.add_parser(
        "check",
        help="report what works and what doesn't: settings, database, arXiv, Hugging Face, token, channels",
        description="Checks settings, database, arXiv, Hugging Face, token and every channel with keywords. "
        "It changes no file and can run while the bot runs. Exit code: 0 if every check passes, otherwise 1.",
    )
    backup = commands.add_parser(
        "backup",
        help="copy the database",
        description="Copies the database to a single file. It can run while the bot runs.",
    )
    backup.add_argument("file", type=Path, metavar="FILE", help="the copy; an existing file is replaced")
    commands.add_parser(
        "copy",
        help="move the database to a file or a PostgreSQL server",
        description="Copies the database to the one that the variable DAILY_PAPERS_COPY_TO names: the path of a file, "
        "or postgresql://user:password@host/name. Stop the bot first. The copy is compared with the database. If it is "
        "interrupted, the same command continues.",
    )
    commands.add_parser(
        "clear-backoff",
        help="end a long backoff if arXiv has recovered",
        description="Sends arXiv one request despite a backoff, and clears the backoff if arXiv returns papers. "
        "It can run while the bot runs. Exit code: 0 if the bot may send requests now, otherwise 1.",
    )
    _add_backfill(commands.add_parser)
    _add_page(commands.add_parser)
    for command in commands.choices.values():
        # Accepted after the command, too; the suppressed default keeps a value given before the command.
        command.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def _add_backfill(add_parser: _AddParser) -> None:
    backfill_command = add_parser(
        "backfill",
        help="read older papers for the page and the charts",
        description="Reads the older papers of all watched keywords for the page and the charts, newest month first. "
        "None of them is posted. It shares the bot's limit on requests to arXiv and can run while the bot runs. "
        "If it is stopped, the same command continues from there.",
    )
    backfill_command.add_argument(
        "--since", type=_since, required=True, metavar="DAY", help="read from this day's month on, e.g. 2026-01-01"
    )
    backfill_command.add_argument(
        "--papers-only",
        action="store_true",
        help="skip the counts for charts, which take one request per keyword and month",
    )


def _add_page(add_parser: _AddParser) -> None:
    page = add_parser(
        "page",
        help="write the page of the newest papers",
        description="Prints the page with the newest papers of each watched keyword, or writes it to a file. "
        "It sends no requests to arXiv and can run while the bot runs.",
    )
    page.add_argument(
        "--format", choices=[form.value for form in PageFormat], default=PageFormat.MD.value, help="default: md"
    )
    page.add_argument(
        "--channel",
        action="append",
        type=_channel_id,
        metavar="ID",
        help="only keywords of this channel; can be repeated",
    )
    page.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write to this file, completely or not at all (default, and -: standard output)",
    )
    page.add_argument(
        "--address", type=_page_address, metavar="URL", help="public address of the page, for links to it"
    )


def _channel_id(text: str) -> int:
    if not re.fullmatch("[0-9]{17,20}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a channel id (in Discord: Copy Channel ID)")
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
    """Why a keyword in the settings is invalid, or None."""
    try:
        configured_keyword(text)
    except InvalidKeyword as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
