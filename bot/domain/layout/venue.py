"""Finds the venue where a paper appears, in its comment ("12 pages, accepted at ICML 2026") or journal reference.

Never guesses: "submitted to", "accepted" alone, and statements about another version give no venue. A long name is
shortened ("International Conference on … (ICST) 2026" becomes "ICST 2026"), never completed.
"""

import re
from typing import Final

from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, defuse_mentions

VENUE_MAX: Final = 60

# Not accepted, not accepted yet, or not published by a venue.
_NOT_YET: Final = re.compile(
    r"\b(?:(?:re)?submi(?:t|ssion)\w*|under\s+(?:\w+\s+)?review|in\s+(?:review|preparation|revision)|pending|provisional\w*"
    r"|conditional\w*|revisions?|reject\w*|unpublished|withdrawn|arxiv|preprints?|target\w*|not|if|hopefully)\b",
    re.IGNORECASE,
)
_UNSURE: Final = re.compile(
    r"\b(?:pending|provisional\w*|conditional\w*|subject\s+to|with\s+(?:minor|major))\b", re.IGNORECASE
)
# The sentence is about the venue of another paper or version.
_ANOTHER_PAPER: Final = re.compile(
    r"\b(?:version|abstract|draft|summary|subset|extract|excerpt|parts?|portions?|results?|thesis|chapter)\s+(?:of|from)\b"
    r"|\b(?:based\s+on|builds?\s+(?:up)?on|extend(?:s|ed|ing)?|extension|abridged|companion|follow-?up|supersedes|overlap"
    r"|preliminary|previous(?:ly)?|earlier|prior|initial(?:ly)?|supplement\w*|erratum|comment\s+on|reply\s+to)\b",
    re.IGNORECASE,
)
_WORK: Final = (
    r"(?:paper|article|manuscript|work|submission|contribution|study|letter|preprint|report|talk|poster|demo)"
)
_WORK_KIND: Final = r"(?:long|short|full|regular|conference|journal|workshop|research|invited|survey|review|demo|tool)"
# What may precede "accepted at" in its clause if the clause is about this paper.
_THIS_PAPER: Final = re.compile(
    rf"(?:preprint\s+of\s+)?(?:(?:the|an?|this|our|my|authors?['’]?s?|final|revised|author)\s+)*(?:{_WORK_KIND}\s+)?"
    rf"(?:(?:{_WORK}|version|it|we|and|has|have|been|is|was|are|were|recently|already|just|now|also|got)\s*)*",
    re.IGNORECASE,
)
_AS: Final = (
    rf"(?:\s+(?:as|for)\s+(?:an?\s+|the\s+)?(?:[\w-]+\s+){{0,3}}?(?:{_WORK}|oral|spotlight|highlight|presentation))?"
)
_STATEMENT: Final = re.compile(
    rf"""\b(?:
        accepted (?:\s+{_WORK})? (?:\s+for\s+(?:oral\s+|poster\s+)?(?:publication|presentation|inclusion))?
            (?:\s+to\s+(?:appear|be\s+(?:published|presented)))? {_AS} (?:\s*\([^()]{{1,30}}\))?
            (?:\s*:|\s+(?:at|to|by|in|for|on)\b:?)
      | (?:to|will)\s+(?:appear|be\s+(?:published|presented)) {_AS} (?:\s*:|\s+(?:at|in|on)\b:?)
      | (?:published|appeared|appears|in\s+press) {_AS} (?:\s*:|\s+(?:at|in)\b:?)
      | presented {_AS} \s+at\b
      | camera[-\s]ready (?:\s+version)? \s+(?:for|of)\b
      | in\s+(?:the\s+)?proc(?:eedings|\.)\s+of\b
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_CLAUSE_START: Final = re.compile(r"[.;,:(\[/]\s|\s[-–—]\s|[.;,(\[]")
_SENTENCE_START: Final = re.compile(r"[.;]\s")

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
_ACRONYM: Final = re.compile(
    r"\((?P<name>[A-Z][A-Za-z]*[A-Z][A-Za-z]*)(?:[\s,-]*(?P<year>(?:19|20)\d\d)|\s?['’](?P<short>\d\d))?\)"
    r"(?:,?\s*(?P<after>(?:19|20)\d\d)\b)?"
)
_PARENTHESIS: Final = re.compile(r"\s*\((?P<inside>[^()]*)\)?")
_QUALIFIER: Final = re.compile(
    r"\b(?:workshops?|track|tutorial|challenge|competition|demo\w*|findings|doctoral|companion|late[- ]breaking|poster"
    r"|student|industry|special|satellite|oral|spotlight|highlight|main)\b",
    re.IGNORECASE,
)
_ELSEWHERE: Final = re.compile(r"@|\b(?:at|part\s+of|alongside)\b|\d{4},|\.\s")
# A citation of the paper itself: "Noether, E. (1918). …".
_CITATION: Final = re.compile(r"[^\W\d_][\w'’-]+,?\s+[A-Z]\.")
_LEADING: Final = re.compile(
    r"\A(?:(?:the|an?|publication\s+in|proc(?:eedings|\.)?(?:\s+of)?|journal(?!\s+of\b)|in:?|at)\s+)+", re.IGNORECASE
)
_GENERIC: Final = re.compile(
    rf"(?:(?<![\w&])(?:{_YEAR}|\d+(?:st|nd|rd|th)?|January|February|March|April|May|June|July|August|September|October|November"
    r"|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Journals?|Conference|Workshop|Proceedings|International"
    r"|an?|the|of|peer-reviewed|top|leading|Program|Programme|Committee|Editors?|Reviewers?|Referees?|Board|Chairs?"
    r"|Section|Figure|Table|Chapter|Version)(?![\w&])[\s.,/-]*)+",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(r"[A-Z][\w&+/.-]+")

# In the fields of these conferences, "ICML 2026" alone in a clause means "accepted at ICML 2026".
_CONFERENCE: Final = (
    r"(?:AAAI|AAMAS|ACL|ACCV|AISTATS|ASE|ASPLOS|AsiaCCS|BMVC|CAV|CCS|CHI|CIKM|COLING|COLM|COLT|CONCUR|CoNLL|CoRL|CRYPTO"
    r"|CSCW|CVPR|DAC|DATE|EACL|ECAI|ECCV|ECIR|ECML|EMNLP|EUROCRYPT|ASIACRYPT|FOCS|FSE|GECCO|HPCA|HRI|ICALP|ICASSP|ICCAD"
    r"|ICCV|ICDCS|ICDE|ICDM|ICLR|ICML|ICRA|ICSE|ICST|IJCAI|IJCNN|INFOCOM|Interspeech|INTERSPEECH|IROS|ISCA|ISIT|ISMAR"
    r"|ISMIR|ISSTA|IUI|KDD|LICS|LREC|MICCAI|MICRO|MLSys|MobiCom|NAACL|NDSS|NeurIPS|NIPS|NSDI|OOPSLA|OSDI|PLDI|PODC|PODS"
    r"|POPL|PPoPP|RecSys|RSS|SDM|SIGCOMM|SIGGRAPH(?:\s+Asia)?|SIGIR|SIGMOD|SODA|SOSP|STACS|STOC|UAI|UbiComp|UIST|VLDB"
    r"|WACV|WSDM|WWW)"
)
_BARE: Final = re.compile(
    rf"(?P<venue>{_CONFERENCE}[\s,]*(?:{_YEAR}|['’]\d\d)(?:\s+\(?(?:Oral|Spotlight|Poster|Highlight|Findings|Main|Main\s+Conference"
    r"|Workshops?|Workshop\s+on\s+[^()]+)\)?)?)(?:\s+\(?camera[-\s]ready(?:\s+version)?\)?|\s+(?:long|short|full)\s+paper)?",
    re.IGNORECASE,
)
_FULL_NAME: Final = re.compile(
    rf"(?:\d+(?:st|nd|rd|th)\s+|The\s+|{_YEAR}\s+)*[^()]*\b(?:Conference|Symposium|Meeting)\b[^()]*\({_CONFERENCE}"
    rf"[\s,]*(?:{_YEAR}|['’]\d\d)\)(?:,?\s*{_YEAR})?"
)
_CLAUSES: Final = re.compile(r"[.;|]\s|[.;,|]\Z|,\s+(?=\d+\s|[A-Z])|\s[-–—/]\s|:\s")


def venue(comment: str | None, journal_ref: str | None) -> str:
    """Returns the name of the venue as plain text; empty if neither text clearly states one."""
    return _venue_in_journal_ref(journal_ref or "") or _venue_in_comment(comment or "")


def _venue_in_journal_ref(journal_ref: str) -> str:
    reference = _LEADING.sub("", defuse_mentions(tex_to_text(journal_ref)))
    if _NOT_YET.search(reference) or _CITATION.match(reference) or not any(char.isalpha() for char in reference):
        return ""
    return _short_name(reference) or cut(reference, VENUE_MAX)


def _venue_in_comment(comment: str) -> str:
    text = defuse_mentions(tex_to_text(comment))
    stated = (_stated_venue(text, found) for found in _STATEMENT.finditer(text))
    return next((name for name in stated if name), "") or _bare(text)


def _stated_venue(text: str, found: re.Match[str]) -> str:
    """Returns the venue of one "accepted at …"; empty unless the clause is about this paper."""
    sentence = _SENTENCE_START.split(text[: found.start()])[-1]
    clause = _CLAUSE_START.split(text[: found.start()])[-1].strip()
    if _ANOTHER_PAPER.search(sentence) or _NOT_YET.search(clause.replace("preprint", "").replace("Preprint", "")):
        return ""
    if _NOT_YET.search(found[0]) or not _THIS_PAPER.fullmatch(clause):
        return ""
    return _name(text[found.end() :])


def _name(text: str) -> str:
    """Returns the name of the venue that the text begins with."""
    if _UNSURE.search(_SENTENCE_START.split(text)[0]):
        return ""
    text = _LEADING.sub("", text.lstrip(" \"“'‘"))
    short = _short_name(text[: _end(text, commas=False)])
    name = cut((short or _long_name(text[: _end(text, commas=True)])).strip(" ,.:'’"), VENUE_MAX)
    named = name[:1].isalnum() and _NAMED.search(_GENERIC.sub(" ", name))
    return name if named and not _NOT_YET.search(name) else ""


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


def _short_name(text: str) -> str:
    """Returns `ICST 2026` for "International Conference on Software Testing (ICST) 2026"; empty without an acronym."""
    found = _ACRONYM.search(text)
    before = text[: found.start()] if found else ""
    if found is None or "(" in before or _QUALIFIER.search(before) or _ELSEWHERE.search(before):
        return ""
    if not _stands_for(found["name"], before):
        return ""
    year = found["year"] or found["after"] or (f"20{found['short']}" if found["short"] else "")
    years = re.findall(rf"\b{_YEAR}\b", before)
    return " ".join(part for part in (found["name"], year or "".join(years[:1])) if part)


def _stands_for(acronym: str, name: str) -> bool:
    """Whether the acronym's capitals are initials of words in the name, in the same order."""
    initials = iter(word[0].lower() for word in re.findall(r"[^\W\d_]\w*", name))
    return all(capital.lower() in initials for capital in acronym if capital.isupper())


def _long_name(text: str) -> str:
    opened = _PARENTHESIS.search(text)
    if opened is None:
        return text
    kept = re.fullmatch(_YEAR, opened["inside"]) or _QUALIFIER.search(opened["inside"])
    return text[: opened.end()] if kept and len(opened["inside"]) <= VENUE_MAX // 2 else text[: opened.start()]


def _bare(text: str) -> str:
    """Returns a conference and year if they are all that a clause contains."""
    if _NOT_YET.search(text) or _ANOTHER_PAPER.search(text):
        return ""
    for clause in _CLAUSES.split(text):
        found = _BARE.fullmatch(clause.strip(" .,;"))
        if found:
            return cut(found["venue"], VENUE_MAX)
        if _FULL_NAME.fullmatch(clause.strip(" .,;")):
            return _short_name(clause)
    return ""
