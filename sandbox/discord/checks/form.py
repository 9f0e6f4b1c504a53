"""Gathers the faults of a request's body, each at its place, in Discord's error form.

Source: discord.com/developers/docs/reference#error-messages. A check goes on after a fault, so
that one answer names all.
"""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from sandbox.discord import refusals
from sandbox.discord.shapes import Payload, as_list

_ERRORS: Final = "_errors"


class Form:
    """The faults found so far; `at` leads into a field or an item of a list."""

    def __init__(self, tree: Payload | None = None, path: tuple[str, ...] = ()) -> None:
        self._tree: Payload = {} if tree is None else tree
        self._path = path

    def at(self, *steps: str | int) -> "Form":
        """The same form, further in."""
        return Form(self._tree, (*self._path, *(str(step) for step in steps)))

    def fault(self, code: str, message: str) -> None:
        """Note a fault here."""
        place = self._tree
        for step in self._path:
            inner = place.setdefault(step, {})
            assert isinstance(inner, dict)  # noqa: S101 -- only this method fills the tree
            place = inner
        faults = place.setdefault(_ERRORS, [])
        assert isinstance(faults, list)  # noqa: S101 -- only this method fills the tree
        faults.append({"code": code, "message": message})

    def refuse_if_faulty(self) -> None:
        """Raise what Discord would answer, if there is any fault."""
        if self._tree:
            raise refusals.invalid_form(self._tree)

    # Checks that many forms share. Each returns the value as far as it can be used.

    def known_keys(self, value: Payload, allowed: Collection[str]) -> None:
        """Refuse keys that mean nothing here; Discord ignores most, and then a misspelt one is never noticed."""
        for key in value:
            if key not in allowed:
                self.at(key).fault("DICT_TYPE_UNKNOWN_KEY", f'Unknown field "{key}".')

    def text(
        self,
        value: Mapping[str, object],
        key: str,
        *,
        longest: int,
        shortest: int = 0,
        required: bool = False,
        trimmed: bool = False,
    ) -> str:
        """A string within its limits; empty when it is absent."""
        here, given = self.at(key), value.get(key)
        if given is None:
            if required:
                here.required()
            return ""
        if not isinstance(given, str):
            here.fault("STRING_TYPE_CONVERT", f'Could not interpret "{given}" as string.')
            return ""
        given = given.strip() if trimmed else given
        if required and not given:
            here.required()
        elif not shortest <= len(given) <= longest:
            here.wrong_length(shortest, longest)
        return given

    def items(self, value: Mapping[str, object], key: str, *, most: int, least: int = 0) -> list[object]:
        """A list within its limits; empty when it is absent."""
        here, given = self.at(key), value.get(key)
        if given is None:
            if least:
                here.required()
            return []
        if not isinstance(given, list):
            here.fault("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if not least <= len(given) <= most:
            here.wrong_length(least, most)
        return as_list(given)

    def whole_number(
        self, value: Mapping[str, object], key: str, *, least: int, most: int, required: bool = False
    ) -> int | None:
        """An integer within its limits; None when it is absent or none."""
        here, given = self.at(key), value.get(key)
        if given is None:
            if required:
                here.required()
            return None
        if isinstance(given, bool) or not isinstance(given, int):
            here.fault("NUMBER_TYPE_COERCE", f'Value "{given}" is not int.')
            return None
        if given < least:
            here.fault("NUMBER_TYPE_MIN", f"int value should be greater than or equal to {least}.")
        if given > most:
            here.fault("NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")
        return given

    def yes_or_no(self, value: Mapping[str, object], key: str) -> bool:
        """A boolean; False when it is absent."""
        given = value.get(key)
        if given is not None and not isinstance(given, bool):
            self.at(key).fault("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
        return given is True

    def url(
        self,
        value: Mapping[str, object],
        key: str,
        *,
        longest: int = 2048,
        schemes: Collection[str] = ("http", "https"),
    ) -> None:
        """An address with one of the schemes."""
        given = self.text(value, key, longest=longest)
        if not given:
            return
        try:
            parts = urlsplit(given)
        except ValueError:
            parts = urlsplit("")
        if not parts.scheme or not (parts.netloc or parts.path) or any(sign.isspace() for sign in given):
            self.at(key).fault("URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif parts.scheme not in schemes:
            named = ", ".join(f"'{scheme}'" for scheme in schemes)
            message = f'Scheme "{parts.scheme}" is not supported. Scheme must be one of ({named}).'
            self.at(key).fault("URL_TYPE_INVALID_SCHEME", message)

    def required(self) -> None:
        """Note that something has to be here."""
        self.fault("BASE_TYPE_REQUIRED", "This field is required")

    def choice(self, allowed: Collection[object]) -> None:
        """Note that only certain values may be here."""
        named = ", ".join(str(value) for value in allowed)
        self.fault("BASE_TYPE_CHOICES", f"Value must be one of {{{named}}}.")

    def wrong_length(self, least: int, most: int) -> None:
        """Note that what is here is too long or too short."""
        if least:
            self.fault("BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        else:
            self.fault("BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
