"""Converts the values that a user entered for a command into interaction options, as Discord's client does.

Resolves the users, roles, channels and attachments that the options refer to. It never accepts what the client would
not let a user send: it raises `InvalidAction`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.discord.attachments import Attachments
from sandbox.discord.checks.commands import NESTING, OptionKind
from sandbox.discord.model import Role
from sandbox.discord.payloads import member_payload, role_payload, user_payload
from sandbox.discord.primitives import Payload, as_int, as_list, as_mapping, as_mappings, as_text
from sandbox.discord.world import World


class InvalidAction(Exception):
    """Discord's client would not allow this action."""


@dataclass(frozen=True, slots=True)
class ResolvedOptions:
    """The options of an interaction, and the users, channels, roles and attachments that they refer to."""

    options: list[Payload]
    resolved: Payload


class OptionResolver:
    """Resolves the options of commands for one user in one guild, or in direct messages."""

    def __init__(
        self, world: World, user_id: int, guild_id: int | None, attachments: Attachments | None = None
    ) -> None:
        self._world = world
        self._attachments = attachments
        self._user_id = user_id
        self._guild_id = guild_id

    def resolve(
        self, command: Payload, path: list[str], values: Mapping[str, object], *, focused: str | None = None
    ) -> ResolvedOptions:
        """Resolves a command's options; `path` is the subcommand, and `focused` the option being autocompleted."""
        holders = _descend(command, path)
        definitions = as_mappings(holders[-1].get("options"))
        unknown = set(values) - {as_text(definition.get("name")) for definition in definitions}
        if unknown:
            raise InvalidAction(f"/{command['name']} has no option {sorted(unknown)}")
        resolved: dict[str, Payload] = {}
        options = []
        for definition in definitions:
            option = self._fill(definition, values, focused, resolved)
            if option is not None:
                options.append(option)
        for holder in reversed(holders[1:]):
            options = [{"name": holder["name"], "type": holder["type"], "options": options}]
        # Discord sends no resolved data during autocomplete.
        return ResolvedOptions(options, {} if focused else dict(resolved))

    def resolve_chosen(self, kind: OptionKind, values: Sequence[str]) -> Payload:
        """Resolves what was chosen in a menu of users, roles or channels."""
        resolved: dict[str, Payload] = {}
        for value in values:
            if kind is OptionKind.ROLE and as_int(value) not in self._roles():
                raise InvalidAction(f"there is no role {value}")
            self._resolve(kind, {}, as_int(value), resolved)
        return dict(resolved)

    def _fill(
        self, definition: Payload, values: Mapping[str, object], focused: str | None, resolved: dict[str, Payload]
    ) -> Payload | None:
        name = as_text(definition.get("name"))
        if name == focused:
            if not definition.get("autocomplete"):
                raise InvalidAction(f"{name} has no autocomplete")
            return {"name": name, "type": definition["type"], "value": values.get(name, ""), "focused": True}
        value = values.get(name)
        if value is None:
            if definition.get("required") and focused is None:
                raise InvalidAction(f"{name} is required")
            return None
        kind = OptionKind(as_int(definition.get("type")))
        _check_value(definition, kind, value)
        return {"name": name, "type": int(kind), "value": self._resolve(kind, definition, value, resolved)}

    def _resolve(self, kind: OptionKind, definition: Payload, value: object, resolved: dict[str, Payload]) -> object:
        if kind is OptionKind.CHANNEL:
            self._resolve_channel(definition, as_int(value), resolved)
        elif kind is OptionKind.ROLE or (kind is OptionKind.MENTIONABLE and as_int(value) in self._roles()):
            role = self._roles()[as_int(value)]
            resolved.setdefault("roles", {})[str(value)] = role_payload(role)
        elif kind in {OptionKind.USER, OptionKind.MENTIONABLE}:
            self._resolve_user(as_int(value), resolved)
        elif kind is OptionKind.ATTACHMENT:
            self._resolve_attachment(as_int(value), resolved)
        else:
            return value
        return str(value)

    def _resolve_channel(self, definition: Payload, channel_id: int, resolved: dict[str, Payload]) -> None:
        channel = self._world.channels.get(channel_id)
        if channel is None or not self._world.can_view(self._user_id, channel_id):
            raise InvalidAction(f"channel {channel_id} is not available to user {self._user_id}")
        kinds = as_list(definition.get("channel_types"))
        if kinds and channel.kind not in kinds:
            raise InvalidAction(f"#{channel.name} is not available: only channels of the types {kinds} are")
        permissions = self._world.permissions(self._user_id, channel_id)
        described = self._world.channel_payload(channel) | {"permissions": str(int(permissions))}
        described.pop("permission_overwrites", None)
        resolved.setdefault("channels", {})[str(channel_id)] = described

    def _resolve_user(self, user_id: int, resolved: dict[str, Payload]) -> None:
        user = self._world.users.get(user_id)
        if user is None:
            raise InvalidAction(f"there is no user {user_id}")
        resolved.setdefault("users", {})[str(user_id)] = user_payload(user)
        guild = self._world.guilds.get(self._guild_id) if self._guild_id is not None else None
        if guild is not None and user_id in guild.members:
            described = member_payload(guild.members[user_id], user)
            described.pop("user")
            permissions = self._world.guild_permissions(guild.id, user_id)
            resolved.setdefault("members", {})[str(user_id)] = described | {"permissions": str(int(permissions))}

    def _resolve_attachment(self, attachment_id: int, resolved: dict[str, Payload]) -> None:
        found = None if self._attachments is None else self._attachments.uploaded_by(attachment_id, self._user_id)
        if found is None:
            raise InvalidAction(f"user {self._user_id} did not upload a file {attachment_id}")
        resolved.setdefault("attachments", {})[str(attachment_id)] = found

    def _roles(self) -> Mapping[int, Role]:
        return {} if self._guild_id is None else self._world.guilds[self._guild_id].roles


def _descend(command: Payload, path: list[str]) -> list[Payload]:
    holders = [command]
    for name in path:
        options = as_mappings(holders[-1].get("options"))
        inner = next((option for option in options if option.get("name") == name), None)
        if inner is None or inner.get("type") not in NESTING:
            raise InvalidAction(f"/{command['name']} has no subcommand {name}")
        holders.append(inner)
    if any(option.get("type") in NESTING for option in as_mappings(holders[-1].get("options"))):
        raise InvalidAction(f"/{command['name']} needs a subcommand")
    return holders


def _check_value(definition: Payload, kind: OptionKind, value: object) -> None:
    name = definition.get("name")
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind is not OptionKind.BOOLEAN):
        raise InvalidAction(f"{name} does not accept a {type(value).__name__}")
    choices = [as_mapping(choice).get("value") for choice in as_list(definition.get("choices"))]
    if choices and value not in choices:
        raise InvalidAction(f"{name} must be one of {choices}")
    size = len(value) if isinstance(value, str) else value
    if kind in {OptionKind.STRING, OptionKind.INTEGER, OptionKind.NUMBER} and isinstance(size, int | float):
        suffix = "length" if isinstance(value, str) else "value"
        least, most = definition.get(f"min_{suffix}"), definition.get(f"max_{suffix}")
        if isinstance(least, int | float) and size < least:
            raise InvalidAction(f"{name} must be at least {least}")
        if size > (most if isinstance(most, int | float) else 6000 if isinstance(value, str) else 2**53):
            raise InvalidAction(f"{name} must be at most {most}")


_TYPES: Mapping[OptionKind, type | tuple[type, ...]] = {
    OptionKind.STRING: str,
    OptionKind.INTEGER: int,
    OptionKind.NUMBER: (int, float),
    OptionKind.BOOLEAN: bool,
    OptionKind.USER: int,
    OptionKind.CHANNEL: int,
    OptionKind.ROLE: int,
    OptionKind.MENTIONABLE: int,
    OptionKind.ATTACHMENT: int,
}
