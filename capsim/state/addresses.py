"""Addresses of pods: what a node has of them, and what subnets have left that nodes share. The scheduler knows neither.

Sources: kubernetes v1.36 pkg/kubelet (FailedCreatePodSandBox while a CNI plugin has no address to give) and
pkg/controller/nodeipam (a block for each node from the cluster's range, CIDRNotAvailable); amazon-vpc-cni-k8s ipamd
(single addresses or prefixes of 16 from the node's subnet, a warm pool, 30 s in which an address is not given again).
An address is taken when a pod's sandbox is made, and free when the pod is gone and its plugin's time is over. Blocks
are counted, not laid out: a subnet has no fragments, and a node gives a block back as soon as so many of its addresses
are free.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import encode, push
from capsim.state.tables import (
    ADDRESS_DUE,
    EV_ADDRESS,
    EV_POD_ATTACH,
    NEVER,
    NEXT_EVENT,
    POD_STARTING,
    PODS,
    Clock,
    Groups,
    Heap,
    Nodes,
    PodLinks,
    Pods,
)
from capsim.state.tables_addresses import (
    N_BLOCKS,
    N_COOLING,
    N_MACHINE,
    N_PODS,
    N_USED,
    N_WAITS,
    NET_BLOCK,
    NET_COOL_MS,
    NET_FIXED,
    NET_LOST,
    NET_WARM,
    SN_FREE,
    SN_WANTED,
)
from capsim.state.tables_scheduler import CLASS_HOST_NETWORK, Rules


@inline_kernel
def has_more_pods(groups: Groups, nodes: Nodes, n):
    """Whether node ``n`` has more pods than addresses of its own for them (``podIPs``)."""
    return nodes.requested[n, PODS] > groups.pod_ips[nodes.group[n]]


@inline_kernel
def in_subnet(groups: Groups, nodes: Nodes, n):
    """Whether the pods of node ``n`` get their addresses from a subnet."""
    return groups.subnet.shape[0] > 0 and nodes.net[n, N_PODS] >= 0


@inline_kernel
def may_lack(groups: Groups, nodes: Nodes, n):
    """Whether a pod of node ``n`` has to be asked whether there is an address for it."""
    return has_more_pods(groups, nodes, n) or in_subnet(groups, nodes, n)


@inline_kernel
def waits(pods: Pods, p):
    """Whether the containers of pod ``p`` wait for its volumes or its address."""
    return pods.state[p] == POD_STARTING and pods.step_ms[p] == NEVER


@inline_kernel
def spare(groups: Groups, nodes: Nodes, n):
    """Addresses that node ``n`` has, and no pod of it."""
    g = nodes.group[n]
    blocks = nodes.net[n, N_BLOCKS]
    return (
        blocks * groups.net[g, NET_BLOCK]
        - (groups.net[g, NET_LOST] if blocks > 0 else 0)
        - nodes.net[n, N_USED]
        - nodes.net[n, N_COOLING]
    )


@inline_kernel
def is_left(groups: Groups, nodes: Nodes, n):
    """Whether the subnet of node ``n`` has a block for it; if not, the node wants one."""
    s = nodes.net[n, N_PODS]
    if groups.subnet[s, SN_FREE] >= groups.net[nodes.group[n], NET_BLOCK]:
        return True
    groups.subnet[s, SN_WANTED] = 1
    return False


@inline_kernel
def add_block(groups: Groups, nodes: Nodes, n):
    """Node ``n`` takes a block, which there is."""
    nodes.net[n, N_BLOCKS] += 1
    groups.subnet[nodes.net[n, N_PODS], SN_FREE] -= groups.net[nodes.group[n], NET_BLOCK]


@kernel
def refill(groups: Groups, nodes: Nodes, n):
    """Node ``n`` takes what it keeps free, as far as its subnet goes."""
    g = nodes.group[n]
    if groups.net[g, NET_FIXED] == 0:
        while (
            spare(groups, nodes, n) < groups.net[g, NET_WARM]
            and groups.subnet[nodes.net[n, N_PODS], SN_FREE] >= groups.net[g, NET_BLOCK]
        ):
            add_block(groups, nodes, n)


@inline_kernel
def offer(clock: Clock, groups: Groups, s, now):
    """Subnet ``s`` has more addresses: who waits for one is asked (``engine/addresses.py``)."""
    if groups.subnet[s, SN_WANTED] == 1:
        clock.values[ADDRESS_DUE] = 1
        clock.values[NEXT_EVENT] = min(clock.values[NEXT_EVENT], now)


@kernel
def has_address(groups: Groups, nodes: Nodes, pods: Pods, links: PodLinks, rules: Rules, p):
    """Whether there is an address for pod ``p``, which is bound and has none yet."""
    n = pods.node[p]
    if not may_lack(groups, nodes, n) or rules.flag[pods.pod_class[p]] & CLASS_HOST_NETWORK:
        return True
    if has_more_pods(groups, nodes, n):
        taken = 0
        other = nodes.first_pod[n]
        while other >= 0:
            if pods.step_ms[other] != NEVER and rules.flag[pods.pod_class[other]] & CLASS_HOST_NETWORK == 0:
                taken += 1
            other = links.node_next[other]
        if taken >= groups.pod_ips[nodes.group[n]]:
            return False
    if not in_subnet(groups, nodes, n) or spare(groups, nodes, n) > 0:
        return True
    return groups.net[nodes.group[n], NET_FIXED] == 0 and is_left(groups, nodes, n)


@kernel
def take_address(groups: Groups, nodes: Nodes, pods: Pods, rules: Rules, p):
    """The sandbox of pod ``p`` is made; there is an address for it."""
    n = pods.node[p]
    if in_subnet(groups, nodes, n) and rules.flag[pods.pod_class[p]] & CLASS_HOST_NETWORK == 0:
        if spare(groups, nodes, n) <= 0:
            add_block(groups, nodes, n)
        nodes.net[n, N_USED] += 1
        refill(groups, nodes, n)


@kernel
def ask_again(heap: Heap, nodes: Nodes, pods: Pods, links: PodLinks, n, but, now):
    """Pods of node ``n`` that wait for an address ask again; ``but`` goes."""
    other = nodes.first_pod[n]
    while other >= 0:
        if waits(pods, other) and other != but:
            push(heap, now, encode(EV_POD_ATTACH, other, pods.uid[other]))
        other = links.node_next[other]


@kernel
def give_back(clock: Clock, groups: Groups, nodes: Nodes, n, now):
    """Node ``n`` gives blocks back that it has no use for."""
    g, s = nodes.group[n], nodes.net[n, N_PODS]
    block = groups.net[g, NET_BLOCK]
    if groups.net[g, NET_FIXED] == 0:
        while nodes.net[n, N_BLOCKS] > 0 and spare(groups, nodes, n) - block >= groups.net[g, NET_WARM]:
            nodes.net[n, N_BLOCKS] -= 1
            groups.subnet[s, SN_FREE] += block
            offer(clock, groups, s, now)


@kernel
def address_is_free(
    clock: Clock, heap: Heap, groups: Groups, nodes: Nodes, pods: Pods, links: PodLinks, rules: Rules, p, now
):
    """Pod ``p`` goes, and with it its address; one that waited to the end had none."""
    n = pods.node[p]
    if n < 0 or pods.step_ms[p] == NEVER:
        return
    if has_more_pods(groups, nodes, n):
        ask_again(heap, nodes, pods, links, n, p, now)
    if in_subnet(groups, nodes, n) and rules.flag[pods.pod_class[p]] & CLASS_HOST_NETWORK == 0:
        nodes.net[n, N_USED] -= 1
        nodes.net[n, N_COOLING] += 1
        cool_ms = groups.net[nodes.group[n], NET_COOL_MS]
        push(heap, now + max(1, cool_ms), encode(EV_ADDRESS, n, nodes.uid[n]))


@kernel
def address_is_cool(clock: Clock, heap: Heap, groups: Groups, nodes: Nodes, pods: Pods, links: PodLinks, n, now):
    """The plugin of node ``n`` may give an address again that a pod had."""
    nodes.net[n, N_COOLING] -= 1
    ask_again(heap, nodes, pods, links, n, -1, now)
    give_back(clock, groups, nodes, n, now)


@kernel
def lacks_block(groups: Groups, nodes: Nodes, n):
    """Whether node ``n``, which is to have a block for good, has none: it takes one where it can."""
    if not in_subnet(groups, nodes, n) or groups.net[nodes.group[n], NET_FIXED] == 0 or nodes.net[n, N_BLOCKS] > 0:
        return False
    if is_left(groups, nodes, n):
        add_block(groups, nodes, n)
        return False
    return True


@kernel
def is_connected(groups: Groups, nodes: Nodes, n):
    """Whether node ``n``, which has booted, has a network for pods; it takes what its plugin keeps free."""
    if lacks_block(groups, nodes, n):
        nodes.net[n, N_WAITS] = 1
        return False
    if in_subnet(groups, nodes, n):
        nodes.net[n, N_WAITS] = 0
        refill(groups, nodes, n)
    return True


@kernel
def leave_subnets(clock: Clock, groups: Groups, nodes: Nodes, n, now):
    """Node ``n`` is gone, with its addresses."""
    if groups.subnet.shape[0] == 0:
        return
    machine, s = nodes.net[n, N_MACHINE], nodes.net[n, N_PODS]
    if machine >= 0:
        groups.subnet[machine, SN_FREE] += 1
        offer(clock, groups, machine, now)
    if s >= 0:
        groups.subnet[s, SN_FREE] += nodes.net[n, N_BLOCKS] * groups.net[nodes.group[n], NET_BLOCK]
        offer(clock, groups, s, now)
    nodes.net[n, N_MACHINE] = nodes.net[n, N_PODS] = -1
    nodes.net[n, N_BLOCKS] = nodes.net[n, N_USED] = nodes.net[n, N_COOLING] = nodes.net[n, N_WAITS] = 0
