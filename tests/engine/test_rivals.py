"""Two HorizontalPodAutoscalers that count the same pods: upstream's AmbiguousSelector."""

from __future__ import annotations

import pytest

from capsim import run
from capsim.scenario import ControlPlaneSpec, Hpa, KubeControllerManagerSpec, ServiceSpec, StepsSeries
from capsim.scenario.event import TimedEvent
from capsim.scenario.rivals import Rival, counted_workloads, rivals
from tests.engine.clusters import behaviour, cluster, deployment

pytestmark = pytest.mark.plain
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}


def scaled(workload, name=None, **more):
    keys = {"min_replicas": 1, "max_replicas": 10, "metrics": [CPU], **more}
    return Hpa(namespace="default", name=name or workload.name, target_key=workload.key, **keys)


def loaded(listed, hpas, **more):
    base = cluster(
        listed,
        workloads={w.key: behaviour(5.0) for w in listed},
        services={f"default/{w.name}": ServiceSpec(workloads=[w.key]) for w in listed},
        traffic={
            f"default/{w.name}": StepsSeries.model_validate({"steps": [{"at_ms": 0, "value": 60}]}, by_name=True)
            for w in listed
        },
        initial_state="declared",
        **more,
    )
    return base.model_copy(update={"objects": base.objects.model_copy(update={"hpas": hpas})})


def failures(result):
    told = result.events[result.events.type == "Warning"]
    return [tuple(row) for row in told[["object", "reason", "message"]].itertuples(index=False)]


def desired(result, workload):
    frame = result.series["workloads"]
    return frame[frame.workload == workload.key].desired_replicas.iloc[-1]


def test_two_hpas_on_one_deployment():
    a = deployment("a", 2, 100).model_copy(update={"selector": {"matchLabels": {"app": "a"}}})
    result = run(loaded([a], [scaled(a), scaled(a, "b")]))
    text = "pods by selector app=a are controlled by multiple HPAs: [default/a default/b]"
    events = failures(result)
    # The first to sync does not know the other's selector yet: it scales, once.
    assert [event[:2] for event in events] == [
        ("HorizontalPodAutoscaler/default/b", "AmbiguousSelector"),
        ("HorizontalPodAutoscaler/default/b", "FailedComputeMetricsReplicas"),
        ("HorizontalPodAutoscaler/default/a", "AmbiguousSelector"),
        ("HorizontalPodAutoscaler/default/a", "FailedComputeMetricsReplicas"),
    ]
    assert {event[2] for event in events} == {text}
    assert desired(result, a) == 4  # 300 % of 50 %, limited to 4 in the first sync
    assert [w.kind for w in result.summary.warnings] == ["hpa-failed", "hpa-failed"]


def test_releases_before_1_27_did_not_look():
    a = deployment("a", 2, 100)
    plane = ControlPlaneSpec(phases="zero", kube_controller_manager=KubeControllerManagerSpec(release="1.15"))
    result = run(loaded([a], [scaled(a), scaled(a, "b")], control_plane=plane))
    assert failures(result) == []
    assert desired(result, a) > 4


def test_a_selector_that_matches_anothers_pods():
    a = deployment("a", 2, 100).model_copy(update={"selector": {"matchLabels": {"tier": "web"}}})
    b = deployment("b", 2, 100).model_copy(update={"selector": {"matchLabels": {"app": "b"}}})
    labelled = [
        w.model_copy(update={"template": w.template.replaced(labels={"app": w.name, "tier": "web"})}) for w in (a, b)
    ]
    hpas = [scaled(w) for w in labelled]
    assert counted_workloads(hpas, labelled) == [[0, 1], [1]]
    assert rivals(hpas, labelled) == [Rival(0, 1, 1), Rival(1, 0, 1)]
    gone = TimedEvent.model_validate({"at_ms": 300_000, "scale": {"target": b.key, "replicas": 0}}, by_name=True)
    result = run(loaded(labelled, hpas, events=[gone]))
    assert {event[1] for event in failures(result)} == {"AmbiguousSelector", "FailedComputeMetricsReplicas"}
    frame = result.series["workloads"].set_index(["workload", "time_ms"]).desired_replicas
    assert frame[a.key, 270_000] == 4  # its first sync; from the second on it could not
    assert frame[a.key, 585_000] == 6  # works again, when no pod is shared any more


def test_a_selector_that_matches_only_its_own_has_no_rivals():
    listed = [deployment(name, 1).model_copy(update={"selector": {"matchLabels": {"app": name}}}) for name in "ab"]
    assert rivals([scaled(w) for w in listed], listed) == []
