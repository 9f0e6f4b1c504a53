"""What an import changes in the settings of a server's channels.

An import adds and changes; what the file leaves out stays, unless the person wants missing keywords and roles of
keywords to be removed, and then only in channels that the file names. Keywords in config.json always stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.channel_settings import ChannelSettings
from bot.domain.keyword import Keyword
from bot.domain.server_settings.fields import FIELDS, applied
from bot.domain.server_settings.model import (
    ChannelState,
    FileChannel,
    ServerState,
    SettingsFile,
    StoredKeyword,
    counted,
)
from bot.domain.subscription import QuotaExceeded, Quotas, QuotaScope


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that changes, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A keyword that gets another role, or none; it may be one that the import adds."""

    canonical: str
    shown: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What changes in one channel; `respelled` has keywords that get another spelling or name."""

    channel_id: int
    before: ChannelSettings
    after: ChannelSettings
    added: tuple[Keyword, ...] = ()
    removed: tuple[StoredKeyword, ...] = ()
    respelled: tuple[tuple[StoredKeyword, Keyword], ...] = ()
    roles: tuple[RoleChange, ...] = ()

    @property
    def settings(self) -> tuple[SettingChange, ...]:
        """The settings that change."""
        return tuple(
            SettingChange(field.name, field.describe(self.before), field.describe(self.after))
            for field in FIELDS
            if field.encode(self.before) != field.encode(self.after)
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.added or self.removed or self.respelled or self.roles or self.settings)


def changes_of(file: SettingsFile, state: ServerState, now: datetime, *, removes: bool) -> tuple[ChannelChange, ...]:
    """Returns the changes of the channels that change, in the order of the file."""
    found = (_change(channel, state.of(channel.channel_id), now, removes=removes) for channel in file.channels)
    return tuple(change for change in found if not change.is_empty)


def _change(channel: FileChannel, state: ChannelState, now: datetime, *, removes: bool) -> ChannelChange:
    keywords = channel.keywords or ()
    known = [(state.keywords[each.canonical], each) for each in keywords if each.canonical in state.keywords]
    missing = [each for each in state.keywords.values() if not each.by_file and each.canonical not in channel.listed]
    is_complete = removes and channel.keywords is not None
    added = tuple(each for each in keywords if each.canonical not in state.keywords)
    return ChannelChange(
        channel.channel_id,
        state.settings,
        applied(channel.values, state.settings, now),
        added,
        tuple(sorted(missing, key=lambda each: each.shown)) if is_complete else (),
        tuple((stored, each) for stored, each in known if not stored.by_file and stored.shown != each.text),
        _roles(channel, state, added, removes=removes),
    )


def _roles(
    channel: FileChannel, state: ChannelState, added: Sequence[Keyword], *, removes: bool
) -> tuple[RoleChange, ...]:
    """Returns the roles that change, of the keywords that the channel has afterwards, in alphabetical order."""
    stored = (state.keywords[each] for each in channel.listed if each in state.keywords)
    known = {each.canonical: (each.shown, each.mention_role) for each in stored}
    known |= {each.canonical: (each.text, None) for each in added}
    found = (
        RoleChange(canonical, shown, before, channel.roles.get(canonical, None if removes else before))
        for canonical, (shown, before) in known.items()
    )
    return tuple(sorted((each for each in found if each.before != each.after), key=lambda each: each.shown))


def exceeded_quota(
    changes: Sequence[ChannelChange], state: ServerState, quotas: Quotas
) -> tuple[ChannelChange, QuotaExceeded] | None:
    """Returns the first channel that would exceed a quota, and which; None if everything fits.

    `used` is the number of keywords that there would be. A change that adds nothing always fits.
    """
    for change in changes:
        after = counted(state.of(change.channel_id)) + len(change.added) - len(change.removed)
        if change.added and after > quotas.per_channel:
            return change, QuotaExceeded(change.added[0], QuotaScope.CHANNEL, after, quotas.per_channel)
    total = state.keywords + sum(len(each.added) - len(each.removed) for each in changes)
    adding = next((change for change in changes if change.added), None)
    if adding is not None and total > quotas.per_server:
        return adding, QuotaExceeded(adding.added[0], QuotaScope.SERVER, total, quotas.per_server)
    return None
