"""`daily-papers page`: writes the page to standard output or to a file; it can run next to the bot.

A file is written completely or not at all. It reads only the database, never arXiv.
"""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from bot.domain.text import plural
from bot.page.model import PAGE_PAPERS, PageFormat
from bot.runtime.errors import PageError, StoreUnavailable
from bot.services.page_rendering import PageContents, PageFacts, PageRendering
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
    opened = await Database.open_shared(database)
    try:
        page_store = PageStore(opened)
        _check_channels(await page_store.channels(), channels)
        source = await PageContents.read(page_store, channels, shows_trending=shows_trending)
        rendering = PageRendering(source, page_format, address)
        if output is None:
            await _print(rendering.chunks())
        else:
            with replacing(output) as file:
                async for chunk in rendering.chunks():
                    file.write(chunk)
            summary = _summary(rendering.facts)
            print(f"Wrote {output}: {summary}.", file=sys.stderr)  # noqa: T201 - for the person at the terminal
    except StoreUnavailable as error:
        raise PageError(f"The page cannot be written: {error}.") from error
    finally:
        await opened.close()


def _check_channels(known: Collection[int], requested: Collection[int] | None) -> None:
    if not known:
        raise PageError(
            "No channel has keywords yet. Add one with /subscribe, or set `subscriptions` and start the bot."
        )
    for channel_id in requested or ():
        if channel_id not in known:
            raise PageError(f"Channel {channel_id} has no keywords; these have: {', '.join(map(str, sorted(known)))}.")


def _summary(facts: PageFacts) -> str:
    counts = f"{plural(facts.keywords, 'keyword')}, {plural(facts.papers, 'paper')}"
    if facts.per_keyword < PAGE_PAPERS:
        counts += f" (at most {facts.per_keyword} per keyword)"
    if facts.more_keywords:
        counts += f", without {plural(facts.more_keywords, 'more keyword')}"
    if facts.updated is None:
        return f"{counts}, arXiv not read yet"
    return f"{counts}, arXiv last read at {facts.updated:%Y-%m-%d %H:%M} UTC"


async def _print(chunks: AsyncIterator[bytes]) -> None:
    try:
        async for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader closed the pipe (`| head`): without this, Python would fail to flush the buffer at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise PageError(f"The page cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Opens a file that replaces another in one step and keeps its mode; an error means that nothing was changed."""
    try:
        target = path.resolve()  # a symbolic link stays, and its target is replaced
        if path.exists() and not path.is_file():  # `path`, not `target`: /dev/stdout links to a pipe without a name
            raise PageError(
                f"{path} is {'a folder' if path.is_dir() else 'not a regular file'}: choose a file for the page."
            )
        if not target.parent.is_dir():
            raise PageError(f"The folder of {path} does not exist: create it first.")
        with _temporary_file(target) as temporary:
            with _opened(temporary, target.stat() if target.exists() else None) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
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


@contextlib.contextmanager
def _opened(temporary: Path, previous: os.stat_result | None) -> Iterator[BinaryIO]:
    # A page is meant to be read by others, such as a web server, so a new file has the mode of the umask. A replaced
    # file keeps its mode, and no other user can open it before it has that mode.
    mode = 0o666 if previous is None else 0o600
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        if previous is not None:
            with contextlib.suppress(PermissionError):  # only root may change the owner
                os.fchown(file.fileno(), previous.st_uid, previous.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(previous.st_mode))
        yield file


def _sync_folder(folder: Path) -> None:
    """Makes the new name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
