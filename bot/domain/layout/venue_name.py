"""Reads the name of the venue at the start of a text such as "the 40th Conference on Numbers (CON 2026), Main Track".

A known venue is shown as NAME YEAR. A workshop, a challenge or a demo is never shown as its conference: its own name is
shown, or the conference followed by the word. Of unknown venues, an acronym with a year and a long name that looks like
one are accepted. The text must come after an explicit statement that the paper was accepted there.
"""

import re
from dataclasses import replace
from typing import Final

from bot.domain.layout.venue_table import VenueMention, find_mentions
from bot.domain.layout.venue_unknown import (
    EVENT,
    HOSTED,
    IN_PARENTHESES,
    STOPS,
    VENUE_MAX,
    YEAR,
    full_year,
    is_abbreviation,
    spaced,
    tidy,
    unknown_acronym,
    unknown_name,
)
from bot.domain.text import cut

_JOURNAL_MAX: Final = 50
FINDINGS: Final = re.compile(r"\b(?:findings?|fin?g?dings|fingdings)\b", re.IGNORECASE)
_TRACK: Final = re.compile(
    r"(?P<name>(?:(?:[A-Z][\w&-]{0,40}+|and|&)\s{1,4}+){1,4}Track)\b|\b(?P<plain>(?:industry|research|applications?|applied)\s+track)\b"
)
_PART: Final = (
    r"(?:main(?:\s+conference|\s+track)?|conference\s+track|oral|spotlight|highlight|poster|long\s+papers?|short\s+papers?"
    r"|(?:[A-Z][\w-]*\s+(?:and\s+)?){0,3}Track)"
)
_AFTER_YEAR: Final = re.compile(
    rf"\s*\({_PART}\)|\s+{_PART}(?=\W|\Z)(?!\s+(?:paper|presentation|proceedings))", re.IGNORECASE
)
# "CVPR 2026 CV4Clinical", "CVPR EarthVision 2026", "ACL 2026, KnowFM": events whose kind is not written.
_NAMED_EVENT: Final = re.compile(
    r"\s+(?!(?:IEEE|ACM|CVF|The|This|We|Our|USA|UK|V|Springer|Elsevier|Oral|Spotlight|Highlight|Poster|Main|Conference|Findings|Camera"
    r"|Paper|Proceedings|Long|Short|Full|Accepted|Best|Award|Forum|Special|Code|Project|Page|Special|Issue|In|At|On|And|Regular"
    r"|Track|Datasets?|Industry|Research|Position|As|Version|Volume|Vol)\b)[A-Z][\w-]*|-(?!W\b)[A-Z]{3,}|,\s+[A-Z][a-z]+[A-Z]\w*\s*\Z"
)
_ORGANISATION: Final = re.compile(
    r"(?:IEEE/CVF|IEEE/ACM|ACM/IEEE|ACM/SIGAPP|IEEE/RSJ|IEEE|ACM|USENIX|AIAA|SPIE|IFIP|IFAC|SIAM)\s+\Z"
)
_YEAR_AFTER: Final = re.compile(
    rf"[\s,–-]*+[(\[]?+\s*+(?P<year>{YEAR})(?!\d)|\s?[(]?\s?['’‘`´]\s?(?P<short>\d\d)\b|-(?P<dashed>\d\d)\b"
)
_ANY_YEAR: Final = re.compile(rf"(?<![\d.:])(?P<year>{YEAR})(?!\d|-\d{{3}}|\.\d)|['’](?P<short>\d\d)\b")
# Words in front of a journal's name that are not part of it.
_BEFORE_JOURNAL: Final = re.compile(
    r"(?:(?:the|an?|journal|magazine|in|at|of|to|by|special\s+issue|section|proceedings|peer-reviewed|prestigious|IEEE|ACM"
    r"|publication|springer|elsevier|wiley)[\s:,]*+)*+",
    re.IGNORECASE,
)
# A capital word after the name belongs to a longer, other name: "Pattern Recognition and Image Analysis".
_NAME_GOES_ON: Final = re.compile(
    r"\s+(?:(?:and|of|in|for|on|&|with)\s+)?(?!(?:Workshops?|Findings|Conference|Main|Track|Vol|Volume|Journal|Oral|Poster|Highlight"
    r"|Spotlight|Special|Section|Issue|Proceedings|Letters?\s+to|No|Article|Challenge|Congress|Symposium|This|We|Our|Code|Project"
    r"|Industry|Research|Short|Long|Full|Demo|Doctoral|Student|Annual|Meeting|In)\b)[A-Z][a-z]+"
)
_JOURNAL_CONTINUES: Final = re.compile(
    r"[/-]\w|\s+(?:(?:and|of|in|for|on|&)\s+)?(?!(?:Vol|Volume|Journal|Special|Section|Issue|No|Article|This|We|Our|Code|Project|In"
    r"|Accepted|DOI)\b)[A-Z]\w"
)
_LONGER_BEFORE: Final = re.compile(
    r"(?:\b(?!(?:International|Annual|The|Joint|Conference|Symposium|Proceedings|Proc|Findings|IEEE|ACM|In|On|Of|At|Main|Track|Meeting"
    r"|Annu?|Int|Conf|Biennial|European|World|First|Second|Third|Fourth|Fifth|Sixth|Seventh|Eighth|Ninth|Tenth|[A-Z][a-z]+th"
    r"|Accepted|Published|Presented|Full|Edition|Workshops?|Congress|ACM|Track|Advances)\b)[A-Z][a-z]+|[a-z]\s+and)\s+\Z"
)
_LEADING: Final = re.compile(
    r"\A(?:(?:the|an?|publication\s+(?:in|at|by|to|a)|proc(?:eedings|\.)?(?:\s+of)?|journal(?!\s+of\b)|in:?|at)\s+)+",
    re.IGNORECASE,
)
_SPAN_END: Final = re.compile(
    rf"[;|\[\]<>\"“”!?\\]|https?:|[.,:]\s{{1,4}}{STOPS}\b|,?\s{{1,4}}\(?\d{{1,9}}\s{{0,4}}(?:pages?|pp|figures?|tables?)\b|\bdoi\b"
    r"|\b(?:extended|extends|extending|extension|preliminary|previous|earlier|after|following|based\s+on"
    r"|camera[- ]ready|as\s+an?\s)",
)


def read_name(text: str, *, only_known: bool = False) -> str:
    """Returns the name of the venue that the text begins with; empty if there is none."""
    text = text.lstrip(" \"“'‘:")
    short = _LEADING.sub("", text)
    span = short[: _span_end(short)]
    name = known_name(span) or known_name(text[: _span_end(text)])
    return name or unknown_acronym(span) or ("" if only_known else unknown_name(short))


def _span_end(text: str) -> int:
    """Returns where the statement ends that the text begins with."""
    end = _SPAN_END.search(text)
    limit = end.start() if end else len(text)
    periods = (found.start() for found in re.finditer(r"\.", text[:limit]))
    return next((index for index in periods if not is_abbreviation(text, index)), limit)


def known_name(span: str) -> str:
    """Returns NAME YEAR of the known venue in the statement, with what it is if not the conference itself."""
    mentions = [mention for mention in find_mentions(span) if _is_whole_name(span, mention)]
    if not mentions:
        return ""
    chosen = next((mention for mention in mentions if year_of(span, mention, adjacent=True)), mentions[0])
    same = [mention for mention in mentions if mention.venue == chosen.venue]
    short = [mention for mention in same if mention.is_short]
    dated = [mention for mention in short if year_of(span, mention, adjacent=True)]
    chosen = next(iter([*dated, *short]), chosen)
    year = next((year for mention in (chosen, *same) if (year := year_of(span, mention, adjacent=True))), "")
    suffix = max(mention.suffix for mention in same)
    return compose(span, replace(chosen, suffix=suffix), year or year_of(span, chosen, adjacent=False))


def compose(span: str, mention: VenueMention, year: str) -> str:
    """Returns how the venue is shown; for an event at a conference, its own name or the conference and the kind."""
    if not mention.venue.is_conference:
        return _journal(span, mention, year)
    if mention.suffix == "W":
        return spaced(f"{_prefix(span, mention)}{mention.venue.name}W", year)
    conference = spaced(f"{_prefix(span, mention)}{mention.venue.name}", year)
    if mention.suffix == "F" or FINDINGS.search(span):
        return f"{conference} Findings"
    if (event := EVENT.search(span)) or HOSTED.search(span, 0, mention.start):
        return _event_name(span, mention, year, event["kind"] if event else "")
    end = _end_of_year(span, mention, year)
    if mention.is_short and (_NAMED_EVENT.match(span, end) or _NAMED_EVENT.match(span, mention.end)):
        return _event_name(span, mention, year, "event")
    after = _AFTER_YEAR.match(span, end)
    track = _TRACK.search(span)
    if after or track is None or "main" in track[0].lower():
        return conference + (after[0] if after else "")
    return f"{conference} {track[0].removeprefix('and ')}"


def _event_name(span: str, mention: VenueMention, year: str, kind: str) -> str:
    whole = tidy(_shortened(span, mention))
    if len(whole) <= VENUE_MAX and kind:
        return whole
    kind = "Workshop" if not kind or kind.lower().startswith("workshop") else kind.capitalize()
    return cut(spaced(mention.venue.name, year, kind + "s" * (kind == "Workshop" and "orkshops" in span)), VENUE_MAX)


def _shortened(span: str, mention: VenueMention) -> str:
    """Replaces the conference's long name by its acronym."""
    for long in find_mentions(span):
        if long.venue == mention.venue and not long.is_short:
            before = re.sub(
                r"(?:(?:the|\d{1,4}(?:st|nd|rd|th)|IEEE/CVF|IEEE|ACM|Annual|International|Proceedings\s+of|Conference\s+on|in|of)\s{1,4}){1,10}+\Z",
                "",
                span[: long.start],
                flags=re.IGNORECASE,
            )
            after = re.sub(r"\A\s*\(" + re.escape(mention.venue.name) + r"\)", "", span[long.end :])
            return f"{before}{mention.venue.name}{after}"
    return span


def _journal(span: str, mention: VenueMention, year: str) -> str:
    written = span[mention.start : mention.end]
    following = re.match(r"\s*\((?P<name>[A-Z][\w&-]+)[\s,]*(?:" + YEAR + r")?\)", span[mention.end :])
    if any(each.end > len(written) for each in find_mentions(f"{written}.")):
        written += "."  # of an abbreviation, at the end of a sentence
    name = written if len(written) <= _JOURNAL_MAX else mention.venue.name
    if following and any(found.venue == mention.venue for found in find_mentions(following["name"])):
        name = following["name"]
    prefix = _prefix(span, mention)
    return spaced(f"{prefix}{name}", year)


def _prefix(span: str, mention: VenueMention) -> str:
    """Returns the organisation in front of an acronym: `IEEE ` of "IEEE ICIP"."""
    found = _ORGANISATION.search(span, 0, mention.start) if mention.is_short else None
    return "" if found is None or mention.venue.name.startswith(found[0].strip()) else found[0]


def _is_whole_name(span: str, mention: VenueMention) -> bool:
    """Whether the mention is not part of a longer name, and a journal is what the statement begins with."""
    if not mention.venue.is_conference:
        continues = _JOURNAL_CONTINUES.match(span, mention.end)
        return not continues and bool(_BEFORE_JOURNAL.fullmatch(span, 0, mention.start))
    if mention.is_short:
        return True
    return not (_NAME_GOES_ON.match(span, mention.end) or _LONGER_BEFORE.search(span, 0, mention.start)) and not (
        _other_acronym_follows(span, mention)
    )


def _other_acronym_follows(span: str, mention: VenueMention) -> bool:
    found = IN_PARENTHESES.match(span, mention.end + 1)
    return found is not None and not any(other.venue == mention.venue for other in find_mentions(found[0]))


def year_of(span: str, mention: VenueMention, *, adjacent: bool) -> str:
    """Returns the year next to a mention, or the only year in the statement."""
    if mention.year:
        return mention.year
    if adjacent:
        found = _YEAR_AFTER.match(span, mention.end)
        return "" if found is None else full_year(found["year"], found["short"] or found["dashed"])
    years = [full_year(found["year"], found["short"]) for found in _ANY_YEAR.finditer(span)]
    return years[0] if len(set(years)) == 1 else ""


def _end_of_year(span: str, mention: VenueMention, year: str) -> int:
    found = _YEAR_AFTER.match(span, mention.end)
    end = found.end() if found and year else mention.end
    return end + (span[end : end + 1] in (")", "]") and "(" in span[:end])
