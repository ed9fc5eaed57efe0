"""A node that stops answering: found out after the grace period, tainted, evicted, and what its pods do meanwhile.

Phases are zero: the node lifecycle controller looks at multiples of 5 s, leases are renewed at multiples of 10 s.
"""

from __future__ import annotations

import pytest

from capsim.scenario import ControlPlaneSpec, KubeControllerManagerSpec
from capsim.scenario.kubernetes.pod import Toleration
from tests.engine.clusters import group
from tests.engine.faults.stories import MINUTE_MS, WEB, event, played, series, times_of, web_cluster

pytestmark = [pytest.mark.plain]

SILENT_MS = 63_000
# Last renewal at 60 s, seen by the look at 60 s; grace of 50 s.
FOUND_MS = 110_000
GONE_MS = FOUND_MS + 300_000


def outage(mode="unreachable", **more):
    return event(SILENT_MS, fail={"node": "n-1", "mode": mode, **more})


def test_ready_is_unknown_after_the_grace_period_and_not_before():
    _, result = played(web_cluster([outage()]))
    assert times_of(result, "NodeNotReady") == [FOUND_MS]


def test_the_grace_period_is_a_flag():
    manager = KubeControllerManagerSpec(node_monitor_grace_period_ms=20_000)
    plane = ControlPlaneSpec(phases="zero", kube_controller_manager=manager)
    _, result = played(web_cluster([outage()], control_plane=plane))
    assert times_of(result, "NodeNotReady") == [80_000]


def test_requests_to_a_dead_endpoint_are_lost_until_the_endpoints_follow():
    _, result = played(web_cluster([outage()]))
    pods = result.pods[result.pods["node"] == "n-1"]
    assert len(pods) == 2
    lost = series(result, "lost_rps")
    assert lost[SILENT_MS - 1000] == 0.0
    assert lost[SILENT_MS + 1000] == pytest.approx(60.0 * len(pods) / 6)
    assert lost[FOUND_MS - 1000] == pytest.approx(20.0)
    assert lost[FOUND_MS + 1000] == 0.0
    assert series(result, "rps")[SILENT_MS + 1000] == pytest.approx(60.0)


def test_endpoints_that_follow_late_lose_more():
    from capsim.scenario import DelaySpec

    plane = ControlPlaneSpec(phases="zero", delays=DelaySpec(endpoint_propagation_ms=5_000))
    _, result = played(web_cluster([outage()], control_plane=plane))
    assert series(result, "lost_rps")[FOUND_MS + 4_000] == pytest.approx(20.0)
    assert series(result, "lost_rps")[FOUND_MS + 6_000] == 0.0


def test_pods_tolerate_the_taint_for_300_seconds_and_are_replaced_when_they_are_deleted():
    _, result = played(web_cluster([outage()]))
    lost = result.pods[result.pods["node"] == "n-1"]
    assert lost["deleted_ms"].tolist() == [GONE_MS, GONE_MS]
    assert lost["gone_ms"].isna().all(), "no kubelet confirms it: they stay Terminating"
    late = result.pods[result.pods["created_ms"] > 0]
    assert len(late) == 2
    assert late["created_ms"].between(GONE_MS, GONE_MS + 100).all()
    assert set(late["node"]) <= {"n-2", "n-3"}
    assert times_of(result, "TaintManagerEviction") == [GONE_MS, GONE_MS]


@pytest.mark.parametrize(
    ("tolerations", "after_ms"),
    [
        ([Toleration(key="node.kubernetes.io/unreachable", operator="Exists", effect="NoExecute", seconds=30)], 30_000),
        ([Toleration(operator="Exists")], None),
        ([Toleration(key="node.kubernetes.io/unreachable", value="no", effect="NoExecute")], 0),
        ([Toleration(key="else", operator="Exists")], 300_000),
    ],
)
def test_pods_may_say_how_long_they_stay(tolerations, after_ms):
    _, result = played(web_cluster([outage()], template={"tolerations": tuple(tolerations)}))
    deleted = result.pods[result.pods["node"] == "n-1"]["deleted_ms"]
    assert deleted.isna().all() if after_ms is None else deleted.tolist() == [FOUND_MS + after_ms] * 2


def test_no_pod_is_scheduled_to_a_tainted_node_but_to_one_that_is_not_found_out():
    early = event(SILENT_MS + 10_000, scale={"target": WEB, "replicas": 6})
    late = event(FOUND_MS + 10_000, scale={"target": WEB, "replicas": 9})
    events = [outage(), early, late]
    _, result = played(web_cluster(events, [group(cpu_milli=3000, count=3)], replicas=3, duration_ms=4 * MINUTE_MS))
    first = result.pods[result.pods["created_ms"].between(SILENT_MS, FOUND_MS)]
    assert "n-1" in set(first["node"])
    assert first.set_index("node").loc["n-1", "ready_ms"] is not None
    after = result.pods[result.pods["created_ms"] > FOUND_MS]
    assert "n-1" not in set(after["node"].dropna())
    waiting = after[after["node"].isna()]["reason"].tolist()
    assert all("1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }" in text for text in waiting)


def test_a_node_that_reboots_in_time_keeps_its_pods_which_start_anew():
    _, result = played(web_cluster([outage(duration="20s")]))
    assert times_of(result, "NodeNotReady") == []
    pods = result.pods[result.pods["node"] == "n-1"]
    assert pods["deleted_ms"].isna().all()
    assert pods["restarts"].tolist() == [1, 1]
    assert (pods["ready_ms"] < 0).all(), "the first time counts"
    ready = series(result, "ready")
    assert ready[82_000] == 4.0
    assert ready[SILENT_MS + 20_000 + 6_000] == 6.0, "5 s to start"


def test_pods_behind_a_partition_run_on():
    _, result = played(web_cluster([outage("partition", duration="20s")]))
    assert result.pods["restarts"].sum() == 0
    assert series(result, "ready")[SILENT_MS + 21_000] == 6.0
    assert series(result, "lost_rps")[SILENT_MS + 21_000] == 0.0


def test_a_node_that_comes_back_before_the_evictions_calls_them_off():
    _, result = played(web_cluster([outage("partition", duration="2m")]))
    assert times_of(result, "NodeNotReady") == [FOUND_MS]
    assert result.pods["deleted_ms"].isna().all()
    # The kubelet reports every 10 s: 183 s -> 190 s; taints go at the next look of the controller.
    assert series(result, "ready")[191_000] == 6.0
    assert times_of(result, "NodeReady")[-1] == 190_000
    assert result.nodes["gone_ms"].isna().all()


def test_a_node_that_comes_back_late_lets_go_of_what_was_deleted():
    _, result = played(web_cluster([outage(duration="10m")]))
    lost = result.pods[(result.pods["node"] == "n-1") & (result.pods["created_ms"] < 0)]
    assert lost["gone_ms"].tolist() == [SILENT_MS + 10 * MINUTE_MS + 1] * 2
    assert series(result, "ready").iloc[-1] == 6.0


def test_a_machine_that_is_gone_is_collected_after_the_quarantine():
    _, result = played(web_cluster([outage("terminated")]))
    # Cloud controller at 110 s; garbage collector at 120 s, and after 40 s of quarantine at 180 s.
    assert result.nodes.set_index("name").loc["n-1", "gone_ms"] == 180_000
    lost = result.pods[result.pods["node"] == "n-1"]
    assert lost["gone_ms"].tolist() == [180_000, 180_000]
    assert result.pods[result.pods["created_ms"] > 0]["created_ms"].between(180_000, 180_100).all()


@pytest.mark.parametrize(("mode", "starts_ms"), [("gone", 123_000), ("terminated", 123_000), ("unreachable", 123_000)])
def test_the_cloud_replaces_a_machine_where_the_group_says_so(mode, starts_ms):
    groups = [group(cpu_milli=3000, count=3, auto_repair_ms=60_000)]
    _, result = played(web_cluster([outage(mode)], groups))
    new = result.nodes[result.nodes["requested_ms"] > 0]
    assert new["requested_ms"].tolist() == [starts_ms]
    assert result.nodes.set_index("name").loc["n-1", "gone_ms"] > 0
    assert result.series["node_groups"]["nodes_ready"].iloc[-1] == 3.0


def test_evictions_of_a_zone_are_ten_seconds_apart():
    """node-eviction-rate 0.1: the taints of a zone, and with them the evictions, are spread over time."""
    nodes = [group(cpu_milli=1000, count=8, zones=["a"])]
    fails = [event(SILENT_MS, fail={"node": f"n-{i}", "mode": "unreachable"}) for i in (1, 2, 3)]
    _, result = played(web_cluster(fails, nodes, replicas=8))
    deleted = sorted(result.pods["deleted_ms"].dropna().tolist())
    assert deleted == [GONE_MS, GONE_MS + 10_000, GONE_MS + 20_000]


def test_a_small_zone_that_is_mostly_down_is_not_evicted():
    """unhealthy-zone-threshold 0.55 in a zone of at most large-cluster-size-threshold nodes: the rate is 0."""
    both = [
        group(name="n", cpu_milli=1000, count=4, zones=["a"]),
        group(name="m", cpu_milli=1000, count=4, zones=["b"]),
    ]
    fails = [event(SILENT_MS, fail={"node": f"n-{i}", "mode": "unreachable"}) for i in (1, 2, 3)]
    _, result = played(web_cluster(fails, both, replicas=8))
    assert len(times_of(result, "NodeNotReady")) == 3
    # The first was tainted before the zone was found to be down.
    assert len(result.pods["deleted_ms"].dropna()) <= 1


def test_a_zone_that_is_all_down_is_evicted_as_ever():
    both = [
        group(name="n", cpu_milli=1000, count=3, zones=["a"]),
        group(name="m", cpu_milli=2000, count=4, zones=["b"]),
    ]
    dies = event(SILENT_MS, zoneOutage={"zone": "a"})
    _, result = played(web_cluster([dies], both, replicas=8))
    gone = result.pods[result.pods["node"].str.startswith("n-", na=False)]
    assert len(gone) > 0
    assert gone["deleted_ms"].notna().all()


def test_when_no_node_is_ready_nothing_is_evicted_and_the_run_survives():
    """Full disruption of every zone: the controller takes it for its own fault and stops all evictions."""
    dies = event(SILENT_MS, zoneOutage={"zone": "a", "duration": "12m", "mode": "partition"})
    _, result = played(web_cluster([dies], [group(cpu_milli=3000, count=3, zones=["a"])]))
    assert len(times_of(result, "NodeNotReady")) == 3
    assert result.pods["deleted_ms"].isna().all()
    assert series(result, "ready").iloc[-1] == 6.0
    assert series(result, "lost_rps")[SILENT_MS + 10_000] == pytest.approx(60.0)


def test_every_node_may_fail():
    fails = [event(SILENT_MS, fail={"node": f"n-{i}"}) for i in (1, 2, 3)]
    _, result = played(web_cluster(fails))
    assert result.nodes["gone_ms"].tolist() == [SILENT_MS] * 3
    assert result.pods.iloc[-1]["reason"] == "no nodes available to schedule pods"
