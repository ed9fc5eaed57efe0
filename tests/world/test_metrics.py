"""What the metrics API says of a pod, and when it says nothing (metrics-server's rules)."""

from __future__ import annotations

import pytest

from capsim.engine.custom import Custom
from capsim.engine.drive import Simulation
from capsim.scenario import (
    ControlPlaneSpec,
    Distribution,
    KubeletSpec,
    MetricsServerSpec,
    Phases,
    Scale,
    ServiceSpec,
    StepsSeries,
    TimedEvent,
)
from tests.engine.clusters import behaviour, cluster, deployment

pytestmark = pytest.mark.plain

APP = deployment("a", 1, 500)


def seen(at_ms, *, start_ms=5000, scrape_ms=0, delay_ms=0, rates=((0, 20),), scale_ms=None, until_ms=120_000):
    """What a controller sees of the youngest pod at ``at_ms``; a second pod comes with ``scale_ms``."""
    views = []
    custom = Custom(lambda view: views.append(view.pods(APP.key)[-1]), period_ms=10**9, phase_ms=at_ms)
    steps = [{"at_ms": at, "value": value} for at, value in rates]
    scenario = cluster(
        [APP],
        duration_ms=until_ms,
        workloads={APP.key: behaviour(10.0, 50.0, startup_time=Distribution.constant(start_ms))},
        services={"default/a": ServiceSpec(workloads=[APP.key])},
        traffic={"default/a": StepsSeries.model_validate({"steps": steps}, by_name=True)},
        events=[] if scale_ms is None else [TimedEvent(at_ms=scale_ms, scale=Scale(target=APP.key, replicas=2))],
        control_plane=ControlPlaneSpec(
            phases=Phases(scrape_ms=scrape_ms),
            metrics_server=MetricsServerSpec(delay_ms=delay_ms),
            kubelet=KubeletSpec(housekeeping_interval_ms=0),
        ),
    )
    sim = Simulation(scenario, [custom])
    sim.advance(until_ms)
    (pod,) = views
    return pod


def test_a_settled_pod_shows_its_usage_over_the_last_window():
    pod = seen(50_000)
    assert (pod.ready, pod.has_metrics, pod.cpu_milli, pod.stamp_ms, pod.window_ms) == (True, True, 250, 45_000, 15_000)


def test_a_step_is_averaged_over_the_window_and_seen_late():
    rates = ((0, 20), (33_000, 80))
    assert seen(44_999, rates=rates).cpu_milli == 250
    # 3 s at 20 and 12 s at 80 requests per second: 68 on average.
    assert seen(45_000, rates=rates).cpu_milli == 730
    assert seen(60_000, rates=rates).cpu_milli == 850


def test_a_delay_holds_the_values_back():
    rates = ((0, 20), (33_000, 80))
    assert seen(46_999, rates=rates, delay_ms=2000).cpu_milli == 250
    assert seen(47_000, rates=rates, delay_ms=2000).cpu_milli == 730


# The new pod is Ready 5.046 s after the event (34 ms until it is created, 12 ms until it is bound).
@pytest.mark.parametrize(
    ("ready_before_scrape_ms", "has", "window_ms"),
    [(1000, False, 0), (9999, False, 0), (10_000, True, 10_000), (14_999, True, 14_999), (15_000, True, 15_000)],
)
def test_a_first_sample_counts_if_it_is_at_least_10_s_old(ready_before_scrape_ms, has, window_ms):
    pod = seen(60_000, scale_ms=60_000 - ready_before_scrape_ms - 5046)
    assert pod.ready
    assert pod.has_metrics == has
    if has:
        assert (pod.cpu_milli, pod.window_ms, pod.stamp_ms) == (150, window_ms, 60_000)


def test_the_second_sample_has_a_full_window():
    pod = seen(75_000, scale_ms=60_000 - 1000 - 5046)
    assert (pod.has_metrics, pod.cpu_milli, pod.window_ms) == (True, 150, 15_000)


def test_a_starting_pod_is_not_ready_and_has_nothing():
    pod = seen(60_000, scale_ms=57_000)
    assert (pod.ready, pod.has_metrics, pod.cpu_milli) == (False, False, 0)


@pytest.mark.parametrize("fraction_ms", [0, 1, 400, 999])
def test_stamps_are_whole_seconds_of_the_wall_clock(fraction_ms):
    pod = seen(61_000, scrape_ms=fraction_ms)
    assert pod.stamp_ms == 60_000
