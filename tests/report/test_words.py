"""What people read first must be true, and be a sentence."""

from __future__ import annotations

from capsim.report import headline, words
from tests.result import story


def test_headline_says_who_waited_how_long_why_and_what_would_have_helped():
    assert headline(story.result().summary) == (
        "2 pods of app10 waited for a node, the longest 16m, and never got one (3 Insufficient cpu). "
        "With 4 nodes nobody would have waited (estimate). 3 % of the requests were lost."
    )


def test_headline_when_all_went_well():
    pods, series = story.pods(), story.series()
    series["totals"]["lost_rps"] = 0.0
    summary = story.result(pods=pods[pods["reason"] == ""], series=series).summary
    assert headline(summary) == "No pod waited for a node: at most 8 pods on 3 nodes."


def test_every_question_has_an_answer():
    answers = {line.label: line.text for line in words(story.result().summary)}
    assert answers["Peak"].startswith("app10: 10 pods wanted, 8 ready; ")
    assert answers["Pending"].startswith("2 pods of app10 (2 at once), the longest 16m, 0:04:15 to 0:20:15")
    assert "0/3 nodes are available: 3 Insufficient cpu." in answers["Pending"]
    assert answers["Zero Pending"].startswith("4 nodes (1 more of worker)")
    assert answers["Bottleneck"].startswith("first at 0:03:00 app10: pods at their CPU limit")
    assert answers["Cost"].startswith("210 USD per month")
    assert {"CPU", "Memory", "Requests"} <= set(answers)


def test_many_workloads_are_counted_not_listed():
    pods = story.pods()
    waiting = pods[pods["reason"] != ""]
    more = [waiting.assign(workload=f"default/Deployment/app{n}") for n in range(5)]
    import pandas as pd

    summary = story.result(pods=pd.concat([pods, *more]), scenario=_with_workloads(5)).summary
    assert "12 pods of 6 workloads waited" in headline(summary)
    lines = [line for line in words(summary) if line.tone == "warning"]
    assert any("and pods of 3 more workloads" in line.text for line in lines)


def _with_workloads(number):
    scenario = story.scenario()
    first = scenario.objects.workloads[0]
    more = [first.model_copy(update={"name": f"app{n}"}) for n in range(number)]
    objects = scenario.objects.model_copy(update={"workloads": [*scenario.objects.workloads, *more]})
    return scenario.model_copy(update={"objects": objects})
