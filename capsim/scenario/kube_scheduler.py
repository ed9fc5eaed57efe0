"""KubeSchedulerConfiguration: profiles, plugins with their weights and arguments (kubescheduler.config.k8s.io/v1).

What has no effect on placements (leader election, parallelism, endpoints) is accepted and not kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, model_validator

from capsim.scenario.model import AtLeastOne, Model, Text, WholeNumber, problem

SCORE_WEIGHTS = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "NodeResourcesFit": 1,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
    "InterPodAffinity": 2,
    "PodTopologySpread": 2,
}
"""Default weights, in the order of the state's columns (apis/config/v1/default_plugins.go)."""
FILTERS = (
    "NodeUnschedulable",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeBinding",
    "PodTopologySpread",
    "InterPodAffinity",
)
"""Filter plugins that can be switched off; VolumeBinding stands for all of volumes."""
OTHERS = [
    "SchedulingGates",
    "PrioritySort",
    "NodeName",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeZone",
    "DynamicResources",
    "DefaultPreemption",
    "DefaultBinder",
    "GangScheduling",
    "NodeDeclaredFeatures",
]
KNOWN = tuple(dict.fromkeys((*SCORE_WEIGHTS, *FILTERS, *OTHERS)))
Percentage = Annotated[int, Strict(), Field(ge=0, le=100)]
Weight = Annotated[int, Strict(), Field(ge=1, le=100)]


class ResourceWeight(Model):
    """A resource and how much it counts."""

    name: Text = Field(description="Resource.")
    weight: Weight = Field(1, description="Weight, 1 to 100.")


CPU_AND_MEMORY = [ResourceWeight(name="cpu"), ResourceWeight(name="memory")]


class CurvePoint(Model):
    """A point of the RequestedToCapacityRatio shape."""

    utilization: Annotated[int, Strict(), Field(ge=0, le=100)] = Field(description="Percent.")
    score: Annotated[int, Strict(), Field(ge=0, le=10)] = Field(description="Score, 0 to 10.")


class Ratio(Model):
    """requestedToCapacityRatio."""

    shape: list[CurvePoint] = Field(min_length=1, description="Points by rising utilization.")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        x = [point.utilization for point in self.shape]
        if any(b <= a for a, b in pairwise(x)):
            raise problem("utilization does not rise", "points by rising utilization", key="shape")
        return self


class Strategy(Model):
    """scoringStrategy of NodeResourcesFit."""

    type: Literal["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] = Field(
        "LeastAllocated", description="How utilization becomes a score."
    )
    resources: list[ResourceWeight] = Field(CPU_AND_MEMORY, description="Resources that count.")
    requested_to_capacity_ratio: Ratio | None = Field(None, description="Shape of RequestedToCapacityRatio.")

    @model_validator(mode="after")
    def _has_shape(self) -> Self:
        if self.type == "RequestedToCapacityRatio" and self.requested_to_capacity_ratio is None:
            raise problem("RequestedToCapacityRatio without a shape", "requestedToCapacityRatio: {shape: […]}")
        return self


class FitArgs(Model):
    """NodeResourcesFitArgs."""

    ignored_resources: list[Text] = Field([], description="Extended resources that the filter does not look at.")
    ignored_resource_groups: list[Text] = Field([], description="Likewise by prefix, such as example.com.")
    scoring_strategy: Strategy = Field(Strategy(), description="How nodes are scored.")


class BalancedArgs(Model):
    """NodeResourcesBalancedAllocationArgs."""

    resources: list[ResourceWeight] = Field(CPU_AND_MEMORY, description="Resources that are balanced.")


class NodeAffinityArgs(Model):
    """NodeAffinityArgs."""

    added_affinity: dict[Text, Any] | None = Field(None, description="NodeAffinity added to every pod of the profile.")


class InterPodArgs(Model):
    """InterPodAffinityArgs."""

    hard_pod_affinity_weight: Percentage = Field(1, description="Weight of existing pods' required affinity terms.")
    ignore_preferred_terms_of_existing_pods: bool = Field(
        False, description="Whether pods without preferences of their own ignore those of others."
    )


class SpreadArgs(Model):
    """PodTopologySpreadArgs."""

    default_constraints: list[dict[Text, Any]] = Field([], description="Constraints of pods that have none.")
    defaulting_type: Literal["System", "List"] = Field("System", description="Where default constraints come from.")

    @model_validator(mode="after")
    def _list_only(self) -> Self:
        if self.default_constraints and self.defaulting_type == "System":
            raise problem("defaultConstraints with defaultingType System", "defaultingType: List")
        return self


ARGUMENTS: dict[str, type[Model]] = {
    "NodeResourcesFit": FitArgs,
    "NodeResourcesBalancedAllocation": BalancedArgs,
    "NodeAffinity": NodeAffinityArgs,
    "InterPodAffinity": InterPodArgs,
    "PodTopologySpread": SpreadArgs,
}


class PluginRef(Model):
    """A plugin that is enabled or disabled."""

    name: Text = Field(description="Name; `*` disables all.")
    weight: WholeNumber | None = Field(None, description="Weight of its score.")


class PluginSet(Model):
    """Plugins of one extension point."""

    enabled: list[PluginRef] = Field([], description="Enabled, with weights.")
    disabled: list[PluginRef] = Field([], description="Disabled.")


class Profile(Model):
    """One scheduler profile; pods choose it by schedulerName."""

    scheduler_name: Text = Field("default-scheduler", description="Pods with this schedulerName use it.")
    percentage_of_nodes_to_score: Percentage | None = Field(None, description="Instead of the configuration's.")
    plugins: dict[Text, PluginSet] = Field({}, description="Plugins by extension point.")
    plugin_config: list[dict[Text, Any]] = Field([], description="Arguments of plugins: name and args.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for point, chosen in self.plugins.items():
            if point not in ("multiPoint", "filter", "score") and (chosen.enabled or chosen.disabled):
                raise problem(f"plugins of {point} cannot be changed", "multiPoint, filter, score", key="plugins")
            for ref in (*chosen.enabled, *chosen.disabled):
                if ref.name not in (*KNOWN, "*"):
                    raise problem(f"unknown plugin {ref.name!r}", ", ".join(KNOWN), key="plugins")
        for entry in self.plugin_config:
            if entry.get("name") not in (*KNOWN, None):
                raise problem(f"unknown plugin {entry['name']!r}", ", ".join(KNOWN), key="pluginConfig")
        for name in ARGUMENTS:
            self.arguments(name)
        return self

    def arguments(self, plugin: str) -> Any:
        """Checked arguments of a plugin, its defaults where none are given."""
        model = ARGUMENTS[plugin]
        for entry in self.plugin_config:
            if entry.get("name") == plugin:
                args = {k: v for k, v in (entry.get("args") or {}).items() if k not in ("apiVersion", "kind")}
                return model.model_validate(args)
        return model()

    def weights(self) -> dict[str, int]:
        """Score weight of every plugin, 0 where it is off."""
        weights = dict(SCORE_WEIGHTS)
        for point in ("multiPoint", "score"):
            chosen = self.plugins.get(point)
            if chosen is not None:
                for ref in chosen.disabled:
                    weights.update(dict.fromkeys(weights, 0) if ref.name == "*" else {ref.name: 0})
                for ref in chosen.enabled:
                    if ref.name in SCORE_WEIGHTS:
                        weights[ref.name] = (
                            ref.weight or SCORE_WEIGHTS[ref.name] if point == "multiPoint" else (ref.weight or 1)
                        )
        return {name: weights[name] for name in SCORE_WEIGHTS}

    def filters_off(self) -> frozenset[str]:
        """Filter plugins that are switched off."""
        off: set[str] = set()
        for point in ("multiPoint", "filter"):
            chosen = self.plugins.get(point)
            if chosen is not None:
                for ref in chosen.disabled:
                    off.update(FILTERS if ref.name == "*" else (ref.name,))
                off.difference_update(ref.name for ref in chosen.enabled)
        return frozenset(off & set(FILTERS))


class KubeSchedulerConfiguration(Model):
    """The configuration file of kube-scheduler."""

    api_version: Literal["kubescheduler.config.k8s.io/v1"] = Field(
        "kubescheduler.config.k8s.io/v1", description="Version."
    )
    kind: Literal["KubeSchedulerConfiguration"] = Field("KubeSchedulerConfiguration", description="Kind.")
    profiles: list[Profile] = Field([Profile()], min_length=1, description="Profiles.")
    percentage_of_nodes_to_score: Percentage = Field(
        0, description="Share of the nodes that must be feasible before the search ends; 0: adaptive, as upstream."
    )
    pod_initial_backoff_seconds: AtLeastOne = Field(1, description="First backoff.")
    pod_max_backoff_seconds: AtLeastOne = Field(10, description="Longest backoff.")
    parallelism: WholeNumber = Field(16, description="No effect here.")
    leader_election: dict[Text, Any] | None = Field(None, description="No effect here.")
    client_connection: dict[Text, Any] | None = Field(None, description="No effect here: see kubeScheduler's flags.")
    extenders: list[dict[Text, Any]] = Field([], max_length=0, description="Not modelled: must be empty.")
    delay_cache_until_active: bool | None = Field(None, description="No effect here.")
    health_z_bind_address: Text | None = Field(None, alias="healthzBindAddress", description="No effect here.")
    metrics_bind_address: Text | None = Field(None, description="No effect here.")
    enable_profiling: bool | None = Field(None, description="No effect here.")
    enable_contention_profiling: bool | None = Field(None, description="No effect here.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [profile.scheduler_name for profile in self.profiles]
        if len(set(names)) != len(names):
            raise problem("two profiles have the same schedulerName", "different names", key="profiles")
        if self.pod_max_backoff_seconds < self.pod_initial_backoff_seconds:
            raise problem("podMaxBackoffSeconds below podInitialBackoffSeconds", "at least podInitialBackoffSeconds")
        return self

    def percentage(self, profile: Profile) -> int:
        """percentageOfNodesToScore of a profile."""
        own = profile.percentage_of_nodes_to_score
        return self.percentage_of_nodes_to_score if own is None else own


def default_constraints(arguments: SpreadArgs) -> tuple[list[Mapping[str, Any]], bool]:
    """Constraints of pods that have none of their own, and whether they are the system's."""
    if arguments.defaulting_type == "List":
        return list(arguments.default_constraints), False
    return [
        {"topologyKey": "kubernetes.io/hostname", "maxSkew": 3, "whenUnsatisfiable": "ScheduleAnyway"},
        {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 5, "whenUnsatisfiable": "ScheduleAnyway"},
    ], True
