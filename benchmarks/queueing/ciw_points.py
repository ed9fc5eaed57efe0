"""The same stations in `ciw`, a simulation library written by others: ``simulated-ciw.csv``.

`ciw` installs a package called ``tests``, which would hide ours: give it an environment of its own, and run this file
there as a script; it imports nothing of capsim:

    python3 -m venv --clear .venv-ciw && .venv-ciw/bin/pip install 'ciw==3.2.*'
    .venv-ciw/bin/python benchmarks/queueing/ciw_points.py
"""

from __future__ import annotations

import csv
import math
import statistics
from pathlib import Path

import ciw

FILE = Path(__file__).with_name("simulated-ciw.csv")
REQUESTS = {0.5: 50_000, 0.8: 75_000}
"""Per point by utilisation; ciw simulates a few thousand requests a second."""
MORE = 2
"""Times as many where the service has an scv of 4."""
BATCHES = 20
COLUMNS = (
    "kind", "servers", "slots", "pods", "policy", "scv", "utilization", "at", "requests", "mean", "p50", "p95", "p99",
    "standard_error",
)  # fmt: skip


def service(scv: float) -> ciw.dists.Distribution:
    """Mean 1: Erlang-4, exponential, or hyperexponential with balanced means and scv 4."""
    if scv == 0.25:
        return ciw.dists.Erlang(rate=4.0, num_phases=4)
    if scv == 1.0:
        return ciw.dists.Exponential(rate=1.0)
    p = 0.5 * (1.0 + math.sqrt((scv - 1.0) / (scv + 1.0)))
    return ciw.dists.HyperExponential(rates=[2.0 * p, 2.0 * (1.0 - p)], probs=[p, 1.0 - p])


def point(servers: int, scv: float, utilization: float, requests: int) -> tuple[float, ...]:
    """Mean, p50, p95 and p99 of the response time, and the standard error of the mean from batches in order."""
    rate = servers * utilization
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=rate)],
        service_distributions=[service(scv)],
        number_of_servers=[servers],
    )
    ciw.seed(5)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(1.05 * requests / rate)
    warm = 0.05 * requests / rate
    records = sorted((r.arrival_date, r.exit_date) for r in simulation.get_all_records() if r.arrival_date > warm)
    times = [exit - arrival for arrival, exit in records]
    size = len(times) // BATCHES
    means = [sum(times[k * size : (k + 1) * size]) / size for k in range(BATCHES)]
    error = statistics.stdev(means) / BATCHES**0.5
    ordered = sorted(times)
    return (sum(times) / len(times), *(ordered[int(q * len(times))] for q in (0.5, 0.95, 0.99)), error)


def main() -> None:
    """Write the file."""
    with FILE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for servers in (1, 2, 8, 64):
            for scv in (0.25, 1.0, 4.0):
                for utilization in (0.5, 0.8):
                    requests = REQUESTS[utilization] * (MORE if scv > 1.0 else 1)
                    found = [f"{value:.6g}" for value in point(servers, scv, utilization, requests)]
                    writer.writerow(["ciw", servers, servers, 1, "", scv, utilization, "", requests, *found])
                    file.flush()


if __name__ == "__main__":
    main()
