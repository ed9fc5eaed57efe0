"""Whole syncs: what they decide, and the conditions and reasons that they leave."""

from __future__ import annotations

import pytest

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import messages
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import ControllerSettings, compile_specs, new_state

pytestmark = pytest.mark.plain

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
LAG = {"type": "External", "external": {"metric": {"name": "lag"}, "target": {"type": "Value", "value": "1"}}}


class Hpa:
    """One HPA whose metrics propose what the test says (None: an error)."""

    def __init__(self, metrics=(CPU,), settings=None, **spec):
        self.metrics = list(metrics)
        self.specs = compile_specs([{"minReplicas": 1, "maxReplicas": 20, "metrics": self.metrics, **spec}], settings)
        self.state = new_state(self.specs)
        self.now_ms = 0

    def sync(self, current, *proposals, accepted=True):
        self.now_ms += 15_000
        step = k.begin_sync(self.specs, self.state, 0, self.now_ms, current)
        for m, proposal in enumerate(proposals):
            error = c.ERROR_UNAVAILABLE if proposal is None else c.NO_ERROR
            self.state.metric[m] = proposal or 0, 0, -1, error
        return k.finish_sync(self.specs, self.state, 0, self.now_ms, current, step, accepted)

    def conditions(self):
        return {found.type: found.reason for found in messages.conditions(self.state.row[0], self.metrics)}

    def __getitem__(self, column):
        return int(self.state.row[0, column])


def test_scale_up_then_rest():
    hpa = Hpa()
    assert hpa.sync(3, 5) == 5
    assert hpa.conditions() == {
        "AbleToScale": "SucceededRescale",
        "ScalingActive": "ValidMetricFound",
        "ScalingLimited": "DesiredWithinRange",
    }
    assert hpa[t.R_REASON] == c.REASON_ABOVE_TARGET
    assert hpa[t.R_LAST_SCALE_MS] == 15_000
    assert hpa.sync(5, 5) == 5
    assert hpa.conditions()["AbleToScale"] == "ReadyForNewScale"


def test_the_largest_proposal_wins_and_failures_only_matter_downwards():
    hpa = Hpa([CPU, LAG, CPU])
    assert hpa.sync(3, 4, 6, 5) == 6
    assert hpa[t.R_METRIC] == 1
    assert hpa.sync(6, None, 7, 6) == 7
    assert hpa[t.R_OUTCOME] == c.PARTIAL
    assert hpa.sync(7, 2, None, 3) == 7
    assert hpa[t.R_OUTCOME] == c.FAILED_METRICS
    assert hpa.conditions()["ScalingActive"] == "FailedGetExternalMetric"
    assert hpa[t.R_LOGGED] == 0
    assert hpa[t.R_DESIRED] == 7


def test_outside_the_limits_no_metric_is_asked():
    hpa = Hpa(maxReplicas=8, minReplicas=2)
    assert hpa.sync(12) == 8
    assert hpa[t.R_REASON] == c.REASON_ABOVE_MAX
    assert hpa.sync(1) == 2
    assert hpa[t.R_REASON] == c.REASON_BELOW_MIN
    assert hpa.sync(0) == 0
    assert hpa.conditions()["ScalingActive"] == "ScalingDisabled"


def test_scaling_down_waits_for_the_window():
    hpa = Hpa()
    hpa.sync(6, 6)
    for _ in range(20):
        assert hpa.sync(6, 3) == 6
        assert hpa.conditions()["AbleToScale"] == "ScaleDownStabilized"
    assert hpa.sync(6, 3) == 3
    assert hpa[t.R_REASON] == c.REASON_BELOW_TARGET


def test_a_refused_update_leaves_no_event():
    hpa = Hpa(behavior={})
    assert hpa.sync(3, 5, accepted=False) == 5
    assert hpa.conditions()["AbleToScale"] == "FailedUpdateScale"
    assert (hpa[t.R_UP_EVENTS], hpa[t.R_DESIRED], hpa[t.R_OUTCOME]) == (0, 0, c.FAILED_UPDATE_SCALE)
    assert messages.warnings(hpa.state.row[0], hpa.state.metric, [0]) == ["FailedRescale"]


def test_scale_to_zero_and_back():
    settings = ControllerSettings(scale_to_zero=True, downscale_stabilization_ms=0)
    hpa = Hpa([LAG], settings, minReplicas=0)
    hpa.sync(2, 2)
    hpa.now_ms += 1
    assert hpa.sync(2, 0) == 0
    assert hpa.conditions()["ScaledToZero"] == "ScaledToZero"
    assert hpa.sync(0, 0) == 0
    assert hpa.sync(0, 3) == 3
    assert hpa.conditions()["ScaledToZero"] == "NotScaledToZero"


def test_scaled_to_zero_by_someone_else_stays():
    hpa = Hpa([LAG], ControllerSettings(scale_to_zero=True), minReplicas=0)
    assert hpa.sync(0, 3) == 0
    assert hpa.conditions()["ScalingActive"] == "ScalingDisabled"


def test_raised_minimum_applies_on_the_way_up_from_zero():
    hpa = Hpa([LAG], ControllerSettings(scale_to_zero=True), minReplicas=4)
    hpa.state.row[0, t.R_ZERO] = c.ZERO_YES
    assert hpa.sync(0, 1) == 4
    assert hpa[t.R_REASON] == c.REASON_ABOVE_TARGET


def test_without_the_gate_the_condition_goes():
    hpa = Hpa([LAG], minReplicas=1)
    hpa.state.row[0, t.R_ZERO] = c.ZERO_YES
    hpa.sync(0, 3)
    assert "ScaledToZero" not in hpa.conditions()


def test_the_scale_could_not_be_read():
    hpa = Hpa()
    hpa.sync(3, 3)
    k.fail_sync(hpa.state, 0)
    assert hpa.conditions()["AbleToScale"] == "FailedGetScale"
    assert hpa[t.R_DESIRED] == 3


def test_a_proposal_of_zero_still_names_its_metric():
    hpa = Hpa([CPU, LAG])
    assert hpa.sync(3, 0, 0) == 3
    assert (hpa[t.R_METRIC], hpa[t.R_RECOMMENDATION]) == (1, 0)


def test_a_metric_of_unknown_type_fails_like_upstream():
    hpa = Hpa([{"type": "CheddarCheese"}])
    k.begin_sync(hpa.specs, hpa.state, 0, 0, 3)
    assert k.propose_metric(hpa.specs, hpa.state, 0, 0, 3, 3) == c.ERROR_UNKNOWN_SOURCE
    k.finish_sync(hpa.specs, hpa.state, 0, 0, 3, c.GATHER, True)
    assert hpa.conditions()["ScalingActive"] == "InvalidMetricSourceType"
