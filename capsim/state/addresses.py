"""Addresses of pods: what a node has of them, which the scheduler does not know.

Source: kubernetes v1.36 pkg/kubelet (FailedCreatePodSandBox while a CNI plugin has no address to give). An address is
free when its pod is gone. Not modelled: subnets that nodes share, the time for which a plugin keeps an address back.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import encode, push
from capsim.state.tables import EV_POD_ATTACH, NEVER, POD_STARTING, PODS, Groups, Heap, Nodes, PodLinks, Pods
from capsim.state.tables_scheduler import CLASS_HOST_NETWORK, Rules


@inline_kernel
def may_lack(groups: Groups, nodes: Nodes, n):
    """Whether node ``n`` has more pods than addresses for them."""
    return nodes.requested[n, PODS] > groups.pod_ips[nodes.group[n]]


@inline_kernel
def waits(pods: Pods, p):
    """Whether the containers of pod ``p`` wait for its volumes or its address."""
    return pods.state[p] == POD_STARTING and pods.step_ms[p] == NEVER


@kernel
def has_address(groups: Groups, nodes: Nodes, pods: Pods, links: PodLinks, rules: Rules, p):
    """Whether there is an address for pod ``p``, which is bound and has none yet."""
    n = pods.node[p]
    if not may_lack(groups, nodes, n) or rules.flag[pods.pod_class[p]] & CLASS_HOST_NETWORK:
        return True
    taken = 0
    other = nodes.first_pod[n]
    while other >= 0:
        if pods.step_ms[other] != NEVER and rules.flag[pods.pod_class[other]] & CLASS_HOST_NETWORK == 0:
            taken += 1
        other = links.node_next[other]
    return taken < groups.pod_ips[nodes.group[n]]


@kernel
def address_is_free(heap: Heap, groups: Groups, nodes: Nodes, pods: Pods, links: PodLinks, p, now):
    """Pod ``p`` goes: those of its node that wait for an address ask again."""
    n = pods.node[p]
    if n >= 0 and pods.step_ms[p] != NEVER and may_lack(groups, nodes, n):  # one that waited to the end had none
        other = nodes.first_pod[n]
        while other >= 0:
            if waits(pods, other) and other != p:
                push(heap, now, encode(EV_POD_ATTACH, other, pods.uid[other]))
            other = links.node_next[other]
