"""What authors write on arXiv that is not plain TeX: by kind, with the texts that look alike but stay as they are."""

import time
import unicodedata

import pytest

from bot.domain.tex.convert import tex_to_text

_LONG_TEXT_MAX_S = 5

OPERATORS = {
    r"an $m\times m$ grid": "an m×m grid",
    r"$a \times b$ and $a\times b$": "a × b and a×b",
    r"$m \times\! m$": "m × m",
    r"$\times 3$, $5\times$": "×3, 5×",
    r"$5\times 10^{-3}$": "5×10⁻³",
    r"$f\circ g$, $f \circ g$": "f∘g, f ∘ g",
    r"$A\otimes_R B$, $\oplus_i V_i$": "A ⊗_R B, ⊕ᵢ Vᵢ",
    r"$A\cup B$, $A\cap  B$": "A∪B, A∩B",
    r"$A\setminus B$, $A \setminus B$": "A∖B, A ∖ B",
    r"$a\cdot b$, $a \cdot \beta \cdot c$": "a·b, a · β · c",
    r"$(\cdot , \cdot)$, $\|\cdot\|$, $f(x, \cdot)$": "(·, ·), ‖·‖, f(x, ·)",
    r"$\pm 3$, $5\pm 3$, $= \pm 3$, $(\pm 1)$": "±3, 5±3, = ±3, (±1)",
    r"$a_1\cdots a_n$, $x_1+\cdots +x_n$": "a₁⋯aₙ, x₁+⋯+xₙ",
    r"$1, \ldots , n$": "1, …, n",
    r"$P(a\mid b)$, $P(a\vert b)$": "P(a | b), P(a|b)",
    r"$x \sim_k y$, $a\leq_T b$": "x ∼ₖ y, a ≤_T b",
    r"$x= 5$, $x =5$, $x=5$, $a -> b$": "x = 5, x = 5, x=5, a −> b",
    r"$a- b$, $a+ b$, $(-1)$, $x, -y$, $a -b$": "a − b, a + b, (−1), x, −y, a −b",
    r"$\mathbb{R}^{n\times m}$": "ℝ^(n×m)",
    r"$\mathrm{a \to b}$ and \mathrm{a \to b}": "a → b and a → b",
    r"$x\land y$, $x \lor y$, $\lnot x$": "x ∧ y, x ∨ y, ¬x",
    r"$s \gt 2$, $s\lt 2$": "s > 2, s < 2",
    r"$a \bmod b$, $a\bmod b$, a \bmod b": "a mod b, a mod b, a mod b",
    r"$a\equiv b\pmod p$, $a \pod{n}$, $a \mod (n)$": "a ≡ b (mod p), a (n), a mod (n)",
}
FUNCTIONS = {
    r"$\log_2 n$ bits, $\max_x f$": "log₂ n bits, maxₓ f",
    r"$\log _2 n$, $\log_{10}(x)$, $\log^2 n$": "log₂ n, log₁₀(x), log² n",
    r"$\max_{x \in X} f(x)$, $\arg\min_\theta L$": "max_(x∈X) f(x), arg min_θ L",
    r"$\sin^2 \theta$, $\exp (x)$, $\ln \left( x \right)$": "sin² θ, exp(x), ln(x)",
    r"$\lim\limits_{x\to 0} f$, $\inf_{x}\sup_{y} g$": "lim_(x→0) f, infₓ sup_y g",
    r"$\operatorname{Tr}_A \rho$, $\mathop{\rm argmax}_x f$": "Tr_A ρ, argmaxₓ f",
    r"$\sum _{i} x_i$, $x _i ^2$, $p + ^3He$, $ ^{12}$C": "∑ᵢ xᵢ, xᵢ², p + ³He, ¹²C",
    r"$\Delta t$, $2\pi r$, $\alpha \beta \gamma$": "Δt, 2πr, αβγ",
    r"$\langle \sigma v \rangle$, $\log \alpha x$, $\nu \Delta u$": "⟨σv⟩, log αx, νΔu",
    r"$K \pi \pi$, $\alpha + b$, $\Gamma (s)$": "K π π, α + b, Γ(s)",
    r"$\alpha \text{ and } \beta$, $E_\gamma x$": "α and β, Eᵧ x",
    r"$\forall x \in X$, $\partial_t u$": "∀x ∈ X, ∂ₜ u",
}
DELIMITERS = {
    r"$\langle f, g\rangle$, $\left\langle f \right\rangle$": "⟨f, g⟩, ⟨f⟩",
    r"$\lfloor x \rfloor$, $\lceil n/2 \rceil$": "⌊x⌋, ⌈n/2⌉",
    r"$\lvert x \rvert$, $\lVert x \rVert_2$": "|x|, ‖x‖₂",
    r"$\left| x \right|$, $\left\| x \right\|$, $\| x \|$": "|x|, ‖x‖, ‖x‖",
    r"$\braket{a|b}$, \braket{\psi}": "⟨a|b⟩, ⟨ψ⟩",
    r"$|\uparrow\rangle$, $|\uparrow\downarrow\rangle$, $\Bbb R$": "|↑⟩, |↑↓⟩, ℝ",
    r"$\{ a, b \}$, $\left[ 0, 1 \right]$": "{a, b}, [0, 1]",
    r"$D(P \| Q)$, $P(a | b)$, $x \in ]0, 1[$": "D(P ‖ Q), P(a | b), x ∈ ]0, 1[",
    r"$[\rm Fe/H]$, ${\rm [Fe/H]}$, [\rm Fe/H]": "[Fe/H], [Fe/H], [Fe/H]",
}
QUOTES = {
    'the ``lazy" mode': "the “lazy” mode",
    "so called `cold' starts": "so called ‘cold’ starts",
    "the ''burn-in'' phase": "the “burn-in” phase",
    "\"quoted'' x, ``x'' y, `x'' y, ``x`` y": "“quoted” x, “x” y, “x” y, “x” y",
    "``a `b' c'', ``a `b'''": "“a ‘b’ c”, “a ‘b’”",
    "```a' b''": "“‘a’ b”",
    "``a `b c'' and `d\" e": "“a `b c” and “d” e",
    "“x\" y, “x'' y, ,,x'' y, ,,x`` y": "“x” y, “x” y, “x” y, “x” y",
    "``lazy' mode": "“lazy” mode",
    "`don't look', (`x'), `x'-like, `f(x)'": "‘don't look’, (‘x’), ‘x’-like, ‘f(x)’",
    "the ``best \"inner\" result'' is": 'the “best "inner" result” is',
    "`` spaced ''": "“ spaced ”",
    "`x´ and ``x´´ and ``x”": "‘x’ and “x” and “x”",
}
NOT_QUOTES = [
    "rock 'n' roll, '90s, 5'10\", f'(x) and g''(x)",
    "don't, the dogs' owners, 3'' wide, 'b' and \"b\"",
    'the "straight" one',
    "`code` and `more`, and O`Neil's",
    "`code` is the students' own",
    "a lone ` here and there's",
    "`" + "a" * 130 + "' x",
    "``" + "a" * 500 + "' x",
]
CITATIONS = {
    r"follows the usual setup~\cite{doe2024fast}, and": "follows the usual setup, and",
    r"on SetA\cite{key1}, SetB\cite{key2}": "on SetA, SetB",
    r"as \citep[see][p.~3]{a,b} and \citet*{c}.": "as and.",
    r"x (\cite{c}) y [\cite{d}], (see \cite{f}) z (e.g., \cite{g})": "x y, z",
    r"X\cite{a}\cite{b}, \cite{c}, \cite{d} end": "X end",
    r"(\cite{a}, 2020) by~\cite{b}'s rule, X\cite{c}-based": "(2020) by's rule, X-based",
    r"\cite{a} shows, Fig.~\ref{fig:x}, Eq.~(\eqref{e}) \cite": "shows, Fig., Eq. cite",
    r"$x^{\cite{a}}$, Refs.~\cite{a}--\cite{b}": "x, Refs.",
}
UNITS = {
    r"at $40\,$K and $2.5\,$dB": "at 40 K and 2.5 dB",
    r"$40~$K, $40\;$K, $40\ $K, $40\,\rm K$, $40{\rm\,K}$": "40 K, 40 K, 40 K, 40 K, 40 K",
    r"40$\,$K, 5$\,\mu$m, $5\,\mu$m, 40\,K, 40~K": "40 K, 5 μm, 5 μm, 40 K, 40 K",
    r"$1.5\,$$\mu$m, $40\mathrm{\,K}$, 40\hspace{1mm}K": "1.5 μm, 40 K, 40 K",
    r"(at $40\,$), $40\,$. $5\,$--10, ($\,5$)": "(at 40), 40. 5–10, (5)",
    r"\SI{5}{\km}, $\qty{10}{\GHz}$, \SI[x=1]{3}{nm}, \SI{5}{}": "5 km, 10 GHz, 3 nm, 5",
    r"$\qty{x}$, \SI units": "x, SI units",
    r"5\GeV, $5\GeV$, 200\kms, 8\micron": "5 GeV, 5 GeV, 200 km s⁻¹, 8 µm",
    r"a\hspace{-1mm}b": "ab",
}
MACROS = {
    r"from 40\degr\ to 55$\degr$, at 8 \micron": "from 40° to 55°, at 8 µm",
    r"$0\farcs5$, 0\farcs 5, 1\farcm2, 2\fdg3, 1\fh5": "0″.5, 0″.5, 1′.2, 2°.3, 1ʰ.5",
    r"0.5$^{\prime\prime}$, 0$\farcs$5": "0.5″, 0″.5",
    r"$0\farcm 5$, 5007\AA, $5\AA$, \Ion{H}{i}": "0′.5, 5007 Å, 5 Å, H I",
    r"\ensuremath{H_0}, $\ensuremath{x_1}$, \texorpdfstring{$\alpha$}{a}-stable": "H₀, x₁, α-stable",
    r"\textquotedblleft x\textquotedblright": "“x”",
    r"5\arcsec, 5\arcmin, 40\deg, $40\deg$": "5″, 5′, 40°, 40°",
    r"$2\deg f$, $\deg f$, $\fm$": "2 deg f, deg f, fm",
    r"\ion{H}{ii} regions, [\ion{O}{iii}], \ion{Fe}{2}, $\ion{C}{iv}$": "H II regions, [O III], Fe II, C IV",
    r"\ion{He}{I}\ line, H\,{\sc ii}, [O\,\textsc{iii}]": "He I line, H II, [O III]",
    r"$10^6\Msun$, $M_{\sun}$, R$_{\earth}$, \Msun\ stars": "10⁶ M⊙, M☉, R⊕, M⊙ stars",
    r"200 \kms, 200~\kms, $200\,\kms$": "200 km s⁻¹, 200 km s⁻¹, 200 km s⁻¹",
    r"\apj, \mnras\ and \LaTeX": "ApJ, MNRAS and LaTeX",
    r"20\textsuperscript{th}, H\textsubscript{2}O, \thanks{x}": "20ᵗʰ, H₂O, (x)",
}
BRACES = {
    r"a set of 12{,}500 images, 12{.}5, 1{,}234{,}567": "a set of 12,500 images, 12.5, 1,234,567",
    r"Bounds on {$g(A, B)$} theories": "Bounds on g(A, B) theories",
    "{Deep Learning} for {BERT}: a 3{D}, {{LLM}}": "Deep Learning for BERT: a 3D, LLM",
    r"{\em Foo, bar} baz, {Theory, Practice, and X}": "Foo, bar baz, Theory, Practice, and X",
    "{A whole title: with words, and more}": "A whole title: with words, and more",
    "{" + "a, " * 80 + "b} c": "a, " * 80 + "b c",
    r"{$a$, $b$} and {x | x > 0} and {0,1}^n and { brace }": "{a, b} and {x | x > 0} and {0,1}ⁿ and { brace }",
    "{BERT, GPT}, {key: value}, {one two three four, x}": "{BERT, GPT}, {key: value}, one two three four, x",
}
CODE_POINTS = {
    r"a primitive$\unicode{x2014}$the strongest": "a primitive—the strongest",
    r"\unicode{x2014} $\unicode{8211}$ $\unicode[Times]{X2014}$ \unicode{U+2014}": "— – — —",
    r"don$\unicode{x27}$t, $1$ $\unicode{x212B}$, caf\unicode{xe9}": "don't, 1 Å, café",
    r"$a\unicode{x2264}b$, \unicode{xB0}": "a ≤ b, °",
    r"a\unicode{xD800}\unicode{x6}\unicode{zz}\unicode{9999999}b": "ab",
    r"\unicode x and \href": "x and",
}
RANGES = {
    "between 2~3 times faster, 90~95% fewer": "between 2~3 times faster, 90~95% fewer",
    r"90\%~95\%, 10K~20K, $2~3$, 1.5~1.8x": "90%~95%, 10K~20K, 2~3, 1.5~1.8x",
    "Table~1, LLaMA-2~7B, 10~000, (4,~4), 3~months": "Table 1, LLaMA-2 7B, 10 000, (4, 4), 3 months",
}
SCRIPTS = {
    r"the $^{12,13}$C nuclei": "the ^(12,13)C nuclei",
    r"$x^{a,b}$c, $x_{1,2}$, ^{6,7}Li, $^{12}$C": "x^(a,b)c, x_(1,2), ^(6,7)Li, ¹²C",
    "K-theory of C^*-algebras": "K-theory of C*-algebras",
    "K^+ and e^- with `--flag` and a^+b": "K⁺ and e⁻ with `--flag` and a^+b",
    r"C^{*}-algebras, A^*(G), C^†, W^\ast, 30^\circ": "C*-algebras, A*(G), C†, W*, 30°",
    r"$K^{*0}$ and $D^{*+}$, $d^{p^*}$": "K*⁰ and D*⁺, d^(p*)",
    r"T_\mathrm{eff}, M_\odot": "T_eff, M⊙",
    r"a \underline{Li}ght \underline{D}ecoder": "a Light Decoder",
    r"$\underline{x}$, $\underline{L}$ight, $\underline{\text{Li}}$ght": "x̲, Light, Light",
}
DOLLARS = {
    "seen $in situ$ and remotely": "seen in situ and remotely",
    "redshifts $0.2 < z < 0.5 $ and more": "redshifts 0.2 < z < 0.5 and more",
    "$ab initio$, $Hubble Space Telescope$, $XMM-Newton$": "ab initio, Hubble Space Telescope, XMM-Newton",
    "$3 $ or $n = 10 $.": "3 or n = 10.",
}
NOT_FORMULAS = [
    "costs 5$ and 10$ each",
    "US$ 5 and A$ 6",
    "$5 and $ more",
    "costs $3 - $ 5",
    "$HOME and $PATH",
    "$HOME/bin:$PATH",
    "in $5 (or $6)",
    r"C:\Users\me\file.txt",
    "https://a.b/~user/x_y and /~home, ~450",
]
LINKS = {
    r"Code is \href{https://code.example.org/x}{here}.": "Code is here (https://code.example.org/x).",
    r"\href{https://a.b/c}{https://a.b/c}": "https://a.b/c",
    r"\href{https://a.b/c/}{a.b/c}, \href{https://a.b/c/repo}{repo}": "https://a.b/c/, https://a.b/c/repo",
    r"\href{http://x.y/\%7Eu\_v\~{}w}{\texttt{x}}": "x (http://x.y/%7Eu_v~w)",
    r"$\href{https://a.b/c}{this~https~URL}$, \href{https://a.b}{}": "https://a.b/c, https://a.b",
    r"\href{github.com/x/y}{here}, \href{mailto:a@b.c}{mail}": "here (github.com/x/y), mail (a@b.c)",
    r"\href{javascript:x}{y}, \href[o]{#s}{z}, \hyperref[s]{t}, \hyperlink{a}{u}": "y, z, t, u",
    r"\url{https://a.b/c\_d~e--f}, \url{www.x.y/~u--v}, \url": "https://a.b/c_d~e--f, www.x.y/~u--v, url",
}

_CHANGED = {
    tex: text
    for kind in (
        OPERATORS, FUNCTIONS, DELIMITERS, QUOTES, CITATIONS, UNITS, MACROS, BRACES, CODE_POINTS, RANGES, SCRIPTS,
        DOLLARS, LINKS
    )
    for tex, text in kind.items()
}  # fmt: skip


@pytest.mark.parametrize(("tex", "text"), _CHANGED.items())
def test_kind_of_notation_is_converted(tex: str, text: str) -> None:
    assert tex_to_text(tex) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", [*NOT_QUOTES, *NOT_FORMULAS])
def test_text_that_resembles_notation_is_unchanged(text: str) -> None:
    assert tex_to_text(text) == text


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["``", "''", "'", "`a' ", "`a ", "1~", "{a, ", r"\(", r"\[", r"\cite{a}", r"\cite[a]", r"\href{a}{b}", r"\alpha ",
     r"$\times ", r"\lim\limits", "a^*", r"\unicode{x41}", "$x= $", "( ", "‖ ", r"\, "],
)  # fmt: skip
def test_long_repetition_is_read_in_linear_time(piece: str) -> None:
    """200,000 characters take less than a second; a search to the end of the text for each piece took twelve."""
    for text in (piece * (200_000 // len(piece)), f"${piece * (200_000 // len(piece))}$"):
        started_at_s = time.process_time()
        tex_to_text(text)
        assert time.process_time() - started_at_s < _LONG_TEXT_MAX_S
