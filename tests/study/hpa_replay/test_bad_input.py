"""What is refused, and in which words: file, line or column, found, allowed."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from tests.study.hpa_replay.conftest import HPA, PODS_HPA

RIVAL = HPA + "---\n" + HPA.replace("name: web}\nspec", "name: other}\nspec")


def _refused(ask, *args, **options) -> str:
    with pytest.raises(ScenarioError) as caught:
        ask(*args, **options)
    return str(caught.value)


GOOD = "time,cpu,replicas\n0,0.05,4\n60,0.05,4\n120,0.05,4\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("60,0.05", "60,NaN"), "usage.csv:3: column 'cpu': empty values; found 1"),
        (GOOD.replace("60,0.05", "60,"), "usage.csv:3: column 'cpu': empty values; found 1"),
        (GOOD.replace("60,0.05", "60,-1"), "usage.csv:3: column 'cpu': negative values; found 1"),
        (GOOD.replace("60,0.05", "60,inf"), "usage.csv:3: column 'cpu': infinite values; found 1"),
        (GOOD.replace("60,0.05", "60,lots"), "usage.csv:3: not a number in column 'cpu'; found 'lots'"),
        (GOOD + "600,0.05,4\n", "usage.csv:5: column 'cpu': missing rows; found 1, the longest 8m"),
        (GOOD + "30,0.05,4\n", "usage.csv:5: column 'cpu': rows that go back in time; found 1"),
        (GOOD + "120,0.05,4\n", "usage.csv:5: column 'cpu': times that come twice; found 1"),
        (GOOD.replace("120,0.05,4", "120,0.05,-4"), "usage.csv:4: column 'replicas': negative values"),
        (GOOD.replace("120,0.05,4", "120,0.05,0"), "usage.csv:4: column 'cpu': usage per pod without pods"),
        (GOOD.replace("0.05", "50"), "usage.csv:2: column 'cpu': usage far above the pod's CPU limit, in 3 rows"),
        (GOOD.replace("cpu", "cpo"), "no column holds the metric 'cpu', did you mean \"cpo\"?"),
        ("time,cpu,replicas\n", "usage.csv: the file holds no rows"),
        ("", "usage.csv: the file is empty"),
    ],
)  # fmt: skip
def test_metrics(ask, text, said):
    if "cpo" in text:
        text = text.replace("replicas", "extra,replicas").replace(",4\n", ",1,4\n")
    assert said in _refused(ask, text)


@pytest.mark.parametrize(
    ("hpa", "said"),
    [
        (HPA.replace("Utilization: 50", "Utilization: 0"), "hpa.yaml:9: default/HorizontalPodAutoscaler/web: "
         "spec.metrics[0].resource.target.averageUtilization: missing or not positive; found 0"),
        (HPA.replace("minReplicas: 1", "minReplicas: 20"), "hpa.yaml:7: default/HorizontalPodAutoscaler/web: "
         "spec.maxReplicas: maxReplicas is below minReplicas; found 10; allowed: at least 20"),
        (HPA.replace("type: Resource", "type: Resources"), "unknown metric type; found 'Resources'"),
        (HPA.replace("maxReplicas", "maximumReplicas"), "unknown field"),
        (HPA.replace("HorizontalPodAutoscaler", "HorizontalPodAutoscaling"), "holds no HorizontalPodAutoscaler"),
    ],
)  # fmt: skip
def test_hpas(ask, hpa, said):
    assert said in _refused(ask, GOOD, hpa)


def test_two_hpas_of_one_target_are_what_upstream_calls_ambiguous(ask):
    assert "AmbiguousSelector); found other and web" in _refused(ask, GOOD, RIVAL, name="other")
    assert "holds several of kind HorizontalPodAutoscaler; found 2" in _refused(ask, GOOD, RIVAL)
    assert "no such HorizontalPodAutoscaler" in _refused(ask, GOOD, RIVAL, name="wob")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"replicas": None}, "--replicas: recorded replica counts are needed"),
        ({"replicas": "unknown"}, "--replicas: recorded replica counts are needed"),
        ({"replicas": "0"}, "--replicas: not a number of pods; found '0'"),
        ({"replicas": "pods"}, "--replicas: no such column"),
        ({"columns": ("cpu=CPU",)}, '--column cpu: no such column, did you mean "cpu"?'),
        ({"units": ("rps=1",)}, "--unit: the HPA has no metric 'rps'"),
        ({"units": ("0",)}, "--unit cpu: not a unit; found '0'"),
        ({"units": ("per minute*2",)}, "--unit cpu: not a unit"),
        ({"units": ("percent",), "pods": "memory=1Gi"}, "--unit cpu: a share of the pod's request"),
        ({"pers": ("node",)}, "--per cpu: not a kind of value; found 'node'; allowed: pod, total"),
        ({"pods": "cpus=1"}, "--pods: not a request or limit; found 'cpus=1'"),
        ({"pods": "cpu=lots"}, "lots"),
        ({"flags": ("horizontal-pod-autoscaler-tolerance=-1",)}, "not a tolerance; found '-1'"),
        ({"flags": ("release=1.12",)}, "--flag release: not a release whose rules are known; found '1.12'"),
        ({"sets": ("spec.metrics.rps.target.averageValue=1",)}, "the HPA has no metric 'rps'"),
        ({"sets": ("spec.metrics.cpu.target.averageUtilization=0",)}, "missing or not positive; found 0"),
        ({"sets": ("spec.metrics.cpu.name=memory",)}, "may not add, remove or rename metrics"),
        ({"sets": ("spec.behaviour.scaleDown.selectPolicy=Min",)}, "unknown field"),
        ({"columns": ("none",)}, "no metric has a column"),
    ],
)  # fmt: skip
def test_options(ask, options, said):
    assert said in _refused(ask, GOOD, **options)


def test_a_running_total_is_not_taken_for_a_level(ask):
    rising = "time,rps,replicas\n" + "".join(f"{i * 60},{i * 100},2\n" for i in range(60))
    assert "column 'rps' looks like a counter, a running total" in _refused(ask, rising, PODS_HPA)
    named = "time,requests_total,replicas\n0,1,1\n60,2,1\n"
    assert "looks like a counter" in _refused(ask, named, PODS_HPA, columns=("requests_total",))
    assert ask(rising, PODS_HPA, units=("rps=1",)).recording.demand_milli[0, 1] == 200_000


def test_minutes_are_not_taken_for_seconds(ask):
    text = GOOD.replace("time", "time_mins")
    assert "'time_mins' does not sound like seconds" in _refused(ask, text)
    assert int(ask(text, time_unit_ms=60_000).recording.times_ms[-1]) == 180 * 60_000


def test_the_rows_of_one_service(ask):
    text = "time,service,cpu,replicas\n" + "".join(
        f"{t},{s},{v},2\n" for t in (0, 60) for s, v in (("a", 0.1), ("b", 0.2))
    )
    assert ask(text, service_column="service", service="b").recording.demand_milli.tolist() == [[400, 400]]
    assert "no rows of service 'c'" in _refused(ask, text, service_column="service", service="c")


def test_a_metric_of_the_whole_service_is_not_per_pod(ask):
    hpa = PODS_HPA.replace("Pods, pods", "External, external")
    assert "--per rps: no metric of pods" in _refused(ask, GOOD.replace("cpu", "rps"), hpa, pers=("pod",))
