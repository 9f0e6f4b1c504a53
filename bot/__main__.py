"""Command line → settings → logs → run; exit code 0: ended as asked, 1: cannot run, 2: the settings have faults."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bot import log
from bot.app import run
from bot.config import Settings, load_settings
from bot.domain.keyword import Keyword
from bot.errors import KeywordRefused, SettingsInvalid, StartRefused


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program as the command line says; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings(options.config, os.environ, keyword_fault)
    except SettingsInvalid as error:
        print(*error.faults, sep="\n", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 2
    log.configure(settings)
    try:
        asyncio.run(_run_until_signalled(settings))
    except StartRefused as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    return 0


async def _run_until_signalled(settings: Settings) -> None:
    """SIGTERM (docker stop, systemd) and Ctrl-C ask for an orderly end; discord.py itself knows only Ctrl-C."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await run(settings, end)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daily-papers", description="Watches arXiv for keywords and posts every new paper once to Discord."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (default: config.json where it is there)")
    return parser


def keyword_fault(text: str) -> str | None:
    """Why a keyword of the settings cannot be watched; None when it can."""
    try:
        Keyword.parse(text)
    except KeywordRefused as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
