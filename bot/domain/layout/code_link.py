"""Finds the link to the authors' own code in a paper's comment and abstract.

A link in the comment counts unless the comment says that others' code is there; a link in the abstract only if the
abstract says that it is the authors'. The link ends where the address does: not with the next sentence's first word.
"""

import re
from collections.abc import Iterator
from typing import Final

from bot.domain.paper import Paper

_URL_MAX: Final = 200

# Hosts of code. Zenodo is left out: its links mostly lead to data, and its addresses do not tell.
_LINK: Final = re.compile(
    r"""(?:(?<![/@=&?%-])https?:\s?//\s?|(?<![\w/.@-]))(?:www\.)?(?P<address>
        (?:github\.com|codeberg\.org|bitbucket\.org|gitee\.com|(?:gitlab|gite)\.(?:com|inria\.fr|cern\.ch|in2p3\.fr|cnrs\.fr
          |ethz\.ch|epfl\.ch|desy\.de|mpcdf\.mpg\.de|lrz\.de|kitware\.com|(?:[a-z]+\.)?[a-z]+\.(?:edu|ac\.uk)))
        /[A-Za-z0-9][\w-]*/[A-Za-z0-9_.][\w.-]*(?:/[\w./%+~-]*)?
      | huggingface\.co/(?:(?:datasets|spaces|collections)/)?(?!(?:papers|docs|blog|learn|datasets|spaces|collections)/)
        [A-Za-z0-9][\w.-]*/[A-Za-z0-9_.][\w.-]*
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_HUGGING_FACE: Final = re.compile(r"https://huggingface\.co/", re.IGNORECASE)
# Where the next sentence starts inside an address: "…/thing.Warning: …", "…/thing.We show", "…/thing.10 pages".
_NEXT_SENTENCE: Final = re.compile(r"\.(?:[A-Z][a-z]*|[A-Z]{2,}|https?|\d+)\Z")
_FIRST_WORDS: Final = frozenset(
    [
        "A",
        "Additional",
        "Additionally",
        "All",
        "Also",
        "An",
        "And",
        "CCS",
        "Caution",
        "Code",
        "Codes",
        "Comments",
        "Content",
        "Data",
        "Dataset",
        "Datasets",
        "Demo",
        "Disclaimer",
        "Experiments",
        "For",
        "Homepage",
        "In",
        "It",
        "Key",
        "Keywords",
        "Model",
        "Models",
        "More",
        "Note",
        "Our",
        "Page",
        "Please",
        "Project",
        "Results",
        "See",
        "Supplementary",
        "The",
        "These",
        "This",
        "To",
        "Version",
        "Video",
        "Warning",
        "We",
        "Website",
    ]
)
_BEFORE_MAX: Final = 200
_ESCAPED: Final = re.compile(r"\{\\(_)\}|\\([_%#&])|\\-")
_SENTENCE: Final = re.compile(r"[.;!?](?:\s|\Z)")
_SENTENCE_CONTINUES: Final = re.compile(r"\A(?:\s*+:|\s++[a-z]|://)")
_YEAR: Final = re.compile(r"\A\s++(?:19|20)\d\d\b")
_COUNTED: Final = re.compile(r"\A\s*+-?(?:pages?|pp|figures?|tables?)\b", re.IGNORECASE)
# The texts before and after a link to which these are applied are shorter than the repetitions.
_CODE_OF_OTHERS: Final = re.compile(
    r"\b(?:we\s+(?:use|used|extend|evaluate|adopt|adapt|compare|fork|modify|modified|employ|follow|test|analy[sz]e|study|build\s+(?:up)?on)"
    r"|based\s+on|built\s+(?:up)?on|builds?\s+(?:up)?on|using|fork(?:ed)?\s+(?:of|from)|adapted\s+from|compared?\s+(?:to|with)|such\s+as"
    r"|modified\s+from|from\s+the|taken\s+from|provided\s+by|(?:code|repository|implementation)\s+of\s+(?-i:[A-Z])\w*|original(?:ly)?|e\.g\.|thanks?)(?!\w)[^.;]{0,200}+\Z",
    re.IGNORECASE,
)
_CODE_NOUN: Final = (
    r"(?:codes?|codebase|implementations?|repository|repo|software|scripts?|package|library|toolkit|framework|models?|weights"
    r"|checkpoints?|datasets?|data|benchmarks?|artifacts?|project)"
)
# "Our code, based on PyTorch, is available at …".
_RELEASED: Final = re.compile(
    rf"(?:\A\W*(?:(?:all|our|the|source|full|complete|python|training|evaluation)\s+)*{_CODE_NOUN}\b"
    rf"|\bour\s+(?:[\w-]+\s+){{0,3}}{_CODE_NOUN}\b)[^;]{{0,200}}\b(?:available|released|found|hosted|accessible|published|at|on)\b"
    r"[^.;,]{0,60}\Z"
    r"|\b(?:we|and|will)\s+(?:also\s+|will\s+|publicly\s+|openly\s+){0,40}+(?:release|provide|open-?source|publish|share|make)\b[^.;]{0,200}+\Z",
    re.IGNORECASE,
)
_DIRECTLY_OF_OTHERS: Final = re.compile(
    r"\b(?:based\s+on|built\s+(?:up)?on|builds?\s+(?:up)?on|fork(?:ed)?\s+(?:of|from)|(?:adapted|modified|taken|borrowed)\s+from"
    r"|thanks\s+to|compared?\s+(?:to|with)|extends?|using)\s++(?:[\w-]++\s++){0,3}+[(:]?+\s*+\Z",
    re.IGNORECASE,
)
# "We present FastLib (https://…)", and a link that is a sentence.
_PRESENTED: Final = re.compile(
    r"\A\W*+\Z|\b(?:we|this\s+(?:paper|work|article))\s+(?:present|introduce|propose|release|develop|describe)s?\b[^.;]{0,200}[(\[:]\s*+\Z",
    re.IGNORECASE,
)
_OWN_CODE: Final = re.compile(
    r"\b(?:codes?|implementations?|repositor(?:y|ies)|repo|software|source|scripts?|package|library|toolkit|open-?sourced?"
    r"|models?|weights|checkpoints?|datasets?|data|benchmarks?|project|github|available|released?|publicly|artifacts?"
    r"|homepage|website|demo|codebase|accessible|reproduc\w+|open[\s-]source|toolbox|downloaded|link|visit|see)\b",
    re.IGNORECASE,
)


def code_link(paper: Paper) -> str:
    """Returns the link to the authors' own code: any link in the comment, or one that the abstract calls code."""
    links = [*_links(paper.comment or "", must_mention_code=False), *_links(paper.abstract, must_mention_code=True)]
    return min(links, key=is_hugging_face, default="")


def normalized_code_url(url: str) -> str:
    """Returns the URL in the form of this module's own links; empty unless it leads to a known code host."""
    found = _LINK.fullmatch(url)
    link = "" if found is None else f"https://{found['address'].rstrip('.-/').removesuffix('.git')}"
    return "" if is_hugging_face(link) or len(link) > _URL_MAX else link


def is_hugging_face(link: str) -> bool:
    """Whether a link of this module leads to Hugging Face."""
    return bool(_HUGGING_FACE.match(link))


def _links(text: str, *, must_mention_code: bool) -> Iterator[str]:
    unescaped = _ESCAPED.sub(r"\1\2", text)
    for found in _LINK.finditer(unescaped):
        before = _SENTENCE.split(unescaped[max(0, found.start() - _BEFORE_MAX) : found.start()])[-1]
        link = "https://" + _address(found["address"], unescaped[found.end() : found.end() + 20])
        if _is_own(before, must_mention_code=must_mention_code) and len(link) <= _URL_MAX:
            yield link.removesuffix(".git")


def _address(address: str, after: str) -> str:
    """Returns the address without punctuation at its end, and without the first word of the next sentence."""
    glued = _NEXT_SENTENCE.search(address)
    if glued:
        word = glued[0][1:]
        is_acronym = len(word) > 1 and word.isupper() and word not in _FIRST_WORDS
        following = _COUNTED if word.isdigit() else _YEAR if is_acronym else _SENTENCE_CONTINUES
        if following.match(after) or word in _FIRST_WORDS:
            address = address[: glued.start()]
    return address.rstrip(".-/")


def _is_own(before: str, *, must_mention_code: bool) -> bool:
    """Whether the sentence in front of a link says that the authors' own code is there."""
    if _DIRECTLY_OF_OTHERS.search(before):
        return False
    if _RELEASED.search(before):
        return True
    mentioned = not must_mention_code or _OWN_CODE.search(before) or _PRESENTED.search(before)
    return bool(mentioned) and not _CODE_OF_OTHERS.search(before)
