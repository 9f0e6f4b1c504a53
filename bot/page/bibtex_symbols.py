"""Tables for BibTeX: the TeX of Unicode characters, and the commands that a formula may contain.

They are commands of LaTeX, amsmath and amssymb. No command here reads or writes a file, or
defines anything.
"""

from collections.abc import Mapping
from typing import Final

from bot.domain.tex.convert import tex_to_text


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Symbols of LaTeX itself. Where two print the same character, the first one is used for it.
_LATEX_SYMBOLS: Final = _words(
    """
    varepsilon epsilon alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
    varphi phi chi psi omega vartheta varpi varrho varsigma Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    leq geq le ge neq ne ll gg sim simeq approx cong equiv propto asymp doteq prec succ preceq succeq in ni owns notin
    subset subseteq supset supseteq sqsubseteq sqsupseteq mid parallel perp vdash dashv models bowtie smile frown
    to rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow longrightarrow longleftarrow gets
    longleftrightarrow Longrightarrow Longleftarrow Longleftrightarrow iff mapsto longmapsto hookrightarrow
    hookleftarrow uparrow downarrow updownarrow Uparrow Downarrow Updownarrow nearrow searrow swarrow nwarrow
    rightharpoonup rightharpoondown leftharpoonup leftharpoondown rightleftharpoons
    times pm mp div cdot ast star circ bullet cap cup uplus sqcap sqcup vee wedge lor land setminus wr diamond
    oplus ominus otimes oslash odot bigcirc dagger ddagger amalg triangleleft triangleright bigtriangleup
    bigtriangledown sum prod coprod int oint bigcap bigcup bigsqcup bigvee bigwedge bigodot bigotimes bigoplus biguplus
    infty partial nabla forall exists neg lnot emptyset aleph hbar ell wp Re Im imath jmath prime angle top bot
    surd triangle flat natural sharp clubsuit diamondsuit heartsuit spadesuit backslash
    langle rangle lfloor rfloor lceil rceil lbrace rbrace lbrack rbrack vert Vert ldots cdots vdots ddots dots colon
    arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max min
    Pr sec sin sinh sup tan tanh bmod
    """
)
# Symbols of amsmath and amssymb.
_AMS_SYMBOLS: Final = _words(
    """
    lvert rvert lVert rVert dotsc dotsb lesssim gtrsim leqslant geqslant leqq geqq lll ggg lessgtr gtrless lesseqgtr
    gtreqless precsim succsim lessapprox gtrapprox precapprox succapprox preccurlyeq succcurlyeq curlyeqprec
    curlyeqsucc eqsim approxeq thicksim thickapprox backsim backsimeq bumpeq Bumpeq doteqdot triangleq circeq eqcirc
    varpropto subseteqq supseteqq subsetneq supsetneq Subset Supset sqsubset sqsupset nless ngtr nleq ngeq nsim ncong
    nmid nparallel nvdash nvDash nVdash nVDash nsubseteq nsupseteq nprec nsucc nexists nleftarrow nrightarrow
    nLeftarrow nRightarrow nleftrightarrow nLeftrightarrow vDash Vdash Vvdash trianglelefteq trianglerighteq
    ntriangleleft ntriangleright vartriangleleft vartriangleright ntrianglelefteq ntrianglerighteq lhd rhd unlhd unrhd
    Join ltimes rtimes leftthreetimes rightthreetimes rightsquigarrow leadsto leftrightsquigarrow upharpoonright
    restriction upharpoonleft downharpoonright multimap rightrightarrows leftleftarrows rightleftarrows
    leftrightarrows upuparrows downdownarrows twoheadrightarrow twoheadleftarrow rightarrowtail leftarrowtail
    circlearrowleft circlearrowright curvearrowleft curvearrowright looparrowleft looparrowright Lsh Rsh Lleftarrow
    Rrightarrow leftrightharpoons boxplus boxminus boxtimes boxdot Box square Diamond lozenge blacksquare
    blacktriangle blacktriangledown blacklozenge triangledown vartriangle bigstar checkmark maltese complement
    varnothing hslash mho eth Bbbk Finv Game beth gimel daleth digamma varkappa measuredangle sphericalangle backprime
    circledS circledast circledcirc circleddash dotplus smallsetminus Cap Cup curlyvee curlywedge veebar barwedge
    doublebarwedge intercal divideontimes therefore because between pitchfork iint iiint iiiint implies impliedby
    varGamma varDelta varTheta varLambda varXi varPi varSigma varUpsilon varPhi varPsi varOmega lessdot gtrdot
    fallingdotseq risingdotseq diagup diagdown ulcorner urcorner llcorner lrcorner injlim projlim varlimsup varliminf
    """
)
SYMBOLS: Final = frozenset(_LATEX_SYMBOLS + _AMS_SYMBOLS)
ACCENTS: Final = frozenset(
    _words(
        """
        grave acute hat tilde bar overline breve dot ddot dddot mathring check underline vec widehat widetilde
        overrightarrow overleftarrow overbrace underbrace
        """
    )
)
# The command of each combining mark in a formula.
MATH_MARKS: Final[Mapping[str, str]] = {
    "\u0300": r"\grave", "\u0301": r"\acute", "\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar",
    "\u0305": r"\overline", "\u0306": r"\breve", "\u0307": r"\dot", "\u0308": r"\ddot", "\u030a": r"\mathring",
    "\u030c": r"\check", "\u0323": r"\underset{.}", "\u0326": r"\underset{,}", "\u0327": r"\underset{,}",
    "\u0328": r"\underset{,}", "\u0331": r"\underline", "\u0332": r"\underline", "\u20d7": r"\vec",
}  # fmt: skip
# Fonts of a formula, with the command that LaTeX, amsmath or amssymb has for it.
MATH_FONTS: Final[Mapping[str, str]] = {
    **{name: name for name in _words("mathrm mathsf mathtt mathit mathbf mathcal mathbb mathfrak mathnormal")},
    "boldsymbol": "boldsymbol", "bm": "boldsymbol", "pmb": "boldsymbol", "mathscr": "mathcal", "mathds": "mathbb",
}  # fmt: skip
# What mathcal and mathbb have: other characters would print something else.
CAPITALS_ONLY: Final = frozenset({"mathcal", "mathbb"})
TEXT_FONTS: Final[Mapping[str, str]] = {
    **{name: name for name in _words("text textrm textbf textit textsf texttt textsc textup textnormal mbox")},
    "hbox": "mbox",
}
OLD_FONTS: Final = frozenset(_words("rm bf it sf tt sl cal"))
NAMES: Final = frozenset({"operatorname", "operatorname*"})
FRACTIONS: Final[Mapping[str, str]] = {
    **{name: name for name in _words("frac dfrac tfrac cfrac binom dbinom tbinom stackrel overset underset")},
    "nicefrac": "frac", "sfrac": "frac",
}  # fmt: skip
SPACES: Final = frozenset(_words(r", ; : ! > quad qquad thinspace")) | {" "}
STYLES: Final = frozenset(_words("displaystyle textstyle scriptstyle scriptscriptstyle"))
SIZES: Final = frozenset(_words("big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm"))
DELIMITERS: Final = frozenset("()[]|/.<>") | {
    "\\" + name
    for name in (
        "|",
        *_words("lbrace rbrace langle rangle lfloor rfloor lceil rceil vert Vert lvert rvert lVert rVert"),
    )
}
# Commands for formatted words in prose.
PROSE_FONTS: Final = frozenset(_words("emph textit textbf texttt textsc textsf textsl"))
OLD_PROSE_FONTS: Final[Mapping[str, str]] = {
    "em": "emph", "it": "textit", "bf": "textbf", "tt": "texttt", "sc": "textsc", "sf": "textsf", "sl": "textsl",
}  # fmt: skip


# Letters without a decomposition. Đ, ð, þ and ŋ need the font encoding T1, as an ogonek (ą) does.
TEXT_LETTERS: Final[dict[str, str]] = {
    "ß": r"{\ss}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}", "Œ": r"{\OE}", "ø": r"{\o}", "Ø": r"{\O}",
    "å": r"{\aa}", "Å": r"{\AA}", "ł": r"{\l}", "Ł": r"{\L}", "ı": r"{\i}", "ȷ": r"{\j}",
    "đ": r"{\dj}", "Đ": r"{\DJ}", "ð": r"{\dh}", "Ð": r"{\DH}", "þ": r"{\th}", "Þ": r"{\TH}",
    "ŋ": r"{\ng}", "Ŋ": r"{\NG}",
}  # fmt: skip
# The TeX of a character in prose.
TEXT: Final[Mapping[str, str]] = TEXT_LETTERS | {
    "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "\\": r"{\textbackslash}",
    "~": r"{\textasciitilde}", "^": r"{\textasciicircum}", "<": r"{\textless}", ">": r"{\textgreater}",
    "|": r"{\textbar}", "“": "``", "”": "''", "‘": "`", "’": "'", "„": ",,", "‚": ",", "–": "--", "—": "---",
    "―": "---", "‐": "-", "‑": "-", "‒": "--", "…": r"{\ldots}", "§": r"{\S}", "¶": r"{\P}", "©": r"{\copyright}",
    "†": r"{\dag}", "‡": r"{\ddag}", "•": r"{\textbullet}", "£": r"{\pounds}", "€": r"{\texteuro}",
    "¥": r"{\textyen}", "¢": r"{\textcent}", "‰": r"{\textperthousand}", "™": r"{\texttrademark}",
    "®": r"{\textregistered}", "½": r"{\textonehalf}", "¼": r"{\textonequarter}", "¾": r"{\textthreequarters}",
    "¡": r"{\textexclamdown}", "¿": r"{\textquestiondown}", "ª": r"{\textordfeminine}", "º": r"{\textordmasculine}",
    "¤": r"{\textcurrency}", "¦": r"{\textbrokenbar}",
}  # fmt: skip


def _signs() -> dict[str, str]:
    signs: dict[str, str] = {}
    for name in _LATEX_SYMBOLS + _AMS_SYMBOLS:
        sign = tex_to_text(f"$\\{name}$")
        if len(sign) == 1 and not sign.isascii() and sign not in TEXT_LETTERS:
            signs.setdefault(sign, "\\" + name)
    return signs


# The TeX of a character inside a formula.
MATH: Final[Mapping[str, str]] = _signs() | {
    "{": r"\lbrace", "}": r"\rbrace", "\\": r"\backslash", "µ": r"\mu", "∆": r"\Delta", "ϕ": r"\phi", "ϵ": r"\epsilon",
    "−": "-", "∗": "*", "⋅": r"\cdot", "∙": r"\bullet", "∶": ":", "∕": "/", "⁄": "/", "≔": ":=", "≕": "=:",
    "ο": "o", "′": "'", "″": "''", "‴": "'''", "°": r"^\circ", "☉": r"\odot", "⟂": r"\perp",
    "⟶": r"\longrightarrow", "⟵": r"\longleftarrow", "⟷": r"\longleftrightarrow", "⟹": r"\Longrightarrow",
    "⟺": r"\Longleftrightarrow", "⟼": r"\longmapsto", "〈": r"\langle", "〉": r"\rangle", "●": r"\bullet",
    "«": r"\ll", "»": r"\gg", "‹": "<", "›": ">", "ƛ": r"\bar{\lambda}", "∛": r"\sqrt[3]{}", "∜": r"\sqrt[4]{}",
}  # fmt: skip
# The accent command of each combining mark in prose.
TEXT_MARKS: Final[Mapping[str, str]] = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0328": "k",
    "\u0326": "textcommabelow", "\u0331": "b",
}  # fmt: skip
# Parts of Unicode's names for the alphabets of mathematics, with the font of each.
ALPHABETS: Final[Mapping[str, str]] = {
    "DOUBLE-STRUCK": "mathbb", "FRAKTUR": "mathfrak", "BLACK-LETTER": "mathfrak", "SCRIPT": "mathcal",
    "MONOSPACE": "mathtt", "SANS-SERIF": "mathsf", "BOLD": "mathbf",
}  # fmt: skip
