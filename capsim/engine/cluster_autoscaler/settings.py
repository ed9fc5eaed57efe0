"""The scenario's flags as the autoscaler's options."""

from __future__ import annotations

from typing import Any

from capsim.controllers.cluster_autoscaler.options import GroupOptions, Options
from capsim.scenario.cluster import NodeGroup
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec, totals
from capsim.scenario.scenario import Scenario

SAME = {
    "release": "release",
    "scan_interval_ms": "scan_interval_ms",
    "priorities": "priorities",
    "max_nodes_total": "max_nodes_total",
    "max_nodes_per_scaleup": "max_nodes_per_scaleup",
    "max_node_provision_ms": "max_node_provision_time_ms",
    "max_node_startup_ms": "max_node_startup_time_ms",
    "new_pod_scale_up_delay_ms": "new_pod_scale_up_delay_ms",
    "expendable_cutoff": "expendable_pods_priority_cutoff",
    "balance": "balance_similar_node_groups",
    "memory_difference_ratio": "memory_difference_ratio",
    "allocatable_difference_ratio": "max_allocatable_difference_ratio",
    "free_difference_ratio": "max_free_difference_ratio",
    "scale_up_from_zero": "scale_up_from_zero",
    "enforce_min_size": "enforce_node_group_min_size",
    "force_ds": "force_ds",
    "csi_node_aware": "enable_csi_node_aware_scheduling",
    "scale_down": "scale_down_enabled",
    "scale_down_unready": "scale_down_unready_enabled",
    "unneeded_ms": "scale_down_unneeded_time_ms",
    "unready_ms": "scale_down_unready_time_ms",
    "delay_after_add_ms": "scale_down_delay_after_add_ms",
    "delay_after_delete_ms": "scale_down_delay_after_delete_ms",
    "delay_after_failure_ms": "scale_down_delay_after_failure_ms",
    "delay_type_local": "scale_down_delay_type_local",
    "threshold": "scale_down_utilization_threshold",
    "gpu_threshold": "scale_down_gpu_utilization_threshold",
    "ignore_daemonsets": "ignore_daemonsets_utilization",
    "ignore_mirror": "ignore_mirror_pods_utilization",
    "max_parallelism": "max_scale_down_parallelism",
    "max_drain_parallelism": "max_drain_parallelism",
    "max_graceful_termination_sec": "max_graceful_termination_sec",
    "max_pod_eviction_ms": "max_pod_eviction_time_ms",
    "taint_delay_ms": "node_delete_delay_after_taint_ms",
    "batcher_interval_ms": "node_deletion_batcher_interval_ms",
    "min_replica_count": "min_replica_count",
    "skip_system": "skip_nodes_with_system_pods",
    "skip_local_storage": "skip_nodes_with_local_storage",
    "skip_custom": "skip_nodes_with_custom_controller_pods",
    "daemonset_eviction_empty": "daemonset_eviction_for_empty_nodes",
    "daemonset_eviction_occupied": "daemonset_eviction_for_occupied_nodes",
    "recheck_ms": "unremovable_node_recheck_timeout_ms",
    "max_soft_taints": "max_bulk_soft_taint_count",
    "ok_unready": "ok_total_unready_count",
    "max_unready_percentage": "max_total_unready_percentage",
    "initial_backoff_ms": "initial_node_group_backoff_duration_ms",
    "max_backoff_ms": "max_node_group_backoff_duration_ms",
    "backoff_reset_ms": "node_group_backoff_reset_timeout_ms",
}
"""Option -> the flag that it is."""


def options_of(scenario: Scenario) -> Options:
    """All flags; those of the ``newest`` release have its defaults unless they are set."""
    spec = scenario.cluster_autoscaler
    assert spec is not None
    cores, memory = totals(spec.cores_total), totals(spec.memory_total)
    newest = spec.release == "newest"
    same: dict[str, Any] = {option: getattr(spec, flag) for option, flag in SAME.items()}
    return Options(
        **same,
        expander=tuple(spec.expander.split(",")),
        min_cores=cores[0],
        max_cores=cores[1],
        min_memory_bytes=memory[0] << 30,
        max_memory_bytes=memory[1] << 30,
        gpu_total={kind: (least, most) for kind, least, most in spec.gpu_totals()},
        balancing_ignored_labels=tuple(spec.balancing_ignore_label),
        cordon=_or(spec, "cordon_node_before_terminating", newest),
        frequent_loops=_or(spec, "frequent_loops_enabled", newest),
    )


def _or(spec: ClusterAutoscalerSpec, flag: str, default: bool) -> bool:
    """A switch whose default the newest release changed."""
    return bool(getattr(spec, flag)) if flag in spec.model_fields_set else default


def group_options_of(group: NodeGroup) -> GroupOptions:
    """What a group sets for itself."""
    own = group.autoscaling
    return GroupOptions(
        unneeded_ms=own.scale_down_unneeded_time_ms,
        unready_ms=own.scale_down_unready_time_ms,
        threshold=own.scale_down_utilization_threshold,
        gpu_threshold=own.scale_down_gpu_utilization_threshold,
        provision_ms=own.max_node_provision_time_ms,
        ignore_daemonsets=own.ignore_daemonsets_utilization,
        zero_or_max=own.zero_or_max_node_scaling,
    )
