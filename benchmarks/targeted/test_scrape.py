"""metrics-server: a scrape of every workload and its publication."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.generated import Fleet, fleet_scenario
from capsim.engine.drive import Simulation, copy_tables
from capsim.jit import entry
from capsim.state.marks import BUSY_SCRAPES
from capsim.state.tables import M_BUSY, POD_READY, S_LAST, S_PREV
from capsim.world.metrics import publish, scrape
from capsim.world.rates import integral_at

FLEET = Fleet("scrape", workloads=1000, days=0.1, pods_each=10, node_milli=32_000, most_nodes=2000, noise_cv=0)
SCRAPES = 100


@entry
def scrape_many(clock, pods, links, usage, workloads, physics, marks, scrapes):
    """``scrapes`` scrapes, 15 s apart."""
    for k in range(scrapes):
        now = 60_000 + 15_000 * k
        scrape(clock, pods, links, usage, workloads, physics, marks, now)
        publish(clock, pods, links, usage, workloads, physics, marks)
    return now


@entry
def integrals(physics, now, out):
    """What a pod of each workload has served."""
    for w in range(out.shape[0]):
        out[w] = integral_at(physics, w, now)


@pytest.mark.parametrize("each_pod", [False, True], ids=["workloads", "each pod"])
def test_scrape(measure, each_pod):
    sim = Simulation(fleet_scenario(FLEET))
    count = FLEET.workloads
    marks = sim.state.marks
    marks.busy[:count] = np.arange(count)
    marks.busy_flag[:count] = BUSY_SCRAPES
    marks.touched_count[M_BUSY] = count
    marks.own_flag[:count] = SCRAPES + BUSY_SCRAPES if each_pod else 0
    ready = int(sim.state.workloads.count[:count, POD_READY].sum())
    assert ready > 3 * count

    def fresh():
        s = sim.state
        parts = (s.clock, s.pods, s.links, s.usage, s.workloads, s.physics, s.marks)
        return (*(copy_tables(part) for part in parts), SCRAPES)

    amount = SCRAPES * (ready if each_pod else count)
    now = measure(scrape_many, prepare=fresh, amount=amount, unit="samples/s")
    arguments = fresh()
    scrape_many(*arguments)
    physics, served = arguments[5], np.empty(count)
    integrals(physics, now, served)
    assert physics.samples[:count, S_LAST] == pytest.approx(served)
    step = physics.samples[:count, S_LAST] - physics.samples[:count, S_PREV]
    assert step == pytest.approx(physics.pod_rps[:count] * 15)
