"""Validates modals: forms that a bot opens as its response to a command, a button or a menu.

Source: discord.com/developers/docs/interactions/receiving-and-responding and components/reference. Of the components of
modals, it knows text inputs and text: others are rejected instead of silently dropped. It never handles interactions.
"""

from typing import Final

from sandbox.discord.checks.components import ComponentKind, check_custom_ids, numbered
from sandbox.discord.checks.form import FormValidator
from sandbox.discord.primitives import Payload, as_mapping

_COMPONENTS_MAX: Final = 5
_CUSTOM_ID_MAX, _TITLE_MAX, _LABEL_MAX, _DESCRIPTION_MAX, _PLACEHOLDER_MAX = 100, 45, 45, 100, 100
TEXT_MAX: Final = 4000
_MODAL_KEYS = ("custom_id", "title", "components")
_LABEL_KEYS = ("type", "id", "label", "description", "component")
_INPUT_KEYS = frozenset(("type", "id", "custom_id", "style", "label", "min_length", "max_length", "required", "value"))
_INPUT_KEYS |= {"placeholder"}
_SHORT, _PARAGRAPH = 1, 2


def check_modal(given: Payload) -> Payload:
    """Validates a modal, and numbers its components; raises ApiError with all errors."""
    root = FormValidator()
    form = root.at("data")
    form.allow_keys(given, _MODAL_KEYS)
    form.text(given, "custom_id", max_length=_CUSTOM_ID_MAX, min_length=1, required=True)
    form.text(given, "title", max_length=_TITLE_MAX, min_length=1, required=True)
    components = [as_mapping(each) for each in form.items(given, "components", maximum=_COMPONENTS_MAX, minimum=1)]
    for index, component in enumerate(components):
        _check_component(form.at("components", index), component)
    check_custom_ids(form, components)
    root.raise_if_invalid()
    return given | {"components": numbered(components)}


def _check_component(form: FormValidator, component: Payload) -> None:
    match component.get("type"):
        case ComponentKind.ACTION_ROW:
            form.allow_keys(component, ("type", "id", "components"))
            for index, inner in enumerate(form.items(component, "components", maximum=1, minimum=1)):
                _check_input(form.at("components", index), as_mapping(inner), needs_label=True)
        case ComponentKind.LABEL:
            form.allow_keys(component, _LABEL_KEYS)
            form.text(component, "label", max_length=_LABEL_MAX, min_length=1, required=True)
            form.text(component, "description", max_length=_DESCRIPTION_MAX, min_length=1)
            _check_input(form.at("component"), as_mapping(component.get("component")), needs_label=False)
        case ComponentKind.TEXT_DISPLAY:
            form.text(component, "content", max_length=TEXT_MAX, required=True)
        case _:
            form.at("type").choice([1, 10, 18])


def _check_input(form: FormValidator, text_input: Payload, *, needs_label: bool) -> None:
    if text_input.get("type") != ComponentKind.TEXT_INPUT:
        form.at("type").choice([int(ComponentKind.TEXT_INPUT)])
        return
    form.allow_keys(text_input, _INPUT_KEYS)
    form.text(text_input, "custom_id", max_length=_CUSTOM_ID_MAX, min_length=1, required=True)
    form.integer(text_input, "style", minimum=_SHORT, maximum=_PARAGRAPH, required=True)
    form.text(text_input, "label", max_length=_LABEL_MAX, min_length=1, required=needs_label)
    if not needs_label and text_input.get("label") is not None:
        form.at("label").add_error("TEXT_INPUT_LABEL_NOT_ALLOWED", "The label of a text input in a label is its label")
    form.boolean(text_input, "required")
    form.text(text_input, "placeholder", max_length=_PLACEHOLDER_MAX)
    form.integer(text_input, "min_length", minimum=0, maximum=TEXT_MAX)
    longest = form.integer(text_input, "max_length", minimum=1, maximum=TEXT_MAX)
    form.text(text_input, "value", max_length=TEXT_MAX if longest is None else longest)
