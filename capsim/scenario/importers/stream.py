"""Every object of files, folders and standard input, one after another, with the line on which it begins."""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from capsim.errors import Problem, ScenarioError
from capsim.scenario.files import SUFFIXES, manifest_paths
from capsim.scenario.importers.build import Broken, ForeignAlias, from_json, from_yaml, json_items
from capsim.scenario.importers.split import Piece, json_pieces, yaml_pieces

STDIN = "-"
MAX_BYTES = 2 * 2**30
BATCH_BYTES = 256 * 2**10
NEXT_ITEM = ',{"apiVersion"'
LONG_LINE_BYTES = 64 * 2**20
"""JSON on one line that is longer is read item by item."""
HEAD = 4096
_ITEMS = re.compile(r'"items"\s*:\s*\[')
_KIND = re.compile(r'"kind"\s*:\s*"(\w*)List"')
Progress = Callable[[int, int], None]
"""Told how many bytes are done, of how many."""


class Found(NamedTuple):
    """One object as it stands in a file."""

    content: dict[str, Any]
    file: str
    line: int


class Rendered(NamedTuple):
    """The output of a program, as if it were a file of that name."""

    name: str
    data: bytes


Input = str | Rendered
"""A file, folder or glob; `-` for standard input; or text that is there already."""


class Stream:
    """Iterates over the objects. `problems` are what could not be read, `documents` how many documents there were."""

    def __init__(self, paths: Sequence[Input], progress: Progress | None = None) -> None:
        self.problems: list[Problem] = []
        self.documents = 0
        self.bytes_read = 0
        self._progress = progress
        self._inputs = [file for path in paths for file in _files(path)]
        self.files = [file.name if isinstance(file, Rendered) else file for file in self._inputs]
        self._total = sum(_size(file) for file in self._inputs)
        self._file = ""
        self._around: bytes | None = None
        self._kind: tuple[str, str] | None = None

    def __iter__(self) -> Iterator[Found]:
        for file in self._inputs:
            self._file = file.name if isinstance(file, Rendered) else "stdin" if file == STDIN else file
            data = self._bytes(file)
            begun = self.bytes_read
            if data is not None:
                yield from self._objects(data)
            self.bytes_read = begun + _size(file)
            self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.bytes_read, max(self._total, self.bytes_read))

    def _fail(self, message: str, line: int | None = None, allowed: str = "") -> None:
        self.problems.append(Problem(message, self._file, line, allowed=allowed))

    def _bytes(self, file: Input) -> bytes | None:
        try:
            data = _read(file)
        except OSError as error:
            self._fail(f"cannot be read: {(error.strerror or 'I/O error').lower()}")
            return None
        except (EOFError, zlib.error):
            self._fail("the gzip data is cut short or damaged")
            return None
        if len(data) > MAX_BYTES:
            self._fail(f"more than {MAX_BYTES // 2**30} GiB of text", allowed="several files, or fewer kinds a file")
            return None
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # PowerShell's `>` writes UTF-16
            data = data.decode("utf-16", "replace").encode()
        data = data.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in data[:4096]:
            self._fail("not text", allowed="YAML or JSON")
            return None
        return data

    def _objects(self, data: bytes) -> Iterator[Found]:
        is_json = data.lstrip()[:1] in (b"{", b"[")
        batch: list[Piece] = []
        size = 0
        around: Any = None
        for piece in json_pieces(data) if is_json else yaml_pieces(data):
            if piece.is_item and piece.of is not around:
                self.documents += 1
                around = piece.of
            if batch and (not piece.is_item or size > BATCH_BYTES or piece.of is not batch[0].of):
                yield from self._batch(batch, is_json)
                batch, size = [], 0
            batch.append(piece)
            size += len(piece.text)
            if not piece.is_item:
                yield from self._document(piece, is_json)
                batch, size = [], 0
        if batch:
            yield from self._batch(batch, is_json)

    def _batch(self, batch: list[Piece], is_json: bool) -> Iterator[Found]:
        """Items of one List, together; one by one when something in them is broken."""
        if batch[0].of is not self._around:
            self._around = batch[0].of
            self._kind = self._list_kind(self._around, is_json)
        kind = self._kind
        for piece, value in zip(batch, self._items(batch, is_json), strict=True):
            yield from self._found(value, piece.line, kind)
        self.bytes_read += sum(len(piece.text) for piece in batch)
        self._tell()

    def _items(self, batch: list[Piece], is_json: bool) -> list[Any]:
        if not is_json:
            try:
                documents, duplicates = from_yaml(b"".join(piece.text for piece in batch).decode())
                if not duplicates and len(documents) == 1 and len(documents[0]) == len(batch):
                    return list(documents[0])
            except (Broken, UnicodeDecodeError):
                pass  # which item it is comes out below
        return [self._item(piece, is_json) for piece in batch]

    def _item(self, piece: Piece, is_json: bool) -> Any:
        try:
            if is_json:
                return from_json(piece.text)
            documents = self._yaml(piece)
        except Broken as error:
            self._broken(error, piece)
            return None
        return documents[0][0] if documents and isinstance(documents[0], list) and documents[0] else None

    def _yaml(self, piece: Piece) -> list[Any]:
        try:
            documents, duplicates = from_yaml(piece.text.decode())
        except UnicodeDecodeError as error:
            raise Broken("not UTF-8", piece.text.count(b"\n", 0, error.start) + 1) from None
        for line in duplicates[:10]:
            self._fail("duplicate key: the last one counts", piece.line + line - 1, "each key once")
        return documents

    def _broken(self, error: Broken, piece: Piece) -> None:
        message = error.message
        if isinstance(error, ForeignAlias) and piece.is_item:
            message = "an alias for something outside of this item of the List"
        self._fail(
            f"{message}; this {'object' if piece.is_item else 'document'} is left out", piece.line + error.line - 1
        )

    def _document(self, piece: Piece, is_json: bool) -> Iterator[Found]:
        if is_json and len(piece.text) > LONG_LINE_BYTES:
            yield from self._one_by_one(piece, None)
        else:
            try:
                values = [from_json(piece.text)] if is_json else self._yaml(piece)
            except Broken as error:
                values = []
                if is_json:
                    yield from self._one_by_one(piece, error)
                else:
                    self._broken(error, piece)
            values = [value for value in values if value is not None]
            self.documents += len(values)
            for value in values:
                yield from self._found(value, piece.line + _leading_lines(piece.text), None)
        self.bytes_read += len(piece.text)
        self._tell()

    def _one_by_one(self, piece: Piece, error: Broken | None) -> Iterator[Found]:
        """The items of a List on one line of JSON: a long one is never in memory as a whole, and those before and after
        a break can still be read. Without a List, `error` is reported."""
        text = piece.text.decode("utf-8", "replace")
        items = _ITEMS.search(text[:HEAD])
        if items is None:
            self._broken(error or Broken("one line of JSON that is too long and no List", 1), piece)
            return
        self.documents += 1
        kind = next((match for match in map(_KIND.search, (text[:HEAD], text[-HEAD:])) if match), None)
        typed = (kind[1], "v1") if kind is not None and kind[1] else None
        at = items.end()
        while True:
            parts = json_items(text, at)
            while True:
                try:
                    value = next(parts)
                except StopIteration as end:
                    at, broken = end.value
                    break
                yield from self._found(value, piece.line, typed)
            if not broken:
                return
            line = text.count("\n", 0, at) + 1
            self._fail("JSON syntax: an item of a List cannot be read; this object is left out", piece.line + line - 1)
            again = text.find(NEXT_ITEM, at)
            if again < 0:
                return
            at = again + 1

    def _list_kind(self, around: bytes, is_json: bool) -> tuple[str, str] | None:
        """Kind and apiVersion that the items of a typed list leave out."""
        try:
            head = from_json(around) if is_json else next(iter(from_yaml(around.decode("utf-8", "replace"))[0]), {})
        except Broken as error:
            self._fail(f"{error.message}: what stands around the items of a List cannot be read")
            return None
        if isinstance(head, dict) and isinstance(head.get("kind"), str) and head["kind"] != "List":
            return head["kind"].removesuffix("List"), str(head.get("apiVersion", ""))
        return None

    def _found(self, value: Any, line: int, kind: tuple[str, str] | None) -> Iterator[Found]:
        if value is None:
            return
        if not isinstance(value, dict):
            if isinstance(value, list) and kind is None:
                for item in value:
                    yield from self._found(item, line, None)
                return
            self._fail("not a Kubernetes object", line, "a mapping with apiVersion and kind")
            return
        if kind is not None:
            value.setdefault("kind", kind[0])
            value.setdefault("apiVersion", kind[1])
        items = value.get("items")
        if isinstance(items, list) and str(value.get("kind", "")).endswith("List"):
            typed = None if value["kind"] == "List" else (value["kind"][:-4], str(value.get("apiVersion", "")))
            for item in items:
                yield from self._found(item, line, typed)
            return
        yield Found(value, self._file, line)


def _leading_lines(text: bytes) -> int:
    """Lines before the first that holds something: separators, blanks, comments."""
    lines = 0
    for lines, line in enumerate(text.splitlines()):
        stripped = line.strip()
        if stripped and not stripped.startswith((b"#", b"---", b"%")):
            return lines
    return lines


def _files(path: Input) -> list[Input]:
    if isinstance(path, Rendered) or path == STDIN:
        return [path]
    found = manifest_paths(os.path.expanduser(path))
    if not found:
        allowed = f"a file, glob or folder with {', '.join(SUFFIXES[:3])} (.gz), or - for standard input"
        raise ScenarioError(Problem("nothing to import there", path, allowed=allowed))
    return list(found)


def _size(file: Input) -> int:
    if isinstance(file, Rendered):
        return len(file.data)
    return 0 if file == STDIN or not os.path.exists(file) else os.path.getsize(file)


def _read(file: Input) -> bytes:
    if isinstance(file, Rendered):
        return file.data
    if file == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    data = Path(file).read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    return gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES + 1)
