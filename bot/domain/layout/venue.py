"""Finds the venue where a paper appears, in its comment ("12 pages, accepted at ICML 2026") or journal reference.

Never guesses: "submitted to", "accepted" alone, and statements about another version give no venue. A conference with
its year counts without "accepted" if nothing else is in its clause; how a name is read is in `venue_name`.
"""

import re
from collections.abc import Sequence
from typing import Final

from bot.domain.layout.venue_name import FINDINGS, compose, known_name, read_name, year_of
from bot.domain.layout.venue_table import VenueMention, find_mentions
from bot.domain.layout.venue_unknown import EVENT, VENUE_MAX
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, defuse_mentions

# Not accepted, not accepted yet, or not published by a venue.
_NOT_YET: Final = re.compile(
    r"\b(?:(?:re)?submi(?:t|ssion)\w*|under[\s-]+(?:\w+\s+)?re[iv]+ew|in\s+(?:review|preparation|revision)|pending"
    r"|provisional\w*|conditional\w*|(?:minor|major|under|after|needs?)\s+revisions?|revisions?\s+(?:at|for)|reject\w*"
    r"|unpublished|withdrawn|arxiv|preprints?|target\w*|if|hopefully|committed|planned|planning|aim(?:s|ing)?|intended"
    r"|not\s+(?:yet\s+)?(?:accepted|been|published|peer|reviewed|in|at)|to\s+be\s+(?:considered|reviewed))\b",
    re.IGNORECASE,
)
_UNSURE: Final = re.compile(
    r"\b(?:pending|provisional\w*|conditional\w*|subject\s+to|with\s+(?:minor|major)|withdrawn|retracted)\b",
    re.IGNORECASE,
)
# The sentence is about the venue of another paper or version.
_ANOTHER_PAPER: Final = re.compile(
    r"\b(?:version|abstract|draft|summary|subset|extract|excerpt|parts?|portions?|results?|thesis|chapter)\s+(?:of(?!\s+record)|from)\b"
    r"|\b(?:short(?:er)?|workshop|conference|condensed|poster)\s+version\b|\b(?:based\s+on|builds?\s+(?:up)?on|extend(?:s|ed|ing)?|extension|abridged|companion|follow-?up|supersedes|overlap"
    r"|preliminary|previous(?:ly)?|earlier|prior|initial(?:ly)?|supplement\w*\s+(?:to|for|of)|erratum|comment\s+on|reply\s+to)\b",
    re.IGNORECASE,
)
_WORK: Final = (
    r"(?:paper|article|manuscript|work|submission|contribution|study|letter|preprint|pre-print|report|talk|poster|demo)"
)
_WORK_KIND: Final = (
    r"(?:long|short|full|regular|conference|journal|workshop|research|invited|survey|review|demo|tool|camera[- ]ready)"
)
_COUNTS: Final = (
    r"(?:\(?\d+(?:\s*\+\s*\d+)?\s*-?(?:pages?|pp\.?|pgs?|figures?|figs?\.?|tables?|tabs?\.?|appendi\w+)\)?[\s,.]*)"
)
# What may precede "accepted at" in its clause if the clause is about this paper.
_THIS_PAPER: Final = re.compile(
    rf"{_COUNTS}*+(?:v\d+\s+)?(?:(?:to\s+)?match(?:es|ing)?(?:\s+with)?(?:\s+|\Z)|agrees\s+with(?:\s+|\Z)|corresponds\s+to(?:\s+|\Z)|identical\s+to(?:\s+|\Z)|same\s+as(?:\s+|\Z))?"
    rf"(?:pre-?print\s+of\s+)?(?:(?:the|an?|this|our|my|authors?['’]?s?|final|revised|author)\s+)*+(?:{_WORK_KIND}\s+)*+"
    rf"(?:(?:{_WORK}|version(?:\s+of\s+record\s+of\s+this\s+contribution)?|it|we|and|has|have|had|been|is|was|are|were|will|be|recently"
    r"|already|just|now|also|got|finally|round\s+\d|early|officially)\s*)*+",
    re.IGNORECASE,
)
_AS: Final = (
    rf"(?:\s+(?:as|for)\s+(?:an?\s+|the\s+)?(?:[\w-]+\s+){{0,3}}?(?:{_WORK}|oral|spotlight|highlight|presentation))?"
)
_STATEMENT: Final = re.compile(
    rf"""\b(?:
        (?:ac{{1,2}}[ec]{{0,2}}[ea]p?c?t{{1,2}}(?:ed|ance)?|accpeted) (?:\s+{_WORK})?
            (?:\s+(?:for|to|as)\s+(?:oral\s+|poster\s+)?(?:publication|presentation|inclusion|proceedings))?
            (?:\s+and\s+(?:presented|published))? (?:\s+to\s+(?:appear|be\s+(?:published|presented)))?
            {_AS} (?:\s*\([^()]{{1,30}}\))?
            (?:\s*:|\s+(?:at|to|by|in|for|on|with|into)\b:?
              |(?P<weak>\s*[,–—@-]\s*|\s+(?:an?\s|as\s)?\s*)(?=(?:IEEE\s|ACM\s|IEEE/CVF\s)?[A-Z][\w&/-]*[A-Z0-9]))
      | (?:to|will)\s+(?:appear|be\s+(?:published|presented)) {_AS} (?:\s*:|\s+(?:at|in|on|as\s+part\s+of)\b:?)
      | (?:published|accepted|final|journal)\s+version \s+(?:in|at|to\s+appear\s+in|accepted\s+(?:by|in))\b
      | (?:published(?:\s+open[-\s]access)?|appeared|appears?|in\s+press) {_AS} (?:\s*:|\s+(?:at|in)\b:?)
      | published\s+as(?=\s+(?:[A-Z][a-z]*\.|PR[A-Z]\b|JHEP|JCAP|ApJ|MNRAS))
      | to\s+appear[,:](?=\s+[A-Z])
      | presented {_AS} \s+at\b
      | camera[-\s]ready (?:\s+version)? \s+(?:for|of)\b
      | in\s+(?:the\s+)?proc(?:eedings|\.)\s+of\b
      | \Aproceedings\s+of\b
      | in\s+proceedings(?=\s+[A-Z][\w&+-]{{0,40}}[A-Z][\w&+-]{{0,40}}+\s+(?:19|20)\d\d\b)
    )\s*""".replace(r"\s+", r"\s{1,4}").replace(r"\s*", r"\s{0,4}"),  # the text has single spaces, or some for links
    re.IGNORECASE | re.VERBOSE,
)
_CLAUSE_START: Final = re.compile(r"[.;,:(\[/]\s|\s[-–—]\s|[.;,(\[]")
_SENTENCE_START: Final = re.compile(r"[.;]\s")
_SUBMITTED_AND: Final = re.compile(r"\b(?:submitted(?:\s+to)?|reviewed|revised)\s+and\s*", re.IGNORECASE)
_ADMIN_NOTE: Final = re.compile(r"\(?arxiv\s+admin(?:istrator)?\s+note.*", re.IGNORECASE | re.DOTALL)
_URL: Final = re.compile(r"https?:\S+")
_ACL_FINDINGS: Final = re.compile(
    r"\bfindings\s+of\s+(?:the\s+)?(?:association\s+(?:for|of)\s+computational\s+linguistics|acl)(?:\s*+[:,]\s++|\s++)(?=[A-Z]{3,})",
    re.IGNORECASE,
)
_ROLE: Final = re.compile(r"\bas\s+(?:an?\s+|the\s+)?[^,.;]{0,40}")
_GLUED: Final = re.compile(r"((?<!\d)(?:19|20)\d\d\)?)\.(?=[^\W_])(?!\d\d?\.)")
# A citation of the paper itself: "Noether, E. (1918). …".
_CITATION: Final = re.compile(r"[^\W\d_][\w'’-]+,?\s+[A-Z]\.")
_LEADING: Final = re.compile(
    r"\A(?:(?:the|an?|publication\s+in|proc(?:eedings|\.)?(?:\s+of)?|journal(?!\s+of\b)|in:?|at)\s+)+", re.IGNORECASE
)
_PROCEEDINGS: Final = re.compile(
    r"\b(?:conf\w*|proc|proceedings|symposium|symp|workshops?|meeting|congress)\b", re.IGNORECASE
)


def venue(comment: str | None, journal_ref: str | None) -> str:
    """Returns the name of the venue as plain text; empty if neither text clearly states one."""
    return _venue_in_journal_ref(journal_ref or "") or _venue_in_comment(comment or "")


def _venue_in_journal_ref(journal_ref: str) -> str:
    reference = _LEADING.sub("", defuse_mentions(tex_to_text(journal_ref)))
    if _NOT_YET.search(reference) or _CITATION.match(reference) or not any(char.isalpha() for char in reference):
        return ""
    reference = _ACL_FINDINGS.sub("Findings of ", reference)
    is_in_proceedings = _PROCEEDINGS.search(reference) or FINDINGS.match(reference)
    name = read_name(reference, only_known=True) if is_in_proceedings else ""
    return name or cut(reference, VENUE_MAX)


def _venue_in_comment(comment: str) -> str:
    text = _GLUED.sub(r"\1. ", defuse_mentions(tex_to_text(comment)))
    text = _URL.sub(" ; ", _ADMIN_NOTE.sub("", text))
    text = _ACL_FINDINGS.sub("Findings of ", text)
    stated = (_stated_venue(text, found) for found in _STATEMENT.finditer(text))
    return next((name for name in stated if name), "") or _bare(text)


def _stated_venue(text: str, found: re.Match[str]) -> str:
    """Returns the venue of one "accepted at …"; empty unless the clause is about this paper."""
    sentence = _SENTENCE_START.split(text[: found.start()])[-1]
    clause = _SUBMITTED_AND.sub("", _CLAUSE_START.split(text[: found.start()])[-1]).strip()
    if _ANOTHER_PAPER.search(sentence) or _NOT_YET.search(re.sub(r"(?i)pre-?prints?", "", clause)):
        return ""
    if _NOT_YET.search(found[0]) or not _THIS_PAPER.fullmatch(clause):
        return ""
    after = text[found.end() :]
    if _UNSURE.search(_SENTENCE_START.split(after)[0]):
        return ""
    following = _STATEMENT.search(text, found.end())
    name = read_name(
        text[found.end() : following.start()] if following else after, only_known=found["weak"] is not None
    )
    role = _ROLE.search(_SENTENCE_START.split(after)[0])
    said = f"{clause} {found[0]} {role[0] if role else ''}"
    return "" if _NOT_YET.search(name) else cut(_as_event(name, said), VENUE_MAX)


def _as_event(name: str, said: str) -> str:
    """Adds to the conference what the paper is there: a workshop paper, a demo, in the Findings."""
    if not name or EVENT.search(name) or FINDINGS.search(name):
        return name
    if FINDINGS.search(said):
        return f"{name} Findings"
    event = EVENT.search(said)
    return f"{name} {event['kind'].capitalize()}" if event else name


# --- conferences without a statement -----------------------------------------------------------

_SENTENCES: Final = re.compile(r"[.;|!]\s|[.;!]\Z|\]\s*")
_CLAUSES: Final = re.compile(r",\s*|\s[-–—]\s|:\s|\s/\s|:\Z")
_MENTION: Final = re.compile("\x00(\\d+)\x00")
_FILLER: Final = re.compile(
    r"(?:(?<!\d)(?:19|20)\d\d(?!\d)|['’]\d\d\b|(?<=\s)-[12]\d\b|[\s()\[\]'’\"“”*:–—/-]|\d+(?:st|nd|rd|th)\b|\b(?:oral|spotlight|highlight|poster|paper|main"
    r"|conference|findings|fingdings|track|camera|ready|version|accepted|accept|presentation|long|short|full|regular|proceedings|proc|of"
    r"|the|at|in|on|to|for|as|by|an?|appear|final|early|official|best|award|candidate|nominee|finalist|resource|reproducibility|ads|annual|international|ieee|acm|cvf|ieee/cvf"
    r"|aaai|siggraph|and|datasets?|benchmarks?|papers?|research|technical|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
    r"|tenth|[a-z]+teenth|symposium|meeting|journal|workshops?|(?:industry|survey|position(?:\s+paper)?|applied\s+data\s+science|d&b)(?=\s+track))\b)*+",
    re.IGNORECASE,
)
_ACCEPT: Final = re.compile(r"\baccept", re.IGNORECASE)
_BEFORE_ACCEPTED: Final = re.compile(r"\b(?:pre-?print|code\s+for)\b", re.IGNORECASE)
_SHORT_YEAR: Final = re.compile(r"-\d\d(?=\s*(?:\Z|[,;:.()]|oral|poster|spotlight|main))", re.IGNORECASE)
_YEAR_FIRST: Final = re.compile(r"\s*(?:19|20)\d\d(?!\d)")
_IN_PARENTHESES: Final = re.compile(r"\([^()]*\)")
_COUNTS_ONLY: Final = re.compile(
    rf"(?:{_COUNTS}|(?:[\s().+&]|\d++|\b(?:pages?|figures?|figs?|tables?|appendix|appendices|references?|and|with|in|total|including|main"
    r"|paper|text|supplement\w*|materials?|plus|algorithms?|equations?|latex|preprint|long|short|full|camera|ready|v\d+)\b))*+\Z",
    re.IGNORECASE,
)
_JOURNAL_ACCEPTED: Final = re.compile(
    "\\A[\\s(]*\x00(\\d+)\x00[\\s,:(-]*(?:(?:19|20)\\d\\d[)\\s,:-]*)?(?:accepted|in\\s+press)\\b(?!\\s+(?:with|if|pending|subject))",
    re.IGNORECASE,
)
_IS_EVENT: Final = re.compile(r"orkshop|[A-Z]W\b|Findings")
_FIRST_COUNTS: Final = re.compile(rf"\A{_COUNTS}+", re.IGNORECASE)
_PRESENTED_AT: Final = re.compile(
    r"\A(?:(?:oral|spotlight|poster|best|paper|presentation|award)\s+)+(?:at|in)\s+(?:the\s+)?", re.IGNORECASE
)
_LOWER_CASE_CLAUSE: Final = re.compile(r",\s+(?=[a-z])")
_NO_WORKSHOP_PAPER: Final = re.compile(
    r"\b(?:challenge|competition|report|from|solution|code|track|presented|cup|winner|rank\w*|place|held|reviews?)\b",
    re.IGNORECASE,
)


def _bare(text: str) -> str:
    """Returns a known venue and its year if they are all that a clause contains."""
    last = max((found.start() for found in _ACCEPT.finditer(text)), default=0)
    if _NOT_YET.search(_BEFORE_ACCEPTED.sub("", text[:last]) + text[last:]) or _ANOTHER_PAPER.search(text):
        return ""
    names = (_bare_in_sentence(sentence) for sentence in _SENTENCES.split(text))
    name = next((name for name in names if name), "")
    # "CVPR 2026. The winner of the NTIRE challenge" may be about an event.
    return cut(name, VENUE_MAX) if not EVENT.search(text) or _IS_EVENT.search(name) else ""


def _bare_in_sentence(sentence: str) -> str:
    mentions = find_mentions(sentence)
    if not mentions:
        return ""
    if EVENT.search(sentence) and not any(mention.suffix for mention in mentions):
        return _bare_event(sentence)
    masked = _masked(sentence, mentions)
    accepted = _JOURNAL_ACCEPTED.match(masked)
    if accepted and not mentions[int(accepted[1])].venue.is_conference:
        return known_name(sentence[: mentions[int(accepted[1])].end])
    clauses = _CLAUSES.split(masked)
    number = next((number for number, clause in enumerate(clauses) if not _COUNTS_ONLY.match(clause)), 0)
    found = _MENTION.search(clauses[number])
    if found and _FILLER.fullmatch(_rest(clauses[number], mentions[int(found[1])])):
        return _bare_name(sentence, clauses[number], clauses[number + 1 :], mentions)
    return ""


def _rest(clause: str, mention: VenueMention) -> str:
    """Returns what a clause contains besides names; "CVPRW 2026 (MUV)" may name the workshop in parentheses."""
    rest = _SHORT_YEAR.sub("", _MENTION.sub(" ", clause))
    return _IN_PARENTHESES.sub(" ", rest) if mention.suffix else rest


def _bare_name(sentence: str, clause: str, following: Sequence[str], mentions: Sequence[VenueMention]) -> str:
    """Returns the venue of a clause that contains nothing else; it must have a year."""
    inside = [mentions[int(number)] for number in _MENTION.findall(clause)]
    statement = _unmasked(clause, sentence, mentions)
    if following and _YEAR_FIRST.match(following[0]):
        statement += f", {following[0]}"
    if following and FINDINGS.search(following[0]):
        statement += " Findings"
    dated = any(year_of(sentence, mention, adjacent=True) for mention in inside) or re.search(r"(?:19|20)\d\d", clause)
    return known_name(statement) if dated else ""


def _bare_event(sentence: str) -> str:
    """Returns the workshop of "ReALM-GEN Workshop ICLR 2026"."""
    head = _LOWER_CASE_CLAUSE.split(_FIRST_COUNTS.sub("", sentence).strip(" ,."))[0]
    head = _PRESENTED_AT.sub("", head)
    if "orkshop" not in head or _NO_WORKSHOP_PAPER.search(head) or not head[:1].isalnum():
        return ""
    host = next((each for each in find_mentions(head) if each.venue.is_conference), None)
    year = "" if host is None else year_of(head, host, adjacent=True) or year_of(head, host, adjacent=False)
    return "" if host is None or not year else compose(head, host, year)


def _masked(sentence: str, mentions: Sequence[VenueMention]) -> str:
    """Replaces each mention by its number, so that commas within names do not end clauses."""
    parts: list[str] = []
    end = 0
    for number, mention in enumerate(mentions):
        parts += [sentence[end : mention.start], f"\x00{number}\x00{mention.year}"]
        end = mention.end
    return "".join([*parts, sentence[end:]])


def _unmasked(clause: str, sentence: str, mentions: Sequence[VenueMention]) -> str:
    def written(found: re.Match[str]) -> str:
        mention = mentions[int(found[1])]
        return sentence[mention.start : mention.end]

    return _MENTION.sub(written, clause).strip(" \"“”'[]")
