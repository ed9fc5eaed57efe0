"""Deployments, ReplicaSets, DaemonSets and bare Pods."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.job import CronSettings, JobSettings
from capsim.scenario.kubernetes.labels import selects
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.scenario.kubernetes.pod_reading import TemplateReader, plain
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.kubernetes.rollout_strategy import check_daemons, check_rollout, check_stateful
from capsim.scenario.kubernetes.selector import read_selector
from capsim.scenario.model import Labels, Model, Switch, Text, WholeNumber


class Workload(Model):
    """Something that owns pods of one template. A Pod of its own is a workload with one replica."""

    kind: Literal["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"] = Field(
        description="Kind of the object."
    )
    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    replicas: WholeNumber = Field(1, description="Replicas as written; 0 for a DaemonSet (one pod per node).")
    labels: Labels = Field({}, description="Labels of the object itself.")
    selector: dict[Text, Any] = Field({}, description="LabelSelector of its pods.")
    template: PodTemplate = Field(description="What its pods are.")
    strategy: dict[Text, Any] = Field({}, description="Deployment strategy or updateStrategy, as written.")
    min_ready_s: WholeNumber = Field(0, description="Seconds that a pod must be Ready to count as available.")
    progress_deadline_s: WholeNumber = Field(600, description="Seconds without progress until a rollout is late.")
    revision_history_limit: WholeNumber = Field(10, description="Old ReplicaSets kept for rollbacks.")
    pod_management: Literal["OrderedReady", "Parallel"] = Field(
        "OrderedReady", description="Whether a StatefulSet's pods wait for one another."
    )
    first_ordinal: WholeNumber = Field(0, description="Number of a StatefulSet's first pod.")
    claim_templates: list[dict[Text, Any]] = Field(
        [], description="volumeClaimTemplates of a StatefulSet: name and spec of a claim for each of its pods."
    )
    job: JobSettings | None = Field(None, description="Of a Job, or of the Jobs of a CronJob: what else they say.")
    cron: CronSettings | None = Field(None, description="Of a CronJob: when it starts Jobs.")
    paused: Switch = Field(False, description="Whether rollouts of the Deployment are paused.")

    @property
    def key(self) -> str:
        """namespace/Kind/name."""
        return f"{self.namespace}/{self.kind}/{self.name}"

    @property
    def api_version(self) -> str:
        """apiVersion of the kind."""
        return {"Pod": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(self.kind, "apps/v1")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace}
        if self.labels:
            metadata["labels"] = self.labels
        template = self.template.manifest()
        head = {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}
        if self.kind == "Pod":
            return {**head, "metadata": {**template["metadata"], **metadata}, "spec": template["spec"]}
        if self.job is not None:
            template["spec"]["restartPolicy"] = "OnFailure" if self.job.restarts else "Never"
            work = {**self.job.manifest(), "template": template}
            return {
                **head,
                "spec": work if self.cron is None else {**self.cron.manifest(), "jobTemplate": {"spec": work}},
            }
        spec: dict[str, Any] = {} if self.kind == "DaemonSet" else {"replicas": self.replicas}
        if self.strategy:
            spec["strategy" if self.kind == "Deployment" else "updateStrategy"] = self.strategy
        if self.claim_templates:
            spec["volumeClaimTemplates"] = [
                {"metadata": {"name": one["name"]}, "spec": one["spec"]} for one in self.claim_templates
            ]
        if self.first_ordinal:
            spec["ordinals"] = {"start": self.first_ordinal}
        defaults = type(self).model_fields
        for key, name in _ROLLOUT_FIELDS.items():
            if getattr(self, name) != defaults[name].default:
                spec[key] = getattr(self, name)
        return {**head, "spec": {**spec, "selector": self.selector, "template": template}}


_ROLLOUT_FIELDS = {
    "minReadySeconds": "min_ready_s",
    "progressDeadlineSeconds": "progress_deadline_s",
    "revisionHistoryLimit": "revision_history_limit",
    "paused": "paused",
    "podManagementPolicy": "pod_management",
}

coverage("Deployment", "apiVersion kind metadata spec status")
coverage("ReplicaSet", "apiVersion kind metadata spec status")
coverage("DaemonSet", "apiVersion kind metadata spec status")
coverage("Pod", "apiVersion kind metadata spec status")
coverage(
    "DeploymentSpec",
    "replicas selector template strategy minReadySeconds paused progressDeadlineSeconds revisionHistoryLimit",
)
coverage("StatefulSet", "apiVersion kind metadata spec status")
coverage(
    "StatefulSetSpec",
    "replicas selector template podManagementPolicy updateStrategy minReadySeconds ordinals volumeClaimTemplates",
)
coverage("StatefulSetUpdateStrategy", "type rollingUpdate")
coverage("RollingUpdateStatefulSetStrategy", "partition maxUnavailable")
coverage("ReplicaSetSpec", "replicas selector template")
coverage("DaemonSetSpec", "selector template updateStrategy minReadySeconds")
coverage("DaemonSetUpdateStrategy", "type rollingUpdate")
coverage("RollingUpdateDaemonSet", "maxSurge maxUnavailable")


CHECKS = {"Deployment": check_rollout, "StatefulSet": check_stateful, "DaemonSet": check_daemons}


def _versions(kind: str) -> dict[str, str | None]:
    """apps/v1 and the versions of old clusters, which had the same fields."""
    return dict.fromkeys(("v1", "v1beta2", "v1beta1"), kind)


@reads("apps", "Deployment", _versions("Deployment"), into="workloads")
@reads("apps", "ReplicaSet", _versions("ReplicaSet"), into="workloads")
@reads("apps", "DaemonSet", _versions("DaemonSet"), into="workloads")
@reads("apps", "StatefulSet", _versions("StatefulSet"), into="workloads")
@reads("extensions", "Deployment", _versions("Deployment"), into="workloads")
@reads("extensions", "ReplicaSet", _versions("ReplicaSet"), into="workloads")
@reads("extensions", "DaemonSet", _versions("DaemonSet"), into="workloads")
def read_workload(source: Source, reading: Reading) -> Workload | None:
    """Reads a Deployment, ReplicaSet, StatefulSet or DaemonSet."""
    template = TemplateReader(source, ("spec", "template"), reading).read()
    replicas = source.get("spec", "replicas")
    if isinstance(replicas, int) and replicas < 0:
        at = source.at("spec", "replicas")
        reading.problem(source.object_name, "spec.replicas", "negative", at, str(replicas), "0 or more")
        return None
    selector = read_selector(source, ("spec", "selector"), reading)
    rollout = CHECKS[source.kind](source, reading) if source.kind in CHECKS else {}
    if template is None or selector is None or rollout is None:
        return None
    if not selector and not source.content["apiVersion"].endswith("/v1"):
        selector = {"matchLabels": template.labels}  # the default of the versions before v1
    if not selects(selector, template.labels) or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        at = source.at("spec", "selector")
        allowed = "a selector that matches spec.template.metadata.labels"
        reading.problem(source.object_name, "spec.selector", "the selector does not match the pods", at, "", allowed)
        return None
    return Workload.model_validate(
        {
            "kind": source.kind,
            "namespace": source.namespace,
            "name": source.name,
            "replicas": 0 if source.kind == "DaemonSet" else 1 if replicas is None else replicas,
            "labels": dict(source.get("metadata", "labels") or {}),
            "selector": selector,
            "template": template,
            "strategy": plain(
                source.get("spec", "strategy" if source.kind == "Deployment" else "updateStrategy") or {}
            ),
            **rollout,
        },
        by_name=True,
    )


@reads("", "Pod", {"v1": "Pod"}, into="workloads")
def read_pod(source: Source, reading: Reading) -> Workload | None:
    """Reads a bare Pod: a workload of one replica."""
    if source.get("status", "phase") in ("Succeeded", "Failed"):
        reading.others.append(("Pod", source.namespace, source.name, "ignored"))
        reading.note("ignored", "Pod", "finished pods hold nothing", source.content.mark, source.object_name)
        return None
    template = TemplateReader(source, (), reading).read()
    if template is None:
        return None
    return Workload(kind="Pod", namespace=source.namespace, name=source.name, template=template)
