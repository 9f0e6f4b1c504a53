"""Routes of messages in channels: send, read, edit, delete, publish. They never handle interaction responses.

Source: discord.com/developers/docs/resources/message.
"""

from sandbox.discord import errors
from sandbox.discord.access import Access
from sandbox.discord.api import NO_CONTENT, ApiResponse, Call, RestApi
from sandbox.discord.attachments import Attachments
from sandbox.discord.checks.form import FormValidator
from sandbox.discord.checks.messages import CREATE_KEYS, EDIT_KEYS, apply_edit, check_message, check_not_empty
from sandbox.discord.mentions import resolve_pings
from sandbox.discord.model import Channel, ChannelKind, Message, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.primitives import Payload, as_mapping
from sandbox.discord.world import World

_PAGE_MAX = 100
_REPLY = 19  # message type of a reply


class MessageRoutes:
    """Routes of messages."""

    def __init__(self, world: World, access: Access, attachments: Attachments) -> None:
        self._world = world
        self._access = access
        self._attachments = attachments

    def add_to(self, api: RestApi) -> None:
        """Adds the routes."""
        messages = "/channels/{channel_id}/messages"
        api.add("GET", messages, self.history)
        api.add("POST", messages, self.create)
        api.add("GET", f"{messages}/{{message_id}}", self.get)
        api.add("PATCH", f"{messages}/{{message_id}}", self.edit)
        api.add("DELETE", f"{messages}/{{message_id}}", self.delete)
        api.add("POST", f"{messages}/{{message_id}}/crosspost", self.crosspost)

    async def create(self, call: Call) -> ApiResponse:
        """POST /channels/…/messages: send a message, or return the one already sent with that nonce."""
        channel = self._access.sendable(call.snowflake("channel_id"))
        message = self.compose(channel, call.form, call)
        nonce = call.form.get("nonce")
        if nonce is not None and call.form.get("enforce_nonce") is True:
            sent = self._world.messages.with_nonce(self._world.bot_id, str(nonce))
            if sent is not None and sent.deleted:
                raise errors.unknown_message()
            if sent is not None:
                return ApiResponse(self._world.messages.payload(sent) | {"nonce": nonce})
            self._world.messages.remember_nonce(self._world.bot_id, str(nonce), message)
        if channel.archived:
            self._world.set_thread(channel.id, archived=False)
        self._world.messages.add(message)
        answer = self._world.messages.payload(message)
        # Discord returns the nonce only in this response; it cannot be read later.
        return ApiResponse(answer if nonce is None else answer | {"nonce": nonce})

    def compose(self, channel: Channel, body: Payload, call: Call, *, message_id: int | None = None) -> Message:
        """Builds a message without adding it to the channel; raises ApiError if it is invalid."""
        draft = check_message(body, CREATE_KEYS)
        check_not_empty(draft, has_files=bool(call.files))
        permissions = self._access.permissions(channel)
        if call.files and Permission.ATTACH_FILES not in permissions:
            raise errors.missing_permissions()
        reference = as_mapping(body.get("message_reference"))
        message = Message(
            message_id or self._world.new_id(),
            channel.id,
            self._world.bot_id,
            draft.content or "",
            # Without the permission, Discord silently drops embeds.
            (draft.embeds or []) if Permission.EMBED_LINKS in permissions else [],
            draft.components or [],
            self._attachments.store(call.files, body, channel_id=channel.id, origin=call.origin),
            draft.flags,
            pings=resolve_pings(
                draft.content or "", body, may_mention_everyone=Permission.MENTION_EVERYONE in permissions
            ),
            kind=_REPLY if reference else 0,
        )
        if reference:
            message.reference = {"channel_id": str(channel.id), **reference}
        return message

    async def history(self, call: Call) -> ApiResponse:
        """GET /channels/…/messages: a page, newest first."""
        channel = self._access.channel(call.snowflake("channel_id"))
        limit = _page_size(call)
        if Permission.READ_MESSAGE_HISTORY not in self._access.permissions(channel):
            return ApiResponse([])  # Discord does not report the missing permission
        page = self._world.messages.history(
            channel.id,
            limit=limit,
            before=call.queried_snowflake("before"),
            after=call.queried_snowflake("after"),
            around=call.queried_snowflake("around"),
        )
        return ApiResponse([self._world.messages.payload(message) for message in page])

    async def get(self, call: Call) -> ApiResponse:
        """GET /channels/…/messages/…"""
        message = self._access.message(call.snowflake("channel_id"), call.snowflake("message_id"))
        self._access.require(self._world.channels[message.channel_id], Permission.READ_MESSAGE_HISTORY)
        return ApiResponse(self._world.messages.payload(message))

    async def edit(self, call: Call) -> ApiResponse:
        """PATCH /channels/…/messages/…"""
        message = self._access.own_message(call.snowflake("channel_id"), call.snowflake("message_id"))
        channel = self._world.channels[message.channel_id]
        if channel.archived:
            raise errors.thread_archived()
        draft = check_message(call.form, EDIT_KEYS, already_v2=MessageFlag.IS_COMPONENTS_V2 in message.flags)
        added = self._attachments.store(call.files, call.form, channel_id=channel.id, origin=call.origin)
        message.attachments = self._attachments.kept(message.attachments, call.form) + added
        apply_edit(message, draft)
        self._world.messages.mark_edited(message)
        return ApiResponse(self._world.messages.payload(message))

    async def delete(self, call: Call) -> ApiResponse:
        """DELETE /channels/…/messages/…"""
        message = self._access.message(call.snowflake("channel_id"), call.snowflake("message_id"))
        if message.author_id != self._world.bot_id:
            self._access.require(self._world.channels[message.channel_id], Permission.MANAGE_MESSAGES)
        self._world.messages.delete(message)
        return NO_CONTENT

    async def crosspost(self, call: Call) -> ApiResponse:
        """POST …/crosspost: publish a message of an announcement channel."""
        message = self._access.own_message(call.snowflake("channel_id"), call.snowflake("message_id"))
        channel = self._world.channels[message.channel_id]
        if channel.kind is not ChannelKind.ANNOUNCEMENT:
            raise errors.wrong_channel_type()
        self._access.require(channel, Permission.SEND_MESSAGES)
        if MessageFlag.CROSSPOSTED in message.flags:
            raise errors.already_crossposted()
        message.flags |= MessageFlag.CROSSPOSTED
        self._world.messages.notify_changed(message)
        return ApiResponse(self._world.messages.payload(message))


def _page_size(call: Call) -> int:
    given = call.query.get("limit", "50")
    if not given.isdigit() or not 1 <= int(given) <= _PAGE_MAX:
        form = FormValidator()
        form.at("limit").add_error("NUMBER_TYPE_MAX", f"int value should be between 1 and {_PAGE_MAX}.")
        form.raise_if_invalid()
    return int(given)
