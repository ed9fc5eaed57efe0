"""The call graph: who calls whom, in which order it can be computed, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from capsim.scenario.calls import Call
from capsim.scenario.workload import ServiceSpec

MOST_CALLS = 10_000.0
"""Calls that one request may cause in one service before the graph is taken for a mistake."""
Path = tuple[Any, ...]


class Edge(NamedTuple):
    """One call of a caller; calls of one ``group`` are made at the same time, or one of them; groups one by one."""

    caller: str
    callee: str
    group: int
    call: Call
    path: Path
    one_of: bool = False
    """Whether only one call of the group is made."""


class Fault(NamedTuple):
    """What is wrong, for people."""

    path: Path
    message: str
    found: str
    allowed: str


def edges_of(services: Mapping[str, ServiceSpec]) -> list[Edge]:
    """Every call of every service, in the order in which they are written."""
    found = []
    for caller, spec in services.items():
        for group, step in enumerate(spec.calls):
            for index, call in enumerate(step.single()):
                path: Path = ("services", caller, "calls", group)
                key = "parallel" if step.parallel else "oneOf"
                path = path if step.service is not None else (*path, key, index)
                found.append(Edge(caller, call.service or "", group, call, path, bool(step.one_of)))
    return found


def levels(services: Mapping[str, ServiceSpec], edges: list[Edge]) -> dict[str, int]:
    """Longest way to each service from one that nobody calls; recursive calls do not count.

    Services on a circle are left out.
    """
    waiting = dict.fromkeys(services, 0)
    out: dict[str, list[str]] = {}
    for edge in edges:
        if not edge.call.recursive and edge.callee in waiting:
            waiting[edge.callee] += 1
            out.setdefault(edge.caller, []).append(edge.callee)
    level = {name: 0 for name, count in waiting.items() if count == 0}
    todo = list(level)
    for name in todo:
        for callee in out.get(name, ()):
            waiting[callee] -= 1
            level[callee] = max(level.get(callee, 0), level[name] + 1)
            if waiting[callee] == 0:
                todo.append(callee)
    return {name: value for name, value in level.items() if waiting[name] == 0}


def faults(services: Mapping[str, ServiceSpec]) -> Iterator[Fault]:
    """Circles, recursion that grows, fan-out that explodes."""
    edges = edges_of(services)
    for edge in edges:
        if edge.call.recursive and edge.call.per_request >= 1.0:
            found = f"perRequest {edge.call.per_request:g}"
            yield Fault((*edge.path, "recursive"), "a recursion that does not die out", found, "perRequest below 1")
    level = levels(services, edges)
    if len(level) < len(services):
        yield _circle(edges, level)
        return
    yield from _explosion(services, edges, level)


def _circle(edges: list[Edge], level: Mapping[str, int]) -> Fault:
    """The first circle: from any service that has no level, always on to one that has none either."""
    onward: dict[str, Edge] = {}
    for edge in edges:
        if not edge.call.recursive and edge.caller not in level and edge.callee not in level:
            onward.setdefault(edge.caller, edge)
    name = next(e.caller for e in edges if e.caller in onward)
    seen: list[str] = []
    while name in onward and name not in seen:
        seen.append(name)
        name = onward[name].callee
    circle = [*seen[seen.index(name) :], name] if name in seen else [*seen, name]
    last = onward[circle[-2]]
    return Fault(
        (*last.path, "service"),
        "the calls go round in a circle",
        " -> ".join(circle),
        "calls without a circle, or `recursive: true` at a call with perRequest below 1",
    )


def _explosion(services: Mapping[str, ServiceSpec], edges: list[Edge], level: Mapping[str, int]) -> Iterator[Fault]:
    incoming = {edge.callee for edge in edges}
    for root in (name for name in services if name not in incoming):
        visits = {root: 1.0}
        for edge in sorted(edges, key=lambda e: level[e.caller]):
            if edge.caller in visits and not edge.call.recursive:
                more = visits[edge.caller] * edge.call.per_request * (1.0 - edge.call.cache_hits)
                visits[edge.callee] = visits.get(edge.callee, 0.0) + more
                if visits[edge.callee] > MOST_CALLS:
                    found = f"{visits[edge.callee]:,.0f} calls of {edge.callee} for one request to {root}"
                    yield Fault(edge.path, "the fan-out explodes", found, f"at most {MOST_CALLS:,.0f}")
                    return
