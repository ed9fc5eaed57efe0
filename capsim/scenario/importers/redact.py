"""Takes out of objects what may be secret and what no model needs, before anything else sees them.

Values of Secrets and ConfigMaps, of environment variables, of commands and arguments, of annotations (which may hold a
copy of the whole object) and the options of volumes never leave this file: what is written or printed afterwards cannot
hold them.
"""

from __future__ import annotations

from typing import Any

from capsim.scenario.kubernetes.ingress import KEPT
from capsim.scenario.kubernetes.lifecycle import ASKS
from capsim.scenario.kubernetes.pod_reading import KEPT_ANNOTATIONS
from capsim.scenario.kubernetes.service import TOPOLOGY_MODE

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
HIDDEN_IN_CONTAINERS = ("env", "envFrom", "command", "args")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
KEPT_OF_VOLUMES = {
    "emptyDir": ("medium", "sizeLimit"),
    "hostPath": ("path", "type"),
    "persistentVolumeClaim": ("claimName", "readOnly"),
    "configMap": ("name", "optional"),
    "secret": ("secretName", "optional"),
    "ephemeral": ("volumeClaimTemplate",),
    "csi": ("driver",),
}
"""What of a volume may matter for where a pod can run; of other kinds of volumes only the kind is kept."""
KEPT_OF_NETWORKS = frozenset((*KEPT, *TOPOLOGY_MODE))
"""Annotations of Ingresses and Services that are read."""
LEFT_OUT = "(left out)"
"""Stands for a value of a wrong type, which is reported as such."""
DATA = ("data", "stringData", "binaryData")


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one: what has another type is reported where it is checked."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def redacted(content: dict[str, Any]) -> dict[str, Any]:
    """An object without secrets; the argument is not changed. Fields that are emptied stay, so that they are listed."""
    result = {key: value for key, value in content.items() if key not in DATA}
    if isinstance(result.get("metadata"), dict):
        result["metadata"] = redacted_metadata(result["metadata"])
    spec = result.get("spec")
    if isinstance(spec, dict):
        result["spec"] = redacted_spec(spec)
    return result


def redacted_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Name, namespace, labels, owners and the annotations that controllers act upon."""
    kept: dict[str, Any] = {
        key: metadata[key] for key in ("name", "namespace", "generateName", "labels") if key in metadata
    }
    annotations = mapping(metadata.get("annotations"))
    prefixes = (*KEPT_ANNOTATIONS, "storageclass.")
    kept_annotations = {k: v for k, v in annotations.items() if str(k).startswith(prefixes) or k in KEPT_OF_NETWORKS}
    if kept_annotations:
        kept["annotations"] = kept_annotations
    owners = metadata.get("ownerReferences")
    if isinstance(owners, list):
        names = ("apiVersion", "kind", "name", "controller")
        kept["ownerReferences"] = [{k: o[k] for k in names if k in o} for o in owners if isinstance(o, dict)]
    return kept


def redacted_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec of any kind: pod specs and templates in it are redacted, whatever way they are nested."""
    result = dict(spec)
    if isinstance(spec.get("template"), dict):
        result["template"] = _template(spec["template"])
    if isinstance(spec.get("jobTemplate"), dict):
        job = dict(spec["jobTemplate"])
        job["metadata"] = redacted_metadata(mapping(job.get("metadata")))
        job["spec"] = redacted_spec(mapping(job.get("spec")))
        result["jobTemplate"] = job
    if isinstance(spec.get("csi"), dict) and "capacity" in spec:  # a PersistentVolume: its options may name Secrets
        result["csi"] = {"driver": spec["csi"].get("driver")}
    if isinstance(spec.get("containers"), list):
        result = redacted_pod_spec(result)
    return result


def _template(template: dict[str, Any]) -> dict[str, Any]:
    result = dict(template)
    if isinstance(template.get("metadata"), dict):
        result["metadata"] = redacted_metadata(template["metadata"])
    if isinstance(template.get("spec"), dict):
        result["spec"] = redacted_pod_spec(template["spec"])
    return result


def redacted_pod_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """A pod spec whose containers keep no values and whose volumes keep no options."""
    result = dict(spec)
    for key in CONTAINER_LISTS:
        if isinstance(spec.get(key), list):
            result[key] = [_container(item) if isinstance(item, dict) else item for item in spec[key]]
    if "volumes" in spec:
        result["volumes"] = LEFT_OUT
    if isinstance(spec.get("volumes"), list):
        volumes = [_volume(volume) for volume in spec["volumes"] if isinstance(volume, dict)]
        result["volumes"] = [volume for volume in volumes if not str(volume.get("name")).startswith("kube-api-access-")]
    if "hostAliases" in result:
        result["hostAliases"] = []
    return result


def _container(container: dict[str, Any]) -> dict[str, Any]:
    result = dict(container)
    for key in HIDDEN_IN_CONTAINERS:
        if key in result:
            result[key] = [] if isinstance(result[key], list) else LEFT_OUT
    for key in PROBES:  # a probe may carry a command or a header with a token
        if key in result:
            probe = result[key]
            result[key] = (
                {k: v if isinstance(v, int) else {} for k, v in probe.items() if isinstance(v, int) or k in ASKS}
                if isinstance(probe, dict)
                else LEFT_OUT
            )
    if "lifecycle" in result:
        hooks = result["lifecycle"]
        result["lifecycle"] = {key: {} for key in hooks} if isinstance(hooks, dict) else LEFT_OUT
    return result


def _volume(volume: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"name": volume.get("name")}
    for kind, options in volume.items():
        if kind != "name":
            kept = KEPT_OF_VOLUMES.get(kind, ())
            result[kind] = {key: options[key] for key in kept if key in options} if isinstance(options, dict) else {}
    return result
