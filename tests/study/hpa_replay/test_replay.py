"""Questions and answers on small recordings."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from capsim.study.hpa_replay.measures import flaps
from capsim.study.hpa_replay.replay import World
from capsim.study.hpa_replay.write import as_dict, write_figure, write_series
from tests.study.hpa_replay.conftest import HPA, PODS_HPA


def _measures(answer):
    return {one.label: one for one in answer.measures}


def test_demand_is_usage_per_pod_times_recorded_pods(ask, rows):
    answer = ask(rows([0.05, 0.1], replicas=[4, 2]))
    assert answer.recording.demand_milli.tolist() == [[200, 200]]
    assert answer.series["needed"].unique().tolist() == [4]


def test_measures_of_a_steady_load(ask, rows):
    found = _measures(ask(rows([0.05] * 61, replicas=4)))
    # Everything is as the target wants it: 4 pods at 50 % of 100m.
    for label in ("recorded", "as given"):
        one = found[label]
        assert (one.min_replicas, one.max_replicas, one.flaps, one.under_pod_hours, one.over_pod_hours) == (
            4,
            4,
            0,
            0,
            0,
        )
    assert found["as given"].pod_hours == pytest.approx(4 * 61 / 60)
    assert found["as given"].at_max_ratio == 0


def test_changes_give_a_row_each_and_are_measured_by_the_target_as_given(ask, rows):
    sets = (
        "spec.metrics.cpu.target.averageUtilization=100",
        "spec.maxReplicas=3",
        "horizontal-pod-autoscaler-tolerance=9",
    )
    found = _measures(ask(rows([0.05] * 30, replicas=4), sets=sets))
    assert list(found) == ["recorded", "as given", *sets]
    assert found[sets[0]].max_replicas == 4
    assert found[sets[0]].min_replicas == 2
    assert found[sets[0]].under_pod_hours > 0.5
    assert found[sets[1]].at_max_ratio == 1
    assert found[sets[2]].min_replicas == 4


def test_several_changes_in_one_variant(ask, rows):
    text = (
        "metrics.cpu.target.averageUtilization=25,behavior.scaleUp.policies=[{type: Pods, value: 1, periodSeconds: 60}]"
    )
    answer = ask(rows([0.05] * 30, replicas=4), sets=(text,))
    steps = answer.series[answer.series["variant"] == text]["replicas"].diff().dropna()
    assert steps.max() == 1
    assert _measures(answer)[text].max_replicas == 8


def test_rows_at_the_cpu_limit_are_censored(ask, rows):
    answer = ask(rows([0.05, 0.195, 0.2, 0.05], replicas=2))
    assert answer.recording.censored.tolist() == [False, True, True, False]
    assert answer.series["censored"].sum() == 8
    assert _measures(answer)["recorded"].at_limit_s == 120


def test_new_pods_are_unready_until_their_start_up_is_over(ask, rows):
    answer = ask(rows([0.1] * 10, replicas=2), world=World(startup_ms=60_000))
    series = answer.series
    first = int(np.argmax(series["replicas"] > 2))
    behind = series["ready"].iloc[first : first + 5].tolist()
    assert behind == [2, 2, 2, 2, series["replicas"].iloc[first]]


def test_pods_beyond_the_capacity_stay_pending(ask, rows):
    series = ask(rows([0.2] * 20, replicas=2), world=World(startup_ms=0, capacity=3)).series
    assert series["ready"].max() == 3
    assert series["pending"].max() == series["replicas"].max() - 3 > 0


def test_requests_of_a_service_with_a_cost_each(ask):
    text = "timestamp,requests\n2026-01-01 00:00:00,600\n2026-01-01 00:05:00,1200\n2026-01-01 00:10:00,600\n"
    answer = ask(text, replicas="unknown", units=("requests*100m",), pers=("total",))
    assert answer.recording.demand_milli.tolist() == [[200, 400, 200]]
    assert [one.label for one in answer.measures] == ["as given"]
    assert str(answer.series["time"].iloc[0]) == "2026-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    ("unit", "milli"), [("1", 50_000), ("1m", 50), ("percent", 50), ("limit-percent", 100), ("10u", 0)]
)
def test_units(ask, rows, unit, milli):
    pods = "cpu=100m,limits.cpu=200m" if milli < 50_000 else "cpu=100m"
    answer = ask(rows([50, 50]), units=(f"cpu={unit}",), pods=pods)
    assert answer.recording.demand_milli[0, 0] == milli


def test_a_counter_that_was_reset(ask):
    text = "time,rps,replicas\n0,100,2\n60,700,2\n120,60,2\n180,660,2\n"
    answer = ask(text, PODS_HPA, units=("counter",), pods="cpu=1")
    # 10/s, then from 0 to 60 in a minute, then 10/s: of two pods.
    assert answer.recording.demand_milli.tolist() == [[20_000, 2_000, 20_000, 20_000]]
    assert answer.recording.notes == ["1 counter resets in column 'rps', lines 4"]


def test_gaps_that_the_metrics_api_has_no_value_for(ask):
    text = "time,cpu,replicas\n" + "".join(f"{t},0.05,4\n" for t in (0, 60, 120, 300, 360)) + "420,,4\n"
    answer = ask(text, gaps="missing")
    (failure,) = answer.replays[0].failures
    assert "no metrics returned from resource metrics API" in failure.message
    assert failure.first_ms == 195_000  # the first sample that begins after the last row before the gap
    assert answer.series["replicas"].unique().tolist() == [4]
    condition = next(one for one in answer.replays[0].conditions if one.type == "ScalingActive")
    assert (condition.status, condition.reason) == ("False", "FailedGetResourceMetric")


def test_missing_requests_are_upstreams_error_and_condition(ask, rows):
    answer = ask(rows([0.05] * 5, replicas=4), pods="memory=1Gi")
    (failure,) = answer.replays[0].failures
    assert failure.syncs == len(answer.replays[0].syncs)
    assert failure.message.endswith(
        "failed to get cpu utilization: missing request for cpu in container web of Pod web-…"
    )
    condition = next(one for one in answer.replays[0].conditions if one.type == "ScalingActive")
    assert (condition.status, condition.reason) == ("False", "FailedGetResourceMetric")
    assert condition.message.startswith(
        "the HPA was unable to compute the replica count: invalid metrics (1 invalid out"
    )


def test_a_metric_that_was_not_recorded_fails_as_upstream_does(ask, rows):
    hpa = HPA + "  - {type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: '10'}}}\n"
    answer = ask(rows([0.1] * 30, replicas=4), hpa, columns=("rps=none",))
    (failure,) = answer.replays[0].failures
    assert "unable to get metric rps: no metrics returned from custom metrics API" in failure.message
    # The other metric may scale up, but not down.
    assert answer.series["replicas"].iloc[-1] == 8


def test_flaps_are_turns_within_ten_minutes():
    times = np.arange(8, dtype=np.int64) * 240_000
    assert flaps(np.array([1, 2, 1, 1, 1, 2, 2, 3.0]), times) == 1
    assert flaps(np.array([1, 2, 1, 2, 1, 2, 1, 2.0]), times) == 6
    assert flaps(np.ones(8), times) == 0


def test_files_of_an_answer(ask, rows, tmp_path):
    answer = ask(rows([0.05, 0.2, 0.1] * 20, replicas=4), sets=("spec.maxReplicas=5",))
    document = json.loads(json.dumps(as_dict(answer), allow_nan=False))
    assert [one["label"] for one in document["measures"]] == ["recorded", "as given", "spec.maxReplicas=5"]
    for name, read in (("series.csv", pd.read_csv), ("series.parquet", pd.read_parquet)):
        write_series(answer, tmp_path / name)
        back = read(tmp_path / name)
        assert len(back) == len(answer.series)
        assert back["replicas"].tolist() == answer.series["replicas"].tolist()
    write_figure(answer, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_the_same_question_has_the_same_answer(ask, rows):
    text = rows([0.05, 0.2, 0.1] * 20, replicas=4)
    assert ask(text).series.equals(ask(text).series)


def test_a_v1_object_and_a_target_of_any_kind(ask, rows):
    hpa = (
        "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n"
        "  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}\n  maxReplicas: 10\n"
        "  targetCPUUtilizationPercentage: 25\n"
    )
    assert _measures(ask(rows([0.05] * 10, replicas=4), hpa))["as given"].max_replicas == 8


METRIC = PODS_HPA.rpartition("  - ")[2].strip()


@pytest.mark.parametrize("kind", ["External", "Object"])
@pytest.mark.parametrize(("target", "replicas"), [("AverageValue", 4), ("Value", 10)])
def test_metrics_of_the_whole_service(ask, rows, kind, target, replicas):
    """An average is shared by the replicas; a plain value is not, so that it multiplies them up to the maximum."""
    about = "describedObject: {kind: Service, name: web, apiVersion: v1}, " if kind == "Object" else ""
    key = "averageValue" if target == "AverageValue" else "value"
    metric = (
        f"{{type: {kind}, {kind.lower()}: {{{about}metric: {{name: queue}}, target: {{type: {target}, {key}: '10'}}}}}}"
    )
    text = rows([35] * 30, head="time,queue,replicas")
    answer = ask(text, PODS_HPA.replace(METRIC, metric), replicas="unknown", pods="cpu=1")
    assert answer.series["replicas"].iloc[-1] == replicas
    assert answer.measures[0].under_pod_hours is None or target == "AverageValue"


def test_memory_and_two_metrics_from_parquet(ask, tmp_path):
    hpa = HPA + "  - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 100Mi}}}\n"
    times = pd.date_range("2026-01-01", periods=60, freq="1min", tz="UTC")
    frame = pd.DataFrame({"time": times, "cpu": 0.05, "memory": 150.0, "replicas": 4})
    frame.to_parquet(tmp_path / "usage.parquet")
    answer = ask(tmp_path / "usage.parquet", hpa, units=("cpu=1", "memory=1Mi"))
    assert answer.recording.demand_milli[:, 0].tolist() == [200, 4 * 150 * 2**20 * 1000]
    assert answer.series["replicas"].iloc[-1] == 6  # 600Mi at 100Mi each; the CPU alone asks for 4
    assert answer.series["demand_memory"].iloc[0] == 600 * 2**20


def test_the_rules_of_another_release(ask):
    """55 % against 50 %: before 1.33 that scaled."""
    rows = "".join(f"{60 * i},0.055,2\n" for i in range(10))
    answer = ask("time,cpu,replicas\n" + rows, pods="cpu=100m", replicas="replicas", sets=("release=1.32",))
    recorded, given, before = answer.measures
    assert (given.max_replicas, before.max_replicas) == (recorded.max_replicas, 3)
