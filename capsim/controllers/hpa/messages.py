"""What the controller says, in upstream's words: conditions, events and errors of a sync, from codes and specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.defaults import target_type_of

Metric = Mapping[str, Any]

CONDITION_TYPES = (
    ("AbleToScale", t.R_ABLE, c.ABLE_TO_SCALE),
    ("ScalingActive", t.R_ACTIVE, c.SCALING_ACTIVE),
    ("ScalingLimited", t.R_LIMITED, c.SCALING_LIMITED),
    ("ScaledToZero", t.R_ZERO, c.SCALED_TO_ZERO),
)
MESSAGES = {
    "SucceededGetScale": "the HPA controller was able to get the target's current scale",
    "FailedGetScale": "the HPA controller was unable to get the target's current scale: {error}",
    "ReadyForNewScale": "recommended size matches current size",
    "ScaleUpStabilized": (
        "recent recommendations were lower than current one, applying the lowest recent recommendation"
    ),
    "ScaleDownStabilized": (
        "recent recommendations were higher than current one, applying the highest recent recommendation"
    ),
    "SucceededRescale": "the HPA controller was able to update the target scale to {desired}",
    "FailedUpdateScale": "the HPA controller was unable to update the target scale: {error}",
    "ValidMetricFound": "the HPA was able to successfully calculate a replica count from {metric}",
    "ScalingDisabled": "scaling is disabled since the replica count of the target is zero",
    "DesiredWithinRange": "the desired count is within the acceptable range",
    "ScaleUpLimit": "the desired replica count is increasing faster than the maximum scale rate",
    "ScaleDownLimit": "the desired replica count is decreasing faster than the maximum scale rate",
    "TooFewReplicas": "the desired replica count is less than the minimum replica count",
    "TooManyReplicas": "the desired replica count is more than the maximum replica count",
    "AmbiguousSelector": "{error}",
    "ScaledToZero": "the HPA controller scaled the workload to zero",
    "NotScaledToZero": "the HPA controller did not scale the workload to zero",
}
NEITHER = {
    "Resource": "an average utilization target nor an average value (usage) target",
    "ContainerResource": "an average utilization target nor an average value (usage) target",
    "Object": "a value target nor an average value target",
    "External": "a value target nor an average value target",
}
UNABLE = "the HPA was unable to compute the replica count: {error}"


class Condition(NamedTuple):
    """A status condition as ``kubectl describe hpa`` shows it."""

    type: str
    status: str
    reason: str
    message: str


def source(metric: Metric) -> Metric:
    """The part of a v2 metric spec that is named after its type."""
    kind = metric["type"]
    found: Metric = metric.get(kind[0].lower() + kind[1:]) or {}
    return found


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A label selector as Go prints it."""
    if selector is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    rules = "".join(
        f"LabelSelectorRequirement{{Key:{rule['key']},Operator:{rule['operator']},"
        f"Values:[{' '.join(rule.get('values') or [])}],}},"
        for rule in selector.get("matchExpressions") or []
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{rules}}},}}"
    )


def metric_name(metric: Metric) -> str:
    """How conditions and events name a metric."""
    kind, about = metric["type"], source(metric)
    target_type = target_type_of(kind, about.get("target") or {})
    utilization = " utilization (percentage of request)" if target_type == "Utilization" else ""
    if kind == "Resource":
        return f"{about['name']} resource{utilization}"
    if kind == "ContainerResource":
        return f"{about['name']} container resource{utilization}"
    if kind == "Pods":
        return f"pods metric {about['metric']['name']}"
    if kind == "Object" and target_type == "Value":
        return f"{about['describedObject']['kind']} metric {about['metric']['name']}"
    # Upstream calls an Object metric with an average target external, too.
    return f"external metric {about['metric']['name']}({selector_text(about['metric'].get('selector'))})"


def calculator_error(
    metric: Metric, error: int, namespace: str, detail: str = "", pod: str = "", container: str = ""
) -> str:
    """The replica calculator's own error; ``detail``: what the metrics API said when it was unavailable."""
    about = source(metric)
    if error in (c.ERROR_UNAVAILABLE, c.ERROR_EMPTY):
        return _fetch_error(metric, error, namespace, detail)
    texts = {
        c.ERROR_NO_PODS: "no pods returned by selector while calculating replica count",
        c.ERROR_NO_READY: "did not receive metrics for targeted pods (pods might be unready)",
        c.ERROR_NO_REQUEST: f"missing request for {about.get('name')} in container {container} of Pod {pod}",
        c.ERROR_NO_CONTAINER: f"container {container} not found in Pod {pod}",
        c.ERROR_NO_MATCH: "no metrics returned matched known pods",
        c.ERROR_COUNT_READY: (
            "unable to calculate ready pods: no pods returned by selector while calculating replica count"
        ),
        c.ERROR_NO_TARGET: (
            f"invalid {metric['type'].lower()} metric source: neither {NEITHER.get(metric['type'])} was set"
        ),
        c.ERROR_UNKNOWN_SOURCE: f'unknown metric source type "{metric["type"]}"',
    }
    return texts[error]


def _fetch_error(metric: Metric, error: int, namespace: str, detail: str) -> str:
    kind, about = metric["type"], source(metric)
    api = {"Resource": "resource", "ContainerResource": "resource", "External": "external"}.get(kind, "custom")
    said = f"no metrics returned from {api} metrics API"
    if error == c.ERROR_UNAVAILABLE:
        said = f"unable to fetch metrics from {api} metrics API: {detail}"
    if api == "resource":
        return f"unable to get metrics for resource {about['name']}: {said}"
    name = about["metric"]["name"]
    if kind == "External":
        selector = selector_text(about["metric"].get("selector"))
        return f"unable to get external metric {namespace}/{name}/{selector}: {said}"
    if kind == "Object":
        described = about["describedObject"]
        return f"unable to get metric {name}: {described['kind']} on {namespace} {described['name']}/{said}"
    return f"unable to get metric {name}: {said}"


def metric_error(metric: Metric, inner: str) -> str:
    """An error of the replica calculator as ``computeReplicasForMetric`` wraps it."""
    kind, about = metric["type"], source(metric)
    if kind in ("Resource", "ContainerResource"):
        what = "utilization" if target_type_of(kind, about.get("target") or {}) == "Utilization" else "usage"
        owner = f"{about['name']} resource" if kind == "Resource" else f"{about.get('container')} container"
        return f"failed to get {owner} metric value: failed to get {about['name']} {what}: {inner}"
    if kind == "Pods":
        return f"failed to get pods metric value: {inner}"
    if kind not in ("Object", "External"):
        return inner
    name, average = about["metric"]["name"], target_type_of(kind, about.get("target") or {}) == "AverageValue"
    if kind == "Object":
        wrapped = f"failed to get {name} object metric: {inner}" if average else inner
        return f"failed to get object metric value: {wrapped}"
    what = f"{name} external metric" if average else f"external metric {name}"
    return f"failed to get {name} external metric value: failed to get {what}: {inner}"


def invalid_metrics(invalid: int, total: int, first_error: str) -> str:
    """The error of a sync in which metrics failed."""
    return f"invalid metrics ({invalid} invalid out of {total}), first error is: {first_error}"


def rescale_reason(code: int, metric: Metric | None) -> str:
    """Why the size changes; empty where upstream gives no reason (stabilisation alone changed it)."""
    if code == c.REASON_ABOVE_TARGET:
        return f"{metric_name(metric) if metric else ''} above target"
    return {
        c.REASON_NONE: "",
        c.REASON_ABOVE_MAX: "Current number of replicas above Spec.MaxReplicas",
        c.REASON_BELOW_MIN: "Current number of replicas below Spec.MinReplicas",
        c.REASON_BELOW_TARGET: "All metrics below target",
    }[code]


def rescale_message(desired: int, reason: str) -> str:
    """Message of the event SuccessfulRescale."""
    return f"New size: {desired}; reason: {reason}"


def conditions(row: Sequence[int], metrics: Sequence[Metric], error: str = "") -> list[Condition]:
    """The conditions that are set in one row of ``HpaState.row``; ``error``: what the last sync failed with."""
    winner = row[t.R_METRIC]
    words = {
        "error": error,
        "desired": row[t.R_DESIRED],
        "metric": metric_name(metrics[winner]) if 0 <= winner < len(metrics) else "",
    }
    found = []
    for name, column, table in CONDITION_TYPES:
        if row[column] != c.NO_CONDITION:
            status, reason = table[int(row[column])]
            found.append(Condition(name, status, reason, MESSAGES.get(reason, UNABLE).format(**words)))
    return found


def warnings(row: Sequence[int], proposals: Any, kinds: Sequence[int]) -> list[str]:
    """Reasons of the Warning events of a sync, in order; ``proposals`` are the HPA's rows of ``HpaState.metric``."""
    outcome = row[t.R_OUTCOME]
    if outcome == c.FAILED_GET_SCALE:
        return ["FailedGetScale"]
    found = []
    if row[t.R_INVALID] > 0:
        found = [FAILED_METRIC[kind] for kind, proposal in zip(kinds, proposals) if proposal[t.P_ERROR] != c.NO_ERROR]
    if outcome == c.FAILED_METRICS:
        found.append("FailedComputeMetricsReplicas")
    if outcome == c.FAILED_UPDATE_SCALE:
        found.append("FailedRescale")
    return found


FAILED_METRIC = {
    t.RESOURCE_UTILIZATION: "FailedGetResourceMetric",
    t.RESOURCE_AVERAGE: "FailedGetResourceMetric",
    t.CONTAINER_UTILIZATION: "FailedGetContainerResourceMetric",
    t.CONTAINER_AVERAGE: "FailedGetContainerResourceMetric",
    t.PODS_AVERAGE: "FailedGetPodsMetric",
    t.OBJECT_VALUE: "FailedGetObjectMetric",
    t.OBJECT_AVERAGE: "FailedGetObjectMetric",
    t.EXTERNAL_VALUE: "FailedGetExternalMetric",
    t.EXTERNAL_AVERAGE: "FailedGetExternalMetric",
    t.UNKNOWN_SOURCE: "InvalidMetricSourceType",
}
