"""Routes that respond to interactions: the callback, follow-ups, and edits of both.

Source: discord.com/developers/docs/interactions/receiving-and-responding. The token in the path is the only
authorization: these routes never check the bot's token.
"""

import asyncio
from collections.abc import Callable

from sandbox.discord import errors
from sandbox.discord.api import NO_CONTENT, ApiResponse, Call, RestApi
from sandbox.discord.attachments import Attachments
from sandbox.discord.checks.commands import check_choice
from sandbox.discord.checks.form import FormValidator
from sandbox.discord.checks.messages import (
    EDIT_KEYS,
    RESPONSE_KEYS,
    WEBHOOK_KEYS,
    MessageDraft,
    apply_edit,
    check_message,
    check_not_empty,
)
from sandbox.discord.checks.modals import check_modal
from sandbox.discord.interactions import Interactions
from sandbox.discord.invocations import AutocompleteChoice, InteractionKind, Invocation, ResponseKind
from sandbox.discord.mentions import resolve_pings
from sandbox.discord.model import NO_FLAGS, Message, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.primitives import Payload, as_int, as_mapping, as_mappings, as_text
from sandbox.discord.world import World

_CHOICES_MAX = 25
# Message types of the responses to commands.
_COMMAND_RESPONSE = 20
_MENU_COMMAND_RESPONSE = 23
_MESSAGES = {ResponseKind.MESSAGE, ResponseKind.DEFERRED_MESSAGE}
# Responses that change the message whose component was used.
_UPDATES = {ResponseKind.DEFERRED_UPDATE, ResponseKind.UPDATE}
_ALLOWED = {
    InteractionKind.COMMAND: _MESSAGES | {ResponseKind.MODAL},
    InteractionKind.COMPONENT: _MESSAGES | _UPDATES | {ResponseKind.MODAL},
    InteractionKind.AUTOCOMPLETE: {ResponseKind.AUTOCOMPLETE},
    InteractionKind.MODAL_SUBMIT: _MESSAGES | _UPDATES,
}


class InteractionRoutes:
    """Routes of interaction responses and webhooks."""

    def __init__(
        self, world: World, interactions: Interactions, attachments: Attachments, notify: Callable[[], None]
    ) -> None:
        self._world = world
        self._interactions = interactions
        self._attachments = attachments
        self._notify = notify

    def add_to(self, api: RestApi) -> None:
        """Adds the routes."""
        api.add("POST", "/interactions/{interaction_id}/{interaction_token}/callback", self.respond, needs_token=False)
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        api.add("POST", webhook, self.follow_up, needs_token=False)
        for template in (f"{webhook}/messages/@original", f"{webhook}/messages/{{message_id}}"):
            api.add("GET", template, self.get, needs_token=False)
            api.add("PATCH", template, self.edit, needs_token=False)
            api.add("DELETE", template, self.delete, needs_token=False)

    async def respond(self, call: Call) -> ApiResponse:
        """POST …/callback: the first response."""
        invocation = self._interactions.by_token(call.parameters["interaction_token"])
        now_s = asyncio.get_running_loop().time()
        if invocation is None or invocation.id != call.snowflake("interaction_id"):
            raise errors.unknown_interaction()
        if invocation.answered_at_s is None:
            invocation.answered_at_s = now_s
        if invocation.is_late(now_s):
            raise errors.unknown_interaction()
        if invocation.acknowledged:
            raise errors.already_acknowledged()
        kind = _response_kind(invocation, call.form)
        self._execute(invocation, kind, call)
        invocation.response = kind
        self._notify()
        if call.query.get("with_response") not in {"1", "true", "True"}:
            return NO_CONTENT
        return ApiResponse(self._callback_payload(invocation, kind))

    def _execute(self, invocation: Invocation, kind: ResponseKind, call: Call) -> None:
        given = as_mapping(call.form.get("data"))
        match kind:
            case ResponseKind.AUTOCOMPLETE:
                invocation.choices = _read_choices(given)
            case ResponseKind.MODAL:
                invocation.modal = check_modal(given)
            case ResponseKind.DEFERRED_MESSAGE:
                draft = check_message(given, RESPONSE_KEYS, is_response=True)
                blank = MessageDraft(None, None, None, draft.flags & MessageFlag.EPHEMERAL | MessageFlag.LOADING)
                invocation.message = self._add(invocation, blank, call, {})
            case ResponseKind.MESSAGE:
                draft = check_message(given, RESPONSE_KEYS, is_response=True)
                check_not_empty(draft, has_files=bool(call.files))
                invocation.message = self._add(invocation, draft, call, given)
            case ResponseKind.UPDATE if invocation.source is not None:
                self._edit(invocation.source, given, call)
                invocation.message = invocation.source
            case _:
                pass  # a deferred update has no effect yet

    async def follow_up(self, call: Call) -> ApiResponse:
        """POST /webhooks/…: send a follow-up; after a deferred response, the first one becomes that response."""
        invocation = self._open(call)
        draft = check_message(call.form, WEBHOOK_KEYS, is_response=True)
        check_not_empty(draft, has_files=bool(call.files))
        first = invocation.message
        if first is not None and first.is_loading and not first.deleted:
            self._edit(first, call.form, call)
            return ApiResponse(self._world.messages.payload(first))
        follows = invocation.source if first is None or first.deleted else first
        message = self._add(invocation, draft, call, call.form, follows=follows)
        invocation.followups.append(message)
        self._notify()
        return ApiResponse(self._world.messages.payload(message))

    async def get(self, call: Call) -> ApiResponse:
        """GET /webhooks/…/messages/…"""
        return ApiResponse(self._world.messages.payload(self._message(call)))

    async def edit(self, call: Call) -> ApiResponse:
        """PATCH /webhooks/…/messages/…"""
        message, invocation = self._message(call), self._open(call)
        self._edit(message, call.form, call)
        if message is invocation.source:
            invocation.message = message
        self._notify()
        return ApiResponse(self._world.messages.payload(message))

    async def delete(self, call: Call) -> ApiResponse:
        """DELETE /webhooks/…/messages/…"""
        self._world.messages.delete(self._message(call))
        return NO_CONTENT

    def _open(self, call: Call) -> Invocation:
        if call.snowflake("webhook_id") != self._world.application_id:
            raise errors.unknown_webhook()
        invocation = self._interactions.by_token(call.parameters["webhook_token"])
        if invocation is None or not invocation.token_is_valid(asyncio.get_running_loop().time()):
            raise errors.token_invalid()
        if not invocation.acknowledged:
            raise errors.unknown_webhook()
        return invocation

    def _message(self, call: Call) -> Message:
        invocation = self._open(call)
        original = invocation.message or invocation.source
        known = {message.id: message for message in invocation.followups}
        if original is not None:
            known[original.id] = original
        by_id = "message_id" in call.parameters
        found = known.get(call.snowflake("message_id")) if by_id else original
        if found is None or found.deleted:
            raise errors.unknown_message()
        return found

    def _add(
        self, invocation: Invocation, draft: MessageDraft, call: Call, body: Payload, *, follows: Message | None = None
    ) -> Message:
        ephemeral = MessageFlag.EPHEMERAL in draft.flags
        message = Message(
            self._world.new_id(),
            invocation.channel_id,
            self._world.bot_id,
            draft.content or "",
            draft.embeds or [],
            draft.components or [],
            self._attachments.store(call.files, body, channel_id=invocation.channel_id, origin=call.origin),
            draft.flags,
            pings=resolve_pings(draft.content or "", body, may_mention_everyone=self._may_mention_everyone(invocation)),
            kind=_message_type(invocation) if follows is None else 0,
            webhook_id=self._world.application_id,
            interaction=invocation.metadata,
            visible_to=invocation.user_id if ephemeral else None,
        )
        if follows is not None:
            message.reference = {"channel_id": str(follows.channel_id), "message_id": str(follows.id)}
        return self._world.messages.add(message)

    def _may_mention_everyone(self, invocation: Invocation) -> bool:
        permissions = self._world.permissions(self._world.bot_id, invocation.channel_id)
        return Permission.MENTION_EVERYONE in permissions

    def _edit(self, message: Message, body: Payload, call: Call) -> None:
        v2 = MessageFlag.IS_COMPONENTS_V2 in message.flags
        draft = check_message(body, EDIT_KEYS | WEBHOOK_KEYS, is_response=True, already_v2=v2)
        added = self._attachments.store(call.files, body, channel_id=message.channel_id, origin=call.origin)
        message.attachments = self._attachments.kept(message.attachments, body) + added
        apply_edit(message, draft)
        if message.is_loading:
            message.flags &= ~MessageFlag.LOADING
            self._world.messages.notify_changed(message)
        else:
            self._world.messages.mark_edited(message)

    def _callback_payload(self, invocation: Invocation, kind: ResponseKind) -> Payload:
        message = invocation.message
        flags = message.flags if message else NO_FLAGS
        interaction: Payload = {
            "id": str(invocation.id),
            "type": int(invocation.kind),
            "response_message_id": str(message.id) if message else None,
            "response_message_loading": MessageFlag.LOADING in flags,
            "response_message_ephemeral": MessageFlag.EPHEMERAL in flags,
        }
        resource: Payload = {"type": int(kind)}
        if message is not None:
            resource["message"] = self._world.messages.payload(message)
        return {"interaction": interaction, "resource": resource}


def _response_kind(invocation: Invocation, body: Payload) -> ResponseKind:
    form, allowed = FormValidator(), _ALLOWED[invocation.kind]
    form.allow_keys(body, ("type", "data"))
    if invocation.source is None:  # a command, or a modal that a command opened
        allowed = allowed - _UPDATES
    kind = as_int(body.get("type"))
    if kind not in allowed:
        form.at("type").choice(sorted(int(value) for value in allowed))
    form.raise_if_invalid()
    return ResponseKind(kind)


def _read_choices(given: Payload) -> list[AutocompleteChoice]:
    form = FormValidator()
    form.at("data").allow_keys(given, ("choices",))
    if not isinstance(given.get("choices"), list):
        form.at("data", "choices").required()
    form.at("data").items(given, "choices", maximum=_CHOICES_MAX)
    choices = as_mappings(given.get("choices"))
    for index, choice in enumerate(choices):
        check_choice(form.at("data", "choices", index), choice)
    form.raise_if_invalid()
    return [AutocompleteChoice(as_text(choice["name"]), _value(choice["value"])) for choice in choices]


def _value(value: object) -> str | int | float:
    return value if isinstance(value, str | int | float) else ""


def _message_type(invocation: Invocation) -> int:
    if invocation.kind is not InteractionKind.COMMAND:
        return 0
    return _MENU_COMMAND_RESPONSE if invocation.is_menu_command else _COMMAND_RESPONSE
