"""Traffic through Ingress controllers and load balancers: what it costs, and what is refused counts as failed."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.engine.run import run_scenario
from capsim.scenario import ServiceSpec, StepsSeries
from capsim.scenario.calls import Call, LatencyObjective, Slo, Visit
from capsim.scenario.ingress import IngressClassSpec
from capsim.scenario.kubernetes.ingress import IngressBackend, IngressPath, KIngress
from capsim.scenario.kubernetes.service import KService
from capsim.scenario.network import LoadBalancer, ServiceNetwork
from tests.engine.clusters import behaviour, cluster, deployment, group

MINUTES = 10
NAMES = ("router", "shop", "cart")


def steps(*points):
    return StepsSeries.model_validate({"steps": list(points)})


def scenario(services=None, objectives=(), journeys=None, classes=None):
    """A controller before two Deployments; traffic of the second doubles after half of the time."""
    found = cluster(
        [deployment(name, replicas=2, cpu_milli=500, limit_milli=1000) for name in NAMES],
        groups=[group(cpu_milli=8000, count=2)],
        duration_ms=MINUTES * 60_000,
        sample_interval_ms=60_000,
        initial_state="declared",
        services={
            f"default/{name}": (services or {})
            .get(name, ServiceSpec())
            .replaced(workloads=[f"default/Deployment/{name}"])
            for name in NAMES
        },
        traffic={"default/shop": steps(["0s", 30.0]), "default/cart": steps(["0s", 10.0], ["5m", 20.0])},
        workloads={f"default/Deployment/{name}": behaviour(2.0 if name == "router" else 10.0) for name in NAMES},
        slos=list(objectives),
        journeys=journeys or {},
        ingress_classes=classes or {},
    )
    paths = [IngressPath(path=f"/{n}", backend=IngressBackend(service=n)) for n in ("shop", "cart")]
    found.objects.ingresses.append(KIngress(namespace="default", name="web", class_name="class", paths=paths))
    found.objects.services.append(KService(namespace="default", name="router", type="LoadBalancer"))
    return found


ROUTES = [Call(one_of=[Call(service=f"default/{name}", ingress=True) for name in ("shop", "cart")])]


def rates(recording, column="rps"):
    frame = recording.series["workloads"]
    return {
        name: frame[(frame["workload"] == f"default/Deployment/{name}").to_numpy()][column].to_numpy() for name in NAMES
    }


@pytest.mark.plain
def test_all_traffic_goes_through_the_controllers_pods_as_it_changes():
    recording = run_scenario(scenario({"router": ServiceSpec(calls=ROUTES)}))
    rps = rates(recording)
    assert rps["shop"] == pytest.approx(np.full(MINUTES, 30.0))
    assert rps["cart"] == pytest.approx(np.repeat([10.0, 20.0], MINUTES // 2), rel=1e-3)
    assert rps["router"] == pytest.approx(rps["shop"] + rps["cart"], rel=1e-3)
    assert rates(recording, "cpu_used_milli")["router"] == pytest.approx(2.0 * rps["router"], rel=1e-3)


@pytest.mark.plain
def test_a_request_takes_the_time_of_the_controller_and_of_one_backend():
    frame = run_scenario(scenario({"router": ServiceSpec(calls=ROUTES)})).series["responses"]
    last = frame[frame["time_ms"] == 4 * 60_000].set_index("name")
    mean = last["mean_ms"].astype(float)
    mixed = 0.75 * mean["default/shop"] + 0.25 * mean["default/cart"]
    assert mean["default/router"] == pytest.approx(
        last["own_mean_ms"].astype(float)["default/router"] + mixed, rel=0.02
    )


@pytest.mark.plain
def test_a_full_controller_keeps_requests_from_its_backends():
    found = scenario({"router": ServiceSpec(calls=ROUTES, overload="drop")})
    found.workloads["default/Deployment/router"] = behaviour(100.0)
    rps = rates(run_scenario(found))
    assert rps["router"][-1] == pytest.approx(50.0), "offered"
    assert rps["shop"][-1] + rps["cart"][-1] == pytest.approx(20.0, rel=1e-3), "two pods of 10 requests a second"
    assert rps["shop"][-1] == pytest.approx(1.5 * rps["cart"][-1], rel=1e-3)


@pytest.mark.plain
def test_what_a_load_balancer_refuses_is_arrived_and_lost():
    balancer = LoadBalancer(price_per_hour_usd=1.0, price_per_unit_usd=0.1, unit_rps=5.0, max_rps=25.0)
    classes = {"class": IngressClassSpec(load_balancer=balancer)}
    objectives = [
        Slo(service="default/cart", availability=99.0),
        Slo(name="fast", service="default/cart", latency=LatencyObjective(percentile=99.0, below_ms=60_000)),
        Slo(name="both", journey="buy", availability=99.0),
    ]
    journeys = {"buy": [Visit(service="default/cart", requests=2), Visit(service="default/shop")]}
    recording = run_scenario(scenario(objectives=objectives, journeys=journeys, classes=classes))
    kept = np.repeat([25.0 / 40.0, 25.0 / 50.0], MINUTES // 2)
    rps, lost, served = (rates(recording, c)["cart"] for c in ("rps", "lost_rps", "served_rps"))
    offered = np.repeat([10.0, 20.0], MINUTES // 2)
    assert rps == pytest.approx(offered)
    assert lost == pytest.approx(offered * (1.0 - kept))
    assert rps == pytest.approx(lost + served)
    assert rates(recording, "cpu_used_milli")["cart"] == pytest.approx(10.0 * offered * kept), "no pod works on it"
    frame = recording.series["objectives"]
    for name in ("cart availability", "fast"):
        rows = frame[(frame["slo"] == name).to_numpy()]
        assert rows["requests"].to_numpy() == pytest.approx(60.0 * offered)
        assert rows["bad_requests"].to_numpy() == pytest.approx(60.0 * offered * (1.0 - kept), rel=1e-3)
    both = frame[(frame["slo"] == "both").to_numpy()]
    assert both["requests"].to_numpy() == pytest.approx(30.0 * offered)
    assert both["bad_requests"].to_numpy() == pytest.approx(30.0 * offered * (1.0 - kept**3), rel=1e-3)
    (row,) = [rows for name, rows in recording.series["network"].groupby("service", observed=True)]
    assert str(row["service"].iloc[0]) == "default/Ingress/web"
    assert row["requests"].sum() == pytest.approx(25.0 * 600)
    assert row["load_balancer_usd"].sum() == pytest.approx((1.0 + 0.1 * 5.0) / 6.0)


@pytest.mark.plain
def test_what_the_load_balancer_of_a_controller_refuses_fails_at_the_controller():
    network = ServiceNetwork(load_balancer=LoadBalancer(max_rps=20.0))
    found = scenario({"router": ServiceSpec(calls=ROUTES, network=network)})
    recording = run_scenario(found)
    frame = recording.series["responses"]
    router = frame[(frame["name"] == "default/router").to_numpy()]
    assert router["requests"].to_numpy() == pytest.approx(60.0 * np.repeat([40.0, 50.0], 5))
    assert router["failed_requests"].to_numpy() == pytest.approx(60.0 * np.repeat([20.0, 30.0], 5), rel=1e-3)
    assert rates(recording)["shop"] == pytest.approx(np.repeat([15.0, 12.0], 5), rel=1e-3)
