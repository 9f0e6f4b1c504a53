"""Tables of TeX commands, by name without the backslash; the other modules of this package interpret them.

The symbols come from pylatexenc, with replacements where another character is easier to read in an abstract.
"""

import re
from collections.abc import Mapping
from typing import Final

# pylatexenc ships no types; only its table of macros is used, through its public iterator.
from pylatexenc.latex2text import get_default_latex_context_db  # type: ignore[import-untyped]

# Symbols that pylatexenc lacks, or that are hard to read on a small screen. (arXiv itself writes ε and φ for \epsilon
# and \phi.)
_REPLACEMENTS: Final = """
    epsilon ε  phi φ  eth ð  prime ′  bullet •  hbar ℏ  diamond ⋄  blacksquare ■  square □  bigcirc ○
    ne ≠  neg ¬  iff ⇔  implies ⇒  impliedby ⇐  gets ←  leadsto ⇝  Re ℜ  Im ℑ  models ⊨  vDash ⊨  owns ∋
    ddag ‡  ddagger ‡  degree °   arcdeg °  arcmin ′  arcsec ″  micro µ  angstrom Å  textmu µ
    S §  P ¶  copyright ©  pounds £  euro €  checkmark ✓  heartsuit ♥  spadesuit ♠  clubsuit ♣  diamondsuit ♦
    Box □  Diamond ◇  triangle △  bigstar ★  star ⋆  lll ⋘  ggg ⋙  ncong ≇  nsim ≁  lhd ◁  rhd ▷  unlhd ⊴
    unrhd ⊵  Join ⋈  restriction ↾  coloneqq ≔  coloneq ≔  eqqcolon ≕  imath ı  jmath ȷ  Bbbk 𝕜  lambdabar ƛ
    lbrack [  rbrack ]  lparen (  rparen )  lvert |  rvert |  vert |  textbar |  textless <  textgreater >
    textunderscore _  guillemetleft «  guillemetright »  textperiodcentered ·  slash /
    sun ☉  earth ⊕  And &  textasciitilde ~  textasciicircum ^  textbackslash \\  backslash ∖  infin ∞
    trianglelefteq ⊴  trianglerighteq ⊵  oiint ∯  bigsqcup ⨆  biguplus ⨄  bigodot ⨀  bigoplus ⊕  bigotimes ⊗
    lsim ≲  gsim ≳  simlt ≲  simgt ≳  la ≲  ga ≳  upmu µ  upalpha α  upbeta β  upgamma γ  updelta δ
    varGamma Γ  varDelta Δ  varTheta Θ  varLambda Λ  varXi Ξ  varPi Π  varSigma Σ  varPhi Φ  varPsi Ψ  varOmega Ω
    dotsc …  lbrace {  rbrace }  langle ⟨  rangle ⟩  lgroup (  rgroup )  Longrightarrow ⇒  longrightarrow →
    longleftarrow ←  longleftrightarrow ↔  Longleftrightarrow ⇔  longmapsto ↦  textquotedbl " ldots … cdots ⋯
    land ∧  lor ∨  bot ⊥  thickapprox ≈  eqsim ≂
"""


def _symbols() -> dict[str, str]:
    table = {
        macro.macroname: macro.simplify_repl
        for macro in get_default_latex_context_db().iter_macro_specs()
        if isinstance(macro.simplify_repl, str) and len(macro.simplify_repl) == 1 and macro.macroname.isalpha()
    }
    pairs = _REPLACEMENTS.split()
    del table["vspace"]  # a line break in pylatexenc's table; here a command with an argument
    return table | dict(zip(pairs[::2], pairs[1::2], strict=True))


SYMBOLS: Final[Mapping[str, str]] = _symbols()
# Commands of MathJax and of journals' classes; a document that loads neither does not know them.
MACROS: Final[Mapping[str, str]] = {
    "female": "♀", "astrosun": "☉", "Earth": "⊕", "Venus": "♀", "Mars": "♂", "yen": "¥", "ohm": "Ω", "qedsymbol": "□",
    "nothing": "∅", "lt": "<", "gt": ">", "amp": "&", "mid": "|",
    "degr": "°", "degree": "°", "degrees": "°", "arcdeg": "°", "fdg": "°.", "farcm": "′.", "farcs": "″.", "arcs": "″",
    "celsius": "°C", "degC": "°C", "percent": "%",
    "micron": "µm", "microns": "µm", "um": "µm", "mum": "µm", "mic": "µm", "kms": "km s⁻¹",
    "kmps": "km s⁻¹", "ms": "m s⁻¹", "cms": "cm s⁻¹", "ergs": "erg s⁻¹", "ergcms": "erg cm⁻² s⁻¹", "uJy": "µJy",
    "muJy": "µJy", "masyr": "mas yr⁻¹", "Teff": "T_eff", "teff": "T_eff", "logg": "log g", "feh": "[Fe/H]",
    "FeH": "[Fe/H]", "vsini": "v sin i",
    "Msun": "M⊙", "msun": "M⊙", "Lsun": "L⊙", "lsun": "L⊙", "Rsun": "R⊙", "rsun": "R⊙", "Zsun": "Z⊙", "zsun": "Z⊙",
    "Msol": "M⊙", "msol": "M⊙", "Lsol": "L⊙", "Rsol": "R⊙", "solmass": "M⊙",
    "Mearth": "M⊕", "mearth": "M⊕", "Rearth": "R⊕", "rearth": "R⊕", "Mjup": "M_Jup", "mjup": "M_Jup", "Rjup": "R_Jup",
    "rjup": "R_Jup", "HI": "H I", "HII": "H II", "hi": "H I", "hii": "H II", "Ha": "Hα", "Halpha": "Hα",
    "halpha": "Hα", "Hb": "Hβ", "Hbeta": "Hβ", "hbeta": "Hβ", "lya": "Lyα", "Lya": "Lyα", "Lyalpha": "Lyα",
    "lyalpha": "Lyα", "LCDM": "ΛCDM", "lcdm": "ΛCDM", "apj": "ApJ", "apjl": "ApJL", "apjs": "ApJS", "mnras": "MNRAS",
    "aap": "A&A", "aj": "AJ", "araa": "ARA&A", "pasp": "PASP", "pasj": "PASJ", "jcap": "JCAP",
    "prl": "Phys. Rev. Lett.", "prd": "Phys. Rev. D", "physrep": "Phys. Rep.", "apss": "Ap&SS", "icarus": "Icarus",
    "Angstrom": "Å", "LaTeX": "LaTeX", "TeX": "TeX",
}  # fmt: skip
# Signs of units that TeX prints without a space after the number.
UNITS: Final = frozenset({"AA", "angstrom", "Angstrom"})
# Commands that mean this only after a digit.
AFTER_DIGIT: Final[Mapping[str, str]] = {"deg": "°", "fd": "ᵈ.", "fh": "ʰ.", "fm": "ᵐ.", "fs": "ˢ.", "fp": "ᵖ."}
PRINTED: Final[Mapping[str, str]] = {**SYMBOLS, **MACROS}
# Signs without a space before their operand.
PREFIXES: Final = frozenset("∇∂∀∃∄¬△“‘„«")
OPENING: Final = frozenset({"lvert", "lVert"})
CLOSING: Final = frozenset({"rvert", "rVert"})
SPINS: Final = frozenset({"uparrow", "downarrow"})  # not as relations
SPACED: Final = frozenset({"mid", "land", "lor"})  # as relations
# Relations get a space on both sides, as TeX prints them.
RELATIONS: Final = re.compile(
    r"[<>=∈-∍∝∣∤∥∦∷-∿≁-⊋⊏-⊒⊢⊣⊥-⊯⊰-⊸⋈⋐⋑⋔-⋭⋲-⋿⩽⩾⪅-⪠⪯-⪺⫅-⫌\u2190-\u21bb\u21d0-\u21dd\u27f5-\u27ff]"
)
# Operators get a space on both sides or on none. | separates a condition, or encloses an operand.
OPERATORS: Final = re.compile(r"[±·×÷†‡•∓∔∖-∙∧-∪≀⊌-⊎⊓-⊡⊺-⊽⋄-⋇⋉-⋌⋎⋏⋒⋓⋯⋆○◁▷⨿⨯]")

# --- accents -----------------------------------------------------------------------------------

# The combining character of each accent command.
TEXT_ACCENTS: Final[Mapping[str, str]] = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307", '"': "\u0308",
    "c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331", "t": "\u0361",
}  # fmt: skip
MATH_ACCENTS: Final[Mapping[str, str]] = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304",
    "dot": "\u0307", "ddot": "\u0308", "acute": "\u0301", "grave": "\u0300", "check": "\u030c", "breve": "\u0306",
    "mathring": "\u030a", "vec": "\u20d7", "overline": "\u0305", "underline": "\u0332", "slashed": "\u0338",
}  # fmt: skip

# --- how the other commands treat their arguments -----------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPACES: Final = _words(r", ; : > \ quad qquad enspace enskip thinspace medspace nobreakspace par newline hfill") | {" "}
NOTHING: Final = _words(
    """
    ! - / ) ] left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm
    limits nolimits displaystyle textstyle scriptstyle scriptscriptstyle it bf sl em sc tt sf rm
    bfseries itshape normalfont mathstrut strut protect noindent centering xspace relax
    negthinspace nonumber rmfamily ttfamily small large footnotesize normalsize boldmath unboldmath item
    """
)
# Commands whose first argument is not printed.
FIRST_DROPPED: Final = _words("label vspace begin end color phantom hphantom vphantom")
SECOND_SHOWN: Final = _words("textcolor colorbox hyperlink hypertarget")
# Sizes of delimiters: TeX prints no space after an opening one, and none before a closing one.
OPENING_SIZES: Final = _words("left bigl Bigl biggl Biggl")
CLOSING_SIZES: Final = _words("right bigr Bigr biggr Biggr")
# Citations and references: their keys mean nothing outside the paper.
CITES: Final = re.compile(
    r"[A-Za-z]*[cC]ite(?:p|t|alp|alt|author|year|yearpar|title|num|al|s)?|(?:eq|auto|page|name|[cCvV])?ref"
)
PROSE_INSIDE: Final = _words(
    """
    text textrm textbf textit textsc texttt textsf textsl textup textmd textnormal emph mbox hbox
    uline ul enquote
    """
)
ROMAN_INSIDE: Final = _words("mathrm mathsf mathtt mathit mathbf boldsymbol bm pmb mathup mathnormal")
FRACTIONS: Final = _words("frac tfrac dfrac cfrac nicefrac sfrac")
FUNCTIONS: Final = _words(
    """
    log ln lg exp sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan max min sup inf
    lim limsup liminf varlimsup arg argmax argmin det dim ker deg gcd lcm hom Pr mod bmod tr Tr rank sgn sign
    diag span supp Var Cov poly polylog Spec Hom Aut End Gal
    """
)
# Commands that print something before and after their argument.
AROUND: Final[Mapping[str, tuple[str, str]]] = {
    "abs": ("|", "|"), "norm": ("‖", "‖"), "ket": ("|", "⟩"), "bra": ("⟨", "|"), "braket": ("⟨", "⟩"),
    "ceil": ("⌈", "⌉"),
    "floor": ("⌊", "⌋"), "pmod": (" (mod ", ")"), "pod": (" (", ")"), "footnote": (" (", ")"), "thanks": (" (", ")"),
    "xrightarrow": (" −", "→ "), "xleftarrow": (" ←", "− "),
}  # fmt: skip
ROOTS: Final[Mapping[str, str]] = {"": "√", "2": "√", "3": "∛", "4": "∜"}
