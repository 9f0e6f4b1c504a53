"""A block by Cloudflare, which is in front of Discord: every request gets an HTML page, and Discord sees none of them.

`DiscordFaults.block` starts a block and `DiscordFaults.unblock` ends it. The responses have no `Via` header, which
Discord's own responses have. This module never sends a response: `api.py` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The page for error 1015; the tags and the line breaks are what must not reach people or a log.
PAGE = """\
<!DOCTYPE html>
<html lang="en-US">
<head><title>Access denied | discord.com used Cloudflare to restrict access</title></head>
<body>
<h1>Error 1015</h1>
<p>You are being rate limited. The owner of this website (discord.com) has banned you temporarily.</p>
<p>Ray ID: 8f2e1a &bull; @everyone &bull; <a href="https://www.cloudflare.com/5xx-error-landing">Cloudflare</a></p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class CloudflareBlock:
    """Responds with a page to requests whose path (after /api/v10) matches, without handling them.

    `retry_after` is the value of the header, in any form; None: without the header.
    """

    status: int = 403
    retry_after: str | None = None
    path_pattern: str = ""
    page: str = PAGE
    content_type: str = "text/html; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def response_headers(self) -> dict[str, str]:
        """The headers of the response."""
        own = {"Content-Type": self.content_type, "Server": "cloudflare", "CF-RAY": "8f2e1a-FRA"}
        retry_after = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        return own | retry_after | dict(self.headers)
