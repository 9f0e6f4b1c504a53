"""Words and templates that all generated papers share; `sandbox.arxiv.fields` has the words of each research field.

Only data. `{t}` is a topic, `{m}` a method, `{d}` a testbed, `{N}` an invented name; uppercase ones are for titles.
"""

TITLES = (
    "{M} for {T}",
    "On the Limits of {T}",
    "{N}: {M} for {T}",
    "Rethinking {T} with {M}",
    "{T} via {M}",
    "Towards Reliable {T}: A Study on {D}",
    "What Does {M} Tell Us about {T}?",
    "{T} and {M}: Evidence from {D}",
    "{N}: Scaling {T}",
    "A Note on {T}",
)
OPENINGS = (
    "We study {t} and ask how far {m} can take us.",
    "Despite rapid progress, little is understood about {t}.",
    "We revisit {t} from the viewpoint of {m}.",
    "Recent advances in {t} rely on {m}, yet the reasons for their success are unclear.",
    "This paper introduces a simple approach to {t}, built on {m}.",
    "In this paper we consider {t}.",
)
MIDDLES = (
    "Experiments on {d} show consistent gains over strong baselines.",
    "On {d}, the method improves on the state of the art by 4.5 points.",
    "We combine {m} with a data-driven prior and evaluate on {d}.",
    "The key idea is to separate what is learnt from what is assumed.",
    "We evaluate on {d} & release all measurements.",
)
ENDINGS = (
    "Code and data will be made available.",
    "We close with open problems.",
    "These results call for a second look at {t}.",
    "Our findings hold across seeds and scales.",
)
COMMENTS = (
    "{pages} pages, {figures} figures",
    "{pages} pages, {figures} figures, {tables} tables",
    "Accepted at NeurIPS 2026",
    "{pages} pages. Code: https://github.com/example/{name}",
    "Preprint",
    "To appear in Proc. ICML; {pages} pages",
    "{pages} pages, comments are welcome",
)
JOURNALS = (
    "Phys. Rev. D 113, {page} (2026)",
    "Trans. Mach. Learn. Res. (2026)",
    "J. Number Theory v291 (2027)",
    "MNRAS 541, {page} (2026)",
)
METHOD_NAMES = ("AURA", "Prism", "DeltaNet", "HELIX", "TopoFlow",
                "MIRROR", "Sparrow", "GraphLoom", "QuietStar", "ReFold")  # fmt: skip
GIVEN_NAMES = (
    "Amélie", "Jürgen", "Wei", "Xiaomin", "Łukasz", "Søren", "María José", "Ananya", "Yuki", "Olu", "Zoë", "Elena",
    "David", "Ivan", "Priya", "Sarah", "Tomáš", "B. Scott", "Min-jun", "Fatima", "Noah", "Ingrid", "Kwame", "Hà",
)  # fmt: skip
FAMILY_NAMES = (
    "Dąbrowski", "Müller", "Zhang", "Li", "García", "O'Neill", "Nakamura", "van der Berg", "Çelik", "Sørensen",
    "Okafor", "Ramanujan Iyer", "Smith", "Petrov", "Gödel", "Fernández-Ruiz", "Novák", "Wang", "Kim", "Haddad",
)  # fmt: skip
