"""The summary of a run: every number with its unit; the description of a field is its documentation.

``docs/reference/summary.md`` is written from these descriptions, see ``reference.py``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LimitKind = Literal["cpu-limit", "node-cpu", "scheduling", "quota", "hpa-max", "node-group-max"]


class Part(BaseModel):
    """Base of all parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Peaks(Part):
    """How large the cluster became."""

    pods: int = Field(description="Largest number of pods that existed at one moment (created, not deleted).")
    pods_at_ms: int = Field(description="When that was first reached, ms since the start of the run.")
    pods_bound: int = Field(description="Largest number of pods that had a node at one moment.")
    pods_pending: int = Field(
        description="Largest number of pods at one moment that the scheduler had found no node for."
    )
    pods_pending_at_ms: int | None = Field(description="When that was first reached, ms; null when nobody waited.")
    nodes: int = Field(description="Largest number of Ready nodes at one moment.")
    nodes_at_ms: int = Field(description="When that was first reached, ms.")
    nodes_at_start: int = Field(description="Ready nodes at the start of the run.")
    nodes_at_end: int = Field(description="Ready nodes at the end of the run.")
    rps: float = Field(description="Largest mean of one sample interval of the traffic over all services, requests/s.")


class WorkloadSummary(Part):
    """One workload; those of DaemonSets and single pods without traffic are left out."""

    workload: str = Field(description="namespace/Kind/name.")
    peak_desired: int = Field(description="Largest number of replicas that was asked for.")
    peak_ready: int = Field(description="Largest mean of one sample interval of Ready pods, rounded down.")
    lowest_ready: int = Field(description="Smallest number of Ready pods.")
    peak_pending: int = Field(description="Largest number of its pods at one moment without a node.")
    peak_cpu_utilization_ratio: float | None = Field(
        description="Largest mean of one sample interval of CPU used / requested; null without requests."
    )
    served_requests: float = Field(description="Requests answered in the run.")
    lost_requests: float = Field(description="Requests given up in the run (time-out, or no room in the queue).")


class PendingWorkload(Part):
    """Pods of one workload that the scheduler could not place at once."""

    workload: str = Field(description="namespace/Kind/name.")
    pods: int = Field(description="How many of its pods got at least one FailedScheduling.")
    peak: int = Field(description="Largest number of them at one moment.")
    pod_seconds: float = Field(description="Sum of their waiting times, s.")
    longest_s: float = Field(description="Longest waiting time of one pod, s.")
    first_ms: int = Field(description="When the first of them was created, ms.")
    last_ms: int = Field(description="When the last of them got a node or was deleted; the end of the run if neither.")
    never_placed: int = Field(description="How many never got a node (deleted first, or still waiting at the end).")
    still_pending: int = Field(description="How many still waited at the end of the run.")
    reason: str = Field(description="The scheduler's message that held most of the waiting time.")


class Pending(Part):
    """Who waited for a node, how long and why; a pod counts once it has one FailedScheduling."""

    pods: int = Field(description="How many pods got at least one FailedScheduling.")
    pod_seconds: float = Field(description="Sum of their waiting times, s.")
    longest_s: float = Field(description="Longest waiting time of one pod, s.")
    workloads: list[PendingWorkload] = Field(description="By workload, the longest sum of waiting times first.")


class ZeroPending(Part):
    """How many nodes would have meant that no pod waits."""

    nodes: int | None = Field(
        description="Nodes in all at the moment when most pods waited; null when no number of nodes would have helped."
    )
    more: int | None = Field(description="How many more than there were at that moment; null as above.")
    node_group: str | None = Field(
        description="Node group that the additional nodes belong to (the cheapest that holds all waiting pods)."
    )
    at_ms: int | None = Field(description="The moment that was looked at, ms; null when nobody waited.")
    estimate: bool = Field(
        description="True when the number was computed (waiting pods put first-fit on empty nodes: allocatable minus "
        "DaemonSets), which leaves out that the autoscalers would have acted otherwise; false when nobody waited."
    )
    note: str = Field(description="What was assumed, or why no number of nodes would have helped; may be empty.")


class Limit(Part):
    """Something that the run ran into."""

    kind: LimitKind = Field(
        description="cpu-limit: the pods' CPU limit; node-cpu: the CPU that their nodes have; scheduling: no node has "
        "room; quota: a ResourceQuota or LimitRange refused pods; hpa-max: maxReplicas; node-group-max: the node "
        "group's max."
    )
    object: str = Field(description="What ran into it: a workload (namespace/Kind/name), an HPA or a node group.")
    at_ms: int = Field(description="When it was first hit, ms (to the sample interval; scheduling, quota: to the ms).")
    seconds: float = Field(description="For how long in total, s (whole sample intervals, except scheduling, quota).")
    text: str = Field(description="The same in words.")


class HeldBack(Part):
    """Pods of one workload that its controller wanted and admission refused."""

    workload: str = Field(description="namespace/Kind/name.")
    by: str = Field(description="The ResourceQuota that refused last, or what a LimitRange says of every pod.")
    peak: int = Field(description="Largest number of pods at one moment that were missing because they were refused.")
    pod_seconds: float = Field(description="How long each was missing, summed, s.")
    seconds: float = Field(description="For how long any was missing, s.")
    refusals: int = Field(description="How many attempts to create a pod were refused.")
    first_ms: int = Field(description="When the first was, ms.")
    last_ms: int = Field(description="When the last was, ms.")
    still: int = Field(description="How many were missing at the end of the run.")


class Warning(Part):
    """Controllers that work against each other, or cannot work."""

    kind: Literal["self-heal", "hpa-failed", "hpa-slow"] = Field(
        description="self-heal: a GitOps controller and somebody else set the same replicas; hpa-failed: an HPA could "
        "not compute replicas; hpa-slow: there are more HPAs than kube-controller-manager can sync in a period."
    )
    object: str = Field(description="The workload (namespace/Kind/name), the HPA, or kube-controller-manager.")
    count: int = Field(description="How often: resets, or different failures; hpa-slow: HPAs.")
    first_ms: int = Field(description="When first, ms.")
    last_ms: int = Field(description="When last, ms.")
    text: str = Field(description="The same in words.")


class ResourceUse(Part):
    """One resource over the whole run, time-weighted means over Ready nodes."""

    allocatable: float = Field(description="What pods may use (milli-CPU, or bytes).")
    requested: float = Field(description="What bound pods request, DaemonSets included (milli-CPU, or bytes).")
    used: float = Field(description="What pods use (milli-CPU, or bytes).")
    requested_ratio: float | None = Field(description="requested / allocatable; null without nodes.")
    used_ratio: float | None = Field(description="used / allocatable; null without nodes.")
    peak_requested_ratio: float | None = Field(description="Largest mean of one sample interval of the same.")
    peak_used_ratio: float | None = Field(description="Largest mean of one sample interval of the same.")


class Traffic(Part):
    """Requests over the whole run, all services."""

    offered_requests: float = Field(description="Requests that arrived.")
    served_requests: float = Field(description="Requests answered.")
    lost_requests: float = Field(description="Requests given up (time-out, or no room in the queue).")
    lost_ratio: float = Field(description="lost / offered; 0 without traffic.")
    backlog_peak_requests: float = Field(
        description="Largest number of requests waiting at one moment in one workload."
    )
    backlog_seconds: float = Field(
        description="Seconds in which any request waited for CPU (whole sample intervals), the worst workload's."
    )
    backlog_request_seconds: float = Field(description="Waiting requests summed over time, all workloads: request × s.")


class GroupCost(Part):
    """Nodes and money of one node group."""

    node_group: str = Field(description="Name of the node group; (static) for Node objects that belong to none.")
    node_hours: float = Field(description="Sum over nodes of the time for which they are paid (request to gone), h.")
    run_usd: float = Field(description="node-hours × price, USD.")
    month_usd: float = Field(description="The same per month of 730 h, if the run went on and on, USD.")


class Cost(Part):
    """Money."""

    node_hours: float = Field(description="Sum over nodes of the time for which they are paid (request to gone), h.")
    run_usd: float = Field(description="Cost of all nodes in the run, USD.")
    month_usd: float = Field(description="run_usd × 730 h / duration of the run, USD per month.")
    groups: list[GroupCost] = Field(description="The same by node group.")
    network_usd: float = Field(0.0, description="Load balancers and bytes between zones, USD; not part of run_usd.")
    network_month_usd: float = Field(0.0, description="The same per month of 730 h, USD.")


class NetworkSummary(Part):
    """Traffic of one service between clients, nodes and zones, and what it costs."""

    service: str = Field(description="namespace/name; of an Ingress's load balancer namespace/Ingress/name.")
    requests: float = Field(description="Requests, without those that its load balancer refused.")
    refused_requests: float = Field(description="Beyond what the load balancer passes on; they count as failed.")
    dropped_requests: float = Field(
        description="From outside to a node without a Ready pod (externalTrafficPolicy: Local); they count as failed."
    )
    cross_zone_bytes: float = Field(description="Bytes between zones.")
    hottest_pod_ratio: float = Field(description="Requests of the busiest pod over those of the mean pod, the most.")
    overloaded_pod_seconds: float = Field(description="Pod-seconds with more requests than a pod can serve, by that.")
    cross_zone_usd: float = Field(description="What the bytes between zones cost in the run, USD.")
    load_balancer_usd: float = Field(description="What the load balancer costs in the run, USD.")
    month_usd: float = Field(description="Both per month of 730 h, USD.")


class ResponseSummary(Part):
    """Response times of one service with all that it calls, or of one journey."""

    kind: Literal["service", "journey"] = Field(description="service or journey.")
    name: str = Field(description="Its name.")
    requests: float = Field(description="Requests made (journeys: times the journey was made).")
    failed_requests: float = Field(description="Those that failed: lost, refused, or a call that they need failed.")
    failed_ratio: float = Field(description="failed / requests; 0 without requests.")
    mean_ms: float | None = Field(description="Mean response time, ms; null without requests.")
    p95_ms: float | None = Field(description="p95 of each sample interval, mean weighted by requests, ms.")
    p99_ms: float | None = Field(description="p99 likewise, ms.")
    worst_p99_ms: float | None = Field(description="Largest p99 of a sample interval, ms.")
    worst_at_ms: int | None = Field(description="When that interval began, ms.")


class ObjectiveSummary(Part):
    """What became of one service level objective."""

    name: str = Field(description="Name of the SLO.")
    subject: str = Field(description="The service or journey.")
    objective_ratio: float = Field(description="Share of requests that are to be good.")
    below_ms: int | None = Field(description="Response time that a good request has at most, ms; null: availability.")
    requests: float = Field(description="Requests that count.")
    bad_requests: float = Field(description="Those that failed, or were too slow.")
    good_ratio: float = Field(description="Share of good requests; 1 without requests.")
    met: bool = Field(description="True when the run as a whole meets the objective.")
    budget_requests: float = Field(description="Error budget of the run: requests × (1 - objective).")
    budget_used_ratio: float = Field(description="bad / budget: above 1 the budget is spent.")
    minutes_violated: float = Field(description="Sample intervals in which the objective was not met, minutes in all.")
    burn_rate: float = Field(description="How many times faster than allowed the budget was used, over the run.")
    worst_hour_burn_rate: float = Field(description="The same in the worst hour (of a shorter run: over all of it).")


class Summary(Part):
    """What a run showed."""

    name: str = Field(description="Name of the scenario.")
    seed: int = Field(description="Seed of all random numbers.")
    duration_ms: int = Field(description="Simulated time that was asked for, ms.")
    reached_ms: int = Field(description="Simulated time that was reached, ms; less than duration_ms when interrupted.")
    partial: bool = Field(description="True when the run was interrupted: all numbers are those up to reached_ms.")
    sample_interval_ms: int = Field(description="Length of the intervals that series and peaks of means refer to, ms.")
    peaks: Peaks = Field(description="How large the cluster became.")
    pending: Pending = Field(description="Who waited for a node, how long and why.")
    zero_pending: ZeroPending = Field(description="How many nodes would have meant zero Pending.")
    held_back: list[HeldBack] = Field([], description="Pods that ResourceQuotas or LimitRanges refused, by workload.")
    limits: list[Limit] = Field(
        description="What the run ran into, in order of time; the first is the first bottleneck."
    )
    warnings: list[Warning] = Field(description="Controllers that fight or fail, in order of time.")
    cpu: ResourceUse = Field(description="CPU requested, used and allocatable, milli-CPU.")
    memory: ResourceUse = Field(description="Memory requested, used and allocatable, bytes.")
    traffic: Traffic = Field(description="Requests served, waiting and lost.")
    responses: list[ResponseSummary] = Field(
        [], description="Response times by service and journey; empty where the scenario asks for none."
    )
    objectives: list[ObjectiveSummary] = Field([], description="The scenario's SLOs: budgets, minutes, burn rates.")
    network: list[NetworkSummary] = Field([], description="Services with `network`: zones, load balancers, money.")
    cost: Cost = Field(description="Node-hours and USD.")
    workloads: list[WorkloadSummary] = Field(description="By workload, the largest first.")
    events_dropped: int = Field(
        description="Events beyond the cap (output.eventsCap), which were counted but not kept."
    )
