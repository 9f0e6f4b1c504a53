"""`daily-papers page`: writes the page to standard output or to a file; it can run next to the bot.

A file is written completely or not at all. It reads only the database, never arXiv.
"""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from bot.domain.text import plural
from bot.page import render
from bot.page.model import PAGE_PAPERS, Page, PageFormat
from bot.runtime.errors import PageError, StoreUnavailable
from bot.services.pages import papers_on, without_trending
from bot.store.backend import Location
from bot.store.database import Database
from bot.store.pages import PageStore


async def export(
    database: Location,
    page_format: PageFormat,
    *,
    channels: Collection[int] | None,
    output: Path | None,
    address: str | None,
    shows_trending: bool,
) -> None:
    """Writes the page of these channels, or of all if None; raises PageError if it cannot."""
    page = await _read_page(database, channels)
    page = page if shows_trending else without_trending(page)
    body = render(page, page_format, address=address).body
    if output is None:
        _print(body)
    else:
        write_atomically(output, body)
        print(f"Wrote {output}: {_summary(page)}.", file=sys.stderr)  # noqa: T201 - for the person at the terminal


async def _read_page(location: Location, channels: Collection[int] | None) -> Page:
    database = await Database.open_shared(location)
    try:
        page_store = PageStore(database)
        _check_channels(await page_store.channels(), channels)
        return await page_store.page(channels, PAGE_PAPERS)
    except StoreUnavailable as error:
        raise PageError(f"The page cannot be written: {error}.") from error
    finally:
        await database.close()


def _check_channels(known: Collection[int], requested: Collection[int] | None) -> None:
    if not known:
        raise PageError(
            "No channel has keywords yet. Add one with /subscribe, or set `subscriptions` and start the bot."
        )
    for channel_id in requested or ():
        if channel_id not in known:
            raise PageError(f"Channel {channel_id} has no keywords; these have: {', '.join(map(str, sorted(known)))}.")


def _summary(page: Page) -> str:
    counts = f"{plural(len(page.sections), 'keyword')}, {plural(papers_on(page), 'paper')}"
    if page.updated is None:
        return f"{counts}, arXiv not read yet"
    return f"{counts}, arXiv last read at {page.updated:%Y-%m-%d %H:%M} UTC"


def _print(body: bytes) -> None:
    try:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader closed the pipe (`| head`): without this, Python would fail to flush the buffer at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise PageError(f"The page cannot be written: {error.strerror}.") from error


def write_atomically(path: Path, body: bytes) -> None:
    """Replaces the file in one step and keeps its mode; PageError means that nothing was changed."""
    try:
        target = path.resolve()  # a symbolic link stays, and its target is replaced
        if path.exists() and not path.is_file():  # `path`, not `target`: /dev/stdout links to a pipe without a name
            raise PageError(
                f"{path} is {'a folder' if path.is_dir() else 'not a regular file'}: choose a file for the page."
            )
        if not target.parent.is_dir():
            raise PageError(f"The folder of {path} does not exist: create it first.")
        with _temporary_file(target) as temporary:
            _write(temporary, body, target.stat() if target.exists() else None)
            temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise PageError(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from error


@contextlib.contextmanager
def _temporary_file(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".daily-papers-{secrets.token_hex(8)}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _write(temporary: Path, body: bytes, previous: os.stat_result | None) -> None:
    # A page is meant to be read by others, such as a web server, so a new file has the mode of the umask. A replaced
    # file keeps its mode, and no other user can open it before it has that mode.
    mode = 0o666 if previous is None else 0o600
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        if previous is not None:
            with contextlib.suppress(PermissionError):  # only root may change the owner
                os.fchown(file.fileno(), previous.st_uid, previous.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(previous.st_mode))
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes the new name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
