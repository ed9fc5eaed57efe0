"""Merging files and overlays like Helm values, and single values given on the command line (`--set`)."""

from __future__ import annotations

import difflib
import re
from typing import Any

from capsim.errors import Problem
from capsim.scenario.document import Mark, Reader, SourceList, SourceMap, describe, mark_of

PATCH = "$patch"
Path = tuple[str, ...]


def merged(base: Any, over: Any, path: Path = ()) -> Any:
    """`over` merged over `base`: mappings deep, null deletes, lists of named objects by name, the rest replaced.

    `objects` lists are joined: they are applied one after another, once the manifests are known. A series is replaced
    as a whole. `$patch: delete` in a named element and `$patch: replace` in a mapping work as in kubectl's patches.
    Neither argument is changed.
    """
    if isinstance(over, SourceMap) and over.get(PATCH) == "replace":
        return _without_patch(over)
    if isinstance(base, SourceMap) and isinstance(over, SourceMap) and not _is_series(path):
        return _merged_maps(base, over, path)
    if isinstance(base, SourceList) and isinstance(over, SourceList):
        if path == ("objects",):
            return _joined(base, over)
        if _is_named(base) and _is_named(over):
            return _merged_named(base, over, path)
    return over


def _is_series(path: Path) -> bool:
    return (
        (len(path) == 2 and path[0] == "traffic")
        or (len(path) == 3 and path[0] == "usage")
        or (len(path) == 3 and path[0] == "metrics" and path[2] == "series")
    )


def _without_patch(over: SourceMap) -> SourceMap:
    result = over.copy()
    del result[PATCH]
    return result


def _merged_maps(base: SourceMap, over: SourceMap, path: Path) -> SourceMap:
    result = base.copy()
    for key, value in over.items():
        # A null stays: it also deletes what a file below these two may give. `cleaned` takes it out in the end.
        result.put(key, merged(base.get(key), value, (*path, key)), mark_of(over, key))
    return result


def _is_named(items: SourceList) -> bool:
    return bool(items) and all(isinstance(item, SourceMap) and isinstance(item.get("name"), str) for item in items)


def _joined(base: SourceList, over: SourceList) -> SourceList:
    result = base.copy()
    for index, item in enumerate(over):
        result.append(item)
        result.marks.append(mark_of(over, index))
    return result


def _merged_named(base: SourceList, over: SourceList, path: Path) -> SourceList:
    changes = {item["name"]: (item, mark_of(over, index)) for index, item in enumerate(over)}
    result = SourceList(mark=base.mark)
    for index, item in enumerate(base):
        change, _ = changes.pop(item["name"], (None, None))
        if change is not None and change.get(PATCH) == "delete":
            continue
        result.append(item if change is None else merged(item, change, (*path, item["name"])))
        result.marks.append(mark_of(base, index))
    for change, mark in changes.values():
        if change.get(PATCH) != "delete":
            result.append(change)
            result.marks.append(mark)
    return result


def cleaned(value: Any) -> Any:
    """A copy without null keys and `$patch` marks; what events apply is kept as it is, it is merged later."""
    if isinstance(value, SourceMap):
        result = value.copy()
        for key, item in value.items():
            if item is None or key == PATCH:
                del result[key]
            elif key != "object":
                result[key] = cleaned(item)
        return result
    if isinstance(value, SourceList):
        items = SourceList(mark=value.mark)
        for index, item in enumerate(value):
            if not (isinstance(item, SourceMap) and item.get(PATCH) == "delete"):
                items.append(cleaned(item))
                items.marks.append(mark_of(value, index))
        return items
    return value


class Setting:
    """One `--set a.b.c=value`: the value typed as a YAML scalar (or flow list or mapping), null deletes.

    List elements are addressed by their name (`nodeGroups.workers.max`) or index (`events[0].at`); a dot inside a key
    is written `\\.`.
    """

    def __init__(self, text: str) -> None:
        key, separator, value = text.partition("=")
        self.key = key.strip()
        self.mark = Mark(f"--set {self.key}", 0)
        self.problems: list[Problem] = []
        self.path = [part.replace("\0", ".") for part in _split(self.key)]
        if not separator or not self.key or "" in self.path:
            self._fail(text if not separator else self.key, "not a setting", "key.key.key=value")
        reader = Reader(value, self.mark.file)
        reader.read()
        if reader.problems or len(reader.documents) > 1:
            self._fail(self.key, "the value is not YAML", "a scalar, [a, list] or {a: mapping}")
        self.value = reader.documents[0] if reader.documents else None

    def _fail(self, key: str, message: str, allowed: str = "", found: str = "") -> None:
        self.problems.append(
            Problem(message, self.mark.file if key != self.key else "--set", None, key, found, allowed)
        )

    def apply(self, root: SourceMap, path: list[str]) -> SourceMap:
        """A copy of `root` with the value at `path`. What cannot be reached is added to `problems`."""
        result = root.copy()
        self._put(result, path)
        return result

    def _put(self, container: SourceMap | SourceList, path: list[str]) -> None:
        key: Any = path[0]
        if isinstance(container, SourceList):
            key = self._index(container, key)
            if key is None:
                return
        if len(path) == 1:
            self._assign(container, key)
            return
        inner = container[key] if isinstance(container, SourceList) else container.get(key)
        # A scalar in the way is a short form (a number for a series, a text for a distribution): it is replaced.
        copy = inner.copy() if isinstance(inner, (SourceMap, SourceList)) else SourceMap(mark=self.mark)
        self._put(copy, path[1:])
        if isinstance(container, SourceMap):
            container.put(key, copy, mark_of(container, key) if key in container else self.mark)
        else:
            container[key] = copy

    def _assign(self, container: SourceMap | SourceList, key: Any) -> None:
        if isinstance(container, SourceList):
            if self.value is None:
                del container[key], container.marks[key]
            else:
                container[key], container.marks[key] = self.value, self.mark
        elif self.value is None:
            container.pop(key, None)
        else:
            container.put(key, self.value, self.mark)

    def _index(self, items: SourceList, key: str) -> int | None:
        if re.fullmatch(r"\d+", key) and int(key) < len(items):
            return int(key)
        names = [item.get("name") if isinstance(item, SourceMap) else None for item in items]
        if key in names:
            return names.index(key)
        known = [name for name in names if isinstance(name, str)]
        self._fail(self.key, "no such element" + suggestion(key, known), ", ".join(known) or "an index", describe(key))
        return None


def _split(key: str) -> list[str]:
    text = re.sub(r"\[(\d+)\]", r".\1", key.replace("\\.", "\0"))
    return text.split(".")


def suggestion(word: str, known: list[str]) -> str:
    """`, did you mean "x"?` when something known is close, else nothing."""
    lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    return f', did you mean "{lower[close[0]]}"?' if close else ""
