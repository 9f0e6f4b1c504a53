"""Runs a command as a child process: its input on stdin, its result on stdout.

A child that exceeds its timeout, or whose caller is cancelled, is killed. It never receives the token or settings: it
inherits no environment variables besides those that an interpreter needs to start.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.runtime.errors import DailyPapersError

# The variables that an interpreter needs to start.
_INHERITED: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
# How much of a failed child's error output goes to the log, in characters.
_STDERR_LOGGED: Final = 300


class ChildFailed(DailyPapersError):
    """A child process returned no result; the message is the reason, and `detail` is for the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


def python_module(name: str) -> tuple[str, ...]:
    """Returns the command that runs one of the program's modules."""
    return (sys.executable, "-P", "-m", name)  # -P: no modules are imported from the current directory


def child_environment(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment variables of a child: those that it inherits, and its own."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": str(Path(__file__).parents[2]), **(own or {})}


async def run_child(name: str, command: Sequence[str], request: bytes, *, timeout_s: float) -> bytes:
    """Returns what the command writes to stdout when it gets `request` on stdin; `name` is for the error messages.

    Raises:
        ChildFailed: it could not be started, took too long, or failed.
    """
    try:
        async with asyncio.timeout(timeout_s):
            status, result, stderr = await _run(command, request, child_environment())
    except TimeoutError:
        raise ChildFailed("it took too long") from None
    except OSError as error:
        raise ChildFailed(f"the {name} could not be started", str(error)) from error
    if status != 0:
        raise ChildFailed(f"the {name} failed", stderr.decode(errors="replace")[-_STDERR_LOGGED:])
    return result


async def _run(
    command: Sequence[str], request: bytes, environment: Mapping[str, str]
) -> tuple[int | None, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        result, stderr = await process.communicate(request)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode, result, stderr
