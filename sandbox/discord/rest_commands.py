"""Routes that register application commands, globally and per guild. They never run a command."""

from sandbox.discord import errors
from sandbox.discord.access import Access
from sandbox.discord.api import NO_CONTENT, ApiResponse, Call, RestApi
from sandbox.discord.checks.commands import check_all_commands, check_one_command
from sandbox.discord.commands import Commands
from sandbox.discord.primitives import Payload, as_int


class CommandRoutes:
    """Routes of application commands."""

    def __init__(self, application_id: int, commands: Commands, access: Access) -> None:
        self._application_id = application_id
        self._commands = commands
        self._access = access

    def add_to(self, api: RestApi) -> None:
        """Adds the routes."""
        for base in ("/applications/{application_id}", "/applications/{application_id}/guilds/{guild_id}"):
            api.add("GET", f"{base}/commands", self.all)
            api.add("PUT", f"{base}/commands", self.replace_all)
            api.add("POST", f"{base}/commands", self.create)
            api.add("GET", f"{base}/commands/{{command_id}}", self.get)
            api.add("PATCH", f"{base}/commands/{{command_id}}", self.edit)
            api.add("DELETE", f"{base}/commands/{{command_id}}", self.delete)

    async def all(self, call: Call) -> ApiResponse:
        """GET …/commands"""
        return ApiResponse(self._commands.of(self._scope(call)))

    async def replace_all(self, call: Call) -> ApiResponse:
        """PUT …/commands: replace all commands of a scope."""
        scope = self._scope(call)
        return ApiResponse(self._commands.replace_all(scope, check_all_commands(call.body)))

    async def create(self, call: Call) -> ApiResponse:
        """POST …/commands: add a command, or replace the one of the same name."""
        scope = self._scope(call)
        command, is_new = self._commands.put(scope, check_one_command(call.form))
        return ApiResponse(command, 201 if is_new else 200)

    async def get(self, call: Call) -> ApiResponse:
        """GET …/commands/…"""
        return ApiResponse(self._one(call))

    async def edit(self, call: Call) -> ApiResponse:
        """PATCH …/commands/…"""
        command = self._one(call)
        writable = ("name", "description", "options", "default_member_permissions", "contexts", "nsfw", "type")
        check_one_command({key: command[key] for key in writable} | call.form)
        return ApiResponse(self._commands.edit(command, call.form))

    async def delete(self, call: Call) -> ApiResponse:
        """DELETE …/commands/…"""
        self._commands.delete(self._scope(call), as_int(self._one(call)["id"]))
        return NO_CONTENT

    def _scope(self, call: Call) -> int | None:
        if call.snowflake("application_id") != self._application_id:
            raise errors.unknown_application()
        return self._access.guild(call.snowflake("guild_id")).id if "guild_id" in call.parameters else None

    def _one(self, call: Call) -> Payload:
        command = self._commands.get(self._scope(call), call.snowflake("command_id"))
        if command is None:
            raise errors.unknown_command()
        return command
