"""Reads arXiv ids as people paste them: ids, links to arXiv and to sites about its papers, DOIs, citations.

A version is left out, and so is the subject class of an old id (`math.GT/0309136`): arXiv's own ids have none. It never
looks a paper up, so that an id that it returns need not exist.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final
from urllib.parse import unquote

from bot.domain.paper import ArxivId
from bot.domain.text import cut
from bot.domain.words import plain
from bot.runtime.errors import InvalidPaperId

_EXAMPLE: Final = "such as `2403.01234`"
_SHOWN_MAX: Final = 60
# How many ids a reply to several of them names.
_NAMED_MAX: Final = 3

# Archives that had ids of the form archive/YYMMNNN, until March 2007 (arXiv/arxiv-base, taxonomy).
_ARCHIVES: Final = """
    acc-phys adap-org alg-geom ao-sci astro-ph atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas cond-mat cs dg-ga
    funct-an gr-qc hep-ex hep-lat hep-ph hep-th math-ph math mtrl-th nlin nucl-ex nucl-th patt-sol physics plasm-ph
    q-alg q-bio quant-ph solv-int supr-con
"""
_VERSION: Final = r"(?:v[0-9]{1,4})?(?![0-9A-Za-z])"
_CANDIDATE: Final = re.compile(
    rf"(?<![0-9])(?<![0-9]\.)(?P<yymm>[0-9]{{4}})\.(?P<number>[0-9]{{3,7}}){_VERSION}(?!\.[0-9])"
    rf"|(?<![0-9A-Za-z-])(?P<archive>{'|'.join(_ARCHIVES.split())})(?:\.[a-z]{{2}})?/(?P<old>[0-9]{{7}}){_VERSION}",
    re.IGNORECASE,
)
_WITHOUT_PERIOD: Final = re.compile(r"(?:arxiv\s{0,3}:?\s{0,3})?([0-9]{4})[ ,_/:-]?([0-9]{4,5})", re.IGNORECASE)
_OTHER_DOI: Final = re.compile(r"(?<![0-9.])10\.(?!48550/)[0-9]{4,9}/\S+")
_LINK: Final = re.compile(
    r"https?:|(?<![\w@-])(?:www\.|[\w-]{1,63}\.(?:com|org|net|io|ai|edu|gov|co)(?:/|\Z))", re.IGNORECASE
)
_ARXIV_PAGE: Final = re.compile(r"(?<![\w-])arxiv\.org/", re.IGNORECASE)
# arXiv, its mirrors, and sites that have pages about its papers under their ids.
_PAPER_SITE: Final = re.compile(
    r"(?<![\w-])(?:arxiv\.org|xxx\.lanl\.gov|alphaxiv\.org|ar5iv\.org|huggingface\.co|hf\.co|scirate\.com|arxiv-vanity\.com"
    r"|semanticscholar\.org|emergentmind\.com|doi\.org|paperswithcode\.com|scholar\.google\.com|inspirehep\.net)[/:?]",
    re.IGNORECASE,
)
_CITED: Final = re.compile(r"(?<![0-9A-Za-z])(?:10\.48550/)?arxiv(?P<sign>[.:])\s{0,3}", re.IGNORECASE)
# What stands around a link in Markdown and in sentences.
_AROUND: Final = re.compile(r"[<>()\[\]{}|\"'`*]")
_MONTHS: Final = range(1, 13)


def parse_paper_id(typed: str) -> ArxivId:
    """Returns the only arXiv id in the text; raises InvalidPaperId with one sentence if there is not exactly one."""
    text = _readable(typed)
    candidates = list(_CANDIDATE.finditer(_OTHER_DOI.sub(" ", text)))
    found = list(dict.fromkeys(arxiv_id for each in candidates if isinstance(arxiv_id := _read(each), ArxivId)))
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(f"`{arxiv_id}`" for arxiv_id in found[:_NAMED_MAX])
        more = f" and {len(found) - _NAMED_MAX} more" if len(found) > _NAMED_MAX else ""
        raise InvalidPaperId(f"Give one paper; this text contains {len(found)}: {named}{more}.")
    raise InvalidPaperId(next((str(_read(each)) for each in candidates), "") or _problem(text))


def canonical_id(arxiv_id: ArxivId) -> ArxivId:
    """Returns the id without the subject class that an old id can have: `math/0309136` for `math.GT/0309136`."""
    archive, slash, number = arxiv_id.value.partition("/")
    return ArxivId(f"{archive.partition('.')[0]}/{number}") if slash else arxiv_id


def find_paper_ids(text: str, limit: int) -> tuple[ArxivId, ...]:
    """Returns the arXiv ids in a message, in their order, each once, at most `limit`.

    Numbers that only resemble an id are left out: an id counts in a link to a site with papers, after `arXiv:`, with an
    archive, or if it has five digits, as all have since 2015.
    """
    return tuple(islice(dict.fromkeys(_ids_in_message(_readable(text))), limit))


def _readable(text: str) -> str:
    """Returns the text without invisible characters, Markdown and percent encoding; full-width digits are digits."""
    for _ in range(2):  # a link inside another one is encoded twice
        text = unquote(text, errors="ignore") if "%" in text else text
    return plain(_AROUND.sub(" ", text))


def _read(candidate: re.Match[str]) -> ArxivId | str:
    """Returns the id, or why there is none of this form."""
    if candidate["old"]:
        year, month = int(candidate["old"][:2]), int(candidate["old"][2:4])
        yymm = f"{19 if year > 90 else 20}{candidate['old'][:4]}"
        if month not in _MONTHS or not "199107" <= yymm <= "200703":
            return f"{_shown(candidate[0])} is not an arXiv id: old ids begin with year and month, 9107 to 0703."
        return ArxivId(f"{candidate['archive'].lower()}/{candidate['old']}")
    yymm, number = candidate["yymm"], candidate["number"]
    if int(yymm[2:]) not in _MONTHS:
        return f"{_shown(candidate[0])} is not an arXiv id: ids begin with year and month; {yymm[2:]} is not a month."
    if yymm < "0704" or yymm[0] == "9":
        return f"{_shown(candidate[0])} is not an arXiv id: ids of this form begin in April 2007, with 0704."
    digits = 5 if yymm >= "1501" else 4
    if len(number) != digits:
        since = "since 2015" if digits == 5 else "until 2014"
        return f"{_shown(candidate[0])} is not an arXiv id: {since}, ids have {digits} digits after the period."
    return ArxivId(f"{yymm}.{number}")


def _problem(text: str) -> str:
    """Returns what to do instead with a text that contains nothing like an id."""
    if not text:
        return f"Give an arXiv id or a link to a paper, {_EXAMPLE}."
    if joined := _WITHOUT_PERIOD.fullmatch(text.strip(" .,;:!?")):
        return f"{_shown(text)} is not an arXiv id. Did you mean `{joined[1]}.{joined[2]}`?"
    if _OTHER_DOI.search(text):
        return (
            "Only arXiv's own DOIs contain an arXiv id (`10.48550/arXiv.…`). Give the paper's id or its link on arXiv."
        )
    if _ARXIV_PAGE.search(text):
        return f"This link does not lead to a paper. Give the link of a paper's page, or its id, {_EXAMPLE}."
    if _LINK.search(text):
        return f"This link contains no arXiv id. Give the paper's link on arXiv, or its id, {_EXAMPLE}."
    return f"{_shown(text)} is not an arXiv id or a link to a paper. To find papers by words, use `/latest`."


def _shown(text: str) -> str:
    return f"`{cut(text, _SHOWN_MAX)}`"


def _ids_in_message(text: str) -> Iterator[ArxivId]:
    for token in _CITED.sub(r" arxiv\g<sign>", text).split():
        is_cited = _CITED.match(token) is not None or _PAPER_SITE.search(token) is not None
        if not is_cited and _LINK.search(token):
            continue
        for candidate in _CANDIDATE.finditer(_OTHER_DOI.sub(" ", token)):
            arxiv_id = _read(candidate)
            if isinstance(arxiv_id, ArxivId) and (is_cited or candidate["old"] or len(candidate["number"]) == 5):
                yield arxiv_id
