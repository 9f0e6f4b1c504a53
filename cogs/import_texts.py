"""The replies to `/import`: what a file changes, as lines of a message and as a file. It decides nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.domain.server_settings.changes import ChannelChange
from bot.domain.server_settings.fields import described_role
from bot.domain.text import cut, escape_markdown, plural
from bot.runtime.limits import CONTENT_MAX
from cogs.replies import fit_lines, relative_time

NOTHING_CHANGES: Final = "The file changes nothing: this server already has these settings."
EXPIRED: Final = "This import has expired, or was used before. Run `/import` again."
DIFFER: Final = "The settings have changed since the preview, so nothing was changed. This is the new preview."
UNDO_DIFFERS: Final = (
    "The settings have changed since the import, so they can't be restored automatically. Nothing was changed."
)
CANCELLED: Final = "Cancelled. Nothing was changed."
_KEYWORD_SHOWN_MAX: Final = 120


def preview_text(changes: Sequence[ChannelChange], skipped: int, notice: str = "") -> tuple[str, bool]:
    """The preview, and whether lines are left out, so that the whole is needed as a file."""
    lines = [
        notice,
        f"**Preview**: {_counts(changes)}. Nothing is changed until you press **Apply**.",
        f"-# {plural(skipped, 'deleted channel')} of the file {'is' if skipped == 1 else 'are'} skipped."
        if skipped
        else "",
    ]
    for change in changes:
        lines += [f"<#{change.channel_id}>", *(f"- {line}" for line in _details(change, escaped=True))]
    kept = [line for line in lines if line]
    is_cut = len("\n".join(kept)) > CONTENT_MAX
    (text,) = fit_lines(kept)
    return text, is_cut


def changes_file(changes: Iterable[ChannelChange], names: Mapping[int, str]) -> str:
    """All changes as text."""
    blocks = (
        "\n".join([f"#{names[change.channel_id]} ({change.channel_id})", *_details(change, escaped=False)])
        for change in changes
    )
    return "\n\n".join(blocks) + "\n"


def applied_text(changes: Collection[ChannelChange], undo_until: datetime) -> str:
    """The reply after an import, above the button that undoes it."""
    lines = [f"Done: {_counts(changes)}."]
    if any(change.added for change in changes):
        lines.append("The papers of the last 30 days are read first, without being posted. `/status` shows when.")
    lines.append(
        f"**Undo** restores the previous settings. It expires {relative_time(undo_until)}, or when they change."
    )
    return "\n".join(lines)


def undone_text(channels: int) -> str:
    """The reply after an undo."""
    return f"Undone: the previous settings of {plural(channels, 'channel')} are restored."


def _words(name: str) -> str:
    return name.replace("_", " ")


def _counts(changes: Collection[ChannelChange]) -> str:
    numbers = (
        (sum(len(change.added) for change in changes), "keyword", "added"),
        (sum(len(change.removed) for change in changes), "keyword", "removed"),
        (sum(len(change.respelled) for change in changes), "keyword", "renamed"),
        (sum(len(change.roles) for change in changes), "keyword role", "changed"),
        (sum(len(change.settings) for change in changes), "setting", "changed"),
    )
    parts = [f"{plural(count, noun)} {verb}" for count, noun, verb in numbers if count]
    return f"{', '.join(parts)} in {plural(len(changes), 'channel')}"


def _details(change: ChannelChange, *, escaped: bool) -> list[str]:
    def shown(text: str) -> str:
        return cut(escape_markdown(text), _KEYWORD_SHOWN_MAX) if escaped else text

    return [
        *(f"{_words(each.name)}: {each.before} → {each.after}" for each in change.settings),
        *(f"added: {shown(keyword.text)}" for keyword in change.added),
        *(f"removed: {shown(keyword.shown)}" for keyword in change.removed),
        *(f"renamed: {shown(old.shown)} → {shown(new.text)}" for old, new in change.respelled),
        *(
            f"role of {shown(each.shown)}: {described_role(each.before)} → {described_role(each.after)}"
            for each in change.roles
        ),
    ]
