"""Events in Kubernetes' words: type, reason and source of each kind of log row."""

from __future__ import annotations

from capsim.state import eventlog as e

NORMAL, WARNING = "Normal", "Warning"

EVENTS: dict[int, tuple[str, str, str]] = {
    e.LOG_FAILED_SCHEDULING: (WARNING, "FailedScheduling", "default-scheduler"),
    e.LOG_RESCALE: (NORMAL, "SuccessfulRescale", "horizontal-pod-autoscaler"),
    e.LOG_SCALING_REPLICA_SET: (NORMAL, "ScalingReplicaSet", "deployment-controller"),
    e.LOG_TRIGGERED_SCALE_UP: (NORMAL, "TriggeredScaleUp", "cluster-autoscaler"),
    e.LOG_NOT_TRIGGER_SCALE_UP: (NORMAL, "NotTriggerScaleUp", "cluster-autoscaler"),
    e.LOG_SCALE_DOWN: (NORMAL, "ScaleDown", "cluster-autoscaler"),
    e.LOG_NODE_ADDED: (NORMAL, "RegisteredNode", "node-controller"),
    e.LOG_NODE_READY: (NORMAL, "NodeReady", "kubelet"),
    e.LOG_NODE_GONE: (NORMAL, "RemovingNode", "node-controller"),
    # The reason of this one is that of the metric's kind, or AmbiguousSelector.
    e.LOG_METRIC_FAILED: (WARNING, "FailedGetMetric", "horizontal-pod-autoscaler"),
    e.LOG_COMPUTE_FAILED: (WARNING, "FailedComputeMetricsReplicas", "horizontal-pod-autoscaler"),
    e.LOG_SELF_HEAL: (NORMAL, "SelfHeal", "argocd-application-controller"),
    e.LOG_MANUAL: (NORMAL, "ScenarioEvent", "capsim"),
}
"""Log kind -> (type, reason, source)."""


def failed_scheduling(counts: list[int], reasons: list[str]) -> str:
    """The FailedScheduling message of kube-scheduler v1.34: counts per reason sorted as text, then what preemption
    found.

    ``counts`` are those of a diagnosis: per reason, then nodes that preemption could have helped, nodes that it could
    not, and all nodes.
    """
    helped, hopeless, nodes = counts[-3:]
    if nodes == 0:
        return "no nodes available to schedule pods"
    listed = sorted(f"{count} {text}" for count, text in zip(counts, reasons, strict=False) if count > 0)
    preemption = [
        *([f"{hopeless} Preemption is not helpful for scheduling"] if hopeless else []),
        *([f"{helped} No preemption victims found for incoming pod"] if helped else []),
    ]
    return (
        f"0/{nodes} nodes are available: {', '.join(listed)}. no new claims to deallocate, "
        f"preemption: 0/{nodes} nodes are available: {', '.join(sorted(preemption))}."
    )
