"""The texts of `/why` and `/audit`: one for each fate, obstacle, reason, and state of an audit."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.explanations.audit import AuditOutcome, AuditReport, Difference
from bot.domain.explanations.facts import FirstMatch, FoundBy, SentMessage, Withholding
from bot.domain.explanations.fate import (
    BeingSent,
    Fate,
    FoundBeforeSubscription,
    FoundByInitialSync,
    InBacklog,
    JudgedByPreviousMatcher,
    LeftQueue,
    NeverQueued,
    NotAccepted,
    Obstacle,
    Posted,
    RejectedByDiscord,
    SeenReason,
    SubmittedBefore,
    Waiting,
    WithdrawnBefore,
)
from bot.domain.explanations.unseen import (
    OlderThanSync,
    OutsideWindows,
    PollPending,
    ReadByNextPoll,
    ReadWithinWeek,
    SyncPending,
    UnseenReason,
)
from bot.domain.paper import ArxivId
from bot.runtime.errors import ArxivError, ArxivThrottled
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
from cogs.audit_texts import FILE_DIFFERENCES, differences_file, failure_lines, progress_text, report_lines, table
from cogs.why_texts import fate_text, first_match_text, obstacle_text, reason_text

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
LATER = NOW + timedelta(hours=1)


def utc(time: datetime) -> str:
    return f"{time:%d.%m. %H:%M}"


@pytest.mark.parametrize(
    ("fate", "text"),
    [
        (
            Posted(SentMessage(NOW, NOW, 77)),
            f"posted <t:{AT}:f>: https://discord.com/channels/1/2/77.",
        ),
        (
            Posted(SentMessage(NOW, NOW, 77, thread_id=3)),
            f"posted <t:{AT}:f>: https://discord.com/channels/1/3/77.",
        ),
        (Posted(SentMessage(NOW)), f"posted <t:{AT}:f>."),
        (BeingSent(NOW), f"its message was sent <t:{AT}:R>, and Discord has not confirmed it yet."),
        (Waiting(()), "queued; it is posted next."),
        (Waiting((InBacklog(),)), "queued. It waits:"),
        (RejectedByDiscord("*too* blue", NOW), rf"not posted. Discord rejected its message <t:{AT}:R>: \*too\* blue"),
        (RejectedByDiscord("", None), "not posted. Discord rejected its message: "),
        (WithdrawnBefore(), "not posted, because it was withdrawn before it was due."),
        (Withholding(NOW, "*survey"), rf"not posted. The exclusion **\*survey** held it back <t:{AT}:R>."),
        (Withholding(NOW, None), f"not posted <t:{AT}:R>, because of the limit of papers per posting."),
        (NeverQueued(), "not posted."),
    ],
)
def test_fate_is_the_rest_of_a_sentence_about_the_channel(fate: Fate, text: str) -> None:
    assert fate_text(1, 2, fate) == text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (NotAccepted(NOW), f"⏳ Discord accepts no message there now. Next try <t:{AT}:R>."),
        (InBacklog(), "⏳ The papers that were held during a pause are being posted."),
    ],
)
def test_obstacle_says_what_the_paper_waits_for(reason: Obstacle, text: str) -> None:
    assert obstacle_text(reason) == text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (FoundByInitialSync(NOW), "Papers that exist when a keyword is added count as seen, and are not posted."),
        (
            SubmittedBefore(NOW),
            "It was submitted before 19.11. 12:00: older papers are not new for this keyword.",
        ),
        (OlderThanSync(NOW), "It was submitted before 19.11. 12:00: older papers are not new for this keyword."),
        (
            FoundBeforeSubscription(NOW, LATER),
            "The channel got this keyword later, 19.11. 13:00; what was found before is not posted.",
        ),
        (
            JudgedByPreviousMatcher(NOW),
            "An earlier release of the bot had read it, and did not find that it matches.",
        ),
        (
            LeftQueue(),
            "It left the queue unposted, for example because its keyword was removed in the meantime.",
        ),
        (SyncPending(), "The initial sync of this keyword is not complete yet."),
        (
            PollPending(NOW, NOW),
            (
                "The last poll was 19.11. 12:00. Papers submitted with this one are announced about 19.11. 12:00; "
                "the next poll is due 19.11. 13:00."
            ),
        ),
        (
            ReadByNextPoll(NOW),
            "No poll has found it, the last one 19.11. 12:00. The next one, 19.11. 13:00, reads its day again.",
        ),
        (ReadWithinWeek(), "No poll has found it. Polls read its day again within a week."),
        (
            OutsideWindows(NOW),
            "No poll has found it, and polls no longer read papers from before 19.11. 12:00.",
        ),
    ],
)
def test_reason_says_why_a_matching_paper_was_not_posted(reason: SeenReason | UnseenReason, text: str) -> None:
    assert reason_text(reason, LATER, utc) == text


def test_match_of_an_earlier_release_has_only_a_time() -> None:
    assert first_match_text(FirstMatch(NOW, None)) == f"Found, <t:{AT}:f>"
    assert first_match_text(FirstMatch(NOW, FoundBy.POLL)) == f"Found by a poll, <t:{AT}:f>"


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (AuditQueued(1), "1 other audit is carried out first."),
        (AuditQueued(2), "2 other audits are carried out first."),
        (
            AuditReading(1, 5),
            "Reading from arXiv: 1 of 5 parts done. Polls and people go first, so this can take minutes.",
        ),
    ],
)
def test_progress_of_an_audit_is_shown(progress: AuditProgress, text: str) -> None:
    assert progress_text(progress) == text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (NothingToAudit(), "<#2> has no such keyword. See `/keywords`."),
        (AuditTooSoon(NOW), f"A server can have one audit per hour. Try again <t:{AT}:R>."),
        (TooManyAudits(), "Other audits are waiting. Try again in a few minutes."),
        (
            AuditFailed(ArxivThrottled("arXiv asks us to wait", NOW), is_counted=False),
            f"The audit was not completed: arXiv asks us to wait. Try again <t:{AT}:R>.",
        ),
        (
            AuditFailed(ArxivError("arXiv failed"), is_counted=False),
            "The audit was not completed: arXiv failed. Try again later.",
        ),
        (
            AuditFailed(ArxivError("arXiv failed"), is_counted=True),
            "The audit was not completed: arXiv failed. Try again in an hour.",
        ),
        (
            AuditExpired(),
            "The audit was not completed in 14 minutes, because arXiv is busy. Try fewer days, in an hour.",
        ),
    ],
)
def test_audit_without_a_report_says_why(result: AuditResult, text: str) -> None:
    assert failure_text_of(result) == text


def failure_text_of(result: AuditResult) -> str:
    assert not isinstance(result, AuditComplete)
    return failure_lines("<#2>", result)


DAYS = {
    date(2026, 11, 19): {AuditOutcome.POSTED: 12, AuditOutcome.MISSING: 1},
    date(2026, 11, 18): {},
    date(2026, 11, 17): {AuditOutcome.POSTED: 3, AuditOutcome.NOT_AT_ARXIV: 1},
}
MISSING = Difference(
    ArxivId("2611.00001"), "On [*x*](http://a.b) @everyone", date(2026, 11, 19), AuditOutcome.MISSING, ReadWithinWeek()
)
GONE = Difference(ArxivId("2611.00002"), "", date(2026, 11, 17), AuditOutcome.NOT_AT_ARXIV)
REJECTED = Difference(
    ArxivId("2611.00003"), "A graph", date(2026, 11, 17), AuditOutcome.REJECTED, RejectedByDiscord("too *blue*", NOW)
)


def test_report_has_totals_and_names_differences_with_their_reasons() -> None:
    complete = AuditComplete(AuditReport(DAYS, (MISSING, GONE, REJECTED)), 2, LATER)
    subject, totals, count, *lines = report_lines("<#2>", 7, complete)
    assert subject == "**Audit of <#2>**, 7 days, 2 keywords: arXiv has 16 matching papers."
    assert totals == "15 posted, 1 missing, 1 gone."
    assert count == "**3 papers** with the reason:"
    assert lines == [
        (
            "- [On ［∗x∗］(http:\u200b//a.b) @\u200beveryone](<https://arxiv.org/abs/2611.00001>) (`2611.00001`): "
            "missing here. No poll has found it. Polls read its day again within a week."
        ),
        (
            "- [2611.00002](<https://arxiv.org/abs/2611.00002>) (`2611.00002`): stored here, but not in arXiv's "
            "results. Its present version does not match, or arXiv removed it."
        ),
        r"- [A graph](<https://arxiv.org/abs/2611.00003>) (`2611.00003`): rejected by Discord. too \*blue\*",
    ]


def test_report_without_differences_or_papers_is_short() -> None:
    complete = AuditComplete(AuditReport({}, ()), 1, LATER)
    assert report_lines("<#2>", 1, complete) == [
        "**Audit of <#2>**, 1 day, 1 keyword: arXiv has 0 matching papers.",
        "",
        "✅ There is no difference.",
    ]


def test_papers_that_count_as_seen_are_no_difference() -> None:
    seen = Difference(ArxivId("2611.00001"), "A", date(2026, 11, 19), AuditOutcome.SEEN, FoundByInitialSync(NOW))
    complete = AuditComplete(AuditReport({}, (seen,)), 1, LATER)
    assert report_lines("<#2>", 1, complete)[2:4] == ["✅ There is no difference.", "**1 paper** with the reason:"]


def test_table_has_a_row_for_each_day_with_papers() -> None:
    assert table(AuditReport(DAYS, ())).splitlines() == [
        "day         posted  missing  gone",
        "2026-11-19      12        1     0",
        "2026-11-17       3        0     1",
    ]


def test_file_has_every_difference_in_plain_text_and_counts_the_rest() -> None:
    lines = differences_file([MISSING] * (FILE_DIFFERENCES + 2), NOW).splitlines()
    assert lines[0] == (
        "2026-11-19  https://arxiv.org/abs/2611.00001  missing here: No poll has found it. Polls read its day again "
        "within a week.  On [*x*](http://a.b) @\u200beveryone"
    )
    assert lines[-1] == "and 2 more"
    assert differences_file([GONE], NOW).count("\n") == 1
