"""Every column of every frame, with unit and meaning: the table that ``docs/reference/frames.md`` is printed from.

``python -m capsim.result.frames > docs/reference/frames.md``
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

Kind = Literal["time", "count", "mean", "text"]


@dataclass(frozen=True)
class Column:
    """One column; ``kind``: time and count are whole numbers (time may be missing), mean is a float, text a string."""

    name: str
    kind: Kind
    meaning: str


START = Column("time_ms", "time", "Start of the sample interval, ms since the start of the run.")
WORKLOAD = Column("workload", "text", "namespace/Kind/name.")
COST = Column("cost_usd", "mean", "USD spent in the interval.")


def _use(resource: str, unit: str, of: str) -> tuple[Column, ...]:
    said = "milli-CPU" if unit == "milli" else unit
    return (
        Column(f"{resource}_allocatable_{unit}", "mean", f"What pods may request on {of}, {said}."),
        Column(f"{resource}_requested_{unit}", "mean", f"Requests of the pods bound to {of}, {said}."),
        Column(f"{resource}_used_{unit}", "mean", f"Use of the pods on {of}, {said}."),
    )


def _times(prefix: str, of: str) -> tuple[Column, ...]:
    said = {"mean": "Mean time", "p50": "Median time", "p95": "95th percentile", "p99": "99th percentile"}
    return tuple(Column(f"{prefix}{key}_ms", "mean", f"{text} {of}.") for key, text in said.items())


TRAFFIC = (
    Column("rps", "mean", "Requests that arrive, per second."),
    Column("served_rps", "mean", "Requests answered, per second."),
    Column("lost_rps", "mean", "Requests given up, per second."),
)
FRAMES: dict[str, tuple[str, tuple[Column, ...]]] = {
    'series["workloads"]': (
        "One row per sample interval and workload; means are weighted by time.",
        (
            START,
            WORKLOAD,
            *TRAFFIC,
            Column("backlog_requests", "mean", "Requests that wait for CPU."),
            Column("backlog_requests_max", "mean", "The most at one moment."),
            Column("desired_replicas", "mean", "Replicas that were asked for (by the HPA, or as written)."),
            Column("desired_replicas_max", "count", "The most at one moment."),
            Column("replicas", "mean", "Pods that exist and are not being deleted."),
            Column("ready", "mean", "Ready pods."),
            Column("ready_min", "count", "The fewest at one moment."),
            Column("pending", "mean", "Pods that were created and have no node."),
            Column("pending_max", "count", "The most at one moment."),
            Column("starting", "mean", "Pods that have a node and are not Ready yet."),
            Column("cpu_used_milli", "mean", "CPU used by all its pods, milli-CPU."),
            Column("cpu_used_milli_max", "mean", "The most at one moment, milli-CPU."),
            Column("cpu_requested_milli", "mean", "Requests of its bound pods, milli-CPU."),
            Column("memory_used_bytes", "mean", "Memory used by all its pods, bytes."),
            Column("memory_requested_bytes", "mean", "Requests of its bound pods, bytes."),
            Column("cpu_utilization_ratio", "mean", "CPU used / requested; 0 without requests."),
        ),
    ),
    'series["node_groups"]': (
        "One row per sample interval and node group; Node objects that belong to none are `(static)`.",
        (
            START,
            Column("node_group", "text", "Name of the group."),
            Column("nodes_ready", "mean", "Ready nodes."),
            Column("nodes_ready_max", "count", "The most at one moment."),
            Column("nodes_booting", "mean", "Nodes asked for and not Ready yet."),
            Column("nodes_deleting", "mean", "Nodes being deleted."),
            *_use("cpu", "milli", "its nodes"),
            *_use("memory", "bytes", "its nodes"),
            COST,
        ),
    ),
    'series["totals"]': (
        "One row per sample interval.",
        (
            START,
            *TRAFFIC,
            Column("pods_desired", "mean", "Replicas that were asked for."),
            Column("pods_ready", "mean", "Ready pods."),
            Column("pods_pending", "mean", "Pods that were created and have no node."),
            Column("pods_pending_max", "count", "The most at one moment."),
            Column("pods_starting", "mean", "Pods that have a node and are not Ready yet."),
            Column("nodes_ready", "mean", "Ready nodes."),
            Column("nodes_ready_max", "count", "The most at one moment."),
            Column("nodes_booting", "mean", "Nodes asked for and not Ready yet."),
            *_use("cpu", "milli", "all nodes"),
            *_use("memory", "bytes", "all nodes"),
            COST,
        ),
    ),
    'series["responses"]': (
        "One row per sample interval and service, or journey; only where the scenario asks for response times. A time "
        "is missing where no request was answered.",
        (
            START,
            Column("kind", "text", "service or journey."),
            Column("name", "text", "Its name."),
            Column("requests", "mean", "Requests made in the interval."),
            Column("failed_requests", "mean", "Those that failed, calls that they need included."),
            *_times("own_", "of the service itself, ms: queue, CPU and other waits; missing for journeys"),
            *_times("", "with all calls, ms"),
        ),
    ),
    'series["network"]': (
        "One row per sample interval and service with `network`, then load balancers of Ingresses; computed from the "
        "lives of pods and nodes.",
        (
            START,
            Column("service", "text", "namespace/name."),
            Column("requests", "mean", "Requests in the interval, without those that were refused."),
            Column("refused_requests", "mean", "Beyond what the load balancer passes on; no pod sees them."),
            Column("dropped_requests", "mean", "From outside to a node without a Ready pod; they count as failed."),
            Column("cross_zone_bytes", "mean", "Bytes of requests and answers between two zones."),
            Column("hottest_pod_ratio", "mean", "Requests of the busiest pod over those of the mean pod."),
            Column("overloaded_pod_seconds", "mean", "Pod-seconds with more requests than a pod can serve, by that."),
            Column("cross_zone_usd", "mean", "What those bytes cost, USD."),
            Column("load_balancer_usd", "mean", "What the load balancer costs, USD."),
        ),
    ),
    'series["objectives"]': (
        "One row per sample interval and SLO; only where the scenario has any.",
        (
            START,
            Column("slo", "text", "Name of the SLO."),
            Column("requests", "mean", "Requests made in the interval."),
            Column("bad_requests", "mean", "Those that failed or were too slow."),
        ),
    ),
    'series["balance"]': (
        "One row per sample interval and workload whose requests stay on connections, as it is at the interval's end; "
        "only where there is any. Utilisation is of what a pod can serve.",
        (
            START,
            WORKLOAD,
            Column("ready", "mean", "Ready pods."),
            Column("oldest_connections", "mean", "Connections of the pod that has been Ready longest."),
            Column("newest_connections", "mean", "Connections of the pod that has been Ready shortest."),
            Column("oldest_utilization_ratio", "mean", "Utilisation of the pod that has been Ready longest."),
            Column("newest_utilization_ratio", "mean", "Utilisation of the pod that has been Ready shortest."),
            Column("highest_utilization_ratio", "mean", "Utilisation of the busiest pod."),
            Column("lowest_utilization_ratio", "mean", "Utilisation of the idlest pod."),
        ),
    ),
    "pods": (
        "One row per pod; a time is missing where it was not reached.",
        (
            Column("name", "text", "Name."),
            Column("namespace", "text", "Namespace."),
            WORKLOAD,
            Column("node", "text", "Its node; missing when it never got one."),
            Column("created_ms", "time", "Created, ms."),
            Column("scheduled_ms", "time", "Bound to its node, ms."),
            Column("ready_ms", "time", "First Ready, ms."),
            Column("deleted_ms", "time", "Deletion asked for, ms."),
            Column("gone_ms", "time", "Gone, ms."),
            Column("pending_s", "mean", "From created to bound, else to deleted or the end of the run, s."),
            Column("restarts", "count", "How often its containers were started again."),
            Column("reason", "text", "The scheduler's last message when it found no node; empty when it did at once."),
        ),
    ),
    "nodes": (
        "One row per node; a time is missing where it was not reached.",
        (
            Column("name", "text", "Name."),
            Column("node_group", "text", "Its group, or `(static)`."),
            Column("zone", "text", "Zone."),
            Column("requested_ms", "time", "Asked for, ms."),
            Column("registered_ms", "time", "The Node object exists, ms."),
            Column("ready_ms", "time", "First Ready, ms."),
            Column("deleting_ms", "time", "Deletion asked for, ms."),
            Column("gone_ms", "time", "Gone, ms."),
            Column("node_hours", "mean", "Time for which it is paid, h."),
            Column("price_per_hour_usd", "mean", "USD per hour."),
            Column("cost_usd", "mean", "node-hours × price, USD."),
        ),
    ),
    "events": (
        "One row per event, in order of time, worded as Kubernetes words them.",
        (
            Column("time_ms", "time", "First time, ms."),
            Column("type", "text", "Normal or Warning."),
            Column("reason", "text", "Reason, such as FailedScheduling."),
            Column("object", "text", "Kind/namespace/name."),
            Column("message", "text", "Message."),
            Column("count", "count", "How often it was seen."),
            Column("source", "text", "Component that reports it."),
        ),
    ),
}


def markdown() -> str:
    """The whole reference page."""
    parts = [
        "# Frames of a result",
        "<!-- Printed by `python -m capsim.result.frames`; change the table in capsim/result/frames.py. -->",
        "In Python `result.series[...]`, `result.pods`, `result.nodes`, `result.events`; in a run folder the Parquet "
        "files of the same names. All times are ms since the start of the run.",
    ]
    for name, (what, columns) in FRAMES.items():
        rows = "\n".join(f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in columns)
        parts.append(f"## {name}\n\n{what}\n\n| column | kind | meaning |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
