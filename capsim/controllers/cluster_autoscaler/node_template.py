"""What a new node of a group will look like: from a node that runs, from the last one seen, or from the group itself.

Source: cluster-autoscaler processors/nodeinfosprovider/mixed_nodeinfos_processor.go, simulator/nodes.go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capsim.controllers.cluster_autoscaler.tables import DAEMON, MIRROR, STABLE_MS, UNSCHEDULABLE
from capsim.controllers.cluster_autoscaler.view import NodeTemplate, View
from capsim.state.tables import I64


@dataclass
class Templates:
    """The templates of all groups, remembered between loops."""

    cache: dict[int, NodeTemplate]

    def update(self, view: View, ready: I64, now_ms: int) -> dict[int, NodeTemplate]:
        """Templates by group, from ``ready`` (node slots in list order), the cache, or the groups' own."""
        found: dict[int, NodeTemplate] = {}
        nodes = view.nodes
        stable = (nodes.changed_ms[ready] + STABLE_MS < now_ms) & (nodes.flags[ready] & UNSCHEDULABLE == 0)
        good = ready[stable & (nodes.group[ready] >= 0)]
        first = dict(zip(nodes.group[good[::-1]].tolist(), good[::-1].tolist(), strict=True))
        for g in sorted(first):
            found[g] = self.cache[g] = self._of_node(view, first[g], g)
        for g in range(view.groups):
            if g not in found:
                found[g] = self.cache[g] if g in self.cache else view.template(g)
        return found

    def _of_node(self, view: View, slot: int, group: int) -> NodeTemplate:
        """A template like one node, with those of its pods that every node has."""
        nodes, pods, kinds = view.nodes, view.pods, view.kinds
        here = view.pods_on(slot)
        here = here[pods.deleted_ms[here] < 0]
        kind = pods.kind[here]
        fixed = kind[kinds.flags[kind] & (DAEMON | MIRROR) != 0]
        if view.options.force_ds:
            expected = view.template(group).daemons
            running = set(kinds.owner[fixed].tolist())
            fixed = np.concatenate([fixed, [k for k in expected.tolist() if int(kinds.owner[k]) not in running]])
        shape = int(nodes.shape[slot])
        return view.node_template(
            shape, nodes.allocatable[slot].copy(), nodes.capacity[slot].copy(), fixed.astype(np.int64)
        )
