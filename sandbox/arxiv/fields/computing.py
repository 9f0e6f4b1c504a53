"""Robots, series of measurements, secure software, and the systems that run it."""

from sandbox.arxiv.fields.model import ResearchField

ROBOTICS = ResearchField(
    categories=(("cs.RO",), ("cs.RO", "cs.LG"), ("cs.RO", "cs.AI", "cs.CV")),
    topics=(
        "robot manipulation",
        "sim-to-real transfer",
        "vision-language-action models",
        "legged locomotion",
        "humanoid robots",
    ),
    methods=("imitation learning", "model predictive control", "a diffusion policy", "world models"),
    testbeds=("LIBERO", "a Franka arm", "Meta-World", "two quadrupeds outdoors"),
    sentences=(
        "The policy runs at 50 Hz on board and needs no depth camera.",
        "World models let the robot rehearse contacts that it has never felt.",
        "Failures concentrate where the object's mass is off by more than 30%.",
        "Robotics needs vision-language-action (VLA) models that know when they do not know.",
        "Motion planning for drones and robot navigation indoors use the same map.",
        "Human-robot interaction improves with imitation learning from video.",
    ),
)
TIME_SERIES = ResearchField(
    categories=(("q-fin.ST", "cs.LG"), ("econ.EM",), ("cs.LG", "eess.SP")),
    topics=(
        "time series forecasting",
        "anomaly detection",
        "financial markets",
        "signal processing",
        "economic growth",
        "energy systems",
    ),
    methods=("a state space model", "wavelet analysis", "vector autoregression", "a Kalman filter"),
    testbeds=("the S&P 500", "electricity loads", "sensor logs of 300 wind turbines", "panel data of 40 countries"),
    sentences=(
        "Time series with regime changes defeat every transformer that we tried.",
        "Portfolio optimization under transaction costs keeps 40% of the return.",
        "The stock market reacts to interest rates within $\\sim 5$ ms.",
        "Anomaly detection needs no labels if seasonality is modelled.",
        "Finance and economics differ in what they call volatility.",
        "The power grid with 80% renewable energy needs batteries for $\\approx 6$ h.",
    ),
)
SECURITY = ResearchField(
    categories=(("cs.CR",), ("cs.SE", "cs.AI"), ("cs.DC", "cs.LG"), ("cs.CR", "cs.LG")),
    topics=(
        "prompt injection",
        "code generation agents",
        "federated learning",
        "membership inference",
        "C++ static analysis",
        "cryptography",
    ),
    methods=("differential privacy", "fuzzing", "agentic program repair", "secure aggregation"),
    testbeds=("SWE-bench Verified", "Linux drivers", "a fleet of 4,000 phones", "HumanEval+"),
    sentences=(
        "Three out of four agents leak the system prompt after fewer than 10 turns.",
        "Our tool reports 41 bugs in C++ projects; 29 are fixed upstream.",
        "Privacy costs less than 1% accuracy at $\\varepsilon<2$.",
        "Code generation for Rust and Python fails at the borders of modules.",
        "Post-quantum cryptography doubles the size of a blockchain transaction.",
        "Cybersecurity teams use an LLM for malware detection and for jailbreak attempts.",
    ),
)
SYSTEMS = ResearchField(
    categories=(("cs.DC",), ("cs.NI", "eess.SP"), ("cs.SE",), ("cs.HC",), ("cs.DS",)),
    topics=(
        "distributed systems",
        "6G wireless networks",
        "software engineering",
        "human-computer interaction",
        "GPU kernels",
        "approximation algorithms",
    ),
    methods=("an eBPF probe", "formal verification", "massive MIMO", "a user study with 48 people"),
    testbeds=("a cluster of 512 GPUs", "TPC-DS", "an IoT deployment in two cities", "40 open-source projects"),
    sentences=(
        "Edge computing moves inference from the cloud to the IoT device.",
        "A database that compiles SQL to GPU kernels answers 9 of 22 queries faster.",
        "Software engineering teams accept 30% of the patches that an AI assistant proposes.",
        "The algorithm runs in $\\mathcal{O}(n \\log n)$ time, and P $\\neq$ NP implies that this is optimal.",
        "Massive MIMO at 28\\,GHz makes 5G and 6G base stations energy-hungry.",
        "High-performance computing (HPC) centres could save 20% of their electricity.",
        "Virtual reality and human-computer interaction share the problem of latency.",
    ),
)
