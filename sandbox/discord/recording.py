"""What the bot asked of the local Discord, for tests to look at. The token is never among it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class RecordedRequest:
    """One REST request; `status` is None until it was answered, and stays so when the connection was dropped."""

    method: str
    path: str  # after /api/v10
    template: str | None  # the route in Discord's spelling, None for one that does not exist
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object  # parsed JSON; for multipart/form-data its payload_json; None without a body
    file_names: tuple[str, ...]
    began_s: float  # monotonic
    status: int | None = None
