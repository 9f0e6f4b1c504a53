"""The local CDN: a drawn avatar for everybody, and the files that were uploaded. Everything else is 404."""

from html import escape

from aiohttp import web

from sandbox.discord.attachments import CDN_PATH, Attachments
from sandbox.discord.world import World

_COLOURS = ("#5865f2", "#3ba55c", "#faa61a", "#ed4245", "#eb459e")


class Cdn:
    """Pictures and files for whoever asks: it needs no token."""

    def __init__(self, world: World, attachments: Attachments) -> None:
        self._world = world
        self._attachments = attachments

    def attach(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_get(f"{CDN_PATH}/avatars/{{user_id:\\d+}}/{{name}}", self.avatar)
        app.router.add_get(f"{CDN_PATH}/attachments/{{channel_id:\\d+}}/{{attachment_id:\\d+}}/{{name}}", self.file)

    async def avatar(self, request: web.Request) -> web.Response:
        """A disc with the first letter of the user's name."""
        user = self._world.users.get(int(request.match_info["user_id"]))
        if user is None:
            raise web.HTTPNotFound
        return web.Response(text=draw_avatar(user.shown_name, user.id), content_type="image/svg+xml")

    async def file(self, request: web.Request) -> web.Response:
        """An uploaded file; always as a download, so that nothing in it runs on the page."""
        file = self._attachments.get(int(request.match_info["attachment_id"]))
        if file is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=file.content, content_type="application/octet-stream", headers=headers)


def draw_avatar(name: str, user_id: int) -> str:
    """An avatar as SVG."""
    letter, colour = escape(name[:1].upper()), _COLOURS[user_id % len(_COLOURS)]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80">'
        f'<circle cx="40" cy="40" r="40" fill="{colour}"/>'
        '<text x="40" y="54" font-family="sans-serif" font-size="40" fill="#fff" text-anchor="middle">'
        f"{letter}</text></svg>"
    )
