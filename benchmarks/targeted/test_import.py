"""Importing a dump of 250 nodes and 5,000 pods, objects per second; and the YAML reader beside PyYAML's own."""

from __future__ import annotations

import gc
import time

import pytest
import yaml

from benchmarks import reference
from benchmarks.dump import Plan, write
from capsim.scenario.importers.assemble import Options, imported
from capsim.scenario.importers.build import from_yaml

SMALL = Plan(nodes=250, pods=5000)
OBJECTS = 5450


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("dump")
    for form in ("yaml", "json"):
        write(SMALL, place / f"dump.{form}")
    return place


@pytest.mark.parametrize(("form", "target"), [("yaml", 1800.0), ("json", 7300.0)])
def test_import(folder, measure, form, target):
    """Targets: 109,000 objects of 5,000 nodes and 100,000 pods in 60 s (YAML) and 15 s (JSON)."""

    def work():
        gc.disable()
        try:
            made = imported([str(folder / f"dump.{form}")], Options())
        finally:
            gc.enable()
        placed = sum(count for nodes in made.placement.values() for count in nodes.values())
        return made.findings.totals.kinds, placed, made.findings.totals.requested_cpu_milli

    answer = measure(work, unit="objects/s", amount=OBJECTS, target=target, rounds=5, beside=reference.interpreted)
    assert answer == ({"Pod": 5000, "Node": 250, "Deployment": 100, "ReplicaSet": 100}, 5000, 5000 * 410)


def test_yaml_is_read_several_times_as_fast_as_by_pyyaml(folder, benchmark):
    text = (folder / "dump.yaml").read_text()
    part = text[: text.index("\n- ", 400_000) + 1]
    expected = yaml.load(part, Loader=yaml.CSafeLoader)
    documents, duplicates = benchmark.pedantic(from_yaml, args=(part,), rounds=3)
    assert not duplicates
    assert len(documents[0]["items"]) == len(expected["items"])
    assert documents[0]["items"][0]["spec"] == expected["items"][0]["spec"]
    if not benchmark.disabled:
        began = time.process_time()
        yaml.load(part, Loader=yaml.CSafeLoader)
        benchmark.extra_info["times as fast"] = (time.process_time() - began) / benchmark.stats.stats.median
