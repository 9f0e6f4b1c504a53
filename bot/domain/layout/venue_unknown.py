"""Reads the names of venues that are not in the table: an acronym with a year, or a name that looks like a venue's.

The text must come after an explicit statement that the paper was accepted there. Long names are cut, never completed.
"""

import re
from typing import Final

from bot.domain.text import cut

VENUE_MAX: Final = 60
YEAR: Final = r"(?:19|20)\d\d"
STOPS: Final = (
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
    rf"""[;|\[\]<>"“”!?\\] | https?: | :\s | \s[-–—/]+\s | \.(?=\s+{STOPS}\b)
      | [.,](?=\S{{0,80}}+\s{{0,4}}+(?:\Z|\d{{1,9}}\s{{0,4}}(?:pages?|pp)\b)|\d{{1,9}}\s{{0,4}}(?:pages?|pp)\b)
      | \s\(?\d+\s*(?:pages?|pp)\b
      | \s(?:as\s+an?|as\s+(?:oral|poster|spotlight|main|full|long|short)|after|pending|co-?located|held
        |in\s+conjunction|part\s+of|and\s+(?:is|was|will|to|has|code|available|presented)|on\s+\d|doi|DOI|journal\s+pages|with\s+[a-z])""",
    re.VERBOSE,
)
_LIST_CONTINUES: Final = re.compile(rf",(?:\s+(?!{STOPS}\b)[A-Z][\w-]+,?)*\s+(?:and|&)\s+[A-Z](?!\w*\s*(?:page|fig))")
_YEAR_FOLLOWS: Final = re.compile(rf",?\s*\(?{YEAR}\b\)?")
_PARENTHESIS: Final = re.compile(r"(?<!\s)\s*+\((?P<inside>[^()]*+)\)?")
_GENERIC: Final = re.compile(
    rf"(?:(?<![\w&])(?:{YEAR}|\d+(?:st|nd|rd|th)?|January|February|March|April|May|June|July|August|September|October|November"
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
HOSTED: Final = re.compile(r"co-?located|in\s+conjunction|part\s+of|alongside|affiliated|@", re.IGNORECASE)
_ACRONYM: Final = (
    r"(?P<name>(?:(?:IEEE|ACM|IFIP|SPIE)\s)?(?!(?:IEEE|ACM|USA|UK|SPIE|IFIP|Springer|CVF)\b)"
    r"[A-Z][\w&+/-]{0,40}[A-Z0-9][\w&+/-]{0,40}?)"
)
IN_PARENTHESES: Final = re.compile(
    rf"\({_ACRONYM}(?:[\s,-]{{0,4}}(?P<year>{YEAR})|\s?['’](?P<short>\d\d))?\)(?:,?\s*(?P<after>{YEAR})\b)?"
)
_WITH_YEAR: Final = re.compile(
    rf"(?:(?:the|an?|\d+(?:st|nd|rd|th)|publication|presentation|[Pp]roceedings|of|in|at|conference|IEEE|ACM|{YEAR})[\s:-]+)*"
    rf"{_ACRONYM}(?<=[A-Za-z][A-Za-z\d])(?:[\s,-]*\(?(?P<year>{YEAR})(?!\d)|\s?['’](?P<short>\d\d)\b)"
)
_VENUE_YEAR: Final = re.compile(rf"{YEAR}|['’]\d\d\b|\b[A-Z][\w-]*[A-Z]")
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


def tidy(name: str) -> str:
    name = re.sub(rf",\s+(?={YEAR}\b)", " ", name)
    name = name.strip(" ,.:'’-–")
    return name + ")" * (name.count("(") - name.count(")") == 1)


def spaced(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def full_year(year: str | None, short: str | None) -> str:
    return year or (f"20{short}" if short else "")


def unknown_acronym(span: str) -> str:
    """Returns `ICST 2026` for "International Conference on Software Testing (ICST) 2026"; empty without a year."""
    span = HOSTED.split(span)[0]
    if EVENT.search(span):
        name = tidy(span)
        return name if len(name) <= VENUE_MAX and _VENUE_YEAR.search(name) else ""
    found = _WITH_YEAR.match(span)
    if found is None:
        found = IN_PARENTHESES.search(span)
        if found is None or "(" in span[: found.start()]:
            return ""
        if not (found["year"] or found["short"]) and not _stands_for(found["name"], span[: found.start()]):
            return ""
    after = found.groupdict().get("after")
    year = full_year(found["year"] or after, found["short"]) or "".join(re.findall(rf"\b{YEAR}\b", span)[:1])
    return cut(spaced(found["name"], year), VENUE_MAX) if year else ""


def _stands_for(acronym: str, name: str) -> bool:
    """Whether the acronym's capitals are initials of words in the name, in the same order."""
    initials = iter(word[0].lower() for word in re.findall(r"[^\W\d_]\w*", name))
    return all(capital.lower() in initials for capital in acronym if capital.isupper())


def unknown_name(text: str) -> str:
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
    kept = re.fullmatch(YEAR, opened["inside"]) or EVENT.search(opened["inside"])
    return text[: opened.end()] if kept and len(opened["inside"]) <= VENUE_MAX // 2 else text[: opened.start()]


def _end(text: str, *, commas: bool) -> int:
    """Returns where the name that the text begins with ends: at the latest at the end of the sentence."""
    end = _END.search(text)
    limit = end.start() if end else len(text)
    for found in re.finditer(r"[.,]", text[:limit]):
        index = found.start()
        continues = _comma_continues(text, index) if found[0] == "," else is_abbreviation(text, index)
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


def is_abbreviation(text: str, period: int) -> bool:
    if not text[period + 1 : period + 2].isspace():
        return period + 1 < len(text)
    known = _ABBREVIATION.search(text, max(0, period - 12), period) and _CAPITAL_FOLLOWS.match(text, period)
    return bool(known or _AMONG_ABBREVIATIONS.search(text, max(0, period - 12), period + 12))
