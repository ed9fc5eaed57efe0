"""How volumes of a cluster behave: where provisioned ones can be used, how long attaching and detaching takes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capsim.scenario.model import Milliseconds, Model, Text

Topology = Literal["zone", "node", "none"]

TOPOLOGIES: dict[str, Topology] = {
    "ebs.csi.aws.com": "zone",
    "kubernetes.io/aws-ebs": "zone",
    "pd.csi.storage.gke.io": "zone",
    "kubernetes.io/gce-pd": "zone",
    "disk.csi.azure.com": "zone",
    "kubernetes.io/azure-disk": "zone",
    "cinder.csi.openstack.org": "zone",
    "csi.hetzner.cloud": "zone",
    "dobs.csi.digitalocean.com": "zone",
    "rancher.io/local-path": "node",
    "topolvm.io": "node",
    "local.csi.openebs.io": "node",
    "openebs.io/local": "node",
    "efs.csi.aws.com": "none",
    "filestore.csi.storage.gke.io": "none",
    "file.csi.azure.com": "none",
    "nfs.csi.k8s.io": "none",
    "rbd.csi.ceph.com": "none",
    "cephfs.csi.ceph.com": "none",
    "driver.longhorn.io": "none",
}
"""What the drivers' own documentation says of their volumes; others are taken for zonal."""
NEVER_ATTACHED = frozenset(
    {
        "efs.csi.aws.com", "filestore.csi.storage.gke.io", "file.csi.azure.com", "nfs.csi.k8s.io",
        "rancher.io/local-path", "openebs.io/local", "local.csi.openebs.io", "topolvm.io",
        "kubernetes.io/no-provisioner",
    }
)  # fmt: skip
"""Provisioners whose CSIDriver has attachRequired: false, or whose volumes are on the node anyway."""


class StorageSpec(Model):
    """What no object says of volumes."""

    attach_delay_ms: Milliseconds = Field(
        5_000, alias="attachDelay", description="From the binding of a pod until its volumes are attached (assumption)."
    )
    detach_delay_ms: Milliseconds = Field(
        5_000, alias="detachDelay", description="From the end of a pod until its volumes are detached (assumption)."
    )
    max_wait_for_unmount_duration_ms: Milliseconds = Field(
        360_000,
        alias="maxWaitForUnmountDuration",
        description="After which a volume is detached from a node that died with it (attach/detach controller).",
    )
    provision_delay_ms: Milliseconds = Field(
        2_000, alias="provisionDelay", description="To make a new volume, for the first pod with it (assumption)."
    )
    topology: dict[Text, Topology] = Field(
        {},
        description="Where volumes of a StorageClass (by its name) or a provisioner can be used: in their `zone`, on "
        "their `node`, or anywhere (`none`). Known drivers need no entry; others are taken for `zone`.",
    )

    def topology_of(self, storage_class: str, provisioner: str) -> Topology:
        """Where a class's volumes can be used."""
        given = self.topology.get(storage_class) or self.topology.get(provisioner)
        return given or TOPOLOGIES.get(provisioner, "zone")
