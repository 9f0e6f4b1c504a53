"""Stores uploaded files in memory, under URLs in Discord's format. It never serves them: `cdn.py` does."""

from collections.abc import Iterable
from mimetypes import guess_type

from sandbox.discord.api import UploadedFile
from sandbox.discord.primitives import Payload, SnowflakeGenerator, as_mappings, as_text

CDN_PATH = "/cdn"


class Attachments:
    """Uploaded files, by attachment id."""

    def __init__(self, new_id: SnowflakeGenerator) -> None:
        self._new_id = new_id
        self._contents: dict[int, UploadedFile] = {}

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

    def kept(self, old: list[Payload], body: Payload) -> list[Payload]:
        """Returns the attachments that an edit keeps: those that it lists, or all if it has no list."""
        if "attachments" not in body:
            return old
        listed = {str(given.get("id")) for given in as_mappings(body.get("attachments"))}
        return [attachment for attachment in old if attachment["id"] in listed]

    def get(self, attachment_id: int) -> UploadedFile | None:
        """Returns an uploaded file by its attachment id."""
        return self._contents.get(attachment_id)
