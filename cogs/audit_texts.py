"""Texts of the replies to `/audit`. It reads nothing: `cogs.audit` passes what they say."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, assert_never

from bot.domain.explanations.audit import AuditOutcome, AuditReport, Difference
from bot.domain.explanations.fate import RejectedByDiscord
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import collapse, cut, defuse_mentions, escape_label, plural
from bot.runtime.errors import ArxivBackoff
from bot.services.audits import (
    AuditComplete,
    AuditExpired,
    AuditFailed,
    AuditProgress,
    AuditQueued,
    AuditReading,
    AuditResult,
    AuditTooSoon,
    NothingToAudit,
    TooManyAudits,
)
from cogs.replies import local_time, relative_time, shown_reason
from cogs.why_texts import ShowTime, reason_text

INTERRUPTED: Final = "This audit was interrupted, because the bot was restarted. Run `/audit` again."

# How many differences the reply names; the file has all of them.
DIFFERENCES_SHOWN: Final = 5
FILE_DIFFERENCES: Final = 20_000
_TITLE_MAX: Final = 120
_OUTCOME_TEXTS: Final = {
    AuditOutcome.MISSING: "missing here",
    AuditOutcome.REJECTED: "rejected by Discord",
    AuditOutcome.NOT_AT_ARXIV: "stored here, but not in arXiv's results",
    AuditOutcome.PENDING: "not read yet",
    AuditOutcome.SEEN: "counted as seen",
}
# The other outcomes are usual.
_PROBLEMS: Final = frozenset((AuditOutcome.MISSING, AuditOutcome.REJECTED, AuditOutcome.NOT_AT_ARXIV))
_NOT_AT_ARXIV: Final = "Its present version does not match, or arXiv removed it."
_COLUMNS: Final = (
    AuditOutcome.POSTED,
    AuditOutcome.WAITING,
    AuditOutcome.EXCLUDED,
    AuditOutcome.WITHDRAWN,
    AuditOutcome.SEEN,
    AuditOutcome.PENDING,
    AuditOutcome.REJECTED,
    AuditOutcome.MISSING,
    AuditOutcome.NOT_AT_ARXIV,
)


def progress_text(progress: AuditProgress) -> str:
    """What the audit does now."""
    match progress:
        case AuditQueued(ahead):
            return f"{plural(ahead, 'other audit')} {'is' if ahead == 1 else 'are'} carried out first."
        case AuditReading(done, parts):
            return (
                f"Reading from arXiv: {done} of {plural(parts, 'part')} done. Polls and people go first, so this can "
                "take minutes."
            )
        case _:
            assert_never(progress)


def failure_lines(channel: str, result: AuditResult) -> str:
    """Why there is no report, and what to do."""
    match result:
        case NothingToAudit():
            return f"{channel} has no such keyword. See `/keywords`."
        case AuditTooSoon(not_before):
            return f"A server can have one audit per hour. Try again {relative_time(not_before)}."
        case TooManyAudits():
            return "Other audits are waiting. Try again in a few minutes."
        case AuditFailed(error, is_counted):
            again = relative_time(error.not_before) if isinstance(error, ArxivBackoff) else "later"
            again = "in an hour" if is_counted else again
            return f"The audit was not completed: {shown_reason(str(error))}. Try again {again}."
        case AuditExpired():
            return "The audit was not completed in 14 minutes, because arXiv is busy. Try fewer days, in an hour."
        case AuditComplete():
            return ""
        case _:
            assert_never(result)


def report_lines(channel: str, days: int, complete: AuditComplete) -> list[str]:
    """The totals, and the first differences."""
    report = complete.report
    totals = report.totals
    at_arxiv = sum(totals.values()) - totals.get(AuditOutcome.NOT_AT_ARXIV, 0)
    counts = [f"{totals[each]:,} {each.value}" for each in _COLUMNS if totals.get(each)]
    subject = f"**Audit of {channel}**, {plural(days, 'day')}, {plural(complete.keywords, 'keyword')}"
    lines = [
        f"{subject}: arXiv has {plural(at_arxiv, 'matching paper')}.",
        ", ".join(counts) + "." if counts else "",
    ]
    if not any(each.outcome in _PROBLEMS for each in report.differences):
        lines.append("✅ There is no difference.")
    if report.differences:
        lines.append(f"**{plural(len(report.differences), 'paper')}** with the reason:")
    lines += [_difference_line(each, complete.next_poll) for each in report.differences[:DIFFERENCES_SHOWN]]
    return lines


def table(report: AuditReport) -> str:
    """How many papers each day had, as text for a font of fixed width; days without papers are left out."""
    columns = [each for each in _COLUMNS if report.totals.get(each)]
    rows = ["day         " + "  ".join(each.value for each in columns)]
    for day, counts in report.days.items():
        if any(counts.values()):
            cells = "  ".join(f"{counts.get(each, 0):>{len(each.value)}}" for each in columns)
            rows.append(f"{day.isoformat()}  {cells}")
    return "\n".join(rows)


def differences_file(differences: Sequence[Difference], next_poll: datetime) -> str:
    """Every difference in a line: day, id, link, what it is, why, and the title."""
    lines = [
        f"{each.day.isoformat()}  {each.arxiv_id.abs_url}  {_OUTCOME_TEXTS[each.outcome]}: "
        f"{_reason(each, next_poll, _utc)}  {_title(each)}"
        for each in differences[:FILE_DIFFERENCES]
    ]
    more = len(differences) - len(lines)
    return "\n".join([*lines, *_left_out(more)]) + "\n"


def _left_out(more: int) -> Iterator[str]:
    if more > 0:
        yield f"and {more:,} more"


def _difference_line(difference: Difference, next_poll: datetime) -> str:
    title = cut(escape_label(_title(difference)), _TITLE_MAX)
    link = f"[{title}](<{difference.arxiv_id.abs_url}>) (`{difference.arxiv_id}`)"
    return f"- {link}: {_OUTCOME_TEXTS[difference.outcome]}. {_reason(difference, next_poll, local_time)}"


def _reason(difference: Difference, next_poll: datetime, show: ShowTime) -> str:
    match difference.reason:
        case None:
            return _NOT_AT_ARXIV
        case RejectedByDiscord(reason):
            return shown_reason(reason)
        case reason:
            return reason_text(reason, next_poll, show)


def _title(difference: Difference) -> str:
    return defuse_mentions(tex_to_text(collapse(difference.title))) or str(difference.arxiv_id)


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
