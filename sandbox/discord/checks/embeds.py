"""Validates embeds: their limits, individually and in total.

Source: discord.com/developers/docs/resources/message#embed-object-embed-limits. It never decides who may send them.
"""

from datetime import datetime
from typing import Final

from sandbox.discord.checks.form import FormValidator
from sandbox.discord.primitives import Payload, as_mapping, as_mappings, as_text

EMBEDS_MAX: Final = 10
TOTAL_MAX: Final = 6000
_TITLE_MAX, _DESCRIPTION_MAX, _FOOTER_MAX, _AUTHOR_MAX = 256, 4096, 2048, 256
_FIELDS_MAX, _FIELD_NAME_MAX, _FIELD_VALUE_MAX = 25, 256, 1024
_MEDIA_SCHEMES = ("http", "https", "attachment")
_TEXT_KEYS = frozenset(("title", "type", "description", "url", "timestamp", "color"))
_KEYS = _TEXT_KEYS | {"flags", "footer", "image", "thumbnail", "video", "provider", "author", "fields"}


def check_embeds(form: FormValidator, body: Payload) -> list[Payload]:
    """Validates the embeds of a message, and returns them as Discord stores them."""
    here = form.at("embeds")
    given = form.items(body, "embeds", maximum=EMBEDS_MAX)
    kept = [_check(here.at(index), as_mapping(embed)) for index, embed in enumerate(given)]
    if sum(text_length(embed) for embed in kept) > TOTAL_MAX:
        here.add_error("MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {TOTAL_MAX}")
    return kept


def text_length(embed: Payload) -> int:
    """Returns how many of the 6,000 characters an embed uses."""
    fields = as_mappings(embed.get("fields"))
    parts = [embed.get("title"), embed.get("description")]
    parts += [as_mapping(embed.get("footer")).get("text"), as_mapping(embed.get("author")).get("name")]
    parts += [field.get(key) for field in fields for key in ("name", "value")]
    return sum(len(as_text(part)) for part in parts)


def _check(form: FormValidator, embed: Payload) -> Payload:
    form.allow_keys(embed, _KEYS)
    kept = dict(embed) | {"type": "rich"}
    for key, max_length in (("title", _TITLE_MAX), ("description", _DESCRIPTION_MAX)):
        if embed.get(key) is not None:
            kept[key] = form.text(embed, key, max_length=max_length, strip=True)
    form.url(embed, "url")
    form.integer(embed, "color", minimum=0, maximum=0xFFFFFF)
    _check_timestamp(form, embed)
    if embed.get("footer") is not None:
        kept["footer"] = _check_named(form.at("footer"), as_mapping(embed["footer"]), "text", _FOOTER_MAX)
    if embed.get("author") is not None:
        kept["author"] = _check_named(form.at("author"), as_mapping(embed["author"]), "name", _AUTHOR_MAX)
    for key in ("image", "thumbnail"):
        if embed.get(key) is not None:
            form.at(key).url(as_mapping(embed[key]), "url", schemes=_MEDIA_SCHEMES)
    if embed.get("fields") is not None:
        kept["fields"] = _check_fields(form, embed)
    if not any(kept.get(key) for key in ("title", "description", "fields", "image", "thumbnail", "author", "footer")):
        form.at("description").required()
    return kept


def _check_named(form: FormValidator, part: Payload, key: str, max_length: int) -> Payload:
    form.allow_keys(part, (key, "url", "icon_url", "proxy_icon_url"))
    form.url(part, "url")
    form.url(part, "icon_url", schemes=_MEDIA_SCHEMES)
    return part | {key: form.text(part, key, max_length=max_length, required=True, strip=True)}


def _check_fields(form: FormValidator, embed: Payload) -> list[Payload]:
    kept = []
    for index, given in enumerate(form.items(embed, "fields", maximum=_FIELDS_MAX)):
        here, part = form.at("fields", index), as_mapping(given)
        here.allow_keys(part, ("name", "value", "inline"))
        name = here.text(part, "name", max_length=_FIELD_NAME_MAX, required=True, strip=True)
        value = here.text(part, "value", max_length=_FIELD_VALUE_MAX, required=True, strip=True)
        kept.append({"name": name, "value": value, "inline": here.boolean(part, "inline")})
    return kept


def _check_timestamp(form: FormValidator, embed: Payload) -> None:
    given = form.text(embed, "timestamp", max_length=64)
    if not given:
        return
    try:
        datetime.fromisoformat(given)
    except ValueError:
        form.at("timestamp").add_error("DATE_TIME_TYPE_PARSE", f"Could not parse {given}. Should be ISO8601.")
