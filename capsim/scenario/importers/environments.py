"""Environments as overlays: what dev, QA and production have that the base has not, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from capsim.errors import OutputError
from capsim.scenario.dump import Dumper
from capsim.scenario.importers.assemble import Imported

PATCH = "$patch"
Key = tuple[str, str, str, str]
_SAME = object()


def overlay(base: Imported, other: Imported, name: str) -> dict[str, Any]:
    """A scenario overlay that turns the base into the other: objects, guessed node groups, usage."""
    result: dict[str, Any] = {"name": f"{base.name}-{name}"}
    if other.nodes_are_guessed and (groups := _groups(base, other)):
        result["nodeGroups"] = groups
    usage = difference(base.usage, other.usage)
    if usage is not _SAME:
        result["usage"] = usage
    objects = objects_difference(base.objects, other.objects)
    if objects:
        result["objects"] = objects
    return result


def _groups(base: Imported, other: Imported) -> list[dict[str, Any]]:
    before = {entry.values["name"]: entry.values for entry in base.groups}
    found = []
    for entry in other.groups:
        change = difference(before.get(entry.values["name"], {}), entry.values)
        if change is not _SAME:
            found.append({"name": entry.values["name"], **change})
    return found


def objects_difference(base: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Patches for objects that differ, whole objects that are new, `$patch: delete` for those that are gone."""
    before, after = ({_key(item): item for item in items} for items in (base, other))
    found = []
    for key, item in after.items():
        if key not in before:
            found.append(item)
            continue
        change = difference(before[key], item)
        if change is not _SAME:
            found.append(
                {**_identity(item), **{k: v for k, v in change.items() if k != "metadata"}} | _metadata(item, change)
            )
    found += [{**_identity(item), PATCH: "delete"} for key, item in before.items() if key not in after]
    return found


def _key(item: dict[str, Any]) -> Key:
    metadata = item["metadata"]
    group = item["apiVersion"].rpartition("/")[0]
    return group, item["kind"], metadata.get("namespace", ""), metadata["name"]


def _identity(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}


def _metadata(item: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    metadata = {**_identity(item)["metadata"], **change.get("metadata", {})}
    return {"metadata": metadata}


def difference(base: Any, other: Any) -> Any:
    """What merged over `base` gives `other` (capsim.scenario.merge); `_SAME` when nothing is to be done."""
    if base == other:
        return _SAME
    if isinstance(base, dict) and isinstance(other, dict):
        changes = {key: difference(base.get(key), value) if key in base else value for key, value in other.items()}
        kept = {key: value for key, value in changes.items() if value is not _SAME}
        return kept | {key: None for key in base if key not in other}
    if _named(base) and _named(other):
        return _named_difference(base, other)
    return other


def _named(items: Any) -> bool:
    return isinstance(items, list) and bool(items) and all(isinstance(item, dict) and "name" in item for item in items)


def _named_difference(base: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[dict[str, Any]]:
    before = {item["name"]: item for item in base}
    found = []
    for item in other:
        change = difference(before[item["name"]], item) if item["name"] in before else item
        if change is not _SAME:
            found.append({"name": item["name"], **change})
    gone = before.keys() - {item["name"] for item in other}
    return found + [{"name": name, PATCH: "delete"} for name in before if name in gone]


def write_overlay(base: Imported, other: Imported, name: str, folder: Path) -> Path:
    """Writes the overlay of one environment into the folder of the base. Raises OutputError."""
    path = folder / f"{name}.yaml"
    source = ", ".join(other.findings.source[:3])
    head = f"# {name}: what differs from scenario.yaml, from {source}.\n#   capsim run {folder} -f {path}\n"
    text = yaml.dump(overlay(base, other, name), Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)
    try:
        path.write_text(head + text, encoding="utf-8")
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from problem
    return path
