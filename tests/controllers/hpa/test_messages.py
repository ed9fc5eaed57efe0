"""Upstream's words."""

from __future__ import annotations

import pytest

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import messages
from capsim.controllers.hpa import tables as t

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
SELECTOR = {
    "matchLabels": {"b": "2", "a": "1"},
    "matchExpressions": [{"key": "k", "operator": "In", "values": ["v", "w"]}],
}


def external(target, selector=None):
    return {"type": "External", "external": {"metric": {"name": "lag", "selector": selector}, "target": target}}


def queue(target):
    described = {"kind": "Service", "name": "svc"}
    return {"type": "Object", "object": {"metric": {"name": "queue"}, "describedObject": described, "target": target}}


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (CPU, "cpu resource utilization (percentage of request)"),
        ({"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "1"}}}, "memory resource"),
        (
            {"type": "ContainerResource", "containerResource": {"name": "cpu", "target": {"averageUtilization": 1}}},
            "cpu container resource utilization (percentage of request)",
        ),
        ({"type": "Pods", "pods": {"metric": {"name": "qps"}, "target": {"averageValue": "1"}}}, "pods metric qps"),
        (queue({"type": "Value", "value": "1"}), "Service metric queue"),
        (queue({"type": "AverageValue", "averageValue": "1"}), "external metric queue(nil)"),
        (external({"value": "1"}), "external metric lag(nil)"),
    ],
)
def test_names_of_metrics(metric, name):
    assert messages.metric_name(metric) == name


def test_a_selector_as_go_prints_it():
    assert messages.selector_text(SELECTOR) == (
        "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},"
        "MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[v w],},},}"
    )


def test_the_event_of_a_rescale():
    reason = messages.rescale_reason(c.REASON_ABOVE_TARGET, CPU)
    assert messages.rescale_message(3, reason) == (
        "New size: 3; reason: cpu resource utilization (percentage of request) above target"
    )
    assert messages.rescale_reason(c.REASON_BELOW_TARGET, None) == "All metrics below target"
    assert messages.rescale_reason(c.REASON_NONE, None) == ""


def test_conditions_carry_their_details():
    row = [0] * t.STATE_COLUMNS
    row[t.R_ABLE], row[t.R_ACTIVE], row[t.R_DESIRED], row[t.R_METRIC] = c.ABLE_RESCALED, c.ACTIVE_VALID, 7, 0
    able, active = messages.conditions(row, [CPU])
    assert able == ("AbleToScale", "True", "SucceededRescale",
                    "the HPA controller was able to update the target scale to 7")  # fmt: skip
    assert active.message.endswith("a replica count from cpu resource utilization (percentage of request)")
    row[t.R_ACTIVE] = c.ACTIVE_NO_RESOURCE
    assert messages.conditions(row, [CPU], "no idea")[1].message == (
        "the HPA was unable to compute the replica count: no idea"
    )


@pytest.mark.parametrize("error", range(1, 11))
@pytest.mark.parametrize(
    "metric", [CPU, external({"value": "1"}), queue({"type": "AverageValue", "averageValue": "1"})]
)
def test_every_error_has_words(metric, error):
    inner = messages.calculator_error(metric, error, "ns", "the reason", "pod-1", "app")
    assert inner in messages.metric_error(metric, inner)


def test_errors_are_wrapped_as_upstream_wraps_them():
    inner = messages.calculator_error(external({"value": "1"}), c.ERROR_EMPTY, "ns")
    assert messages.metric_error(external({"value": "1"}), inner) == (
        "failed to get lag external metric value: failed to get external metric lag: "
        "unable to get external metric ns/lag/nil: no metrics returned from external metrics API"
    )
    assert messages.invalid_metrics(1, 2, "x") == "invalid metrics (1 invalid out of 2), first error is: x"


def test_every_code_has_a_message():
    for _, _, table in messages.CONDITION_TYPES:
        for _, reason in table.values():
            assert reason in messages.MESSAGES or reason.startswith(("Failed", "Invalid", "Ambiguous")), reason
