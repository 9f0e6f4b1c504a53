"""Checks the XML document of a feed before it is parsed, and finds its entries.

A body that is not one complete, well-formed document of a bounded size is an error. It never interprets a field.
"""

import hashlib
import re
import sys
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Final
from xml.parsers import expat

from bot.runtime.errors import InvalidFeed

# A recorded feed is 4 elements deep; an entry has about 15 elements and two per author. Large collaborations have 1,500
# authors, and a page of 2,000 entries may have 60 of their papers.
FEED_DEPTH_MAX: Final = 20
FEED_ELEMENTS_MAX: Final = 250_000
# A recorded entry has about 20, its authors none; feedparser needs 0.2 ms for each.
FEED_ATTRIBUTES_MAX: Final = 60_000
# Characters that XML 1.0 does not allow (section 2.2, Char): one of them makes the whole page unreadable.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_REFERENCE: Final = re.compile("&#(?:([0-9]+)|x([0-9a-fA-F]+));")
_DECLARATION: Final = re.compile(rb"\A<\?xml[^>]*\?>")
# A tag this long consists of attributes: expat creates objects for all of them before they can be counted.
_LONG_TAG: Final = re.compile(r"<[^<>]{20000}")
_HTML: Final = re.compile(r"\s*(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_ANOTHER_DOCUMENT: Final = (expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT, expat.errors.XML_ERROR_MISPLACED_XML_PI)
_CUT_OFF: Final = (
    expat.errors.XML_ERROR_NO_ELEMENTS,
    expat.errors.XML_ERROR_UNCLOSED_TOKEN,
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
)

UNEXPECTED_STRUCTURE: Final = "arXiv's response has an unexpected structure."

_ENTRY: Final = "http://www.w3.org/2005/Atom entry"
_ENTRY_DEPTH: Final = 2
# No paper needs these, and feedparser needs a tenth of its time for them.
_LINK: Final = "http://www.w3.org/2005/Atom link"
# Nor this white space. feedparser reads other text in an author as a name, but none directly in an entry.
_AUTHOR: Final = re.compile(rb"<author>(\s*)<name>[^<]*</name>(\s*)</author>")
_INDENT_MAX: Final = 64
_ID: Final = re.compile(rb"<id>\s*([^<&\s]+)\s*</id>")
# As many bytes identify an entry: two of 40,000 are alike with a probability of 1 in 20 billion.
_DIGEST_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A well-formed XML document in UTF-8, without declaration and invalid characters.

    `entries` are where each entry of the feed starts and ends, `unneeded` the starts and ends of what no paper needs:
    links, and white space between elements.
    """

    text: bytes
    entries: tuple[tuple[int, int], ...]
    unneeded: tuple[Sequence[int], Sequence[int]] = ((), ())

    @property
    def digests(self) -> tuple[int, ...]:
        """A digest of each entry; different for another version, or any other change."""
        return tuple(map(_digest, (self.text[start:end] for start, end in self.entries)))

    @property
    def entry_ids(self) -> tuple[str, ...]:
        """The id of each entry as it is written; empty where it cannot be told without parsing."""
        found = (_ID.search(self.text, start, end) for start, end in self.entries)
        return tuple("" if each is None else each[1].decode() for each in found)

    def without(self, places: Collection[int]) -> bytes:
        """Returns what the papers of the other entries need of the document."""
        pieces, after = [], 0
        entries = (self.entries[place] for place in sorted(places))
        for start, end in merge(entries, zip(*self.unneeded, strict=True)):
            if start >= after:  # not within an entry that is left out
                pieces.append(self.text[after:start])
                after = end
        return b"".join((*pieces, self.text[after:]))


def check_document(body: bytes) -> FeedDocument:
    """Returns the document of a response. Raises InvalidFeed if it is not one complete document."""
    document = _cleaned(body)
    structure = _read_structure(document)
    text = _DECLARATION.sub(b"", document)
    removed = len(document) - len(text)
    entries = [(start - removed, _end_of_tag(text, end - removed)) for start, end in structure.entries]
    starts, ends = (array("q", (place - removed for place in places)) for places in structure.unneeded)
    return FeedDocument(text, tuple(entries), (starts, ends))


def _end_of_tag(text: bytes, start: int) -> int:
    """Returns where an entry ends whose end tag starts here; an entry without content has no end tag."""
    return text.index(b">", start) + 1


def _digest(entry: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(entry, digest_size=_DIGEST_BYTES).digest(), "big")


def _cleaned(body: bytes) -> bytes:
    """Returns the body without invalid characters; as bytes, because str takes up to four times the memory."""
    if not body.strip():
        raise InvalidFeed("arXiv's response is empty.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFeed("arXiv's response is not UTF-8 text.") from error
    if _HTML.match(text):
        raise InvalidFeed("arXiv's response is an HTML page, not a feed.")
    if text.count("&#") > FEED_ELEMENTS_MAX or _LONG_TAG.search(text):
        raise InvalidFeed(UNEXPECTED_STRUCTURE)
    return _REFERENCE.sub(_valid_reference, _NOT_XML.sub("", text)).encode()


def _valid_reference(found: re.Match[str]) -> str:
    digits, base = (found[1], 10) if found[1] else (found[2], 16)
    code = int(digits.lstrip("0")[:8] or "0", base)  # eight digits are beyond Unicode
    return "" if code > sys.maxunicode or _NOT_XML.match(chr(code)) else found[0]


def _read_structure(document: bytes) -> "_Structure":
    """Checks the document before feedparser, which accepts anything and can take minutes for it."""
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartDoctypeDeclHandler = _reject_doctype
    structure = _Structure(parser, document)
    parser.StartNamespaceDeclHandler = structure.declare
    parser.StartElementHandler = structure.open
    parser.EndElementHandler = structure.close
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise InvalidFeed(_describe_fault(expat.ErrorString(error.code))) from error
    return structure


class _Structure:
    """Counts elements and attributes during the check: many attributes keep feedparser busy for minutes.

    `entries` are the places in the document at which each entry and its end tag start; `unneeded` those at which what
    no paper needs starts, and those at which it ends.
    """

    def __init__(self, parser: expat.XMLParserType, document: bytes) -> None:
        self._parser = parser
        self._document = document
        self._depth = 0
        self._elements = 0
        self._attributes = 0
        self._is_entry = False
        self._entry_start = 0
        self._link_start: int | None = None
        self.entries: list[tuple[int, int]] = []
        self.unneeded = (array("q"), array("q"))

    def open(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        self._attributes += len(attributes)
        if self._depth > FEED_DEPTH_MAX or self._elements > FEED_ELEMENTS_MAX:
            raise InvalidFeed(UNEXPECTED_STRUCTURE)
        self._check_attributes()
        if self._depth == _ENTRY_DEPTH:
            self._is_entry = name == _ENTRY
            self._entry_start = self._parser.CurrentByteIndex
        elif self._depth == _ENTRY_DEPTH + 1 and self._is_entry:
            self._open_field(name, self._parser.CurrentByteIndex)

    def _open_field(self, name: str, start: int) -> None:
        """Finds what no paper needs before and in an element of an entry."""
        if self._link_start is None:
            indented = self._document[max(0, start - _INDENT_MAX) : start]
            self._leave_out(start - len(indented) + len(indented.rstrip()), start)
        self._end_link(start)
        if name == _LINK:
            self._link_start = start
        elif author := _AUTHOR.match(self._document, start):
            self._leave_out(*author.span(1))
            self._leave_out(*author.span(2))

    def _end_link(self, end: int) -> None:
        """Leaves out a link with everything up to the next element, or to the end of the entry."""
        if self._link_start is not None:
            self._leave_out(self._link_start, end)
            self._link_start = None

    def _leave_out(self, start: int, end: int) -> None:
        if start < end:
            self.unneeded[0].append(start)
            self.unneeded[1].append(end)

    def declare(self, _prefix: str | None, _uri: str) -> None:
        self._attributes += 1
        self._check_attributes()

    def _check_attributes(self) -> None:
        if self._attributes > FEED_ATTRIBUTES_MAX:
            raise InvalidFeed(UNEXPECTED_STRUCTURE)

    def close(self, _name: str) -> None:
        if self._depth == _ENTRY_DEPTH and self._is_entry:
            end = self._parser.CurrentByteIndex
            self._end_link(end)
            self.entries.append((self._entry_start, end))
        self._depth -= 1


def _reject_doctype(*_: object) -> None:
    raise InvalidFeed("arXiv's response has a document type declaration, which its feeds never have.")


def _describe_fault(expat_message: str) -> str:
    if expat_message in _ANOTHER_DOCUMENT:
        return "arXiv's response contains more than one document."
    if expat_message in _CUT_OFF:
        return "arXiv's response is truncated."
    return "arXiv's response is not a feed, or a damaged one."
