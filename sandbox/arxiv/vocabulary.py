"""Words and templates for generated papers: research fields with their own vocabulary, and text that all share.

Only data. `{t}` is a topic, `{m}` a method, `{d}` a testbed, `{N}` an invented name; uppercase ones are for titles.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResearchField:
    """A field of study: its categories (primary first), topics, methods, testbeds, and sentences."""

    categories: tuple[tuple[str, ...], ...]
    topics: tuple[str, ...]
    methods: tuple[str, ...]
    testbeds: tuple[str, ...]
    sentences: tuple[str, ...]


ALIGNMENT = ResearchField(
    categories=(("cs.LG", "cs.CL"), ("cs.CL", "cs.AI", "cs.LG"), ("cs.AI",), ("stat.ML", "cs.LG")),
    topics=("reward models", "RLHF", "preference optimization", "reward hacking", "process reward modeling"),
    methods=("direct preference optimization", "reward-model-based reranking", "best-of-$N$ sampling", "PPO"),
    testbeds=("RewardBench", "UltraFeedback", "a held-out set of 12k human comparisons", "AlpacaEval 2.0"),
    sentences=(
        "A reward model that is trained on noisy comparisons can be exploited by the policy it is meant to judge.",
        "We find that reward models disagree most where annotators do, with $p < 0.05$.",
        "Our analysis explains why reward-model-based selection saturates once $N > 64$.",
        "RLHF then amounts to a KL-regularised bandit whose reward model is only locally calibrated.",
    ),
)

FIELDS = (
    ALIGNMENT,
    ResearchField(
        categories=(("cs.CV",), ("cs.CV", "cs.LG"), ("eess.IV", "cs.CV")),
        topics=(
            "diffusion models",
            "text-to-image generation",
            "video generation",
            "super-resolution",
            "image editing",
        ),
        methods=("a latent diffusion model", "rectified flow", "classifier-free guidance", "score distillation"),
        testbeds=("ImageNet-1k", "LAION-5B", "COCO", "DIV2K"),
        sentences=(
            "Diffusion models generate well but sample slowly; we cut the number of steps from 50 to 4.",
            "The FID drops from 3.1 to 2.4 while the guidance scale stays below $w<2$.",
            "Unlike earlier work, we do not fine-tune the denoiser.",
        ),
    ),
    ResearchField(
        categories=(("cs.LG",), ("cs.LG", "cs.SI"), ("cs.AI", "cs.LG")),
        topics=(
            "graph neural networks",
            "node classification",
            "oversmoothing",
            "link prediction",
            "graph transformers",
        ),
        methods=(
            "message passing",
            "spectral rewiring",
            "a graph neural network with edge gates",
            "graph contrastive learning",
        ),
        testbeds=("OGB-LSC", "Cora", "ZINC", "a citation graph with $10^8$ edges"),
        sentences=(
            "Graph neural networks lose expressive power on graphs of large diameter.",
            "A graph neural network tells nodes apart up to a depth of $\\mathcal{O}(\\log n)$.",
            "Rewiring raises accuracy wherever the homophily ratio $h<0.3$.",
        ),
    ),
    ResearchField(
        categories=(("cs.CV", "cs.CL"), ("cs.MM", "cs.CV"), ("cs.CL", "cs.CV", "cs.AI")),
        topics=(
            "MLLMs",
            "visual question answering",
            "hallucination in multimodal models",
            "document understanding",
        ),
        methods=(
            "visual token pruning",
            "an MLLM with region prompts",
            "CLIP-style contrastive alignment",
            "OCR-free pre-training",
        ),
        testbeds=("MMMU", "VSI-Bench", "TextVQA", "ChartQA"),
        sentences=(
            "Multimodal large language models (MLLMs) often describe objects that are not in the picture.",
            "An MLLM that sees only 64 visual tokens keeps 98% of its accuracy.",
            "Hallucinated objects are three times as frequent when $k$ > 10 objects are named in the prompt.",
        ),
    ),
    ResearchField(
        categories=(("cs.CL",), ("cs.CL", "cs.LG"), ("cs.CL", "cs.IR")),
        topics=(
            "large language models",
            "retrieval-augmented generation",
            "long-context reasoning",
            "in-context learning",
        ),
        methods=(
            "low-rank adaptation",
            "speculative decoding",
            "chain-of-thought distillation",
            "mixture-of-experts routing",
        ),
        testbeds=("GSM8K", "MMLU-Pro", "LongBench", "SQuAD 2.0"),
        sentences=(
            "Large language models forget what stands in the middle of a long context.",
            "With Llama 3.1 and Qwen2.5 the gain holds from 7B to 70B parameters.",
            "A naïve baseline that copies the last sentence is surprisingly strong.",
        ),
    ),
    ResearchField(
        categories=(("cs.RO",), ("cs.RO", "cs.LG"), ("cs.RO", "cs.AI", "cs.CV")),
        topics=(
            "robot manipulation",
            "sim-to-real transfer",
            "vision-language-action models",
            "legged locomotion",
        ),
        methods=("imitation learning", "model predictive control", "a diffusion policy", "world models"),
        testbeds=("LIBERO", "a Franka arm", "Meta-World", "two quadrupeds outdoors"),
        sentences=(
            "The policy runs at 50 Hz on board and needs no depth camera.",
            "World models let the robot rehearse contacts that it has never felt.",
            "Failures concentrate where the object's mass is off by more than 30%.",
        ),
    ),
    ResearchField(
        categories=(("quant-ph",), ("quant-ph", "cond-mat.str-el"), ("quant-ph", "cs.DS")),
        topics=("quantum error correction", "variational quantum algorithms", "entanglement", "quantum walks"),
        methods=(
            "surface-code decoding",
            "Schrödinger-picture simulation",
            "randomised benchmarking",
            "tensor networks",
        ),
        testbeds=("a 72-qubit device", "the toric code", "trapped ions", "a Heisenberg chain"),
        sentences=(
            "The logical error rate falls below $10^{-6}$ per cycle when $d > 11$.",
            "Barren plateaus appear already at depth $\\mathcal{O}(n)$.",
            "We solve the Schrödinger equation for $N \\leq 40$ spins without truncation.",
        ),
    ),
    ResearchField(
        categories=(("math.AG",), ("math.NT", "math.AG"), ("math.CO",), ("math.NT",)),
        topics=("Calabi--Yau threefolds", "Hodge numbers", "Erdős problems", "modular forms", "Poincaré duality"),
        methods=("derived categories", "the circle method", "$p$-adic deformation", "étale cohomology"),
        testbeds=("abelian varieties over $\\mathbb{Q}$", "K3 surfaces", "random graphs $G(n,p)$", "Shimura curves"),
        sentences=(
            "We prove that $\\sum_{n<x} a(n) \\ll x^{1/2+\\epsilon}$ unconditionally.",
            "This answers a question of Erdős and Rényi for all $n > n_0$.",
            "As a corollary, the Poincaré series is rational.",
        ),
    ),
    ResearchField(
        categories=(("astro-ph.GA",), ("astro-ph.CO",), ("astro-ph.EP", "astro-ph.SR"), ("astro-ph.HE", "gr-qc")),
        topics=(
            "fast radio bursts",
            "high-redshift galaxies",
            "exoplanet atmospheres",
            "gravitational waves",
            "dark matter halos",
        ),
        methods=(
            "Bayesian spectral fitting",
            "integral-field spectroscopy",
            "simulation-based inference",
            "JWST/NIRSpec imaging",
        ),
        testbeds=("the COSMOS field", "LIGO's fourth observing run", "TOI-700", "the Milky Way's halo"),
        sentences=(
            "We find a metallicity of $Z<0.1\\,Z_\\odot$ at redshift z > 9.",
            "The signal-to-noise ratio is 14.2 in the combined data.",
            "No planet with $M<3M_\\oplus$ is excluded at the 3$\\sigma$ level.",
        ),
    ),
    ResearchField(
        categories=(
            ("cond-mat.mtrl-sci",),
            ("cond-mat.supr-con",),
            ("physics.chem-ph", "cs.LG"),
            ("cond-mat.mes-hall",),
        ),
        topics=(
            "high-temperature superconductivity",
            "moiré materials",
            "interatomic potentials",
            "topological insulators",
        ),
        methods=(
            "density functional theory",
            "angle-resolved photoemission",
            "equivariant message passing",
            "neutron scattering",
        ),
        testbeds=("twisted bilayer graphene", "La$_3$Ni$_2$O$_7$", "MoS$_2$ monolayers", "liquid water"),
        sentences=(
            "The gap closes at $T<12$ K, well before the resistive transition.",
            "Our potential reproduces the phonon dispersion to within 2 meV/Å.",
            "A moiré period of 13 nm suffices to flatten the band.",
        ),
    ),
    ResearchField(
        categories=(("stat.ML", "cs.LG"), ("math.ST", "stat.ME"), ("math.OC", "cs.LG")),
        topics=(
            "conformal prediction",
            "stochastic gradient descent",
            "causal inference",
            "Gaussian processes",
            "bandits",
        ),
        methods=("doubly robust estimation", "variance reduction", "optimal transport", "kernel mean embedding"),
        testbeds=("a heavy-tailed design", "MIMIC-IV", "simulated panels with $n<200$", "online advertising logs"),
        sentences=(
            "The regret is at most $\\tilde{\\mathcal{O}}(\\sqrt{dT})$, which matches the lower bound.",
            "Coverage stays above 90% even when $n<50$.",
            "The proof rests on a Hölder-type inequality that may be of interest in its own right.",
        ),
    ),
    ResearchField(
        categories=(("cs.CR",), ("cs.SE", "cs.AI"), ("cs.DC", "cs.LG"), ("cs.CR", "cs.LG")),
        topics=(
            "prompt injection",
            "code generation agents",
            "federated learning",
            "membership inference",
            "C++ static analysis",
        ),
        methods=("differential privacy", "fuzzing", "agentic program repair", "secure aggregation"),
        testbeds=("SWE-bench Verified", "Linux drivers", "a fleet of 4,000 phones", "HumanEval+"),
        sentences=(
            "Three out of four agents leak the system prompt after fewer than 10 turns.",
            "Our tool reports 41 bugs in C++ projects; 29 are fixed upstream.",
            "Privacy costs less than 1% accuracy at $\\varepsilon<2$.",
        ),
    ),
)

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
    "Despite rapid progress, {t} remain poorly understood.",
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
    "These results suggest that {t} deserve a second look.",
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
