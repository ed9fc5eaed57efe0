"""The control plane's own failures: quorum of etcd, and the gap until another leader acts.

Without a quorum nothing can be written: controllers, scheduler and published metrics stand still, kubelets start
nothing new, and pods keep serving as the endpoints were. With a quorum, the loss of the leaders' node costs a gap:
the others wait for the lease to run out (client-go leader election). Both leaders are taken to be on the node that
fails first.

Not modelled: an API server that is slow rather than down, controllers that lead from different nodes, clients that
lose one of several API servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.build.control import set_leaf
from capsim.engine.faults.cluster import tell
from capsim.rng import STREAM_FAULT, draw
from capsim.state.tables import FROZEN_UNTIL, NEVER, NEXT_FLUSH, NEXT_PUBLISH, NEXT_SCRAPE, P_RESOLUTION

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.chaos import ControlPlaneOutage

FLUSH_MS = 30_000


def control_plane_outage(sim: Simulation, event: ControlPlaneOutage) -> None:
    """Some control-plane nodes fail."""
    faults, now = sim.faults, sim.now_ms
    faults.outages = [(count, until) for count, until in faults.outages if until > now]
    faults.outages.append((event.nodes, now + event.duration_ms))
    until = quorum_back_ms(sim)
    if until > now:
        tell(sim, "the control plane has lost its quorum: nothing is decided until it is back")
        freeze(sim, until + retry_ms(sim, 1))
    else:
        gap = sim.scenario.control_plane.leader_election.lease_duration_ms - retry_ms(sim, 0) + retry_ms(sim, 1)
        tell(sim, "the leaders' node is gone: nothing is decided until others take over")
        freeze(sim, now + gap)


def retry_ms(sim: Simulation, k: int) -> int:
    """A draw within retryPeriod: since the last renewal, or until the next attempt."""
    period = sim.scenario.control_plane.leader_election.retry_period_ms
    return int(draw(sim.scenario.seed & 0x7FFFFFFF, STREAM_FAULT, 1, 2 * (sim.now_ms & 0x3FFFFFFF) + k)) % period


def quorum_back_ms(sim: Simulation) -> int:
    """When a majority of the control-plane nodes is there again; now, if it is."""
    nodes = sim.scenario.control_plane.nodes
    down = sum(count for count, _ in sim.faults.outages)
    at = sim.now_ms
    for count, until in sorted(sim.faults.outages, key=lambda outage: outage[1]):
        if nodes - min(nodes, down) > nodes // 2:
            break
        at, down = until, down - count
    return at


def freeze(sim: Simulation, until_ms: int) -> None:
    """Nobody decides anything until then."""
    v = sim.state.clock.values
    until_ms = max(until_ms, int(v[FROZEN_UNTIL]))
    v[FROZEN_UNTIL] = until_ms
    # Periodic readings do not catch up with what they missed.
    v[NEXT_SCRAPE] = later(int(v[NEXT_SCRAPE]), int(sim.state.clock.params[P_RESOLUTION]), until_ms)
    v[NEXT_FLUSH] = later(int(v[NEXT_FLUSH]), FLUSH_MS, until_ms)
    if v[NEXT_PUBLISH] < until_ms:
        v[NEXT_PUBLISH] = NEVER if v[NEXT_PUBLISH] == NEVER else until_ms
    sim.faults.agenda.add(until_ms, "thaw", until_ms)


def later(at_ms: int, period_ms: int, until_ms: int) -> int:
    """The first tick that is not before ``until_ms``."""
    return at_ms if at_ms >= until_ms else at_ms + -(-(until_ms - at_ms) // period_ms) * period_ms


def begin_syncs(sim: Simulation, at_ms: int) -> None:
    """A controller that starts finds all HPAs in its queue; their next syncs count from there."""
    hpas = sim.state.hpas
    hpas.phase_ms[:] = at_ms
    for h in np.flatnonzero(hpas.custom[: len(sim.names.hpas)] == 0).tolist():
        set_leaf(sim.state.wheels.hpa, h, at_ms)


def thaw(sim: Simulation, until_ms: int) -> None:
    """The control plane decides again; its controllers begin without what they had observed."""
    if int(sim.state.clock.values[FROZEN_UNTIL]) == until_ms:
        sim.faults.thawed_ms = until_ms
        begin_syncs(sim, until_ms)
        tell(sim, "the control plane works again")
