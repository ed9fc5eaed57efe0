"""The flags of the Cluster Autoscaler as its code reads them.

Source: cluster-autoscaler config/autoscaling_options.go and main.go (June 2024, k8s 1.31). Durations are int64
milliseconds, memory is bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NEWEST = "newest"
"""The release whose known differences from the recorded one are switched on."""
RECORDED = "1.31"


@dataclass(frozen=True)
class GroupOptions:
    """What a node group may set for itself; None: the flag's value."""

    unneeded_ms: int | None = None
    unready_ms: int | None = None
    threshold: float | None = None
    gpu_threshold: float | None = None
    provision_ms: int | None = None
    ignore_daemonsets: bool | None = None
    zero_or_max: bool = False
    """The group has no nodes or its most: upstream's ZeroOrMaxNodeScaling."""


@dataclass(frozen=True)
class Options:
    """Flags of the whole autoscaler; each field names its flag."""

    release: str = RECORDED
    scan_interval_ms: int = 10_000
    expander: tuple[str, ...] = ("random",)
    priorities: str | None = None
    """Key ``priorities`` of the ConfigMap cluster-autoscaler-priority-expander; None: there is no ConfigMap."""
    max_nodes_total: int = 0
    min_cores: int = 0
    max_cores: int = 320_000
    min_memory_bytes: int = 0
    max_memory_bytes: int = 6_400_000 << 30
    gpu_total: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Fewest and most GPUs by type (--gpu-total)."""
    max_nodes_per_scaleup: int = 1000
    max_node_provision_ms: int = 900_000
    max_node_startup_ms: int = 900_000
    """Constant in the recorded release, --max-node-startup-time in newer ones."""
    new_pod_scale_up_delay_ms: int = 0
    expendable_cutoff: int = -10
    balance: bool = False
    balancing_ignored_labels: tuple[str, ...] = ()
    memory_difference_ratio: float = 0.015
    allocatable_difference_ratio: float = 0.05
    free_difference_ratio: float = 0.05
    scale_up_from_zero: bool = True
    enforce_min_size: bool = False
    force_ds: bool = False
    csi_node_aware: bool = False
    scale_down: bool = True
    scale_down_unready: bool = True
    unneeded_ms: int = 600_000
    unready_ms: int = 1_200_000
    delay_after_add_ms: int = 600_000
    delay_after_delete_ms: int = 0
    delay_after_failure_ms: int = 180_000
    delay_type_local: bool = False
    threshold: float = 0.5
    gpu_threshold: float = 0.5
    ignore_daemonsets: bool = False
    ignore_mirror: bool = False
    max_parallelism: int = 10
    max_drain_parallelism: int = 1
    max_graceful_termination_sec: int = 600
    max_pod_eviction_ms: int = 120_000
    taint_delay_ms: int = 5_000
    batcher_interval_ms: int = 0
    cordon: bool = False
    min_replica_count: int = 0
    skip_system: bool = True
    skip_local_storage: bool = True
    skip_custom: bool = True
    daemonset_eviction_empty: bool = False
    daemonset_eviction_occupied: bool = True
    recheck_ms: int = 300_000
    max_soft_taints: int = 10
    ok_unready: int = 3
    max_unready_percentage: float = 45.0
    initial_backoff_ms: int = 300_000
    max_backoff_ms: int = 1_800_000
    backoff_reset_ms: int = 10_800_000
    frequent_loops: bool = False

    @property
    def newest(self) -> bool:
        """Whether the known differences of newer releases are on."""
        return self.release == NEWEST
