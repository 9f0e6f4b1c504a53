"""Terms of many papers, for suggestions in an installation that knows few papers. They never become keywords."""

from typing import Final

_TERMS: Final = """
3D reconstruction, active learning, adversarial examples, adversarial robustness, algebraic geometry, anomaly
detection, attention mechanism, autonomous driving, Bayesian inference, black hole, causal inference,
chain-of-thought, climate model, cold atoms, combinatorial optimization, computer vision, condensed matter,
continual learning, contrastive learning, convolutional neural network, cosmic microwave background, cosmology, dark
energy, dark matter, data augmentation, deep learning, differential equations, differential privacy, diffusion
model, domain adaptation, drug discovery, dynamical systems, embodied AI, entanglement, exoplanet, explainability,
fairness, federated learning, few-shot learning, fine-tuning, foundation model, galaxy formation, game theory,
gamma-ray burst, Gaussian process, generative adversarial network, generative model, genomics, graph neural network,
gravitational lensing, gravitational waves, hallucination, high-energy physics, human-robot interaction, image
segmentation, in-context learning, inflation, information retrieval, instruction tuning, interpretability, knowledge
distillation, knowledge graph, language agents, language model, large language model, long context, machine
learning, machine translation, magnetic field, manifold learning, medical imaging, meta-learning, mixture of
experts, molecular dynamics, multi-agent systems, multimodal learning, natural language processing, neural network,
neural radiance field, neuroscience, neutrino, neutron star, number theory, object detection, optimal transport,
optimization, particle physics, point cloud, preference optimization, prompt engineering, protein folding, protein
structure, quantization, quantum chemistry, quantum computing, quantum error correction, quantum field theory,
quantum gravity, question answering, recommender systems, reinforcement learning, reinforcement learning from human
feedback, representation learning, retrieval-augmented generation, reward model, robotics, scaling laws,
self-supervised learning, semantic segmentation, sentiment analysis, simulation, speculative decoding, speech
recognition, spintronics, standard model, state space model, statistical mechanics, stochastic processes, string
theory, superconductivity, supernova, supersymmetry, text-to-image, text-to-speech, time series, topological
insulator, topology, transfer learning, transformer, turbulence, uncertainty quantification, variational
autoencoder, video generation, vision-language model, vision transformer, world model, zero-shot learning
"""

COMMON_TERMS: Final = tuple(" ".join(_TERMS.split()).split(", "))
