"""A scenario from nothing but manifests: `capsim run deploy.yaml --nodes 3x2cpu-8Gi --rps 500`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from capsim.errors import Problem, ScenarioError
from capsim.scenario.apply import sourced
from capsim.scenario.document import Mark
from capsim.scenario.inventory import Line
from capsim.scenario.load import assembled
from capsim.scenario.names import PodLabels
from capsim.scenario.scenario import API_VERSION, Scenario
from capsim.scenario.tree import Tree

NODES_FORM = "count x cpu - memory, such as 3x2cpu-8Gi; 3..6x2cpu-8Gi for a group that can grow; several with commas"
_NODES = re.compile(
    r"(\d+)(?:\.\.(\d+))?x([0-9.]+m?)(?:v?cpu)?-([0-9.]+(?:[KMGTPE]i|[kMGTPE])?)(?:-([0-9.]+(?:[KMGTPE]i|[kMGTPE])))?"
)


def from_manifests(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    nodes: str | None = None,
    rps: float | None = None,
    overlays: Sequence[str | os.PathLike[str]] = (),
    sets: Sequence[str] = (),
    seed: int | None = None,
) -> Scenario:
    """A scenario from manifests, a node shape and a rate of requests per second.

    The rate goes to the services that the outside sees (LoadBalancer, NodePort), else to all, in equal shares; where it
    went is listed in `inventory.guessed`. References to objects outside the files are listed, not refused. Without
    `nodes` the manifests must hold Node objects. Raises ScenarioError with every problem.
    """
    names = [os.fspath(p) for p in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    tree = _tree(names, nodes)
    for overlay in overlays:
        tree.add_file(os.fspath(overlay), overlay=True)
    tree.add_settings(sets)
    if seed is not None:
        tree.root.put("seed", seed, Mark("--seed", 0))
    scenario = assembled(tree, lenient=True)
    if rps is None:
        return scenario
    targets = entry_points(scenario)
    if not targets:
        raise ScenarioError(
            Problem("nothing can take the requests", "--rps", found=str(rps), allowed="manifests with a workload")
        )
    return _with_traffic(tree, scenario, targets, rps)


def _tree(names: list[str], nodes: str | None) -> Tree:
    tree = Tree()
    own: dict[str, Any] = {"apiVersion": API_VERSION, "name": _name(names), "manifests": names}
    if nodes is not None:
        groups, problem = node_groups(nodes)
        own["nodeGroups"] = groups
        if problem is not None:
            raise ScenarioError(problem)
    tree.root = sourced(own, Mark("", 0))
    return tree


def _name(names: list[str]) -> str:
    first = os.path.basename(os.path.abspath(names[0])) if names else "manifests"
    return re.sub(r"\.(ya?ml|json)(\.gz)?$", "", first) or "manifests"


def node_groups(text: str) -> tuple[list[dict[str, Any]], Problem | None]:
    """Node groups of a text such as `3x2cpu-8Gi` (count, or min..max, vCPUs, memory and, if wanted, disk)."""
    groups: list[dict[str, Any]] = []
    for part in text.split(","):
        match = _NODES.fullmatch(part.strip())
        if match is None:
            return [], Problem("not a node shape", "--nodes", None, "", repr(part), NODES_FORM)
        count, largest, cpu, memory, disk = match.groups()
        instance = {"cpu": cpu, "memory": memory, **({"ephemeralStorage": disk} if disk else {})}
        name = "workers" if not groups else f"workers{len(groups) + 1}"
        groups.append({"name": name, "instance": instance, "min": int(count), "max": int(largest or count)})
    return groups, None


def entry_points(scenario: Scenario) -> dict[str, list[str]]:
    """Where requests from outside go: service -> workloads, one service for each set of workloads."""
    pods = PodLabels(scenario.objects.workloads)
    served = {s.key: pods.selected(s.namespace, s.selector) for s in scenario.objects.services}
    outside = {s.key for s in scenario.objects.services if s.type in ("LoadBalancer", "NodePort") and served[s.key]}
    chosen = {key: found for key, found in served.items() if found and (key in outside or not outside)}
    if not chosen:
        deployed = [w for w in scenario.objects.workloads if w.kind != "DaemonSet"]
        chosen = {f"{w.namespace}/{w.name}": [w.key] for w in deployed}
    unique: dict[tuple[str, ...], str] = {}
    for key, found in chosen.items():
        unique.setdefault(tuple(found), key)
    return {key: list(found) for found, key in unique.items()}


def _with_traffic(tree: Tree, scenario: Scenario, targets: dict[str, list[str]], rps: float) -> Scenario:
    share = rps / len(targets)
    mark = Mark("--rps", 0)
    own: dict[str, Any] = {
        "traffic": dict.fromkeys(targets, share),
        "services": {key: {"workloads": keys} for key, keys in targets.items()},
    }
    for key, value in own.items():
        tree.root.put(key, sourced(value, mark), mark)
    loaded = assembled(tree, lenient=True)
    names = ", ".join(list(targets)[:5]) + (" …" if len(targets) > 5 else "")
    text = f"{rps:g} requests per second go to {names}" + (f", {share:g} each" if len(targets) > 1 else "")
    line = Line(file="--rps", field="traffic", text=text)
    guessed = [line, *loaded.inventory.guessed]
    return loaded.model_copy(update={"inventory": loaded.inventory.model_copy(update={"guessed": guessed})})
