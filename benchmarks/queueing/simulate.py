"""Simulates every point of the error table: ``python -m benchmarks.queueing.simulate [KIND ...]``.

Writes ``simulated-KIND.csv`` beside this file; all kinds take about a quarter of an hour on one core. Seeds are
fixed. Times are in units of the mean service time, of journeys in seconds.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.queueing.event_simulation import BINS, fcfs, quantiles, shared
from benchmarks.queueing.network_simulation import empty, journeys
from benchmarks.queueing.networks import CASES, network, shape
from benchmarks.queueing.pods_simulation import balanced, balanced_sharing, overloaded
from capsim.world.queueing.phases import fit

FOLDER = Path(__file__).parent
PERCENTILES = np.array([0.5, 0.95, 0.99])
COLUMNS = (
    "kind", "servers", "slots", "pods", "policy", "scv", "utilization", "at", "requests", "mean", "p50", "p95", "p99",
)  # fmt: skip
SCVS = (0.25, 1.0, 4.0)
POLICIES = ("random", "roundRobin", "leastRequests", "randomOfTwo")
PHASES = ((0.5, 100.0), (1.5, 200.0), (0.5, 500.0))
"""Utilisation, and the end in service times, of the step overload."""
EDGES = np.arange(60.0, 501.0, 20.0)


def row(histogram: Any, mean: float, requests: float, **what: Any) -> dict[str, Any]:
    """One line of the file."""
    found = {name: float(q) for name, q in zip(("p50", "p95", "p99"), quantiles(histogram, PERCENTILES))}
    return {**dict.fromkeys(COLUMNS, ""), **what, "requests": int(requests), "mean": mean, **found}


def stations(requests: int) -> Iterator[dict[str, Any]]:
    """First come, first served; at a utilisation of 0.95 five times as many requests."""
    for servers in (1, 2, 8, 64):
        for scv in SCVS:
            for u in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
                n = requests * (5 if u > 0.9 else 1)
                h = np.zeros(BINS)
                mean, _, _ = fcfs(servers, shape(fit(1.0 / (servers * u), 1.0)), shape(fit(1.0, scv)), n, 1, h)
                yield row(h, mean, n, kind="fcfs", servers=servers, slots=servers, pods=1, scv=scv, utilization=u)


def sharing(requests: int) -> Iterator[dict[str, Any]]:
    """Processor sharing, with and without a limit of requests at a time."""
    for cores, slots in ((1, 0), (4, 0), (1, 4), (2, 8)):
        for scv in SCVS:
            for u in (0.5, 0.8, 0.95):
                n = requests * (3 if u > 0.9 else 1)
                h = np.zeros(BINS)
                service = shape(fit(1.0, scv))
                mean = shared(float(cores), slots or 1 << 40, shape(fit(1.0 / (cores * u), 1.0)), service, n, 2, h)
                yield row(h, mean, n, kind="ps", servers=cores, slots=slots, pods=1, scv=scv, utilization=u)


def pods(requests: int) -> Iterator[dict[str, Any]]:
    """Several pods behind a balancer."""
    for index, policy in enumerate(POLICIES):
        for count, servers in ((4, 1), (16, 1), (16, 4)):
            for scv in SCVS:
                for u in (0.5, 0.8, 0.9):
                    h = np.zeros(BINS)
                    arrive = shape(fit(1.0 / (count * servers * u), 1.0))
                    mean = balanced(count, servers, index, arrive, shape(fit(1.0, scv)), requests, 3, h)
                    what = {"kind": "pods", "servers": servers, "slots": servers, "pods": count, "policy": policy}
                    yield row(h, mean, requests, **what, scv=scv, utilization=u)


def sharing_pods(requests: int) -> Iterator[dict[str, Any]]:
    """Several pods that share their cores, behind a balancer."""
    for index, policy in enumerate(POLICIES):
        for count, cores in ((4, 1), (16, 2)):
            for scv in SCVS:
                for u in (0.5, 0.8, 0.9):
                    h = np.zeros(BINS)
                    arrive = shape(fit(1.0 / (count * cores * u), 1.0))
                    mean = balanced_sharing(count, cores, index, arrive, shape(fit(1.0, scv)), requests, 6, h)
                    what = {"kind": "pods-ps", "servers": cores, "slots": 0, "pods": count, "policy": policy}
                    yield row(h, mean, requests, **what, scv=scv, utilization=u)


def end_to_end(requests: int) -> Iterator[dict[str, Any]]:
    """Journeys over several services (``networks.CASES``), ``policy`` names the case."""
    for case in CASES:
        for scv in SCVS:
            for u in (0.5, 0.8):
                h = np.zeros(BINS)
                net, rate = network(case, scv, u)
                mean = journeys(net, empty(net.servers.size), 1.0 / rate, requests, 7, h)
                what = {"kind": "journeys", "policy": case, "scv": scv, "utilization": u}
                yield row(h, mean, requests, **what)


def transients(runs: int) -> Iterator[dict[str, Any]]:
    """A step overload (``PHASES``), by interval of arrival."""
    loads, until = np.array([p[0] for p in PHASES]), np.array([p[1] for p in PHASES])
    for servers in (1, 8):
        for scv in SCVS:
            sums, h = np.zeros((EDGES.size - 1, 2)), np.zeros((EDGES.size - 1, BINS))
            overloaded(servers, loads, until, shape(fit(1.0, scv)), runs, 4, EDGES, sums, h)
            for k in range(EDGES.size - 1):
                what = {"kind": "transient", "servers": servers, "slots": servers, "pods": 1, "at": EDGES[k]}
                yield row(h[k], sums[k, 1] / sums[k, 0], sums[k, 0], **what, scv=scv)


KINDS = {
    "fcfs": lambda scale: stations(int(2e7 * scale)),
    "ps": lambda scale: sharing(int(1e7 * scale)),
    "transient": lambda scale: transients(int(1e5 * scale)),
    "pods": lambda scale: pods(int(1e7 * scale)),
    "pods-ps": lambda scale: sharing_pods(int(3e5 * scale)),
    "journeys": lambda scale: end_to_end(int(3e5 * scale)),
}


def main(kinds: list[str], folder: Path = FOLDER, scale: float = 1.0) -> None:
    """Write the files, a line as soon as it is known; ``scale`` simulates fewer requests."""
    for kind in kinds or KINDS:
        with (folder / f"simulated-{kind}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            for line in KINDS[kind](scale):
                writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in line.items()})
                file.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
