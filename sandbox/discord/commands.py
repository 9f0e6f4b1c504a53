"""The application's registered commands, global and per guild.

Returns commands in Discord's format. It never validates definitions: `checks/commands.py` does.
"""

from collections.abc import Callable
from typing import Final

from sandbox.discord.checks.commands import CHAT_INPUT
from sandbox.discord.events import COMMANDS_UPDATE, EventBus
from sandbox.discord.primitives import Payload, as_int, as_list

_GUILD_INSTALL: Final = 0
_BOT_DM: Final = 1


class Commands:
    """Registered commands by scope: None for global commands, otherwise a guild's id."""

    def __init__(self, application_id: int, new_id: Callable[[], int], events: EventBus) -> None:
        self._application_id = application_id
        self._new_id = new_id
        self._events = events
        self._scopes: dict[int | None, dict[int, Payload]] = {}

    def of(self, guild_id: int | None) -> list[Payload]:
        """Returns the commands of one scope."""
        return list(self._scopes.get(guild_id, {}).values())

    def available_in(self, guild_id: int | None) -> list[Payload]:
        """Returns the commands of a guild or of direct messages; a guild's own hide global ones of the same name."""
        own = self.of(guild_id) if guild_id is not None else []
        hidden = {_key(command) for command in own}
        return own + [command for command in self.of(None) if _key(command) not in hidden]

    def get(self, guild_id: int | None, command_id: int) -> Payload | None:
        """Returns a command by its id."""
        return self._scopes.get(guild_id, {}).get(command_id)

    def replace_all(self, guild_id: int | None, definitions: list[Payload]) -> list[Payload]:
        """Replaces all commands of a scope; commands with an unchanged type and name keep their id."""
        old = {_key(command): as_int(command["id"]) for command in self.of(guild_id)}
        kept = [self._build(guild_id, given, old.get(_key(given))) for given in definitions]
        self._scopes[guild_id] = {as_int(command["id"]): command for command in kept}
        self._notify()
        return kept

    def put(self, guild_id: int | None, definition: Payload) -> tuple[Payload, bool]:
        """Adds a command or replaces the one of the same name; also returns whether it is new."""
        scope = self._scopes.setdefault(guild_id, {})
        old = next((command for command in scope.values() if _key(command) == _key(definition)), None)
        made = self._build(guild_id, definition, as_int(old["id"]) if old else None)
        scope[as_int(made["id"])] = made
        self._notify()
        return made, old is None

    def edit(self, command: Payload, changes: Payload) -> Payload:
        """Changes the given fields of a command."""
        command |= changes | {"version": str(self._new_id())}
        self._notify()
        return command

    def delete(self, guild_id: int | None, command_id: int) -> None:
        """Deletes a command."""
        del self._scopes[guild_id][command_id]
        self._notify()

    def _build(self, guild_id: int | None, given: Payload, command_id: int | None) -> Payload:
        permissions = given.get("default_member_permissions")
        kind = given.get("type") or CHAT_INPUT
        made: Payload = {
            "id": str(command_id or self._new_id()),
            "application_id": str(self._application_id),
            "version": str(self._new_id()),
            "type": kind,
            "name": given.get("name"),
            "name_localizations": given.get("name_localizations"),
            "description": given.get("description") if kind == CHAT_INPUT else "",
            "description_localizations": given.get("description_localizations"),
            "options": as_list(given.get("options")),
            "default_member_permissions": None if permissions is None else str(permissions),
            "dm_permission": given.get("dm_permission") is not False,
            "contexts": given.get("contexts"),
            "integration_types": given.get("integration_types") or [_GUILD_INSTALL],
            "nsfw": given.get("nsfw") is True,
        }
        return made if guild_id is None else made | {"guild_id": str(guild_id)}

    def _notify(self) -> None:
        self._events.emit(COMMANDS_UPDATE, {})


def allowed_in_context(command: Payload, context: int) -> bool:
    """Whether a command is available in a context: 0 is a guild, 1 the DM with the bot, 2 other private channels."""
    contexts = command.get("contexts")
    if isinstance(contexts, list) and contexts:
        return context in contexts
    return context != _BOT_DM or command.get("dm_permission") is True


def _key(command: Payload) -> tuple[object, object]:
    return command.get("type") or CHAT_INPUT, command.get("name")
