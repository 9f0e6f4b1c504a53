"""Text that cannot be a phrase is answered with what to do instead; text that can is left alone."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.keywords import read_keyword
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword
from bot.domain.unsupported import several_categories, unsupported_syntax, without_ending_wildcards

_LONGEST_MAX_S = 0.1

PLUS = "`+` isn't an operator. Use `AND`: "
AUTHOR = 'To follow an author, use a name, as in `au:"Hinton, G"`.'
IDS = "Keywords match titles and abstracts, not ids of papers. Use a phrase from the title of "
EVERY = "For every paper in "
BRACKETS = "Put the category in brackets at the end: "
SEVERAL = "Write several categories as "
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
        ("+llm +agent", f"{PLUS}`llm AND agent`."),
        ("+C++ +rust", f"{PLUS}`C++ AND rust`."),
        ("a +b", f"{PLUS}`a AND b`."),
    ],
)
def test_plus_signs_are_answered_with_the_operator(typed: str, reply: str) -> None:
    starts(typed, reply)


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("cs.CL", f"{EVERY}cs.CL, use `cat:cs.CL`; to narrow a keyword, `agents [cs.CL]`."),
        ("CS.cl", f"{EVERY}cs.CL, use `cat:cs.CL`; to narrow a keyword, `agents [cs.CL]`."),
        ("[cs.CL]", f"{EVERY}cs.CL, use `cat:cs.CL`; to narrow a keyword, `agents [cs.CL]`."),
        ("(astro-ph.co)", f"{EVERY}astro-ph.CO, use `cat:astro-ph.CO`; to narrow a keyword, `agents [astro-ph.CO]`."),
        ("quant-ph", f"{EVERY}quant-ph, use `cat:quant-ph`; to narrow a keyword, `agents [quant-ph]`."),
        ("cs.*", f"{EVERY}cs, use `cat:cs.*`; to narrow a keyword, `agents [cs]`."),
        ("cs.CL cs.LG", f"{EVERY}cs.CL, use `cat:cs.CL`; to narrow a keyword, `agents [cs.CL]`."),
        ("cs.CL agents", f"{BRACKETS}`agents [cs.CL]`."),
        ("agents #cs.CL", f"{BRACKETS}`agents [cs.CL]`."),
        ("agents in [cs.CL]", "Leave out the last word: `agents [cs.CL]`."),
        ("agents in cs.CL", f"{BRACKETS}`agents [cs.CL]`."),
        ("language agents (cs.cl)", f"{BRACKETS}`language agents [cs.CL]`."),
        ("agents [cs.CL, cs.LG]", f"{SEVERAL}`agents AND (cat:cs.CL OR cat:cs.LG)`."),
        ("agents [cs.CL OR math]", f"{SEVERAL}`agents AND (cat:cs.CL OR cat:math.*)`."),
        ("[cs.CL|cs.LG]", f"{SEVERAL}`cat:cs.CL OR cat:cs.LG`."),
        ("cs.XX", "No such arXiv category. Did you mean `cs.SY`"),
    ],
)
def test_category_without_keyword_or_brackets_is_explained(typed: str, reply: str) -> None:
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
        ("hinton@cs.example.edu", AUTHOR),
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
        ("*former", WILDCARDS),
        ("trans*former", WILDCARDS),
        ("wom?n", WILDCARDS),
        ("reward.*", WILDCARDS),
        ("*", WILDCARDS),
        ("reward~2", "Fuzzy search with `~` isn't supported. Use `reward`."),
        ('"reward model"~5', 'Fuzzy search with `~` isn\'t supported. Use `"reward model"`.'),
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
    for typed in ("agents [cs.CL OR cs.LG]", "[cs.CL, math]", "+llm +agent", "cs.CL", "agents #cs.CL", "reward;RLHF"):
        reply = unsupported_syntax(typed)
        assert reply is not None
        for suggested in re.findall("`([^`]{2,})`", reply.removeprefix(PLUS)):
            for each in split_list(suggested):
                assert isinstance(read_keyword(each), Keyword)


def test_keyword_with_one_category_has_not_several() -> None:
    assert several_categories("agents [cs.CL]") is None
    assert several_categories("agents [a, b]") is None


def test_only_the_beginning_of_a_long_text_is_checked() -> None:
    assert unsupported_syntax("+llm" + " agent" * 1000) is not None
    assert unsupported_syntax("agent " * 1000 + "+llm") is None


@pytest.mark.parametrize("unit", ["__a__", "α_1", "ﷺ"])
def test_text_of_the_longest_option_is_answered_quickly(unit: str) -> None:
    typed = unit * (6000 // len(unit))
    start = time.process_time()
    unsupported_syntax(typed)
    split_list(typed)
    assert time.process_time() - start < _LONGEST_MAX_S
