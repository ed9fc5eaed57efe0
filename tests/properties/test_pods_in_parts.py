"""Random scenarios whose pods start in parts, run out of memory, crash, and leave the endpoints late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.build.assemble import SMALLEST
from capsim.engine.drive import Simulation
from capsim.scenario import Crash, Hang, TimedEvent
from capsim.scenario.images import ImageSpec
from capsim.scenario.kubernetes.lifecycle import Probe
from capsim.state.tables import P_TREE_NODES
from tests.properties.checks import check
from tests.properties.scenarios import MIB, scenarios
from tests.properties.test_equalities import assert_same, outcome

pytestmark = pytest.mark.plain

IMAGES = {"app:1": ImageSpec(layers={"base": 300 * MIB, "app": 20 * MIB}), "*": ImageSpec(layers={"base": 300 * MIB})}
PROBES = st.sampled_from([None, Probe(period_s=7), Probe(initial_delay_s=3, period_s=2, success_threshold=2)])
LIVENESS = st.sampled_from(
    [None, None, Probe(period_s=3, timeout_s=1), Probe(initial_delay_s=20, timeout_s=5), Probe(asks="tcpSocket")]
)


@st.composite
def in_parts(draw):
    """A random scenario with images, probes, hooks, memory limits and a crash."""
    scenario = draw(scenarios())
    listed = [draw(changed(workload)) for workload in scenario.objects.workloads]
    rolled = [w for w in listed if w.kind == "Deployment"]
    events = [event for event in scenario.events if event.apply is None]
    if rolled:
        lasts = draw(st.sampled_from([None, 45_000, 400_000]))
        crash = Crash(target=draw(st.sampled_from(rolled)).key, duration_ms=lasts)
        events.append(TimedEvent(at_ms=draw(st.integers(0, scenario.duration_ms)), crash=crash))
        hang = Hang(target=draw(st.sampled_from(rolled)).key, duration_ms=lasts, pods=draw(st.sampled_from([None, 1])))
        events.append(TimedEvent(at_ms=draw(st.integers(0, scenario.duration_ms)), hang=hang))
    delays = scenario.control_plane.delays.model_copy(update={"endpoint_propagation_ms": 3000})
    plane = scenario.control_plane.model_copy(update={"delays": delays})
    objects = scenario.objects.model_copy(update={"workloads": listed})
    workloads = {
        key: greedy(spec, draw(st.sampled_from([None, 900 * MIB]))) for key, spec in scenario.workloads.items()
    }
    update = {"objects": objects, "events": events, "control_plane": plane, "workloads": workloads}
    return scenario.model_copy(update={**update, "images": draw(st.sampled_from([None, {}, IMAGES, IMAGES]))})


def greedy(spec, base_bytes):
    """The behaviour with pods that use so much memory, maybe more than they request: nodes run short of it."""
    if base_bytes is None or "app" not in spec.containers:
        return spec
    app = spec.containers["app"].model_copy(update={"memory_base_bytes": base_bytes})
    return spec.model_copy(update={"containers": {**spec.containers, "app": app}})


@st.composite
def changed(draw, workload):
    """The workload with a container that says how it starts, stops, and what memory it may have."""
    first, *others = workload.template.containers
    limits = {**first.limits}
    if draw(st.booleans()):
        limits["memory"] = max(first.requests.get("memory", 0), 150 * MIB)
    own = {"image": draw(st.sampled_from(["app:1", "app", "other:2"])), "pre_stop_s": draw(st.sampled_from([0, 2, 5]))}
    own["liveness_probe"] = draw(LIVENESS)
    own |= {"startup_probe": draw(PROBES), "readiness_probe": draw(PROBES), "limits": limits}
    containers = (first.model_copy(update=own), *others)
    return workload.model_copy(update={"template": workload.template.model_copy(update={"containers": containers})})


@given(in_parts(), st.data())
@settings(max_examples=15)
def test_the_tables_agree_at_any_moment(scenario, data):
    sim = Simulation(scenario)
    looks = data.draw(st.lists(st.integers(0, scenario.duration_ms), min_size=8, max_size=8, unique=True))
    looks += [event.at_ms + later for event in scenario.events for later in (0, 60, 20_000)]
    for until_ms in sorted(looks):
        sim.advance(until_ms)
        check(sim)


@given(in_parts())
@settings(max_examples=10)
def test_tables_that_begin_with_one_row_change_nothing(scenario):
    found = []
    for capacity in (SMALLEST, None):
        sim = Simulation(scenario, capacity=capacity)
        sim.advance(scenario.duration_ms)
        found.append(outcome(sim))
    assert_same(*found)


@given(in_parts())
@settings(max_examples=15)
def test_the_index_gives_what_a_plain_scan_gives_while_images_spread(scenario):
    found = []
    for nodes in (0, 10**6):
        sim = Simulation(scenario)
        sim.state.clock.params[P_TREE_NODES] = nodes
        sim.advance(scenario.duration_ms)
        found.append(outcome(sim))
    assert_same(*found)
