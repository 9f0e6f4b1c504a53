"""What people type as keywords, several at once: each a keyword, or a sentence that says why it is none."""

from bot.domain.keyword import Keyword, split_keywords
from bot.domain.text import cut
from bot.runtime.errors import InvalidKeyword
from cogs.wording import bold

_NAMED_MAX = 60


def parse_keywords(text: str, category: str | None = None) -> list[Keyword | str]:
    """Each once, in the order typed; a sentence names its keyword where it is one of several."""
    parts = split_keywords(text) or ("",)
    return list(dict.fromkeys(_parsed(part, category, is_one_of_several=len(parts) > 1) for part in parts))


def _parsed(part: str, category: str | None, *, is_one_of_several: bool) -> Keyword | str:
    try:
        return Keyword.parse(part, category)
    except InvalidKeyword as error:
        return f"{bold(cut(part, _NAMED_MAX))}: {error}" if is_one_of_several else str(error)
