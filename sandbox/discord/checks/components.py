"""Components: rows of buttons and menus, and the layouts of Components V2.

Source: discord.com/developers/docs/components/reference. Custom ids must differ within one message.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from sandbox.discord.checks.form import Form
from sandbox.discord.shapes import Payload, as_int, as_mapping, as_mappings, as_text


class Kind(IntEnum):
    """Component types by Discord's numbers."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
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


SELECTS: Final = frozenset(
    {Kind.STRING_SELECT, Kind.USER_SELECT, Kind.ROLE_SELECT, Kind.MENTIONABLE_SELECT, Kind.CHANNEL_SELECT}
)
_TOP_LEVEL_V2: Final = frozenset(
    {
        Kind.ACTION_ROW,
        Kind.SECTION,
        Kind.TEXT_DISPLAY,
        Kind.MEDIA_GALLERY,
        Kind.FILE,
        Kind.SEPARATOR,
        Kind.CONTAINER,
    }
)
_ROWS_MAX, _BUTTONS_MAX, _OPTIONS_MAX, _V2_TOTAL_MAX, _V2_TEXT_MAX = 5, 5, 25, 40, 4000
_LABEL_MAX, _CUSTOM_ID_MAX, _URL_MAX, _PLACEHOLDER_MAX, _OPTION_TEXT_MAX = 80, 100, 512, 150, 100
_LINK_STYLE, _PREMIUM_STYLE = 5, 6
_BUTTON_KEYS = ("type", "id", "style", "label", "emoji", "custom_id", "sku_id", "url", "disabled")
_SELECT_KEYS = frozenset(("type", "id", "custom_id", "options", "channel_types", "placeholder", "default_values"))
_SELECT_KEYS |= {"min_values", "max_values", "required", "disabled"}


def check_components(form: Form, body: Payload, *, v2: bool) -> list[Payload]:
    """The components of a message, numbered as Discord numbers them."""
    here = form.at("components")
    given = form.items(body, "components", most=_V2_TOTAL_MAX if v2 else _ROWS_MAX)
    components = [as_mapping(component) for component in given]
    for index, component in enumerate(components):
        _check_top_level(here.at(index), component, v2=v2)
    _check_custom_ids(form, components)
    if v2:
        _check_totals(here, components)
    return _numbered(components)


def walk(components: list[Payload]) -> Iterator[Payload]:
    """Every component of a message, nested ones after the one that holds them."""
    for component in components:
        yield component
        yield from walk(as_mappings(component.get("components")))
        yield from walk([as_mapping(component["accessory"])] if component.get("accessory") else [])


def find(components: list[Payload], custom_id: str) -> Payload | None:
    """The component with that custom_id."""
    return next((component for component in walk(components) if component.get("custom_id") == custom_id), None)


def _check_top_level(form: Form, component: Payload, *, v2: bool) -> None:
    kind = component.get("type")
    allowed = _TOP_LEVEL_V2 if v2 else frozenset({Kind.ACTION_ROW})
    if kind not in allowed:
        form.at("type").choice(sorted(int(value) for value in allowed))
        return
    _check_layout(form, component)


def _check_layout(form: Form, component: Payload) -> None:
    match component.get("type"):
        case Kind.ACTION_ROW:
            _check_row(form, component)
        case Kind.CONTAINER:
            for index, inner in enumerate(form.items(component, "components", most=_V2_TOTAL_MAX, least=1)):
                _check_inside_container(form.at("components", index), as_mapping(inner))
        case Kind.SECTION:
            _check_section(form, component)
        case Kind.TEXT_DISPLAY:
            form.text(component, "content", longest=_V2_TEXT_MAX, required=True)
        case Kind.MEDIA_GALLERY:
            form.items(component, "items", most=10, least=1)
        case Kind.FILE:
            form.at("file").url(as_mapping(component.get("file")), "url", schemes=("attachment",))
        case _:
            form.whole_number(component, "spacing", least=1, most=2)


def _check_inside_container(form: Form, component: Payload) -> None:
    allowed = _TOP_LEVEL_V2 - {Kind.CONTAINER}
    if component.get("type") in allowed:
        _check_layout(form, component)
    else:
        form.at("type").choice(sorted(int(value) for value in allowed))


def _check_section(form: Form, component: Payload) -> None:
    for index, inner in enumerate(form.items(component, "components", most=3, least=1)):
        if as_mapping(inner).get("type") == Kind.TEXT_DISPLAY:
            _check_layout(form.at("components", index), as_mapping(inner))
        else:
            form.at("components", index, "type").choice([int(Kind.TEXT_DISPLAY)])
    accessory = as_mapping(component.get("accessory"))
    if accessory.get("type") == Kind.BUTTON:
        _check_button(form.at("accessory"), accessory)
    elif accessory.get("type") != Kind.THUMBNAIL:
        form.at("accessory").required()


def _check_row(form: Form, row: Payload) -> None:
    form.known_keys(row, ("type", "id", "components"))
    children = [as_mapping(child) for child in form.items(row, "components", most=_BUTTONS_MAX, least=1)]
    has_select = any(child.get("type") in SELECTS for child in children)
    if has_select and len(children) > 1:
        form.at("components").fault("COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A row holds one select menu and nothing else")
    for index, child in enumerate(children):
        here = form.at("components", index)
        if child.get("type") == Kind.BUTTON:
            _check_button(here, child)
        elif child.get("type") in SELECTS:
            _check_select(here, child)
        else:
            here.at("type").choice(sorted(int(value) for value in SELECTS | {Kind.BUTTON}))


def _check_button(form: Form, button: Payload) -> None:
    form.known_keys(button, _BUTTON_KEYS)
    style = form.whole_number(button, "style", least=1, most=_PREMIUM_STYLE, required=True)
    form.text(button, "label", longest=_LABEL_MAX)
    form.yes_or_no(button, "disabled")
    if style == _LINK_STYLE:
        form.url(button, "url", longest=_URL_MAX, schemes=("http", "https", "discord"))
        if not button.get("url"):
            form.at("url").required()
        if button.get("custom_id"):
            form.at("custom_id").fault("BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A link has no custom id")
        return
    if style != _PREMIUM_STYLE:
        form.text(button, "custom_id", longest=_CUSTOM_ID_MAX, shortest=1, required=True)
        if not as_text(button.get("label")) and not button.get("emoji"):
            form.fault("BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A button must have a label or an emoji")


def _check_select(form: Form, select: Payload) -> None:
    form.known_keys(select, _SELECT_KEYS)
    form.text(select, "custom_id", longest=_CUSTOM_ID_MAX, shortest=1, required=True)
    form.text(select, "placeholder", longest=_PLACEHOLDER_MAX)
    form.yes_or_no(select, "disabled")
    options = 25
    if select.get("type") == Kind.STRING_SELECT:
        options = _check_options(form, select)
    form.whole_number(select, "min_values", least=0, most=options)
    form.whole_number(select, "max_values", least=1, most=options)


def _check_options(form: Form, select: Payload) -> int:
    given = [as_mapping(option) for option in form.items(select, "options", most=_OPTIONS_MAX, least=1)]
    seen: set[str] = set()
    for index, option in enumerate(given):
        here = form.at("options", index)
        here.known_keys(option, ("label", "value", "description", "emoji", "default"))
        here.text(option, "label", longest=_OPTION_TEXT_MAX, shortest=1, required=True)
        value = here.text(option, "value", longest=_OPTION_TEXT_MAX, shortest=1, required=True)
        here.text(option, "description", longest=_OPTION_TEXT_MAX)
        if value in seen:
            here.at("value").fault(
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used"
            )
        seen.add(value)
    return max(1, len(given))


def _check_custom_ids(form: Form, components: list[Payload]) -> None:
    seen: set[str] = set()
    for index, top in enumerate(components):
        for component in walk([top]):
            custom_id = as_text(component.get("custom_id"))
            if custom_id and custom_id in seen:
                here = form.at("components", index)
                here.fault("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
            seen.add(custom_id)


def _check_totals(form: Form, components: list[Payload]) -> None:
    every = list(walk(components))
    if len(every) > _V2_TOTAL_MAX:
        form.fault("COMPONENT_MAX_COUNT_EXCEEDED", f"A message has {_V2_TOTAL_MAX} components at most")
    if sum(len(as_text(component.get("content"))) for component in every) > _V2_TEXT_MAX:
        form.fault("COMPONENT_TEXT_SIZE_EXCEEDED", f"Text exceeds maximum size of {_V2_TEXT_MAX}")


def _numbered(components: list[Payload]) -> list[Payload]:
    taken = {as_int(component.get("id")) for component in walk(components)}
    free = (number for number in range(1, 1000) if number not in taken)

    def number(component: Payload) -> Payload:
        numbered: Payload = {"id": component.get("id") or next(free)} | component
        if component.get("components") is not None:
            numbered["components"] = [number(inner) for inner in as_mappings(component["components"])]
        if component.get("accessory"):
            numbered["accessory"] = number(as_mapping(component["accessory"]))
        return numbered

    return [number(component) for component in components]
