r"""Generates physics and mathematics papers whose words are written in the TeX forms that arXiv's papers use.

Each term has the forms that are displayed as the term, taken from the kinds of TeX in arXiv's abstracts, and each decoy
contains a term only in its TeX, never in the displayed text.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "ΛCDM": (
        r"$\Lambda$CDM",
        r"$\Lambda$-CDM",
        r"$\Lambda\mathrm{CDM}$",
        r"$\Lambda{\rm CDM}$",
        "ΛCDM",
        r"\(\Lambda\)CDM",
        r"$\Lambda\text{CDM}$",
        r"$\rm \Lambda CDM$",
        r"${\Lambda}$CDM",
        "LambdaCDM",
        "Lambda-CDM",
        "Lambda CDM",
        r"{\Lambda}CDM",
        r"$\Lambda$ CDM",
        r"\textbf{$\Lambda$CDM}",
        r"$\Lambda$CDM-like",
        r"flat-$\Lambda$CDM",
    ),
    "Hα": (
        r"H$\alpha$",
        r"$\mathrm{H}\alpha$",
        r"${\rm H}\alpha$",
        r"$\rm H\alpha$",
        r"H$_{\alpha}$",
        r"$H\alpha$",
        "Hα",
        "H-alpha",
        "Halpha",
        r"H{$\alpha$}",
        r"H\,$\alpha$",
        r"H-$\alpha$",
        r"H$\upalpha$",
        r"\ha H$\alpha$",
    ),
    "σ8": (
        r"$\sigma_8$",
        r"$\sigma_{8}$",
        r"$\sigma_{\rm 8}$",
        r"${\sigma}_8$",
        "σ8",
        "σ₈",
        "sigma8",
        "sigma_8",
        r"$\sigma_8(z)$",
        r"$\sigma_8=0.81$",
        r"\(\sigma_8\)",
        r"$\sigma_{8}-\Omega_m$",
        r"($\sigma_8$)",
        "sigma 8",
    ),
    "CO2": (
        r"CO$_2$",
        r"CO$_{2}$",
        r"$\mathrm{CO}_2$",
        r"$\mathrm{CO_2}$",
        r"${\rm CO_2}$",
        r"${\rm CO}_2$",
        "CO2",
        "CO₂",
        r"$CO_2$",
        r"$\text{CO}_2$",
        r"CO\textsubscript{2}",
        r"CO$_\mathrm{2}$",
        r"CO_2",
        r"$\rm CO_{2}$",
        "CO2-rich",
    ),
    "H2O": (
        r"H$_2$O",
        r"H$_{2}$O",
        r"$\mathrm{H_2O}$",
        r"${\rm H_2O}$",
        r"${\rm H}_2{\rm O}$",
        "H2O",
        "H₂O",
        r"$H_2O$",
        r"$\mathrm{H}_2\mathrm{O}$",
        r"H\textsubscript{2}O",
        r"$\rm H_{2}O$",
        r"H$_2$O-poor",
        r"H_2O",
        r"$\text{H}_2\text{O}$",
    ),
    "H0 tension": (
        r"$H_0$ tension",
        r"H$_0$ tension",
        r"$H_{0}$ tension",
        r"$H_0$-tension",
        "H0 tension",
        "H₀ tension",
        r"${\rm H}_0$ tension",
        r"$H_0$ tensions",
        r"$H_0$ \emph{tension}",
        r"$\mathrm{H}_0$~tension",
        r"${H}_0$ tension",
    ),
    "SIM": ("SIM", "SIMs", "(SIM)", r"\textsc{SIM}", "SIM-based", r"{\it SIM}", r"$\mathrm{SIM}$"),
    "RM": ("RM", "RMs", "(RM)", r"\emph{RM}", "RM-based", r"$\mathrm{RM}$", r"{\rm RM}", r"$\rm RM$"),
    "PM": ("PM", "(PM)", r"\texttt{PM}", "PM-scheme", r"$\mathrm{PM}$", "PMs"),
    "text": ("text", "Text", "texts", r"\textbf{text}", r"$\text{text}$", "text-to-image", r"{\bf text}"),
    "gamma-ray": (
        r"$\gamma$-ray",
        "gamma-ray",
        "γ-ray",
        "Gamma rays",
        r"$\gamma$ ray",
        r"$\gamma$--ray",
        r"{$\gamma$}-rays",
    ),
    "π0": (r"$\pi^0$", r"$\pi_0$", r"$\pi^{0}$", "pi0", "π0", "π⁰", "pi_0", r"$\pi_{0}$"),
    "reward model": (
        r"\emph{reward} \textbf{model}",
        "reward models",
        r"{\it reward model}",
        r"reward {\it model}",
        "Reward-Model",
        r"reward~modelling",
        r"{\bf reward} model",
        r"\textbf{R}eward \textbf{M}odel",
        r"reward\ model",
        "reward\nmodel",
    ),
    "k-means": (r"$k$-means", "k-means", r"\emph{k}-means", "K-Means", r"$\mathit{k}$-means", r"$k$ means"),
    "R²": (r"$R^2$", r"R$^2$", "R²", r"$R^{2}$", "R^2", r"$\mathrm{R}^2$"),
    "C*-algebra": (
        r"$C^*$-algebra",
        r"C$^*$-algebras",
        r"$\mathrm{C}^*$-algebra",
        "C*-algebra",
        r"C$^\ast$-algebra",
        r"$C^{\star}$-algebras",
    ),
    "Schrödinger equation": (
        r"Schr\"odinger equation",
        r"Schr{\"o}dinger equations",
        "Schrödinger equation",
        r"Schr\"{o}dinger equation",
        "Schrodinger equation",
    ),
}

# Displayed without any of the terms.
DECOYS: Final = (
    r"$\sim 3$ units",
    r"$10\sim20$",
    r"$\simeq 4$",
    r"radius $r_{\rm max}$",
    r"$\pm 2$",
    r"$5\pm0.3$ K",
    r"$T_\text{eff}$",
    r"$N_{\textrm{eff}}$",
    r"$\text{max}$",
    r"$r_\mathrm{RMS}$",
    "a new method",
    r"$\sigma_9$",
    r"$8\sigma$",
    r"$\sigma, 8$",
    r"5$\sigma$--8$\sigma$",
    r"$f=\sigma+8$",
    "CO (2-1) lines",
    "CO and 2 others",
    r"H$_2$ and O",
    r"$H_0$. Tension rises",
    "a reward. Model it",
    "reward, then a model",
    "the Q networks",
    r"$\alpha$-H bonds",
    r"H$\beta$",
    r"$\gamma$, ray",
    r"$\Lambda$ and CDM",
    "CDM",
    r"$\Lambda>0$",
    r"$\pi$ and 0",
    r"$2\pi$",
    r"$R_3$",
    "an R package",
    "k, means",
    "top-k, means of",
    r"$C$-algebra",
    "C algebras",
    "Schröder equation",
    "the equation of Schrödinger",
    r"$C_0$, *-algebra",
    "contextual",
    "simulation",
    r"\textit{in situ}",
    r"\textrm{rms}",
    "RMS noise",
    r"$\mathrm{pm}_{\rm x}$-free",
)
_FILLERS: Final = (
    "We study",
    "Here we report on",
    "the properties of",
    "In this paper, we measure",
    "with",
    "and",
    "using data from",
    "compared to",
    "for galaxies at $z\\sim2$ and",
    "on a manifold $\\mathcal{M}$ of dimension $d\\ge3$ with",
    "as in",
)


@dataclass(frozen=True, slots=True)
class TexPaper:
    """A generated title and abstract, and the terms that they display."""

    title: str
    abstract: str
    terms: frozenset[str]


def tex_papers(seed: int, count: int) -> tuple[TexPaper, ...]:
    """Returns papers that contain up to three terms and some decoys each."""
    rng = random.Random(seed)
    return tuple(_paper(rng) for _ in range(count))


def _paper(rng: random.Random) -> TexPaper:
    terms = rng.sample(sorted(FORMS), rng.randrange(4))
    phrases = [rng.choice(FORMS[term]) for term in terms] + rng.sample(DECOYS, 3)
    rng.shuffle(phrases)
    in_title = rng.randrange(len(phrases))
    sentences = (f"{rng.choice(_FILLERS)} {phrase} {rng.choice(_FILLERS)} results." for phrase in phrases)
    return TexPaper(f"On {phrases.pop(in_title)} revisited", " ".join(sentences), frozenset(terms))
