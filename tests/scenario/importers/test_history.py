"""Recorded usage: the long format, what a request costs, and the overlay that comes out."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load
from capsim.scenario.importers.behaviour import cost_of
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.history import read_history
from capsim.scenario.importers.history_overlay import write_history
from tests.scenario.samples import DEPLOYMENT, SERVICE

NODE = """\
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {allocatable: {cpu: 8, memory: 32Gi, pods: 110}, capacity: {cpu: 8, memory: 32Gi, pods: 110}}
"""
OTHER = DEPLOYMENT.replace("apps/v1", "@").replace("app", "db").replace("@", "apps/v1")


@pytest.fixture
def scenario(dumps):
    dumps.loaded("---\n".join([NODE, DEPLOYMENT, OTHER, SERVICE]))
    return dumps.path / "scenario"


def record(rows=60, start="2026-03-02T08:00:00Z", idle=0.4, cost=0.02):
    """An hour: rps of app goes up and down; its CPU is idle + cost × rps; db has CPU and memory only."""
    times = pd.date_range(start, periods=rows, freq="1min")
    rps = 100 + 50 * np.sin(np.arange(rows) / 7)
    parts = [("app", "rps", rps), ("app", "cpu", idle + cost * rps), ("app", "memory", np.full(rows, 3e8)),
             ("db", "cpu", np.full(rows, 0.7)), ("db", "memory", np.full(rows, 5e8))]  # fmt: skip
    frames = [
        pd.DataFrame({"time": times, "namespace": "default", "workload": w, "metric": m, "value": v})
        for w, m, v in parts
    ]
    return pd.concat(frames, ignore_index=True)


def overlaid(scenario, path):
    loaded = load(scenario)
    log = Log()
    write_history(read_history([str(path)], loaded), loaded, scenario, log)
    return load(scenario, overlays=[scenario / "history.yaml"]), log


@pytest.mark.parametrize("form", ["csv", "epoch", "parquet", "json"])
def test_the_same_record_in_every_form(scenario, tmp_path, form):
    frame = record()
    path = tmp_path / ("h.json" if form == "json" else "h.parquet" if form == "parquet" else "h.csv")
    if form == "parquet":
        frame.to_parquet(path)
    elif form == "json":
        result = []
        for (namespace, workload, metric), part in frame.groupby(["namespace", "workload", "metric"]):
            values = [[t.timestamp(), str(v)] for t, v in zip(part["time"], part["value"], strict=True)]
            labels = {"namespace": namespace, "workload": workload, "metric": metric}
            result.append({"metric": labels, "values": values})
        path.write_text(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}))
    else:
        if form == "epoch":
            frame["time"] = [int(t.timestamp()) for t in frame["time"]]
        frame.to_csv(path, index=False)
    merged, _ = overlaid(scenario, path)
    assert merged.duration_ms == 3_600_000
    assert merged.start.isoformat() == "2026-03-02T08:00:00+00:00"
    behaviour = merged.workloads["default/Deployment/app"].containers["main"]
    assert behaviour.cpu_per_request_milli == pytest.approx(20, rel=1e-3)
    assert behaviour.idle_cpu_milli == pytest.approx(200, rel=1e-3)  # two replicas
    times, values = merged.traffic["default/app"].points(merged.duration_ms)
    assert len(times) == 60
    assert values[0] == pytest.approx(100)
    assert set(merged.usage) == {"default/Deployment/app", "default/Deployment/db"}
    assert merged.usage["default/Deployment/app"].cpu is None
    assert merged.usage["default/Deployment/db"].cpu.points(3_600_000)[1][0] == pytest.approx(0.7)


def test_without_requests_the_use_is_replayed(scenario, tmp_path):
    frame = record()
    frame[frame["metric"] != "rps"].to_csv(tmp_path / "h.csv", index=False)
    merged, _ = overlaid(scenario, tmp_path / "h.csv")
    assert not merged.traffic
    assert merged.usage["default/Deployment/app"].cpu is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="metric"), "columns are missing"),
        (lambda f: f.assign(metric="cpus"), "did you mean"),
        (lambda f: f.assign(value="much"), "not a value"),
        (lambda f: f.assign(value=-1), "not a value"),
        (lambda f: f.assign(time="yesterday"), "not a time"),
    ],
)
def test_what_is_wrong_is_said(scenario, tmp_path, change, message):
    change(record()).to_csv(tmp_path / "h.csv", index=False)
    with pytest.raises(ScenarioError) as caught:
        read_history([str(tmp_path / "h.csv")], load(scenario))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["h.csv", "h.parquet", "h.json"])
def test_files_that_are_no_record(scenario, tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00\x01 nothing of the kind")
    with pytest.raises(ScenarioError):
        read_history([str(tmp_path / name)], load(scenario))


def test_unknown_workloads_and_missing_values_are_counted(scenario, tmp_path):
    frame = pd.concat([record(), record().assign(workload="stranger")])
    frame.loc[frame.index[:5], "value"] = np.nan
    frame.to_csv(tmp_path / "h.csv", index=False)
    found = read_history([str(tmp_path / "h.csv")], load(scenario))
    assert found.unknown == {"default/stranger": 295}
    assert found.dropped == 10


@pytest.mark.parametrize(("idle", "cost"), [(0.0, 0.01), (1.5, 0.002), (0.2, 0.5)])
def test_the_line_is_found_again(idle, cost):
    rng = np.random.default_rng(1)
    rps = pd.Series(rng.uniform(10, 500, 400))
    found = cost_of(idle + cost * rps + rng.normal(0, 0.01, 400), rps)
    assert found.per_request_milli == pytest.approx(1000 * cost, rel=0.02)
    assert found.idle_milli == pytest.approx(1000 * idle, abs=10)


def test_where_nothing_varies_the_mean_decides():
    found = cost_of(pd.Series([2.0] * 50), pd.Series([100.0] * 50))
    assert (found.per_request_milli, found.idle_milli, found.explained_ratio) == (20.0, 0.0, 0.0)
    assert cost_of(pd.Series([2.0] * 50), pd.Series([0.0] * 50)) is None
