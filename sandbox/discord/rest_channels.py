"""Routes of channels, threads and direct messages. They never handle messages: `rest_messages.py` does.

Source: discord.com/developers/docs/resources/channel.
"""

from datetime import UTC, datetime

from sandbox.discord import errors
from sandbox.discord.access import Access
from sandbox.discord.api import NO_CONTENT, ApiResponse, Call, RestApi
from sandbox.discord.checks.form import FormValidator
from sandbox.discord.model import Channel, ChannelKind, Message, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.primitives import Payload, as_int, as_list, as_mapping, snowflake_time
from sandbox.discord.rest_messages import MessageRoutes
from sandbox.discord.world import World

_NAME_MAX = 100
_TAGS_MAX = 5
_ARCHIVED_PAGE = 50
_THREAD_CREATED = 18  # message type of the message that announces a thread without a message
_ARCHIVE_AFTER_MINUTES = (60, 1440, 4320, 10080)
_THREAD_KEYS = ("name", "auto_archive_duration", "rate_limit_per_user", "type", "invitable")
_MESSAGE_THREAD_KEYS = ("name", "auto_archive_duration", "rate_limit_per_user")
_FORUM_KEYS = ("name", "type", "auto_archive_duration", "rate_limit_per_user", "message", "applied_tags")
_EDIT_KEYS = (
    "name",
    "archived",
    "locked",
    "auto_archive_duration",
    "rate_limit_per_user",
    "invitable",
    "applied_tags",
)


class ChannelRoutes:
    """Routes of channels and threads."""

    def __init__(self, world: World, access: Access, messages: MessageRoutes) -> None:
        self._world = world
        self._access = access
        self._messages = messages

    def add_to(self, api: RestApi) -> None:
        """Adds the routes."""
        api.add("GET", "/channels/{channel_id}", self.get)
        api.add("PATCH", "/channels/{channel_id}", self.edit_thread)
        api.add("POST", "/channels/{channel_id}/typing", self.type)
        api.add("POST", "/channels/{channel_id}/threads", self.start_thread)
        api.add("GET", "/channels/{channel_id}/threads/archived/public", self.archived_threads)
        api.add("POST", "/channels/{channel_id}/messages/{message_id}/threads", self.start_thread_at)
        api.add("PUT", "/channels/{channel_id}/thread-members/@me", self.join)
        api.add("POST", "/users/@me/channels", self.open_dm)

    async def get(self, call: Call) -> ApiResponse:
        """GET /channels/…"""
        return ApiResponse(self._world.channel_payload(self._access.channel(call.snowflake("channel_id"))))

    async def type(self, call: Call) -> ApiResponse:
        """POST …/typing"""
        self._access.sendable(call.snowflake("channel_id"))
        return NO_CONTENT

    async def join(self, call: Call) -> ApiResponse:
        """PUT …/thread-members/@me"""
        thread = self._access.channel(call.snowflake("channel_id"))
        if not thread.is_thread:
            raise errors.wrong_channel_type()
        if thread.archived:
            raise errors.thread_archived()
        return NO_CONTENT

    async def open_dm(self, call: Call) -> ApiResponse:
        """POST /users/@me/channels"""
        user_id = as_int(call.form.get("recipient_id"))
        if user_id not in self._world.users or user_id == self._world.bot_id:
            form = FormValidator()
            form.at("recipient_id").add_error("INVALID_RECIPIENT", "Invalid Recipient")
            form.raise_if_invalid()
        return ApiResponse(self._world.channel_payload(self._world.dm_with(user_id)))

    async def edit_thread(self, call: Call) -> ApiResponse:
        """PATCH /channels/… for threads only: name, archived, locked."""
        thread, body, form = self._access.channel(call.snowflake("channel_id")), call.form, FormValidator()
        if not thread.is_thread:
            self._access.require(thread, Permission.MANAGE_CHANNELS)
            raise errors.wrong_channel_type()
        form.allow_keys(body, _EDIT_KEYS)
        name = form.text(body, "name", max_length=_NAME_MAX)
        archived, locked = form.boolean(body, "archived"), form.boolean(body, "locked")
        form.raise_if_invalid()
        opens_only = set(body) <= {"archived"} and not archived and not thread.locked
        if not opens_only and thread.owner_id != self._world.bot_id:
            self._access.require(thread, Permission.MANAGE_THREADS)
        if name:
            self._world.rename_channel(thread.id, name)
        self._world.set_thread(
            thread.id,
            archived=archived if "archived" in body else None,
            locked=locked if "locked" in body else None,
        )
        return ApiResponse(self._world.channel_payload(thread))

    async def start_thread(self, call: Call) -> ApiResponse:
        """POST …/threads: start a thread without a message, or a post in a forum."""
        parent = self._access.channel(call.snowflake("channel_id"))
        if parent.kind is ChannelKind.FORUM:
            return self._start_post(parent, call)
        if parent.kind not in {ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT}:
            raise errors.wrong_channel_type()
        kind = ChannelKind.PRIVATE_THREAD
        if parent.kind is ChannelKind.ANNOUNCEMENT:
            kind = ChannelKind.ANNOUNCEMENT_THREAD
        elif as_int(call.form.get("type"), kind) == ChannelKind.PUBLIC_THREAD:
            kind = ChannelKind.PUBLIC_THREAD
        private = kind is ChannelKind.PRIVATE_THREAD
        self._access.require(parent, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)
        name = _thread_name(call.form, _THREAD_KEYS)
        self._check_active_threads(parent)
        thread = self._world.add_thread(parent.id, name, owner_id=self._world.bot_id, kind=kind)
        if not private:
            self._announce(thread)
        return ApiResponse(self._thread_payload(thread), 201)

    async def start_thread_at(self, call: Call) -> ApiResponse:
        """POST …/messages/…/threads: start a thread, which has the message's id."""
        message = self._access.message(call.snowflake("channel_id"), call.snowflake("message_id"))
        parent = self._world.channels[message.channel_id]
        if parent.kind not in {ChannelKind.TEXT, ChannelKind.ANNOUNCEMENT}:
            raise errors.wrong_channel_type()
        self._access.require(parent, Permission.CREATE_PUBLIC_THREADS)
        if message.id in self._world.channels:
            raise errors.thread_exists()
        name = _thread_name(call.form, _MESSAGE_THREAD_KEYS)
        self._check_active_threads(parent)
        announcement = parent.kind is ChannelKind.ANNOUNCEMENT
        kind = ChannelKind.ANNOUNCEMENT_THREAD if announcement else ChannelKind.PUBLIC_THREAD
        bot_id = self._world.bot_id
        thread = self._world.add_thread(parent.id, name, owner_id=bot_id, kind=kind, channel_id=message.id)
        message.flags |= MessageFlag.HAS_THREAD
        self._world.messages.notify_changed(message)
        return ApiResponse(self._thread_payload(thread), 201)

    async def archived_threads(self, call: Call) -> ApiResponse:
        """GET …/threads/archived/public: a page, newest first."""
        parent = self._access.channel(call.snowflake("channel_id"))
        self._access.require(parent, Permission.READ_MESSAGE_HISTORY)
        before, limit = call.query.get("before"), int(call.query.get("limit", _ARCHIVED_PAGE))
        until = datetime.fromisoformat(before) if before else datetime.max.replace(tzinfo=UTC)
        found = [
            self._world.channel_payload(thread)
            for thread in sorted(self._world.channels.values(), key=lambda thread: thread.id, reverse=True)
            if thread.parent_id == parent.id and thread.archived and snowflake_time(thread.id) < until
        ]
        return ApiResponse({"threads": found[:limit], "members": [], "has_more": len(found) > limit})

    def _check_active_threads(self, parent: Channel) -> None:
        """Rejects another thread where the server has as many active ones as Discord allows."""
        guild_id = parent.guild_id
        if guild_id is not None and len(self._world.threads_of(guild_id)) >= self._world.active_threads_max:
            raise errors.too_many_threads()

    def _announce(self, thread: Channel) -> None:
        """Posts the message "… started a thread" in the thread's channel."""
        reference: Payload = {"channel_id": str(thread.id), "guild_id": str(thread.guild_id), "type": 0}
        self._world.messages.add(
            Message(
                self._world.new_id(),
                thread.parent_id or 0,
                self._world.bot_id,
                thread.name,
                kind=_THREAD_CREATED,
                reference=reference,
            )
        )

    def _start_post(self, forum: Channel, call: Call) -> ApiResponse:
        self._access.require(forum, Permission.SEND_MESSAGES)
        name = _thread_name(call.form, _FORUM_KEYS)
        tags = [as_int(tag) for tag in as_list(call.form.get("applied_tags"))]
        _check_tags(forum, tags)
        # Validated before the thread is created: a post always has a message.
        post_id = self._world.new_id()
        message = self._messages.compose(forum, as_mapping(call.form.get("message")), call, message_id=post_id)
        thread = self._world.add_thread(
            forum.id, name, owner_id=self._world.bot_id, channel_id=post_id, applied_tags=tags
        )
        message.channel_id = thread.id
        self._world.messages.add(message)
        return ApiResponse(self._thread_payload(thread) | {"message": self._world.messages.payload(message)}, 201)

    def _thread_payload(self, thread: Channel) -> Payload:
        member: Payload = {
            "id": str(thread.id),
            "user_id": str(self._world.bot_id),
            "join_timestamp": snowflake_time(thread.id).isoformat(),
            "flags": 1,
        }
        return self._world.channel_payload(thread) | {"member": member}


def _thread_name(body: Payload, keys: tuple[str, ...]) -> str:
    form = FormValidator()
    form.allow_keys(body, keys)
    name = form.text(body, "name", max_length=_NAME_MAX, min_length=1, required=True, strip=True)
    minutes = body.get("auto_archive_duration")
    if minutes is not None and minutes not in _ARCHIVE_AFTER_MINUTES:
        form.at("auto_archive_duration").choice(_ARCHIVE_AFTER_MINUTES)
    form.raise_if_invalid()
    return name


def _check_tags(forum: Channel, tags: list[int]) -> None:
    if forum.requires_tag and not tags:
        raise errors.tag_required()
    form, known = FormValidator(), {tag.id for tag in forum.available_tags}
    if len(tags) > _TAGS_MAX:
        form.at("applied_tags").wrong_length(0, _TAGS_MAX)
    for index, tag in enumerate(tags):
        if tag not in known:
            form.at("applied_tags", index).add_error("FORUM_TAG_UNKNOWN", "Unknown tag")
    form.raise_if_invalid()
