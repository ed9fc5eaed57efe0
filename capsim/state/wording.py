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
    e.LOG_PREEMPTED: (NORMAL, "Preempted", "default-scheduler"),
    # Conditions (Progressing) upstream: told as events here.
    e.LOG_ROLLED_OUT: (NORMAL, "NewReplicaSetAvailable", "deployment-controller"),
    e.LOG_ROLLOUT_LATE: (WARNING, "ProgressDeadlineExceeded", "deployment-controller"),
    e.LOG_NODE_NOT_READY: (NORMAL, "NodeNotReady", "node-controller"),
    e.LOG_TAINT_EVICTION: (NORMAL, "TaintManagerEviction", "taint-eviction-controller"),
    e.LOG_NOTE: (NORMAL, "Fault", "capsim"),
    e.LOG_STATEFUL_CREATE: (NORMAL, "SuccessfulCreate", "statefulset-controller"),
    e.LOG_STATEFUL_DELETE: (NORMAL, "SuccessfulDelete", "statefulset-controller"),
    # Type and reason of these depend on what they tell (JOB_TOLD, CRON_SKIPPED).
    e.LOG_JOB: (NORMAL, "Completed", "job-controller"),
    e.LOG_JOB_POD: (NORMAL, "SuccessfulCreate", "job-controller"),
    e.LOG_CRON_STARTED: (NORMAL, "SuccessfulCreate", "cronjob-controller"),
    e.LOG_CRON_SKIPPED: (NORMAL, "JobAlreadyActive", "cronjob-controller"),
    e.LOG_OOM_KILLED: (WARNING, "OOMKilled", "kubelet"),
    e.LOG_BACK_OFF: (WARNING, "BackOff", "kubelet"),
    e.LOG_CRASHED: (WARNING, "Exited", "kubelet"),
    # The source is that of the workload's controller (FAILED_CREATE).
    e.LOG_FAILED_CREATE: (WARNING, "FailedCreate", "replicaset-controller"),
    e.LOG_DAEMON_CREATE: (NORMAL, "SuccessfulCreate", "daemonset-controller"),
    e.LOG_DAEMON_DELETE: (NORMAL, "SuccessfulDelete", "daemonset-controller"),
    e.LOG_MULTI_ATTACH: (WARNING, "FailedAttachVolume", "attachdetach-controller"),
    e.LOG_NO_ADDRESS: (WARNING, "FailedCreatePodSandBox", "kubelet"),
    e.LOG_NO_CIDR: (NORMAL, "CIDRNotAvailable", "cidrAllocator"),
    e.LOG_LIVENESS: (NORMAL, "Killing", "kubelet"),
    e.LOG_STARTUP: (NORMAL, "Killing", "kubelet"),
    e.LOG_EVICTED: (WARNING, "Evicted", "kubelet"),
    e.LOG_EVICTED_FOR: (WARNING, "Evicted", "kubelet"),
    e.LOG_RECLAIM: (WARNING, "EvictionThresholdMet", "kubelet"),
    # The reason is that of the condition, and whether it comes or goes.
    e.LOG_PRESSURE: (NORMAL, "NodeHasInsufficientMemory", "kubelet"),
    e.LOG_MANUAL: (NORMAL, "ScenarioEvent", "capsim"),
}
"""Log kind -> (type, reason, source)."""

JOB_TOLD = (
    (NORMAL, "Completed", "Job completed"),
    (WARNING, "BackoffLimitExceeded", "Job has reached the specified backoff limit"),
    (WARNING, "DeadlineExceeded", "Job was active longer than specified deadline"),
    (WARNING, "PodFailurePolicy", ""),
    (WARNING, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"),
    (WARNING, "FailedIndexes", "Job has failed indexes"),
)
CRON_SKIPPED = (
    (
        NORMAL,
        "JobAlreadyActive",
        "Not starting job because prior execution is running and concurrency policy is Forbid",
    ),
    (WARNING, "TooManyJobs", "Not starting job because capsim runs at most 16 jobs of a CronJob at the same time"),
    (WARNING, "MissSchedule", "Missed scheduled time to start a job: later than startingDeadlineSeconds"),
)
