"""How good a node is for a pod class: NodeResourcesFit (LeastAllocated) and NodeResourcesBalancedAllocation, weight 1
each.

Source: kube-scheduler v1.34.1, plugins/noderesources: int64 truncation at both levels for LeastAllocated, float64
fractions for BalancedAllocation. Other score plugins give every node the same value here (see docs/fidelity.md).
"""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables import CPU, MEMORY, Classes, Nodes


@inline_kernel
def least_part(capacity, wanted):
    """Free share of one resource in percent, truncated; 0 when it does not fit."""
    if wanted > capacity or capacity <= 0:
        return 0
    return (capacity - wanted) * 100 // capacity


@inline_kernel
def least_allocated(classes: Classes, nodes: Nodes, c, n):
    """LeastAllocated over CPU and memory, requests with the non-zero defaults."""
    cpu = nodes.allocatable[n, CPU]
    memory = nodes.allocatable[n, MEMORY]
    parts = least_part(cpu, nodes.nonzero[n, 0] + classes.nonzero[c, 0])
    parts += least_part(memory, nodes.nonzero[n, 1] + classes.nonzero[c, 1])
    weights = (1 if cpu > 0 else 0) + (1 if memory > 0 else 0)
    return parts // weights if weights > 0 else 0


@inline_kernel
def balanced_allocation(classes: Classes, nodes: Nodes, c, n):
    """BalancedAllocation over CPU and memory, real requests; 0 for a class that requests neither."""
    cpu_want = classes.request[c, CPU]
    memory_want = classes.request[c, MEMORY]
    if cpu_want == 0 and memory_want == 0:
        return 0
    if nodes.allocatable[n, CPU] <= 0 or nodes.allocatable[n, MEMORY] <= 0:
        return 100
    cpu = min(1.0, (nodes.requested[n, CPU] + cpu_want) / nodes.allocatable[n, CPU])
    memory = min(1.0, (nodes.requested[n, MEMORY] + memory_want) / nodes.allocatable[n, MEMORY])
    return int((1.0 - abs(cpu - memory) / 2.0) * 100.0)


@inline_kernel
def score(classes: Classes, nodes: Nodes, c, n):
    """Total score of a feasible node, 0 to 200."""
    return least_allocated(classes, nodes, c, n) + balanced_allocation(classes, nodes, c, n)
