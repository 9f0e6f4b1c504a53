"""Collects the errors of a request body by path, in Discord's error format.

Source: discord.com/developers/docs/reference#error-messages. Validation continues after an error, so that one response
contains all errors. It never raises before `raise_if_invalid`.
"""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from sandbox.discord import errors
from sandbox.discord.primitives import Payload, as_list

_ERRORS: Final = "_errors"


class FormValidator:
    """Collects the errors found so far; `at` selects a field or an item of a list."""

    def __init__(self, tree: Payload | None = None, path: tuple[str, ...] = ()) -> None:
        self._tree: Payload = {} if tree is None else tree
        self._path = path

    def at(self, *steps: str | int) -> "FormValidator":
        """Returns the validator of a nested field."""
        return FormValidator(self._tree, (*self._path, *(str(step) for step in steps)))

    def add_error(self, code: str, message: str) -> None:
        """Adds an error at the current path."""
        place = self._tree
        for step in self._path:
            inner = place.setdefault(step, {})
            assert isinstance(inner, dict)  # noqa: S101 -- only this method fills the tree
            place = inner
        faults = place.setdefault(_ERRORS, [])
        assert isinstance(faults, list)  # noqa: S101 -- only this method fills the tree
        faults.append({"code": code, "message": message})

    def raise_if_invalid(self) -> None:
        """Raises Discord's error if any was added."""
        if self._tree:
            raise errors.invalid_form(self._tree)

    # Checks that many forms share. Each returns the value if it is usable.

    def allow_keys(self, value: Payload, allowed: Collection[str]) -> None:
        """Rejects unknown keys; Discord ignores most of them, which hides misspelt ones."""
        for key in value:
            if key not in allowed:
                self.at(key).add_error("DICT_TYPE_UNKNOWN_KEY", f'Unknown field "{key}".')

    def text(
        self,
        value: Mapping[str, object],
        key: str,
        *,
        max_length: int,
        min_length: int = 0,
        required: bool = False,
        strip: bool = False,
    ) -> str:
        """Checks a string and its length; empty if it is missing."""
        here, given = self.at(key), value.get(key)
        if given is None:
            if required:
                here.required()
            return ""
        if not isinstance(given, str):
            here.add_error("STRING_TYPE_CONVERT", f'Could not interpret "{given}" as string.')
            return ""
        given = given.strip() if strip else given
        if required and not given:
            here.required()
        elif not min_length <= len(given) <= max_length:
            here.wrong_length(min_length, max_length)
        return given

    def items(self, value: Mapping[str, object], key: str, *, maximum: int, minimum: int = 0) -> list[object]:
        """Checks a list and its length; empty if it is missing."""
        here, given = self.at(key), value.get(key)
        if given is None:
            if minimum:
                here.required()
            return []
        if not isinstance(given, list):
            here.add_error("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if not minimum <= len(given) <= maximum:
            here.wrong_length(minimum, maximum)
        return as_list(given)

    def integer(
        self, value: Mapping[str, object], key: str, *, minimum: int, maximum: int, required: bool = False
    ) -> int | None:
        """Checks an integer and its range; None if it is missing or invalid."""
        here, given = self.at(key), value.get(key)
        if given is None:
            if required:
                here.required()
            return None
        if isinstance(given, bool) or not isinstance(given, int):
            here.add_error("NUMBER_TYPE_COERCE", f'Value "{given}" is not int.')
            return None
        if given < minimum:
            here.add_error("NUMBER_TYPE_MIN", f"int value should be greater than or equal to {minimum}.")
        if given > maximum:
            here.add_error("NUMBER_TYPE_MAX", f"int value should be less than or equal to {maximum}.")
        return given

    def boolean(self, value: Mapping[str, object], key: str) -> bool:
        """Checks a boolean; False if it is missing."""
        given = value.get(key)
        if given is not None and not isinstance(given, bool):
            self.at(key).add_error("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
        return given is True

    def url(
        self,
        value: Mapping[str, object],
        key: str,
        *,
        max_length: int = 2048,
        schemes: Collection[str] = ("http", "https"),
    ) -> None:
        """Checks a URL with one of the schemes."""
        given = self.text(value, key, max_length=max_length)
        if not given:
            return
        try:
            parts = urlsplit(given)
        except ValueError:
            parts = urlsplit("")
        if not parts.scheme or not (parts.netloc or parts.path) or any(sign.isspace() for sign in given):
            self.at(key).add_error("URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif parts.scheme not in schemes:
            named = ", ".join(f"'{scheme}'" for scheme in schemes)
            message = f'Scheme "{parts.scheme}" is not supported. Scheme must be one of ({named}).'
            self.at(key).add_error("URL_TYPE_INVALID_SCHEME", message)

    def required(self) -> None:
        """Adds an error: the field is required."""
        self.add_error("BASE_TYPE_REQUIRED", "This field is required")

    def choice(self, allowed: Collection[object]) -> None:
        """Adds an error: the value is not one of the allowed ones."""
        named = ", ".join(str(value) for value in allowed)
        self.add_error("BASE_TYPE_CHOICES", f"Value must be one of {{{named}}}.")

    def wrong_length(self, minimum: int, maximum: int) -> None:
        """Adds an error: the value is too long or too short."""
        if minimum:
            self.add_error("BASE_TYPE_BAD_LENGTH", f"Must be between {minimum} and {maximum} in length.")
        else:
            self.add_error("BASE_TYPE_MAX_LENGTH", f"Must be {maximum} or fewer in length.")
