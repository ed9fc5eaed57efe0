"""Kinds that are only listed: without effect on capacity, or not modelled (yet)."""

from __future__ import annotations

from capsim.scenario.kubernetes.registry import lists

lists(
    "ignored",
    {
        "": "ConfigMap Secret ServiceAccount Event Endpoints ComponentStatus Binding",
        "rbac.authorization.k8s.io": "Role RoleBinding ClusterRole ClusterRoleBinding",
        "apiextensions.k8s.io": "CustomResourceDefinition",
        "apiregistration.k8s.io": "APIService",
        "networking.k8s.io": "NetworkPolicy",
        "discovery.k8s.io": "EndpointSlice",
        "coordination.k8s.io": "Lease",
        "certificates.k8s.io": "CertificateSigningRequest",
        "authentication.k8s.io": "*",
        "authorization.k8s.io": "*",
        "events.k8s.io": "Event",
        "apps": "ControllerRevision",
    },
)
lists(
    "not modelled",
    {
        "": "ReplicationController PodTemplate",
        "storage.k8s.io": "CSIDriver VolumeAttachment CSIStorageCapacity",
        "node.k8s.io": "RuntimeClass",
        "admissionregistration.k8s.io": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        "resource.k8s.io": "*",
        "autoscaling.k8s.io": "VerticalPodAutoscaler",
        "keda.sh": "ScaledObject ScaledJob",
        "karpenter.sh": "NodePool NodeClaim",
    },
)
