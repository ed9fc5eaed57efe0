"""Pods without an address: bound, and without a sandbox."""

from __future__ import annotations

import pytest

from capsim.scenario import TimedEvent
from capsim.state.tables import POD_STARTING
from tests.engine.clusters import cluster, deployment, group
from tests.engine.faults.stories import played, times_of

pytestmark = pytest.mark.plain


def run(replicas, ips, events=(), **template):
    """A Deployment on one node, created after the start."""
    listed = [deployment("a", 0, **template)]
    scaled = [TimedEvent.model_validate({"at": "60s", "scale": {"target": listed[0].key, "replicas": replicas}})]
    nodes = [group(count=1, max=1, pod_ips=ips)]
    return played(cluster(listed, nodes, events=[*scaled, *events], initial_state="declared"))


def test_pods_beyond_the_addresses_of_a_node_stay_without_a_sandbox():
    """FailedCreatePodSandBox: the scheduler fills nodes up to maxPods, whatever the CNI plugin has."""
    sim, result = run(5, 3)
    assert result.pods.node.notna().all()
    assert result.pods.ready_ms.notna().sum() == 3
    assert len(times_of(result, "FailedCreatePodSandBox")) == 2
    assert (sim.state.pods.state == POD_STARTING).sum() == 2


def test_an_address_is_free_when_its_pod_is_gone():
    """The next pod of the node gets it; nobody else does."""
    crowd = [TimedEvent.model_validate({"at": "5m", "scale": {"target": "default/Deployment/a", "replicas": 3}})]
    sim, result = run(5, 3, crowd)
    gone = result.pods[result.pods.deleted_ms.notna()]
    assert len(gone) == 2
    assert gone.ready_ms.isna().all()  # what is not Ready goes first
    assert (sim.state.pods.state == POD_STARTING).sum() == 0
    _, result = run(5, 3, [TimedEvent.model_validate({"at": "5m", "fail": {"node": "n-1"}})])
    assert result.pods.ready_ms.notna().sum() == 3


def test_pods_with_host_network_need_none():
    _, result = run(5, 3, host_network=True)
    assert result.pods.ready_ms.notna().all()
    assert times_of(result, "FailedCreatePodSandBox") == []


def test_a_rolling_update_needs_an_address_more():
    """maxSurge 1, maxUnavailable 0: the new pod waits for an address, the old ones for the new pod."""
    rollout = TimedEvent.model_validate({"at": "5m", "rollout": {"target": "default/Deployment/a", "image": "a:2"}})
    _, result = run(3, 3, [rollout])
    alive = result.pods[result.pods.gone_ms.isna()]
    assert (len(alive), alive.ready_ms.isna().sum()) == (4, 1)


@pytest.mark.parametrize(
    "fault",
    [
        {"crash": {"target": "default/Deployment/a", "after": "1s", "duration": "3m"}},
        {"fail": {"node": "n-1", "mode": "partition", "duration": "20s"}},
        {"fail": {"node": "n-1", "mode": "unreachable", "duration": "20s"}},
    ],
)
def test_a_pod_without_an_address_has_no_containers_that_could_fail(fault):
    """What happens to pods and nodes while it waits does not give it one."""
    sim, result = run(5, 3, [TimedEvent.model_validate({"at": "5m", **fault})])
    waited = result.pods[result.pods.ready_ms.isna()]
    assert len(waited) == 2
    assert (waited.restarts == 0).all()
    assert (sim.state.pods.state == POD_STARTING).sum() == 2
