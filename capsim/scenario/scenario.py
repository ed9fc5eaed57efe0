"""The scenario: everything a run needs, checked, with canonical names and in base units."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core.core_schema import SerializationInfo

from capsim.scenario.calls import Slo, Visit
from capsim.scenario.cluster import NodeGroup
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.scenario.control_plane import ControlPlaneSpec, OutputSpec, SchedulerSpec
from capsim.scenario.event import TimedEvent
from capsim.scenario.images import ImageSpec
from capsim.scenario.ingress import IngressClassSpec
from capsim.scenario.inventory import Inventory
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.lifetimes import Lifetimes, PodsFile
from capsim.scenario.metrics import MetricSpec
from capsim.scenario.model import Integer, Milliseconds, Model, Text, WholeNumber, problem
from capsim.scenario.self_heal import SelfHealSpec
from capsim.scenario.series import AnySeries, TraceFile
from capsim.scenario.storage import StorageSpec
from capsim.scenario.subnets import Subnet
from capsim.scenario.workload import ServiceSpec, UsageSpec, WorkloadSpec

API_VERSION = "capsim/v1"
RUN_NAME = r"^[^/\\]*[^./\\][^/\\]*$"
"""A run's name becomes the name of a folder."""
START_FORMS = "a time with its zone, such as 2026-01-01T00:00:00Z"


def _aware(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise problem("not a time", START_FORMS) from None
    if not isinstance(value, datetime):
        raise problem("not a time", START_FORMS)
    if value.tzinfo is None:
        raise problem("the time has no zone", START_FORMS)
    if value.microsecond % 1000:
        raise problem("finer than a millisecond", START_FORMS)
    return value.astimezone(UTC)


def _written_time(value: datetime, info: SerializationInfo) -> Any:
    return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds").replace("+00:00", "Z")


StartTime = Annotated[
    datetime,
    BeforeValidator(_aware),
    PlainSerializer(_written_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class ScenarioKeys(Model):
    """The keys that a scenario file and a loaded scenario have in common."""

    name: Text = Field("scenario", pattern=RUN_NAME, description="Name of the run; default the file's name.")
    description: Text = Field("", description="What it is about, in a sentence.")
    duration_ms: Milliseconds = Field(3_600_000, gt=0, alias="duration", description="How long the run lasts.")
    start: StartTime = Field(
        datetime(2026, 1, 1, tzinfo=UTC), description="Wall-clock time of the start, to the millisecond."
    )
    seed: Integer = Field(1, ge=0, lt=2**63, description="Seed of all random numbers; same seed, same bytes.")
    sample_interval_ms: Milliseconds = Field(
        60_000, gt=0, alias="sampleInterval", description="Interval over which the recorded series aggregate."
    )
    initial_state: Literal["settled", "declared", "recorded", "empty"] = Field(
        "settled",
        description="`settled`: replicas as the HPAs hold them under the traffic of the start; `declared`: replicas as "
        "written, all Ready; `recorded`: the same, on the nodes that `placement` names; `empty`: everything is created "
        "at the start.",
    )
    placement: dict[Text, dict[Text, WholeNumber]] = Field(
        {},
        description="Pods of each workload by node, for `initialState: recorded`: they run there, whatever fits; "
        "replicas beyond them are placed by the scheduler.",
    )
    node_groups: list[NodeGroup] = Field(
        [],
        description="Machines of one shape that can be added and removed; Node objects beside them are static.",
    )
    subnets: dict[Text, Subnet] = Field(
        {}, description="Ranges of addresses by name, which node groups share (`nodeGroups[].subnet`, `podAddresses`)."
    )
    services: dict[Text, ServiceSpec] = Field({}, description="Services that receive traffic, by name.")
    ingress_classes: dict[Text, IngressClassSpec] = Field(
        {},
        description="What routes the Ingresses of a class, by the IngressClass's name; those of others cost nothing.",
    )
    images: dict[Text, ImageSpec] | None = Field(
        None,
        description="Images by name, `*` for all others, with what is pulled of them: `400Mi` or layers. With this key "
        "(`{}` is enough) pods start in parts: pulls, init containers, the process (`startupTime`), probes.",
    )
    storage: StorageSpec = Field(StorageSpec(), description="Volumes: what no object says of them.")
    workloads: dict[Text, WorkloadSpec] = Field({}, description="Behaviour of workloads, by name.")
    traffic: dict[Text, AnySeries] = Field(
        {},
        description="Requests per second of each service; a key such as `https://host/path` is the Service that an "
        "Ingress names for it.",
    )
    journeys: dict[Text, list[Visit]] = Field(
        {}, description="What a user does: requests to services, one after the other, whose times add up."
    )
    slos: list[Slo] = Field([], description="Service level objectives of services and journeys.")
    usage: dict[Text, UsageSpec] = Field({}, description="Recorded usage of workloads, replayed instead of traffic.")
    metrics: dict[Text, MetricSpec] = Field(
        {}, description="What custom and external metrics measure, by the name that HPAs ask for."
    )
    lifetimes: dict[Text, Lifetimes] = Field(
        {}, description="ReplicaSets whose pods come and go as recorded; written by capsim for the tables under `pods`."
    )
    self_heal: list[SelfHealSpec] = Field([], description="Workloads whose replicas a GitOps controller sets back.")
    events: list[TimedEvent] = Field([], description="Timed actions: what somebody does, or what breaks.")
    cluster_autoscaler: ClusterAutoscalerSpec | None = Field(
        None, description="The Cluster Autoscaler, `{}` for its defaults; absent: node counts stay."
    )
    scheduler: SchedulerSpec = Field(SchedulerSpec(), description="kube-scheduler.")
    control_plane: ControlPlaneSpec = Field(ControlPlaneSpec(), description="Settings and latencies of control loops.")
    output: OutputSpec = Field(OutputSpec(), description="What a run writes.")
    inventory: Inventory = Field(Inventory(), description="What was ignored, not modelled, guessed; written by capsim.")


class Scenario(ScenarioKeys):
    """A checked scenario. Keys: services and traffic `namespace/name`, workloads and usage `namespace/Kind/name`."""

    objects: KubeObjects = Field(KubeObjects(), description="The Kubernetes objects.")

    def dump_resolved(self) -> str:
        """The scenario as one YAML text without references to files; loaded again it gives an equal scenario."""
        from capsim.scenario.dump import resolved_yaml

        return resolved_yaml(self)

    def node_group(self, name: str) -> NodeGroup:
        """The node group of that name. Raises KeyError when there is none."""
        for group in self.node_groups:
            if group.name == name:
                return group
        raise KeyError(name)


class ScenarioFile(ScenarioKeys):
    """A scenario file, as it is written."""

    api_version: Literal["capsim/v1"] = Field(description="Always capsim/v1.")
    extends: Text | list[Text] = Field([], description="Scenario files that this one is merged over, in order.")
    manifests: Text | list[Text] = Field(
        [],
        description="Files, globs, folders of Kubernetes manifests (YAML, JSON, .gz), relative to this file.",
    )
    objects: list[dict[Text, Any]] = Field(
        [], description="Kubernetes objects; one that the manifests hold too is merged over it."
    )
    pods: list[PodsFile] = Field(
        [], description="Tables of recorded pods: each pod is created and deleted when its row says so."
    )
    traces: list[TraceFile] = Field(
        [],
        description="Trace files with a column (or rows) for each of several services: each becomes its `traffic`, "
        "unless that is given.",
    )
