"""Cuts the text of a dump into documents, and a List into its items, without reading it.

`kubectl get -o yaml` prints one document of any length. Cut into items, a break costs one object instead of all that
follow it, nothing has to be in memory at once, and the parts can be read side by side. Cuts are made only where the
text says so itself: `---` at the beginning of a line; below `items:`, lines that begin as the
first item does. JSON with line breaks is cut where a line holds the indentation of the first item and a brace: a JSON
string cannot contain a line break.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from itertools import pairwise
from typing import NamedTuple

_ITEMS = re.compile(rb"^items:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?P<indent> *)- ", re.MULTILINE)
_AFTER = re.compile(rb"\n(?=[A-Za-z\"'.])")
_JSON_ITEMS = re.compile(rb'^(?P<outer>[ \t]*)"items"[ \t]*:[ \t]*\[[ \t]*\r?\n(?P<indent>[ \t]+)\{', re.MULTILINE)
HEAD_BYTES = 4096
"""`items` stands near the beginning of a List; what is far from it is not searched for."""


class Piece(NamedTuple):
    """A part of a text that can be read alone."""

    text: bytes
    line: int
    """Line of the text on which it begins, from 1."""
    is_item: bool
    """An item of a List (in YAML: a list of one), else a document."""
    of: bytes = b""
    """What stands around the items: the List's own kind and version."""


def yaml_pieces(text: bytes) -> Iterator[Piece]:
    """Documents, and the items of Lists, in order."""
    line = 1
    for start, end in _documents(text):
        items = _ITEMS.search(text, start, min(end, start + HEAD_BYTES))
        if items is None:
            piece = Piece(text[start:end], line, is_item=False)
            yield piece
            line += piece.text.count(b"\n")
        else:
            line = yield from _items(text, start, end, items, line)


def _places(text: bytes, begin: bytes) -> Iterator[int]:
    """Where lines start that `begin` (with the line break before them) finds: `find` is ten times as fast as `re`."""
    at = -1
    while (at := text.find(begin, at + 1)) >= 0:
        yield at + 1


def _documents(text: bytes) -> Iterator[tuple[int, int]]:
    starts = [at for at in _places(text, b"\n---") if text[at + 3 : at + 4] in (b"", b" ", b"\t", b"\r", b"\n")]
    bounds = [0, *starts, len(text)]
    yield from ((a, b) for a, b in pairwise(bounds) if b > a)


def _items(text: bytes, start: int, end: int, items: re.Match[bytes], line: int) -> Generator[Piece, None, int]:
    first = items.start("indent")
    begin = b"\n" + items["indent"] + b"- "
    # From the last item on: a line that has slipped to the left inside of an earlier one does not end the list.
    after = _AFTER.search(text, max(first, text.rfind(begin, first, end) + 1), end)
    last = after.end() if after else end
    around = text[start : items.start()] + text[last:end]
    line += text[start:first].count(b"\n")
    for part in _parts(text, begin, first, last):
        yield Piece(part, line, True, around)
        line += part.count(b"\n")
    return line + text[last:end].count(b"\n")


def _parts(text: bytes, begin: bytes, first: int, last: int) -> Iterator[bytes]:
    """The text from `first` to `last`, cut after each line break with which `begin` starts."""
    at = first
    while (found := text.find(begin, at, last)) >= 0:
        yield text[at : found + 1]
        at = found + 1
    yield text[at:last]


def json_pieces(text: bytes) -> Iterator[Piece]:
    """Documents one after another (each begins a line), and the items of Lists that are printed on several lines."""
    bounds = [0, *_places(text, b"\n{"), len(text)]
    line = 1
    for start, end in pairwise(bounds):
        items = _JSON_ITEMS.search(text, start, min(end, start + HEAD_BYTES))
        if items is None:
            piece = Piece(text[start:end], line, is_item=False)
            yield piece
            line += piece.text.count(b"\n")
        else:
            line = yield from _json_items(text, start, end, items, line)


def _json_items(text: bytes, start: int, end: int, items: re.Match[bytes], line: int) -> Generator[Piece, None, int]:
    first = items.start("indent")
    close = text.rfind(b"\n" + items["outer"] + b"]", first, end)
    last = close + 1 if close >= 0 else end
    around = text[start:first] + text[last:end]
    begin = b"\n" + items["indent"] + b"{"
    line += text[start:first].count(b"\n")
    for part in _parts(text, begin, first, last):
        yield Piece(part.rstrip().removesuffix(b","), line, True, around)
        line += part.count(b"\n")
    return line + text[last:end].count(b"\n")
