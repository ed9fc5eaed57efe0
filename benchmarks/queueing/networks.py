"""Services that call each other, for the simulation and for capsim: what the journeys of the error table go through.

Each service has one pod. ``gateway`` shares four cores and is little used; of the others ``inventory`` shares two
cores, ``orders``, ``users`` and ``payment`` are lines for 4, 1 and 2 requests. All but the gateway get the same
utilisation at the rate of the journeys, by their CPU time a request.
"""

from __future__ import annotations

import numpy as np

from benchmarks.queueing.network_simulation import Network
from capsim.world.queueing.phases import Phases, fit

SERVERS = {"gateway": 4, "orders": 4, "users": 1, "payment": 2, "inventory": 2}
SHARES = ("gateway", "inventory")
LIGHT = 0.2
"""Utilisation of the gateway."""
Calls = list[list[tuple[str, float]]]
"""Groups of (callee, how often); below 1 a chance."""
CASES: dict[str, tuple[list[str], dict[str, Calls]]] = {
    "sequential": (["gateway"], {"gateway": [[("orders", 1)], [("users", 1)], [("payment", 1)]]}),
    "parallel": (["gateway"], {"gateway": [[("users", 1), ("payment", 1), ("inventory", 1)]]}),
    "probability": (["gateway"], {"gateway": [[("users", 0.3)], [("inventory", 2)], [("payment", 0.5)]]}),
    "nested": (
        ["gateway"],
        {
            "gateway": [[("inventory", 1)], [("users", 0.5), ("payment", 1)]],
            "payment": [],
            "inventory": [[("orders", 1)]],
        },
    ),
    "two visits": (["gateway", "orders"], {"gateway": [[("users", 1)]], "orders": [[]]}),
}
"""By name: what a journey asks for, and the calls of each service."""


def asked(case: str) -> dict[str, float]:
    """Requests to each service in a journey."""
    visits, calls = CASES[case]
    found = dict.fromkeys(SERVERS, 0.0)
    for name in visits:
        found[name] += 1.0
    for name in ("gateway", "inventory", "payment"):  # callers before callees
        for group in calls.get(name, []):
            for callee, number in group:
                found[callee] += found[name] * number
    return found


def cpu_s(case: str, utilization: float) -> dict[str, float]:
    """CPU-seconds of a request to each service, one journey a second."""
    load = {name: LIGHT if name == "gateway" else utilization for name in SERVERS}
    return {n: SERVERS[n] * load[n] / number for n, number in asked(case).items() if number > 0.0}


def network(case: str, scv: float, utilization: float) -> tuple[Network, float]:
    """The case as the simulation takes it, and its journeys per second."""
    visits, calls = CASES[case]
    costs = cpu_s(case, utilization)
    names = list(costs)
    flat = [
        (names.index(caller), group, names.index(callee), number)
        for caller in names
        for group, members in enumerate(calls.get(caller, []))
        for callee, number in members
    ]
    callers = [c for c, _, _, _ in flat]
    start = np.searchsorted(callers, np.arange(len(names) + 1))
    numbers = np.array([n for _, _, _, n in flat], np.float64)
    return (
        Network(
            shares=np.array([name in SHARES for name in names], np.int64),
            servers=np.array([SERVERS[name] for name in names], np.int64),
            shape=np.stack([shape(fit(costs[name], scv)) for name in names]),
            start=start.astype(np.int64),
            group=np.array([g for _, g, _, _ in flat], np.int64),
            callee=np.array([c for _, _, c, _ in flat], np.int64),
            chance=np.minimum(numbers, 1.0),
            times=np.maximum(numbers, 1.0).astype(np.int64),
            visits=np.array([names.index(name) for name in visits], np.int64),
        ),
        1.0,
    )


def shape(duration: Phases) -> np.ndarray:
    """A duration as the simulations take it."""
    (p, q), (j, k), (a, b) = duration.chance, duration.stages, duration.rate
    return np.array([p, j, a, q, k, b], np.float64)
