"""ResourceQuotas: how much the pods of a namespace may have together.

Source: kubernetes v1.36 pkg/apis/core/validation (ValidateResourceQuotaSpec, ValidateResourceQuotaResourceName) and
pkg/quota/v1/evaluator/core/pods.go (which resources, scopes and names count pods).
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.document import describe, mark_of
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.pod_reading import plain
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.merge import suggestion
from capsim.scenario.model import Model, Text, Unit, WholeNumber, quantity_of

COMPUTE = ("cpu", "memory", "ephemeral-storage")
OF_PODS = ("pods", "count/pods", *COMPUTE, *(f"{part}.{name}" for part in ("requests", "limits") for name in COMPUTE))
OF_CLAIMS = ("persistentvolumeclaims", "requests.storage")
OF_OTHERS = ("services", "services.nodeports", "services.loadbalancers", "secrets", "configmaps", "resourcequotas",
             "replicationcontrollers")  # fmt: skip
SCOPES = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "PriorityClass", "CrossNamespacePodAffinity")
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
OPPOSITES = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
LARGEST = 1 << 60
"""More than any cluster has: what is above counts as this."""


class Scope(Model):
    """One condition on the pods that a quota counts."""

    name: Text = Field(description="BestEffort, NotBestEffort, Terminating, NotTerminating, PriorityClass and so on.")
    operator: Text = Field("Exists", description="In, NotIn, Exists or DoesNotExist.")
    values: tuple[Text, ...] = Field((), description="Names of PriorityClasses.")


class ResourceQuota(Model):
    """A ResourceQuota: what all pods of a namespace, or those of its scopes, may have together."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    hard: dict[Text, WholeNumber] = Field(description="Resource, as written -> most of it, cpu in millicores.")
    scopes: tuple[Scope, ...] = Field((), description="Which pods count; all of the scopes have to fit.")

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        spec: dict[str, Any] = {"hard": {key: unit_of(key).write(amount) for key, amount in self.hard.items()}}
        if self.scopes:
            spec["scopeSelector"] = {
                "matchExpressions": [
                    {"scopeName": s.name, "operator": s.operator, **({"values": list(s.values)} if s.values else {})}
                    for s in self.scopes
                ]
            }
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}


def resource_of(key: str) -> str:
    """The resource that a key of ``hard`` is about: requests.cpu -> cpu."""
    return key.removeprefix("requests.").removeprefix("limits.")


def unit_of(key: str) -> Unit:
    """The unit of a key of ``hard``."""
    return quantity_of(resource_of(key))


def counts_pods(key: str) -> bool:
    """Whether a key of ``hard`` is about pods (MatchingResources)."""
    extended = key.startswith("requests.") and "/" in key and "kubernetes.io/" not in key
    return key in OF_PODS or key.startswith(("hugepages-", "requests.hugepages-")) or extended


coverage("ResourceQuota", "apiVersion kind metadata spec status")
coverage("ResourceQuotaSpec", "hard scopes scopeSelector")


@reads("", "ResourceQuota", {"v1": "ResourceQuota"}, into="quotas")
def read_quota(source: Source, reading: Reading) -> ResourceQuota | None:
    """Reads a ResourceQuota; what it says of other objects than pods is listed."""
    before = len(reading.problems)
    hard = amounts_of(source, reading)
    scopes = _scopes(source, reading)
    _check_scopes(source, reading, scopes, hard)
    if len(reading.problems) > before:
        return None
    counted = {key: min(amount, LARGEST) for key, amount in hard.items() if counts_pods(key)}
    return ResourceQuota(namespace=source.namespace, name=source.name, hard=counted, scopes=scopes)


def amounts_of(source: Source, reading: Reading) -> dict[str, int]:
    """``spec.hard`` in base units; keys that say nothing of pods are listed."""
    raw = source.get("spec", "hard") or {}
    hard = {key: int(unit_of(key).parse(value)) for key, value in raw.items() if value is not None}
    for key in hard:
        if counts_pods(key):
            continue
        if "/" not in key and key not in (*OF_CLAIMS, *OF_OTHERS):
            known = [*OF_PODS, *OF_CLAIMS, *OF_OTHERS]
            message = "not a resource that a quota knows" + suggestion(key, known)
            reading.problem(source.object_name, f"spec.hard.{key}", message, (raw, key), key, ", ".join(known))
        elif key in OF_CLAIMS or "storageclass" in key or key.startswith("count/"):
            text = "quotas count pods only: other objects are not refused"
            reading.note("not_modelled", "ResourceQuotaSpec.hard", text, mark_of(raw, key), source.object_name)
        else:
            text = "no effect on capacity"
            reading.note("ignored", "ResourceQuotaSpec.hard", text, mark_of(raw, key), source.object_name)
    return hard


def _scopes(source: Source, reading: Reading) -> tuple[Scope, ...]:
    raw = source.get("spec", "scopes") or []
    found: list[tuple[Any, Any, Any, tuple[Any, Any]]] = []
    found += [(name, "Exists", [], (raw, index)) for index, name in enumerate(raw)]
    for one in source.get("spec", "scopeSelector", "matchExpressions") or []:
        where = (one, "scopeName")
        found.append((one.get("scopeName"), one.get("operator"), plain(one.get("values") or []), where))
    scopes = []
    for name, operator, values, at in found:
        if name not in SCOPES:
            _fail(source, reading, at, "unknown scope", describe(name), ", ".join(SCOPES))
        elif operator not in OPERATORS or (name != "PriorityClass" and operator != "Exists"):
            allowed = ", ".join(OPERATORS) if name == "PriorityClass" else "Exists"
            _fail(source, reading, at, "unknown operator", describe(operator), allowed)
        elif (operator in ("In", "NotIn")) != bool(values):
            allowed = "values with In and NotIn, none with Exists and DoesNotExist"
            _fail(source, reading, at, "wrong values", "", allowed)
        else:
            scopes.append(Scope(name=name, operator=operator, values=tuple(values)))
    return tuple(scopes)


def _check_scopes(source: Source, reading: Reading, scopes: tuple[Scope, ...], hard: dict[str, int]) -> None:
    names = {scope.name for scope in scopes}
    at = source.at("spec", "scopes")
    for pair in OPPOSITES:
        if names >= set(pair):
            _fail(source, reading, at, "scopes that exclude each other", " and ".join(pair), "one of them")
    if "BestEffort" in names and (others := [key for key in hard if key not in ("pods", "count/pods")]):
        _fail(source, reading, at, "pods of the scope BestEffort have no requests", ", ".join(others), "pods")


def _fail(source: Source, reading: Reading, at: tuple[Any, Any], message: str, found: str, allowed: str) -> None:
    reading.problem(source.object_name, "spec.scopes", message, at, found, allowed)
