"""The control plane's own failures: quorum and leader election."""

from __future__ import annotations

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import ControlPlaneSpec, StepsSeries
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.state.tables import FROZEN_UNTIL, P_HPA_PERIOD
from tests.engine.faults.stories import MINUTE_MS, WEB, event, played, series, times_of, web_cluster
from tests.properties.frames import COUNTERS_OF_SYNCS, assert_same, outcome

pytestmark = [pytest.mark.plain]


def with_nodes(count, events):
    return web_cluster(events, control_plane=ControlPlaneSpec(phases="zero", nodes=count))


CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
SCALE = event(2 * MINUTE_MS, scale={"target": WEB, "replicas": 8})


@pytest.mark.parametrize(("nodes", "lost"), [(1, 1), (3, 2), (5, 3)])
def test_without_a_quorum_nothing_is_decided_and_pods_keep_serving(nodes, lost):
    down = event(MINUTE_MS, controlPlaneOutage={"nodes": lost, "duration": "5m"})
    _, result = played(with_nodes(nodes, [down, SCALE]))
    new = result.pods[result.pods["created_ms"] >= 0]
    assert len(new) == 2
    # Back at 6 min, and a leader within a retry period of 2 s.
    assert new["created_ms"].between(6 * MINUTE_MS, 6 * MINUTE_MS + 2_100).all()
    assert series(result, "served_rps")[3 * MINUTE_MS] == pytest.approx(60.0)
    assert series(result, "lost_rps").max() == 0.0


@pytest.mark.parametrize("nodes", [3, 5])
def test_with_a_quorum_others_take_over_after_the_lease(nodes):
    down = event(2 * MINUTE_MS - 1_000, controlPlaneOutage={"nodes": 1, "duration": "5m"})
    _, result = played(with_nodes(nodes, [down, SCALE]))
    new = result.pods[result.pods["created_ms"] >= 0]["created_ms"]
    # leaseDuration 15 s since the last renewal (at most 2 s ago), and at most 2 s until the next attempt.
    assert new.between(2 * MINUTE_MS - 1_000 + 13_000, 2 * MINUTE_MS - 1_000 + 17_100).all()


def test_a_second_failure_before_the_first_is_over_costs_the_quorum():
    first = event(MINUTE_MS, controlPlaneOutage={"nodes": 1, "duration": "10m"})
    second = event(90_000, controlPlaneOutage={"nodes": 1, "duration": "3m"})
    _, result = played(with_nodes(3, [first, second, SCALE]))
    new = result.pods[result.pods["created_ms"] >= 0]["created_ms"]
    assert new.between(270_000, 272_100).all(), "when the second is back there are two of three"


def test_a_node_that_dies_meanwhile_is_found_out_a_grace_period_after_the_return():
    down = event(MINUTE_MS, controlPlaneOutage={"nodes": 1, "duration": "5m"})
    dies = event(2 * MINUTE_MS, fail={"node": "n-1", "mode": "unreachable"})
    _, result = played(with_nodes(1, [down, dies]))
    (found,) = times_of(result, "NodeNotReady")
    assert 6 * MINUTE_MS + 50_000 <= found <= 6 * MINUTE_MS + 57_100
    assert series(result, "lost_rps")[5 * MINUTE_MS] == pytest.approx(20.0), "endpoints do not follow meanwhile"


def test_pods_that_start_meanwhile_serve_when_it_is_known():
    down = event(2 * MINUTE_MS + 1_000, controlPlaneOutage={"nodes": 1, "duration": "5m"})
    _, result = played(with_nodes(1, [SCALE, down]))
    new = result.pods[result.pods["created_ms"] >= 0]
    assert (new["scheduled_ms"] < 2 * MINUTE_MS + 1_000).all()
    assert new["ready_ms"].between(7 * MINUTE_MS + 1_000, 7 * MINUTE_MS + 3_100).all()


def test_latency_of_the_api_server_slows_every_step():
    from capsim.scenario import DelaySpec

    plane = ControlPlaneSpec(phases="zero", delays=DelaySpec(api_server_ms=200))
    _, result = played(web_cluster([SCALE], control_plane=plane))
    _, quick = played(web_cluster([SCALE]))
    late = result.pods[result.pods["created_ms"] >= 0]["scheduled_ms"].tolist()
    early = quick.pods[quick.pods["created_ms"] >= 0]["scheduled_ms"].tolist()
    # Replicas seen, first pod bound; the second is created one more step later.
    assert [a - b for a, b in zip(late, early)] == [400, 600]


def test_after_an_outage_hpas_sync_at_once_and_count_from_there():
    """Executing every sync counted from the return, skipping idle ones from the start of the run."""
    down = event(MINUTE_MS, controlPlaneOutage={"nodes": 1, "duration": "5m"})
    busy = StepsSeries.model_validate({"steps": [["0s", 60], ["8m", 540], ["12m", 60]]})
    scenario = with_nodes(1, [down])
    hpa = Hpa(namespace="default", name="web", target_key=WEB, max_replicas=9, metrics=[CPU])
    objects = scenario.objects.model_copy(update={"hpas": [hpa]})
    scenario = scenario.model_copy(update={"objects": objects, "traffic": {"default/web": busy}})
    runs = [Simulation(scenario, skip_syncs=skip) for skip in (True, False)]
    for sim in runs:
        sim.advance(scenario.duration_ms)
    assert_same(outcome(runs[0]), outcome(runs[1]), ignore=COUNTERS_OF_SYNCS)
    back_ms = int(runs[0].state.clock.values[FROZEN_UNTIL])
    period_ms = int(runs[0].state.clock.params[P_HPA_PERIOD])
    rescaled = [at for at in times_of(collect(runs[0]), "SuccessfulRescale") if at > back_ms]
    assert rescaled
    assert {(at - back_ms) % period_ms for at in rescaled} == {0}
