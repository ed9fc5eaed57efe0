"""The index against the plain scan: the same decision, pod by pod, over random clusters, placements and removals."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.conformance.scheduler_cluster import build
from capsim.controllers.scheduler import doors
from capsim.state import tables_scheduler as ts
from capsim.state.tables import P_SEED, P_TIE_RANDOM
from tests.controllers.scheduler.clusters import case


def both_ways(content, tie_random=True):
    """Tables of one case, scanned and indexed."""
    made = [build(content, indexed) for indexed in (False, True)]
    for one in made:
        one.tables.clock.params[[P_SEED, P_TIE_RANDOM]] = 7, int(tie_random)
    return made


def answer(tables, p):
    """Node, best total, how many nodes have it, how many are feasible."""
    n = doors.decide(tables, p, 11 * p, 0)
    scalar = tables.k.cycle.scalar
    return (n, *(int(scalar[column]) for column in (ts.Y_BEST, ts.Y_WAYS, ts.Y_FEASIBLE))) if n >= 0 else (n,)


def pulls(t, p, n):
    """Node ``n`` gets the images of pod ``p``, as a run has it (``transitions.show_images``)."""
    c = int(t.pods.pod_class[p])
    first, end = t.presence.part_start[c, [ts.IMAGES, ts.IMAGES + 1]].tolist()
    for image in t.presence.part[first:end].tolist():
        if image >= 0 and t.presence.on_node[t.k.extras.image_group[image], n] == 0:
            t.presence.on_node[t.k.extras.image_group[image], n] = 1
            t.k.extras.image_nodes[image] += 1
            t.presence.log[t.presence.head[0] % len(t.presence.log)] = n
            t.presence.head[0] += 1


def live_through(content, seed, most_removals=0.3, tie_random=True):
    """Place pod after pod both ways; now and then pods terminate or go. Returns how many were placed."""
    scanned, indexed = both_ways(content, tie_random)
    draw = random.Random(seed)
    running = []
    for p in range(len(content["pending"])):
        expected, got = answer(scanned.tables, p), answer(indexed.tables, p)
        assert got == expected, f"pod {p}"
        if expected[0] >= 0:
            running.append((p, False))
            for one in (scanned, indexed):
                doors.settle_on(one.tables, p, expected[0], p)
            if draw.random() < 0.5:
                for one in (scanned, indexed):
                    pulls(one.tables, p, expected[0])
        while running and draw.random() < most_removals:
            q, leaving = running.pop(draw.randrange(len(running)))
            step = doors.terminate if not leaving and draw.random() < 0.5 else doors.take_off
            for one in (scanned, indexed):
                step(one.tables, q)
            if step is doors.terminate:
                running.append((q, True))
    for name in ("requested", "nonzero"):
        assert np.array_equal(getattr(scanned.tables.nodes, name), getattr(indexed.tables.nodes, name))
    assert np.array_equal(scanned.tables.presence.on_node, indexed.tables.presence.on_node)
    return len(running)


@pytest.mark.plain
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 8), st.booleans())
def test_random_clusters(seed, nodes, kinds, tie_random):
    live_through(case(seed, nodes, kinds, pods=25), seed, tie_random=tie_random)


@pytest.mark.plain
def test_the_window_goes_on_where_it_ended():
    content = case(3, nodes=130, kinds_of_pods=3, pods=12)
    content["config"] = {"percentageOfNodesToScore": 0}
    live_through(content, 3, most_removals=0.1)


def test_two_thousand_nodes_and_three_hundred_classes_with_removals():
    content = case(5, nodes=2000, kinds_of_pods=300, pods=2500)
    assert live_through(content, 5, most_removals=0.25) > 1000


def soft(content):
    """The pods with default spread (their Service selects them) and images, and with nothing else."""
    for one in content["pending"]:
        spec = one["spec"]
        for key in ("affinity", "topologySpreadConstraints", "nodeSelector"):
            spec.pop(key, None)
    return content


@pytest.mark.parametrize(("nodes", "percentage"), [(130, 0), (130, 100), (40, 100), (700, 100), (700, 0)])
def test_the_short_way_for_soft_rules_gives_the_same(nodes, percentage):
    """In a window, over few nodes, and where many nodes have changed since a class was asked for last."""
    content = soft(case(nodes + percentage, nodes=nodes, kinds_of_pods=40, pods=600))
    content["config"] = {"percentageOfNodesToScore": percentage}
    made = build(content, True)
    assert (made.tables.k.rules.flag & ts.CLASS_SOFT != 0).sum() > 20
    assert (made.tables.k.rules.flag & ts.CLASS_IMAGES != 0).any()
    live_through(content, 7, most_removals=0.2)


def test_an_image_that_spreads_changes_the_score_of_every_node_that_has_it():
    """No node changes but the one that pulls, and yet all others with the image score higher (imagelocality)."""
    content = soft(case(1, nodes=60, kinds_of_pods=4, pods=300))
    for i, one in enumerate(content["pending"]):
        one["spec"]["containers"] = [{"image": "large:1" if i % 2 else "base:1"}]
    live_through(content, 5, most_removals=0.5)


def test_levels_are_given_out_anew():
    """One class of many pods on few nodes: counts per node go through many values."""
    content = case(9, nodes=12, kinds_of_pods=1, pods=400, zones=2)
    for one in content["pending"]:
        one["spec"] = {
            "containers": [{"resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}],
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"app": one["metadata"]["labels"]["app"]}},
                }
            ],
        }
    live_through(content, 1, most_removals=0.4)


def counted(made):
    """Pods per peer group and node, counted from the pods themselves."""
    t = made.tables
    on_node = np.zeros_like(t.presence.on_node)
    for p in range(t.pods.state.shape[0]):
        n, c = int(t.pods.node[p]), int(t.pods.pod_class[p])
        if n >= 0:
            for i in range(int(t.presence.start[c]), int(t.presence.start[c + 1])):
                on_node[t.presence.group[i], n] += t.presence.weight[i]
    return on_node[: len(t.presence.keeps)]


@pytest.mark.plain
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_counted_is_there(seed):
    content = case(seed, nodes=8, kinds_of_pods=5, pods=20)
    made = build(content, True)
    for p in range(20):
        n = doors.decide(made.tables, p)
        if n >= 0:
            doors.settle_on(made.tables, p, n, p)
    peers = made.tables.presence.on_node[: len(made.tables.presence.keeps)]
    assert np.array_equal(counted(made), peers)
    shape = made.tables.nodes.shape
    for s in range(made.tables.presence.on_shape.shape[1]):
        here = peers[:, (shape == s) & (made.tables.nodes.state > 0)].sum(axis=1)
        assert np.array_equal(here, made.tables.presence.on_shape[:, s])
