"""Scenario files merged into one tree: `extends`, overlays, `--set`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from capsim.errors import Problem
from capsim.scenario.document import Mark, SourceList, SourceMap, describe, mark_of
from capsim.scenario.files import read_documents, relative_to, scenario_path
from capsim.scenario.merge import Setting, merged
from capsim.scenario.scenario import API_VERSION


class Tree:
    """The merged keys of a scenario (`root`), the settings for objects that come later, and the problems so far."""

    def __init__(self) -> None:
        self.root = SourceMap()
        self.problems: list[Problem] = []
        self.object_settings: list[Setting] = []

    def add_file(self, path: str, overlay: bool = False) -> None:
        """Merges a scenario file, with everything it extends, over what is there."""
        document = self._document(scenario_path(path), (), Mark("", 0))
        if document is None:
            return
        if not overlay and "apiVersion" not in document:
            mark = document.mark
            self._fail(mark, "missing", key="apiVersion", allowed=API_VERSION)
        self.root = merged(self.root, document)
        if not overlay:
            self.root.mark = document.mark

    def add_settings(self, sets: Sequence[str]) -> None:
        """Applies `--set` texts in order; those below `objects` wait until the manifests are read."""
        for text in sets:
            setting = Setting(text)
            if setting.problems:
                self.problems += setting.problems
            elif setting.path[0] == "objects" and len(setting.path) > 1:
                self.object_settings.append(setting)
            else:
                self.root = setting.apply(self.root, setting.path)
                self.problems += setting.problems

    def _document(self, path: str, chain: tuple[str, ...], named_at: Mark) -> SourceMap | None:
        """One file merged over what it extends; `chain` holds the files that extend it."""
        real = os.path.realpath(path)
        if real in [os.path.realpath(other) for other in chain]:
            cycle = " -> ".join([*chain, path])
            self._fail(
                named_at, "cyclic extends", key="extends", found=cycle, allowed="files that do not extend each other"
            )
            return None
        reader = read_documents(path, named_at)
        self.problems += reader.problems
        document = self._single(reader.documents, path, bool(reader.problems))
        if document is None:
            return None
        base = SourceMap(mark=document.mark)
        for name, mark in texts(document, "extends", self.problems):
            parent = self._document(scenario_path(relative_to(mark, name)), (*chain, path), mark)
            base = merged(base, parent) if parent is not None else base
        own = document.copy()
        own.pop("extends", None)
        result: SourceMap = merged(base, own) if base else own
        result.mark = document.mark
        return result

    def _single(self, documents: list[Any], path: str, has_problems: bool) -> SourceMap | None:
        if not documents:
            if not has_problems:
                self.problems.append(
                    Problem("the file is empty", path, allowed=f"a scenario: apiVersion: {API_VERSION}, …")
                )
            return None
        first = documents[0]
        if not isinstance(first, SourceMap):
            self.problems.append(Problem("not a scenario", path, 1, found=describe(first), allowed="a mapping of keys"))
            return None
        if "kind" in first and str(first.get("apiVersion")) != API_VERSION:
            message = "Kubernetes objects, not a scenario"
            allowed = "a scenario (apiVersion: capsim/v1) that names this file under manifests, or --nodes and --rps"
            self._fail(first.mark, message, found=f"kind {first.get('kind')}", allowed=allowed)
            return None
        version = first.get("apiVersion", API_VERSION)
        if version != API_VERSION:
            self._fail(mark_of(first, "apiVersion"), "unknown version", "apiVersion", describe(version), API_VERSION)
        if len(documents) > 1:
            where = getattr(documents[1], "mark", first.mark)
            self._fail(
                where, "a second document", allowed="one scenario a file; objects go under objects: or manifests:"
            )
        return first

    def _fail(self, mark: Mark, message: str, key: str = "", found: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(message, mark.file, mark.line or None, key, found, allowed))


def texts(root: SourceMap, key: str, problems: list[Problem]) -> list[tuple[str, Mark]]:
    """A text or list of texts under a key, each with its mark; anything else is a problem."""
    value = root.get(key)
    items: SourceList | list[Any] = value if isinstance(value, SourceList) else [] if value is None else [value]
    found = []
    for index, item in enumerate(items):
        mark = mark_of(value, index) if isinstance(value, SourceList) else mark_of(root, key)
        if isinstance(item, str):
            found.append((item, mark))
        else:
            problems.append(
                Problem("wrong type", mark.file, mark.line or None, key, describe(item), "a path or a list of paths")
            )
    return found
