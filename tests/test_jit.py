"""The compilation rules: what is cached where, and that nothing calls an inner kernel from Python."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from capsim import jit

ROOT = Path(__file__).resolve().parents[1]
CAPSIM = ROOT / "capsim"
INNER = ("kernel", "inline_kernel", "separate_kernel")


def one_more(x):
    return x + 1


def decorated(tree: ast.Module, names: tuple[str, ...]) -> dict[str, ast.FunctionDef]:
    return {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(d, ast.Name) and d.id in names for d in node.decorator_list)
    }


def calls_of(names: tuple[str, ...]) -> list[tuple[bool, str]]:
    """Calls of functions with one of these decorators: whether compiled code makes them, and where."""
    trees = {path: ast.parse(path.read_text()) for path in CAPSIM.rglob("*.py")}
    asked: dict[str, set[str]] = {}
    for path, tree in trees.items():
        asked[".".join(path.relative_to(ROOT).with_suffix("").parts)] = set(decorated(tree, names))
    found = []
    for path, tree in trees.items():
        compiled = set(decorated(tree, (*INNER, "entry", "shared_kernel")).values())
        known = set(asked[".".join(path.relative_to(ROOT).with_suffix("").parts)])
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in asked:
                known |= {alias.asname or alias.name for alias in node.names if alias.name in asked[node.module]}
        for top in tree.body:
            for node in ast.walk(top):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
                    found.append((top in compiled, f"{path.relative_to(ROOT)}:{node.lineno} {node.func.id}"))
    return found


def test_python_calls_no_inner_kernel():
    """They have no wrapper: such a call would be a segmentation fault."""
    assert not [where for by_kernel, where in calls_of(INNER) if not by_kernel]


def test_kernels_call_no_entry():
    """Entries are cached without what another one could be linked with."""
    calls = calls_of(("entry",))
    assert calls
    assert not [where for by_kernel, where in calls if by_kernel]


def test_imports_are_found_as_by_a_parser():
    """Text is read for speed: it finds at least what a parser does (a docstring may show an import)."""
    for path in CAPSIM.rglob("*.py"):
        expected = set()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("capsim"):
                expected |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                expected |= {alias.name for alias in node.names if alias.name.startswith("capsim")}
        found = jit.imported_names(path.read_bytes())
        assert found >= expected, path
        assert len(found) <= len(expected) + 3, path


def test_digest_covers_what_a_module_imports(tmp_path):
    """A change in an imported module, or in the tables, gives another folder."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom capsim.jit import module_digest\n"
        "print(module_digest(Path(sys.argv[1]) / 'capsim/world/rates.py'))\n"
    )
    copy = tmp_path / "capsim"
    for path in CAPSIM.rglob("*.py"):
        target = copy / path.relative_to(CAPSIM)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())

    def digest() -> str:
        # -E and an own sys.path: the copy is imported, not what is installed.
        out = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
        return out.stdout.strip()

    first = digest()
    assert first == digest()
    seen = {first}
    for name in ("state/marks.py", "state/tables.py", "jit.py"):
        (copy / name).write_text((copy / name).read_text() + "\n# changed\n")
        seen.add(digest())
    assert len(seen) == 4
    (copy / "report/words.py").write_text("# not imported by the kernels\n")
    assert digest() in seen


def test_without_a_cache_folder_kernels_run_uncached():
    code = "import capsim.state.calendar as c; print(type(getattr(c.push, '_cache', None)).__name__)"
    environment = {**os.environ, "CAPSIM_CACHE_DIR": "/proc/nowhere", "PYTHONPATH": str(ROOT)}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "Cache" not in out.stdout or "Null" in out.stdout


@pytest.mark.plain
def test_an_entry_can_be_called_and_in_plain_mode_everything_can():
    assert jit.entry(one_more)(1) == 2
    assert jit.shared_kernel(one_more)(1) == 2
    if not jit.PLAIN:
        return
    for decorate in (jit.kernel, jit.inline_kernel, jit.separate_kernel, jit.shared_kernel, jit.entry):
        assert decorate(one_more)(1) == 2
