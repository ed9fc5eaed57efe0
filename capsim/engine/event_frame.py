"""The event log in Kubernetes' words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from capsim.controllers.hpa.messages import rescale_message, rescale_reason
from capsim.controllers.scheduler.messages import failed_scheduling
from capsim.controllers.workloads.job import FAILURE_POLICY
from capsim.engine.faults.restarts import OOM_EXIT
from capsim.engine.hpa_errors import computation, failed_reason, failure
from capsim.engine.refusals import controller_of, failed_create, gathered, owner_of
from capsim.scenario.workload import WorkloadSpec
from capsim.state import eventlog as e
from capsim.state.tables import I64
from capsim.state.wording import CRON_SKIPPED, EVENTS, JOB_TOLD
from capsim.units import format_bytes

if TYPE_CHECKING:
    from capsim.engine.build.names import Names
    from capsim.engine.drive import Simulation

RESTARTS = {
    e.LOG_OOM_KILLED: "Container was killed: its memory exceeded the limit",
    e.LOG_BACK_OFF: "Back-off {} s restarting failed container",
    e.LOG_CRASHED: "Container exited",
    e.LOG_LIVENESS: "Container failed liveness probe, will be restarted",
    e.LOG_STARTUP: "Container has not started in time: its startup or liveness probe failed, will be restarted",
    e.LOG_NO_ADDRESS: "Failed to create pod sandbox: the node has no address left for a pod",
    e.LOG_MULTI_ATTACH: "Multi-Attach error for volume: it is attached to another node, whose pod still uses it",
}
CONDITIONS = (
    ("NodeHasSufficientMemory", "NodeHasInsufficientMemory"),
    ("NodeHasNoDiskPressure", "NodeHasDiskPressure"),
)
"""Of memory and of disk: that the condition goes, and that it comes."""
DISRUPTED, KILLED = 1, 2
"""How a pod failed that failed its Job."""
SIZES = 1_000_000
"""TriggeredScaleUp carries ``before * SIZES + after``."""


def messages_of(sim: Simulation) -> list[str]:
    """Text of every distinct scheduling failure."""
    count = int(sim.state.queue.diagnosis_count[0])
    rows = sim.state.queue.diagnoses[:count].tolist()
    said = sim.sink.messages
    return [said.get(d) or failed_scheduling(row, sim.names.reasons) for d, row in enumerate(rows)]


def word(sim: Simulation, row: list[Any], messages: list[str]) -> tuple[str, str]:
    """(object, message) of one row of the log."""
    names = sim.names
    at_ms, kind, subject, a, b, c = row
    if kind == e.LOG_FAILED_CREATE:
        return failed_create(sim, row)
    if kind in (e.LOG_DAEMON_CREATE, e.LOG_DAEMON_DELETE):
        did = "Created" if kind == e.LOG_DAEMON_CREATE else "Deleted"
        return owner_of(names, subject, a), f"{did} pod: {names.pod(subject, a)}"
    if kind in (e.LOG_FAILED_SCHEDULING, e.LOG_TRIGGERED_SCALE_UP, e.LOG_NOT_TRIGGER_SCALE_UP):
        namespace = names.workloads[subject].split("/")[0]
        return f"Pod/{namespace}/{names.pod(subject, a)}", pod_message(sim, kind, b, c, messages)
    if kind == e.LOG_PREEMPTED:
        namespace, taker = names.workloads[subject].split("/")[0], names.workloads[b].split("/")[0]
        return f"Pod/{namespace}/{names.pod(subject, a)}", f"Preempted by pod {taker}/{names.pod(b, c)}"
    if kind == e.LOG_TAINT_EVICTION:
        where = f"{names.workloads[subject].split('/')[0]}/{names.pod(subject, a)}"
        return f"Pod/{where}", f"Marking for deletion Pod {where}"
    if kind in (e.LOG_EVICTED, e.LOG_EVICTED_FOR, e.LOG_PRESSURE, e.LOG_RECLAIM):
        return shortage(sim, kind, subject, a, b, c)
    if kind in RESTARTS:
        where = f"{names.workloads[subject].split('/')[0]}/{names.pod(subject, a)}"
        return f"Pod/{where}", RESTARTS[kind].format(b)
    if kind == e.LOG_NOTE:
        return "Scenario", sim.sink.notes[a]
    if kind == e.LOG_RESCALE:
        metrics = sim.hpa_at(subject, at_ms).metrics
        reason = rescale_reason(b, metrics[c] if 0 <= c < len(metrics) else None)
        return f"HorizontalPodAutoscaler/{names.hpas[subject]}", rescale_message(a, reason)
    if kind == e.LOG_METRIC_FAILED:
        text = failure(sim, sim.hpa_at(subject, at_ms), subject, a, b, c)
        return f"HorizontalPodAutoscaler/{names.hpas[subject]}", text
    if kind == e.LOG_COMPUTE_FAILED:
        text = computation(sim, sim.hpa_at(subject, at_ms), subject, a, b, c)
        return f"HorizontalPodAutoscaler/{names.hpas[subject]}", text
    if kind == e.LOG_SELF_HEAL:
        namespace, owner, name = names.workloads[subject].split("/")
        return f"{owner}/{namespace}/{name}", f"spec.replicas set back from {a} to {b}, as in Git"
    if kind == e.LOG_SCALING_REPLICA_SET:
        namespace, owner, name = names.workloads[names.owner(subject)].split("/")
        change = "up" if b > a else "down"
        return (
            f"{owner}/{namespace}/{name}",
            f"Scaled {change} replica set {replica_set(names, subject)} from {a} to {b}",
        )
    if kind in (e.LOG_STATEFUL_CREATE, e.LOG_STATEFUL_DELETE):
        namespace, owner, name = names.workloads[subject].split("/")
        did = "create" if kind == e.LOG_STATEFUL_CREATE else "delete"
        return f"{owner}/{namespace}/{name}", f"{did} Pod {name}-{a} in StatefulSet {name} successful"
    if kind in (e.LOG_JOB, e.LOG_JOB_POD, e.LOG_CRON_STARTED, e.LOG_CRON_SKIPPED):
        return job_event(sim, kind, subject, a, b, c)
    if kind in (e.LOG_ROLLED_OUT, e.LOG_ROLLOUT_LATE):
        namespace, owner, name = names.workloads[subject].split("/")
        came = "has successfully progressed." if kind == e.LOG_ROLLED_OUT else "has timed out progressing."
        return f"{owner}/{namespace}/{name}", f'ReplicaSet "{replica_set(names, a)}" {came}'
    if kind == e.LOG_MANUAL:
        return "Scenario", manual_message(sim, subject, a)
    return f"Node/{names.node(subject, a)}", node_message(names.node(subject, a), kind)


def shortage(sim: Simulation, kind: int, subject: int, a: int, b: int, c: int) -> tuple[str, str]:
    """(object, message) of an eviction by a kubelet, or of its node's condition."""
    names = sim.names
    if kind in (e.LOG_EVICTED, e.LOG_EVICTED_FOR):
        where = f"{names.workloads[subject].split('/')[0]}/{names.pod(subject, a)}"
        if kind == e.LOG_EVICTED_FOR:
            return f"Pod/{where}", sim.sink.notes[b]
        used, short = format_bytes(b), format_bytes(c)
        return f"Pod/{where}", f"The node was low on resource: memory. It was short of {short}; the pod used {used}."
    name = names.node(subject, a)
    if kind == e.LOG_RECLAIM:
        return f"Node/{name}", "Attempting to reclaim ephemeral-storage"
    return f"Node/{name}", f"Node {name} status is now: {CONDITIONS[c][b]}"


def job_event(sim: Simulation, kind: int, subject: int, a: int, b: int, c: int) -> tuple[str, str]:
    """(object, message) of an event of a Job or CronJob."""
    names = sim.names
    namespace, _, name = names.workloads[names.owner(subject)].split("/")
    if kind == e.LOG_CRON_STARTED:
        return f"CronJob/{namespace}/{name}", f"Created job {names.job(a, b)}"
    if kind == e.LOG_CRON_SKIPPED:
        return f"CronJob/{namespace}/{name}", CRON_SKIPPED[a][2]
    if kind == e.LOG_JOB_POD:
        return f"Job/{namespace}/{names.job(subject, names.serial(a))}", f"Created pod: {names.pod(subject, a)}"
    text = failed_by_policy(sim, subject, *divmod(c - 1, 3)) if a == FAILURE_POLICY else JOB_TOLD[a][2]
    return f"Job/{namespace}/{names.job(subject, b - 1)}", text


def failed_by_policy(sim: Simulation, w: int, ordinal: int, how: int) -> str:
    """Why podFailurePolicy failed the Job of row ``w`` (getFailJobMessage)."""
    workload = sim.scenario.objects.workloads[w]
    assert workload.job is not None
    pod = f"{workload.namespace}/{sim.names.pod(w, ordinal)}"
    if how == DISRUPTED:
        rule = workload.job.on_disruption()[1]
        return f"Pod {pod} has condition DisruptionTarget matching FailJob rule at index {rule}"
    code = OOM_EXIT if how == KILLED else sim.scenario.workloads.get(workload.key, WorkloadSpec()).exit_code
    container = workload.template.containers[0].name
    rule = workload.job.on_failure(code, container)[1]
    return f"Container {container} for pod {pod} failed with exit code {code} matching FailJob rule at index {rule}"


def replica_set(names: Names, w: int) -> str:
    """Name of the ReplicaSet that holds the pods of row ``w``."""
    _, kind, name = names.workloads[w].split("/")
    return f"{name}-{names.template_hash(w)}" if kind == "Deployment" else name


def pod_message(sim: Simulation, kind: int, b: int, c: int, messages: list[str]) -> str:
    """What happened to a pending pod."""
    if kind == e.LOG_FAILED_SCHEDULING:
        return messages[b]
    if kind == e.LOG_NOT_TRIGGER_SCALE_UP:
        return "pod didn't trigger scale-up"
    before, after = divmod(c, SIZES)
    return f"pod triggered scale-up: [{{{sim.names.groups[b]} {before}->{after} (max: {sim.state.groups.size[b, 1]})}}]"


def node_message(name: str, kind: int) -> str:
    """What happened to a node."""
    return {
        e.LOG_NODE_ADDED: f"Node {name} event: Registered Node {name} in Controller",
        e.LOG_NODE_READY: f"Node {name} status is now: NodeReady",
        e.LOG_NO_CIDR: f"Node {name} status is now: CIDRNotAvailable",
        e.LOG_NODE_NOT_READY: f"Node {name} status is now: NodeNotReady",
        e.LOG_NODE_GONE: f"Node {name} event: Removing Node {name} from Controller",
        e.LOG_SCALE_DOWN: "marked the node as toBeDeleted/unschedulable",
    }[kind]


def manual_message(sim: Simulation, index: int, done: int) -> str:
    """What the scenario had done."""
    event = sim.timeline[index]
    actions = {name: value for name, value in event.model_dump(exclude_none=True).items() if name != "at_ms"}
    name, value = next(iter(actions.items()))
    text = ", ".join(f"{k} {v}" for k, v in value.items() if not isinstance(v, dict))
    missing = "revision" if event.rollback is not None else "node"
    return f"{name} {text}".strip() + ("" if done else f": no such {missing} any more, nothing was done")


def scheduled_rows(pods: pd.DataFrame, room: int) -> pd.DataFrame:
    """``Scheduled`` events, which the engine does not log: the pods say it all. At most ``room`` of them."""
    bound = pods[pods["scheduled_ms"].notna() & (pods["scheduled_ms"] >= 0)].head(room)
    where = bound["namespace"] + "/" + bound["name"]
    return pd.DataFrame(
        {
            "time_ms": bound["scheduled_ms"].astype("int64"),
            "type": "Normal",
            "reason": "Scheduled",
            "object": "Pod/" + where,
            "message": "Successfully assigned " + where + " to " + bound["node"],
            "count": 1,
            "source": "default-scheduler",
        }
    )


def events_frame(sim: Simulation, pods: pd.DataFrame, messages: list[str]) -> pd.DataFrame:
    """All events in order of time; repeats of one event within the run carry a count, as Kubernetes' do."""
    rows: I64 = sim.sink.rows("events", 6)
    records = []
    seen: dict[tuple[str, str, str], int] = {}
    for row in gathered(rows.tolist()):
        kind, reason, source = EVENTS[row[1]]
        if row[1] == e.LOG_FAILED_CREATE:
            source = controller_of(sim.names, row[2])
        if row[1] in (e.LOG_JOB, e.LOG_CRON_SKIPPED):
            kind, reason, _ = (JOB_TOLD if row[1] == e.LOG_JOB else CRON_SKIPPED)[row[3]]
        if row[1] == e.LOG_PRESSURE:
            reason = CONDITIONS[row[5]][row[4]]
        if row[1] == e.LOG_METRIC_FAILED:
            reason = failed_reason(sim.hpa_at(row[2], row[0]), row[3], row[4])
        where, message = word(sim, row, messages)
        key = (reason, where, message)
        seen[key] = seen.get(key, 0) + 1
        records.append((max(0, row[0]), kind, reason, where, message, seen[key], source))
    columns = ["time_ms", "type", "reason", "object", "message", "count", "source"]
    told = pd.DataFrame(records, columns=columns)
    room = max(0, sim.scenario.output.events_cap - len(told))
    frame = (
        pd.concat([told, scheduled_rows(pods, room)], ignore_index=True) if len(told) else scheduled_rows(pods, room)
    )
    return frame.sort_values("time_ms", kind="stable", ignore_index=True).astype({"time_ms": "int64", "count": "int64"})
