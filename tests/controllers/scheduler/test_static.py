"""Tolerations and node affinity, operator by operator (core/v1 helpers, nodeaffinity plugin)."""

from __future__ import annotations

import pytest

from capsim.controllers.scheduler.reasons import PASS, REASON_AFFINITY, REASON_FIT, REASON_NODE_NAME
from capsim.controllers.scheduler.shapes import NodeShape
from capsim.controllers.scheduler.static import (
    intolerable_preferences,
    matches_node,
    shape_reason,
    tolerates,
    untolerated,
)
from capsim.scenario.cluster import Taint
from capsim.scenario.kubernetes.pod import PodTemplate, Toleration

TAINT = Taint(key="dedicated", value="gpu", effect="NoSchedule")


@pytest.mark.parametrize(
    ("toleration", "covers"),
    [
        (Toleration(key="dedicated", operator="Equal", value="gpu"), True),
        (Toleration(key="dedicated", operator="Equal", value="gpu", effect="NoSchedule"), True),
        (Toleration(key="dedicated", operator="Equal", value="gpu", effect="NoExecute"), False),
        (Toleration(key="dedicated", operator="Equal", value="cpu"), False),
        (Toleration(key="dedicated", operator="Exists"), True),
        (Toleration(key="other", operator="Exists"), False),
        (Toleration(operator="Exists"), True),
        (Toleration(operator="Exists", effect="NoExecute"), False),
    ],
)
def test_tolerations(toleration, covers):
    assert tolerates(toleration, TAINT) is covers


@pytest.mark.parametrize(("operator", "value", "covers"), [("Gt", "5", True), ("Lt", "5", False), ("Gt", "x", False)])
def test_numeric_tolerations(operator, value, covers):
    taint = Taint(key="tier", value="7", effect="NoSchedule")
    assert tolerates(Toleration(key="tier", operator=operator, value=value), taint) is covers


def test_prefer_no_schedule_never_blocks():
    soft = Taint(key="a", effect="PreferNoSchedule")
    assert untolerated([], [soft, TAINT]) == TAINT
    assert untolerated([], [soft]) is None


def affinity(*terms):
    required = {"nodeSelectorTerms": list(terms)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


LABELS = {"zone": "a", "cores": "8", "kubernetes.io/hostname": "n1", "metadata.name": "n1"}


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ({"key": "zone", "operator": "In", "values": ["a", "b"]}, True),
        ({"key": "zone", "operator": "NotIn", "values": ["a"]}, False),
        ({"key": "absent", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "zone", "operator": "DoesNotExist"}, False),
        ({"key": "cores", "operator": "Gt", "values": ["7"]}, True),
        ({"key": "cores", "operator": "Gt", "values": ["8"]}, False),
        ({"key": "cores", "operator": "Lt", "values": ["9"]}, True),
        ({"key": "zone", "operator": "Gt", "values": ["1"]}, False),
    ],
)
def test_expressions(expression, matches):
    template = PodTemplate(containers=(), affinity=affinity({"matchExpressions": [expression]}))
    assert matches_node(template, LABELS) is matches


def test_terms_are_alternatives_and_empty_ones_match_nothing():
    never = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z"]}]}
    name = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    assert matches_node(PodTemplate(containers=(), affinity=affinity(never, name)), LABELS)
    assert not matches_node(PodTemplate(containers=(), affinity=affinity({})), LABELS)
    assert not matches_node(PodTemplate(containers=(), node_selector={"zone": "b"}), LABELS)


def test_the_taint_is_named_before_the_affinity():
    template = PodTemplate(containers=(), node_selector={"zone": "b"})
    index = {"{dedicated: gpu}": 0}
    assert shape_reason(template, NodeShape(LABELS, (TAINT,)), index, 4) == REASON_FIT + 4, "after the resources"
    assert shape_reason(template, NodeShape(LABELS, ()), index, 4) == REASON_AFFINITY
    assert shape_reason(PodTemplate(containers=()), NodeShape(LABELS, ()), index, 4) == PASS


def test_names_in_every_term_leave_only_those_nodes():
    named = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}
    template = PodTemplate(containers=(), affinity=affinity(named))
    assert shape_reason(template, NodeShape(LABELS, ()), {}, 4) == REASON_NODE_NAME
    mixed = PodTemplate(
        containers=(), affinity=affinity(named, {"matchExpressions": [{"key": "zone", "operator": "Exists"}]})
    )
    assert shape_reason(mixed, NodeShape(LABELS, ()), {}, 4) == PASS, "a term without names leaves all nodes"


def test_preferences_count_untolerated_taints():
    soft = Taint(key="a", effect="PreferNoSchedule")
    assert intolerable_preferences(PodTemplate(containers=()), [soft, TAINT]) == 1
    tolerant = PodTemplate(containers=(), tolerations=(Toleration(key="a", operator="Exists"),))
    assert intolerable_preferences(tolerant, [soft]) == 0
    hard_only = PodTemplate(containers=(), tolerations=(Toleration(key="a", operator="Exists", effect="NoSchedule"),))
    assert intolerable_preferences(hard_only, [soft]) == 1
