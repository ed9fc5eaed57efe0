"""Nodes that are taken out of service: drains behind budgets, spot reclaims, upgrades."""

from __future__ import annotations

import pytest

from capsim.scenario import KubeObjects
from capsim.scenario.kubernetes.pdb import Pdb
from tests.engine.clusters import group
from tests.engine.faults.stories import MINUTE_MS, event, played, series, times_of, web_cluster

pytestmark = [pytest.mark.plain]


def with_budget(scenario, **bound):
    pdb = Pdb(namespace="default", name="web", selector={"matchLabels": {"app": "web"}}, **bound)
    objects = KubeObjects(workloads=scenario.objects.workloads, pdbs=[pdb])
    return scenario.model_copy(update={"objects": objects})


def notes(result):
    return result.events[result.events["source"] == "capsim"]["message"].tolist()


def test_a_drain_asks_budgets_and_tries_again_every_five_seconds():
    scenario = with_budget(web_cluster([event(MINUTE_MS, drain={"node": "n-1"})]), min_available=5)
    _, result = played(scenario)
    moved = sorted(result.pods[result.pods["node"] == "n-1"]["deleted_ms"].tolist())
    # The second goes when the first one's replacement is Ready: created 17 ms later, bound, 5 s to start.
    assert moved == [MINUTE_MS, MINUTE_MS + 10_000]
    assert series(result, "ready").min() >= 5.0


def test_a_drain_that_budgets_hold_gives_up_at_its_timeout():
    scenario = with_budget(web_cluster([event(MINUTE_MS, drain={"node": "n-1", "timeout": "30s"})]), max_unavailable=0)
    _, result = played(scenario)
    assert result.pods["deleted_ms"].isna().all()
    assert "drain of node n-1 gives up: budgets hold 2 pods" in notes(result)


def test_a_drain_that_deletes_does_not_ask():
    events = [event(MINUTE_MS, drain={"node": "n-1", "disableEviction": True})]
    _, result = played(with_budget(web_cluster(events), max_unavailable=0))
    assert result.pods[result.pods["node"] == "n-1"]["deleted_ms"].tolist() == [MINUTE_MS, MINUTE_MS]


def test_a_pod_that_is_not_ready_may_go_while_the_others_are_enough():
    """unhealthyPodEvictionPolicy IfHealthyBudget: healthy >= desired."""
    silent = event(MINUTE_MS, fail={"node": "n-1", "mode": "partition"})
    drained = event(3 * MINUTE_MS, drain={"node": "n-1"})
    _, result = played(with_budget(web_cluster([silent, drained]), min_available=4))
    assert result.pods[result.pods["node"] == "n-1"]["deleted_ms"].tolist() == [3 * MINUTE_MS] * 2


@pytest.mark.parametrize("drains", [True, False])
def test_a_spot_reclaim_comes_with_two_minutes_of_notice(drains):
    reclaim = event(MINUTE_MS, spotReclaim={"node": "n-1", "drain": drains})
    _, result = played(web_cluster([reclaim]))
    moved = result.pods[result.pods["node"] == "n-1"]["deleted_ms"]
    assert (moved == MINUTE_MS).all() == drains
    assert (series(result, "lost_rps").max() > 0) == (not drains)
    assert result.nodes.set_index("name").loc["n-1", "gone_ms"] > 3 * MINUTE_MS
    assert "node n-1 will be reclaimed in 120 s" in notes(result)


def test_reclaimed_nodes_of_a_group_are_drawn():
    _, result = played(web_cluster([event(MINUTE_MS, spotReclaim={"group": "n", "count": 2})]))
    assert result.nodes["gone_ms"].notna().sum() == 2


@pytest.mark.parametrize(("surge", "unavailable", "fewest"), [(1, 0, 3.0), (0, 1, 2.0)])
def test_an_upgrade_replaces_every_node_behind_budgets(surge, unavailable, fewest):
    up = event(MINUTE_MS, upgrade={"group": "n", "maxSurge": surge, "maxUnavailable": unavailable})
    scenario = with_budget(web_cluster([up], [group(cpu_milli=4000, count=3)]), min_available=5)
    sim, result = played(scenario)
    assert result.nodes.set_index("name")["gone_ms"].notna().to_dict() == {
        "n-1": True, "n-2": True, "n-3": True, "n-4": False, "n-5": False, "n-6": False,
    }  # fmt: skip
    assert result.series["node_groups"]["nodes_ready"].min() >= fewest - 1
    assert series(result, "ready").min() >= 5.0
    assert series(result, "ready").iloc[-1] == 6.0
    assert notes(result)[-1] == "upgrade of node group n is done: 3 nodes"
    assert sim.state.groups.size[0].tolist()[2] == 3


def test_an_upgrade_may_reboot_nodes_which_open_again():
    up = event(MINUTE_MS, upgrade={"group": "n", "mode": "reboot", "rebootTime": "30s"})
    sim, result = played(web_cluster([up], [group(cpu_milli=4000, count=3)]))
    assert result.nodes["gone_ms"].isna().all()
    assert len(result.nodes) == 3
    assert (sim.state.nodes.flags[:3] == 0).all()
    assert series(result, "ready").iloc[-1] == 6.0


def test_after_its_timeout_a_drain_of_an_upgrade_deletes():
    up = event(MINUTE_MS, upgrade={"group": "n", "maxUnavailable": 1, "drainTimeout": "2m"})
    scenario = with_budget(
        web_cluster([up], [group(cpu_milli=4000, count=2)], duration_ms=30 * MINUTE_MS), max_unavailable=0
    )
    _, result = played(scenario)
    assert notes(result)[-1] == "upgrade of node group n is done: 2 nodes"
    first = result.pods["deleted_ms"].min()
    assert 3 * MINUTE_MS <= first <= 3 * MINUTE_MS + 10_000


def test_random_failures_come_at_their_rate_and_the_run_survives():
    from capsim.scenario import Failures

    failing = group(cpu_milli=4000, count=20, failures=Failures(mtbf_ms=60 * MINUTE_MS, mttr_ms=60_000))
    _, result = played(web_cluster([], [failing], duration_ms=600 * MINUTE_MS, sample_interval_ms=60_000, seed=2))
    failures = [text for text in notes(result) if "fails: unreachable" in text]
    # 20 nodes, 10 hours, one failure an hour each: 200 +- 3 standard deviations.
    assert abs(len(failures) - 200) < 3 * 200**0.5
    assert len(times_of(result, "NodeNotReady")) < len(failures), "most reboots are over before they are noticed"
    assert series(result, "ready").iloc[-1] >= 5.0
