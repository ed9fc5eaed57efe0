"""YAML and JSON text to plain values, quickly and within limits: dumps have millions of lines.

`document.Reader` remembers the line of every key; here only objects have one. libyaml's events are put together with a
stack of our own: about five times as fast as PyYAML's loader, and nesting cannot exhaust Python's stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any

import orjson
import yaml

from capsim.scenario.document import LOADER, MAX_ALIASED, MAX_DEPTH, plain_scalar

STR_TAGS = (None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")


class Broken(Exception):
    """Text that cannot be read: what is wrong and on which line of the text (from 1). Never quotes the text."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message, self.line = message, line


class ForeignAlias(Broken):
    """An alias whose anchor is not in this part of the document."""


class _State:
    """Documents that are complete, anchors of the one that is read, and how much was read."""

    __slots__ = ("aliased", "anchors", "documents", "duplicates", "merges", "size")

    def __init__(self) -> None:
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.documents: list[Any] = []
        self.duplicates: list[int] = []
        self.size = self.aliased = 0
        self.merges = False


def from_yaml(text: str) -> tuple[list[Any], list[int]]:
    """The documents of a text (None for empty ones), and the lines of keys that a mapping holds twice.

    Raises Broken.
    """
    state = _State()
    # CLoader.get_event is the fastest door that PyYAML has to libyaml.
    loader = LOADER(text)
    try:
        _read(loader.get_event, state)
    except yaml.YAMLError as error:
        raise _broken(error, text) from None
    finally:
        loader.dispose()
    return state.documents, state.duplicates


_MISSING = object()


def _read(next_event: Any, state: _State) -> None:
    scalar, map_start, map_end = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.MappingEndEvent
    seq_start, seq_end = yaml.SequenceStartEvent, yaml.SequenceEndEvent
    stack: list[tuple[Any, Any, Any]] = []
    container: Any = None
    key: Any = _MISSING
    is_map = False
    while True:
        event = next_event()
        kind = event.__class__
        if kind is scalar:
            state.size += 1
            if is_map and key is _MISSING:
                key = event.value
                if key in container and not state.merges:
                    state.duplicates.append(event.start_mark.line + 1)
                continue
            value = event.value
            if event.implicit[0] or event.tag not in STR_TAGS:
                value = plain_scalar(value)
            if event.anchor is not None:
                state.anchors[event.anchor] = (value, 1)
        elif kind is map_start or kind is seq_start:
            if len(stack) >= MAX_DEPTH:
                raise Broken(f"nested too deeply (more than {MAX_DEPTH} levels)", event.start_mark.line + 1)
            if is_map and key is _MISSING:
                raise Broken("a key is a mapping or a list", event.start_mark.line + 1)
            state.size += 1
            stack.append((container, key, (event.anchor, state.size)))
            is_map = kind is map_start
            container, key = ({} if is_map else []), _MISSING
            continue
        elif kind is map_end or kind is seq_end:
            value = container
            container, key, (anchor, before) = stack.pop()
            is_map = container.__class__ is dict
            if anchor is not None:
                state.anchors[anchor] = (value, state.size - before + 1)
        elif kind is yaml.AliasEvent:
            value = _aliased(event, state)
            if is_map and key is _MISSING:
                raise Broken("a key is an alias", event.start_mark.line + 1)
        elif kind is yaml.StreamEndEvent:
            return
        elif kind is yaml.DocumentStartEvent:
            state.anchors = {}
            continue
        else:
            continue
        if is_map:
            if key == "<<":
                state.merges = True
                _merge(container, value)
            else:
                container[key] = value
            key = _MISSING
        elif container is not None:
            container.append(value)
        else:
            state.documents.append(value)


def _aliased(event: Any, state: _State) -> Any:
    line = event.start_mark.line + 1
    if event.anchor not in state.anchors:
        raise ForeignAlias("alias without a complete anchor before it", line)
    value, size = state.anchors[event.anchor]
    state.size += size
    state.aliased += size
    if state.aliased > MAX_ALIASED:
        raise Broken(f"aliases expand to too much (more than {MAX_ALIASED:,} values)", line)
    return value


def _merge(into: dict[str, Any], value: Any) -> None:
    for source in value if isinstance(value, list) else [value]:
        for key, item in source.items() if isinstance(source, dict) else ():
            into.setdefault(key, item)


def _broken(error: yaml.YAMLError, text: str) -> Broken:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a character that YAML does not allow; its position counts characters
        return Broken("a character that YAML does not allow", text.count("\n", 0, getattr(error, "position", 0)) + 1)
    problem = str(getattr(error, "problem", None) or "not valid YAML")
    return Broken("nested too deeply" if "nesting" in problem else f"YAML syntax: {problem}", mark.line + 1)


def from_json(text: bytes) -> Any:
    """The value of a JSON text. Raises Broken."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        line = error.lineno
        message = str(error.msg) if not re.search("recursion|depth", str(error)) else "nested too deeply"
        raise Broken(f"JSON syntax: {message}", line) from None


def json_items(text: str, at: int) -> Generator[Any, None, tuple[int, bool]]:
    """The values of a JSON list one by one, from after its bracket, up to its end or to the first that cannot be read.

    Returns where reading ended, and whether that is a break.
    """
    decoder = json.JSONDecoder()
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text) or text[at] == "]":
            return at, False
        try:
            value, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            return at, True
        yield value


def packed(value: Any) -> bytes:
    """Plain values as JSON; numbers beyond 64 bits, which no API server would return, too."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_bounded(value))


def _bounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item) for item in value]
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value


def copied(value: Any) -> Any:
    """A deep copy of plain values; ten times as fast as copy.deepcopy."""
    return orjson.loads(packed(value))
