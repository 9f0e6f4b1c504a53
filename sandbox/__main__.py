"""`python -m sandbox`: runs the sandbox, and the real bot against it, until Ctrl-C or SIGTERM.

Exits with 0 after a clean shutdown, and with 1 and a one-line message if it cannot start. It never contacts the real
Discord, and the real arXiv only with --live-arxiv.
"""

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sandbox.arxiv import Corpus, LocalArxiv
from sandbox.bot_supervisor import BotSupervisor
from sandbox.clock import SandboxClock
from sandbox.server import HOST, Sandbox

DEFAULT_PORT: Final = 8700
DEFAULT_SEED: Final = 2026
TOKEN: Final = "sandbox-token"  # noqa: S105  valid only for the local Discord
# Short, so that announced papers are posted within seconds. Allowed only because arXiv is on loopback.
POLL_INTERVAL_S: Final = 5
REQUEST_INTERVAL_S: Final = 1
# Printed below the address of the page.
FIRST_STEPS: Final = """
  1. Open the address in a browser.
  2. Type /subscribe and press Enter, type a topic such as machine learning, and press Enter.
  3. Press Announce on the right: new papers are posted within seconds.

Discord, arXiv and Hugging Face are simulated on this machine; the bot is the real one. Its settings are explained in
docs/settings.md. To run it on Discord, see "Running it on Discord" in README.md.
"""
# More than a year of papers, for charts and backfills.
EARLIER_DAYS: Final = 400


class SandboxStartupError(Exception):
    """The sandbox cannot start; the message is one sentence for the person who ran the command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the sandbox with these command-line arguments and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="daily-papers-sandbox-") as folder:
            asyncio.run(_run(options, Path(folder)))
    except SandboxStartupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(options: argparse.Namespace, folder: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _serving(options) as sandbox:
        _print_addresses(sandbox, options)
        if options.no_bot:
            await stop.wait()
        else:
            await _run_bot(sandbox, options, folder, stop)


@contextlib.asynccontextmanager
async def _serving(options: argparse.Namespace) -> AsyncIterator[Sandbox]:
    clock = SandboxClock()
    arxiv = LocalArxiv(_corpus(options), seed=options.seed, now=clock.now, interval_s=REQUEST_INTERVAL_S)
    sandbox = Sandbox(
        port=options.port, arxiv=arxiv, page=not options.headless, live_arxiv=options.live_arxiv, clock=clock
    )
    try:
        await sandbox.start()
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        hint = "Run make run ARGS='--port 0' to use a free port."
        raise SandboxStartupError(f"Port {options.port} on {HOST} {reason}. {hint}") from error
    try:
        yield sandbox
    finally:
        await sandbox.stop()


def _corpus(options: argparse.Namespace) -> Corpus:
    if options.papers is None:
        return Corpus.generated(now=datetime.now(UTC), seed=options.seed, earlier_days=EARLIER_DAYS)
    try:
        return Corpus.from_directory(options.papers)
    except (OSError, ValueError) as error:
        raise SandboxStartupError(f"--papers needs a directory with recorded Atom files (*.xml): {error}.") from error


def _print_addresses(sandbox: Sandbox, options: argparse.Namespace) -> None:
    if options.headless:
        addresses = {
            "url": sandbox.url,
            "discord_api_url": sandbox.discord_api_url,
            "gateway_url": sandbox.gateway_url,
            "arxiv_api_url": sandbox.arxiv_api_url,
            "huggingface_api_url": sandbox.huggingface_api_url,
            "token": TOKEN,
        }
        sys.stdout.write(f"{json.dumps(addresses)}\n")
    else:
        sys.stdout.write(f"Daily Papers sandbox: {sandbox.url}/ (press Ctrl-C to stop)\n{FIRST_STEPS}")
    sys.stdout.flush()


async def _run_bot(sandbox: Sandbox, options: argparse.Namespace, folder: Path, stop: asyncio.Event) -> None:
    if options.database is None:
        _print_line("sandbox | the bot's database is temporary; make run ARGS='--database FILE' keeps it")
    # A config.json in the working directory is for the real Discord, so the sandbox's bot gets its own.
    config = options.config or folder / "config.json"
    if options.config is None:
        config.write_text("{}", encoding="utf-8")
    command = [sys.executable, "-m", "bot", "--config", str(config)]
    bot = BotSupervisor(
        command,
        _environment(sandbox, options.database or folder / "daily-papers.sqlite3", options),
        write_line=_print_line,
        on_state_change=sandbox.control.set_bot_state,
    )
    if not options.live_arxiv:
        sandbox.control.set_restart(
            lambda: bot.restart([*command, "--clock-ahead", str(sandbox.clock.ahead.total_seconds())])
        )
    running, stopping = asyncio.create_task(bot.run()), asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _environment(sandbox: Sandbox, database: Path, options: argparse.Namespace) -> dict[str, str]:
    environment = {
        "DISCORD_TOKEN": TOKEN,
        "DAILY_PAPERS_DISCORD__API_URL": sandbox.discord_api_url,
        "DAILY_PAPERS_DISCORD__GATEWAY_URL": sandbox.gateway_url,
        "DAILY_PAPERS_DATABASE": str(database),
    }
    if not options.verbose and options.config is None:  # otherwise every poll, and so every few seconds, writes a line
        environment.setdefault("DAILY_PAPERS_LOG__LEVEL", os.environ.get("DAILY_PAPERS_LOG__LEVEL", "WARNING"))
    if options.live_arxiv:  # the local Hugging Face lists only papers of the local arXiv
        return environment | {"DAILY_PAPERS_HUGGINGFACE__ENABLED": "false"}
    return environment | {
        "DAILY_PAPERS_ARXIV__API_URL": sandbox.arxiv_api_url,
        "DAILY_PAPERS_ARXIV__POLL_INTERVAL_S": str(POLL_INTERVAL_S),
        "DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S": str(REQUEST_INTERVAL_S),
        "DAILY_PAPERS_HUGGINGFACE__API_URL": sandbox.huggingface_api_url,
    }


def _print_line(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Run a local Discord, arXiv and Hugging Face with a web page, and the real bot against them.",
    )
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="default: %(default)s; 0: any free port")
    parser.add_argument(
        "--headless", action="store_true", help="serve no web page; print the addresses as one line of JSON"
    )
    parser.add_argument("--no-bot", action="store_true", help="do not start the bot")
    parser.add_argument("--verbose", action="store_true", help="show everything that the bot logs, not only warnings")
    parser.add_argument("--config", type=Path, metavar="FILE", help="config.json for the bot (default: none)")
    parser.add_argument(
        "--database", type=Path, metavar="FILE", help="database of the bot (default: temporary, deleted on exit)"
    )
    parser.add_argument("--papers", type=Path, metavar="DIR", help="announce papers from recorded Atom files")
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="seed of the generated papers (default: %(default)s)"
    )
    parser.add_argument("--live-arxiv", action="store_true", help="let the bot query the real arXiv")
    return parser


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port number (0 to 65535)")
    return port


if __name__ == "__main__":
    sys.exit(main())
