"""The fonts of charts: matplotlib's own, and an installed one for Chinese, Japanese and Korean names.

Only `bot.charts.drawing` uses it, in its own process: it imports matplotlib.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findSystemFonts, get_font
from matplotlib.textpath import TextPath

# Files of fonts with Chinese, Japanese and Korean characters: the container's, others of Linux, of macOS, of Windows.
_CJK_FILES: Final = (
    "wqy-microhei", "wqy-zenhei", "NotoSansCJK-Regular", "SourceHanSans-Regular", "DroidSansFallbackFull",
    "DroidSansFallback", "ipaexg", "NanumGothic", "Hiragino Sans GB", "AppleSDGothicNeo", "Arial Unicode",
    "msyh", "YuGothM", "malgun",
)  # fmt: skip
_UNKNOWN: Final = re.compile("\0+")


class Font:
    """One font file, and which characters it has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._glyphs = frozenset(get_font(str(path)).get_charmap())

    def at(self, points: float) -> FontProperties:
        """Returns the font in this size, for matplotlib."""
        return FontProperties(fname=str(self._path), size=points)

    def missing(self, text: str) -> int:
        """Returns how many characters of the text it does not have."""
        return sum(ord(char) not in self._glyphs or not char.isprintable() for char in text)

    def width(self, text: str, points: float) -> float:
        """Returns the width of the text in this size, in points."""
        return float(TextPath((0, 0), text, prop=self.at(points)).get_extents().width) if text.strip() else 0.0

    def cut(self, text: str, points: float, width: float) -> str:
        """Returns the text, shortened with "…" if it is wider than `width` points."""
        if self.width(text, points) <= width:
            return text
        while self.width(f"{text}…", points) > width:
            text = text[:-1].rstrip()
        return f"{text}…"

    def printable(self, text: str, fallback: str) -> str:
        """Returns the text with "…" for characters that it lacks, or `fallback` if no letter or digit is left."""
        known = "".join("\0" if self.missing(char) else char for char in text)
        return _UNKNOWN.sub("…", known) if any(map(str.isalnum, known)) else fallback


class Fonts:
    """The default font, and the `fallbacks` for texts with other characters (None: those that are installed)."""

    def __init__(self, fallbacks: Sequence[Path] | None = None) -> None:
        self.default = Font(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
        self._fallback_paths = fallbacks

    def for_text(self, text: str) -> Font:
        """Returns the font that has the most characters of the text; the first of equally good ones."""
        if not self.default.missing(text):
            return self.default
        return min((self.default, *self._fallbacks), key=lambda font: font.missing(text))

    @cached_property
    def _fallbacks(self) -> tuple[Font, ...]:
        paths = _installed() if self._fallback_paths is None else self._fallback_paths
        return tuple(map(Font, paths))


def _installed() -> list[Path]:
    # Not matplotlib's list of fonts: its cache lacks a font that was installed later.
    files = {path.stem: path for path in map(Path, findSystemFonts())}
    return [files[name] for name in _CJK_FILES if name in files]
