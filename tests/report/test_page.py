"""The page: says what the run says, escapes every text of the user, and loads nothing from anywhere."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from capsim.report.page import pictures, render
from capsim.result.provenance import provenance
from capsim.scenario import Inventory, Line
from tests.result import story

FOLDER = Path("runs/app10")
HOSTILE = """<script>alert(1)</script>'"&</style><img src=x onerror=alert(2)>{{ 7*7 }}${x}"""


def page(result=None, **more):
    result = result or story.result(provenance=provenance(story.scenario(), ["/usr/bin/capsim", "run", "a b.yaml"]))
    return render(result, pictures(result), FOLDER, result.scenario.dump_resolved(), **more)


class Tags(HTMLParser):
    """Every tag with its attributes; and that they are closed in order."""

    VOID = ("meta", "img", "path", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def said(text):
    """What a reader sees."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)))


def test_answer_comes_first_and_every_section_is_there():
    text = said(page())
    assert text.index("2 pods of app10 waited for a node, the longest 16m") < text.index("What happened")
    wanted = (
        "Traffic and replicas",
        "Utilisation",
        "Nodes",
        " Cost ",
        "Who waited",
        "Heat map",
        "rests on",
        "Scenario",
    )
    assert [text.rindex(part) for part in wanted] == sorted(text.rindex(part) for part in wanted)
    assert "app10-wait-0" in text
    assert "0/3 nodes are available: 3 Insufficient cpu. no new claims" in text
    assert "deleted at 0:20:15, never placed" in text
    assert "capsim run runs/app10/scenario.resolved.yaml --out runs/app10-again" in text
    assert "capsim run 'a b.yaml'" in text
    assert "kind: HorizontalPodAutoscaler" in text


def test_it_is_well_formed_and_loads_nothing():
    text = page()
    for tag, attributes in Tags(text).found:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_pictures_have_words_and_tables_have_headers():
    tags = Tags(page()).found
    assert all(attributes.get("alt") for tag, attributes in tags if tag == "img")
    drawings = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(drawings) == 7
    assert all(each.get("role") == "img" and "over time, in" in each["aria-label"] for each in drawings)
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
    ids = {attributes["id"] for _, attributes in tags if "id" in attributes}
    assert {attributes["href"][1:] for tag, attributes in tags if tag == "a"} <= ids


def hostile():
    scenario = story.scenario()
    (app,) = [each for each in scenario.objects.workloads if each.key == story.APP]
    renamed = app.model_copy(update={"name": HOSTILE})
    workloads = [renamed if each is app else each for each in scenario.objects.workloads]
    entry = Line(file=HOSTILE, line=3, object=HOSTILE, field=HOSTILE, text=HOSTILE)
    scenario = scenario.model_copy(
        update={
            "name": HOSTILE,
            "description": HOSTILE,
            "objects": scenario.objects.model_copy(update={"workloads": workloads}),
            "inventory": Inventory(not_modelled=[entry], warnings=[entry], guessed=[entry], ignored=[entry]),
        }
    )
    pods = story.pods().assign(name=HOSTILE, workload=renamed.key, node=HOSTILE)
    pods["reason"] = pods["reason"].map(lambda reason: reason and HOSTILE)
    series = story.series()
    series["workloads"]["workload"] = pd.Categorical([renamed.key] * len(series["workloads"]))
    series["node_groups"]["node_group"] = pd.Categorical([HOSTILE] * len(series["node_groups"]))
    known = {"command": [HOSTILE], "capsim": HOSTILE, "libraries": {HOSTILE: HOSTILE}, "platform": HOSTILE}
    return story.result(
        scenario=scenario, pods=pods, series=series, nodes=story.nodes().assign(name=HOSTILE), provenance=known
    )


def test_every_text_of_the_user_is_escaped():
    text = page(hostile())
    tags = Tags(text).found
    assert not [tag for tag, _ in tags if tag == "script"]
    assert len([tag for tag, _ in tags if tag == "img"]) == 1  # the heat map
    assert not [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)]
    assert "alert(1)" in said(text)
    assert "{{ 7*7 }}" in said(text)


def test_hostile_names_in_pictures():
    from capsim.report.write import _images

    result = hostile()
    assert len(_images(result, pictures(result))) == 4


def test_a_partial_run_says_so():
    facts = {**story.facts(), "reached_ms": 600_000, "partial": True}
    series = {name: frame[frame["time_ms"] < 600_000] for name, frame in story.series().items()}
    text = said(page(story.result(facts=facts, series=series)))
    assert "Partial run. It was interrupted after 10m of 1h" in text
    assert "Partial run" not in said(page())


def test_a_run_that_was_interrupted_at_once():
    facts = {**story.facts(), "reached_ms": 0, "partial": True}
    series = {name: frame[frame["time_ms"] < 0] for name, frame in story.series().items()}
    text = said(page(story.result(facts=facts, series=series)))
    assert "Partial run" in text
    assert "There was no node." in text


def test_dropped_events_and_a_changed_scenario_are_said():
    assert "7 events beyond the cap" in said(page(story.result(facts={**story.facts(), "events_dropped": 7})))
    assert "not the one that was run" in said(page(changed=True))


def test_nobody_waited():
    pods = story.pods()
    text = said(page(story.result(pods=pods[pods["reason"] == ""])))
    assert "Nobody: every pod got a node" in text


def test_no_prices():
    text = said(page(story.result(nodes=story.nodes().assign(cost_usd=0.0, price_per_hour_usd=0.0))))
    assert "The scenario gives no prices" in text


def test_a_large_scenario_is_cut_at_a_line(monkeypatch):
    monkeypatch.setattr("capsim.report.foundations.SHOWN_BYTES", 1000)
    text = page()
    assert re.search(r"The first part; [\d,]+ more bytes are in the file", text)


def test_lines_of_recorded_traffic_are_shortened():
    from capsim.report.foundations import shown_scenario

    text, left_out_bytes = shown_scenario("a: 1\npacked: " + "x" * 300_000 + "\nlast: 2\n")
    assert left_out_bytes == 0
    assert len(text) < 1000
    assert "299,608 more characters in the file" in text
    assert text.endswith("last: 2\n")


def test_the_same_run_gives_the_same_bytes():
    assert page() == page()


def test_many_workloads_are_folded_and_counted():
    keys = [f"default/Deployment/app{n:02}" for n in range(20)]
    series = story.series()
    rows = series["workloads"]
    series["workloads"] = pd.concat([rows.assign(workload=key) for key in keys], ignore_index=True)
    scenario = story.scenario()
    first = scenario.objects.workloads[0]
    more = [first.model_copy(update={"name": key.rpartition("/")[2]}) for key in keys]
    objects = scenario.objects.model_copy(update={"workloads": [*scenario.objects.workloads, *more]})
    result = story.result(series=series, scenario=scenario.model_copy(update={"objects": objects}))
    text = page(result)
    assert "12 of 20 workloads are drawn" in said(text)
    charts = [attributes for tag, attributes in Tags(text).found if tag == "details"]
    assert [("open" in each) for each in charts[:12]] == [True] * 3 + [False] * 9


COMMANDS = {
    "": None,
    "capsim run x": ["capsim", "run", "x"],
    "capsim run": ["/a/capsim/__main__.py", "run"],
    "study.py '; rm -rf /'": ["study.py", "; rm -rf /"],
}


@pytest.mark.parametrize(("text", "words"), COMMANDS.items())
def test_commands(text, words):
    from capsim.report.foundations import commands

    made = commands(story.result(provenance={"command": words}), Path("runs/a b"))
    assert made.again == "capsim run 'runs/a b/scenario.resolved.yaml' --out 'runs/a b-again'"
    assert made.original == text
