"""Writes an import as a scenario folder that people can read, change and run: comments say where values come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from capsim.errors import OutputError
from capsim.scenario.dump import Dumper
from capsim.scenario.importers.assemble import Imported
from capsim.scenario.importers.cluster import GroupEntry

ON_ONE_LINE = ("instance", "kubeReserved", "systemReserved", "evictionHard", "zones", "taints")
MANIFESTS, PLACEMENT, SCENARIO = "manifests", "placement.yaml", "scenario.yaml"


def write_scenario(made: Imported, folder: Path) -> list[Path]:
    """Writes scenario.yaml, placement.yaml, manifests/; returns the files. Raises OutputError.

    A folder that holds something else is not touched: only files of an earlier import are written over.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / SCENARIO).is_file():
            raise OutputError(f"{folder} holds other files and no {SCENARIO}; name another folder with --out")
        (folder / MANIFESTS).mkdir(parents=True, exist_ok=True)
        for old in (folder / MANIFESTS).glob("*.yaml"):
            old.unlink()
        return [_write(folder / name, parts) for name, parts in _files(made)]
    except OSError as problem:
        raise OutputError(f"cannot write {folder}: {problem.strerror or problem}") from problem


def _write(path: Path, parts: Iterable[str]) -> Path:
    path.write_text("".join(parts), encoding="utf-8")
    return path


def _files(made: Imported) -> Iterable[tuple[str, list[str]]]:
    yield SCENARIO, _scenario(made)
    if made.placement:
        yield PLACEMENT, _placement(made)
    if made.nodes:
        yield f"{MANIFESTS}/nodes.yaml", _documents(made.nodes)
    parts: dict[str, list[dict[str, Any]]] = {}
    for item in made.objects:
        parts.setdefault(item["metadata"].get("namespace", ""), []).append(item)
    names = {"nodes"}
    for namespace, items in parts.items():
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", namespace)[:100] or "cluster"
        while name in names:
            name = f"namespace-{name}"
        names.add(name)
        yield f"{MANIFESTS}/{name}.yaml", _documents(items)


def _documents(items: list[dict[str, Any]]) -> list[str]:
    return ["---\n".join(_yaml(item) for item in items)]


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)
    return text


def inline(value: Any) -> str:
    """A value on one line, as YAML."""
    text: str = yaml.dump(
        value, Dumper=Dumper, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.rstrip("\n").split("\n"))


def _scenario(made: Imported) -> list[str]:
    totals = made.findings.totals
    source = ", ".join(made.findings.source[:3]) + (" …" if len(made.findings.source) > 3 else "")
    parts = [
        f"# Imported by capsim from {source}: {totals.objects:,} objects. Nothing here is secret: values of Secrets,\n"
        "# ConfigMaps, environment variables, commands and annotations were left out. inventory.md says what was\n"
        "# understood, guessed, ignored, and what may matter but is not modelled.\n"
        "apiVersion: capsim/v1\n"
        f"name: {inline(made.name)}\n"
        "duration: 1h  # a choice: a dump is one moment\n\n"
    ]
    if made.placement:
        parts.append(
            f"# Replicas and pods as they are in the dump: {PLACEMENT} says which node each pod runs on.\n"
            f"extends: {PLACEMENT}\ninitialState: recorded\n\n"
        )
    parts.append(f"manifests:\n  - {MANIFESTS}/\n\n" if made.nodes or made.objects else "")
    parts += _groups(made.groups)
    parts += _autoscaler(made)
    parts += _ingress_classes(made)
    parts += _usage(made)
    parts.append(
        "\n# Requests per second and what a request costs are not in a dump. With recorded traffic (capsim import\n"
        "# queries prints what to ask Prometheus, capsim import history reads it) or by hand:\n"
        "# traffic:\n#   shop/frontend: {diurnal: 300, peakRatio: 2, peakHour: 20}\n"
    )
    return parts


def _groups(groups: list[GroupEntry]) -> list[str]:
    if not groups:
        return []
    parts = ["nodeGroups:\n"]
    for entry in groups:
        parts.append(f"  # {entry.comments.get('', '')}\n")
        lead = "  - "
        for key, value in entry.values.items():
            comment = entry.comments.get(key, "")
            nested = isinstance(value, (dict, list)) and key not in ON_ONE_LINE
            if nested and len(value) > 3:
                parts.append(f"{lead}{key}:\n" + _indented(_yaml(value), 6))
            else:
                parts.append(f"{lead}{key}: {inline(value)}" + (f"  # {comment}" if comment else "") + "\n")
            lead = "    "
    return [*parts, "\n"]


def _autoscaler(made: Imported) -> list[str]:
    if made.autoscaler is None:
        return [
            "# No Cluster Autoscaler in the dump (managed clusters may run it outside): the number of nodes stays.\n"
            "# To let groups grow: clusterAutoscaler: {} here, and max above.\n\n"
        ]
    flags = _indented(_yaml(made.autoscaler), 2) if made.autoscaler else "  {}\n"
    return [f"# Flags of {made.autoscaler_source}.\nclusterAutoscaler:\n{flags}\n"]


def _ingress_classes(made: Imported) -> list[str]:
    if not made.ingress_classes:
        return []
    head = "# Who routes Ingresses: traffic of the Services behind them costs these pods CPU, or load balancers.\n"
    entries = [f"  {inline(name)}: {inline(entry)}\n" for name, entry in made.ingress_classes.items()]
    return [head, "ingressClasses:\n", *entries, "\n"]


def _usage(made: Imported) -> list[str]:
    if not made.usage:
        return []
    head = "# Use at the moment of the dump, held constant (cores of all pods together, bytes of each pod).\nusage:\n"
    return [head, *(f"  {inline(key)}: {inline(value)}\n" for key, value in made.usage.items())]


def _placement(made: Imported) -> list[str]:
    parts = ["# Workload -> node -> pods, as recorded in the dump.\napiVersion: capsim/v1\nplacement:\n"]
    for key, nodes in made.placement.items():
        parts.append(f"  {inline(key)}:\n")
        parts += [f"    {inline(node)}: {count}\n" for node, count in nodes.items()]
    if made.deletion_costs:
        parts.append("# controller.kubernetes.io/pod-deletion-cost of these pods, in the same order.\nworkloads:\n")
        for key, costs in made.deletion_costs.items():
            parts.append(f"  {inline(key)}: {{podDeletionCosts: {inline(costs)}}}\n")
    return parts
