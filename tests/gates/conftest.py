"""The source tree of capsim as the gates see it: every module, parsed once, with the capsim modules it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "capsim"


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    def imports(self) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of every import in the file, inside functions too, but not of those for type checkers."""
        for node in _runtime_nodes(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    yield node.lineno, f"{node.module}.{alias.name}"


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _runtime_nodes(node)


def _load(path: Path) -> Module:
    parts = ("capsim", *path.relative_to(PACKAGE).with_suffix("").parts)
    source = path.read_text(encoding="utf-8")
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(source, str(path)), source.count("\n"))


@pytest.fixture(scope="session")
def modules() -> dict[str, Module]:
    """Every module of the package by dotted name (a package by its own name, without ``__init__``)."""
    found = [_load(path) for path in sorted(PACKAGE.rglob("*.py")) if "examples" not in path.parts]
    return {module.name: module for module in found}


@pytest.fixture(scope="session")
def capsim_imports(modules: dict[str, Module]) -> dict[str, list[tuple[int, str]]]:
    """For each module: (line, module of capsim that it imports)."""
    return {
        name: [(line, target) for line, dotted in module.imports() if (target := _resolve(dotted, modules)) is not None]
        for name, module in modules.items()
    }


def _resolve(dotted: str, modules: dict[str, Module]) -> str | None:
    """``capsim.a.b.Name`` -> the longest prefix that is a module."""
    if dotted.split(".")[0] != "capsim":
        return None
    while dotted not in modules:
        dotted, _, rest = dotted.rpartition(".")
        if not rest or not dotted:
            return None
    return dotted
