"""Language models, their alignment, multimodal models, speech and text."""

from sandbox.arxiv.fields.model import ResearchField

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
        "AI safety and alignment research needs judges that an LLM cannot please without being right.",
    ),
)
MULTIMODAL_MODELS = ResearchField(
    categories=(("cs.CV", "cs.CL"), ("cs.MM", "cs.CV"), ("cs.CL", "cs.CV", "cs.AI")),
    topics=(
        "MLLMs",
        "visual question answering",
        "hallucination in multimodal models",
        "document understanding",
        "vision-language models",
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
        "GPT-4o and Gemini answer questions about charts better than any open VLM of our study.",
        "A vision transformer (ViT) that was trained with CLIP sees text before it sees objects.",
    ),
)
LANGUAGE_MODELS = ResearchField(
    categories=(("cs.CL",), ("cs.CL", "cs.LG"), ("cs.CL", "cs.IR")),
    topics=(
        "large language models",
        "retrieval-augmented generation",
        "long-context reasoning",
        "in-context learning",
        "AI agents",
        "LLM reasoning",
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
        "Retrieval-augmented generation (RAG) halves the hallucinations of an LLM on questions about rare entities.",
        "GPT-4 and Claude agree with each other more often than with people.",
        "Fine-tuning with LoRA changes less of a transformer than prompt engineering with ChatGPT suggests.",
        "Chain-of-thought reasoning helps LLM agents only if a tool checks each step.",
        "A state space model such as Mamba needs no attention and still solves the multi-agent benchmark.",
        "Mixture-of-experts foundation models lose little under 4-bit quantization.",
    ),
)
SPEECH_AND_TEXT = ResearchField(
    categories=(("cs.CL", "eess.AS"), ("cs.IR", "cs.CL"), ("cs.SD", "eess.AS")),
    topics=(
        "speech recognition",
        "machine translation",
        "knowledge graphs",
        "recommender systems",
        "natural language processing",
        "sentiment analysis",
    ),
    methods=("a BERT encoder", "knowledge distillation", "dense information retrieval", "subword tokenization"),
    testbeds=("LibriSpeech", "WMT24", "MovieLens-20M", "Wikidata"),
    sentences=(
        "Natural language processing (NLP) has mostly ignored languages with fewer than $10^6$ speakers.",
        "Text-to-speech and music generation share one codec.",
        "A knowledge graph with $\\sim 10^7$ triples improves question answering in low-resource languages.",
        "Misinformation spreads faster in a social network whose recommender system rewards outrage.",
        "Named entity recognition, summarization and information retrieval fail on the same sentences.",
        "Bias in word embeddings survives tokenization, and fairness audits rarely find it.",
    ),
)
