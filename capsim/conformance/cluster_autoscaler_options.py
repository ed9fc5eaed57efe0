"""Flags and groups of a Cluster Autoscaler recording as capsim's autoscaler reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from capsim.controllers.cluster_autoscaler.options import GroupOptions, Options

Json = Mapping[str, Any]


def seconds(value: float) -> int:
    """Seconds as milliseconds."""
    return round(value * 1000)


FLAGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "balance-similar-node-groups": ("balance", bool),
    "cordon-node-before-terminating": ("cordon", bool),
    "daemonset-eviction-for-empty-nodes": ("daemonset_eviction_empty", bool),
    "daemonset-eviction-for-occupied-nodes": ("daemonset_eviction_occupied", bool),
    "enforce-node-group-min-size": ("enforce_min_size", bool),
    "expander": ("expander", lambda text: tuple(text.split(","))),
    "expendable-pods-priority-cutoff": ("expendable_cutoff", int),
    "force-ds": ("force_ds", bool),
    "ignore-daemonsets-utilization": ("ignore_daemonsets", bool),
    "ignore-mirror-pods-utilization": ("ignore_mirror", bool),
    "initial-node-group-backoff-duration": ("initial_backoff_ms", seconds),
    "max-bulk-soft-taint-count": ("max_soft_taints", int),
    "max-cores-total": ("max_cores", int),
    "max-drain-parallelism": ("max_drain_parallelism", int),
    "max-graceful-termination-sec": ("max_graceful_termination_sec", int),
    "max-memory-total-gib": ("max_memory_bytes", lambda gib: int(gib) << 30),
    "max-node-group-backoff-duration": ("max_backoff_ms", seconds),
    "max-node-provision-time": ("max_node_provision_ms", seconds),
    "max-nodes-per-scaleup": ("max_nodes_per_scaleup", int),
    "max-nodes-total": ("max_nodes_total", int),
    "max-pod-eviction-time": ("max_pod_eviction_ms", seconds),
    "max-scale-down-parallelism": ("max_parallelism", int),
    "max-total-unready-percentage": ("max_unready_percentage", float),
    "min-cores-total": ("min_cores", int),
    "min-memory-total-gib": ("min_memory_bytes", lambda gib: int(gib) << 30),
    "min-replica-count": ("min_replica_count", int),
    "new-pod-scale-up-delay": ("new_pod_scale_up_delay_ms", seconds),
    "node-delete-delay-after-taint": ("taint_delay_ms", seconds),
    "node-deletion-batcher-interval": ("batcher_interval_ms", seconds),
    "node-group-backoff-reset-timeout": ("backoff_reset_ms", seconds),
    "ok-total-unready-count": ("ok_unready", int),
    "scale-down-delay-after-add": ("delay_after_add_ms", seconds),
    "scale-down-delay-after-delete": ("delay_after_delete_ms", seconds),
    "scale-down-delay-after-failure": ("delay_after_failure_ms", seconds),
    "scale-down-delay-type-local": ("delay_type_local", bool),
    "scale-down-enabled": ("scale_down", bool),
    "scale-down-gpu-utilization-threshold": ("gpu_threshold", float),
    "scale-down-unneeded-time": ("unneeded_ms", seconds),
    "scale-down-unready-enabled": ("scale_down_unready", bool),
    "scale-down-unready-time": ("unready_ms", seconds),
    "scale-down-utilization-threshold": ("threshold", float),
    "scale-up-from-zero": ("scale_up_from_zero", bool),
    "skip-nodes-with-custom-controller-pods": ("skip_custom", bool),
    "skip-nodes-with-local-storage": ("skip_local_storage", bool),
    "skip-nodes-with-system-pods": ("skip_system", bool),
    "unremovable-node-recheck-timeout": ("recheck_ms", seconds),
}
GROUP_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "ignore_daemonsets_utilization": ("ignore_daemonsets", bool),
    "max_node_provision_time": ("provision_ms", seconds),
    "scale_down_gpu_utilization_threshold": ("gpu_threshold", float),
    "scale_down_unneeded_time": ("unneeded_ms", seconds),
    "scale_down_unready_time": ("unready_ms", seconds),
    "scale_down_utilization_threshold": ("threshold", float),
    "zero_or_max": ("zero_or_max", bool),
}


class NotSupported(Exception):
    """A recording uses something that the replay does not know."""


def options_of(case: Json) -> Options:
    """The flags of a case; raises NotSupported for an unknown one."""
    values: dict[str, Any] = {"priorities": case.get("priorities")}
    for flag, value in (case.get("options") or {}).items():
        if flag == "gpu-total":
            values["gpu_total"] = {value[0]: (value[1], value[2])}
        elif flag in FLAGS:
            name, convert = FLAGS[flag]
            values[name] = convert(value)
        else:
            raise NotSupported(f"flag {flag}")
    if "scan_interval" in case:
        values["scan_interval_ms"] = seconds(case["scan_interval"])
    return Options(**values)


def group_options_of(group: Json) -> GroupOptions:
    """The settings of one group; raises NotSupported for an unknown one."""
    values = {}
    for key, value in (group.get("options") or {}).items():
        if key not in GROUP_OPTIONS:
            raise NotSupported(f"group option {key}")
        name, convert = GROUP_OPTIONS[key]
        values[name] = convert(value)
    return GroupOptions(**values)
