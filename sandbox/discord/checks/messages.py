"""Validates a message body for every route: create, edit, follow-up, interaction response, forum post.

Source: discord.com/developers/docs/resources/message. Returns the contents as Discord stores them. It never checks
permissions.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sandbox.discord import errors
from sandbox.discord.checks.components import check_components
from sandbox.discord.checks.embeds import check_embeds
from sandbox.discord.checks.form import FormValidator
from sandbox.discord.model import NO_FLAGS, Message, MessageFlag
from sandbox.discord.primitives import Payload, as_int, as_mapping

CONTENT_MAX: Final = 2000
NONCE_MAX: Final = 25
# Polls and stickers are missing, so that they are rejected instead of silently dropped.
_COMMON = frozenset(("content", "embeds", "components", "allowed_mentions", "flags", "attachments", "tts"))
CREATE_KEYS: Final = _COMMON | {"nonce", "enforce_nonce", "message_reference"}
EDIT_KEYS: Final = _COMMON
WEBHOOK_KEYS: Final = _COMMON | {"username", "avatar_url", "thread_name", "applied_tags"}
RESPONSE_KEYS: Final = _COMMON
_MENTION_KEYS = ("parse", "users", "roles", "replied_user")
_SETTABLE = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.IS_COMPONENTS_V2
_SETTABLE_BY_RESPONSE = _SETTABLE | MessageFlag.EPHEMERAL


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """The validated contents of a body; None for missing fields, which an edit leaves unchanged."""

    content: str | None
    embeds: list[Payload] | None
    components: list[Payload] | None
    flags: MessageFlag

    @property
    def is_empty(self) -> bool:
        return not (self.content or self.embeds or self.components)


def check_message(
    body: Payload, keys: Collection[str], *, is_response: bool = False, already_v2: bool = False
) -> MessageDraft:
    """Validates a body; raises ApiError with all errors. `already_v2` is for edits of Components V2 messages."""
    form = FormValidator()
    form.allow_keys(body, keys)
    flags = _check_flags(form, body, _SETTABLE_BY_RESPONSE if is_response else _SETTABLE)
    v2 = already_v2 or MessageFlag.IS_COMPONENTS_V2 in flags
    content = form.text(body, "content", max_length=CONTENT_MAX, strip=True)
    embeds = check_embeds(form, body)
    components = check_components(form, body, v2=v2)
    _check_nonce(form, body)
    mentions = as_mapping(body.get("allowed_mentions"))
    form.at("allowed_mentions").allow_keys(mentions, _MENTION_KEYS)
    if v2 and (content or embeds):
        message = "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2"
        form.at("content" if content else "embeds").add_error(
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message
        )
    form.raise_if_invalid()
    return MessageDraft(
        content if "content" in body else None,
        embeds if "embeds" in body else None,
        components if "components" in body else None,
        flags,
    )


def check_not_empty(draft: MessageDraft, *, has_files: bool) -> None:
    """Rejects a new message without visible content."""
    if draft.is_empty and not has_files:
        raise errors.empty_message()


def apply_edit(message: Message, draft: MessageDraft) -> None:
    """Applies the fields of the draft; raises ApiError if nothing visible would be left."""
    content = message.content if draft.content is None else draft.content
    embeds = message.embeds if draft.embeds is None else draft.embeds
    components = message.components if draft.components is None else draft.components
    if not (content or embeds or components or message.attachments):
        raise errors.empty_message()
    message.content, message.embeds, message.components = content, embeds, components
    message.flags |= draft.flags & _SETTABLE


def _check_flags(form: FormValidator, body: Payload, settable: MessageFlag) -> MessageFlag:
    given = form.integer(body, "flags", minimum=0, maximum=2**53)
    # Bits that a bot cannot set are ignored, as by Discord.
    return NO_FLAGS if given is None else MessageFlag(given & settable)


def _check_nonce(form: FormValidator, body: Payload) -> None:
    nonce = body.get("nonce")
    if isinstance(nonce, str) and len(nonce) > NONCE_MAX:
        form.at("nonce").add_error("NONCE_TYPE_TOO_LONG", f"Must be {NONCE_MAX} or fewer in length.")
    elif nonce is not None and not isinstance(nonce, str | int):
        form.at("nonce").add_error("NONCE_TYPE_CONVERT", f'Could not interpret "{nonce}" as a nonce.')
    form.boolean(body, "enforce_nonce")
    if body.get("message_reference") is not None:
        reference = as_mapping(body["message_reference"])
        if not as_int(reference.get("message_id")):
            form.at("message_reference", "message_id").required()
