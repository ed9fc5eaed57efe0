"""Which pods a Service's traffic reaches from where: zones, topology hints, externalTrafficPolicy.

Sources: kube-proxy and k8s.io/endpointslice/topologycache of Kubernetes v1.36. Without hints kube-proxy draws any Ready
endpoint. ``Auto`` gives each zone endpoints in proportion to its nodes' CPU, those of the control plane left out: only
if there are two zones, as many endpoints as zones, none would get more than 20 % above its even part, and every Ready
node has a zone; else there are no hints. ``PreferSameZone`` hints every endpoint for its own zone, and a zone without
any uses all. ``externalTrafficPolicy: Local`` keeps traffic on the node that it came to.

Not modelled: what hints were before (upstream keeps them while they are not too far off), terminating endpoints,
sessionAffinity, PreferSameNode.
"""

from __future__ import annotations

import math

import numpy as np

from capsim.state.tables import F64, I64

OVERLOAD = 0.2
"""Upstream's overloadThreshold."""


def hinted(topology: str, zone: I64, cpu: F64) -> I64 | None:
    """Zone for which each endpoint is hinted, int64 like ``zone`` (the endpoints' own); None: there are no hints.

    ``topology``: "", Auto or PreferSameZone; ``cpu``: allocatable CPU of each zone's Ready nodes, float64 [zones], 0
    where there is none.
    """
    if topology == "PreferSameZone":
        return zone
    if topology != "Auto":
        return None
    share = cpu / cpu.sum() if cpu.sum() > 0.0 else cpu
    zones = np.flatnonzero(share > 0.0)
    least = [math.ceil(zone.size * float(share[z]) / (1.0 + OVERLOAD) - 1e-9) for z in zones]
    if zones.size < 2 or zones.size > zone.size or sum(least) > zone.size:
        return None
    wanted = np.full(cpu.size, 0.0)
    wanted[zones] = np.maximum(zone.size * share[zones], least)
    return _moved(zone.copy(), wanted)


def _moved(hints: I64, wanted: F64) -> I64:
    """``hints`` with endpoints of zones that have more than ``wanted`` given to those that have fewer."""
    over = np.bincount(hints, minlength=wanted.size) - wanted
    while True:
        giving, taking = int(np.argmax(over)), int(np.argmin(over))
        give, take = over[giving], -over[taking]
        if min(give, take) < 0.5 or max(give, take) < 1.0:
            return hints
        over[giving] -= 1.0
        over[taking] += 1.0
        hints[np.flatnonzero(hints == giving)[0]] = taking


def spread(source: F64, zone: I64, hints: I64 | None) -> tuple[F64, float]:
    """(share of the traffic that each endpoint gets, share that crosses a zone) for traffic from ``source``.

    ``source``: share that comes from each zone, float64 [zones], sums to 1; a kube-proxy of a zone draws evenly among
    the endpoints that are hinted for it, or among all.
    """
    got = np.zeros(zone.size)
    crossing = 0.0
    for z in np.flatnonzero(source > 0.0):
        chosen = np.flatnonzero(hints == z) if hints is not None else np.arange(zone.size)
        if chosen.size == 0:
            chosen = np.arange(zone.size)
        got[chosen] += source[z] / chosen.size
        crossing += float(source[z]) * float(np.mean(zone[chosen] != z))
    return got, crossing


def spread_local(node: I64, targets: I64) -> tuple[F64, float]:
    """(share of each endpoint, share that is dropped) when ``targets`` nodes get the same part each and keep it.

    ``node`` of each endpoint; ``targets``: nodes that get traffic, at least those with endpoints.
    """
    got = np.zeros(node.size)
    if targets.size == 0:
        return got, 1.0
    served = np.intersect1d(targets, node)
    for n in served:
        mine = np.flatnonzero(node == n)
        got[mine] = 1.0 / targets.size / mine.size
    return got, 1.0 - served.size / targets.size
