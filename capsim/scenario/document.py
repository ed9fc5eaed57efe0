"""YAML and JSON text to plain values that remember their lines.

Mappings and lists become `SourceMap` and `SourceList`: dict and list with the mark (file, line) of every entry. The
text is parsed event by event (libyaml when available) with a stack of its own: deep nesting cannot exhaust Python's.
Scalars are read as Kubernetes reads them (YAML 1.1 without sexagesimals; 1e3 is a number; keys are strings).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from capsim.errors import Problem

MAX_DEPTH = 250
MAX_ALIASED = 1_000_000
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Mark(NamedTuple):
    """Where something stands; lines count from 1, 0 is no line."""

    file: str
    line: int


class SourceMap(dict[str, Any]):
    """A mapping and where it and each of its keys stand."""

    __slots__ = ("mark", "marks")

    def __init__(self, values: dict[str, Any] | None = None, mark: Mark | None = None) -> None:
        super().__init__(values or {})
        self.mark = mark or Mark("", 0)
        self.marks: dict[str, Mark] = {}

    def copy(self) -> SourceMap:
        """A copy of this level."""
        copy = SourceMap(self, self.mark)
        copy.marks = dict(self.marks)
        return copy

    def put(self, key: str, value: Any, mark: Mark) -> None:
        """Sets a key and its mark."""
        self[key] = value
        self.marks[key] = mark


class SourceList(list[Any]):
    """A list and where it and each of its items stand."""

    __slots__ = ("mark", "marks")

    def __init__(self, values: list[Any] | None = None, mark: Mark | None = None) -> None:
        super().__init__(values or [])
        self.mark = mark or Mark("", 0)
        self.marks: list[Mark] = []

    def copy(self) -> SourceList:
        """A copy of this level."""
        copy = SourceList(self, self.mark)
        copy.marks = list(self.marks)
        return copy


def mark_of(container: Any, key: Any) -> Mark:
    """Where an entry stands, or else the container itself."""
    if isinstance(container, SourceMap):
        return container.marks.get(key, container.mark)
    if isinstance(container, SourceList):
        return container.marks[key] if isinstance(key, int) and key < len(container.marks) else container.mark
    return Mark("", 0)


def describe(value: Any) -> str:
    """A value as an error message shows it: short."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


class _Open:
    """A mapping or list whose end has not come yet."""

    __slots__ = ("anchor", "key", "key_mark", "merges", "size_before", "value")

    def __init__(self, value: SourceMap | SourceList, anchor: str | None, size_before: int) -> None:
        self.value, self.anchor, self.size_before = value, anchor, size_before
        self.key: str | None = None
        self.key_mark: Mark = value.mark
        self.merges: list[Any] = []


class _Stop(Exception):
    """The file cannot be read any further."""


class Reader:
    """Reads one text; documents and problems are collected, so that one error does not hide the next."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.documents: list[Any] = []
        self._text = text
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._size = self._aliased = 0

    def read(self) -> None:
        """Fills `documents` (empty ones left out) and `problems`."""
        try:
            for event in _events(self._text):
                self._take(event)
        except yaml.YAMLError as error:
            self.problems.append(_syntax_problem(error, self.file, self._text))
        except _Stop:
            pass

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._add(self._scalar(event), event)
        elif kind is yaml.MappingStartEvent:
            self._open(SourceMap(mark=self._mark(event)), event)
        elif kind is yaml.SequenceStartEvent:
            self._open(SourceList(mark=self._mark(event)), event)
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            self._close(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._anchors = {}

    def _mark(self, event: Any) -> Mark:
        return Mark(self.file, event.start_mark.line + 1)

    def _fail(self, event: Any, message: str, found: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(message, *self._mark(event), found=found, allowed=allowed))

    def _open(self, value: SourceMap | SourceList, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            self._fail(event, "nested too deeply", allowed=f"at most {MAX_DEPTH} levels")
            raise _Stop
        if event.tag is not None and event.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"):
            self._fail(event, "unknown tag", found=event.tag, allowed="plain mappings, lists and scalars")
        if self._stack and isinstance(self._stack[-1].value, SourceMap) and self._stack[-1].key is None:
            self._fail(event, "a key is a mapping or a list", allowed="text keys")
            raise _Stop
        self._size += 1
        self._stack.append(_Open(value, event.anchor, self._size))

    def _close(self, event: Any) -> None:
        done = self._stack.pop()
        if isinstance(done.value, SourceMap):
            for source in done.merges:
                for key, value in source.items():
                    if key not in done.value:
                        done.value.put(key, value, mark_of(source, key))
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, self._size - done.size_before + 1)
        self._place(done.value, done.value.mark)

    def _add(self, value: Any, event: Any) -> None:
        self._size += 1
        open_ = self._stack[-1] if self._stack else None
        if open_ is not None and isinstance(open_.value, SourceMap) and open_.key is None:
            self._key(open_, event)
            return
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._place(value, self._mark(event))

    def _key(self, open_: _Open, event: Any) -> None:
        key, mark = event.value, self._mark(event)
        if key in open_.value and key != "<<":
            first = mark_of(open_.value, key).line
            self.problems.append(
                Problem(f"duplicate key, first on line {first}", *mark, key=key, allowed="each key once")
            )
        open_.key, open_.key_mark = key, mark

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            self._fail(event, "alias without a complete anchor before it", allowed="an anchor defined earlier")
            raise _Stop
        value, size = self._anchors[event.anchor]
        self._size += size
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            self._fail(event, "aliases expand to too much", allowed=f"at most {MAX_ALIASED:,} values through aliases")
            raise _Stop
        open_ = self._stack[-1] if self._stack else None
        if open_ is not None and isinstance(open_.value, SourceMap) and open_.key is None:
            self._fail(event, "a key is an alias", allowed="text keys")
            raise _Stop
        self._place(value, self._mark(event))

    def _place(self, value: Any, mark: Mark) -> None:
        if not self._stack:
            if value is not None:
                self.documents.append(value)
            return
        open_ = self._stack[-1]
        if isinstance(open_.value, SourceList):
            open_.value.append(value)
            open_.value.marks.append(mark)
        elif open_.key == "<<":
            self._merge(open_, value)
        else:
            assert open_.key is not None
            open_.value.put(open_.key, value, open_.key_mark)
        open_.key = None

    def _merge(self, open_: _Open, value: Any) -> None:
        sources = value if isinstance(value, SourceList) else [value]
        if not all(isinstance(source, SourceMap) for source in sources):
            self.problems.append(Problem("<< merges mappings only", *open_.key_mark, key="<<", found=describe(value)))
            return
        open_.merges.extend(sources)

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        if event.implicit[0] or (tag and tag.startswith("tag:yaml.org,2002:") and tag[18:] in _RESOLVED):
            return plain_scalar(event.value)
        if tag not in (None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"):
            self._fail(event, "unknown tag", found=tag, allowed="plain mappings, lists and scalars")
        return event.value


_RESOLVED = ("int", "float", "bool", "null")


def _events(text: str) -> Iterator[Any]:
    return iter(yaml.parse(text, Loader=LOADER))


def _syntax_problem(error: yaml.YAMLError, file: str, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a character that YAML does not allow; its position counts characters
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        return Problem("not readable as text", file, line, found="a control character", allowed="YAML or JSON in UTF-8")
    message = str(getattr(error, "problem", "") or "not valid YAML")
    line, allowed = mark.line + 1, ""
    if "nesting" in message:  # libyaml has a limit of its own
        return Problem("nested too deeply", file, line, allowed=f"at most {MAX_DEPTH} levels")
    lines = text.splitlines()
    if "tab" in message or "'\\t'" in message or (mark.line < len(lines) and lines[mark.line].lstrip(" ")[:1] == "\t"):
        message, allowed = "a tab in the indentation", "spaces"
    return Problem(f"YAML syntax: {message}", file, line, allowed=allowed)


_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"[-+]?(0b[01][01_]*|0o?[0-7][0-7_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|[1-9][0-9_]*|0)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@lru_cache(maxsize=1 << 16)
def plain_scalar(text: str) -> Any:
    """The value of an unquoted scalar: None, bool, int, float or text.

    >>> plain_scalar("8Gi"), plain_scalar("1e3"), plain_scalar("0644"), plain_scalar("1:30"), plain_scalar("yes")
    ('8Gi', 1000.0, 420, '1:30', True)
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if len(text) <= 400 and (match := _INTEGER.fullmatch(text)):
        digits = text.replace("_", "")
        octal = match[1][0] == "0" and match[1][1:2].isdigit()
        return int(digits, 8) if octal else int(digits, 0)
    return float(text) if len(text) <= 400 and _FLOAT.fullmatch(text) else text
