"""Machine learning and computer vision: images, graphs, decisions, scenes, statistics."""

from sandbox.arxiv.fields.model import ResearchField

IMAGE_GENERATION = ResearchField(
    categories=(("cs.CV",), ("cs.CV", "cs.LG"), ("eess.IV", "cs.CV")),
    topics=(
        "diffusion models",
        "text-to-image generation",
        "video generation",
        "super-resolution",
        "image editing",
        "generative AI",
    ),
    methods=("a latent diffusion model", "rectified flow", "classifier-free guidance", "score distillation"),
    testbeds=("ImageNet-1k", "LAION-5B", "COCO", "DIV2K"),
    sentences=(
        "Diffusion models generate well but sample slowly; we cut the number of steps from 50 to 4.",
        "The FID drops from 3.1 to 2.4 while the guidance scale stays below $w<2$.",
        "Unlike earlier work, we do not fine-tune the denoiser.",
        "Flow matching trains faster than a GAN or a variational autoencoder (VAE) of the same size.",
        "Generative AI needs watermarks that computer vision can read after compression.",
    ),
)
GRAPH_LEARNING = ResearchField(
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
        "A GNN with self-attention is a transformer on a complete graph.",
    ),
)
REINFORCEMENT_LEARNING = ResearchField(
    categories=(("cs.LG", "cs.AI"), ("cs.AI",), ("cs.MA", "cs.GT")),
    topics=(
        "reinforcement learning",
        "offline reinforcement learning",
        "multi-agent reinforcement learning",
        "world models",
        "game theory",
        "exploration",
    ),
    methods=("Q-learning", "an actor-critic method", "Monte Carlo tree search", "policy gradients"),
    testbeds=("Atari 100k", "MuJoCo", "the game of Go", "StarCraft II"),
    sentences=(
        "Deep reinforcement learning still needs $\\sim 10^8$ steps where people need minutes.",
        "Reinforcement learning with verifiable rewards transfers from mathematics to code.",
        "Game theory predicts the Nash equilibrium that self-play reaches.",
        "A Markov decision process with hidden rewards cannot be planned by Q-learning alone.",
        "Hierarchical planning and curriculum learning are complementary.",
        "The multi-agent system develops a language, which artificial intelligence research predicted in 1991.",
    ),
)
SCENES = ResearchField(
    categories=(("cs.CV",), ("cs.CV", "cs.GR"), ("cs.CV", "cs.RO")),
    topics=(
        "3D reconstruction",
        "3D Gaussian splatting",
        "object detection",
        "semantic segmentation",
        "autonomous driving",
        "computer vision",
    ),
    methods=("a neural radiance field (NeRF)", "visual SLAM", "a vision transformer", "self-supervised learning"),
    testbeds=("nuScenes", "ScanNet", "KITTI", "ADE20K"),
    sentences=(
        "3D Gaussian splatting renders at 200 frames per second, a NeRF at three.",
        "A point cloud with $2\\times10^{5}$ points suffices for 3D object detection.",
        "Optical flow, depth estimation and SLAM share most of their errors.",
        "Autonomous driving in rain needs LiDAR more than it needs larger networks.",
        "A convolutional neural network (CNN) remains the fastest choice for semantic segmentation.",
        "Pose estimation and action recognition improve when the camera moves.",
    ),
)
STATISTICS = ResearchField(
    categories=(("stat.ML", "cs.LG"), ("math.ST", "stat.ME"), ("math.OC", "cs.LG")),
    topics=(
        "conformal prediction",
        "stochastic gradient descent",
        "causal inference",
        "Gaussian processes",
        "bandits",
        "Bayesian inference",
    ),
    methods=("doubly robust estimation", "variance reduction", "optimal transport", "kernel mean embedding"),
    testbeds=("a heavy-tailed design", "MIMIC-IV", "simulated panels with $n<200$", "online advertising logs"),
    sentences=(
        "The regret is at most $\\tilde{\\mathcal{O}}(\\sqrt{dT})$, which matches the lower bound.",
        "Coverage stays above 90% even when $n<50$.",
        "The proof rests on a Hölder-type inequality that may be of interest in its own right.",
        "Markov chain Monte Carlo (MCMC) mixes in $\\mathcal{O}(d^{1/2})$ steps.",
        "Convex optimization gives the rate; probability theory gives the constant.",
        "High-dimensional statistics explains why the lasso selects too many variables.",
    ),
)
MACHINE_LEARNING = ResearchField(
    categories=(("cs.LG",), ("cs.LG", "stat.ML"), ("cs.AI", "cs.LG")),
    topics=(
        "machine learning",
        "deep learning",
        "neural networks",
        "interpretability",
        "continual learning",
        "transfer learning",
    ),
    methods=("sparse autoencoders", "contrastive learning", "meta-learning", "model pruning"),
    testbeds=("CIFAR-100", "WILDS", "the Open LLM Leaderboard", "tabular benchmarks"),
    sentences=(
        "Machine learning systems fail silently when the distribution shifts.",
        "Mechanistic interpretability finds the circuit that a deep neural network uses for addition.",
        "Scaling laws hold with an exponent of $\\alpha \\approx 0.076$ over seven orders of magnitude.",
        "Explainable AI (XAI) convinces people even when the explanation is wrong.",
        "Active learning and data augmentation halve the number of labels.",
        "Artificial intelligence (AI) in education needs models that are robust to adversarial examples.",
        "Foundation models for tabular data outperform gradient boosting with $n < 10^4$ rows.",
    ),
)
