"""Affinity and spread constraints that the API server would refuse."""

from __future__ import annotations

import pytest

from capsim.scenario.kubernetes.placement_rules import PREFERRED, REQUIRED, check_affinity, check_spread

GOOD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}


def complaints(check, content):
    found = []
    check(content, lambda key, message, found_text, allowed: found.append((".".join(key), message, allowed)))
    return found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maxSkew": 0}, "wrong maxSkew"),
        ({"maxSkew": -1}, "wrong maxSkew"),
        ({"topologyKey": ""}, "no topologyKey"),
        ({"whenUnsatisfiable": "Sometimes"}, "wrong whenUnsatisfiable"),
        ({"minDomains": 0}, "wrong minDomains"),
        ({"minDomains": 2, "whenUnsatisfiable": "ScheduleAnyway"}, "wrong minDomains"),
    ],
)
def test_spread(change, message):
    assert complaints(check_spread, [GOOD]) == []
    assert [said for _, said, _ in complaints(check_spread, [{**GOOD, **change}])] == [message]


def node(term):
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}


@pytest.mark.parametrize(
    ("affinity", "message"),
    [
        ({"nodeAffinity": {REQUIRED: {}}}, "no nodeSelectorTerms"),
        (node({"matchExpressions": [{"key": "a", "operator": "Like"}]}), "unknown operator"),
        (node({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["x"]}]}), "wrong values of Gt"),
        (node({"matchExpressions": [{"key": "a", "operator": "In"}]}), "wrong values of In"),
        (node({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}), "wrong values of Exists"),
        (node({"matchFields": [{"key": "metadata.uid", "operator": "In", "values": ["x"]}]}), "wrong matchFields"),
        ({"nodeAffinity": {PREFERRED: [{"weight": 0, "preference": {}}]}}, "wrong weight"),
        ({"podAffinity": {REQUIRED: [{"labelSelector": {}}]}}, "no topologyKey"),
        ({"podAntiAffinity": {PREFERRED: [{"weight": 101, "podAffinityTerm": {"topologyKey": "a"}}]}}, "wrong weight"),
    ],
)
def test_affinity(affinity, message):
    (complaint,) = complaints(check_affinity, affinity)
    assert complaint[1] == message
    assert complaint[2], "says what is allowed"


def test_what_is_right_passes():
    term = {"topologyKey": "a", "labelSelector": {}}
    right = {
        **node({"matchExpressions": [{"key": "a", "operator": "Lt", "values": ["3"]}]}),
        "podAffinity": {REQUIRED: [term], PREFERRED: [{"weight": 100, "podAffinityTerm": term}]},
    }
    assert complaints(check_affinity, right) == []
