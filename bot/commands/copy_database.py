"""Moves the database to a file or to a PostgreSQL server: `daily-papers copy`.

The target is an environment variable, because a URL may contain a password, which a command line would show to others.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bot.domain.text import plural
from bot.runtime.errors import StartupError
from bot.runtime.server_url import ServerUrl
from bot.store.backend import Location
from bot.store.copying import copy_database

TARGET_VARIABLE: Final = "DAILY_PAPERS_COPY_TO"


def copy(source: Location, console: Console, environ: Mapping[str, str] = os.environ) -> None:
    """Copies the database to the target, with a progress bar; the same command continues an interrupted copy."""
    target = _target(environ.get(TARGET_VARIABLE, "").strip())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tables: dict[str, int] = {}

        def on_progress(table: str, rows: int, total: int) -> None:
            if table not in tables:
                tables[table] = int(progress.add_task(table, total=total))
            progress.update(progress.tasks[tables[table]].id, completed=rows)

        counts = copy_database(source, target, on_progress)
    console.print(
        f"Copied {plural(sum(counts.values()), 'row')} of {plural(len(counts), 'table')} from {source} to {target}, "
        "and compared them. Set `database` to the copy before you start the bot.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _target(text: str) -> Location:
    if not text:
        raise StartupError(
            f"Set {TARGET_VARIABLE} to the target: the path of a new file, or postgresql://user:password@host/name."
        )
    if not ServerUrl.is_server(text):
        return Path(text)
    try:
        return ServerUrl.parse(text)
    except ValueError as error:
        raise StartupError(f"{TARGET_VARIABLE} {error}.") from None
