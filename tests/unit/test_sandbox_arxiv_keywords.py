"""The local arXiv has papers for the keywords that people type first."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from sandbox.arxiv import Corpus, SandboxPaper
from tests.support.builders import paper

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
FIRST_KEYWORDS = """
LLM|LLMs|RAG|machine learning|reinforcement learning|GPT-4|GPT-4o|AI|3D|protein|climate|quantum|reward model|RLHF
deep learning|artificial intelligence|generative AI|transformer|transformers|attention|neural network|neural networks
large language model|large language models|language model|AI agents|agents|multi-agent|reasoning|chain of thought
retrieval-augmented generation|retrieval augmented generation|in-context learning|prompt engineering|fine-tuning|LoRA
mixture of experts|foundation model|Mamba|state space model|Llama|ChatGPT|Claude|Gemini|CLIP|ViT|vision transformer
vision-language model|VLM|MLLM|VLA|multimodal|hallucination|question answering|benchmark|NLP|AI safety|alignment
natural language processing|machine translation|speech recognition|text-to-speech|information retrieval|embedding
recommender system|knowledge graph|diffusion model|diffusion|GAN|VAE|flow matching|computer vision|object detection
semantic segmentation|NeRF|Gaussian splatting|3D Gaussian splatting|point cloud|SLAM|autonomous driving|robotics|robot
humanoid|imitation learning|world model|time series|anomaly detection|federated learning|differential privacy|privacy
interpretability|mechanistic interpretability|explainable AI|XAI|quantization|pruning|distillation|contrastive learning
self-supervised learning|transfer learning|meta-learning|continual learning|active learning|fairness|bias|scaling laws
causal inference|Bayesian|optimization|Gaussian process|bandits|graph neural network|GNN|CNN|game theory|finance|MCMC
cybersecurity|cryptography|blockchain|malware|code generation|software engineering|Rust|Python|C++|database|GPU|IoT|6G
distributed systems|edge computing|human-computer interaction|education|social network|misinformation|COVID-19|EEG
medical imaging|MRI|cancer|neuroscience|brain|genomics|DNA|RNA|drug discovery|AlphaFold|protein folding|single-cell
climate change|weather|weather forecasting|remote sensing|energy|battery|hydrogen|earthquake
quantum computing|qubit|qubits|entanglement|quantum error correction|quantum machine learning|superconducting qubits
Rydberg|QAOA|NISQ|quantum information|dark matter|dark energy|ΛCDM|Hubble tension|CMB|inflation|cosmology|black hole
gravitational waves|neutron star|supernova|galaxy|galaxies|exoplanet|star formation|JWST|redshift|string theory
holography|AdS/CFT|supersymmetry|Higgs|neutrino|QCD|LHC|Standard Model|axion|lattice QCD|general relativity
quantum gravity|quantum field theory|conformal field theory|superconductivity|superconductor|graphene|Majorana|Mott
topological insulator|spin liquid|magnetism|perovskite|density functional theory|DFT|molecular dynamics|turbulence
fluid dynamics|Navier-Stokes|plasma|fusion|tokamak|photonics|laser|optics|metamaterial|statistical mechanics|Ising model
phase transition|active matter|chaos|thermodynamics|complex networks|percolation
graph theory|number theory|combinatorics|algebraic geometry|topology|category theory|group theory|representation theory
prime numbers|Riemann hypothesis|elliptic curves|modular forms|differential geometry|Ricci flow|knot theory|Langlands
partial differential equations|PDE|optimal transport|probability|random matrices|dynamical systems|Ramsey|Lean|logic
functional analysis|finite element|numerical analysis|set theory|homology|Lie algebra
"""
# As papers write them in TeX, which a keyword such as ΛCDM or CO2 must find.
TEX_FORMS = (
    r"$\Lambda$CDM",
    "H$_0$ tension",
    r"H$\alpha$",
    r"$\sigma_8",
    "CO$_2$",
    "H$_2$O",
    r"\sim",
    r"\pi_1",
    "[Fe/H]",
    r"T_{\rm eff}",
    r"M_\odot",
    "$C^*$-algebra",
    r"\pm",
)


def keywords() -> list[str]:
    return [keyword for line in FIRST_KEYWORDS.split("\n") for keyword in line.split("|") if keyword]


def counts(papers: Sequence[SandboxPaper]) -> Counter[Keyword]:
    shown = [
        paper(arxiv_id=f"2611.{number:05}", title=each.title, abstract=each.abstract)
        for number, each in enumerate(papers)
    ]
    return Counter(found.keyword for found in match(shown, [Keyword.parse(keyword) for keyword in keywords()]))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.generated(now=NOW, days=30, upcoming=300)


def test_each_first_keyword_has_papers_in_the_last_30_days(corpus: Corpus) -> None:
    found = counts(corpus.initial)

    assert {keyword: found[Keyword.parse(keyword)] for keyword in keywords() if found[Keyword.parse(keyword)] < 3} == {}


def test_each_first_keyword_has_papers_among_the_next_300(corpus: Corpus) -> None:
    found = counts(corpus.take(300, NOW, (1, 4)))

    assert [keyword for keyword in keywords() if not found[Keyword.parse(keyword)]] == []


@pytest.mark.parametrize("form", TEX_FORMS)
def test_generated_papers_contain_the_tex_of_physics_and_mathematics(corpus: Corpus, form: str) -> None:
    recent = [each for each in corpus.initial if each.published > NOW - timedelta(days=30)]

    assert sum(form in each.abstract for each in recent) >= 3
