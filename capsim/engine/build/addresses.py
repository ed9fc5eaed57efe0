"""How the nodes of each group take addresses, and how many each subnet has."""

from __future__ import annotations

import numpy as np

from capsim.scenario.scenario import Scenario
from capsim.state.tables import Groups
from capsim.state.tables_addresses import (
    NET_BLOCK,
    NET_COOL_MS,
    NET_FIXED,
    NET_LOST,
    NET_WARM,
    SN_FREE,
)

NOT_FOR_PODS = 3
"""Of a node's own range: network, gateway and broadcast address (host-local IPAM)."""


def with_subnets(groups: Groups, scenario: Scenario) -> Groups:
    """The groups with their subnets, all of them free."""
    table = np.zeros((len(scenario.subnets), 2), np.int64)
    table[:, SN_FREE] = [spec.size() for spec in scenario.subnets.values()]
    for g, group in enumerate(scenario.node_groups):
        pods = group.pod_addresses
        if pods is not None:
            own = pods.node_mask is not None
            row = groups.net[g]
            row[NET_BLOCK], row[NET_FIXED] = pods.block_size(), int(own)
            row[NET_WARM], row[NET_COOL_MS] = (0, 0) if own else (pods.warm, pods.cool_down_ms)
            row[NET_LOST] = min(NOT_FOR_PODS, pods.block_size()) if own else 0
    return groups._replace(subnet=table)
