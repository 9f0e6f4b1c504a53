"""`daily-papers page`: the page, to standard output or into a file, beside a running bot or without one.

The settings' database and what the command line asks for enter; bytes leave. A file is written whole or not at all.
"""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from bot.page import render
from bot.page.model import PAGE_PAPERS, Page, PageFormat
from bot.runtime.errors import PageError, StoreUnavailable
from bot.services.pages import papers_on
from bot.store.database import Database
from bot.store.pages import PageStore


async def export(
    database: Path, form: PageFormat, *, channels: Collection[int] | None, output: Path | None, address: str | None
) -> None:
    """Write the page of these channels, None: of all; raises StartupError with one sentence where it cannot."""
    page = await _page(database, channels)
    body = render(page, form, address=address).body
    if output is None:
        _print(body)
    else:
        write_whole(output, body)
        print(f"{output} was written: {_in_words(page)}.", file=sys.stderr)  # noqa: T201 - for the person at the terminal


async def _page(path: Path, channels: Collection[int] | None) -> Page:
    database = await Database.open_shared(path)
    try:
        page_store = PageStore(database)
        _check(await page_store.channels(), channels)
        return await page_store.page(channels, PAGE_PAPERS)
    except StoreUnavailable as error:
        raise PageError(f"The page cannot be made: {error}.") from error
    finally:
        await database.close()


def _check(known: Collection[int], wanted: Collection[int] | None) -> None:
    if not known:
        raise PageError(
            "No channel watches a keyword yet: /subscribe adds one, and so does `subscriptions` in config.json "
            "when the bot starts."
        )
    for channel_id in wanted or ():
        if channel_id not in known:
            raise PageError(f"Channel {channel_id} watches no keyword; these do: {', '.join(map(str, sorted(known)))}.")


def _in_words(page: Page) -> str:
    keywords, papers = len(page.sections), papers_on(page)
    read = (
        "arXiv was not read yet"
        if page.updated is None
        else f"arXiv was read last at {page.updated:%Y-%m-%d %H:%M} UTC"
    )
    return f"keywords: {keywords}, papers: {papers}; {read}"


def _print(body: bytes) -> None:
    try:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Who reads has seen enough (`| head`); what is left would be flushed once more at the end, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise PageError(f"The page cannot be written: {error.strerror}.") from error


def write_whole(path: Path, body: bytes) -> None:
    """Put `body` into the file in one step, its mode kept if it was there; PageError: nothing was changed."""
    try:
        target = path.resolve()  # where a link leads: the link stays
        if path.exists() and not path.is_file():  # not the target: /dev/stdout leads to a pipe, which has no name
            raise PageError(f"{path} is {'a folder' if path.is_dir() else 'no file'}: name a file for the page.")
        if not target.parent.is_dir():
            raise PageError(f"The folder of {path} does not exist: make it first.")
        with _beside(target) as temporary:
            _fill(temporary, body, target.stat() if target.exists() else None)
            temporary.replace(target)
        _settle(target.parent)
    except OSError as error:
        raise PageError(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from error


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".daily-papers-{secrets.token_hex(8)}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _fill(temporary: Path, body: bytes, before: os.stat_result | None) -> None:
    with temporary.open("xb") as file:
        if before is not None:
            with contextlib.suppress(PermissionError):  # only root gives files away
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Let the new name survive a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
