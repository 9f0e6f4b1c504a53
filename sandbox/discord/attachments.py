"""Files that came with messages: kept in memory, served by the local CDN under addresses of Discord's shape."""

from collections.abc import Iterable
from mimetypes import guess_type

from sandbox.discord.api import UploadedFile
from sandbox.discord.primitives import Payload, SnowflakeGenerator, as_mappings, as_text

CDN_PATH = "/cdn"


class Attachments:
    """What was uploaded, by attachment id."""

    def __init__(self, new_id: SnowflakeGenerator) -> None:
        self._new_id = new_id
        self._contents: dict[int, UploadedFile] = {}

    def store(self, files: Iterable[UploadedFile], body: Payload, *, channel_id: int, origin: str) -> list[Payload]:
        """Keep the files of a request; answers the attachment objects (resources/message#attachment-object)."""
        described = {
            as_text(given.get("id")) or str(given.get("id")): given for given in as_mappings(body.get("attachments"))
        }
        stored = []
        for file in files:
            attachment_id = self._new_id()
            self._contents[attachment_id] = file
            url = f"{origin}{CDN_PATH}/attachments/{channel_id}/{attachment_id}/{file.name}"
            # The field is named files[0]; the number is the id that the body describes it under.
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
        """Of a message's attachments, those that an edit lists; all when it says nothing."""
        if "attachments" not in body:
            return old
        listed = {str(given.get("id")) for given in as_mappings(body.get("attachments"))}
        return [attachment for attachment in old if attachment["id"] in listed]

    def get(self, attachment_id: int) -> UploadedFile | None:
        """What was uploaded under that id."""
        return self._contents.get(attachment_id)
