"""The models: units by key, defaults, distributions, series, node groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from capsim.scenario import (
    ClusterAutoscalerSpec,
    ConstantSeries,
    ContainerBehaviour,
    ControlPlaneSpec,
    Distribution,
    Instance,
    NodeGroup,
    Scenario,
    StepsSeries,
)
from capsim.scenario.cluster_autoscaler import NOT_ACTED_UPON, WITHOUT_EFFECT

GIB = 2**30


def written(model, data):
    """A model from what stands in a file."""
    return model.model_validate(data, by_alias=True, by_name=False)


def test_attributes_are_in_base_units_and_keys_are_quantities():
    by_name = Instance(cpu_milli=2000, memory_bytes=8 * GIB)
    assert by_name == written(Instance, {"cpu": 2, "memory": "8Gi"})
    assert written(Instance, {"cpu": "1500m", "memory": 1e9}).cpu_milli == 1500
    assert by_name.model_dump()["cpu_milli"] == 2000
    assert by_name.model_dump(by_alias=True)["cpu"] == "2"


def test_files_may_not_use_attribute_names():
    with pytest.raises(ValidationError):
        written(Instance, {"cpu_milli": 2000, "memory": "8Gi"})


def test_models_are_frozen():
    with pytest.raises(ValidationError):
        Instance(cpu_milli=1, memory_bytes=1).cpu_milli = 2


def test_allocatable_is_capacity_less_three_reserves():
    group = written(
        NodeGroup,
        {
            "name": "w",
            "instance": {"cpu": 2, "memory": "8Gi", "ephemeralStorage": "30Gi", "gpus": 1},
            "kubeReserved": {"cpu": "100m", "memory": "1Gi"},
            "systemReserved": {"cpu": "50m"},
            "max": 3,
        },
    )
    assert group.allocatable() == {
        "cpu": 1850,
        "memory": 7 * GIB - 100 * 2**20,
        "ephemeral-storage": 27 * GIB,
        "pods": 110,
        "nvidia.com/gpu": 1,
    }


def test_kubelet_names_of_thresholds_and_replacement_of_the_defaults():
    instance = {"cpu": 2, "memory": "10Gi"}
    kubelet = {"memory.available": "10%", "pid.available": "10%", "imagefs.inodesFree": "5%"}
    group = written(NodeGroup, {"name": "w", "instance": instance, "max": 1, "evictionHard": kubelet})
    assert group.eviction_hard == {"memory": GIB}


def test_defaults_that_follow_other_keys():
    group = written(
        NodeGroup, {"name": "w", "instance": {"cpu": 1, "memory": "1Gi"}, "min": 2, "max": 4, "bootDelay": "90s"}
    )
    assert group.initial == 2
    assert group.register_delay.mean_ms == 60_000
    assert group.node_name(1) == "w-1"


@pytest.mark.parametrize(
    "change",
    [
        {"min": 5}, {"initial": 9}, {"kubeReserved": {"memory": "2Gi"}}, {"kubeReserved": {"gpu": 1}}, {"name": "W"},
        {"evictionHard": {"disk": "1Gi"}}, {"registerDelay": "2m"}, {"max": 1.5}, {"max": True}, {"max": "3"},
        {"pricePerHour": -1}, {"taints": [{"key": "a", "effect": "Never"}]}, {"instance": {"cpu": 0, "memory": "1Gi"}},
        {"labels": {"a": 1}}, {"bootDelay": "-3s"}, {"bootDelay": True}, {"zones": "a"},
    ],
)  # fmt: skip
def test_bad_node_groups(change):
    good = {"name": "w", "instance": {"cpu": 1, "memory": "1Gi"}, "max": 4}
    written(NodeGroup, good)
    with pytest.raises(ValidationError):
        written(NodeGroup, {**good, **change})


@pytest.mark.parametrize(
    ("data", "kind", "mean_ms"),
    [
        ("60s", "constant", 60_000),
        (1.5, "constant", 1500),
        ({"distribution": "uniform", "min": "40s", "max": "80s"}, "uniform", 60_000),
        ({"distribution": "lognormal", "mean": "60s", "stddev": "10s", "max": "5m"}, "lognormal", 60_000),
        ({"median": "60s", "p95": "2m"}, "lognormal", 65_571),  # sigma = ln 2 / 1.645, mean = 60 s x exp(sigma^2 / 2)
    ],
)
def test_distributions(data, kind, mean_ms):
    distribution = written(Distribution, data)
    assert (distribution.kind, distribution.mean_ms) == (kind, mean_ms)
    assert written(Distribution, distribution.model_dump(by_alias=True)) == distribution
    assert distribution.scaled(2, 3).mean_ms == pytest.approx(mean_ms * 2 / 3, abs=1)


@pytest.mark.parametrize(
    "data",
    [
        {}, {"distribution": "uniform"}, {"distribution": "normal", "stddev": "1s"},
        {"distribution": "weibull", "mean": 1},
        {"mean": "5s", "stddev": "1s"}, {"distribution": "normal", "mean": 5, "min": 9, "max": 1},
        {"distribution": "lognormal", "mean": 0, "stddev": 1},
        {"median": "60s"}, {"median": "60s", "p95": "30s"}, {"median": "soon", "p95": "30s"},
        {"distribution": "normal", "median": "1s", "p95": "2s"}, {"median": "1s", "p95": "2s", "mean": "1s"},
    ],
)  # fmt: skip
def test_bad_distributions(data):
    with pytest.raises(ValidationError):
        written(Distribution, data)


def series(data):
    return written(Scenario, {"traffic": {"a": data}}).traffic["a"]


def test_forms_of_series():
    assert series(500) == series({"constant": "500"}) == ConstantSeries(value=500)
    assert series("250m").value == 0.25
    assert isinstance(series({"steps": [["0s", 1], {"at": "5m", "value": "2k"}]}), StepsSeries)
    assert series({"ramp": [[0, 0], ["1m", 10]], "step": "10s"}).step_ms == 10_000
    assert series(1e9).peak() == 1e9


@pytest.mark.parametrize(
    "data",
    [-1, float("nan"), float("inf"), 1e13, "x", True, None, [], {}, [1, 2], {"steps": []}, {"steps": [["1s", 2]]},
     {"steps": [[0, 1], [0, 2]]}, {"steps": [[0, 1, 2]]}, {"steps": [[0, -1]]}, {"ramp": [[0, 1]], "step": 0},
     {"steps": [[0, 1]], "ramp": [[0, 1]]}, {"constant": 5, "extra": 1}],
)  # fmt: skip
def test_bad_series(data):
    with pytest.raises(ValidationError):
        series(data)


def test_a_ramp_is_sampled_on_slopes_only():
    times, values = series({"ramp": [[0, 10], ["1m", 10], ["70s", 20]]}).points(120_000)
    assert times.tolist() == [0, 60_000, 65_000, 70_000]
    assert values.tolist() == [10, 10, 15, 20]


@given(
    st.sampled_from(["steps", "ramp"]),
    st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 1e12)), min_size=1, max_size=8),
    st.integers(1, 30_000),
    st.integers(1, 3000),
)
def test_points_increase_from_zero_within_the_run(form, gaps, duration_ms, step_ms):
    times = np.cumsum([0] + [gap for gap, _ in gaps[1:]])
    corners = [[int(t) / 1000, value] for t, (_, value) in zip(times, gaps)]
    extra = {"step": step_ms / 1000} if form == "ramp" else {}
    made = series({form: corners, **extra})
    at, values = made.points(duration_ms)
    assert (at.dtype, values.dtype) == (np.int64, np.float64)
    assert at[0] == 0
    assert (np.diff(at) > 0).all()
    assert at[-1] < duration_ms
    assert (values >= 0).all()
    assert values.max() <= made.peak() * (1 + 1e-12)
    assert series(made.model_dump(by_alias=True)) == made


@given(st.floats(0, 1e6, allow_subnormal=False))
def test_fractions_of_a_milli_survive(value):
    behaviour = ContainerBehaviour(cpu_per_request_milli=value)
    again = written(ContainerBehaviour, behaviour.model_dump(by_alias=True))
    assert again.cpu_per_request_milli == pytest.approx(value, rel=1e-15)


def test_upstream_flags_and_their_defaults():
    spec = written(ClusterAutoscalerSpec, {"scan-interval": "20s", "max-nodes-total": 7})
    assert (spec.scan_interval_ms, spec.max_nodes_total) == (20_000, 7)
    assert ClusterAutoscalerSpec().scale_down_unneeded_time_ms == 600_000
    assert set(ClusterAutoscalerSpec.model_fields) >= NOT_ACTED_UPON | WITHOUT_EFFECT
    for flag in ("scanInterval", "scan_interval_ms"):
        with pytest.raises(ValidationError):
            written(ClusterAutoscalerSpec, {flag: "20s"})


@pytest.mark.parametrize("expander", ["grpc", "least-waste,least-waste", "random,price", "best", 5])
def test_expanders_that_are_not_modelled(expander):
    with pytest.raises(ValidationError):
        written(ClusterAutoscalerSpec, {"expander": expander})


def test_phases():
    control = written(ControlPlaneSpec, {"phases": {"scrape": "3s", "hpa": {"default/app": "1s"}}})
    assert (control.phases.scrape_ms, control.phases.hpa_ms) == (3000, {"default/app": 1000})
    assert written(ControlPlaneSpec, {"phases": {"hpa": 5}}).phases.hpa_ms == 5000
    assert written(ControlPlaneSpec, {"phases": "zero"}).phases == "zero"


@pytest.mark.parametrize("start", ["2026-01-01", "2026-01-01T00:00:00", "now", 5, "2026-01-01T00:00:00.0001Z"])
def test_bad_start_times(start):
    with pytest.raises(ValidationError):
        written(Scenario, {"start": start})


def test_start_is_kept_in_utc_to_the_millisecond():
    scenario = written(Scenario, {"start": "2026-06-01T12:00:00.250+02:00"})
    assert scenario.model_dump(by_alias=True)["start"] == "2026-06-01T10:00:00.250Z"
