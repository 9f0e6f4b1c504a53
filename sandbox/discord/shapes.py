"""JSON as it travels: the types, and how to read a field whose type nobody vouches for.

Enters and leaves: parsed JSON. It never judges; what is refused, and with which words, is decided in `checks/`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Payload: TypeAlias = dict[str, object]


def as_mapping(value: object) -> Payload:
    """The object itself, or an empty one when the value is no JSON object."""
    return {str(key): inner for key, inner in value.items()} if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[object]:
    """The list itself, or an empty one when the value is no JSON list."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []


def as_mappings(value: object) -> list[Payload]:
    """The objects of a list; what is no object is left out."""
    return [as_mapping(inner) for inner in as_list(value) if isinstance(inner, Mapping)]


def as_text(value: object) -> str:
    """The string itself, or an empty one."""
    return value if isinstance(value, str) else ""


def as_int(value: object, default: int = 0) -> int:
    """An integer given as a number or, as snowflakes are, as a string of digits."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return default
