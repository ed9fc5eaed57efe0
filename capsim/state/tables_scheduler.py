"""The scheduler's tables: what a pod class asks of a node and of its peers, and the index over nodes.

A *class* is all pods of one spec. A *shape* is all nodes that no class can tell apart but by their hostname. A *peer
group* is a set of classes that some rule counts (the pods that a spread constraint or an affinity term selects, or
those whose own anti-affinity concerns the class). What is counted per node lies in ``Presence.on_node``, per shape in
``on_shape``; a topology domain is a set of shapes, so its count is a sum of a few numbers.
"""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import F64, I64
from capsim.state.tables_volumes import Volumes

# Score plugins, in the order of Profiles.weight.
(
    TAINT_TOLERATION,
    NODE_AFFINITY,
    RESOURCES_FIT,
    BALANCED,
    IMAGE_LOCALITY,
    INTER_POD,
    TOPOLOGY_SPREAD,
) = range(7)
SCORE_PLUGINS = 7

# Columns of Profiles.setting.
SET_STRATEGY, SET_FIT, SET_BALANCED, SET_CURVE, SET_PERCENTAGE = range(5)
PROFILE_SETTINGS = 5
LEAST_ALLOCATED, MOST_ALLOCATED, REQUESTED_TO_CAPACITY = 0, 1, 2

# Kinds of rule, in the order in which a node is judged; those from RULE_SOFT on only score.
RULE_CLAIM, RULE_SPREAD, RULE_AFFINITY, RULE_ANTI, RULE_EXISTING, RULE_SOFT, RULE_PREFER = range(7)
# Columns of Rules.rule.
K_KIND, K_GROUP, K_KEY, K_HOST, K_AMOUNT, K_MIN_DOMAINS, K_SELF = range(7)
RULE_COLUMNS = 7

# Lists of Presence.part.
PORTS_TAKEN, PORTS_REFUSED, IMAGES = 0, 1, 2
PART_LISTS = 3

# Bits of Rules.flag.
CLASS_NEEDS_KEYS, CLASS_PREFERS, CLASS_NEVER_PREEMPTS, CLASS_EVEN, CLASS_SOFT, CLASS_IMAGES = 1, 2, 4, 8, 16, 32
CLASS_HOST_NETWORK = 64

MEMO_SHAPES, MEMO_COUNTS, MEMO_IMAGES = 64, 128, 8
"""Shapes, peers on a node, and sets of three images that ``Cycle.memo`` has rows for."""

PAGE = 16
"""Node slots are handed out in pages of one shape: the index sums up a page."""
LEVELS = 8
"""Combinations of counts per node that a view tells apart; the last stands for all others."""
HOST_GROUPS = 4
"""Peer groups that a view can follow per node; classes with more are scanned."""

# Columns of Cycle.candidate.
A_NODE, A_BEST, A_WAYS, A_ROOM, A_SPREAD, A_POD, A_TOTAL, A_LEVEL, A_SHAPE, A_IMAGES = range(10)
CANDIDATE_COLUMNS = 10
# Columns of Cycle.scalar.
(
    Y_COUNT,
    Y_FEASIBLE,
    Y_BEST,
    Y_WAYS,
    Y_SKIP_POD,
    Y_AFFINITY_TOTAL,
    Y_POD_SKIPPED,
    Y_START,
    Y_TOTAL,
    Y_EXAMINED,
    Y_ENOUGH,
    Y_GATHERED,
    Y_OWN,
    Y_FROM,
    Y_STAMP,
    Y_MET,
) = range(16)
SCALARS = 16
GATHERED_SLOTS, GATHERED_WINDOW, GATHERED_CELLS, GATHERED_EVEN, GATHERED_EVEN_WINDOW, GATHERED_SHORT = range(6)
"""What candidates are and how they are ordered."""


class Profiles(NamedTuple):
    """Profiles of the KubeSchedulerConfiguration; rows [P]."""

    weight: I64
    """[P, SCORE_PLUGINS] 0: the plugin does not score."""
    setting: I64
    """[P, PROFILE_SETTINGS]: strategy, resources of the fit score and of the balanced one, points of the curve,
    percentageOfNodesToScore (0: adaptive)."""
    fit: I64
    """[P, F, 2] resource column and weight."""
    balanced: I64
    """[P, B] resource column."""
    curve: I64
    """[P, X, 2] utilization and score (0 to 100) of RequestedToCapacityRatio."""
    ignored: I64
    """[P, R] 1: NodeResourcesFit does not look at the resource."""


class Rules(NamedTuple):
    """What the scheduler asks for a class beyond its requests; rows [C] unless said."""

    profile: I64
    wanted: I64
    """[C, R] the incoming pod as NodeResourcesFit scores it: non-zero defaults, no pod-level resources."""
    shape_raw: I64
    """[C, 2, S] PreferNoSchedule taints that are not tolerated; weight of the preferred node affinity terms."""
    start: I64
    """[C + 1] offsets into ``rule``."""
    rule: I64
    """[M, RULE_COLUMNS]"""
    counted: I64
    """[M, S] 1: pods on nodes of the shape count for the rule (keys, nodeAffinityPolicy, nodeTaintsPolicy)."""
    flag: I64
    volume: I64
    """[C] row of Extras.volume, -1: no volumes that matter."""
    view_row: I64
    """[C] row of Views that finds its nodes, -1: none, scan."""


class Shapes(NamedTuple):
    """Node shapes: their topology, their nodes, their pages of node slots."""

    domain: I64
    """[K, S] index of the shape's value of a topology key, -1: the key is missing; of a key that differs from node to
    node: 0 where it is present."""
    domains: I64
    """[K] number of values."""
    zone: I64
    """[S] index of (region, zone), as the scheduler's node tree has it."""
    order: I64
    """[N] nodes in the order in which they are tried when only some are scored: zone by zone in turn."""


class Extras(NamedTuple):
    """What few clusters use; arrays of length 0 elsewhere."""

    image_group: I64
    """[I] row of Presence.on_node that is 1 where a node has the image: levels tell such nodes apart."""
    image_bytes: I64
    """[I]"""
    image_nodes: I64
    """[I] nodes that have it."""
    volume: I64
    """[V, N] -1 where the class's volumes can be used, else the reason."""
    attach_limit: I64
    """[N, D] -1: no limit."""


class Views(NamedTuple):
    """The index. Per signature the score of every node that does not depend on other nodes (``leaf``); per view, that
    is per signature and set of peer groups counted by node, sums over pages and shapes by level."""

    leaf: I64
    """[T, N] weighted NodeResourcesFit + BalancedAllocation, -1: not feasible."""
    seen: I64
    """[T] position in the log of changed nodes up to which the leaves are current, -1: never built."""
    signature: I64
    """[V]"""
    group: I64
    """[V, HOST_GROUPS] rows of Presence.on_node (peer groups, images) that tell levels apart, -1: none."""
    view_seen: I64
    """[V] likewise for the sums."""
    level: I64
    """[V, LEVELS, HOST_GROUPS] counts that make up a level."""
    levels: I64
    """[V] levels in use."""
    page: I64
    """[V, 3, LEVELS, N / PAGE] highest leaf, how many nodes have it, feasible nodes."""
    cell: I64
    """[V, 4, LEVELS, S] likewise per shape; the last is a page that holds, or held, a feasible node of the cell."""
    mark: I64
    """[N / PAGE] marks of one refresh."""


class Cycle(NamedTuple):
    """Working memory of one scheduling cycle."""

    scalar: I64
    candidate: I64
    """[N + cells, CANDIDATE_COLUMNS] nodes, or groups of nodes that score alike but for the leaf."""
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    """[rules, S] pods that a rule counts in the domain of each shape."""
    total: I64
    """[rules, 2] pods that a rule counts in all; fewest in any domain (spread)."""
    domain: I64
    """[2, domains] pods per domain; mark."""
    weight: F64
    """[rules] ln(size + 2) of a soft constraint."""
    cell: I64
    """[LEVELS + 1, S] candidate of a cell while a window is read."""
    memo: I64
    """[MEMO_SHAPES * MEMO_COUNTS * MEMO_IMAGES, 2] of a shape, peers on a node and images on it: stamp of the decision
    that met them last, and their row of ``met`` (``soft.py``)."""
    met: I64
    """[N, 4] what the candidates of one decision have in common with others: row of ``memo``, a node, raw spread score,
    what is added to a leaf."""
    short: I64
    """[N, 4] candidates of the short way: node, row of ``met``, leaf; in the last column the best nodes, in order."""
    result: I64
    """[N, SCORE_PLUGINS + 2] per node, for those who ask: weighted scores, total, reason."""


class Nominations(NamedTuple):
    """Pods that wait for a node on which others were preempted for them."""

    pod: I64
    node: I64
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    """[1]"""


class Scheduling(NamedTuple):
    """What the scheduler alone reads and writes, beside nodes, classes and presence."""

    profiles: Profiles
    rules: Rules
    shapes: Shapes
    extras: Extras
    views: Views
    cycle: Cycle
    nominations: Nominations
    volumes: Volumes


class Budgets(NamedTuple):
    """PodDisruptionBudgets; rows [B]."""

    start: I64
    """[C + 1] offsets into ``budget``: the budgets that a class's pods count for."""
    budget: I64
    allowed: I64
    """[B] disruptions that are allowed now."""
    left: I64
    """[B] what is left of them while one node is looked at."""


# Columns of Preemption.candidate.
V_NODE, V_VIOLATIONS, V_TOP, V_SUM, V_COUNT, V_START, V_FIRST = range(7)
CANDIDATE_NODE_COLUMNS = 7


class Preemption(NamedTuple):
    """Working memory of DefaultPreemption."""

    candidate: I64
    """[X, CANDIDATE_NODE_COLUMNS]: node, PDB violations, highest priority, sum of priorities (each + 2^31), number of
    victims, earliest start among the most important victims, offset of the victims."""
    victims: I64
    """Pod rows, candidate after candidate, most important first."""
    pods: I64
    """[pods of a node, 3]: pod, 1 when it violates a budget, 1 when it is a victim."""
    counts: I64
    """[reasons + 3] why nodes are no candidates; then: no victims there, not helpful, all nodes."""
    found: I64
    """[3]: candidates, victims listed, best candidate."""
