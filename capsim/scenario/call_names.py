"""Names of services in calls, journeys and SLOs brought to their canonical form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from capsim.scenario.document import SourceList, SourceMap

Resolver = Callable[[str, tuple[Any, Any], str], str | None]


def resolve_names(root: SourceMap, resolver: Resolver) -> list[tuple[str, tuple[Any, Any]]]:
    """Replace every named service by what ``resolver(name, place, path)`` finds; the keys found, with their places."""
    found: list[tuple[str, tuple[Any, Any]]] = []
    for place, path in list(_places(root)):
        name = place.get("service")
        if isinstance(name, str):
            key = resolver(name, (place, "service"), f"{path}.service")
            if key is not None:
                place["service"] = key
                found.append((key, (place, "service")))
    return found


def _places(root: SourceMap) -> Iterator[tuple[SourceMap, str]]:
    """Every mapping with a key `service`, and its path."""
    for name, service in _items(root.get("services")):
        if isinstance(service, SourceMap):
            yield from _calls(service.get("calls"), f"services.{name}.calls")
    for name, visits in _items(root.get("journeys")):
        yield from _mappings(visits, f"journeys.{name}")
    yield from _mappings(root.get("slos"), "slos")


def _calls(calls: Any, path: str) -> Iterator[tuple[SourceMap, str]]:
    for call, here in _mappings(calls, path):
        yield call, here
        for key in ("parallel", "oneOf"):
            yield from _mappings(call.get(key), f"{here}.{key}")


def _mappings(items: Any, path: str) -> Iterator[tuple[SourceMap, str]]:
    for index, item in enumerate(items if isinstance(items, SourceList) else []):
        if isinstance(item, SourceMap):
            yield item, f"{path}[{index}]"


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, SourceMap) else []
