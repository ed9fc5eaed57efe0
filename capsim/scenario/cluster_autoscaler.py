"""Flags of the Cluster Autoscaler, under upstream's names.

Source: github.com/kubernetes/autoscaler, cluster-autoscaler/config/flags/flags.go (defaults of the 1.31 line;
expander as in newer releases).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from capsim.scenario.model import Integer, Milliseconds, Model, NotNegative, Ratio, Switch, Text, WholeNumber, problem

EXPANDERS = ("least-waste", "random", "most-pods", "least-nodes")


def flag_name(attribute: str) -> str:
    """Upstream's flag for an attribute: scan_interval_ms -> scan-interval."""
    return attribute.removesuffix("_ms").replace("_", "-")


class ClusterAutoscalerSpec(Model):
    """The Cluster Autoscaler; write `{}` for all defaults."""

    model_config = ConfigDict(alias_generator=flag_name)

    scan_interval_ms: Milliseconds = Field(10_000, gt=0, description="Time between loops.")
    expander: Literal["least-waste", "random", "most-pods", "least-nodes"] = Field(
        "least-waste", description="How one group is chosen among those that could help."
    )
    max_nodes_total: WholeNumber = Field(0, description="Most nodes in the cluster; 0: no limit.")
    cores_total: Text = Field("0:320000", pattern=r"^\d+:\d+$", description="Fewest and most cores, min:max.")
    memory_total: Text = Field("0:6400000", pattern=r"^\d+:\d+$", description="Least and most memory in GiB, min:max.")
    max_nodes_per_scaleup: WholeNumber = Field(1000, description="Most nodes added by one loop.")
    max_nodegroup_binpacking_duration_ms: Milliseconds = Field(10_000, description="Time limit of one estimate.")
    max_node_provision_time_ms: Milliseconds = Field(900_000, description="A node that takes longer has failed.")
    new_pod_scale_up_delay_ms: Milliseconds = Field(0, description="Younger pods are not considered.")
    expendable_pods_priority_cutoff: Integer = Field(-10, description="Pods below it neither add nor keep nodes.")
    balance_similar_node_groups: Switch = Field(False, description="Spread a scale-up over similar groups.")
    scale_down_enabled: Switch = Field(True, description="Whether nodes are removed.")
    scale_down_unneeded_time_ms: Milliseconds = Field(600_000, description="How long a node is unneeded until it goes.")
    scale_down_unready_time_ms: Milliseconds = Field(1_200_000, description="The same for a node that is not Ready.")
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
    max_scale_down_parallelism: WholeNumber = Field(10, ge=1, description="Most nodes removed at a time.")
    max_drain_parallelism: WholeNumber = Field(1, ge=1, description="Most nodes drained at a time.")
    max_empty_bulk_delete: WholeNumber = Field(10, description="Most empty nodes removed at a time (older flag).")
    max_graceful_termination_sec: WholeNumber = Field(600, description="Longest wait for a pod's termination.")
    max_pod_eviction_time_ms: Milliseconds = Field(120_000, description="How long evictions are retried.")
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

    @field_validator("expander", mode="before")
    @classmethod
    def _known_expander(cls, value: Any) -> Any:
        if value not in EXPANDERS:
            upstream = ("price", "priority", "grpc", "least-cost")
            first = str(value).split(",")[0]
            text = "not modelled yet" if first in upstream or "," in str(value) else "unknown expander"
            raise problem(text, ", ".join(EXPANDERS))
        return value


ACTED_UPON = frozenset(
    {
        "scan_interval_ms", "expander", "max_nodes_total", "max_nodes_per_scaleup",
        "new_pod_scale_up_delay_ms", "expendable_pods_priority_cutoff", "scale_down_enabled",
        "scale_down_unneeded_time_ms", "scale_down_delay_after_add_ms", "scale_down_delay_after_delete_ms",
        "scale_down_delay_after_failure_ms", "scale_down_utilization_threshold", "max_scale_down_parallelism",
        "max_drain_parallelism", "node_delete_delay_after_taint_ms",
    }
)  # fmt: skip
"""Attributes that the simulated autoscaler reads; the others are listed as not modelled when they are set."""
