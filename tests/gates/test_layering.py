"""Imports point down only (see LAYERS), nothing goes round in a circle, and numba has one door."""

from __future__ import annotations

# Lowest first. Layers of one line do not import each other; a package may import within itself.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "kernel_cache", "table_ref"),
    ("jit",),
    ("units", "rng"),
    ("catalog",),
    ("scenario",),
    ("state",),
    ("world", "controllers"),
    ("engine",),
    ("result",),
    ("report",),
    ("study", "conformance", "examples"),
    ("cli",),
    ("", "__main__"),  # capsim itself: the Python interface, which re-exports from any layer
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}


def _part(module: str) -> str:
    """``capsim.engine.loop`` -> ``engine``; ``capsim`` -> ``""``."""
    return module.partition(".")[2].partition(".")[0]


def test_every_module_has_a_layer(modules):
    unknown = {name for name in modules if _part(name) not in RANK}
    assert not unknown, f"name their layer in LAYERS: {sorted(unknown)}"


def test_imports_point_down(capsim_imports):
    wrong = [
        f"{name}:{line} imports {target}"
        for name, found in capsim_imports.items()
        for line, target in found
        if _part(name) != _part(target) and RANK.get(_part(target), -1) >= RANK.get(_part(name), len(LAYERS))
    ]
    assert not wrong, "\n".join(["imports that point up or sideways:", *wrong])


def test_no_import_cycles(capsim_imports):
    graph = {name: {target for _, target in found if target != name} for name, found in capsim_imports.items()}
    cycles = [" -> ".join(sorted(group)) for group in _strong_components(graph) if len(group) > 1]
    assert not cycles, "\n".join(["import cycles:", *cycles])


def test_only_jit_and_table_ref_import_numba(modules):
    wrong = [
        f"{name}:{line}"
        for name, module in modules.items()
        for line, dotted in module.imports()
        if dotted.split(".")[0] in {"numba", "llvmlite"} and name not in {"capsim.jit", "capsim.table_ref"}
    ]
    assert not wrong, f"numba is imported by capsim/jit.py and capsim/table_ref.py alone, not by {wrong}"


def _strong_components(graph: dict[str, set[str]]) -> list[set[str]]:
    """Tarjan's algorithm, without recursion limits to fear at this size."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph.get(node, ()):
            if target not in index:
                visit(target)
            if target in stack:
                low[node] = min(low[node], low[target])
        if low[node] == index[node]:
            group: set[str] = set()
            while node not in group:
                group.add(stack.pop())
            found.append(group)

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_strong_components_finds_a_cycle():
    groups = _strong_components({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()})
    assert {frozenset(group) for group in groups} == {frozenset("a"), frozenset("bc"), frozenset("d")}
