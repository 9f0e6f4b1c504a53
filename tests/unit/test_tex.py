"""Converting TeX in papers to text."""

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.tex.convert import tex_to_text
from bot.domain.text import collapse
from tests.support.recordings import ARXIV_ANSWERS, recorded_files

FORMULAS = {
    r"$B^0_s \to \mu^+\mu^-$": "B⁰ₛ → μ⁺μ⁻",
    r"$\mathcal{O}(\alpha_s^2)$": "𝒪(αₛ²)",
    r"$n^{1/2+o(1)}$": "n^(1/2+o(1))",
    r"$10^{-3}$": "10⁻³",
    r"$10^-3$": "10⁻³",
    r"\(10^{10}\) steps": "10¹⁰ steps",
    r"\[x^2\] holds": "x² holds",
    r"so $$x^2$$ holds": "so x² holds",
    r"CO$_2$ and C$_{6}$H$_5^+$": "CO₂ and C₆H₅⁺",
    r"$0.60^{+0.31}_{-0.33}$": "0.60⁺⁰·³¹₋₀.₃₃",
    r"$\chi_{p}=0.5$": "χₚ=0.5",
    r"$f_{\rm NL}$ and $f^{\rm loc}_{\rm NL}$": "f_NL and fˡᵒᶜ_NL",
    r"$f_{NL}b$": "f_(NL)b",
    r"$x_{i,j}$": "x_(i,j)",
    r"$x_q^Q$": "x_q^Q",
    r"$x^{(a,b)}$": "x^(a,b)",
    r"$2^{\log n}$": "2^(log n)",
    r"$x^{homologous}$": "x^homologous",
    r"$x^{}y_{}$": "xy",
    r"$M_\odot$ and $R_{\star} $.": "M⊙ and R⋆.",
    r"$x^*$, $A^\dagger$, $f'$, $30^\circ$": "x*, A†, f′, 30°",
    r"$0 \le α, β\le 1/8$": "0 ≤ α, β ≤ 1/8",
    r"$z\sim 7$, $\sim20\%$ ($\gtrsim 5$)": "z ∼ 7, ∼20% (≳5)",
    r"$4.3\times10^6M_\odot$": "4.3×10⁶M⊙",
    r"$-1$ but $\text{low-dim}$ and $\rm X-ray$": "−1 but low-dim and X-ray",
    r"$\tilde{O}(\varepsilon^{-20})$-query": "Õ(ε⁻²⁰)-query",
    r"$\bar{x}_{\rm HI}$, $\overline{AB}$, $\widehat{long}$": "x̄_HI, A̅B̅, long",
    r"$\tilde Θ(\sqrt{n})$": "Θ̃(√n)",
    r"$\sqrt{x+y}$, $\sqrt[3]{x}$, $\sqrt[n]{2}$, $\sqrt[ab,]{2}$": "√(x+y), ∛x, ⁿ√2, ab, √2",
    r"$\frac{1}{2n-2}$, $\frac{\alpha^2}{\beta}$, $\frac12$, $\frac{q^4}{2}$": "1/(2n−2), α²/β, 1/2, q⁴/2",
    r"$\frac{n}{\log n}$, $\frac{a+b}{(c+d)}$, $\frac{1}{2n}x$": "n/(log n), (a+b)/(c+d), 1/(2n) x",
    r"$\frac{1}{2}x$ and $3\frac{1}{2}^2$": "1/2 x and 3 1/2²",
    r"$f\colon\mathbb R^n\to\mathbb R$": "f: ℝⁿ → ℝ",
    r"$\mathfrak{sl}_2$, $\mathbb{C}$, $\mathbb{1}$, $\mathcal{Tool}$, $\mathscr{é}$": "𝔰𝔩₂, ℂ, 𝟙, Tool, é",
    r"${\cal O}(1)$": "𝒪(1)",
    r"$\mathrm{GL}_6(F)$": "GL₆(F)",
    r"$\mathrm{cm^{3}\,s^{-1}}$": "cm³ s⁻¹",
    r"$\nabla f(\mathbf{x})/\|\nabla f(\mathbf{x})\|$": "∇f(x)/‖∇f(x)‖",
    r"$O(n\log(1/\varepsilon))$": "O(n log(1/ε))",
    r"$\sqrt{\log x}\log\log x$": "√(log x) log log x",
    r"$\operatorname*{argmax} f$, $\operatorname{rank}A$": "argmax f, rank A",
    r"$\max\left\{a,b\right\}$": "max{a,b}",
    r"$\left.x\right|_0$": "x|₀",
    r"$\left( a \right)$": "(a)",
    r"$a \not\in B$, $a \not= b$, $\not$": "a ∉ B, a ≠ b,",
    r"$d\equiv 1 \pmod p$": "d ≡ 1 (mod p)",
    r"$\binom{n}{k}$": "(n choose k)",
    r"$|\psi\rangle$, $\ket{0}$, $\abs{x}$, $\norm{v}_2$": "|ψ⟩, |0⟩, |x|, ‖v‖₂",
    r"$A \xrightarrow{f} B$": "A −f→ B",
    r"$\{1, \dots, n\}$": "{1, …, n}",
    r"$U\backslash N'$": "U∖N′",
    r"$10{,}000$": "10,000",
    r"$a~b&c$": "a b c",
    r"$\Tr{x}\foo{y}\foo{}z$": "Tr xy foo z",
    r"$a\quad b\!c\;d$": "a bc d",
    r"$}x{$": "x",
    r"$\text{a $x^2$ b}$": "a x² b",
    r"$\begin{aligned}a&=b\\c\end{aligned}$": "a = b c",
    r"the $ x $and y$ z$": "the x and y z",
    r"$\sum_{n\le x} a_n$": "∑_(n≤x) aₙ",
}
PROSE = {
    r"Erd\H{o}s--R\'enyi": "Erdős–Rényi",
    r"Poincar\'e, Poincar\'{e}, Poincar{\'e}, Poincar\'{\i}": "Poincaré, Poincaré, Poincaré, Poincarí",
    r"G\"odel, \"{o}, K{\"a}hler, \^o, \~n, \=a, \.z, \`e": "Gödel, ö, Kähler, ô, ñ, ā, ż, è",
    r"\v{C}ech, \c{c}, \c c, \u{g}, \k{a}, \r{u}, \d{s}": "Čech, ç, ç, ğ, ą, ů, ṣ",
    r"S{\o}ren, S\o ren, \L{}ukasiewicz, \O, \ss, \ae on": "Søren, Søren, Łukasiewicz, Ø, ß, æon",
    r"\'{oe}x": "óex",
    r"94.4\%": "94.4%",
    r"A\&B \#1 a\_b \{x\} \$5": "A&B #1 a_b {x} $5",
    r"\textbf{bold} \emph{em} \textsc{Sc} \texttt{tt}": "bold em Sc tt",
    r"\textbf{bold \emph{both}} $\texttt{Foo}$": "bold both Foo",
    r"\href{https://a.b/c_d}{our text}": "our text (https://a.b/c_d)",
    r"\url{https://a.b/c_d~e--f}": "https://a.b/c_d~e--f",
    r"see https://a.b/x_{y} now": "see https://a.b/x_y now",
    r"\textcolor{red}{hot} \label{eq:1}now": "hot now",
    r"text\footnote{a note}": "text (a note)",
    r"ACT+{\it Planck}+, {\bf very} \it so": "ACT+Planck+, very so",
    r"\ourmodel{} is \ourmodel and \ourcolour{red}": "ourmodel is ourmodel and red",
    r"{BERT, GPT} but {LSTM}s and {B}ayes": "{BERT, GPT} but LSTMs and Bayes",
    "an open { brace } and another } or {": "an open { brace } and another } or {",
    "4~eV, Theorems~1, ~450, of (~3) and a/~user": "4 eV, Theorems 1, ~450, of (~3) and a/~user",
    "pages 1--3 --- or so, with --flag and a -- b": "pages 1–3 — or so, with --flag and a – b",
    "-- x ---- y": "– x ---- y",
    "``quoted'' text": "“quoted” text",
    "``half a quote and f''": "“half a quote and f”",
    "a lone `` here": "a lone `` here",
    "f'' and `x`": "f'' and `x`",
    "P^n, 10^-8, |U_{e3}|^2, x_1, snake_case, ^5": "Pⁿ, 10⁻⁸, |Uₑ₃|², x_1, snake_case, ^5",
    r"\pm 3000 K, \alpha-decay, \to": "± 3000 K, α-decay, →",
    r"a\\b \ c": "a b c",
    r"\| \* \' \" \~{} \c 1": "| * ' \" ~ c 1",
    r"broken \[ and \( and \) and \left": "broken [ and and and",
    "ends in \\": "ends in \\",
    "a {\\'": "a {'",
    r"\frac{1}{2} of it": "1/2 of it",
    r"\c": "c",
    "Caf\u0065\u0301": "Café",
    "  two\n lines ": "two lines",
    "": "",
}
MONEY = [
    "$10 and $20",
    "between $5M and $10M",
    "$35,000 in total",
    "costs $5 ($4 net)",
    "$10/$20",
    "from $10 to $20 million",
    "$5-$10",
    "$",
    "$$ and $$",
    "$ $",
    "A$ is a dollar and US$ too",
    "$10 for x_1, $20",
]


@pytest.mark.parametrize(("tex", "text"), FORMULAS.items())
def test_formula_is_converted(tex: str, text: str) -> None:
    assert tex_to_text(tex) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("tex", "text"), PROSE.items())
def test_prose_is_converted(tex: str, text: str) -> None:
    assert tex_to_text(tex) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", MONEY)
def test_amount_of_money_is_unchanged(text: str) -> None:
    assert tex_to_text(text) == text


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("it costs $5 for each $x^2$ we read", "it costs $5 for each x² we read"),
        (r"A $5 $\alpha$-test", "A $5 α-test"),
    ],
)
def test_formula_after_a_price_is_converted(text: str, converted: str) -> None:
    assert tex_to_text(text) == converted


@pytest.mark.parametrize(
    "tex",
    ["{" * 5000, "$" + "{" * 5000 + "x" + "}" * 5000 + "$", "$" + r"\hat" * 5000 + "x$", "$" + "^" * 5000 + "$",
     "$" + r"\frac" * 5000 + "$", "$x$" * 3000, "$1 " * 3000, r"\(" * 3000, "``" * 3000, r"\textbf{" * 3000],
    ids=range(10),
)  # fmt: skip
def test_deep_nesting_does_not_fail(tex: str) -> None:
    assert tex_to_text(tex).count("x") >= (1 if "x" in tex and "frac" not in tex and "text" not in tex else 0)


_PIECES = st.sampled_from(
    [*"aXob1 ,.()[]{}{}{}$$$^_~-'`\"&%#", "\\", r"\alpha", r"\frac", r"\hat", r"\mathcal", r"\c", r"\v",
     r"\text", r"\sqrt", r"\not", r"\left", r"\unknown", r"\'", r"\(", r"\)", r"\[", r"\]", r"\\", "--", "$$", "é"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=40).map("".join) | st.text())
def test_letters_outside_commands_are_kept(tex: str) -> None:
    expected = iter(_letters(re.sub(r"\\[A-Za-z]+", " ", collapse(tex))))
    shown = iter(_letters(tex_to_text(tex)))
    assert all(letter in shown for letter in expected)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_text_is_one_line_in_composed_form(tex: str) -> None:
    text = tex_to_text(tex)
    assert text == unicodedata.normalize("NFC", " ".join(text.split()))
    assert text.isprintable()


def _letters(text: str) -> str:
    """Returns only the letters, normalized across superscripts and alphabets."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if sign.isascii() and sign.isalpha())


@pytest.mark.recordings
def test_recorded_papers_have_no_tex_left() -> None:
    texts = {text: tex_to_text(text) for text in _recorded_texts()}
    assert len(texts) > 500
    left = {text for text in texts.values() if re.search(r"\\[A-Za-z]|\\[^\s]|\$(?!\d)", text)}
    assert left == set()
    lost = [
        text for text, shown in texts.items() if len(_letters(shown)) < len(_letters(re.sub(r"\\[A-Za-z]+", " ", text)))
    ]
    assert lost == []


def _recorded_texts() -> Iterator[str]:
    """Yields title, abstract and comment of every entry; a file may contain two documents, or none."""
    for path in recorded_files(ARXIV_ANSWERS, "*.xml"):
        for document in re.split(r"<\?xml[^>]*>", path.read_text(encoding="utf-8")):
            if not document.strip():
                continue
            feed = ET.fromstring(document)  # noqa: S314 - trusted recordings
            for entry in feed.iter("{http://www.w3.org/2005/Atom}entry"):
                for child in entry:
                    if child.tag.rpartition("}")[2] in ("title", "summary", "comment"):
                        yield child.text or ""
