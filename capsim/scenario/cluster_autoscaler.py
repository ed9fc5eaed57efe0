"""Flags of the Cluster Autoscaler, under upstream's names.

Source: github.com/kubernetes/autoscaler, cluster-autoscaler/config/flags/flags.go (defaults of the 1.31 line;
expander as in newer releases).
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from capsim.scenario.expander_priorities import parse_priorities
from capsim.scenario.model import (
    AtLeastOne,
    Integer,
    Milliseconds,
    Model,
    NotNegative,
    Ratio,
    Switch,
    Text,
    WholeNumber,
    problem,
)

EXPANDERS = ("random", "most-pods", "least-waste", "least-nodes", "price", "priority")
NOT_MODELLED = ("grpc",)


def flag_name(attribute: str) -> str:
    """Upstream's flag for an attribute: scan_interval_ms -> scan-interval."""
    return attribute.removesuffix("_ms").replace("_", "-")


def totals(text: str) -> tuple[int, int]:
    """``min:max`` as two numbers."""
    least, _, most = text.partition(":")
    return int(least), int(most)


class LoopTime(Model):
    """How long one loop of the autoscaler takes: base + perPodAndGroup x unschedulable pods x node groups."""

    base_ms: Milliseconds = Field(0, alias="base", description="What every loop takes.")
    per_pod_and_group_ms: NotNegative = Field(
        0.0, alias="perPodAndGroupMs", description="Milliseconds for each pair of an unschedulable pod and a group."
    )


class ClusterAutoscalerSpec(Model):
    """The Cluster Autoscaler; write `{}` for all defaults. Flags have upstream's names."""

    model_config = ConfigDict(alias_generator=flag_name)

    release: Literal["1.31", "newest"] = Field(
        "1.31",
        description="Whose behaviour: the release whose decisions are recorded, or with the known differences of newer "
        "ones (to 2026), which no recording proves.",
    )
    loop_time: LoopTime | None = Field(None, alias="loopTime", description="How long a loop takes; missing: no time.")
    scan_interval_ms: Milliseconds = Field(10_000, gt=0, description="Time between loops.")
    expander: Text = Field(
        "least-waste",
        description="How one group is chosen among those that could help: random, most-pods, least-waste, least-nodes, "
        "price, priority, or a chain of them (priority,least-waste).",
    )
    priorities: Text | None = Field(
        None, description="For the priority expander: the value `priorities` of its ConfigMap, as YAML text."
    )
    max_nodes_total: WholeNumber = Field(0, description="Most nodes in the cluster; 0: no limit.")
    cores_total: Text = Field("0:320000", pattern=r"^\d+:\d+$", description="Fewest and most cores, min:max.")
    memory_total: Text = Field("0:6400000", pattern=r"^\d+:\d+$", description="Least and most memory in GiB, min:max.")
    gpu_total: list[Text] = Field([], description="Fewest and most GPUs of a type, `type:min:max`, one entry a type.")
    max_nodes_per_scaleup: WholeNumber = Field(1000, description="Most nodes added by one loop.")
    max_nodegroup_binpacking_duration_ms: Milliseconds = Field(10_000, description="Time limit of one estimate.")
    max_node_provision_time_ms: Milliseconds = Field(900_000, description="A node that takes longer has failed.")
    max_node_startup_time_ms: Milliseconds = Field(
        900_000, description="A node that is not Ready so long after it registered is unready (a flag since 1.33)."
    )
    new_pod_scale_up_delay_ms: Milliseconds = Field(0, description="Younger pods are not considered.")
    expendable_pods_priority_cutoff: Integer = Field(-10, description="Pods below it neither add nor keep nodes.")
    balance_similar_node_groups: Switch = Field(False, description="Spread a scale-up over similar groups.")
    balancing_ignore_label: list[Text] = Field([], description="Further labels in which similar groups may differ.")
    memory_difference_ratio: Ratio = Field(0.015, description="Largest difference in memory of similar groups.")
    max_allocatable_difference_ratio: Ratio = Field(0.05, description="The same for what pods can request.")
    max_free_difference_ratio: Ratio = Field(0.05, description="The same for what DaemonSets leave.")
    scale_up_from_zero: Switch = Field(True, description="Whether a cluster without a Ready node is scaled up.")
    parallel_scale_up: Switch = Field(False, description="Grow similar groups at the same time.")
    force_ds: Switch = Field(False, description="Count DaemonSets that do not run yet as part of a new node.")
    enable_csi_node_aware_scheduling: Switch = Field(
        False, description="Whether nodes to come have attach limits, too (1.35); without it, they take any number."
    )
    bypassed_scheduler_names: list[Text] = Field([], description="Schedulers whose pods are taken at once.")
    startup_taint: list[Text] = Field([], description="Taints of nodes that are still starting.")
    status_taint: list[Text] = Field([], description="Taints that say how a node does, left out of templates.")
    scale_down_enabled: Switch = Field(True, description="Whether nodes are removed.")
    scale_down_unneeded_time_ms: Milliseconds = Field(600_000, description="How long a node is unneeded until it goes.")
    scale_down_unready_time_ms: Milliseconds = Field(1_200_000, description="The same for a node that is not Ready.")
    scale_down_unready_enabled: Switch = Field(True, description="Whether nodes that are not Ready are removed.")
    scale_down_delay_type_local: Switch = Field(False, description="The delays below hold for each group by itself.")
    scale_down_delay_after_add_ms: Milliseconds = Field(600_000, description="No scale-down so soon after a scale-up.")
    scale_down_delay_after_delete_ms: Milliseconds = Field(0, description="No scale-down so soon after a deletion.")
    scale_down_delay_after_failure_ms: Milliseconds = Field(
        180_000, description="No scale-down that soon after a failed scale-down."
    )
    scale_down_utilization_threshold: Ratio = Field(
        0.5, description="Nodes whose requests / allocatable are below it are candidates."
    )
    scale_down_gpu_utilization_threshold: Ratio = Field(0.5, description="The same for the GPUs of GPU nodes.")
    scale_down_non_empty_candidates_count: WholeNumber = Field(30, description="Most non-empty candidates per loop.")
    scale_down_candidates_pool_ratio: Ratio = Field(0.1, description="Share of nodes considered as further candidates.")
    scale_down_candidates_pool_min_count: WholeNumber = Field(50, description="Fewest nodes considered so.")
    scale_down_simulation_timeout_ms: Milliseconds = Field(30_000, description="Time limit of one simulation.")
    max_scale_down_parallelism: AtLeastOne = Field(10, description="Most nodes removed at a time.")
    max_drain_parallelism: AtLeastOne = Field(1, description="Most nodes drained at a time.")
    max_empty_bulk_delete: WholeNumber = Field(10, description="Most empty nodes removed at a time (older flag).")
    max_graceful_termination_sec: WholeNumber = Field(600, description="Longest wait for a pod's termination.")
    max_pod_eviction_time_ms: Milliseconds = Field(120_000, description="How long evictions are retried.")
    max_bulk_soft_taint_count: WholeNumber = Field(10, description="Most soft taints set in one loop; 0: none.")
    max_bulk_soft_taint_time_ms: Milliseconds = Field(3000, description="Time limit for them.")
    node_deletion_batcher_interval_ms: Milliseconds = Field(0, description="Deletions of a group are gathered so long.")
    node_deletion_delay_timeout_ms: Milliseconds = Field(
        120_000, description="Longest wait for delay-deletion annotations."
    )
    dynamic_node_delete_delay_after_taint_enabled: Switch = Field(False, description="Measure the wait after a taint.")
    drain_priority_config: Text = Field("", description="Grace periods by pod priority.")
    node_delete_delay_after_taint_ms: Milliseconds = Field(5000, description="Wait between tainting and deleting.")
    cordon_node_before_terminating: Switch = Field(False, description="Cordon a node before it is drained.")
    min_replica_count: WholeNumber = Field(0, description="Pods of smaller controllers block a scale-down.")
    skip_nodes_with_system_pods: Switch = Field(True, description="kube-system pods without a PDB block a scale-down.")
    skip_nodes_with_local_storage: Switch = Field(True, description="emptyDir and hostPath volumes block a scale-down.")
    skip_nodes_with_custom_controller_pods: Switch = Field(
        True, description="Pods of unknown controllers block a scale-down."
    )
    ignore_daemonsets_utilization: Switch = Field(False, description="DaemonSet pods do not count as utilisation.")
    ignore_mirror_pods_utilization: Switch = Field(False, description="Mirror pods do not count as utilisation.")
    daemonset_eviction_for_empty_nodes: Switch = Field(False, description="Evict DaemonSet pods from empty nodes.")
    daemonset_eviction_for_occupied_nodes: Switch = Field(True, description="Evict DaemonSet pods from other nodes.")
    unremovable_node_recheck_timeout_ms: Milliseconds = Field(
        300_000, description="A node found unremovable is looked at again after it."
    )
    ok_total_unready_count: WholeNumber = Field(3, description="So many unready nodes never stop the autoscaler.")
    max_total_unready_percentage: NotNegative = Field(45.0, description="More unready nodes stop the autoscaler.")
    initial_node_group_backoff_duration_ms: Milliseconds = Field(300_000, description="First backoff of a group.")
    max_node_group_backoff_duration_ms: Milliseconds = Field(1_800_000, description="Longest backoff of a group.")
    node_group_backoff_reset_timeout_ms: Milliseconds = Field(10_800_000, description="Backoff starts anew after it.")
    enforce_node_group_min_size: Switch = Field(False, description="Scale groups below their min up.")
    frequent_loops_enabled: Switch = Field(False, description="Next loop at once after a scale-up or for a new pod.")

    @field_validator("expander")
    @classmethod
    def _known_expanders(cls, value: str) -> str:
        names = value.split(",")
        for i, name in enumerate(names):
            if name in NOT_MODELLED:
                raise problem("the grpc expander is not modelled: it asks a server of yours", ", ".join(EXPANDERS))
            if name not in EXPANDERS:
                raise problem(f"Expander {name} not supported", ", ".join(EXPANDERS))
            if name in names[:i]:
                raise problem(
                    f"Expander {name} was specified multiple times, each expander must not be specified more than once",
                    "each once",
                )
            if "random" in names[:i]:
                raise problem(f"Expander {name} came after random, which leaves only one option", "random last")
        return value

    @field_validator("priorities")
    @classmethod
    def _readable_priorities(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_priorities(value)
            except ValueError as why:
                raise problem(str(why), "a mapping from numbers to lists of regular expressions") from why
        return value

    @field_validator("cores_total", "memory_total")
    @classmethod
    def _ordered(cls, value: str) -> str:
        least, most = totals(value)
        if least > most:
            raise problem(f"min {least} is above max {most}", "min:max")
        return value

    @field_validator("gpu_total")
    @classmethod
    def _gpu_totals(cls, value: list[str]) -> list[str]:
        for text in value:
            parts = text.rsplit(":", 2)
            if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()) or int(parts[1]) > int(parts[2]):
                raise problem(f"wrong GPU limit {text!r}", "type:min:max")
        return value

    def gpu_totals(self) -> list[tuple[str, int, int]]:
        """(type, min, max) of each GPU limit."""
        return [(kind, int(least), int(most)) for kind, least, most in (text.rsplit(":", 2) for text in self.gpu_total)]


WITHOUT_EFFECT = frozenset(
    {
        "max_nodegroup_binpacking_duration_ms", "scale_down_non_empty_candidates_count",
        "scale_down_candidates_pool_ratio", "scale_down_candidates_pool_min_count", "scale_down_simulation_timeout_ms",
        "max_empty_bulk_delete", "parallel_scale_up", "max_bulk_soft_taint_time_ms",
    }
)  # fmt: skip
"""Attributes that bound the real autoscaler's own work, or belong to its older code: accepted, they change nothing."""
NOT_ACTED_UPON = frozenset(
    {
        "bypassed_scheduler_names", "startup_taint", "status_taint", "node_deletion_delay_timeout_ms",
        "dynamic_node_delete_delay_after_taint_enabled", "drain_priority_config",
    }
)  # fmt: skip
"""Attributes that are accepted, and listed as not modelled when they are set."""
