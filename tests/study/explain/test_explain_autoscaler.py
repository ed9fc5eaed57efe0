"""Why a group grew and why a node went, of a cluster that can be followed by hand."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import ClusterAutoscalerSpec
from capsim.study.explain.autoscaler import explain_node, explain_scale_up, node_line, scale_up_lines
from tests.engine.clusters import MINUTE_MS, cluster, deployment, group

pytestmark = pytest.mark.plain
SPEC = ClusterAutoscalerSpec(
    scale_down_unneeded_time_ms=MINUTE_MS, scale_down_delay_after_add_ms=0, expander="most-pods"
)


def small(**more):
    return cluster([deployment("a", 5, 900)], [group(4000, 1)], initial_state="empty", **more)


def test_a_scale_up_says_what_was_considered():
    scenario = small(cluster_autoscaler=SPEC)
    seen = explain_scale_up(scenario, 0, scenario.duration_ms)
    assert (seen.result, seen.pods, seen.chosen, seen.grown) == ("Successful", 1, "n", [("n", 1, 2)])
    assert [(option.group, option.nodes, option.pods) for option in seen.options] == [("n", 1, 1)]
    text = "\n".join(scale_up_lines(seen))
    assert "1 pods need nodes: Successful" in text
    assert "most-pods leaves n" in text
    assert "n: 1 -> 2 nodes" in text


def test_a_node_says_why_it_stays_and_when_it_goes():
    scenario = cluster([deployment("a", 1, 900)], [group(4000, 2)], cluster_autoscaler=SPEC)
    steps = explain_node(scenario, "n-2", scenario.duration_ms)
    said = [step.said.split(",")[0] for step in steps]
    assert said[0].startswith("unneeded since") or said[0] == "stays"
    assert "its deletion begins" in said
    assert steps[0].said in node_line(steps[0])


def test_what_cannot_be_explained_is_said():
    with pytest.raises(ScenarioError, match="no cluster autoscaler"):
        explain_node(small(), "n-1", 1000)
    with pytest.raises(ScenarioError, match="no node of that name"):
        explain_node(small(cluster_autoscaler=SPEC), "n-77", 60_000)
    quiet = cluster([deployment("a", 1, 900)], [group(4000, 1)], cluster_autoscaler=SPEC)
    with pytest.raises(ScenarioError, match="wanted to add nodes"):
        explain_scale_up(quiet, 0, 60_000)
