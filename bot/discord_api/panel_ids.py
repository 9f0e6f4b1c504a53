"""Custom ids of the panel of `/channel settings`: its buttons and menus, and its forms.

They hold everything that a click needs, so that a panel works after a restart; nothing in them is trusted. Their
formats never change once they were released, as those in `custom_ids`.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from bot.discord_api.custom_ids import CustomId, parse_id

# What `opened` is while no setting is open.
NOTHING_OPEN: Final = "none"

_PLACE: Final = r"(?P<caller>\d{1,20}):(?P<channel>\d{1,20}):(?P<opened>[a-z-]{1,20}):(?P<control>[a-z-]{1,20})"


@dataclass(frozen=True, slots=True)
class PanelControlId(CustomId):
    """A button or menu of a panel: who may use it, in which channel, which setting is open, and its name."""

    TEMPLATE: ClassVar[str] = rf"panel:{_PLACE}"

    caller_id: int
    channel_id: int
    opened: str
    control: str

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parses a match of TEMPLATE; raises ValueError for an id that cannot exist."""
        return cls(parse_id(match["caller"]), parse_id(match["channel"]), match["opened"], match["control"])

    def __str__(self) -> str:
        return f"panel:{self.caller_id}:{self.channel_id}:{self.opened}:{self.control}"


@dataclass(frozen=True, slots=True)
class PanelFormId(CustomId):
    """A form of a panel, by the button that opens it."""

    TEMPLATE: ClassVar[str] = rf"panel-form:{_PLACE}"

    button: PanelControlId

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        """Returns what a custom id contains; None for that of another form, or for one that cannot exist."""
        match = re.fullmatch(cls.TEMPLATE, custom_id)
        try:
            return None if match is None else cls(PanelControlId.from_match(match))
        except ValueError:
            return None

    def __str__(self) -> str:
        return str(self.button).replace("panel:", "panel-form:", 1)
