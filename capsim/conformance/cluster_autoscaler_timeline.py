"""Replays a recorded timeline of the Cluster Autoscaler: world, loops, deletions in between, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capsim.conformance import Report
from capsim.conformance.cluster_autoscaler_world import ORIGIN_MS, RecordedWorld, instant
from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler
from capsim.controllers.cluster_autoscaler.reasons import reason_texts
from capsim.controllers.cluster_autoscaler.status import LoopStatus, ScaleUpStatus
from capsim.controllers.cluster_autoscaler.view import View

Json = Mapping[str, Any]


def replay_timeline(case: Json, report: Report, unremovable: bool) -> None:
    """Replay one case; every loop's record is compared field by field. ``unremovable``: the file lists those nodes."""
    world = RecordedWorld(case["input"])
    scaler = Autoscaler(world.options, ORIGIN_MS)
    for recorded in case["output"]["loops"]:
        got = step(world, scaler, instant(recorded["t"]), unremovable)
        if not unremovable:
            recorded = {key: value for key, value in recorded.items() if key != "unremovable"}
        fields = sorted((set(recorded) | set(got)) - ({"pod_nodes"} if "pod_nodes" not in recorded else set()))
        for field in fields:
            report.decisions += 1
            if not report.compare(f"{case['id']} t={recorded['t']}", field, recorded.get(field), got.get(field)):
                return  # what follows would only repeat the first difference


def step(world: RecordedWorld, scaler: Autoscaler, loop_ms: int, unremovable: bool) -> dict[str, Any]:
    """Everything up to the loop at ``loop_ms``, the loop, and its record."""
    while True:
        times = [at for at in (world.next_ms(), scaler.due_ms()) if at is not None and at < loop_ms]
        if not times:
            break
        at_ms = max(min(times), world.now_ms)
        act(world, scaler, at_ms)
        world.advance(at_ms)
    act(world, scaler, loop_ms)
    world.advance(loop_ms)
    before, world.log = world.log, []
    view = world.refresh(loop_ms)
    status = scaler.loop(view, world, world.names())
    act(world, scaler, loop_ms)
    during, world.log = world.log, []
    return record(world, scaler, view, status, before, during, unremovable)


def act(world: RecordedWorld, scaler: Autoscaler, now_ms: int) -> None:
    """Deletions that are due."""
    due = scaler.due_ms()
    if due is not None and due <= now_ms:
        world.now_ms = now_ms
        scaler.act(world, now_ms)


def in_order(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events as the recordings list them."""
    return sorted(log, key=lambda e: (e["t"], e["kind"], e["what"]))


def record(
    world: RecordedWorld,
    scaler: Autoscaler,
    view: View,
    status: LoopStatus,
    before: list[dict[str, Any]],
    during: list[dict[str, Any]],
    unremovable: bool,
) -> dict[str, Any]:
    """The record of one loop, as the recordings write it."""
    names = world.names()
    found: dict[str, Any] = {
        "t": (status.now_ms - ORIGIN_MS) // 1000,
        "before": in_order(before),
        "during": in_order(during),
        "err": status.error,
    }
    if status.started:
        found["scale_up"] = scale_up_record(world, view, status.scale_up)
        found["scale_down_result"] = status.scale_down
    found["scaled_down"] = [
        {
            "node": names[one.slot],
            **({"evicted": sorted(_plain(world.pod_name(p)) for p in one.evicted)} if one.evicted else {}),
            "util": one.utilisation,
        }
        for one in status.scaled_down
    ]
    found["delete_results"] = {
        names[one.node]: f"type {one.kind}" + (f": {one.error}" if one.error else "") for one in status.results
    }
    if unremovable:
        found["unremovable"] = [unremovable_record(world, scaler, one) for one in status.unremovable]
    unneeded = scaler.planner.unneeded.values()
    found["unneeded_since"] = {names[one.slot]: (one.since_ms - ORIGIN_MS) // 1000 for one in unneeded}
    found["targets"] = {g["id"]: world.target(i) for i, g in enumerate(world.groups)}
    state = scaler.state
    if state.targets:
        found["upcoming"] = {world.group_name(g): count for g, count in state.upcoming().items()}
        found["unregistered"] = len(state.unregistered)
        found["backed_off"] = [
            world.group_name(g) for g in range(len(world.groups)) if state.backoff.active(g, status.now_ms)
        ]
    found["healthy"] = state.is_healthy()
    found["nodes"] = len(world.nodes)
    found["ready_nodes"] = world.ready_nodes()
    found["pending"] = sum(pod.node is None for pod in world.pods)
    found["pod_nodes"] = {pod.name: pod.node.name for pod in world.pods if pod.node is not None}
    kept = ("t", "targets", "nodes", "ready_nodes", "pending", "healthy")
    return {key: value for key, value in found.items() if value or key in kept}


def unremovable_record(world: RecordedWorld, scaler: Autoscaler, one: Any) -> dict[str, Any]:
    """One node that stays."""
    entry: dict[str, Any] = {"node": world.node_name(one.slot), "reason": one.reason}
    if one.pod >= 0:
        entry["pod"], entry["why"] = _plain(world.pod_name(one.pod)), one.why
    if one.slot in scaler.planner.utilisation:
        entry["util"] = scaler.planner.utilisation[one.slot]
    return entry


def scale_up_record(world: RecordedWorld, view: View, status: ScaleUpStatus) -> dict[str, Any]:
    """The scale-up half of a record."""
    name = world.group_name
    found: dict[str, Any] = {"result": status.result}
    found["infos"] = [{"group": name(g.group), "from": g.before, "to": g.after, "max": g.most} for g in status.growths]
    found["pods_triggered"] = len(status.triggered) if status.triggered is not None else 0
    found["pods_remain_unschedulable"] = remaining_record(world, view, status)
    found["pods_await_evaluation"] = sum(len(group.pods) for group in status.awaiting)
    found["options"] = [
        {
            "group": o.name,
            "nodes": o.nodes,
            "pods": len(o.pods),
            **({"similar": [name(g) for g in o.similar]} if o.similar else {}),
        }
        for o in status.options
    ]
    found["chosen"] = name(status.chosen) if status.chosen >= 0 else ""
    found["error"] = status.error
    found["failed_resize"] = [name(g) for g in status.failed]
    return {key: value for key, value in found.items() if value or key == "result"}


def remaining_record(world: RecordedWorld, view: View, status: ScaleUpStatus) -> list[dict[str, Any]]:
    """Pods that nothing helps, together where the reasons are the same."""
    name = world.group_name
    texts = reason_texts(["cpu", "memory", "ephemeral-storage", "pods", "nvidia.com/gpu"], world.kinds.reasons)
    skipped = {name(g): [why] for g, why in status.skipped.items()}
    found: list[tuple[dict[str, Any], list[str]]] = []
    for group in status.remaining:
        why: dict[str, Any] = {}
        if group.errors:
            why["rejected"] = {
                name(g): texts(view, status.templates[g], group.kind, code) for g, code in group.errors.items()
            }
        if skipped:
            why["skipped"] = skipped
        pods = next((pods for other, pods in found if other == why), None)
        if pods is None:
            pods = []
            found.append((why, pods))
        pods.extend(_plain(world.pod_name(p)) for p in group.pods.tolist())
    return sorted(({"pods": sorted(pods), **why} for why, pods in found), key=lambda entry: entry["pods"])


def _plain(name: str) -> str:
    return name.rpartition("/")[2]
