"""``explain workload``: who was refused, who used the quota, what would have let it in."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import KubeObjects, ResourceQuota, Scale, TimedEvent
from capsim.study.explain.workload import explain_workload, workload_lines
from tests.engine.clusters import MINUTE_MS, cluster, deployment, group

pytestmark = [pytest.mark.plain]


def scenario():
    quota = ResourceQuota(namespace="default", name="team", hard={"requests.cpu": 1000, "pods": 20})
    objects = KubeObjects(workloads=[deployment(replicas=4), deployment("b", replicas=5)], quotas=[quota])
    scale = TimedEvent(at_ms=MINUTE_MS, scale=Scale(target="default/Deployment/a", replicas=8))
    return cluster([], [group()], objects=objects, events=[scale])


def test_the_quota_its_users_and_what_would_have_helped():
    found = explain_workload(scenario(), "a", 10 * MINUTE_MS)
    assert found.held["by"] == "ResourceQuota team"
    assert (found.held["peak"], found.held["still"]) == (3, 3)
    assert [(use.workload, use.pods, use.amounts) for use in found.used_by] == [
        ("default/Deployment/a", 5, {"requests.cpu": "500m"}),
        ("default/Deployment/b", 5, {"requests.cpu": "500m"}),
    ]
    assert found.remedies == ["requests.cpu of 1300m instead of 1 in ResourceQuota team"]
    text = "\n".join(workload_lines(found))
    assert "up to 3 pods held back by ResourceQuota team" in text
    assert "FailedCreate: Error creating: pods" in text


def test_a_workload_of_which_nothing_was_refused():
    found = explain_workload(scenario(), "default/Deployment/b", 10 * MINUTE_MS)
    assert workload_lines(found) == ["workload/default/Deployment/b: no pod was refused"]


def test_a_name_that_there_is_not():
    with pytest.raises(ScenarioError, match="no workload of that name"):
        explain_workload(scenario(), "c", MINUTE_MS)
