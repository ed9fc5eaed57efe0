"""The autoscaler in a run: how long its loops take, and what the newest release does differently, one test each."""

from __future__ import annotations

import itertools

import pytest

from capsim.controllers.cluster_autoscaler.backoff import Backoff
from capsim.controllers.cluster_autoscaler.cluster_state import ClusterState, Readiness, Request
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.engine.cluster_autoscaler.settings import options_of
from capsim.engine.drive import Simulation
from capsim.engine.run import collect, run_scenario
from capsim.scenario import Container, Instance
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec, LoopTime
from capsim.scenario.event import Scale, TimedEvent
from capsim.state import tables as t
from tests.engine.clusters import GIB, MINUTE_MS, cluster, deployment, group

pytestmark = [pytest.mark.plain]
BOTH = pytest.mark.parametrize("release", ["1.31", "newest"])


def autoscaled(listed, groups=None, duration_ms=10 * MINUTE_MS, events=(), **flags):
    flags.setdefault("scale_down_enabled", False)
    spec = ClusterAutoscalerSpec(**flags)
    return cluster(listed, groups, cluster_autoscaler=spec, duration_ms=duration_ms, events=list(events))


def requested(scenario):
    """When nodes were asked for, in order, those of the start left out."""
    times = run_scenario(scenario).nodes["requested_ms"]
    return sorted(int(at) for at in times if at > 0)


def scaled_to(replicas, at_ms=MINUTE_MS):
    return TimedEvent(at_ms=at_ms, scale=Scale(target="default/Deployment/a", replicas=replicas))


# -- how long a loop takes -------------------------------------------------------------------------------------------


def test_a_slow_loop_sees_pods_that_came_while_it_ran():
    """The cluster is looked at when the decision falls: pods that came meanwhile are helped by the same loop."""
    late = TimedEvent(at_ms=MINUTE_MS + 14_000, scale=Scale(target="default/Deployment/a", replicas=4))
    slow = autoscaled([deployment(cpu_milli=4000)], events=[scaled_to(2), late], loop_time=LoopTime(base_ms=8_000))
    assert len(set(requested(slow))) == 1


# -- release: newest -------------------------------------------------------------------------------------------------


@BOTH
def test_a_node_exactly_at_the_threshold_is_a_candidate(release):
    """Six pods of a core on two nodes become four: both nodes are used half. The compiled scan must notice too."""
    scenario = autoscaled(
        [deployment(replicas=6, cpu_milli=1000)], [group(count=2)], 20 * MINUTE_MS, [scaled_to(4, 5 * MINUTE_MS)],
        release=release, scale_down_enabled=True, scale_down_unneeded_time_ms=MINUTE_MS,
    )  # fmt: skip
    found = []
    for skips in (True, False):
        sim = Simulation(scenario, skip_syncs=skips)
        sim.advance(scenario.duration_ms)
        found.append(collect(sim).nodes["gone_ms"].dropna().tolist())
    assert len(found[0]) == (1 if release == "newest" else 0)
    assert found[0] == found[1]


@BOTH
def test_no_candidates_are_no_cooldown(release):
    scenario = autoscaled(
        [deployment()], [group(min=1)], release=release, scale_down_enabled=True, scale_down_delay_after_add_ms=0
    )
    sim, said = Simulation(scenario), []
    sim.autoscaler.listen(lambda status, view: said.append(status.scale_down))
    sim.advance(MINUTE_MS)
    assert said[-1] == ("NoNodeDeleted" if release == "newest" else "InCooldown")


@BOTH
def test_least_waste_counts_init_containers(release):
    """Of the container's core alone the first group would waste less, of the init container's three the second."""
    listed = deployment(cpu_milli=1000, init_containers=(Container(name="init", requests={"cpu": 3000}),))
    listed.template.containers[0].requests["memory"] = 4 * GIB
    groups = [
        group(count=0, name="little-memory", instance=Instance(cpu_milli=8000, memory_bytes=8 * GIB)),
        group(count=0, name="few-cores", instance=Instance(cpu_milli=4000, memory_bytes=16 * GIB)),
    ]
    scenario = autoscaled([listed], groups, 3 * MINUTE_MS, release=release)
    nodes = run_scenario(scenario.model_copy(update={"initial_state": "empty"})).nodes
    assert nodes["node_group"].tolist() == ["few-cores" if release == "newest" else "little-memory"]


@BOTH
def test_the_next_loop_comes_at_once_after_a_scale_up(release):
    flags = {"release": release, "max_nodes_per_scaleup": 1}
    times = requested(autoscaled([deployment(cpu_milli=4000)], events=[scaled_to(4)], **flags))
    gaps = {b - a for a, b in itertools.pairwise(times)}
    assert len(times) == 3
    assert gaps == ({36} if release == "newest" else {10_036})
    off = requested(
        autoscaled([deployment(cpu_milli=4000)], events=[scaled_to(4)], **flags, frequent_loops_enabled=False)
    )
    assert off[1] - off[0] == 10_036


@BOTH
def test_a_node_is_cordoned_before_it_is_drained(release):
    scenario = autoscaled(
        [deployment(cpu_milli=100)], [group(count=2)], 20 * MINUTE_MS,
        release=release, scale_down_enabled=True, scale_down_unneeded_time_ms=MINUTE_MS,
    )  # fmt: skip
    sim = Simulation(scenario)
    seen = set()
    for at in range(0, 20 * MINUTE_MS, 1000):
        sim.advance(at)
        flags = sim.state.nodes.flags
        seen |= set(flags[flags & t.FLAG_TO_BE_DELETED != 0].tolist())
    assert seen
    assert all(bool(value & t.FLAG_UNSCHEDULABLE) == (release == "newest") for value in seen)
    off = autoscaled([deployment()], release=release, cordon_node_before_terminating=False)
    assert not options_of(off).cordon


class Cloud:
    """A cloud that only notes by how much a target was lowered."""

    def __init__(self):
        self.lowered = []

    def decrease_target(self, group, count):
        self.lowered.append((group, count))


def waiting(release):
    """One group: two nodes are Ready, five are aimed at; a request for the other three expires at 15 minutes."""
    options = Options(release=release)
    state = ClusterState(options, Backoff(options.initial_backoff_ms, options.max_backoff_ms, options.backoff_reset_ms))
    state.groups, state.targets = [Readiness(registered=2, ready=2)], [5]
    state.requests = {0: Request(0, 15 * MINUTE_MS, 3)}
    return state


@BOTH
def test_upcoming_nodes_need_a_request_and_no_backoff(release):
    state = waiting(release)
    assert state.upcoming() == {0: 3}
    state.backoff.fail(0, 0)
    assert state.upcoming() == ({} if release == "newest" else {0: 3})
    state.backoff.groups.clear()
    state.requests.clear()
    assert state.upcoming() == ({} if release == "newest" else {0: 3})


@BOTH
def test_a_request_that_timed_out_lowers_the_target(release):
    state, cloud = waiting(release), Cloud()
    state._follow_requests(None, cloud, 15 * MINUTE_MS)
    assert (state.targets, cloud.lowered, len(state.requests)) == ([5], [], 1)
    state._follow_requests(None, cloud, 15 * MINUTE_MS + 1)
    assert state.requests == {}
    assert state.failures == [(0, "timeout")]
    assert (state.targets, cloud.lowered) == (([2], [(0, 3)]) if release == "newest" else ([5], []))


def test_frequent_loops_come_at_once_and_end():
    """One loop for each change of the pending pods: what it leaves pending calls no other at the same instant."""
    deployments, events = [deployment(cpu_milli=4000)], [scaled_to(4)]
    at_once = requested(autoscaled(deployments, events=events, frequent_loops_enabled=True))
    in_turn = requested(autoscaled(deployments, events=events))
    assert len(at_once) == len(in_turn)
    assert max(at_once) < min(in_turn)
