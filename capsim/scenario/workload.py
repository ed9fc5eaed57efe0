"""How services and workloads behave: what a request costs, what idles, how long a start takes, what was recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from capsim.scenario.calls import Balancing, Call, ServiceTime
from capsim.scenario.distribution import Distribution
from capsim.scenario.model import AtLeastOne, Bytes, Integer, Milliseconds, Model, Ratio, Switch, Text, Unit, problem
from capsim.scenario.network import ServiceNetwork
from capsim.scenario.series import AnySeries
from capsim.units import format_bytes, parse_quantity


def _fractional_milli(value: Any) -> float:
    return float(parse_quantity(value) * 1000)


def _fractional_text(value: float) -> str:
    return f"{Decimal(repr(value)).normalize():f}m"


FRACTIONAL_CPU = Unit("quantity", _fractional_milli, _fractional_text, "cores such as 40m, 0.04 or 2, not negative")
CpuMilliFloat = Annotated[float, FRACTIONAL_CPU]


class ServiceSpec(Model):
    """A service: which workloads answer its requests and what happens to those beyond their capacity."""

    workloads: list[Text] = Field(
        [], description="Workloads that serve it (default: those whose pods the Service object's selector matches)."
    )
    overload: Literal["queue", "drop"] = Field(
        "queue",
        description="Requests beyond capacity wait, up to requestTimeout (`queue`), or are lost (`drop`).",
    )
    request_timeout_ms: Milliseconds = Field(
        30_000, alias="requestTimeout", description="A backlog longer than this many seconds of capacity is lost."
    )
    calls: list[Call] = Field([], description="Services that a request calls, one after the other.")
    balancing: Balancing = Field(Balancing(), description="How requests are spread over pods.")
    network: ServiceNetwork | None = Field(
        None, description="Bytes, zones and load balancer; absent: without cost. `{}` is enough for what is dropped."
    )


class DiskUse(Model):
    """What is written to the disk of a pod's node, from the first moment at which the pod is Ready."""

    base_bytes: Bytes = Field(0, alias="base", description="Bytes that are there without any request.")
    per_request_bytes: Bytes = Field(0, alias="perRequest", description="Bytes that each request adds.")
    per_second_bytes: Bytes = Field(
        0, alias="perSecond", description="Bytes that each second adds in which the pod is Ready."
    )
    up_to_bytes: Bytes | None = Field(
        None,
        alias="upTo",
        description="It grows no further (a cache that makes room, files that rotate); missing: without end, logs up "
        "to container-log-max-size times container-log-max-files.",
    )

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.up_to_bytes is not None and self.up_to_bytes < self.base_bytes:
            found = f"upTo {format_bytes(self.up_to_bytes)} is below base {format_bytes(self.base_bytes)}"
            raise problem(found, "at least base", key="upTo")
        return self

    @property
    def writes(self) -> bool:
        """Whether anything is ever written."""
        return self.base_bytes > 0 or self.per_request_bytes > 0 or self.per_second_bytes > 0


class ContainerBehaviour(Model):
    """What one container uses."""

    cpu_per_request_milli: CpuMilliFloat = Field(
        0.0, alias="cpuPerRequest", description="CPU-seconds per request (`40m` is 0.04 CPU-seconds)."
    )
    idle_cpu_milli: CpuMilliFloat = Field(0.0, alias="idleCpu", description="CPU used without any request.")
    memory_base_bytes: Bytes | None = Field(
        None, alias="memoryBase", description="Memory used without any request; default half of the memory request."
    )
    run_time_ms: Milliseconds = Field(
        0, alias="runTime", description="How long an init container runs (with `images`)."
    )
    memory_per_inflight_bytes: Bytes = Field(
        0, alias="memoryPerInflight", description="Memory per request in progress or waiting in the pod."
    )
    writable_layer: DiskUse | None = Field(
        None, description="What it writes outside of volumes; gone when the container restarts."
    )
    logs: DiskUse | None = Field(None, description="What it writes to stdout and stderr; there as long as the pod.")

    @property
    def disk_uses(self) -> list[DiskUse]:
        """What it writes."""
        return [use for use in (self.writable_layer, self.logs) if use is not None]


class StartupCpu(Model):
    """CPU that the first container of a pod uses between its start and Ready, after `startupTime`.

    It takes cpuSeconds / min(cores, CPU limit, what the node has for it): at half the limit twice as long.
    """

    cpu_seconds: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = Field(
        0.0, description="CPU time of a start: container_cpu_usage_seconds_total of a pod that has just become Ready."
    )
    cores_milli: CpuMilliFloat = Field(
        1000.0,
        alias="cores",
        description="Most CPU that the start uses at a time: 1 for a single thread; a Spring Boot application has use "
        "for 3 or 4 (measured by spring-boot-startup-bench).",
    )

    @model_validator(mode="after")
    def _some_cpu(self) -> Self:
        if self.cores_milli <= 0.0:
            raise problem("a start without CPU never ends", "cores above 0", key="cores")
        return self


class WarmUp(Model):
    """What a request costs the first container of a pod that has just become Ready (JIT compilation, cold caches)."""

    factor: Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)] = Field(
        1.0, description="CPU of a request at first, in those of a warm pod: 3 is three times as much."
    )
    half_life_ms: Milliseconds = Field(
        30_000, alias="halfLife", ge=100, description="Time in which what it costs more becomes half."
    )


class WorkloadSpec(Model):
    """Behaviour of one workload's pods."""

    containers: dict[Text, ContainerBehaviour] = Field({}, description="Behaviour by container name.")
    startup_time: Distribution = Field(
        Distribution.constant(5000),
        description="From bound to Ready (image pull, start, first readiness probe); with `images`, what the process "
        "itself takes.",
    )
    startup_cpu: StartupCpu | None = Field(
        None, description="CPU that a start burns; absent: none, and `startupTime` is all that it takes."
    )
    warm_up: WarmUp | None = Field(None, description="Extra CPU of requests to new pods; absent: none.")
    run_time: Distribution | None = Field(
        None, description="Of a Job: from Ready until a pod has done its work (default 1m)."
    )
    failure_ratio: Ratio = Field(0.0, description="Of a Job: how many of its pods fail.")
    exit_code: AtLeastOne = Field(1, le=255, description="Of a Job: what pods that fail exit with.")
    pod_deletion_costs: Annotated[list[Integer], Field(max_length=500)] = Field(
        [],
        description="controller.kubernetes.io/pod-deletion-cost of single pods in the order of their creation, those "
        "of the start first; all others have 0. On scale-down the lower one goes first.",
    )
    service_time: ServiceTime | None = Field(
        None, description="Response times of its pods, `{}` for the defaults; absent: only where calls or SLOs ask."
    )
    oom_kills: Switch = Field(
        True,
        alias="oomKills",
        description="Whether a pod whose memory exceeds its limit is killed and restarted; it takes a memory limit and "
        "`memoryPerInflight`, or a base above the limit.",
    )
    memory_spread_ratio: Ratio = Field(
        0.1,
        alias="memorySpread",
        description="How far the memory of single pods lies off the mean, evenly drawn: 0.1 is ± 10 % (an assumption).",
    )
    probes_wait: Switch = Field(
        True,
        alias="probesWait",
        description="Whether liveness probes (httpGet, grpc) wait behind requests, as where the same threads answer "
        "both: pods that are late for longer than a probe's timeoutSeconds are restarted.",
    )
    empty_dirs: dict[Text, DiskUse] = Field(
        {}, description="What the pod writes to its emptyDir volumes, by their names; there as long as the pod."
    )
    disk_spread_ratio: Ratio = Field(
        0.1,
        alias="diskSpread",
        description="How far what single pods write per request and second lies off the mean, evenly drawn: 0.1 is "
        "± 10 % (an assumption).",
    )
    termination_time_ms: Milliseconds = Field(
        2000,
        alias="terminationTime",
        description="From SIGTERM until the pod is gone; with a preStop hook at most terminationGracePeriodSeconds.",
    )

    @property
    def writes(self) -> bool:
        """Whether its pods write anything to disk."""
        return any(use.writes for use in self.disk_uses)

    @property
    def disk_uses(self) -> list[DiskUse]:
        """What its pods write."""
        return [use for container in self.containers.values() for use in container.disk_uses] + [
            *self.empty_dirs.values()
        ]


class UsageSpec(Model):
    """Recorded usage that is replayed instead of computed from traffic."""

    cpu: AnySeries | None = Field(None, description="Cores used by all Ready pods of the workload together.")
    memory: AnySeries | None = Field(None, description="Bytes used by each pod.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.cpu is None and self.memory is None:
            raise problem("neither cpu nor memory is given", "cpu: <series>, memory: <series> or both")
        return self
