"""Rooms stay small: no module over 600 lines, no function over 60, no module whose name says nothing."""

from __future__ import annotations

import ast

MODULE_LINES = 600
FUNCTION_LINES = 60
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "misc"}


def test_module_length(modules):
    long = {name: module.lines for name, module in modules.items() if module.lines > MODULE_LINES}
    assert not long, f"modules over {MODULE_LINES} lines: {long}"


def test_function_length(modules):
    long = {
        f"{name}:{node.lineno} {node.name}": lines
        for name, module in modules.items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := _lines(node)) > FUNCTION_LINES
    }
    assert not long, f"functions over {FUNCTION_LINES} lines (docstring not counted): {long}"


def test_module_names(modules):
    vague = {name for name in modules if set(name.split(".")) & NAMES_THAT_SAY_NOTHING}
    assert not vague, f"name the idea that the module holds: {sorted(vague)}"


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    documentation = 0
    if ast.get_docstring(function) is not None:
        documentation = (first.end_lineno or first.lineno) - first.lineno + 1
    return (function.end_lineno or function.lineno) - function.lineno + 1 - documentation
