"""Faults beyond all measure: the run survives them, keeps its tables in order, and says what it could not do."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import ClusterAutoscalerSpec, Failures, load
from tests.engine.clusters import group
from tests.engine.faults.stories import MINUTE_MS, event, played, series, times_of, web_cluster
from tests.properties.checks import check

pytestmark = [pytest.mark.plain]

ALL = [f"n-{i}" for i in (1, 2, 3)]
AUTOSCALER = ClusterAutoscalerSpec()


def survived(scenario):
    sim, result = played(scenario)
    assert sim.now_ms == scenario.duration_ms
    check(sim)
    return result


def notes(result):
    return result.events[result.events["source"] == "capsim"]["message"].tolist()


@pytest.mark.parametrize("mode", ["gone", "terminated", "unreachable", "partition"])
@pytest.mark.parametrize("autoscaler", [None, AUTOSCALER], ids=["alone", "autoscaler"])
def test_all_nodes_at_once(mode, autoscaler):
    """The Cluster Autoscaler does not help: the target of the group stays, its nodes count as upcoming, and upstream
    corrects no target of a group without any node (updateIncorrectNodeGroupSizes: readiness not found)."""
    fails = [event(MINUTE_MS, fail={"node": name, "mode": mode}) for name in ALL]
    result = survived(web_cluster(fails, cluster_autoscaler=autoscaler))
    assert series(result, "ready").iloc[-1] == 0.0
    if mode == "partition":  # nobody can tell: what runs, runs on
        assert result.pods["gone_ms"].isna().all()
    if mode in ("gone", "terminated"):
        assert result.nodes["gone_ms"].notna().all()
        assert result.pods.iloc[-1]["reason"] == "no nodes available to schedule pods"


@pytest.mark.parametrize("mode", ["gone", "terminated"])
def test_the_cloud_repairs_all_of_them(mode):
    fails = [event(MINUTE_MS, fail={"node": name, "mode": mode}) for name in ALL]
    result = survived(web_cluster(fails, [group(cpu_milli=3000, count=3, auto_repair_ms=120_000)]))
    assert series(result, "ready").iloc[-1] == 6.0


@pytest.mark.parametrize("mode", ["unreachable", "partition"])
def test_all_zones_are_out_for_ever(mode):
    outages = [event(MINUTE_MS, zoneOutage={"zone": zone, "mode": mode}) for zone in ("a", "b", "c")]
    groups = [group(cpu_milli=3000, count=3, zones=["a", "b", "c"])]
    result = survived(web_cluster(outages, groups, cluster_autoscaler=AUTOSCALER))
    assert len(times_of(result, "NodeNotReady")) >= 3
    assert series(result, "ready").iloc[-1] == 0.0


def test_all_zones_come_back_one_after_the_other():
    outages = [
        event(MINUTE_MS, zoneOutage={"zone": zone, "duration": f"{2 + i}m"}) for i, zone in enumerate(("a", "b", "c"))
    ]
    result = survived(web_cluster(outages, [group(cpu_milli=3000, count=3, zones=["a", "b", "c"])]))
    assert series(result, "ready").iloc[-1] == 6.0


def test_an_outage_within_an_outage():
    outages = [
        event(MINUTE_MS, zoneOutage={"zone": "a", "duration": "5m"}),
        event(2 * MINUTE_MS, zoneOutage={"zone": "a", "duration": "1m"}),
        event(3 * MINUTE_MS, fail={"node": "n-1", "mode": "unreachable", "duration": "1m"}),
    ]
    result = survived(web_cluster(outages, [group(cpu_milli=3000, count=3, zones=["a"])]))
    assert series(result, "ready").iloc[-1] == 6.0


@pytest.mark.parametrize("mode", ["gone", "terminated", "unreachable", "partition"])
def test_nodes_that_fail_every_second(mode):
    failing = group(cpu_milli=4000, count=3, failures=Failures(mtbf_ms=1000, mttr_ms=1000, mode=mode))
    scenario = web_cluster([], [failing], duration_ms=3 * MINUTE_MS, cluster_autoscaler=AUTOSCALER)
    assert sum(f"fails: {mode}" in text for text in notes(survived(scenario))) >= 3


def test_a_mean_time_of_nothing_is_refused(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(BASE.replace("max: 3", "max: 3, failures: {mtbf: 0s}") + "[]\n")
    with pytest.raises(ScenarioError, match=r"failures\.mtbf: out of range; found '0s'; allowed: more than 0"):
        load(path)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"drain": {"node": "n-99"}}, "no such node any more"),
        ({"fail": {"group": "n", "index": 99}}, "no such node any more"),
        ({"spotReclaim": {"node": "n-99"}}, "no such node any more"),
        ({"spotReclaim": {"group": "n", "count": 50}}, "node n-3 will be reclaimed in 120 s"),
        ({"controlPlaneOutage": {"nodes": 9, "duration": "1m"}}, "the control plane has lost its quorum"),
        ({"upgrade": {"group": "n", "maxUnavailable": 50}}, "upgrade of node group n is done: 3 nodes"),
        ({"crash": {"target": "default/Deployment/web", "pods": 99}}, ""),
    ],
)
def test_more_than_there_is(action, said):
    result = survived(web_cluster([event(MINUTE_MS, **action)]))
    assert any(said in text for text in notes(result)), notes(result)


def test_the_same_fault_again_and_again():
    again = [event(MINUTE_MS + i, fail={"node": "n-1", "mode": "terminated"}) for i in range(3)]
    again += [event(MINUTE_MS, drain={"node": "n-1"}), event(MINUTE_MS, drain={"node": "n-1"})]
    again += [event(2 * MINUTE_MS, upgrade={"group": "n"}), event(2 * MINUTE_MS, upgrade={"group": "n"})]
    result = survived(web_cluster(again, [group(cpu_milli=3000, count=4)]))
    assert series(result, "ready").iloc[-1] == 6.0


def test_an_upgrade_while_every_node_is_out_and_nobody_decides():
    events = [event(MINUTE_MS, fail={"node": name, "mode": "unreachable", "duration": "3m"}) for name in ALL]
    events += [event(MINUTE_MS, controlPlaneOutage={"nodes": 1, "duration": "2m"})]
    events += [event(MINUTE_MS + 1, upgrade={"group": "n"}), event(MINUTE_MS + 2, drain={"node": "n-2"})]
    survived(web_cluster(events))


BASE = """
apiVersion: capsim/v1
duration: 10m
nodeGroups: [{name: n, instance: {cpu: 8, memory: 16Gi}, zones: [a, b], min: 1, max: 3}]
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}
events: """


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{at: -1s, drain: n-1}", "events[0].at: negative duration; found '-1s'"),
        ("{at: 1m, drain: m-1}", 'events[0].drain: no such node, did you mean "n-1"?; found m-1; allowed: n-1, n-2, …'),
        ("{at: 1m, fail: {group: m, index: 1}}", "events[0].fail.group: no such node group; found m; allowed: n"),
        ("{at: 1m, fail: {group: n, index: 0}}", "events[0].fail.index: out of range; found 0; allowed: 1 or more"),
        ("{at: 1m, fail: {node: n-1, mode: gone, duration: 1m}}", "a machine that is gone does not come back"),
        ("{at: 1m, zoneOutage: {zone: c}}", "events[0].zoneOutage.zone: no node is in this zone"),
        ("{at: 1m, zoneOutage: {zone: a, duration: 0s}}", "duration: out of range; found '0s'; allowed: more than 0"),
        ("{at: 1m, spotReclaim: {group: n, count: 0}}", "spotReclaim.count: out of range; found 0; allowed: 1 or more"),
        ("{at: 1m, addNodes: {group: n, count: 0}}", "addNodes.count: out of range; found 0; allowed: 1 or more"),
        ("{at: 1m, crash: {target: web, pods: 0}}", "crash.pods: out of range; found 0; allowed: 1 or more"),
        ("{at: 1m, upgrade: {group: n, maxUnavailable: 0}}", "no node may ever be taken"),
        ("{at: 1m, controlPlaneOutage: {nodes: 1}}", "controlPlaneOutage.duration: missing"),
        ("{at: 1m, crash: {target: nobody}}", "events[0].crash.target: no such workload"),
    ],
)
def test_faults_that_cannot_be(tmp_path, written, said):
    path = tmp_path / "scenario.yaml"
    path.write_text(BASE + f"[{written}]\n")
    with pytest.raises(ScenarioError) as caught:
        load(path)
    problems = [str(problem) for problem in caught.value.problems]
    assert any(said in problem for problem in problems), problems
    assert all(f"{path}:" in problem for problem in problems)


@pytest.mark.parametrize("at", ["10m", "30d"])
def test_a_fault_after_the_end_is_told_beforehand_and_does_not_happen(tmp_path, at):
    path = tmp_path / "scenario.yaml"
    path.write_text(BASE + f"[{{at: {at}, fail: n-1}}]\n")
    scenario = load(path)
    assert any("after the end of the run: it does not happen" in line.text for line in scenario.inventory.warnings)
    _, result = played(scenario)
    assert result.nodes["gone_ms"].isna().all()
