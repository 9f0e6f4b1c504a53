"""Reads the name of the venue at the start of a text such as "the 40th Conference on Numbers (CON 2026), Main Track".

A known venue is shown as NAME YEAR. A workshop, a challenge or a demo is never shown as its conference: its own name is
shown, or the conference followed by the word. Of unknown venues, an acronym with a year and a long name that looks like
one are accepted. The text must come after an explicit statement that the paper was accepted there.
"""

import re
from dataclasses import replace
from typing import Final

from bot.domain.layout.venue_table import VenueMention, find_mentions
from bot.domain.text import cut

VENUE_MAX: Final = 60
_JOURNAL_MAX: Final = 50

_YEAR: Final = r"(?:19|20)\d\d"
_STOPS: Final = (
    r"(?:Code|Project|Comments?|Data|Dataset|Website|Supplement\w*|Appendix|Main|Preprint|Submitted|Accepted|This|We|Our"
    r"|See|Title|Typos|Minor|Added|Corrected|First|Final|Version|Figures?|Tables?|Key\s?words|Contains|Includes|The|All"
    r"|Available|Corresponding|Equal)"
)
# A period ends the name unless it belongs to an abbreviation within the name: "Phys. Rev. D", "Proc. of".
_ABBREVIATION: Final = re.compile(
    r"(?<![\w&])(?:[A-Z]|Proc|Int(?:ern)?|Conf|Symp|Trans|J|Phys|Rev|Lett|Astron|Astrophys|Math|Chem|Sci|Nucl|Instrum|Appl"
    r"|Comput|Comm(?:un)?|Mon|Not|Roy|Soc|Acad|Natl|Ann|Amer|Am|Bull|Adv|Eur|Class|Quant|Grav|Mod|Opt|Lect|Combin|Theor"
    r"|Exp|Stat|Mech|Geom|Anal|Algebr|Topol|Eng|Syst|Softw|Inf|Electron|Mater|Biol|Med|Res|Univ|Arch|Publ|Jpn|Surv|Struct"
    r"|Dyn|Differ|Equ|Phil|Philos|Meth|Energ|Environ|Nat|Bioinf|Robot|Autom|Mach|Learn|Intell|Artif|Vol|Discret)\Z"
)
_CAPITAL_FOLLOWS: Final = re.compile(r"\.\s+(?:[A-Z(&]|of\b|on\b)")
_AMONG_ABBREVIATIONS: Final = re.compile(r"\.\s[A-Z][a-z]{1,6}\.\s[A-Z][a-z]{0,6}[.,]")
_END: Final = re.compile(
    rf"""[;|\[\]<>"“”!?\\] | https?: | :\s | \s[-–—/]+\s | \.(?=\s+{_STOPS}\b)
      | [.,](?=\S*\d*\s*(?:\Z|\d+\s*(?:pages?|pp)\b)) | \s\(?\d+\s*(?:pages?|pp)\b
      | \s(?:as\s+an?|as\s+(?:oral|poster|spotlight|main|full|long|short)|after|pending|co-?located|held
        |in\s+conjunction|part\s+of|and\s+(?:is|was|will|to|has|code|available|presented)|on\s+\d|doi|DOI|journal\s+pages|with\s+[a-z])""",
    re.VERBOSE,
)
_LIST_CONTINUES: Final = re.compile(rf",(?:\s+(?!{_STOPS}\b)[A-Z][\w-]+,?)*\s+(?:and|&)\s+[A-Z](?!\w*\s*(?:page|fig))")
_YEAR_FOLLOWS: Final = re.compile(rf",?\s*\(?{_YEAR}\b\)?")
_PARENTHESIS: Final = re.compile(r"\s*\((?P<inside>[^()]*)\)?")
_GENERIC: Final = re.compile(
    rf"(?:(?<![\w&])(?:{_YEAR}|\d+(?:st|nd|rd|th)?|January|February|March|April|May|June|July|August|September|October|November"
    r"|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Journals?|Conference|Workshop|Proceedings|International"
    r"|an?|the|of|peer-reviewed|top|leading|Program|Programme|Committee|Editors?|Reviewers?|Referees?|Board|Chairs?"
    r"|Section|Figure|Table|Chapter|Version)(?![\w&])[\s.,/-]*)+",
    re.IGNORECASE,
)

# An event at a conference, or a section of it, that is not the conference.
EVENT: Final = re.compile(
    r"(?<![\w-])(?P<kind>workshops?|tutorial|challenge|competition"
    r"|demo(?:nstration)?s?(?!\s*(?:page|video|website|site|code|available|is|can|link|(?:at\s*)?[:;]))"
    r"|doctoral\s+\w+|late[- ]breaking|student"
    r"|satellite|companion|shared\s+task|hackathon|special\s+session|industry\s+day|extended\s+abstracts?|poster\s+session)(?!\w)",
    re.IGNORECASE,
)
FINDINGS: Final = re.compile(r"\b(?:findings?|fin?g?dings|fingdings)\b", re.IGNORECASE)
_TRACK: Final = re.compile(
    r"(?P<name>(?:(?:[A-Z][\w&-]*|and|&)\s+){1,4}Track)\b|\b(?P<plain>(?:industry|research|applications?|applied)\s+track)\b"
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
    rf"[\s,–-]*[(\[]?\s*(?P<year>{_YEAR})(?!\d)|\s?[(]?\s?['’‘`´]\s?(?P<short>\d\d)\b|-(?P<dashed>\d\d)\b"
)
_ANY_YEAR: Final = re.compile(rf"(?<![\d.:])(?P<year>{_YEAR})(?!\d|-\d{{3}}|\.\d)|['’](?P<short>\d\d)\b")
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
_JOURNAL_GOES_ON: Final = re.compile(
    r"[/-]\w|\s+(?:(?:and|of|in|for|on|&)\s+)?(?!(?:Vol|Volume|Journal|Special|Section|Issue|No|Article|This|We|Our|Code|Project|In"
    r"|Accepted|DOI)\b)[A-Z]\w"
)
_LONGER_BEFORE: Final = re.compile(
    r"(?:\b(?!(?:International|Annual|The|Joint|Conference|Symposium|Proceedings|Proc|Findings|IEEE|ACM|In|On|Of|At|Main|Track|Meeting"
    r"|Annu?|Int|Conf|Biennial|European|World|First|Second|Third|Fourth|Fifth|Sixth|Seventh|Eighth|Ninth|Tenth|[A-Z][a-z]+th"
    r"|Accepted|Published|Presented|Full|Edition|Workshops?|Congress|ACM|Track|Advances)\b)[A-Z][a-z]+|[a-z]\s+and)\s+\Z"
)
_HOSTED: Final = re.compile(r"co-?located|in\s+conjunction|part\s+of|alongside|affiliated|@", re.IGNORECASE)
_ACRONYM: Final = (
    r"(?P<name>(?:(?:IEEE|ACM|IFIP|SPIE)\s)?(?!(?:IEEE|ACM|USA|UK|SPIE|IFIP|Springer|CVF)\b)"
    r"[A-Z][\w&+/-]*[A-Z0-9][\w&+/-]*?)"
)
_IN_PARENTHESES: Final = re.compile(
    rf"\({_ACRONYM}(?:[\s,-]*(?P<year>{_YEAR})|\s?['’](?P<short>\d\d))?\)(?:,?\s*(?P<after>{_YEAR})\b)?"
)
_WITH_YEAR: Final = re.compile(
    rf"(?:(?:the|an?|\d+(?:st|nd|rd|th)|publication|presentation|[Pp]roceedings|of|in|at|conference|IEEE|ACM|{_YEAR})[\s:-]+)*"
    rf"{_ACRONYM}(?<=[A-Za-z][A-Za-z\d])(?:[\s,-]*\(?(?P<year>{_YEAR})(?!\d)|\s?['’](?P<short>\d\d)\b)"
)
_VENUE_YEAR: Final = re.compile(rf"{_YEAR}|['’]\d\d\b|\b[A-Z][\w-]*[A-Z]")
_LEADING: Final = re.compile(
    r"\A(?:(?:the|an?|publication\s+(?:in|at|by|to|a)|proc(?:eedings|\.)?(?:\s+of)?|journal(?!\s+of\b)|in:?|at)\s+)+",
    re.IGNORECASE,
)
_VENUE_WORD: Final = re.compile(
    r"\b(?:Journal|Transactions|Trans|Letters|Lett|Annals|Ann|Annales|Reviews?|Rev|Proceedings|Proc|Bulletin|Bull|Conference|Conf|Symposium"
    r"|Meeting|Congress|Magazine|Archives?|Acta|Frontiers|Advances|Adv|Nature|Science|Int|J|Phys|Math|Z|Communications|Commun|Comm"
    r"|Quarterly|Notices|Studies|Research|Reports|Springer|LNCS|Lecture|Handbook|Encyclopedia|Forum|International|Zeitschrift|Rendiconti"
    r"|Publications|Sci|Appl|Eng|Theory|Mathematics|Physics|Contributions|Contemporary)\b"
)
_TITLE_CASE: Final = re.compile(r"(?:(?:[A-Z][\w'’.-]*+|&|and|of|in|for|the|on|de|la|und|et)[\s,:]*+)++")
_NOT_A_NAME: Final = re.compile(
    r"\A(?:publication|presentation|oral|poster)\b|\A(?:(?:IEEE|ACM|Springer|Elsevier|Wiley)\W*)+\Z|\A[^\W\d_]+\Z"
    r"|\b(?:special\s+issue\s+on|thesis|arxiv)\b",
    re.IGNORECASE,
)
_SPAN_END: Final = re.compile(
    rf"[;|\[\]<>\"“”!?\\]|https?:|[.,:]\s+{_STOPS}\b|,?\s+\(?\d+\s*(?:pages?|pp|figures?|tables?)\b|\bdoi\b"
    r"|\b(?:extended|extends|extending|extension|preliminary|previous|earlier|after|following|based\s+on"
    r"|camera[- ]ready|as\s+an?\s)",
)


def read_name(text: str, *, only_known: bool = False) -> str:
    """Returns the name of the venue that the text begins with; empty if there is none."""
    text = text.lstrip(" \"“'‘:")
    short = _LEADING.sub("", text)
    span = short[: _span_end(short)]
    name = known_name(span) or known_name(text[: _span_end(text)])
    return name or _unknown_acronym(span) or ("" if only_known else _unknown_name(short))


def _span_end(text: str) -> int:
    """Returns where the statement ends that the text begins with."""
    end = _SPAN_END.search(text)
    limit = end.start() if end else len(text)
    periods = (found.start() for found in re.finditer(r"\.", text[:limit]))
    return next((index for index in periods if not _is_abbreviation(text, index)), limit)


# --- known venues ------------------------------------------------------------------------------


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
        return _joined(f"{_prefix(span, mention)}{mention.venue.name}W", year)
    conference = _joined(f"{_prefix(span, mention)}{mention.venue.name}", year)
    if mention.suffix == "F" or FINDINGS.search(span):
        return f"{conference} Findings"
    if (event := EVENT.search(span)) or _HOSTED.search(span, 0, mention.start):
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
    whole = _tidy(_shortened(span, mention))
    if len(whole) <= VENUE_MAX and kind:
        return whole
    kind = "Workshop" if not kind or kind.lower().startswith("workshop") else kind.capitalize()
    return cut(_joined(mention.venue.name, year, kind + "s" * (kind == "Workshop" and "orkshops" in span)), VENUE_MAX)


def _shortened(span: str, mention: VenueMention) -> str:
    """Replaces the conference's long name by its acronym."""
    for long in find_mentions(span):
        if long.venue == mention.venue and not long.is_short:
            before = re.sub(
                r"(?:(?:the|\d+(?:st|nd|rd|th)|IEEE/CVF|IEEE|ACM|Annual|International|Proceedings\s+of|Conference\s+on|in|of)\s+)+\Z",
                "",
                span[: long.start],
                flags=re.IGNORECASE,
            )
            after = re.sub(r"\A\s*\(" + re.escape(mention.venue.name) + r"\)", "", span[long.end :])
            return f"{before}{mention.venue.name}{after}"
    return span


def _tidy(name: str) -> str:
    name = re.sub(rf",\s+(?={_YEAR}\b)", " ", name)
    name = name.strip(" ,.:'’-–")
    return name + ")" * (name.count("(") - name.count(")") == 1)


def _journal(span: str, mention: VenueMention, year: str) -> str:
    written = span[mention.start : mention.end]
    following = re.match(r"\s*\((?P<name>[A-Z][\w&-]+)[\s,]*(?:" + _YEAR + r")?\)", span[mention.end :])
    name = written if len(written) <= _JOURNAL_MAX else mention.venue.name
    if following and any(found.venue == mention.venue for found in find_mentions(following["name"])):
        name = following["name"]
    prefix = _prefix(span, mention)
    return _joined(f"{prefix}{name}", year)


def _prefix(span: str, mention: VenueMention) -> str:
    """Returns the organisation in front of an acronym: `IEEE ` of "IEEE ICIP"."""
    found = _ORGANISATION.search(span, 0, mention.start) if mention.is_short else None
    return "" if found is None or mention.venue.name.startswith(found[0].strip()) else found[0]


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _is_whole_name(span: str, mention: VenueMention) -> bool:
    """Whether the mention is not part of a longer name, and a journal is what the statement begins with."""
    if not mention.venue.is_conference:
        goes_on = _JOURNAL_GOES_ON.match(span, mention.end)
        return not goes_on and bool(_BEFORE_JOURNAL.fullmatch(span, 0, mention.start))
    if mention.is_short:
        return True
    return not (_NAME_GOES_ON.match(span, mention.end) or _LONGER_BEFORE.search(span, 0, mention.start)) and not (
        _other_acronym_follows(span, mention)
    )


def _other_acronym_follows(span: str, mention: VenueMention) -> bool:
    found = _IN_PARENTHESES.match(span, mention.end + 1)
    return found is not None and not any(other.venue == mention.venue for other in find_mentions(found[0]))


def year_of(span: str, mention: VenueMention, *, adjacent: bool) -> str:
    """Returns the year next to a mention, or the only year in the statement."""
    if mention.year:
        return mention.year
    if adjacent:
        found = _YEAR_AFTER.match(span, mention.end)
        return "" if found is None else _full_year(found["year"], found["short"] or found["dashed"])
    years = [_full_year(found["year"], found["short"]) for found in _ANY_YEAR.finditer(span)]
    return years[0] if len(set(years)) == 1 else ""


def _end_of_year(span: str, mention: VenueMention, year: str) -> int:
    found = _YEAR_AFTER.match(span, mention.end)
    end = found.end() if found and year else mention.end
    return end + (span[end : end + 1] in (")", "]") and "(" in span[:end])


def _full_year(year: str | None, short: str | None) -> str:
    return year or (f"20{short}" if short else "")


# --- unknown venues ----------------------------------------------------------------------------


def _unknown_acronym(span: str) -> str:
    """Returns `ICST 2026` for "International Conference on Software Testing (ICST) 2026"; empty without a year."""
    span = _HOSTED.split(span)[0]
    if EVENT.search(span):
        name = _tidy(span)
        return name if len(name) <= VENUE_MAX and _VENUE_YEAR.search(name) else ""
    found = _WITH_YEAR.match(span)
    if found is None:
        found = _IN_PARENTHESES.search(span)
        if found is None or "(" in span[: found.start()]:
            return ""
        if not (found["year"] or found["short"]) and not _stands_for(found["name"], span[: found.start()]):
            return ""
    after = found.groupdict().get("after")
    year = _full_year(found["year"] or after, found["short"]) or "".join(re.findall(rf"\b{_YEAR}\b", span)[:1])
    return cut(_joined(found["name"], year), VENUE_MAX) if year else ""


def _stands_for(acronym: str, name: str) -> bool:
    """Whether the acronym's capitals are initials of words in the name, in the same order."""
    initials = iter(word[0].lower() for word in re.findall(r"[^\W\d_]\w*", name))
    return all(capital.lower() in initials for capital in acronym if capital.isupper())


def _unknown_name(text: str) -> str:
    """Returns a long name if it looks like the name of a journal or meeting."""
    name = cut(_long_name(text[: _end(text, commas=True)]).strip(" ,.:'’"), VENUE_MAX)
    bare = _GENERIC.sub(" ", name)
    if not name[:1].isalnum() or _NOT_A_NAME.search(name) or not re.search(r"[A-Z][\w&+/.-]+", bare):
        return ""
    is_title = len(name.split()) > 1 and _TITLE_CASE.fullmatch(name.rstrip("…"))
    return name if _VENUE_WORD.search(name) or EVENT.search(name) or is_title else ""


def _long_name(text: str) -> str:
    opened = _PARENTHESIS.search(text)
    if opened is None:
        return text
    kept = re.fullmatch(_YEAR, opened["inside"]) or EVENT.search(opened["inside"])
    return text[: opened.end()] if kept and len(opened["inside"]) <= VENUE_MAX // 2 else text[: opened.start()]


def _end(text: str, *, commas: bool) -> int:
    """Returns where the name that the text begins with ends: at the latest at the end of the sentence."""
    end = _END.search(text)
    limit = end.start() if end else len(text)
    for found in re.finditer(r"[.,]", text[:limit]):
        index = found.start()
        continues = _comma_continues(text, index) if found[0] == "," else _is_abbreviation(text, index)
        if not continues and (commas or found[0] == "."):
            return index
    return limit


def _comma_continues(text: str, comma: int) -> bool:
    if _YEAR_FOLLOWS.match(text, comma):
        return True
    before = text[:comma].rpartition(" ")[2]
    return not (before.isupper() or before[-1:].isdigit() or before.endswith(")")) and bool(
        _LIST_CONTINUES.match(text, comma)
    )


def _is_abbreviation(text: str, period: int) -> bool:
    if not text[period + 1 : period + 2].isspace():
        return period + 1 < len(text)
    known = _ABBREVIATION.search(text, max(0, period - 12), period) and _CAPITAL_FOLLOWS.match(text, period)
    return bool(known or _AMONG_ABBREVIATIONS.search(text, max(0, period - 12), period + 12))
