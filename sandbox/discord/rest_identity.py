"""Routes that return users, the application, guilds and the gateway's URL. They never change anything."""

from sandbox.discord import errors
from sandbox.discord.access import Access
from sandbox.discord.api import ApiResponse, Call, RestApi
from sandbox.discord.connections import GATEWAY_PATH
from sandbox.discord.identifies import Identifies
from sandbox.discord.payloads import channel_payload, guild_payload, member_payload, role_payload, user_payload
from sandbox.discord.primitives import Payload
from sandbox.discord.world import World


class IdentityRoutes:
    """Read-only routes of users, applications, guilds and the gateway."""

    def __init__(self, world: World, access: Access, identifies: Identifies) -> None:
        self._world = world
        self._access = access
        self._identifies = identifies

    def add_to(self, api: RestApi) -> None:
        """Adds the routes."""
        api.add("GET", "/gateway", self.gateway, needs_token=False)
        api.add("GET", "/gateway/bot", self.gateway_for_bot)
        api.add("GET", "/users/@me", self.own_user)
        api.add("GET", "/users/@me/guilds", self.own_guilds)
        api.add("GET", "/users/{user_id}", self.user)
        api.add("GET", "/oauth2/applications/@me", self.application)
        api.add("GET", "/applications/@me", self.application)
        api.add("GET", "/guilds/{guild_id}", self.guild)
        api.add("GET", "/guilds/{guild_id}/channels", self.guild_channels)
        api.add("GET", "/guilds/{guild_id}/threads/active", self.guild_threads)
        api.add("GET", "/guilds/{guild_id}/roles", self.guild_roles)
        api.add("GET", "/guilds/{guild_id}/members/{user_id}", self.guild_member)

    async def gateway(self, call: Call) -> ApiResponse:
        """GET /gateway"""
        return ApiResponse({"url": _gateway_url(call)})

    async def gateway_for_bot(self, call: Call) -> ApiResponse:
        """GET /gateway/bot"""
        shards = self._identifies.limits.recommended_shards
        limit = self._identifies.payload()
        return ApiResponse({"url": _gateway_url(call), "shards": shards, "session_start_limit": limit})

    async def own_user(self, _: Call) -> ApiResponse:
        """GET /users/@me"""
        return ApiResponse(self._user(self._world.bot_id))

    async def own_guilds(self, _: Call) -> ApiResponse:
        """GET /users/@me/guilds"""
        mine = [guild for guild in self._world.guilds.values() if self._world.bot_in_guild(guild.id)]
        return ApiResponse([{"id": str(guild.id), "name": guild.name, "icon": None, "owner": False} for guild in mine])

    async def user(self, call: Call) -> ApiResponse:
        """GET /users/…"""
        user_id = call.snowflake("user_id")
        if user_id not in self._world.users:
            raise errors.unknown_user()
        return ApiResponse(self._user(user_id))

    async def application(self, _: Call) -> ApiResponse:
        """GET /applications/@me, and the older /oauth2/applications/@me, which discord.py uses"""
        owner_id = next((user.id for user in self._world.users.values() if not user.bot), self._world.bot_id)
        return ApiResponse(
            {
                "id": str(self._world.application_id),
                "name": self._world.users[self._world.bot_id].username,
                "icon": None,
                "description": "",
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "0" * 64,
                "owner": self._user(owner_id),
                "team": None,
                "flags": 0,
                "integration_types_config": {"0": {}, "1": {}},
            }
        )

    async def guild(self, call: Call) -> ApiResponse:
        """GET /guilds/…"""
        guild = self._access.guild(call.snowflake("guild_id"))
        payload = guild_payload(guild, bot_id=self._world.bot_id)
        if call.query.get("with_counts") in {"1", "true", "True"}:
            count = len(guild.members)
            payload |= {"approximate_member_count": count, "approximate_presence_count": count}
        return ApiResponse(payload)

    async def guild_channels(self, call: Call) -> ApiResponse:
        """GET /guilds/…/channels: without threads"""
        guild = self._access.guild(call.snowflake("guild_id"))
        channels = self._world.channels_of(guild.id)
        return ApiResponse([channel_payload(channel, self._world.users) for channel in channels])

    async def guild_threads(self, call: Call) -> ApiResponse:
        """GET /guilds/…/threads/active"""
        guild = self._access.guild(call.snowflake("guild_id"))
        seen = [
            channel_payload(thread, self._world.users)
            for thread in self._world.threads_of(guild.id)
            if self._world.can_view(self._world.bot_id, thread.id)
        ]
        return ApiResponse({"threads": seen, "members": [], "has_more": False})

    async def guild_roles(self, call: Call) -> ApiResponse:
        """GET /guilds/…/roles"""
        guild = self._access.guild(call.snowflake("guild_id"))
        return ApiResponse([role_payload(role, bot_id=self._world.bot_id) for role in guild.roles.values()])

    async def guild_member(self, call: Call) -> ApiResponse:
        """GET /guilds/…/members/…"""
        guild, user_id = self._access.guild(call.snowflake("guild_id")), call.snowflake("user_id")
        if user_id not in guild.members:
            raise errors.unknown_member()
        return ApiResponse(member_payload(guild.members[user_id], self._world.users[user_id]))

    def _user(self, user_id: int) -> Payload:
        return user_payload(self._world.users[user_id])


def _gateway_url(call: Call) -> str:
    return f"{call.origin.replace('http', 'ws', 1)}{GATEWAY_PATH}"
