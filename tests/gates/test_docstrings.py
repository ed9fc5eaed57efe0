"""What is public says what it is, and quantities carry their unit in their name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

# A number whose last word is one of these does not say its unit: delay_ms, cpu_milli, price_usd do.
NEEDS_A_UNIT = {
    "cost", "cpu", "delay", "duration", "interval", "latency", "memory", "period", "price", "storage", "timeout",
}  # fmt: skip
PUBLIC = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
NUMBERS = {"int", "float"}


def test_modules_have_docstrings(modules):
    bare = [name for name, module in modules.items() if module.lines and not ast.get_docstring(module.tree)]
    assert not bare, f"modules without a docstring: {bare}"


def test_public_names_have_docstrings(modules):
    bare = [
        f"{name}:{node.lineno} {node.name}"
        for name, module in modules.items()
        for node in module.tree.body
        if isinstance(node, PUBLIC) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not bare, "\n".join(["public, without a docstring:", *bare])


def test_quantities_are_named_with_their_unit(modules):
    bare = [
        f"{name}:{line} {quantity}"
        for name, module in modules.items()
        for line, quantity in _numbers(module.tree)
        if quantity.split("_")[-1] in NEEDS_A_UNIT
    ]
    assert not bare, "\n".join(["add the unit (_ms, _milli, _bytes, _rps, _ratio, _usd):", *bare])


def _numbers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of every parameter and attribute that is annotated as a plain number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and _is_number(node.annotation):
            yield node.lineno, node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_number(node.annotation):
            yield node.lineno, node.target.id


def _is_number(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.BinOp):
        return _is_number(annotation.left) or _is_number(annotation.right)
    return isinstance(annotation, ast.Name) and annotation.id in NUMBERS
