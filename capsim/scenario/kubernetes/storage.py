"""PersistentVolumeClaims, PersistentVolumes, StorageClasses and CSINodes: where pods with volumes can run.

Of each object only what decides that is kept: no options, handles or references to Secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.pod_reading import plain
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.model import Labels, Model, Switch, Text, WholeNumber

DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
KEPT_OF_CLAIMS = ("accessModes", "resources", "selector", "storageClassName", "volumeMode", "volumeName")
KEPT_OF_VOLUMES = ("accessModes", "capacity", "nodeAffinity", "storageClassName", "volumeMode")
NOT_ATTACHED = ("hostPath", "local", "nfs")
"""Sources of volumes that are mounted and not attached; what else they say is dropped."""
BINDING_MODES = ("Immediate", "WaitForFirstConsumer")


class StorageClass(Model):
    """A StorageClass."""

    name: Text = Field(description="Name.")
    provisioner: Text = Field(description="What makes its volumes.")
    binding_mode: Literal["Immediate", "WaitForFirstConsumer"] = Field("Immediate", description="volumeBindingMode.")
    allowed_topologies: list[dict[Text, Any]] = Field([], description="allowedTopologies, as written.")
    is_default: Switch = Field(False, description="Whether claims without a class get it.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        annotations = {"annotations": {DEFAULT_CLASS[0]: "true"}} if self.is_default else {}
        written: dict[str, Any] = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": self.name, **annotations},
            "provisioner": self.provisioner,
            "volumeBindingMode": self.binding_mode,
        }
        return {**written, **({"allowedTopologies": self.allowed_topologies} if self.allowed_topologies else {})}


class Claim(Model):
    """A PersistentVolumeClaim."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    spec: dict[Text, Any] = Field(description="Its spec, as written: class, size, access modes, the volume it has.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": self.spec}


class PersistentVolume(Model):
    """A PersistentVolume."""

    name: Text = Field(description="Name.")
    labels: Labels = Field({}, description="Labels; zones and regions restrict its nodes.")
    spec: dict[Text, Any] = Field(description="Its spec, as written: capacity, node affinity, claim, CSI driver.")
    phase: Text = Field("", description="status.phase.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata = {"name": self.name, **({"labels": self.labels} if self.labels else {})}
        status = {"status": {"phase": self.phase}} if self.phase else {}
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": self.spec, **status}


class CsiNode(Model):
    """A CSINode: how many volumes of each driver a node can attach."""

    name: Text = Field(description="Name of the node.")
    limits: dict[Text, WholeNumber] = Field({}, description="Driver -> volumes; drivers without a limit are left out.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        drivers = [{"name": name, "allocatable": {"count": count}} for name, count in self.limits.items()]
        return {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSINode",
            "metadata": {"name": self.name},
            "spec": {"drivers": drivers},
        }


coverage("PersistentVolumeClaim", "apiVersion kind metadata spec status")
coverage(
    "PersistentVolumeClaimSpec",
    " ".join(KEPT_OF_CLAIMS),
    {"dataSource": "cloning takes no time here", "dataSourceRef": "cloning takes no time here"},
)
coverage("PersistentVolume", "apiVersion kind metadata spec status")
coverage("PersistentVolumeSpec", " ".join((*KEPT_OF_VOLUMES, *NOT_ATTACHED, "claimRef", "csi")))
coverage("CSIPersistentVolumeSource", "driver")
coverage("StorageClass", "apiVersion kind metadata provisioner volumeBindingMode allowedTopologies")
coverage("CSINode", "apiVersion kind metadata spec status")
coverage("CSINodeDriver", "name allocatable")


def claim_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a claim's spec, or of a claim template's."""
    return {key: plain(spec[key]) for key in KEPT_OF_CLAIMS if spec.get(key) is not None}


@reads("", "PersistentVolumeClaim", {"v1": "PersistentVolumeClaim"}, into="claims")
def read_claim(source: Source, reading: Reading) -> Claim:
    """Reads a PersistentVolumeClaim."""
    return Claim(namespace=source.namespace, name=source.name, spec=claim_spec(source.get("spec") or {}))


@reads("", "PersistentVolume", {"v1": "PersistentVolume"}, into="volumes", namespaced=False)
def read_volume(source: Source, reading: Reading) -> PersistentVolume:
    """Reads a PersistentVolume."""
    given = source.get("spec") or {}
    spec = {key: plain(given[key]) for key in KEPT_OF_VOLUMES if given.get(key) is not None}
    spec |= {kind: {} for kind in NOT_ATTACHED if given.get(kind) is not None}
    claim = given.get("claimRef")
    if claim is not None:
        spec["claimRef"] = {key: claim[key] for key in ("namespace", "name") if claim.get(key)}
    if given.get("csi") is not None:
        spec["csi"] = {"driver": given["csi"].get("driver") or ""}
    return PersistentVolume(
        name=source.name,
        labels=dict(source.get("metadata", "labels") or {}),
        spec=spec,
        phase=source.get("status", "phase") or "",
    )


@reads("storage.k8s.io", "StorageClass", {"v1": "StorageClass"}, into="storage_classes", namespaced=False)
def read_storage_class(source: Source, reading: Reading) -> StorageClass | None:
    """Reads a StorageClass; without volumeBindingMode it binds at once (SetDefaults_StorageClass)."""
    mode = source.get("volumeBindingMode") or "Immediate"
    if mode not in BINDING_MODES:
        at, allowed = source.at("volumeBindingMode"), ", ".join(BINDING_MODES)
        reading.problem(source.object_name, "volumeBindingMode", "unknown mode", at, describe(mode), allowed)
        return None
    if not source.get("provisioner"):
        at = source.at("provisioner")
        reading.problem(source.object_name, "provisioner", "no provisioner", at, "", "the name of a CSI driver")
        return None
    annotations = source.get("metadata", "annotations") or {}
    return StorageClass(
        name=source.name,
        provisioner=source.get("provisioner"),
        binding_mode=mode,
        allowed_topologies=plain(source.get("allowedTopologies") or []),
        is_default=any(annotations.get(key) == "true" for key in DEFAULT_CLASS),
    )


@reads("storage.k8s.io", "CSINode", {"v1": "CSINode"}, into="csi_nodes", namespaced=False)
def read_csi_node(source: Source, reading: Reading) -> CsiNode | None:
    """Reads a CSINode."""
    limits = {}
    for driver in source.get("spec", "drivers") or []:
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None and count < 0:
            at = (driver, "allocatable")
            reading.problem(source.object_name, "spec.drivers", "negative count", at, str(count), "0 or more")
            return None
        if count is not None:
            limits[driver.get("name") or ""] = count
    return CsiNode(name=source.name, limits=limits)
