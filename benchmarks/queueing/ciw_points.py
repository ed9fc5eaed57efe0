"""The same stations in `ciw`, a simulation library written by others: ``simulated-ciw.csv``.

`ciw` installs a package called ``tests``, which would hide ours: give it an environment of its own, and run this file
there as a script; it imports nothing of capsim:

    python3 -m venv --clear .venv-ciw && .venv-ciw/bin/pip install 'ciw==3.2.*'
    .venv-ciw/bin/python benchmarks/queueing/ciw_points.py
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import ciw

FILE = Path(__file__).with_name("simulated-ciw.csv")
REQUESTS = 50_000
"""Per point; ciw simulates a few thousand requests a second."""
COLUMNS = (
    "kind", "servers", "slots", "pods", "policy", "scv", "utilization", "at", "requests", "mean", "p50", "p95", "p99",
)  # fmt: skip


def service(scv: float) -> ciw.dists.Distribution:
    """Mean 1: Erlang-4, exponential, or hyperexponential with balanced means and scv 4."""
    if scv == 0.25:
        return ciw.dists.Erlang(rate=4.0, num_phases=4)
    if scv == 1.0:
        return ciw.dists.Exponential(rate=1.0)
    p = 0.5 * (1.0 + math.sqrt((scv - 1.0) / (scv + 1.0)))
    return ciw.dists.HyperExponential(rates=[2.0 * p, 2.0 * (1.0 - p)], probs=[p, 1.0 - p])


def point(servers: int, scv: float, utilization: float) -> tuple[float, float, float, float]:
    """Mean, p50, p95 and p99 of the response time."""
    rate = servers * utilization
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=rate)],
        service_distributions=[service(scv)],
        number_of_servers=[servers],
    )
    ciw.seed(5)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(1.05 * REQUESTS / rate)
    warm = 0.05 * REQUESTS / rate
    records = [r for r in simulation.get_all_records() if r.arrival_date > warm]
    times = sorted(r.exit_date - r.arrival_date for r in records)
    return (sum(times) / len(times), *(times[int(q * len(times))] for q in (0.5, 0.95, 0.99)))


def main() -> None:
    """Write the file."""
    with FILE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for servers in (1, 2, 8, 64):
            for scv in (0.25, 1.0, 4.0):
                for utilization in (0.5, 0.8):
                    found = [f"{value:.6g}" for value in point(servers, scv, utilization)]
                    writer.writerow(["ciw", servers, servers, 1, "", scv, utilization, "", REQUESTS, *found])
                    file.flush()


if __name__ == "__main__":
    main()
