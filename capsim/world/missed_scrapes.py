"""Scrapes that a kubelet does not answer in time: metrics-server then knows nothing of the node's pods.

Source: metrics-server v0.7 (pkg/storage/pod.go): the batch of a scrape replaces what was stored, so that a node that is
missing in it takes both samples of its pods with it. They have no value at that scrape nor at the next, which finds no
sample before its own (unless the container is so fresh that one sample is enough).

Which scrapes fail is drawn for each node and scrape. Not modelled: failures that follow from load.
"""

from __future__ import annotations

from capsim.jit import kernel
from capsim.rng import STREAM_MISSED_SCRAPE, draw
from capsim.state.tables import (
    NODE_READY,
    NODE_REGISTERED,
    P_MISSED_SCRAPES,
    P_SEED,
    SCRAPE_LAST,
    Clock,
    Groups,
    Nodes,
    PodLinks,
    PodUsage,
)


@kernel
def mark_missed(clock: Clock, nodes: Nodes, groups: Groups, links: PodLinks, usage: PodUsage):
    """Mark the pods of nodes that the scrape just published has no answer from."""
    scrape_ms = clock.values[SCRAPE_LAST]
    for n in range(nodes.state.shape[0]):
        if nodes.state[n] == NODE_READY or nodes.state[n] == NODE_REGISTERED:
            entity = groups.hash[nodes.group[n]] + nodes.ordinal[n]
            drawn = draw(clock.params[P_SEED], STREAM_MISSED_SCRAPE, entity, scrape_ms)
            p = nodes.first_pod[n] if drawn < clock.params[P_MISSED_SCRAPES] else -1
            while p >= 0:
                usage.missed_ms[p] = scrape_ms
                p = links.node_next[p]
