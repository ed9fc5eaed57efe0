"""What ResourceQuotas make of a pod: which count it, what it counts, and what they say when they refuse it.

Source: kubernetes v1.36 pkg/quota/v1/evaluator/core/pods.go (PodUsageFunc, Constraints, podMatchesScopeFunc),
pkg/apis/core/v1/helper/qos and apiserver/pkg/admission/plugin/resourcequota (CheckRequest). Quotas are asked in order
of their names; LimitRanges come first, as in upstream's chain.

Not modelled: activeDeadlineSeconds of pods, so that every pod is NotTerminating.
"""

from __future__ import annotations

from typing import Any

from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.scenario.kubernetes.resource_quota import ResourceQuota, Scope, resource_of, unit_of
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.pod_limits import refusal

MUST_BE_GIVEN = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def in_order(quotas: list[ResourceQuota]) -> list[ResourceQuota]:
    """Quotas by row; one without bounds for pods has a row too, because an event may give it some."""
    return sorted(quotas, key=lambda quota: (quota.namespace, quota.name))


def counts(quota: ResourceQuota, workload: Workload) -> bool:
    """Whether a quota counts the pods of a workload."""
    mine = quota.namespace == workload.namespace
    return mine and all(is_in(scope, workload.template) for scope in quota.scopes)


def is_in(scope: Scope, template: PodTemplate) -> bool:
    """Whether pods of a template are of a scope."""
    if scope.name in ("BestEffort", "NotBestEffort"):
        return is_best_effort(template) == (scope.name == "BestEffort")
    if scope.name in ("Terminating", "NotTerminating"):
        return scope.name == "NotTerminating"
    if scope.name == "CrossNamespacePodAffinity":
        return crosses_namespaces(template)
    name = template.priority_class_name
    return {
        "Exists": name != "",
        "DoesNotExist": name == "",
        "In": name in scope.values,
        "NotIn": name not in scope.values,
    }[scope.operator]


def is_best_effort(template: PodTemplate) -> bool:
    """Whether a pod asks for no CPU and no memory."""
    parts = [template.pod_requests, template.pod_limits]
    parts += [amounts for c in (*template.containers, *template.init_containers) for amounts in (c.requests, c.limits)]
    return not any(part.get(resource) for part in parts for resource in ("cpu", "memory"))


def crosses_namespaces(template: PodTemplate) -> bool:
    """Whether a term of the pod's affinity names namespaces."""
    terms: list[dict[str, Any]] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = (template.affinity or {}).get(kind) or {}
        terms += rules.get("requiredDuringSchedulingIgnoredDuringExecution") or []
        weighted = rules.get("preferredDuringSchedulingIgnoredDuringExecution") or []
        terms += [one.get("podAffinityTerm") or {} for one in weighted]
    return any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms)


def charged(key: str, template: PodTemplate) -> int:
    """What a pod counts against a key of ``hard``."""
    if key in ("pods", "count/pods"):
        return 1
    amounts = template.limits() if key.startswith("limits.") else template.requests()
    return amounts.get(resource_of(key), 0)


def always_refused(objects: KubeObjects, workload: Workload) -> str:
    """Why no pod of a workload is ever created; empty when it depends."""
    if workload.kind == "Pod":
        return ""
    text = refusal(objects.limit_ranges, workload.namespace, workload.template)
    for quota in in_order(objects.quotas):
        if not text and counts(quota, workload) and (missing := not_given(quota, workload.template)):
            text = f"failed quota: {quota.name}: must specify {missing}"
    return text


def not_given(quota: ResourceQuota, template: PodTemplate) -> str:
    """``limits.cpu for: a,b; limits.memory for: a``: what a quota bounds and containers do not say."""
    lacking = []
    for key in sorted(set(quota.hard) & set(MUST_BE_GIVEN)):
        part = "limits" if key.startswith("limits.") else "requests"
        containers = (*template.containers, *template.init_containers)
        without = sorted({c.name for c in containers if resource_of(key) not in getattr(c, part)})
        if without:
            lacking.append(f"{key} for: {','.join(without)}")
    return "; ".join(lacking)


def exceeded(quota: ResourceQuota, template: PodTemplate, used: dict[str, int]) -> str:
    """Upstream's text of a quota that is exceeded; ``used``: key -> used, of the keys that are."""

    def pretty(amounts: dict[str, int]) -> str:
        return ",".join(f"{key}={unit_of(key).write(amounts[key])}" for key in sorted(amounts))

    requested = {key: charged(key, template) for key in used}
    limited = {key: quota.hard[key] for key in used}
    return (
        f"exceeded quota: {quota.name}, requested: {pretty(requested)}, used: {pretty(used)}, "
        f"limited: {pretty(limited)}"
    )
