"""Which kinds are read, and how the others are listed. A further kind plugs in with a file in this package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError

import capsim.scenario.kubernetes
from capsim.scenario.document import SourceList, SourceMap, describe, mark_of
from capsim.scenario.kubernetes.fields import FieldCheck
from capsim.scenario.kubernetes.reading import Reading

NOT_A_KIND = {"job", "job_policies", "rollout_strategy", "update_fields"}
"""Modules of this package that are tools."""

NAMESPACED = {
    *(("", kind) for kind in ("ConfigMap", "Secret", "ServiceAccount", "Endpoints", "Event",
                              "ReplicationController", "PodTemplate")),
    ("networking.k8s.io", "NetworkPolicy"), ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"), ("coordination.k8s.io", "Lease"),
    ("discovery.k8s.io", "EndpointSlice"),
}  # fmt: skip
"""Namespaced kinds without a reader."""


@dataclass(frozen=True)
class Source:
    """One object as it was read: identity and content."""

    group: str
    kind: str
    namespace: str
    name: str
    content: SourceMap

    @property
    def object_name(self) -> str:
        """namespace/Kind/name, or Kind/name without a namespace."""
        return "/".join(part for part in (self.namespace, self.kind, self.name) if part)

    def get(self, *path: str) -> Any:
        """The value at a path of keys; None when anything on the way is missing."""
        value: Any = self.content
        for key in path:
            value = value.get(key) if isinstance(value, SourceMap) else None
        return value

    def at(self, *path: str) -> tuple[Any, str]:
        """Container and key of a path, for messages; the closest container that exists."""
        value: Any = self.content
        for key in path[:-1]:
            inner = value.get(key)
            if not isinstance(inner, SourceMap):
                return value, key
            value = inner
        return value, path[-1]


ReadFunction = Callable[[Source, Reading], Any]


@dataclass(frozen=True)
class KindReader:
    """How a kind is read: `versions` maps its API versions to the type that its fields are checked against."""

    group: str
    kind: str
    versions: dict[str, str | None]
    into: str
    read: ReadFunction
    order: int
    namespaced: bool


_READERS: dict[tuple[str, str], KindReader] = {}
_OTHER: dict[tuple[str, str], str] = {}


def reads(
    group: str, kind: str, versions: dict[str, str | None], into: str = "", order: int = 50, namespaced: bool = True
) -> Callable[[ReadFunction], ReadFunction]:
    """Registers a function that reads one kind; its result is added to the list `into` of `KubeObjects`.

    Kinds of lower `order` are read first: a pod needs the PriorityClasses, an HPA its target.
    """

    def register(function: ReadFunction) -> ReadFunction:
        _READERS[group, kind] = KindReader(group, kind, versions, into, function, order, namespaced)
        return function

    return register


def lists(reason: str, kinds: dict[str, str]) -> None:
    """Registers kinds (API group -> names separated by blanks) that are only listed, with the reason."""
    for group, names in kinds.items():
        for name in names.split():
            _OTHER[group, name] = reason


@cache
def load_kinds() -> None:
    """Imports every module of the package, so that all kinds are registered."""
    for module in pkgutil.iter_modules(capsim.scenario.kubernetes.__path__):
        if module.name not in NOT_A_KIND:
            importlib.import_module(f"{capsim.scenario.kubernetes.__name__}.{module.name}")


def group_and_version(api_version: str) -> tuple[str, str]:
    """`apps/v1` -> (apps, v1); the core group is empty."""
    group, _, version = api_version.rpartition("/")
    return group, version


def identified(document: Any, at: tuple[Any, Any], reading: Reading) -> list[Source]:
    """The objects of one document, *List kinds taken apart. Documents without kind or name are problems."""
    if not isinstance(document, SourceMap):
        reading.problem("", "", "not a Kubernetes object", at, describe(document), "a mapping with apiVersion and kind")
        return []
    kind, version = document.get("kind"), document.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        missing = "kind" if not isinstance(kind, str) else "apiVersion"
        at = (document, missing)
        reading.problem("", missing, "not a Kubernetes object", at, describe(document.get(missing)), "text")
        return []
    items = document.get("items")
    if kind.endswith("List") and isinstance(items, SourceList):
        found = []
        for index, item in enumerate(items):
            if isinstance(item, SourceMap) and kind != "List":  # items of a typed list may leave kind and version out
                item = item.copy()
                item.setdefault("kind", kind.removesuffix("List"))
                item.setdefault("apiVersion", version)
            found += identified(item, (items, index), reading)
        return found
    return _source(document, kind, version, reading)


def _source(document: SourceMap, kind: str, version: str, reading: Reading) -> list[Source]:
    metadata = document.get("metadata")
    if not isinstance(metadata, SourceMap):
        at = (document, "metadata")
        reading.problem(kind, "metadata", "not an object with a name", at, describe(metadata), "a mapping with a name")
        return []
    names = {}
    for key in ("name", "namespace"):
        value = metadata.get(key)
        if value is not None and not isinstance(value, str):
            reading.problem(kind, f"metadata.{key}", "wrong type", (metadata, key), describe(value), "text")
            return []
        names[key] = value or ""
    if not names["name"]:
        at = (metadata, "name")
        generated = metadata.get("generateName")
        reading.problem(kind, "metadata.name", "no name", at, "generateName" if generated else "", "text")
        return []
    group, _ = group_and_version(version)
    reader = _READERS.get((group, kind))
    namespace = "" if reader and not reader.namespaced else names["namespace"] or ("default" if reader else "")
    return [Source(group, kind, namespace, names["name"], document)]


def read_objects(sources: Iterable[Source], reading: Reading) -> None:
    """Reads all objects into `reading`: known kinds become models, others are listed."""
    load_kinds()
    known: list[tuple[KindReader, Source]] = []
    for source in sources:
        reading.kinds[source.kind] = reading.kinds.get(source.kind, 0) + 1
        reader = _READERS.get((source.group, source.kind))
        if reader is None:
            _list(source, reading)
        else:
            known.append((reader, source))
    for reader, source in sorted(known, key=lambda pair: pair[0].order):
        _read(reader, source, reading)


def _list(source: Source, reading: Reading) -> None:
    reason = _OTHER.get((source.group, source.kind)) or _OTHER.get((source.group, "*"), "not modelled")
    reading.others.append((source.kind, source.namespace, source.name, reason))
    text = "no effect on capacity" if reason == "ignored" else "may matter, but this kind is not modelled"
    section: Any = "ignored" if reason == "ignored" else "not_modelled"
    reading.note(section, source.kind, text, source.content.mark, source.object_name)


def _read(reader: KindReader, source: Source, reading: Reading) -> None:
    version = group_and_version(source.content["apiVersion"])[1]
    if version not in reader.versions:
        allowed = ", ".join(f"{reader.group}/{v}" if reader.group else v for v in reader.versions)
        at = source.at("apiVersion")
        reading.problem(source.object_name, "apiVersion", "unknown version", at, version, allowed)
        return
    problems = len(reading.problems)
    check = FieldCheck(reading, source.object_name)
    _check_metadata(source, check)
    type_name = reader.versions[version]
    if type_name is not None:
        check.check(source.content, type_name, *source.at("kind"), path="")
    model = _model(reader, source, reading) if check.ok else None
    if len(reading.problems) > problems:
        reading.failed.add(source.object_name)
    if model is not None and reader.into:
        reading.add(reader.into, model)


def _model(reader: KindReader, source: Source, reading: Reading) -> Any:
    """The model; what only the model refuses (a label without a value) is a problem too."""
    try:
        return reader.read(source, reading)
    except ValidationError as error:
        for found in error.errors():
            path = ".".join(str(part) for part in found["loc"])
            reading.problem(source.object_name, path, "wrong value", source.at("spec"), "", found["msg"])
        return None


def _check_metadata(source: Source, check: FieldCheck) -> None:
    metadata = source.content["metadata"]
    for key in ("labels", "annotations"):
        check.check(metadata.get(key), "{}string", metadata, key, f"metadata.{key}")


def known_mark(source: Source, *path: str) -> Any:
    """Mark of a path of an object, for notes."""
    return mark_of(*source.at(*path))


def is_known(group: str, kind: str) -> bool:
    """Whether objects of a kind become part of a scenario."""
    load_kinds()
    return (group, kind) in _READERS


def is_workload(group: str, kind: str) -> bool:
    """Whether objects of a kind become workloads of a scenario."""
    load_kinds()
    reader = _READERS.get((group, kind))
    return reader is not None and reader.into == "workloads"


def is_namespaced(group: str, kind: str) -> bool:
    """Whether objects of a kind belong to a namespace; of kinds that only a cluster could tell: no."""
    load_kinds()
    reader = _READERS.get((group, kind))
    return reader.namespaced if reader is not None else (group, kind) in NAMESPACED


def type_of(group: str, kind: str, version: str) -> str | None:
    """The type that the fields of a kind are checked against; None for kinds and versions that are not read."""
    load_kinds()
    reader = _READERS.get((group, kind))
    return reader.versions.get(version) if reader is not None else None
