"""Rules that changed between releases, one test each: the old and the new answer."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.grouping import add_waiting, clear
from capsim.controllers.hpa.releases import rules_of
from capsim.controllers.hpa.requests import request_milli
from capsim.controllers.hpa.spec import ControllerSettings, compile_specs, new_state
from capsim.jit import entry
from capsim.scenario import Container, PodTemplate

pytestmark = pytest.mark.plain


def cpu(percent=50):
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def per_pod(target="50"):
    average = {"type": "AverageValue", "averageValue": target}
    return {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": average}}


def kernels(release, metric, **spec):
    settings = ControllerSettings(release=release, scale_to_zero=True)
    specs = compile_specs([{"minReplicas": 1, "maxReplicas": 100, "metrics": [metric], **spec}], settings)
    return specs, new_state(specs)


def pod(usage, request=100, has_value=1, phase=c.RUNNING):
    row = np.zeros(doors.POD_COLUMNS, np.int64)
    row[[doors.PHASE, doors.HAS_VALUE, doors.RETURNED]] = phase, has_value, has_value
    row[[doors.READY, doors.START_MS, doors.WINDOW_MS, doors.COUNT]] = c.READY_TRUE, -10_000_000, 15_000, 1
    row[[doors.USAGE, doors.REQUEST]] = usage, request
    return row


def proposal(release, metric, pods, current):
    specs, state = kernels(release, metric)
    doors.gather_pods(specs, state, 0, 0, np.array(pods), 0, c.NO_ERROR)
    doors.propose_metric(specs, state, 0, 0, current, current)
    return int(state.metric[0, t.P_REPLICAS])


@pytest.mark.parametrize(("release", "replicas"), [((1, 32), 11), ((1, 33), 10), ((1, 36), 10)])
def test_exactly_ten_percent_above_target(release, replicas):
    """55 % against 50 %: in floating point |1 - 1.1| is a little more than 0.1."""
    assert proposal(release, cpu(), [pod(55)] * 10, 10) == replicas


@pytest.mark.parametrize(("release", "replicas"), [((1, 27), 2), ((1, 28), 4)])
def test_missing_pods_at_a_ratio_of_exactly_one(release, replicas):
    """Two pods at their target, two without metrics: as 0, they halve the average."""
    pods = [pod(50_000)] * 2 + [pod(0, has_value=0)] * 2
    assert proposal(release, per_pod(), pods, 4) == replicas


@entry
def waiting(gathered, rules, pods, request):
    clear(gathered)
    add_waiting(gathered, rules, pods, request, 100)


@pytest.mark.parametrize(("release", "cell"), [((1, 15), t.G_MISSING), ((1, 27), t.G_UNREADY)])
def test_pending_pods(release, cell):
    """kubernetes#79158: before 1.16 they stood for their whole request when the load was gone."""
    gathered = np.zeros(t.GATHERED_CELLS, np.int64)
    waiting(gathered, rules_of(release), 3, 500)
    assert gathered[cell] == 3
    assert gathered[t.G_MISSING_FALLBACK] == (1500 if cell == t.G_MISSING else 0)


@pytest.mark.parametrize(("release", "minimum", "step"), [
    ((1, 35), 0, c.GATHER), ((1, 35), 1, c.DISABLED), ((1, 36), 0, c.DISABLED), ((1, 36), 1, c.DISABLED)
])  # fmt: skip
def test_at_zero_replicas_that_somebody_else_set(release, minimum, step):
    external = {"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "1"}}}
    specs, state = kernels(release, external, minReplicas=minimum)
    assert doors.begin_sync(specs, state, 0, 0, 0) == step


@pytest.mark.parametrize(("release", "tolerance"), [((1, 34), 0.1), ((1, 35), 0.05)])
def test_the_tolerance_field(release, tolerance):
    specs, _ = kernels(release, cpu(), behavior={"scaleUp": {"tolerance": "50m"}})
    assert specs.tolerance_ratio[0, t.TOLERANCE_UP] == pytest.approx(tolerance)


SIDECAR = Container(name="proxy", requests={"cpu": 50}, restart_policy="Always")
APP = Container(name="app", requests={"cpu": 200})


@pytest.mark.parametrize(("release", "milli"), [((1, 28), 200), ((1, 29), 250)])
def test_requests_of_sidecars(release, milli):
    template = PodTemplate(containers=(APP,), init_containers=(SIDECAR,))
    assert request_milli(template, "cpu", release=release) == milli


@pytest.mark.parametrize(("release", "milli"), [((1, 33), 200), ((1, 34), 1000)])
def test_requests_of_the_whole_pod(release, milli):
    template = PodTemplate(containers=(APP,), pod_requests={"cpu": 1000})
    assert request_milli(template, "cpu", release=release) == milli
