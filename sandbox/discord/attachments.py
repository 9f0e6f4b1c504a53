"""Stores the files that the bot and users upload, in memory, under URLs in Discord's format.

It never serves them: `cdn.py` does.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from mimetypes import guess_type
from typing import Final
from urllib.parse import quote

from sandbox.discord.api import UploadedFile
from sandbox.discord.primitives import Payload, SnowflakeGenerator, as_mappings, as_text

CDN_PATH = "/cdn"
# The most that a user without Nitro can upload.
UPLOAD_MAX_BYTES: Final = 10 * 1024 * 1024
UPLOAD_TOO_LARGE: Final = f"A file can have up to {UPLOAD_MAX_BYTES // 1024 // 1024} MB."
# Discord keeps the files of command options for a limited time; the local Discord keeps the last ones.
_UPLOADS_KEPT: Final = 50
_UNSAFE: Final = re.compile(r"[^\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a user chose for an option of a command: whose it is, and its attachment object."""

    user_id: int
    payload: Payload


class Attachments:
    """Uploaded files, by attachment id."""

    def __init__(self, new_id: SnowflakeGenerator) -> None:
        self._new_id = new_id
        self._contents: dict[int, UploadedFile] = {}
        self._uploads: OrderedDict[int, Upload] = OrderedDict()

    def store(self, files: Iterable[UploadedFile], body: Payload, *, channel_id: int, origin: str) -> list[Payload]:
        """Stores the files of a request and returns their attachment objects (resources/message#attachment-object)."""
        described = {
            as_text(given.get("id")) or str(given.get("id")): given for given in as_mappings(body.get("attachments"))
        }
        stored = []
        for file in files:
            attachment_id = self._new_id()
            self._contents[attachment_id] = file
            url = f"{origin}{CDN_PATH}/attachments/{channel_id}/{attachment_id}/{file.name}"
            # The field is named files[0]; the number is the id of its description in the body.
            about = described.get(file.field.removeprefix("files[").removesuffix("]"), {})
            stored.append(
                {
                    "id": str(attachment_id),
                    "filename": file.name,
                    "description": about.get("description"),
                    "content_type": guess_type(file.name)[0] or "application/octet-stream",
                    "size": len(file.content),
                    "url": url,
                    "proxy_url": url,
                }
            )
        return stored

    def upload(self, name: str, content: bytes, *, user_id: int, origin: str) -> int:
        """Stores a file for an option of a command, and returns its attachment id."""
        attachment_id = self._new_id()
        safe_name = _UNSAFE.sub("_", name) or "file"
        url = f"{origin}{CDN_PATH}/ephemeral-attachments/{user_id}/{attachment_id}/{quote(safe_name)}"
        payload: Payload = {
            "id": str(attachment_id),
            "filename": safe_name,
            "content_type": guess_type(safe_name)[0] or "application/octet-stream",
            "size": len(content),
            "url": url,
            "proxy_url": url,
            "ephemeral": True,
        }
        self._contents[attachment_id] = UploadedFile("", safe_name, content)
        self._uploads[attachment_id] = Upload(user_id, payload)
        while len(self._uploads) > _UPLOADS_KEPT:
            oldest, _ = self._uploads.popitem(last=False)
            del self._contents[oldest]
        return attachment_id

    def uploaded_by(self, attachment_id: int, user_id: int) -> Payload | None:
        """Returns the attachment object of a file that this user uploaded for an option."""
        upload = self._uploads.get(attachment_id)
        return upload.payload if upload is not None and upload.user_id == user_id else None

    def kept(self, old: list[Payload], body: Payload) -> list[Payload]:
        """Returns the attachments that an edit keeps: those that it lists, or all if it has no list."""
        if "attachments" not in body:
            return old
        listed = {str(given.get("id")) for given in as_mappings(body.get("attachments"))}
        return [attachment for attachment in old if attachment["id"] in listed]

    def get(self, attachment_id: int) -> UploadedFile | None:
        """Returns an uploaded file by its attachment id."""
        return self._contents.get(attachment_id)
