"""How good a node is by itself for a pod class: NodeResourcesFit, NodeResourcesBalancedAllocation, ImageLocality.

These are not normalised over the feasible nodes: the first two are kept per node (``index.py``); ImageLocality is the
same for all nodes with the same images of the class, and changes for all of them when another node gets one.
Source: kube-scheduler v1.34.1, plugins/noderesources (int64 truncation at both levels, float64 fractions),
plugins/imagelocality.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.tables import CPU, MEMORY, PODS, Classes, Nodes, Presence
from capsim.state.tables_scheduler import (
    BALANCED,
    CLASS_IMAGES,
    IMAGE_LOCALITY,
    IMAGES,
    LEAST_ALLOCATED,
    MOST_ALLOCATED,
    RESOURCES_FIT,
    SET_BALANCED,
    SET_CURVE,
    SET_FIT,
    SET_STRATEGY,
    Extras,
    Profiles,
    Rules,
)

EXACT = 90_071_992_547_409
"""2^53 / 100: below it the truncated quotient of float64 division is that of integer division, and faster."""
IMAGE_LEAST_BYTES = 23 * 1024 * 1024
IMAGE_MOST_BYTES = 1000 * 1024 * 1024


@inline_kernel
def percent(part, whole):
    """part * 100 / whole, truncated; 0 <= part, 0 < whole."""
    if part < EXACT and whole < EXACT:
        return int((part * 100.0) / whole)
    return part * 100 // whole


@inline_kernel
def on_curve(profiles: Profiles, profile, utilization):
    """The broken line through the shape's points; divisions truncate toward zero, as Go's."""
    points = profiles.setting[profile, SET_CURVE]
    for i in range(points):
        if utilization <= profiles.curve[profile, i, 0]:
            if i == 0:
                return profiles.curve[profile, 0, 1]
            x = profiles.curve[profile, i - 1, 0]
            y = profiles.curve[profile, i - 1, 1]
            rise = (profiles.curve[profile, i, 1] - y) * (utilization - x)
            run = profiles.curve[profile, i, 0] - x
            return y + (rise // run if rise >= 0 else -(-rise // run))
    return profiles.curve[profile, points - 1, 1]


@inline_kernel
def part_score(profiles: Profiles, profile, strategy, capacity, wanted):
    """Score of one resource, 0 to 100."""
    if strategy == LEAST_ALLOCATED:
        return 0 if wanted > capacity else percent(capacity - wanted, capacity)
    if strategy == MOST_ALLOCATED:
        return percent(min(wanted, capacity), capacity)
    return on_curve(profiles, profile, 100 if wanted > capacity else percent(wanted, capacity))


@inline_kernel
def wanted_of(nodes: Nodes, rules: Rules, c, n, r):
    """What would be requested of resource ``r``, as the fit score sees it: CPU and memory with non-zero defaults."""
    if r == CPU:
        return nodes.nonzero[n, 0] + rules.wanted[c, CPU]
    if r == MEMORY:
        return nodes.nonzero[n, 1] + rules.wanted[c, MEMORY]
    return nodes.requested[n, r] + rules.wanted[c, r]


@inline_kernel
def fit_score(profiles: Profiles, nodes: Nodes, rules: Rules, profile, c, n):
    """NodeResourcesFit by the profile's strategy; extended resources count for pods that request them."""
    strategy = profiles.setting[profile, SET_STRATEGY]
    score = 0
    weights = 0
    for i in range(profiles.setting[profile, SET_FIT]):
        r = profiles.fit[profile, i, 0]
        capacity = nodes.allocatable[n, r]
        if capacity > 0 and (r <= PODS or rules.wanted[c, r] > 0):
            weight = profiles.fit[profile, i, 1]
            part = part_score(profiles, profile, strategy, capacity, wanted_of(nodes, rules, c, n, r))
            if strategy <= MOST_ALLOCATED or part > 0:
                score += part * weight
                weights += weight
    if weights == 0:
        return 0
    if strategy <= MOST_ALLOCATED:
        return score >> 1 if weights == 2 else score // weights
    return int(score / weights + 0.5)


@inline_kernel
def fraction(classes: Classes, nodes: Nodes, c, n, r):
    """Share of resource ``r`` that would be requested, at most 1; -1 where it does not count."""
    capacity = nodes.allocatable[n, r]
    if capacity <= 0 or (r > PODS and classes.request[c, r] == 0):
        return -1.0
    return min(1.0, (nodes.requested[n, r] + classes.request[c, r]) / capacity)


@inline_kernel
def balanced_score(profiles: Profiles, classes: Classes, nodes: Nodes, profile, c, n):
    """BalancedAllocation: 1 - standard deviation of the fractions."""
    count = 0
    total = 0.0
    first = 0.0
    second = 0.0
    for i in range(profiles.setting[profile, SET_BALANCED]):
        f = fraction(classes, nodes, c, n, profiles.balanced[profile, i])
        if f >= 0.0:
            total += f
            if count == 0:
                first = f
            else:
                second = f
            count += 1
    if count == 2:
        return int((1.0 - abs((first - second) / 2.0)) * 100.0)
    if count < 2:
        return 100
    mean = total / count
    squares = 0.0
    for i in range(profiles.setting[profile, SET_BALANCED]):
        f = fraction(classes, nodes, c, n, profiles.balanced[profile, i])
        if f >= 0.0:
            squares += (f - mean) * (f - mean)
    return int((1.0 - math.sqrt(squares / count)) * 100.0)


@inline_kernel
def requests_nothing(profiles: Profiles, classes: Classes, profile, c):
    """BalancedAllocation is skipped for pods that request none of its resources."""
    for i in range(profiles.setting[profile, SET_BALANCED]):
        if classes.request[c, profiles.balanced[profile, i]] > 0:
            return False
    return True


@kernel
def image_score(presence: Presence, extras: Extras, nodes_total, c, n):
    """ImageLocality: bytes of the class's images that the node has, each scaled by the share of nodes that have it."""
    first = presence.part_start[c, IMAGES]
    end = presence.part_start[c, IMAGES + 1]
    total = 0
    for i in range(first, end):
        image = presence.part[i]
        if image >= 0 and presence.on_node[extras.image_group[image], n] == 1:
            total += int(float(extras.image_bytes[image]) * (float(extras.image_nodes[image]) / float(nodes_total)))
    most = IMAGE_MOST_BYTES * (end - first)
    total = min(max(total, IMAGE_LEAST_BYTES), most)
    return 100 * (total - IMAGE_LEAST_BYTES) // (most - IMAGE_LEAST_BYTES)


@inline_kernel
def own_score(
    profiles: Profiles,
    classes: Classes,
    nodes: Nodes,
    rules: Rules,
    best_effort,
    c,
    n,
):
    """Weighted sum of the scores that depend on node ``n`` and class ``c`` alone, without ImageLocality."""
    profile = rules.profile[c]
    total = 0
    weight = profiles.weight[profile, RESOURCES_FIT]
    if weight > 0:
        total += weight * fit_score(profiles, nodes, rules, profile, c, n)
    weight = profiles.weight[profile, BALANCED]
    if weight > 0 and not best_effort:
        total += weight * balanced_score(profiles, classes, nodes, profile, c, n)
    return total


@separate_kernel
def image_part(profiles: Profiles, rules: Rules, presence: Presence, extras: Extras, nodes_total, c, n):
    """Weighted ImageLocality of node ``n`` for class ``c``."""
    if rules.flag[c] & CLASS_IMAGES == 0:
        return 0
    return profiles.weight[rules.profile[c], IMAGE_LOCALITY] * image_score(presence, extras, nodes_total, c, n)
