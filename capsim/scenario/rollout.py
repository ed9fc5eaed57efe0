"""Rollouts: how the pods of a workload change at an event, and which revisions follow one another."""

from __future__ import annotations

from pydantic import Field

from capsim.scenario.distribution import Distribution
from capsim.scenario.model import Bytes, Milliseconds, Model, Resources, Text, WholeNumber
from capsim.scenario.workload import CpuMilliFloat

TARGET = "The Deployment, StatefulSet or DaemonSet: `name`, `namespace/name` or `namespace/Kind/name`."


class Rollout(Model):
    """A new version of a workload's pods; what is not given stays. `target` alone: `kubectl rollout restart`."""

    target: Text = Field(description=TARGET)
    container: Text | None = Field(None, description="The container that changes; default the first.")
    image: Text | None = Field(None, description="Its new image.")
    new_requests: Resources = Field({}, alias="requests", description="Its new requests; those not named stay.")
    new_limits: Resources = Field({}, alias="limits", description="Its new limits; those not named stay.")
    cpu_per_request_milli: CpuMilliFloat | None = Field(
        None, alias="cpuPerRequest", description="What a request costs the new version."
    )
    idle_cpu_milli: CpuMilliFloat | None = Field(None, alias="idleCpu", description="What it uses without requests.")
    memory_base_bytes: Bytes | None = Field(None, alias="memoryBase", description="Its memory without requests.")
    memory_per_inflight_bytes: Bytes | None = Field(
        None, alias="memoryPerInflight", description="Its memory per request in progress or waiting."
    )
    startup_time: Distribution | None = Field(None, description="From bound to Ready, of the new version's pods.")
    termination_time_ms: Milliseconds | None = Field(
        None, alias="terminationTime", description="From SIGTERM until a pod of the new version is gone."
    )


class Rollback(Model):
    """`kubectl rollout undo`: back to an earlier revision."""

    target: Text = Field(description=TARGET)
    to_revision: WholeNumber = Field(
        0, description="Number of the revision, 1 is that of the start; 0: the one before."
    )


class PauseRollout(Model):
    """`kubectl rollout pause` or `resume`."""

    target: Text = Field(description="The Deployment: `name`, `namespace/name` or `namespace/Kind/name`.")
