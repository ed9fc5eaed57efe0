"""Loads scenarios: the one way from files to a checked `Scenario`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pydantic import ValidationError

from capsim.errors import Problem, ScenarioError
from capsim.scenario.apply import resolve_applied
from capsim.scenario.checks import Checks
from capsim.scenario.document import Mark, SourceMap, describe, mark_of
from capsim.scenario.explain import problems_of
from capsim.scenario.files import SCENARIO_NAMES, scenario_path
from capsim.scenario.gather import Gathering, inventory_of
from capsim.scenario.guesses import with_guesses
from capsim.scenario.inventory import Inventory
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.merge import cleaned
from capsim.scenario.references import References
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import is_file
from capsim.scenario.tree import Tree

FILE_KEYS = ("apiVersion", "extends", "manifests", "objects", "inventory", "traces", "pods")


def load(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    overlays: Sequence[str | os.PathLike[str]] = (),
    sets: Sequence[str] = (),
    seed: int | None = None,
) -> Scenario:
    """Reads a scenario file (or a folder with a scenario.yaml), overlays and `--set` texts into a checked scenario.

    Further files in a list are overlays too. `seed` replaces the seed of the files. Raises ScenarioError with every
    problem found, each with file, line, key, what was found and what is allowed.
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    if not paths:
        raise ScenarioError("no scenario is named")
    first, *more = paths
    tree = Tree()
    tree.add_file(os.fspath(first))
    for overlay in [*more, *overlays]:
        tree.add_file(os.fspath(overlay), overlay=True)
    tree.add_settings(sets)
    if seed is not None:
        tree.root.put("seed", seed, Mark("--seed", 0))
    if not tree.root and tree.problems:
        raise ScenarioError(tree.problems)
    if "name" not in tree.root:
        tree.root.put("name", _name_of(scenario_path(os.fspath(first))), tree.root.mark)
    return assembled(tree)


def _name_of(path: str) -> str:
    folder, name = os.path.split(os.path.abspath(path))
    stem = os.path.basename(folder) if name in SCENARIO_NAMES else name.split(".")[0]
    return stem or "scenario"


def assembled(tree: Tree, lenient: bool = False) -> Scenario:
    """The scenario of a tree. `lenient`: references to objects outside the files are noted instead of refused."""
    earlier = _inventory(tree)
    _expand_pods(tree)
    gathering = Gathering(tree, lenient)
    reading = gathering.reading
    reading.others += [(o.kind, o.namespace, o.name, o.reason) for o in earlier.others]
    objects = gathering.gather()
    root = cleaned(tree.root)
    _expand_traces(root, objects, tree)
    References(root, objects, reading).resolve()
    resolve_applied(root, objects, reading)
    scenario = _validated(root, objects, tree)
    if scenario is not None:
        Checks(scenario, root, reading).run()
        scenario = _with_traces(scenario, root, reading)
    problems = _sorted([*tree.problems, *reading.problems], tree.root.mark.file)
    if problems or scenario is None:
        raise ScenarioError(problems)
    return _completed(scenario, reading, earlier)


def _expand_pods(tree: Tree) -> None:
    if "pods" in tree.root:
        from capsim.scenario.pod_records.expand import expand_pods  # imports pyarrow

        tree.problems += expand_pods(tree.root)


def _expand_traces(root: SourceMap, objects: KubeObjects, tree: Tree) -> None:
    if "traces" in root:
        from capsim.scenario.traces.expand import expand_traces  # imports pyarrow

        workloads = [workload.key for workload in objects.workloads]
        tree.problems += expand_traces(root, [service.key for service in objects.services], workloads)


def _with_traces(scenario: Scenario, root: SourceMap, reading: Reading) -> Scenario:
    used = [series for spec in scenario.usage.values() for series in (spec.cpu, spec.memory) if series is not None]
    used += [spec.series for spec in scenario.metrics.values() if spec.series is not None]
    if not any(map(is_file, [*scenario.traffic.values(), *used])):
        return scenario
    from capsim.scenario.traces.attach import with_traces  # imports pyarrow

    return with_traces(scenario, root, reading)


def _validated(root: SourceMap, objects: KubeObjects, tree: Tree) -> Scenario | None:
    own = {key: value for key, value in root.items() if key not in FILE_KEYS}
    try:
        scenario = Scenario.model_validate(own, by_alias=True, by_name=False)
    except ValidationError as error:
        tree.problems += problems_of(error, root, Scenario)
        return None
    return scenario.model_copy(update={"objects": objects})


def _completed(scenario: Scenario, reading: Reading, earlier: Inventory) -> Scenario:
    workloads = with_guesses(scenario, reading)
    inventory = inventory_of(reading, earlier, scenario.objects)
    return scenario.model_copy(update={"workloads": workloads, "inventory": inventory})


def _inventory(tree: Tree) -> Inventory:
    """The inventory that a resolved scenario brings along."""
    written = tree.root.get("inventory")
    if written is None:
        return Inventory()
    if not isinstance(written, SourceMap):
        mark = mark_of(tree.root, "inventory")
        tree.problems.append(Problem("wrong type", mark.file, mark.line, "inventory", describe(written), "a mapping"))
        return Inventory()
    try:
        return Inventory.model_validate(written, by_alias=True, by_name=False)
    except ValidationError as error:
        tree.problems += problems_of(error, written, Inventory)
        return Inventory()


def _sorted(problems: list[Problem], first_file: str) -> list[Problem]:
    """Each problem once, the scenario file's own first, then by file and line."""
    unique = list(dict.fromkeys(problems))
    return sorted(unique, key=lambda p: (p.file != first_file, p.file, p.line or 0))
