"""The reply to `/subscribe`: what became of each keyword, what it matches, how many papers it has, and some of them.

It fits on a phone: few lines per keyword, a line per paper, newest first. It decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from bot.domain.expressions.authors import followed_author
from bot.domain.expressions.keywords import AmbiguousKeyword, explain_keyword
from bot.domain.keyword import Keyword
from bot.domain.layout.parts import title_of
from bot.domain.paper import Paper
from bot.domain.text import cut, escape_label, plural
from bot.services.subscriptions import (
    PREVIEW_PAPERS,
    Added,
    AddResult,
    AlreadyWatched,
    KeywordPreview,
    QuotaExceeded,
    Renamed,
)
from cogs.input import TypedKeyword, shown
from cogs.replies import bold, code, spelling_hint

# A longer title takes two lines on a phone of 390 pixels.
_TITLE_MAX: Final = 38
# How many characters of what an expression matches are explained, and how many exclusions are named.
_EXPLANATION_MAX: Final = 400
_EXCLUSIONS_NAMED: Final = 3

# What became of a keyword: a message about a mistake, text that the person is asked about, or a result.
KeywordResult: TypeAlias = str | AmbiguousKeyword | AddResult


@dataclass(frozen=True, slots=True)
class SubscribeReply:
    """What became of a command's keywords; `left_out` is about those beyond a quota, `notes` come last.

    `role_id` is the role that was chosen for the keywords.
    """

    channel: str
    parts: Sequence[TypedKeyword]
    results: Sequence[KeywordResult]
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()
    role_id: int | None = None

    @property
    def keywords(self) -> list[Keyword]:
        """The keywords that the channel has now."""
        return [each.keyword for each in self.results if isinstance(each, Added | AlreadyWatched | Renamed)]

    @property
    def added(self) -> list[Keyword]:
        """The keywords that it did not have before."""
        return [each.keyword for each in self.results if isinstance(each, Added)]

    def lines(self, previews: Mapping[Keyword, KeywordPreview] | None = None) -> list[str]:
        """The reply, with what previews show. What was left out comes first: a long reply is cut at its end."""
        results = (
            _result_text(part, result, self.channel, previews or {})
            for part, result in zip(self.parts, self.results, strict=True)
        )
        whose = "Its" if len(self.keywords) == 1 else "Their"
        pings = [f"-# {whose} papers ping <@&{self.role_id}>."] if self.role_id is not None and self.keywords else []
        return [*self.left_out, *results, *pings, *self.notes]


def paper_lines(previews: Sequence[KeywordPreview]) -> list[str]:
    """One line for each of the newest papers of all keywords, newest first."""
    papers = {paper.arxiv_id: paper for preview in previews for paper in preview.newest}
    newest = sorted(papers.values(), key=lambda paper: (paper.published, paper.arxiv_id), reverse=True)
    return [f"- {_link(paper)}" for paper in newest[:PREVIEW_PAPERS]]


def _result_text(
    part: TypedKeyword, result: KeywordResult, channel: str, previews: Mapping[Keyword, KeywordPreview]
) -> str:
    line = _status_line(part, result, channel)
    if not isinstance(result, Added | AlreadyWatched | Renamed):
        return line
    lines = [line]
    preview = previews.get(result.keyword)
    if preview is not None:
        lines[0] = f"{line} {_facts(preview)}"
    if result.keyword.expression is not None and followed_author(result.keyword) is None:
        lines.append(f"-# It matches: {cut(explain_keyword(result.keyword), _EXPLANATION_MAX)}.")
    if preview is not None and preview.excluded.newest:
        lines.append(f"-# Excluded, for example: {', '.join(map(_link, preview.excluded.newest))}")
    return "\n".join(lines)


def _status_line(typed: TypedKeyword, result: KeywordResult, channel: str) -> str:
    """The line for one keyword; empty for one that exceeds a quota: these are named together."""
    match result:
        case Added(keyword):
            return f"{bold(keyword.label)}: added to {channel}."
        case AlreadyWatched(keyword) if (
            isinstance(typed, Keyword) and typed.label.casefold() != keyword.label.casefold()
        ):
            return f"{bold(typed.label)}: Already watched as {bold(keyword.label)} in {channel}."
        case AlreadyWatched(keyword):
            return f"{bold(keyword.label)}: already in {channel}."
        case Renamed(keyword, before):
            return f"{bold(before)}: already in {channel}. It is now named {bold(keyword.label)}."
        case AmbiguousKeyword():
            return f"{bold(shown(result))}: not added yet. Which of its meanings do you mean? See below."
        case QuotaExceeded():
            return ""
        case str():
            return result
        case _ as unexpected:
            assert_never(unexpected)


def _facts(preview: KeywordPreview) -> str:
    """`77 papers in the last 30 days, about 18 per week.`, with narrower keywords if that is a lot."""
    excluded = _excluded(preview.excluded.papers)
    if not preview.papers:
        return f"No papers in the last 30 days{excluded}.{'' if excluded else _hints(preview)}"
    count = plural(preview.papers, "paper")
    text = f"{count} in the last 30 days, about {max(1, preview.per_week):,} per week{excluded}."
    if not preview.narrower:
        return text
    if preview.keyword.expression is not None:
        limits = ", ".join(f"`[{each.category}]` (about {each.per_week:,} per week)" for each in preview.narrower)
        return f"{text} That is a lot; limit it to a category at its end: {limits}."
    narrower = ", ".join(f"{bold(each.keyword.label)} (about {each.per_week:,} per week)" for each in preview.narrower)
    return f"{text} That is a lot; narrower keywords: {narrower}."


def _excluded(papers: Mapping[str, int]) -> str:
    """`; 12 more excluded by -survey`."""
    if not papers:
        return ""
    total = f"; {sum(papers.values()):,} more excluded"
    named = [*papers.items()][:_EXCLUSIONS_NAMED]
    if len(papers) == 1:
        return f"{total} by {code(named[0][0])}"
    others = sum(papers.values()) - sum(count for _, count in named)
    counts = [
        *(f"{count:,} by {code(exclusion)}" for exclusion, count in named),
        *([f"{others:,} by others"] * bool(others)),
    ]
    return f"{total}: {', '.join(counts)}"


def _hints(preview: KeywordPreview) -> str:
    label = preview.keyword.label
    similar = f" Did you mean {' or '.join(map(bold, preview.similar_terms))}?" if preview.similar_terms else ""
    return f" {'Check the spelling.' if similar else spelling_hint(label)}{similar}"


def _link(paper: Paper) -> str:
    # In angle brackets, Discord shows no preview of the page.
    return f"[{cut(escape_label(title_of(paper)), _TITLE_MAX)}](<{paper.arxiv_id.abs_url}>)"
