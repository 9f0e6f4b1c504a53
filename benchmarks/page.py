"""Renders pages of 5, 50 and 500 keywords with 100 papers each; measures CPU time, size and peak memory per format.

The papers are generated. Their fields have the average lengths of 271 recorded papers: an abstract of 1,222 characters,
a title of 72, five authors, a comment of 64. Each page is rendered in a process of its own, as the web server does:
section by section, with at most as many papers as a page shows, and compressed. A section's papers are generated when
it is rendered. The naive way renders every paper of every section.
"""

import gc
import multiprocessing
import os
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.measured_bot import memory_mb
from benchmarks.results import Figure, Run
from bot.domain.paper import ArxivId, Paper
from bot.page import PageFormat, PageOutline, Section, renderer
from bot.page.html import PAGE_HTML_BYTES
from bot.page.model import PAGE_PAPERS, outline_of
from bot.services.pages import CompressedOutput
from tests.support.page import Page

_NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
_KEYWORDS = ("Reward Model", "LLM agents", "diffusion", "C++", "graph neural network")
_CATEGORIES = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO", "cs.SE", "eess.IV", "math.OC", "physics.comp-ph", "stat.ML")
_WORDS = (
    "a reward model that learns from preferences of people and of other models without any labels shows how far "
    "agents generalise under $\\epsilon$-bounded noise while the policy keeps exploring rare states with few samples "
    "our method improves over strong baselines on nine benchmarks by 4.2% on average at half of the cost"
)
_NAMES = ("Ada Okafor", "Björn Lindqvist", "Chen Xiaoming", "Daniela Marković", "Emre Yıldız", "Farah El-Amin")
_SIZES: Final = (5, 50, 500)
_NAIVE: Final = 50  # keywords; more take minutes
# Limits for any number of keywords.
_CPU_MAX_S: Final = 2.0
_BYTES_MAX: Final = 12_000_000
_MEMORY_MAX_MB: Final = 40.0


def measure(run: Run) -> Sequence[Figure]:
    """Renders each page; at the reduced size without the largest."""
    figures: list[Figure] = []
    for page_format in PageFormat:
        for keywords in _SIZES[: run.size(2, len(_SIZES))]:
            bounded = _in_own_process(page_format, keywords, PAGE_PAPERS)
            naive = _in_own_process(page_format, keywords, None) if keywords == _NAIVE else None
            figures += _figures(page_format, keywords, bounded, naive)
    return figures


def _figures(
    page_format: PageFormat, keywords: int, bounded: tuple[float, int, float], naive: tuple[float, int, float] | None
) -> list[Figure]:
    name = f"{page_format.value}, {keywords} keywords"
    bytes_max = PAGE_HTML_BYTES if page_format is PageFormat.HTML and keywords < max(_SIZES) else _BYTES_MAX
    targets = (_CPU_MAX_S, bytes_max / 1e6, _MEMORY_MAX_MB)
    kinds = (("CPU time", "CPU s"), ("size", "MB"), ("growth of the memory", "MB"))
    return [
        Figure(
            f"{name}: {kind}",
            (_in_units(bounded)[place],),
            unit,
            targets[place],
            () if naive is None else (_in_units(naive)[place],),
            "" if naive is None else "all papers",
        )
        for place, (kind, unit) in enumerate(kinds)
    ]


def _in_units(measured: tuple[float, int, float]) -> tuple[float, float, float]:
    cpu_s, size, memory_mb = measured
    return cpu_s, size / 1e6, memory_mb


def _in_own_process(page_format: PageFormat, keywords: int, per_keyword: int | None) -> tuple[float, int, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (page_format, keywords, per_keyword))


def _measure(page_format: PageFormat, keywords: int, per_keyword: int | None) -> tuple[float, int, float]:
    """Returns the CPU seconds without those of generating papers, the size, and the growth of the peak memory in MB."""
    _render(page_format, 1, 1)  # templates and tables
    gc.collect()
    before_mb = memory_mb(os.getpid(), "VmHWM")
    took_s, size = _render(page_format, keywords, per_keyword)
    return took_s, size, memory_mb(os.getpid(), "VmHWM") - before_mb


def _render(page_format: PageFormat, keywords: int, per_keyword: int | None) -> tuple[float, int]:
    names = tuple(f"{_KEYWORDS[number % 5]} {number // 5}" for number in range(keywords))
    outline = outline_of(_NOW, names) if per_keyword else PageOutline(_NOW, names)
    writer, output = renderer(outline, page_format, "https://papers.example/"), CompressedOutput()
    started_at_s = time.process_time()
    generating_s = 0.0
    output.write(writer.head())
    sections = generate_sections(names, outline.per_keyword)
    while True:
        generated_at_s = time.process_time()
        section = next(sections, None)
        generating_s += time.process_time() - generated_at_s
        if section is None:
            break
        output.write(writer.section(section))
    for chunk in writer.tail():
        output.write(chunk)
    output.finish()
    return time.process_time() - started_at_s - generating_s, output.size


def generate_page(keywords: tuple[str, ...] = _KEYWORDS, papers: int = 100) -> Page:
    """Returns a generated page, the same one every time."""
    return Page(_NOW, tuple(generate_sections(keywords, papers)))


def generate_sections(keywords: tuple[str, ...], papers: int) -> Iterator[Section]:
    """Yields generated sections, the same ones every time."""
    rng = random.Random(5)
    ids = iter(range(1, len(keywords) * papers + 1))
    for word in keywords:
        yield Section(word, tuple(_paper(rng, next(ids)) for _ in range(papers)))


def _paper(rng: random.Random, number: int) -> Paper:
    published = _NOW - timedelta(hours=rng.uniform(0, 1500))
    categories = tuple(rng.sample(_CATEGORIES, rng.choice((1, 2, 2, 3))))
    return Paper(
        arxiv_id=ArxivId(f"2611.{number:05}"),
        version=rng.choice((1, 1, 2)),
        title=_text(rng, 72).capitalize(),
        abstract=_text(rng, 1222).capitalize(),
        authors=tuple(rng.sample(_NAMES, rng.choice((3, 4, 5, 6, 6)))),
        primary_category=categories[0],
        categories=categories,
        published=published,
        updated=published + timedelta(hours=rng.choice((0, 0, 30))),
        comment=_text(rng, 64).capitalize(),
    )


def _text(rng: random.Random, length: int) -> str:
    text, words = "", _WORDS.split()
    while len(text) < length:
        text += rng.choice(words) + " "
    return text[:length].strip()
