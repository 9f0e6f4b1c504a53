"""Text that cannot be a keyword is answered with what to do instead; text that can is left alone."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.keyword import Keyword, split_keywords
from bot.domain.unsupported import unsupported_syntax, without_ending_wildcards

_LONGEST_MAX_S = 0.1

OR = "`OR` isn't supported. Separate the keywords with commas instead: "
AND = "`AND` isn't supported. Use one phrase, such as "
EXCLUDED = "Words can't be excluded. Use a more specific phrase"
LEAVE_OUT = "Keywords match titles and abstracts anyway, so use "
AUTHORS = "Keywords match titles and abstracts, not authors."
IDS = "Keywords match titles and abstracts, not ids of papers. Use a phrase from the title of "
NARROWS = "A category only narrows a keyword. Add one in front of it, as in "
BRACKETS = "Put the category in brackets at the end: "
ONE_CATEGORY = "Use one category per keyword, separated by commas: "
COMMAS = "Separate keywords with commas: "
WILDCARDS = "Wildcards aren't supported."
ADDRESSES = "Keywords match titles and abstracts, not web addresses."
DOIS = "Keywords match titles and abstracts, not DOIs."

# Separated by " , ".
POSSIBLE = r"""
reward model , search and rescue , trick or treat , AND gate , controlled NOT gate , optical AND gates ,
OR-tools , XOR , R&D , Q&A , AT&T , TCP/IP , AdS/CFT , C++ , c++ + x , C# , A* search , Q* , RRT* ,
; llm , llm ; , reward* , reward* model , **reward model** ,
*bold* @everyone , K-theory of C*-algebras , GPT-4o , BERT [MASK] , agents [CS.cl] , f[a, b] ,
math , physics , cs , 3.14 , 1234.5678 , Llama 3.1 , node.js , .NET , U.S. policy , x-ray , p-adic ,
What is attention? , AI: a survey , "reward model" , graph "neural" network , author disambiguation ,
state of the art , O(n) , SO(3) , $\pi_0$ , |ψ⟩ , 1e-4 , 2024 , arXiv , ti , ∇ , the , ~ , -x
"""


def starts(typed: str, reply: str) -> None:
    actual = unsupported_syntax(typed)
    assert actual is not None
    assert actual.startswith(reply)


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("reward model OR RLHF", f"{OR}`reward model, RLHF`."),
        ("a b OR c OR d", f"{OR}`a b, c, d`."),
        ("(llm OR vlm) AND agent", f"{OR}`llm, vlm agent`."),
        ("llm AND (agent OR tool)", f"{OR}`llm agent, tool`."),
        ('"reward model" OR "RLHF"', f"{OR}`reward model, RLHF`."),
        ("llm | agent", f"{OR}`llm, agent`."),
        ("llm || agent", f"{OR}`llm, agent`."),
        ("llm AND agent", f"{AND}`llm agent`"),
        ('"llm" AND "agent"', f"{AND}`llm agent`"),
        ("llm AND agent [cs.CL]", f"{AND}`llm agent [cs.CL]`"),
        ("llm && agent", f"{AND}`llm agent`"),
        ("+llm +agent", f"{AND}`llm agent`"),
        ("llm AND", f"{AND}`llm`"),
        ("llm NOT survey", f"{EXCLUDED} than `llm`"),
        ("llm ANDNOT survey", f"{EXCLUDED} than `llm`"),
        ("llm AND NOT survey", f"{EXCLUDED} than `llm`"),
        ("llm -survey", f"{EXCLUDED} than `llm`"),
        ("NOT survey", f"{EXCLUDED}, or"),
        ("C++ OR Rust", OR + "`C++, Rust`."),
        ("llm AND C++", AND + "`llm C++`"),
        ("+C++ +rust", AND + "`C++ rust`"),
        ("&&", "`AND` isn't supported. Use one phrase, or narrow"),
    ],
)
def test_operators_are_answered_with_their_replacement(typed: str, reply: str) -> None:
    starts(typed, reply)


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("cs.CL", f"{NARROWS}`agents [cs.CL]`."),
        ("CS.cl", f"{NARROWS}`agents [cs.CL]`."),
        ("[cs.CL]", f"{NARROWS}`agents [cs.CL]`."),
        ("(astro-ph.co)", f"{NARROWS}`agents [astro-ph.CO]`."),
        ("quant-ph", f"{NARROWS}`agents [quant-ph]`."),
        ("cs.*", f"{NARROWS}`agents [cs]`."),
        ("cat:cs.CL", f"{NARROWS}`agents [cs.CL]`."),
        ("cat:cs.*", f"{NARROWS}`agents [cs]`."),
        ("category: stat.ml", f"{NARROWS}`agents [stat.ML]`."),
        ("cat:nonsense", f"{NARROWS}`agents [cs.CL]`."),
        ("cs.CL cs.LG", f"{NARROWS}`agents [cs.CL]`."),
        ("cs.CL agents", f"{BRACKETS}`agents [cs.CL]`."),
        ("agents #cs.CL", f"{BRACKETS}`agents [cs.CL]`."),
        ("agents in [cs.CL]", "Leave out the last word: `agents [cs.CL]`."),
        ("agents in cs.CL", f"{BRACKETS}`agents [cs.CL]`."),
        ("language agents (cs.cl)", f"{BRACKETS}`language agents [cs.CL]`."),
        ("agents [cs.CL, cs.LG]", f"{ONE_CATEGORY}`agents [cs.CL], agents [cs.LG]`."),
        ("agents [cs.CL OR cs.LG]", f"{ONE_CATEGORY}`agents [cs.CL], agents [cs.LG]`."),
        ("[cs.CL|cs.LG]", f"{ONE_CATEGORY}`agents [cs.CL], agents [cs.LG]`."),
        ("cs.XX", "No such arXiv category. Did you mean `cs.SY`"),
    ],
)
def test_category_without_keyword_or_brackets_is_explained(typed: str, reply: str) -> None:
    starts(typed, reply)


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("au:Hinton", AUTHORS),
        ("AU: Hinton", AUTHORS),
        ("author:Geoffrey Hinton", AUTHORS),
        ("au:Hinton_G AND ti:capsule", AUTHORS),
        ("capsules au:Hinton", AUTHORS),
        ("hinton@cs.example.edu", AUTHORS),
        ('ti:"reward model"', f"Leave out `ti:`. {LEAVE_OUT}`reward model`."),
        ('ti:"reward model" AND abs:agent', f"Leave out `ti:`. {LEAVE_OUT}`reward model`."),
        ("abs:agents", f"Leave out `abs:`. {LEAVE_OUT}`agents`."),
        ("all:electron", f"Leave out `all:`. {LEAVE_OUT}`electron`."),
        ("title: graph networks", f"Leave out `title:`. {LEAVE_OUT}`graph networks`."),
        ("ti:", "Leave out `ti:`. Keywords match titles and abstracts anyway."),
        ("co:ICLR", "Keywords match titles and abstracts, not comments, journals or report numbers."),
        ("jr:Nature", "Keywords match titles and abstracts, not comments, journals or report numbers."),
        ("submittedDate:[2020 TO 2024]", "A keyword can't be limited to dates: only new papers are posted."),
        ("year:2024", "A keyword can't be limited to dates: only new papers are posted."),
        ("id_list:1", "Keywords match titles and abstracts, not ids of papers."),
    ],
)
def test_field_prefixes_are_answered_with_their_replacement(typed: str, reply: str) -> None:
    starts(typed, reply)


@pytest.mark.parametrize(
    "typed",
    [
        "2401.12345",
        "2401.12345v2",
        "arXiv:2401.12345v3",
        "[2401.12345]",
        "https://arxiv.org/abs/2401.12345",
        "id:2401.12345",
        "http://www.arxiv.org/abs/2401.12345v1",
        "arxiv.org/pdf/2401.12345v1.pdf",
        "https://arxiv.org/html/2401.12345v2",
        "10.48550/arXiv.2401.12345",
        "https://doi.org/10.48550/arXiv.2401.12345",
        "huggingface.co/papers/2401.12345",
        "<https://arxiv.org/abs/2401.12345>",
    ],
)
def test_arxiv_id_is_answered_with_a_link_to_its_paper(typed: str) -> None:
    starts(typed, f"{IDS}<https://arxiv.org/abs/2401.12345> instead.")


@pytest.mark.parametrize(
    ("typed", "arxiv_id"),
    [
        ("0704.0001", "0704.0001"),
        ("hep-th/9901001", "hep-th/9901001"),
        ("math.GT/0309136v1", "math.GT/0309136"),
        ("arXiv:hep-th/9901001", "hep-th/9901001"),
        ("https://arxiv.org/abs/math/0309136", "math/0309136"),
    ],
)
def test_ids_of_older_papers_are_recognised(typed: str, arxiv_id: str) -> None:
    starts(typed, f"{IDS}<https://arxiv.org/abs/{arxiv_id}> instead.")


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("https://doi.org/10.1103/PhysRevLett.1.1", DOIS),
        ("doi:10.1103/x", DOIS),
        ("doi: unknown", DOIS),
        ("10.1038/s41586-021-03819-2", DOIS),
        ("https://example.org", ADDRESSES),
        ("github.com/ada/lib", ADDRESSES),
        ("www.example.org", ADDRESSES),
        ("<#123456789012345678> agents", "A keyword can't contain a mention."),
        ("<@!123456789012345678>", "A keyword can't contain a mention."),
        ("reward model; RLHF", f"{COMMAS}`reward model, RLHF`."),
        ("模型、扩散", f"{COMMAS}`模型, 扩散`."),
        ('"reward model" "RLHF"', f"{COMMAS}`reward model, RLHF`."),
        ("*former", WILDCARDS),
        ("trans*former", WILDCARDS),
        ("wom?n", WILDCARDS),
        ("reward.*", WILDCARDS),
        ("*", WILDCARDS),
        ("reward~2", "Fuzzy search with `~` isn't supported. Use `reward`."),
        ('"reward model"~5', "Fuzzy search with `~` isn't supported. Use `reward model`."),
    ],
)
def test_addresses_separators_and_wildcards_are_explained(typed: str, reply: str) -> None:
    starts(typed, reply)


@pytest.mark.parametrize("typed", ["", *POSSIBLE.replace("\n", " ").strip().split(" , ")])
def test_text_that_can_be_a_keyword_is_not_rejected(typed: str) -> None:
    assert unsupported_syntax(typed) is None


@pytest.mark.parametrize(
    ("typed", "without"),
    [
        ("reward*", "reward"),
        ("reward* models**", "reward models"),
        ("Q*", "Q*"),
        ("RRT*", "RRT*"),
        ("C*-algebra", "C*-algebra"),
        ("*former", "*former"),
        ("*bold* text", "*bold* text"),
    ],
)
def test_wildcards_at_the_end_of_words_are_removed(typed: str, without: str) -> None:
    assert without_ending_wildcards(typed) == without


@given(st.text(max_size=60) | st.text(alphabet='abCO RAND|&-+*~?"()[]:;.,/0149<>#`', max_size=60))
def test_any_text_is_answered_with_one_short_line(typed: str) -> None:
    reply = unsupported_syntax(typed)
    assert reply is None or (len(reply) < 300 and "\n" not in reply and reply[-1] in ".?")


@given(st.from_regex(re.compile(r"[a-z]{2,8}( [a-z]{2,8}){0,4}"), fullmatch=True))
def test_lower_case_phrases_are_never_rejected(typed: str) -> None:
    assert unsupported_syntax(typed) is None
    if not typed.endswith(" in"):  # "graphs in [cs.CL]" is answered with a better spelling
        assert unsupported_syntax(f"{typed} [cs.CL]") is None


def test_suggested_keywords_can_be_keywords() -> None:
    for typed in ("reward model OR RLHF", "llm AND agent", "agents [cs.CL OR cs.LG]", 'ti:"reward model"'):
        reply = unsupported_syntax(typed)
        assert reply is not None
        for suggested in re.findall("`([^`]+)`", reply)[1:]:
            assert [unsupported_syntax(each) for each in suggested.split(", ")] == [None] * len(suggested.split(", "))
            assert Keyword.parse(suggested.split(", ")[0]).tokens


def test_only_the_beginning_of_a_long_text_is_checked() -> None:
    assert unsupported_syntax("llm OR vlm" + " agent" * 1000) is not None
    assert unsupported_syntax("agent " * 1000 + "llm OR vlm") is None


@pytest.mark.parametrize("unit", ["__a__", "α_1", "ﷺ"])
def test_text_of_the_longest_option_is_answered_quickly(unit: str) -> None:
    typed = unit * (6000 // len(unit))
    start = time.process_time()
    unsupported_syntax(typed)
    split_keywords(typed)
    assert time.process_time() - start < _LONGEST_MAX_S
