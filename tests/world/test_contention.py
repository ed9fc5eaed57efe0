"""CPU shares of a contended node against a plain water filling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim import load, run
from capsim.engine.drive import Simulation
from capsim.engine.published import published
from capsim.scenario import ControlPlaneSpec, KubeletSpec, ServiceSpec, StepsSeries
from capsim.state.tables import POD_READY
from tests.engine.clusters import behaviour, cluster, deployment, group

pytestmark = [pytest.mark.plain]

SCENARIO = """
apiVersion: capsim/v1
name: node
duration: 30s
sampleInterval: 10s
nodeGroups:
  - {{name: n, instance: {{cpu: {cpu}m, memory: 8Gi}}, max: 1, initial: 1}}
objects:
{objects}
services:
{services}
workloads:
{workloads}
traffic:
{traffic}
"""
OBJECT = """  - apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: w{i}}}
    spec:
      replicas: 1
      selector: {{matchLabels: {{app: w{i}}}}}
      template:
        metadata: {{labels: {{app: w{i}}}}}
        spec: {{containers: [{{name: c, resources: {{requests: {{cpu: {request}m}}, limits: {{cpu: {limit}m}}}}}}]}}"""


def fair_shares(capacity: float, wants: list[float], weights: list[float]) -> list[float]:
    """Max-min fair shares: satisfy whoever wants less than its share, divide the rest, repeat."""
    shares = [0.0] * len(wants)
    open_ = set(range(len(wants)))
    left = capacity
    while open_:
        level = left / sum(weights[i] for i in open_)
        content = {i for i in open_ if wants[i] <= level * weights[i]}
        if not content:
            for i in open_:
                shares[i] = level * weights[i]
            break
        for i in content:
            shares[i] = wants[i]
            left -= wants[i]
        open_ -= content
    return shares


@given(
    st.integers(600, 3000),
    st.lists(st.tuples(st.integers(20, 150), st.integers(10, 300)), min_size=2, max_size=4),
)
@settings(max_examples=12, deadline=None)
def test_shares_are_max_min_fair(tmp_path_factory, capacity, pods):
    place = tmp_path_factory.mktemp("s") / "s.yaml"
    numbers = range(len(pods))
    place.write_text(
        SCENARIO.format(
            cpu=capacity,
            objects="\n".join(OBJECT.format(i=i, request=r, limit=4000) for i, (r, _) in enumerate(pods)),
            services="\n".join(f"  w{i}: {{workloads: [w{i}], overload: queue, requestTimeout: 1h}}" for i in numbers),
            workloads="\n".join(f"  w{i}: {{containers: {{c: {{cpuPerRequest: 10m}}}}}}" for i in numbers),
            traffic="\n".join(f"  w{i}: {rate}" for i, (_, rate) in enumerate(pods)),
        )
    )
    frame = run(load(place)).series["workloads"]
    used = frame[frame["time_ms"] == 20_000]["cpu_used_milli"].to_numpy()
    wants = [rate * 10.0 for _, rate in pods]
    if sum(wants) <= capacity:
        np.testing.assert_allclose(used, wants, rtol=1e-6)
        return
    # Overloaded pods have a backlog and want all that their limit allows.
    shares = fair_shares(capacity, wants, [float(r) for r, _ in pods])
    short = [share < want - 1e-6 for share, want in zip(shares, wants)]
    shares = fair_shares(capacity, [4000.0 if s else w for s, w in zip(short, wants)], [float(r) for r, _ in pods])
    assert used.sum() <= capacity * (1 + 1e-6)
    np.testing.assert_allclose(used, shares, rtol=1e-3)


def test_pods_of_one_workload_on_contended_and_free_nodes_are_published_as_they_serve():
    """Two pods of ``a``: one shares its node with ``b``, whose traffic grows; no sample before that is made up."""
    a, b = deployment("a", 2, 600), deployment("b", 1, 1000)

    def steps(*corners):
        listed = [{"at_ms": at, "value": value} for at, value in corners]
        return StepsSeries.model_validate({"steps": listed}, by_name=True)

    sim = Simulation(
        cluster(
            [a, b],
            [group(1700, 2)],
            workloads={w.key: behaviour(10.0) for w in (a, b)},
            services={f"default/{w.name}": ServiceSpec(workloads=[w.key]) for w in (a, b)},
            control_plane=ControlPlaneSpec(phases="zero", kubelet=KubeletSpec(housekeeping_interval_ms=0)),
            traffic={"default/a": steps((0, 160)), "default/b": steps((0, 10), (200_000, 150), (320_000, 10))},
        )
    )
    rates = []
    for at_ms in range(190_001, 420_000, 5_000):
        sim.advance(at_ms)
        s = sim.state
        mine = [p for p in np.flatnonzero(s.pods.state == POD_READY) if s.pods.workload[p] == 0]
        rows = [published(s.clock, s.pods, s.usage, s.workloads, s.physics, s.marks, p) for p in mine]
        assert all(row[0] for row in rows)
        rates.append(sorted(row[1] for row in rows))
    lowest, highest = 1700 * 600 / 1600 / 10, 160 - 1700 * 600 / 1600 / 10
    assert np.min(rates) == pytest.approx(lowest)
    assert np.max(rates) == pytest.approx(highest)
    assert np.sum(rates, axis=1) == pytest.approx(160.0)
    assert rates[0] == rates[-1] == [80.0, 80.0]
