"""Pods that admission refused: FailedCreate in upstream's words, and how many were held back for how long.

Source of the words: kubernetes v1.36 pkg/controller/controller_utils.go (CreatePods),
statefulset/stateful_pod_control.go (recordPodEvent), apiserver/pkg/admission/errors.go (NewForbidden).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsim.controllers.workloads.admission import COLUMNS
from capsim.scenario.pod_quota import exceeded
from capsim.state.eventlog import LOG_FAILED_CREATE
from capsim.state.tables_admission import (
    B_AREA,
    B_COUNT,
    B_FIRST_MS,
    B_HELD,
    B_HELD_MS,
    B_LAST_MS,
    B_PEAK,
    B_SINCE_MS,
    B_WHY,
)

if TYPE_CHECKING:
    from capsim.engine.build.names import Names
    from capsim.engine.drive import Simulation

CONTROLLERS = {"StatefulSet": "statefulset", "DaemonSet": "daemonset", "Job": "job"}
"""Kind -> whose event it is; of all others the ReplicaSet's."""


def gathered(rows: list[list[int]]) -> list[list[Any]]:
    """Rows of the log; those that tell one refusal, a row for each bound that is exceeded, become one whose last
    argument is bound -> used."""
    found: list[list[Any]] = []
    for row in rows:
        at_ms, kind, subject, ordinal, why, used = row
        if kind != LOG_FAILED_CREATE:
            found.append(row)
            continue
        q, k = (why, 0) if why < 0 else divmod(why, COLUMNS)
        before = found[-1] if found else []
        if why >= 0 and before[:5] == [at_ms, kind, subject, ordinal, q] and k > max(before[5]):
            before[5][k] = used
        else:
            found.append([at_ms, kind, subject, ordinal, q, {k: used}])
    return found


def controller_of(names: Names, w: int) -> str:
    """Whose event the refusal of a pod of row ``w`` is."""
    return f"{CONTROLLERS.get(names.workloads[w].split('/')[1], 'replicaset')}-controller"


def owner_of(names: Names, w: int, ordinal: int) -> str:
    """Kind/namespace/name of the object that wanted a pod of row ``w``."""
    namespace, kind, name = names.workloads[w].split("/")
    if kind == "Job":
        return f"Job/{namespace}/{names.job(w, names.serial(ordinal))}"
    if kind in CONTROLLERS:
        return f"{kind}/{namespace}/{names.workloads[names.owner(w)].rpartition('/')[2]}"
    hashed = f"-{names.template_hash(w)}" if kind == "Deployment" else ""
    return f"ReplicaSet/{namespace}/{name}{hashed}"


def failed_create(sim: Simulation, row: list[Any]) -> tuple[str, str]:
    """(object, message) of a refusal as ``gathered`` returns it."""
    at_ms, _, w, ordinal, q, used = row
    names = sim.names
    where, pod = owner_of(names, w, ordinal), names.pod(w, ordinal)
    if q < 0:
        why = names.refusals[-1 - q]
    else:
        quota = sim.quotas_at(at_ms)[q]
        keys = list(quota.hard)
        why = exceeded(quota, sim.scenario.objects.workloads[w].template, {keys[k]: used[k] for k in used})
    forbidden = f'pods "{pod}" is forbidden: {why}'
    kind, _, name = where.split("/")
    if kind == "StatefulSet":
        return where, f"create Pod {pod} in StatefulSet {name} failed error: {forbidden}"
    return where, f"Error creating: {forbidden}"


def held_back(sim: Simulation) -> list[dict[str, Any]]:
    """For each workload some of whose pods were refused: by whom, how many at most, for how long; it is open until
    now where pods are still missing."""
    now, names, burst = sim.now_ms, sim.names, sim.state.admission.burst
    found: dict[int, dict[str, Any]] = {}
    for w in range(burst.shape[0]):
        row = burst[w].tolist()
        if row[B_COUNT] == 0:
            continue
        open_ms = now - row[B_SINCE_MS] if row[B_HELD] else 0
        mine = {
            "workload": names.workloads[names.owner(w)],
            "by": names.refusals[-1 - row[B_WHY]]
            if row[B_WHY] < 0
            else f"ResourceQuota {sim.quotas_at(now)[row[B_WHY]].name}",
            "peak": row[B_PEAK],
            "pod_seconds": (row[B_AREA] + row[B_HELD] * open_ms) / 1000.0,
            "seconds": (row[B_HELD_MS] + open_ms) / 1000.0,
            "refusals": row[B_COUNT],
            "first_ms": row[B_FIRST_MS],
            "last_ms": row[B_LAST_MS],
            "still": row[B_HELD],
        }
        owner = names.owner(w)
        found[owner] = mine if owner not in found else together(found[owner], mine)
    return list(found.values())


def together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two revisions of one workload; the later refusal says by whom."""
    sums = {key: one[key] + other[key] for key in ("pod_seconds", "refusals", "still")}
    most = {key: max(one[key], other[key]) for key in ("peak", "seconds", "last_ms")}
    first = {"first_ms": min(one["first_ms"], other["first_ms"])}
    later = max((one, other), key=lambda row: int(row["last_ms"]))
    return {**later, **sums, **most, **first}
