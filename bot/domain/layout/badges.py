"""What is worth knowing of a paper before it is read, from arXiv's own words about it and from what others make of it.

A paper enters, and what Hugging Face says of it, if anything; its badges leave, the most important first: withdrawn,
venue, survey, pages, votes, code, version. A badge is plain text, to be escaped by whoever shows it. Nothing is
guessed: what is not clearly said has no badge.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.domain.layout.venue import venue
from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.trending.entry import TrendingEntry, abbreviated
from bot.domain.withdrawal import is_withdrawn

_URL_MAX: Final = 200


class BadgeKind(Enum):
    """What a badge tells."""

    WITHDRAWN = "withdrawn"
    VENUE = "venue"
    SURVEY = "survey"
    PAGES = "pages"
    VOTES = "votes"
    CODE = "code"  # as the authors say
    REPOSITORY = "repository"  # as Hugging Face says
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Badge:
    """One thing that is known of a paper: a few plain words, and where they lead, if anywhere."""

    kind: BadgeKind
    text: str
    url: str | None = None


def badges(paper: Paper, trending_entry: TrendingEntry | None = None) -> tuple[Badge, ...]:
    """What is clearly said of the paper, the most important first, each kind at most once."""
    return tuple(_each(paper, trending_entry))


def _each(paper: Paper, trending_entry: TrendingEntry | None) -> Iterator[Badge]:
    if is_withdrawn(paper):
        yield Badge(BadgeKind.WITHDRAWN, "withdrawn")
    if place := venue(paper.comment, paper.journal_ref):
        yield Badge(BadgeKind.VENUE, place)
    if survey := _survey(paper):
        yield Badge(BadgeKind.SURVEY, survey)
    if pages := _pages(tex_to_text(paper.comment or "")):
        yield Badge(BadgeKind.PAGES, pages)
    if trending_entry is not None and trending_entry.votes:
        yield Badge(BadgeKind.VOTES, f"▲ {abbreviated(trending_entry.votes)}", trending_entry.url)
    yield from _code(_code_link(paper), trending_entry)
    if paper.version > 1:
        yield Badge(BadgeKind.VERSION, f"v{paper.version}")


# --- survey ------------------------------------------------------------------------------------

_ADJECTIVES: Final = (
    r"(?:(?:comprehensive|systematic|brief|short|critical|recent|literature|technical|structured|unified|contemporary"
    r"|practical|historical|selective|concise|extensive|thorough|in-depth|deep|broad|gentle|state-of-the-art|scoping"
    r"|narrative|interdisciplinary|multidisciplinary|first|new|updated|current|mini)[\s,-]+(?:and\s+)?)*"
)
# Surveys of people and of the sky are studies of their own.
_OF_PEOPLE: Final = (
    r"(?!\s+(?:of|among|with|on)\s+(?:\w+\s+){0,2}(?:\d|users|people|students|teachers|developers|practitioners|engineers"
    r"|researchers|scientists|physicists|mathematicians|workers|patients|participants|respondents|households|attitudes"
    r"|perceptions|opinions|experts|programmers|maintainers|public))"
)
_SURVEY_TITLE: Final = re.compile(
    rf"(?:\A|[:?!.—–]\s*|\s-\s|\()(?:an?\s+|the\s+)?{_ADJECTIVES}(?P<kind>survey|review)"
    rf"(?:(?=\s*[).]?\Z)|(?=\s+and\s+(?:\w+\s+){{0,3}}(?:taxonomy|outlook|perspectives?|roadmap|directions|challenges))"
    rf"|{_OF_PEOPLE}(?=\s+(?:of|on|about)\s))",
    re.IGNORECASE,
)
_LITERATURE_REVIEW: Final = re.compile(
    r"\b(?:systematic|literature|scoping|narrative)\s+(?P<kind>review|survey)\b(?!er|ing)", re.IGNORECASE
)
_SURVEY_COMMENT: Final = re.compile(
    r"(?:\A|[.,;(]\s*)(?:(?:this\s+is\s+)?an?\s+)?(?:invited\s+|short\s+)?(?P<kind>survey|review)\s+(?:paper|article)\b(?=\W|\Z)"
    r"(?!\s+(?:at|from|by|in)\b)",
    re.IGNORECASE,
)


def _survey(paper: Paper) -> str:
    title = tex_to_text(paper.title)
    found = _LITERATURE_REVIEW.search(title) or _SURVEY_TITLE.search(title)
    found = found or _SURVEY_COMMENT.search(tex_to_text(paper.comment or ""))
    kind = found["kind"].lower() if found else ""
    of_the_sky = kind == "survey" and paper.primary_category.startswith("astro-ph")
    return "" if of_the_sky else kind


# --- pages -------------------------------------------------------------------------------------

_PAGES: Final = re.compile(
    r"(?<![\w.\-–#$~≈])(?<!\d[,:])(?<!pages\s)(?<!pp\.\s)(?P<count>[1-9]\d{0,3}(?:\s?\+\s?[1-9]\d{0,2})?)[\s-]?\s*"
    r"(?:(?:a4|latex|revtex|journal|two-column|double-column|single-column|double-spaced)\s+)?(?:pages?\b|pgs?\b|pp\b)"
    r"(?P<of>,?\s*\(?(?:in\s+)?total(?!\s*:|\s+of)"
    r"|\s+(?:of\s+|for\s+)?(?:the\s+|an?\s+)?(?:(?!incl|excl|and|plus|with)[a-z]+\s+)?"
    r"(?:supp\w*|append\w*|references?|bibliography|SM\b|SI\b))?",
    re.IGNORECASE,
)
_TOTAL_BEFORE: Final = re.compile(r"\b(?:total(?:\s+of|:)?|in\s+total,?|altogether)\s*\Z", re.IGNORECASE)


def _pages(comment: str) -> str:
    """`12 pages`, if the comment gives one number, or says which of them is the total."""
    counts: list[str] = []
    for found in _PAGES.finditer(comment):
        of = (found["of"] or "").lower()
        if of.endswith("total") or _TOTAL_BEFORE.search(comment, 0, found.start()):
            return _counted(found["count"])
        if not of:
            counts.append(found["count"])
    return _counted(counts[0]) if len(set(counts)) == 1 else ""


def _counted(count: str) -> str:
    return "1 page" if count == "1" else f"{''.join(count.split())} pages"


# --- code --------------------------------------------------------------------------------------

_LINK: Final = re.compile(
    r"""(?<![\w/.@-])(?:https?://)?(?:www\.)?(?P<place>
        (?:github\.com|gitlab\.com|codeberg\.org)/[A-Za-z0-9][\w-]*/[A-Za-z0-9_.][\w.-]*(?:/[\w./%+~-]*)?
      | huggingface\.co/(?:(?:datasets|spaces|collections)/)?(?!(?:papers|docs|blog|learn|datasets|spaces|collections)/)
        [A-Za-z0-9][\w.-]*/[A-Za-z0-9_.][\w.-]*
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_HUGGING_FACE: Final = re.compile(r"https://huggingface\.co/", re.IGNORECASE)
_OF_OTHERS: Final = re.compile(
    r"\b(?:we\s+(?:use|used|extend|evaluate|build)|based\s+on|built\s+(?:up)?on|builds\s+(?:up)?on|using|fork(?:ed)?\s+(?:of|from)"
    r"|modified\s+from|from\s+the|taken\s+from|provided\s+by|thanks?)\b[^.;]*\Z",
    re.IGNORECASE,
)
_OF_OURS: Final = re.compile(
    r"\b(?:codes?|implementations?|repositor(?:y|ies)|repo|software|source|scripts?|package|library|toolkit|open-?sourced?"
    r"|models?|weights|checkpoints?|datasets?|data|benchmarks?|project|github|available|released?|publicly|artifacts?)\b",
    re.IGNORECASE,
)


def _code(link: str, trending_entry: TrendingEntry | None) -> Iterator[Badge]:
    """The authors' own link, with the stars of what is behind it; what Hugging Face knows where they link no code."""
    listed = "" if trending_entry is None else _code_home(trending_entry.code_url or "")
    stars = "" if trending_entry is None or not trending_entry.stars else f" ★ {abbreviated(trending_entry.stars)}"
    of_authors = "" if _HUGGING_FACE.match(link) else link
    if link:
        same = _repository(link) == _repository(listed)
        yield Badge(BadgeKind.CODE, f"code{stars if same else ''}" if of_authors else "Hugging Face", link)
    if listed and not of_authors:
        yield Badge(BadgeKind.REPOSITORY, f"code{stars}", listed)


def _code_home(url: str) -> str:
    """The address as we would write it, if it leads to a known home of code: it is a stranger's."""
    found = _LINK.fullmatch(url)
    link = "" if found is None else f"https://{found['place'].rstrip('.-/').removesuffix('.git')}"
    return "" if _HUGGING_FACE.match(link) or len(link) > _URL_MAX else link


def _repository(link: str) -> tuple[str, ...]:
    """Host, owner and name, by which a link into a repository is known to lead there."""
    return tuple(link.removeprefix("https://").casefold().split("/")[:3])


def _code_link(paper: Paper) -> str:
    """Where the authors keep their code: of a comment any link, of an abstract one that is called so."""
    found = [*_links(paper.comment or "", said=False), *_links(paper.abstract, said=True)]
    return min(found, key=lambda link: bool(_HUGGING_FACE.match(link)), default="")


def _links(text: str, *, said: bool) -> Iterator[str]:
    unescaped = text.replace("\\_", "_").replace("\\%", "%").replace("\\#", "#")
    for found in _LINK.finditer(unescaped):
        sentence = re.split(r"[.;]\s", unescaped[max(0, found.start() - 200) : found.start()])[-1]
        link = "https://" + found["place"].rstrip(".-/")
        ours = not _OF_OTHERS.search(sentence) and (not said or _OF_OURS.search(sentence))
        if ours and len(link) <= _URL_MAX:
            yield link.removesuffix(".git")
