"""The control plane: flags of its programs, its latencies and the phases of its loops; the scheduler; the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag, model_validator

from capsim.scenario.chaos import LeaderElection
from capsim.scenario.cluster_autoscaler import flag_name
from capsim.scenario.kube_scheduler import KubeSchedulerConfiguration
from capsim.scenario.metrics import PrometheusAdapterSpec, PrometheusSpec
from capsim.scenario.model import (
    AtLeastOne,
    Bytes,
    Integer,
    Milliseconds,
    Model,
    NotNegative,
    Positive,
    Ratio,
    Switch,
    Text,
    WholeNumber,
    problem,
)
from capsim.scenario.self_heal import ArgoCdSpec


def _release(value: Any) -> Any:
    """YAML reads 1.30 as a number."""
    return f"{value:.2f}" if isinstance(value, float) else value


Release = Annotated[
    Literal["1.15", "1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36"],
    BeforeValidator(_release),
]


class KubeControllerManagerSpec(Model):
    """Flags of kube-controller-manager, under upstream's names."""

    model_config = ConfigDict(alias_generator=flag_name)

    release: Release = Field(
        "1.36",
        description="Whose HPA rules apply (docs/fidelity.md names the differences); recordings prove 1.36 only.",
    )
    hpa_scale_to_zero: Switch = Field(
        False, alias="HPAScaleToZero", description="Feature gate: minReplicas 0 with Object or External metrics."
    )
    horizontal_pod_autoscaler_sync_period_ms: Milliseconds = Field(15_000, gt=0, description="Time between HPA syncs.")
    horizontal_pod_autoscaler_tolerance: NotNegative = Field(
        0.1, description="Ratios within 1 ± tolerance change nothing."
    )
    horizontal_pod_autoscaler_downscale_stabilization_ms: Milliseconds = Field(
        300_000, description="Window whose highest recommendation holds."
    )
    horizontal_pod_autoscaler_cpu_initialization_period_ms: Milliseconds = Field(
        300_000, description="CPU of younger pods counts only while they are Ready."
    )
    horizontal_pod_autoscaler_initial_readiness_delay_ms: Milliseconds = Field(
        30_000, description="Readiness changes that soon after the start count as the first."
    )
    concurrent_horizontal_pod_autoscaler_syncs: AtLeastOne = Field(
        5, description="Workers that sync HPAs; with too many HPAs each is synced more rarely."
    )
    node_monitor_period_ms: Milliseconds = Field(5_000, gt=0, description="Time between two looks at all nodes.")
    node_monitor_grace_period_ms: Milliseconds = Field(
        50_000, gt=0, description="A node that is not heard of for that long is unreachable (40s before 1.32)."
    )
    node_eviction_rate: NotNegative = Field(0.1, description="Nodes per second and zone that are tainted NoExecute.")
    secondary_node_eviction_rate: NotNegative = Field(
        0.01, description="The same in a zone that is partly down; small zones are not evicted at all."
    )
    unhealthy_zone_threshold: Ratio = Field(0.55, description="Share of bad nodes (three at least) from which it is.")
    large_cluster_size_threshold: WholeNumber = Field(50, description="Zones of more nodes are not small.")
    kube_api_qps: Positive = Field(20.0, description="Requests per second to the API server, by client.")
    kube_api_burst: AtLeastOne = Field(30, description="Burst above kube-api-qps.")


class KubeSchedulerSpec(Model):
    """Flags of kube-scheduler, under upstream's names."""

    model_config = ConfigDict(alias_generator=flag_name)

    kube_api_qps: Positive = Field(50.0, description="Requests per second to the API server.")
    kube_api_burst: AtLeastOne = Field(100, description="Burst above kube-api-qps.")


class KubeApiserverSpec(Model):
    """Flags of kube-apiserver."""

    model_config = ConfigDict(alias_generator=flag_name)

    default_unreachable_toleration_seconds: Integer = Field(
        300, description="How long pods that say nothing else stay on an unreachable node."
    )


class KubeletSpec(Model):
    """Flags of the kubelet."""

    model_config = ConfigDict(alias_generator=flag_name)

    node_lease_duration_ms: Milliseconds = Field(
        40_000, gt=0, description="The kubelet renews its lease every quarter of it (nodeLeaseDurationSeconds)."
    )
    node_status_update_frequency_ms: Milliseconds = Field(
        10_000,
        gt=0,
        description="Time between two reports of a node and its pods; after a partition Ready waits for it.",
    )

    serialize_image_pulls: Switch = Field(True, description="One image is pulled at a time on a node.")
    max_parallel_image_pulls: AtLeastOne = Field(
        5, le=64, description="Without serialize-image-pulls: how many at a time (upstream: no bound)."
    )
    registry_latency_ms: Milliseconds = Field(
        200, description="One request to the registry, as for an image that is there already (an assumption)."
    )
    evicts: Switch = Field(
        True,
        alias="eviction",
        description="Pods are evicted when a node runs short of memory or disk (evictionHard), or when they exceed "
        "their limits of ephemeral storage.",
    )
    eviction_pressure_transition_period_ms: Milliseconds = Field(
        300_000, description="How long the threshold must not be met until MemoryPressure or DiskPressure goes."
    )
    container_log_max_size_bytes: Bytes = Field(
        10 * 2**20,
        gt=0,
        alias="container-log-max-size",
        description="Log files of a container are rotated at that size (containerLogMaxSize).",
    )
    container_log_max_files: Annotated[int, Strict(), Field(ge=2)] = Field(
        5, description="Log files that a container keeps (containerLogMaxFiles)."
    )
    image_gc_high_threshold_percent: AtLeastOne = Field(
        85, le=100, description="Disk use from which unused images are deleted (imageGCHighThresholdPercent)."
    )
    image_gc_low_threshold_percent: WholeNumber = Field(
        80, description="Disk use down to which they are deleted (imageGCLowThresholdPercent)."
    )
    unpacked_image_ratio: NotNegative = Field(
        2.5,
        description="Bytes on the disk for each byte that is pulled: an image is packed on its way (an assumption).",
    )
    housekeeping_interval_ms: Milliseconds = Field(
        10_000,
        description="Shortest time between two readings of a container's counters by cAdvisor, which adds up to as "
        "much again of jitter; 0: counters are read at the scrape.",
    )

    @model_validator(mode="after")
    def _collects_down(self) -> Self:
        if self.image_gc_low_threshold_percent >= self.image_gc_high_threshold_percent:
            high = self.image_gc_high_threshold_percent
            raise problem(
                f"image-gc-low-threshold-percent is not below image-gc-high-threshold-percent ({high})",
                f"less than {high}",
                key="image-gc-low-threshold-percent",
            )
        return self


class MetricsServerSpec(Model):
    """metrics-server."""

    model_config = ConfigDict(alias_generator=flag_name)

    metric_resolution_ms: Milliseconds = Field(15_000, gt=0, description="Time between scrapes.")
    delay_ms: Milliseconds = Field(0, description="From a scrape until its values can be read.")
    missed_scrapes_ratio: NotNegative = Field(
        0.0,
        le=1.0,
        description="Share of scrapes that a kubelet does not answer, drawn for each node and scrape: its pods have "
        "no metrics at that scrape and the next.",
    )

    @model_validator(mode="after")
    def _published_before_the_next(self) -> Self:
        if self.delay_ms >= self.metric_resolution_ms:
            raise problem("the delay is not shorter than metric-resolution", "less than metric-resolution", key="delay")
        return self


class DelaySpec(Model):
    """Latencies inside the control plane, as measured on a real one (recorded end-to-end runs, v1.36)."""

    hpa_to_scale_ms: Milliseconds = Field(10, alias="hpaToScale", description="HPA reads metrics -> replicas changed.")
    scale_to_pod_ms: Milliseconds = Field(34, alias="scaleToPod", description="Replicas changed -> first pod created.")
    pod_to_pod_ms: Milliseconds = Field(
        10, alias="podToPod", description="Between two creations by the same controller."
    )
    schedule_ms: Milliseconds = Field(12, alias="schedule", description="Pod created -> bound.")
    node_ready_to_schedulable_ms: Milliseconds = Field(
        20, alias="nodeReadyToSchedulable", description="Node Ready -> its not-ready taint is gone."
    )
    unbound_delete_ms: Milliseconds = Field(10, alias="unboundDelete", description="Unbound pod deleted -> gone.")
    hpa_sync_lag_ms: Milliseconds = Field(
        18, alias="hpaSyncLag", description="How long one HPA sync takes: added to every sync period."
    )
    autoscaler_loop_lag_ms: Milliseconds = Field(
        36, alias="autoscalerLoopLag", description="Added to every scan-interval of the Cluster Autoscaler."
    )
    evict_to_recreate_ms: Milliseconds = Field(
        17, alias="evictToRecreate", description="Pod evicted -> its replacement created."
    )
    rollout_step_ms: Milliseconds = Field(
        34,
        alias="rolloutStep",
        description="A pod of a rollout becomes available or is gone -> its Deployment changes the sizes of its "
        "ReplicaSets; not measured: taken to be as long as scaleToPod.",
    )
    endpoint_propagation_ms: Milliseconds = Field(
        0,
        alias="endpointPropagation",
        description="Pod not Ready, or deleted -> nobody sends requests to it any more (EndpointSlice, kube-proxy); 0: "
        "at once.",
    )
    api_server_ms: Milliseconds = Field(
        0, alias="apiServer", description="Latency of the API server, added to every step of a controller that writes."
    )


HpaPhase = Annotated[
    Annotated[Milliseconds, Tag("all")] | Annotated[dict[Text, Milliseconds], Tag("each")],
    Discriminator(lambda value: "each" if isinstance(value, Mapping) else "all"),
]


class Phases(Model):
    """When each periodic loop runs first, after the start; what is not given is drawn from the seed."""

    scrape_ms: Milliseconds | None = Field(None, alias="scrape", description="First scrape of metrics-server.")
    hpa_ms: HpaPhase | None = Field(None, alias="hpa", description="First sync of all HPAs, or of each by name.")
    prometheus_ms: Milliseconds | None = Field(
        None, alias="prometheus", description="First scrape of every custom and external metric."
    )
    relist_ms: Milliseconds | None = Field(
        None, alias="relist", description="First look of the adapter at which metrics there are."
    )
    cluster_autoscaler_ms: Milliseconds | None = Field(
        None, alias="clusterAutoscaler", description="First loop of the Cluster Autoscaler."
    )


PhaseChoice = Annotated[
    Annotated[Literal["random", "zero"], Tag("word")] | Annotated[Phases, Tag("phases")],
    Discriminator(lambda value: "phases" if isinstance(value, (Mapping, Phases)) else "word"),
]


class ControlPlaneSpec(Model):
    """Settings and latencies of the control plane."""

    kube_controller_manager: KubeControllerManagerSpec = Field(
        KubeControllerManagerSpec(), description="Flags of kube-controller-manager."
    )
    kube_apiserver: KubeApiserverSpec = Field(KubeApiserverSpec(), description="Flags of kube-apiserver.")
    kube_scheduler: KubeSchedulerSpec = Field(KubeSchedulerSpec(), description="Flags of kube-scheduler.")
    kubelet: KubeletSpec = Field(KubeletSpec(), description="Flags of the kubelet.")
    metrics_server: MetricsServerSpec = Field(MetricsServerSpec(), description="Flags of metrics-server.")
    prometheus: PrometheusSpec = Field(PrometheusSpec(), description="Prometheus, behind custom and external metrics.")
    prometheus_adapter: PrometheusAdapterSpec = Field(
        PrometheusAdapterSpec(), description="The adapter that serves custom and external metrics from it."
    )
    argo_cd: ArgoCdSpec = Field(ArgoCdSpec(), alias="argocd", description="Flags of Argo CD, for `selfHeal`.")
    nodes: Literal[1, 3, 5] = Field(1, description="Control-plane nodes, each with a member of etcd.")
    leader_election: LeaderElection = Field(
        LeaderElection(), alias="leaderElection", description="Leases of kube-controller-manager and kube-scheduler."
    )
    rate_limits: Switch = Field(True, description="Whether kube-api-qps and kube-api-burst slow the controllers.")
    delays: DelaySpec = Field(DelaySpec(), description="Latencies inside the control plane.")
    phases: PhaseChoice = Field(
        "random", description="`random` (from the seed), `zero` (all loops aligned) or a phase for each loop."
    )


class SchedulerSpec(Model):
    """kube-scheduler."""

    configuration: KubeSchedulerConfiguration | None = Field(
        None, description="A KubeSchedulerConfiguration document; default: upstream's defaults."
    )
    tie_break: Literal["random", "first"] = Field(
        "random",
        description="Among nodes of equal score: one drawn from the seed, as upstream, or the first.",
    )


class OutputSpec(Model):
    """What a run writes."""

    directory: Text | None = Field(None, description="Folder of the run; default runs/<name>.")
    events_cap: WholeNumber = Field(100_000, description="Most events kept; how many were dropped is reported.")
    figures: Switch = Field(True, description="Whether figures are drawn.")
