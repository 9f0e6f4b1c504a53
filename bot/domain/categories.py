"""arXiv's category taxonomy: which categories exist, and which ones resemble what someone typed.

The table is `categories.json`, copied from arxiv.org/category_taxonomy. It omits discontinued codes such as `cmp-lg`,
under which arXiv files no new papers.
"""

import difflib
import json
from collections.abc import Mapping
from importlib.resources import files
from itertools import chain, islice
from types import MappingProxyType
from typing import Final

from bot.runtime import limits

_TAXONOMY: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    (files("bot.domain") / "categories.json").read_text(encoding="utf-8")
)
# The names of categories by code. The code of an archive means all its categories. An archive with only one category
# (quant-ph) is listed as a category.
ARCHIVES: Final = MappingProxyType(_TAXONOMY["archives"])
CATEGORIES: Final = MappingProxyType(_TAXONOMY["categories"])

_NAMES: Final = dict(sorted({**ARCHIVES, **CATEGORIES}.items()))
_CODES_BY_LOWER_CASE: Final = {code.lower(): code for code in _NAMES}
_LONGEST_NAME: Final = max(map(len, _NAMES.values()))


def is_category(code: str) -> bool:
    """Whether this is the code of a category or an archive; arXiv's search is case-sensitive, and so is this."""
    return code in _NAMES


def find_category(typed: str) -> str | None:
    """Returns the code of a category or an archive that was typed in any case; None if there is none."""
    return _CODES_BY_LOWER_CASE.get(typed.strip().lower())


def suggest_categories(typed: str, limit: int = limits.AUTOCOMPLETE_CHOICES_MAX) -> tuple[tuple[str, str], ...]:
    """Returns codes with their names: first codes that start with what was typed, then names that contain it."""
    wanted = typed.strip().lower()
    by_code = (code for code in _NAMES if code.lower().startswith(wanted))
    by_name = (code for code, name in _NAMES.items() if wanted in name.lower())
    found = dict.fromkeys(chain(by_code, by_name))
    return tuple((code, _NAMES[code]) for code in islice(found, limit))


def similar_categories(typed: str, limit: int = 3) -> tuple[str, ...]:
    """Returns the codes most similar to what was typed, best first; empty if none is similar."""
    wanted = typed.strip().lower()[:_LONGEST_NAME]
    suggested = [code for code, _ in suggest_categories(wanted)] if wanted else []
    similar = difflib.get_close_matches(wanted, _CODES_BY_LOWER_CASE, n=limit)
    return tuple(islice(dict.fromkeys([*suggested, *(_CODES_BY_LOWER_CASE[code] for code in similar)]), limit))
