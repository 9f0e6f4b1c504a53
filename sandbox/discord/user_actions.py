"""The actions of users, checked as Discord's client does: users can use only what they can see.

Sends interactions to the bot. It never responds for the bot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sandbox.discord.attachments import UPLOAD_MAX_BYTES, UPLOAD_TOO_LARGE, Attachments
from sandbox.discord.checks.commands import CHAT_INPUT, MESSAGE_MENU, OptionKind
from sandbox.discord.checks.components import SELECTS, ComponentKind, find
from sandbox.discord.commands import Commands, allowed_in_context
from sandbox.discord.gateway import Gateway
from sandbox.discord.interactions import Interactions
from sandbox.discord.invocations import InteractionKind, Invocation
from sandbox.discord.modal_filling import filled
from sandbox.discord.model import MESSAGEABLE, Channel, Message
from sandbox.discord.option_resolver import InvalidAction, OptionResolver
from sandbox.discord.permissions import Permission
from sandbox.discord.primitives import Payload, as_int, as_list, as_mappings, as_text
from sandbox.discord.world import World

_GUILD_INSTALL, _USER_INSTALL = 0, 1
# What the options of these menus are.
_ENTITIES = {
    ComponentKind.USER_SELECT: OptionKind.USER,
    ComponentKind.ROLE_SELECT: OptionKind.ROLE,
    ComponentKind.MENTIONABLE_SELECT: OptionKind.MENTIONABLE,
    ComponentKind.CHANNEL_SELECT: OptionKind.CHANNEL,
}


class UserActions:
    """The actions of all users except the bot."""

    def __init__(
        self, world: World, commands: Commands, interactions: Interactions, gateway: Gateway, attachments: Attachments
    ) -> None:
        self._world = world
        self._commands = commands
        self._interactions = interactions
        self._gateway = gateway
        self._attachments = attachments

    def commands_for(self, user_id: int, channel_id: int | None) -> list[Payload]:
        """Returns the commands available to a user in a channel."""
        channel = self._channel(user_id, channel_id)
        known = self._commands.available_in(channel.guild_id)
        return [command for command in known if self._is_available(command, user_id, channel)]

    def run_command(
        self, name: str, options: Mapping[str, object], *, user_id: int, channel_id: int | None
    ) -> Invocation:
        """Runs a command."""
        content, channel = self._build_command(name, options, user_id, channel_id)
        return self._send(InteractionKind.COMMAND, content, user_id, channel)

    def autocomplete(
        self, name: str, options: Mapping[str, object], focused: str, *, user_id: int, channel_id: int | None
    ) -> Invocation:
        """Requests suggestions for an option."""
        content, channel = self._build_command(name, options, user_id, channel_id, focused=focused)
        return self._send(InteractionKind.AUTOCOMPLETE, content, user_id, channel)

    def upload(self, name: str, content: bytes, *, user_id: int, origin: str) -> int:
        """Uploads a file for an option of a command; returns the option's value."""
        if len(content) > UPLOAD_MAX_BYTES:
            raise InvalidAction(UPLOAD_TOO_LARGE)
        return self._attachments.upload(name, content, user_id=user_id, origin=origin)

    def run_message_command(self, name: str, message_id: int, *, user_id: int) -> Invocation:
        """Runs a command of the menu of a message; the interaction contains the whole message (#interaction-data)."""
        message = self._visible_message(message_id, user_id)
        available = self.commands_for(user_id, message.channel_id)
        command = next((each for each in available if (each["type"], each["name"]) == (MESSAGE_MENU, name)), None)
        if command is None or message.is_ephemeral:
            raise InvalidAction(f"{name} is not available to user {user_id} here")
        content: Payload = {
            "id": command["id"],
            "name": name,
            "type": MESSAGE_MENU,
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): self._world.messages.payload(message)}},
        }
        channel = self._world.channels[message.channel_id]
        return self._send(InteractionKind.COMMAND, content, user_id, channel, is_menu=True)

    def press(self, message_id: int, custom_id: str, *, user_id: int) -> Invocation:
        """Presses a button."""
        message, component = self._component(message_id, custom_id, user_id)
        if component.get("type") != ComponentKind.BUTTON:
            raise InvalidAction(f"{custom_id} is not a button")
        content: Payload = {
            "component_type": int(ComponentKind.BUTTON),
            "custom_id": custom_id,
            "id": component.get("id"),
        }
        return self._send_from(message, content, user_id)

    def press_forged(
        self, message_id: int, custom_id: str, *, user_id: int, kind: ComponentKind, values: Sequence[str]
    ) -> Invocation:
        """Uses a component as if the message had it, which Discord prevents."""
        message = self._visible_message(message_id, user_id)
        component: Payload = {"type": int(kind), "id": 2, "custom_id": custom_id}
        content: Payload = {"component_type": int(kind), "custom_id": custom_id, "id": 2}
        if kind == ComponentKind.BUTTON:
            component |= {"style": 2, "label": "?"}
        else:
            content["values"] = list(values)
        row: Payload = {"type": int(ComponentKind.ACTION_ROW), "id": 1, "components": [component]}
        return self._send_from(replace(message, components=[row]), content, user_id)

    def choose(self, message_id: int, custom_id: str, values: Sequence[str], *, user_id: int) -> Invocation:
        """Chooses values from a select menu."""
        message, component = self._component(message_id, custom_id, user_id)
        if component.get("type") not in SELECTS:
            raise InvalidAction(f"{custom_id} is not a select menu")
        offered = {option.get("value") for option in as_mappings(component.get("options"))}
        if component.get("type") == ComponentKind.STRING_SELECT and not set(values) <= offered:
            raise InvalidAction(f"{custom_id} offers {sorted(map(str, offered))}")
        least, most = as_int(component.get("min_values"), 1), as_int(component.get("max_values"), 1)
        if not least <= len(values) <= most:
            raise InvalidAction(f"{custom_id} requires {least} to {most} values")
        content: Payload = {
            "component_type": component["type"],
            "custom_id": custom_id,
            "id": component.get("id"),
            "values": list(values),
        }
        entity = _ENTITIES.get(ComponentKind(as_int(component["type"])))
        if entity is not None:
            guild_id = self._world.channels[message.channel_id].guild_id
            content["resolved"] = OptionResolver(self._world, user_id, guild_id).resolve_chosen(entity, values)
        return self._send_from(message, content, user_id)

    def submit_modal(self, interaction_id: int, values: Mapping[str, str], *, user_id: int) -> Invocation:
        """Submits the modal that the bot opened in response to an interaction; values by custom id."""
        opened_by = self._interactions.find(interaction_id)
        if opened_by is None or opened_by.modal is None or opened_by.user_id != user_id:
            raise InvalidAction(f"no modal is open for user {user_id} after {interaction_id}")
        return self._submit(opened_by, as_text(opened_by.modal["custom_id"]), filled(opened_by.modal, values))

    def submit_forged(self, opened_by: Invocation, custom_id: str, components: Sequence[Payload]) -> Invocation:
        """Submits a modal that the bot did not open, which Discord prevents."""
        return self._submit(opened_by, custom_id, components)

    def _submit(self, opened_by: Invocation, custom_id: str, components: Sequence[Payload]) -> Invocation:
        content: Payload = {"custom_id": custom_id, "components": list(components)}
        channel = self._world.channels[opened_by.channel_id]
        return self._send(
            InteractionKind.MODAL_SUBMIT,
            content,
            opened_by.user_id,
            channel,
            source=opened_by.source,
            opened_by=opened_by,
        )

    def _build_command(
        self,
        name: str,
        options: Mapping[str, object],
        user_id: int,
        channel_id: int | None,
        *,
        focused: str | None = None,
    ) -> tuple[Payload, Channel]:
        first, *path = name.split()
        channel = self._channel(user_id, channel_id)
        available = self.commands_for(user_id, channel_id)
        command = next((each for each in available if (each["type"], each["name"]) == (CHAT_INPUT, first)), None)
        if command is None:
            raise InvalidAction(f"/{first} is not available to user {user_id} here")
        resolver = OptionResolver(self._world, user_id, channel.guild_id, self._attachments)
        typed = resolver.resolve(command, path, options, focused=focused)
        content: Payload = {"id": command["id"], "name": first, "type": CHAT_INPUT, "options": typed.options}
        if typed.resolved:
            content["resolved"] = typed.resolved
        if "guild_id" in command:
            content["guild_id"] = command["guild_id"]
        return content, channel

    def _channel(self, user_id: int, channel_id: int | None) -> Channel:
        channel = self._world.dm_with(user_id) if channel_id is None else self._world.channels.get(channel_id)
        if channel is None or not self._world.can_view(user_id, channel.id):
            raise InvalidAction(f"user {user_id} cannot see channel {channel_id}")
        return channel

    def _is_available(self, command: Payload, user_id: int, channel: Channel) -> bool:
        if channel.kind not in MESSAGEABLE:  # a forum has no message box: commands are used in its posts
            return False
        if not allowed_in_context(command, self._interactions.context_of(channel)):
            return False
        installs = as_list(command.get("integration_types"))
        by_user = _USER_INSTALL in installs and user_id in self._world.user_installs
        if channel.guild_id is None:
            return by_user or _GUILD_INSTALL in installs
        by_guild = _GUILD_INSTALL in installs and self._world.bot_in_guild(channel.guild_id)
        permissions = self._world.permissions(user_id, channel.id)
        needed = command.get("default_member_permissions")
        # "0" hides a command from everyone except administrators.
        wanted = Permission.ADMINISTRATOR if needed == "0" else Permission(as_int(needed))
        may = wanted in permissions and Permission.USE_APPLICATION_COMMANDS in permissions
        return (by_user or by_guild) and may

    def _component(self, message_id: int, custom_id: str, user_id: int) -> tuple[Message, Payload]:
        message = self._visible_message(message_id, user_id)
        component = find(message.components, custom_id)
        if component is None:
            raise InvalidAction(f"message {message_id} has no component {custom_id}")
        if component.get("disabled"):
            raise InvalidAction(f"{custom_id} is disabled")
        return message, component

    def _visible_message(self, message_id: int, user_id: int) -> Message:
        message = self._world.messages.get(message_id)
        if message is None or not self._world.can_view(user_id, message.channel_id):
            raise InvalidAction(f"user {user_id} cannot see message {message_id}")
        if message.visible_to not in {None, user_id}:
            raise InvalidAction(f"message {message_id} is visible only to another user")
        return message

    def _send_from(self, message: Message, content: Payload, user_id: int) -> Invocation:
        channel = self._world.channels[message.channel_id]
        return self._send(InteractionKind.COMPONENT, content, user_id, channel, source=message)

    def _send(
        self,
        kind: InteractionKind,
        content: Payload,
        user_id: int,
        channel: Channel,
        *,
        source: Message | None = None,
        opened_by: Invocation | None = None,
        is_menu: bool = False,
    ) -> Invocation:
        invocation, payload = self._interactions.begin(
            kind, content, user_id=user_id, channel=channel, source=source, opened_by=opened_by
        )
        invocation.is_menu_command = is_menu
        self._gateway.dispatch("INTERACTION_CREATE", payload, channel.guild_id)
        return invocation
