"""Validates components: rows of buttons and menus, and the layouts of Components V2.

Source: discord.com/developers/docs/components/reference. Custom ids must be unique within a message. The components of
modals are in `modals`. It never handles interactions.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from sandbox.discord.checks.form import FormValidator
from sandbox.discord.primitives import Payload, as_int, as_mapping, as_mappings, as_text


class ComponentKind(IntEnum):
    """Discord's component types."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18


SELECTS: Final = frozenset(
    {
        ComponentKind.STRING_SELECT,
        ComponentKind.USER_SELECT,
        ComponentKind.ROLE_SELECT,
        ComponentKind.MENTIONABLE_SELECT,
        ComponentKind.CHANNEL_SELECT,
    }
)
_TOP_LEVEL_V2: Final = frozenset(
    {
        ComponentKind.ACTION_ROW,
        ComponentKind.SECTION,
        ComponentKind.TEXT_DISPLAY,
        ComponentKind.MEDIA_GALLERY,
        ComponentKind.FILE,
        ComponentKind.SEPARATOR,
        ComponentKind.CONTAINER,
    }
)
_DEFAULT_TYPES: Final = {
    ComponentKind.USER_SELECT: ("user",),
    ComponentKind.ROLE_SELECT: ("role",),
    ComponentKind.MENTIONABLE_SELECT: ("user", "role"),
    ComponentKind.CHANNEL_SELECT: ("channel",),
}
_ROWS_MAX, _BUTTONS_MAX, _OPTIONS_MAX, _V2_TOTAL_MAX, _V2_TEXT_MAX = 5, 5, 25, 40, 4000
_LABEL_MAX, _CUSTOM_ID_MAX, _URL_MAX, _PLACEHOLDER_MAX, _OPTION_TEXT_MAX = 80, 100, 512, 150, 100
_LINK_STYLE, _PREMIUM_STYLE = 5, 6
_BUTTON_KEYS = ("type", "id", "style", "label", "emoji", "custom_id", "sku_id", "url", "disabled")
_SELECT_KEYS = frozenset(("type", "id", "custom_id", "options", "channel_types", "placeholder", "default_values"))
_SELECT_KEYS |= {"min_values", "max_values", "required", "disabled"}


def check_components(form: FormValidator, body: Payload, *, v2: bool) -> list[Payload]:
    """Validates the components of a message, and numbers them as Discord does."""
    here = form.at("components")
    given = form.items(body, "components", maximum=_V2_TOTAL_MAX if v2 else _ROWS_MAX)
    components = [as_mapping(component) for component in given]
    for index, component in enumerate(components):
        _check_top_level(here.at(index), component, v2=v2)
    check_custom_ids(form, components)
    if v2:
        _check_totals(here, components)
    return numbered(components)


def walk(components: list[Payload]) -> Iterator[Payload]:
    """Yields every component of a message, nested ones after their parent."""
    for component in components:
        yield component
        yield from walk(as_mappings(component.get("components")))
        for single in ("accessory", "component"):
            yield from walk([as_mapping(component[single])] if component.get(single) else [])


def find(components: list[Payload], custom_id: str) -> Payload | None:
    """Returns the component with that custom_id."""
    return next((component for component in walk(components) if component.get("custom_id") == custom_id), None)


def _check_top_level(form: FormValidator, component: Payload, *, v2: bool) -> None:
    kind = component.get("type")
    allowed = _TOP_LEVEL_V2 if v2 else frozenset({ComponentKind.ACTION_ROW})
    if kind not in allowed:
        form.at("type").choice(sorted(int(value) for value in allowed))
        return
    _check_layout(form, component)


def _check_layout(form: FormValidator, component: Payload) -> None:
    match component.get("type"):
        case ComponentKind.ACTION_ROW:
            _check_row(form, component)
        case ComponentKind.CONTAINER:
            for index, inner in enumerate(form.items(component, "components", maximum=_V2_TOTAL_MAX, minimum=1)):
                _check_inside_container(form.at("components", index), as_mapping(inner))
        case ComponentKind.SECTION:
            _check_section(form, component)
        case ComponentKind.TEXT_DISPLAY:
            form.text(component, "content", max_length=_V2_TEXT_MAX, required=True)
        case ComponentKind.MEDIA_GALLERY:
            form.items(component, "items", maximum=10, minimum=1)
        case ComponentKind.FILE:
            form.at("file").url(as_mapping(component.get("file")), "url", schemes=("attachment",))
        case _:
            form.integer(component, "spacing", minimum=1, maximum=2)


def _check_inside_container(form: FormValidator, component: Payload) -> None:
    allowed = _TOP_LEVEL_V2 - {ComponentKind.CONTAINER}
    if component.get("type") in allowed:
        _check_layout(form, component)
    else:
        form.at("type").choice(sorted(int(value) for value in allowed))


def _check_section(form: FormValidator, component: Payload) -> None:
    for index, inner in enumerate(form.items(component, "components", maximum=3, minimum=1)):
        if as_mapping(inner).get("type") == ComponentKind.TEXT_DISPLAY:
            _check_layout(form.at("components", index), as_mapping(inner))
        else:
            form.at("components", index, "type").choice([int(ComponentKind.TEXT_DISPLAY)])
    accessory = as_mapping(component.get("accessory"))
    if accessory.get("type") == ComponentKind.BUTTON:
        _check_button(form.at("accessory"), accessory)
    elif accessory.get("type") != ComponentKind.THUMBNAIL:
        form.at("accessory").required()


def _check_row(form: FormValidator, row: Payload) -> None:
    form.allow_keys(row, ("type", "id", "components"))
    children = [as_mapping(child) for child in form.items(row, "components", maximum=_BUTTONS_MAX, minimum=1)]
    has_select = any(child.get("type") in SELECTS for child in children)
    if has_select and len(children) > 1:
        form.at("components").add_error(
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A row holds one select menu and nothing else"
        )
    for index, child in enumerate(children):
        here = form.at("components", index)
        if child.get("type") == ComponentKind.BUTTON:
            _check_button(here, child)
        elif child.get("type") in SELECTS:
            _check_select(here, child)
        else:
            here.at("type").choice(sorted(int(value) for value in SELECTS | {ComponentKind.BUTTON}))


def _check_button(form: FormValidator, button: Payload) -> None:
    form.allow_keys(button, _BUTTON_KEYS)
    style = form.integer(button, "style", minimum=1, maximum=_PREMIUM_STYLE, required=True)
    form.text(button, "label", max_length=_LABEL_MAX)
    form.boolean(button, "disabled")
    if style == _LINK_STYLE:
        form.url(button, "url", max_length=_URL_MAX, schemes=("http", "https", "discord"))
        if not button.get("url"):
            form.at("url").required()
        if button.get("custom_id"):
            form.at("custom_id").add_error(
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A link has no custom id"
            )
        return
    if style != _PREMIUM_STYLE:
        form.text(button, "custom_id", max_length=_CUSTOM_ID_MAX, min_length=1, required=True)
        if not as_text(button.get("label")) and not button.get("emoji"):
            form.add_error("BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A button must have a label or an emoji")


def _check_select(form: FormValidator, select: Payload) -> None:
    form.allow_keys(select, _SELECT_KEYS)
    form.text(select, "custom_id", max_length=_CUSTOM_ID_MAX, min_length=1, required=True)
    form.text(select, "placeholder", max_length=_PLACEHOLDER_MAX)
    form.boolean(select, "disabled")
    options = 25
    if select.get("type") == ComponentKind.STRING_SELECT:
        options = _check_options(form, select)
    else:
        _check_default_values(form, select)
    form.integer(select, "min_values", minimum=0, maximum=options)
    form.integer(select, "max_values", minimum=1, maximum=options)


def _check_default_values(form: FormValidator, select: Payload) -> None:
    given = form.items(select, "default_values", maximum=as_int(select.get("max_values"), 1))
    for index, value in enumerate(map(as_mapping, given)):
        here = form.at("default_values", index)
        here.allow_keys(value, ("id", "type"))
        if not as_int(value.get("id")):
            here.at("id").required()
        if value.get("type") not in _DEFAULT_TYPES[ComponentKind(as_int(select.get("type")))]:
            here.at("type").choice(_DEFAULT_TYPES[ComponentKind(as_int(select.get("type")))])


def _check_options(form: FormValidator, select: Payload) -> int:
    given = [as_mapping(option) for option in form.items(select, "options", maximum=_OPTIONS_MAX, minimum=1)]
    seen: set[str] = set()
    for index, option in enumerate(given):
        here = form.at("options", index)
        here.allow_keys(option, ("label", "value", "description", "emoji", "default"))
        here.text(option, "label", max_length=_OPTION_TEXT_MAX, min_length=1, required=True)
        value = here.text(option, "value", max_length=_OPTION_TEXT_MAX, min_length=1, required=True)
        here.text(option, "description", max_length=_OPTION_TEXT_MAX)
        if value in seen:
            here.at("value").add_error(
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used"
            )
        seen.add(value)
    return max(1, len(given))


def check_custom_ids(form: FormValidator, components: list[Payload]) -> None:
    """Rejects custom ids that several components have."""
    seen: set[str] = set()
    for index, top in enumerate(components):
        for component in walk([top]):
            custom_id = as_text(component.get("custom_id"))
            if custom_id and custom_id in seen:
                here = form.at("components", index)
                here.add_error("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
            seen.add(custom_id)


def _check_totals(form: FormValidator, components: list[Payload]) -> None:
    every = list(walk(components))
    if len(every) > _V2_TOTAL_MAX:
        form.add_error("COMPONENT_MAX_COUNT_EXCEEDED", f"A message has {_V2_TOTAL_MAX} components at most")
    if sum(len(as_text(component.get("content"))) for component in every) > _V2_TEXT_MAX:
        form.add_error("COMPONENT_TEXT_SIZE_EXCEEDED", f"Text exceeds maximum size of {_V2_TEXT_MAX}")


def numbered(components: list[Payload]) -> list[Payload]:
    """Returns the components with the ids that Discord gives them."""
    taken = {as_int(component.get("id")) for component in walk(components)}
    free = (number for number in range(1, 1000) if number not in taken)

    def number(component: Payload) -> Payload:
        result: Payload = {"id": component.get("id") or next(free)} | component
        if component.get("components") is not None:
            result["components"] = [number(inner) for inner in as_mappings(component["components"])]
        if component.get("default_values"):
            values = as_mappings(component["default_values"])
            result["default_values"] = [value | {"id": str(value.get("id"))} for value in values]
        for single in ("accessory", "component"):
            if component.get(single):
                result[single] = number(as_mapping(component[single]))
        return result

    return [number(component) for component in components]
