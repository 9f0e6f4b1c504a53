"""The research fields of generated papers, in groups that take turns. Only data.

A field has its own words: what people type first as a keyword occurs in a topic, which is in each paper's title, or in
a sentence. `{t}` is a paper's topic, `{m}` its method and `{d}` its testbed.
"""

from typing import Final

from sandbox.arxiv.fields import computing, language, learning, life, mathematics, physics, universe
from sandbox.arxiv.fields.model import ResearchField

__all__ = ["FIELD_GROUPS", "ResearchField"]

# Each round of papers has one paper of each group; the fields of a group take turns.
FIELD_GROUPS: Final[tuple[tuple[ResearchField, ...], ...]] = (
    (language.ALIGNMENT,),
    (learning.IMAGE_GENERATION,),
    (learning.GRAPH_LEARNING,),
    (language.MULTIMODAL_MODELS,),
    (language.LANGUAGE_MODELS,),
    (computing.ROBOTICS, learning.REINFORCEMENT_LEARNING, learning.SCENES, language.SPEECH_AND_TEXT),
    (physics.QUANTUM_INFORMATION, physics.QUANTUM_COMPUTING, universe.PARTICLES, universe.STRINGS),
    (mathematics.GEOMETRY, mathematics.NUMBERS, mathematics.GRAPHS, mathematics.ANALYSIS, mathematics.ALGEBRA),
    (universe.GALAXIES, universe.COSMOLOGY, universe.STARS, universe.GRAVITY),
    (physics.QUANTUM_MATERIALS, physics.CHEMISTRY, physics.FLUIDS, physics.OPTICS),
    (learning.STATISTICS, learning.MACHINE_LEARNING, computing.TIME_SERIES, life.CLIMATE),
    (computing.SECURITY, computing.SYSTEMS, life.PROTEINS, life.MEDICINE),
)
