"""Checks of recorded lifetimes that need the whole scenario: whose they are, and who else moves the replicas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capsim.scenario.lifetimes import Lifetimes
from capsim.scenario.scenario import Scenario


class LifetimeFault(NamedTuple):
    """A problem with a key of the scenario."""

    path: tuple[str | int, ...]
    message: str
    found: str = ""
    allowed: str = ""


def lifetime_faults(scenario: Scenario) -> Iterator[LifetimeFault]:
    """Every problem with `lifetimes`."""
    workloads = {workload.key: workload for workload in scenario.objects.workloads}
    for key, record in scenario.lifetimes.items():
        path = ("lifetimes", key)
        workload = workloads.get(key)
        if workload is None:  # told where the name stands
            continue
        if workload.kind != "ReplicaSet":
            yield LifetimeFault(path, f"a {workload.kind} has no lifetimes", key, "a ReplicaSet")
        yield from _record(path, record)
        alive = int((record.created_ms.values < 0).sum())
        if alive != workload.replicas:
            message = f"{alive} pods are there at the start"
            yield LifetimeFault(path, message, f"replicas: {workload.replicas}", f"replicas: {alive}")
    yield from _others(scenario)


def _record(path: tuple[str | int, ...], record: Lifetimes) -> Iterator[LifetimeFault]:
    created, deleted = record.created_ms.values, record.deleted_ms.values
    if created.size != deleted.size or (record.nodes and len(record.nodes) != created.size):
        found = f"{created.size} createdMs, {deleted.size} deletedMs, {len(record.nodes)} nodes"
        yield LifetimeFault(path, "lists of different lengths", found, "an entry of each for every pod")
        return
    for key, values in (("createdMs", created), ("deletedMs", deleted)):
        wrong = [v for v in values.tolist() if not (v >= 0 or v == -1) or v != int(v) or v >= 2**53]
        if wrong:
            yield LifetimeFault((*path, key), "not a time", str(wrong[0]), "whole milliseconds since the start, or -1")
            return
    wrong_rows = ((deleted >= 0) & (deleted < created)).nonzero()[0]
    if wrong_rows.size:
        i = int(wrong_rows[0])
        found = f"pod {i + 1}: {deleted[i]:.0f} < {created[i]:.0f}"
        yield LifetimeFault(path, "deleted before it was created", found, "deletedMs at or after createdMs")


def _others(scenario: Scenario) -> Iterator[LifetimeFault]:
    """Whoever else sets the replicas of a workload whose pods are recorded."""
    allowed = "a workload without lifetimes"
    for hpa in scenario.objects.hpas:
        if hpa.target_key in scenario.lifetimes:
            message = f"HorizontalPodAutoscaler {hpa.namespace}/{hpa.name} scales it, too"
            yield LifetimeFault(("lifetimes", hpa.target_key), message, "", allowed)
    for index, heal in enumerate(scenario.self_heal):
        if heal.target in scenario.lifetimes:
            message = "its pods come and go as recorded"
            yield LifetimeFault(("selfHeal", index, "target"), message, heal.target, allowed)
    for index, event in enumerate(scenario.events):
        if event.scale is not None and event.scale.target in scenario.lifetimes:
            message = "its pods come and go as recorded"
            yield LifetimeFault(("events", index, "scale", "target"), message, event.scale.target, allowed)
