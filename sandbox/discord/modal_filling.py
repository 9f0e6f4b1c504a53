"""Fills a modal in as Discord's client does: with what a user typed into its text inputs, or their prefilled values.

It never accepts what the client would not let a user submit: it raises `InvalidAction`.
"""

from collections.abc import Mapping

from sandbox.discord.checks.components import ComponentKind, walk
from sandbox.discord.checks.modals import TEXT_MAX
from sandbox.discord.option_resolver import InvalidAction
from sandbox.discord.primitives import Payload, as_int, as_mapping, as_mappings, as_text


def filled(modal: Payload, values: Mapping[str, str]) -> list[Payload]:
    """Returns the components of the interaction that submits a modal."""
    components = as_mappings(modal.get("components"))
    known = {as_text(each.get("custom_id")) for each in walk(components)}
    if unknown := set(values) - known:
        raise InvalidAction(f"{modal['title']} has no field {sorted(unknown)}")
    return [_filled(each, values, "") for each in components]


def _filled(component: Payload, values: Mapping[str, str], label: str) -> Payload:
    submitted: Payload = {"type": component["type"], "id": component["id"]}
    match component["type"]:
        case ComponentKind.ACTION_ROW:
            inner = as_mappings(component["components"])
            submitted["components"] = [_filled(each, values, as_text(each.get("label"))) for each in inner]
        case ComponentKind.LABEL:
            submitted["component"] = _filled(as_mapping(component["component"]), values, as_text(component["label"]))
        case ComponentKind.TEXT_INPUT:
            custom_id = as_text(component["custom_id"])
            value = values.get(custom_id, as_text(component.get("value")))
            _check(component, value, label)
            submitted |= {"custom_id": custom_id, "value": value}
    return submitted


def _check(text_input: Payload, value: str, label: str) -> None:
    if not value:
        if text_input.get("required", True):
            raise InvalidAction(f"{label}: this field is required.")
        return
    least, most = as_int(text_input.get("min_length")), as_int(text_input.get("max_length"), TEXT_MAX)
    if not least <= len(value) <= most:
        raise InvalidAction(f"{label}: must be {least} to {most:,} characters.")
