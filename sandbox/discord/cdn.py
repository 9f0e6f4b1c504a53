"""The local CDN: serves a generated avatar for every user, and uploaded files. It never serves anything else."""

from html import escape

from aiohttp import web

from sandbox.discord.attachments import CDN_PATH, Attachments
from sandbox.discord.world import World

_COLOURS = ("#5865f2", "#3ba55c", "#faa61a", "#ed4245", "#eb459e")


class Cdn:
    """Serves avatars and attachments, without a token."""

    def __init__(self, world: World, attachments: Attachments) -> None:
        self._world = world
        self._attachments = attachments

    def attach(self, app: web.Application) -> None:
        """Adds the routes."""
        app.router.add_get(f"{CDN_PATH}/avatars/{{user_id:\\d+}}/{{name}}", self.avatar)
        for kind in ("attachments", "ephemeral-attachments"):
            app.router.add_get(f"{CDN_PATH}/{kind}/{{owner_id:\\d+}}/{{attachment_id:\\d+}}/{{name}}", self.file)

    async def avatar(self, request: web.Request) -> web.Response:
        """Returns a user's avatar."""
        user = self._world.users.get(int(request.match_info["user_id"]))
        if user is None:
            raise web.HTTPNotFound
        return web.Response(text=draw_avatar(user.shown_name, user.id), content_type="image/svg+xml")

    async def file(self, request: web.Request) -> web.Response:
        """Returns an uploaded file, always as a download, so that scripts in it never run on the page."""
        file = self._attachments.get(int(request.match_info["attachment_id"]))
        if file is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=file.content, content_type="application/octet-stream", headers=headers)


def draw_avatar(name: str, user_id: int) -> str:
    """Returns an SVG of a coloured circle with the first letter of the name."""
    letter, colour = escape(name[:1].upper()), _COLOURS[user_id % len(_COLOURS)]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80">'
        f'<circle cx="40" cy="40" r="40" fill="{colour}"/>'
        '<text x="40" y="54" font-family="sans-serif" font-size="40" fill="#fff" text-anchor="middle">'
        f"{letter}</text></svg>"
    )
