"""Loads the file of an attachment option: only from Discord's CDN, or from the configured local Discord.

It limits the size, before and during the download, and the time. It never follows a redirect or reads the content.
"""

import asyncio
from typing import Final, Protocol
from urllib.parse import urlsplit

from bot.config.model import is_loopback
from bot.runtime.clock import Clock
from bot.runtime.errors import DailyPapersError
from bot.runtime.http import HttpClient, RequestFailed, ResponseTooLarge, open_session
from bot.runtime.limits import ATTACHMENT_HOSTS

LOAD_TIMEOUT_S: Final = 20.0
# Files that are downloaded at the same time.
_CONCURRENT_MAX: Final = 4
_OK: Final = 200


class UploadedAttachment(Protocol):
    """What Discord says about the file of an option."""

    @property
    def url(self) -> str:
        """Where it is."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes."""
        ...


class AttachmentUnavailable(DailyPapersError):
    """The file of an option cannot be loaded; the message says why and what to do."""


class AttachmentLoader:
    """Loads attachments; the server of Discord's API, `api_url`, is allowed if it is on this machine."""

    def __init__(self, clock: Clock, api_url: str, user_agent: str, *, timeout_s: float = LOAD_TIMEOUT_S) -> None:
        self._clock = clock
        self._local = urlsplit(api_url) if is_loopback(api_url) else None
        self._user_agent = user_agent
        self._timeout_s = timeout_s
        self._concurrent = asyncio.Semaphore(_CONCURRENT_MAX)

    async def load(self, attachment: UploadedAttachment, max_bytes: int) -> bytes:
        """Returns the content; raises AttachmentUnavailable, without a request if the file is known to be too large."""
        if attachment.size > max_bytes:
            raise _too_large(attachment.size, max_bytes)
        if not self._is_allowed(attachment.url):
            raise AttachmentUnavailable("The file is not on Discord's servers. Attach it again.")
        async with self._concurrent, open_session() as session:
            client = HttpClient(
                session,
                self._clock,
                "Discord's file server",
                {"User-Agent": self._user_agent},
                encoding="identity",
                body_max_bytes=max_bytes,
                timeout_s=self._timeout_s,
            )
            try:
                response = await client.request("GET", attachment.url, {}, statuses_with_body={_OK})
            except ResponseTooLarge:
                raise _too_large(max_bytes + 1, max_bytes) from None
            except RequestFailed as error:
                raise AttachmentUnavailable(f"The file can't be loaded: {error}. Please try again.") from error
        if response.status != _OK:
            raise AttachmentUnavailable("Discord no longer has the file. Attach it again.")
        return response.body

    def _is_allowed(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if parts.username is not None:
            return False
        if self._local is not None and (parts.scheme, parts.netloc) == (self._local.scheme, self._local.netloc):
            return True
        return parts.scheme == "https" and parts.hostname in ATTACHMENT_HOSTS and port in (None, 443)


def _too_large(size: int, max_bytes: int) -> AttachmentUnavailable:
    return AttachmentUnavailable(f"The file has {_kilobytes(size)}; a file can have up to {_kilobytes(max_bytes)}.")


def _kilobytes(size: int) -> str:
    """Rounded up, so that a file that is too large never seems to fit."""
    return f"{-(-size // 1024):,} kB"
