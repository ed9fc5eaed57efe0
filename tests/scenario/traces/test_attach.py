"""Traces of a whole scenario: relative paths, one pass for each file, resolved scenarios that stand alone."""

from __future__ import annotations

import pytest
import yaml

from capsim.scenario import load
from capsim.scenario.series import Origin, RecordedSeries
from capsim.scenario.traces import attach
from tests.scenario.samples import SCENARIO
from tests.scenario.traces.conftest import minutes

KEY = "default/app"
HOUR_MS = 3_600_000
PLAIN = SCENARIO.replace("traffic: {app: 100}\n", "")


@pytest.fixture
def scenario(folder):
    """Loads the small scenario with other traffic, from a folder of its own."""

    def scenario(traffic, **options):
        folder.write("sub/app.yaml", (folder.path / "app.yaml").read_text())
        folder.write("sub/s.yaml", PLAIN + traffic)
        return load("sub/s.yaml", **options)

    return scenario


def points(loaded, key=KEY):
    times, values = loaded.traffic[key].points(loaded.duration_ms, Origin(key, loaded.seed))
    return times.tolist(), values.tolist()


def test_paths_are_relative_to_the_scenario_file(folder, scenario):
    folder.write("sub/traces/t.csv", minutes(90, range(90)))
    loaded = scenario("traffic: {app: {file: traces/t.csv}}")
    assert isinstance(loaded.traffic[KEY], RecordedSeries)
    assert points(loaded)[1] == list(range(60))


@pytest.mark.parametrize(
    "traffic",
    [
        "{file: t.csv}",
        "{file: t.csv, unit: requests, scale: 2.5, offset: 3m, timeScale: 0.1, repeat: true}",
        "{file: t.csv, interpolate: linear, crop: {from: 10m, to: 40m}}",
        "{file: t.csv, resample: {step: 7m, keep: max}, repeat: true}",
        "{noise: {sum: [{file: t.csv}, {product: [{file: t.csv, scale: 2}, {spike: 2, at: 5m, hold: 9m}]}]}, cv: 1}",
    ],
)
def test_a_resolved_scenario_stands_alone(folder, scenario, traffic):
    folder.write("sub/t.csv", minutes(150, [i % 17 for i in range(150)]))
    loaded = scenario(f"traffic: {{app: {traffic}}}")
    text = loaded.dump_resolved()
    (folder.path / "sub" / "t.csv").unlink()
    folder.write("elsewhere/resolved.yaml", text)
    again = load("elsewhere/resolved.yaml")
    assert again == loaded
    assert again.dump_resolved() == text
    assert points(again) == points(loaded)


def test_equal_samples_are_written_once(folder, scenario):
    folder.write("sub/t.csv", minutes(1500, [i * 7919 % 1000 for i in range(1500)]))
    loaded = scenario("duration: 1d\ntraffic: {app: {sum: [{file: t.csv, column: app}, {file: t.csv, scale: 2}]}}")
    text = loaded.dump_resolved()
    assert text.count(".zlib:") == 1
    folder.write("r.yaml", text)
    assert load("r.yaml").dump_resolved() == text


def test_only_what_the_run_can_play_is_kept(folder, scenario):
    folder.write("sub/t.csv", minutes(1500))
    assert len(scenario("traffic: {app: {file: t.csv}}").traffic[KEY].recorded.values.values) == 62
    repeated = scenario("traffic: {app: {file: t.csv, repeat: true, timeScale: 0.01}}")
    assert len(repeated.traffic[KEY].recorded.values.values) == 1500


def test_long_traces_are_named_by_path_and_hash(folder, scenario, monkeypatch):
    monkeypatch.setattr(attach, "INLINED", 50)
    folder.write("sub/t.csv", minutes(90, range(90)))
    loaded = scenario("traffic: {app: {file: t.csv, scale: 2}}")
    written = yaml.safe_load(loaded.dump_resolved())["traffic"][KEY]
    assert written["file"] == str(folder.path / "sub" / "t.csv")
    assert len(written["sha256"]) == 64
    folder.write("elsewhere/r.yaml", loaded.dump_resolved())
    again = load("elsewhere/r.yaml")
    assert points(again) == points(loaded)
    assert again.dump_resolved() == loaded.dump_resolved()
    folder.write("sub/t.csv", minutes(90, 5))
    (problem,) = folder.problems_of("elsewhere/r.yaml")
    assert "the file has changed" in problem


def test_what_was_guessed_and_what_ends_early_is_said(folder, scenario):
    folder.write("sub/t.csv", minutes(30))
    inventory = scenario("traffic: {app: {file: t.csv}}").inventory
    assert "t.csv: values in rps, a row every 1m, times from column 'time' (seconds)" in [
        g.text for g in inventory.guessed
    ]
    (warning,) = inventory.warnings
    assert warning.text == "the trace ends at 30m of 1h: 0 from then on (repeat: true begins it again)"
    assert (warning.file, warning.field) == ("sub/s.yaml", "traffic.default/app")
    assert not scenario("traffic: {app: {file: t.csv, repeat: true}}").inventory.warnings


def test_a_file_is_read_once_for_all_its_columns(folder, scenario, monkeypatch):
    passes = []
    read_table = attach.read_table
    monkeypatch.setattr(attach, "read_table", lambda h, w, where: passes.append(w.columns) or read_table(h, w, where))
    folder.write("sub/t.csv", "time,app,b,c\n" + "".join(f"{60 * i},1,2,3\n" for i in range(70)))
    loaded = scenario("traffic: {app: {sum: [{file: t.csv}, {file: t.csv, column: c}, {file: t.csv, column: b}]}}")
    assert passes == [("app", "c", "b")]
    assert points(loaded) == ([0], [6])


def test_recorded_usage_comes_from_files_too(folder, scenario):
    folder.write("sub/t.csv", "time,cpu_count,bytes\n0,0.5,100\n60,0.75,200\n")
    loaded = scenario("usage: {app: {cpu: {file: t.csv, column: cpu_count}, memory: {file: t.csv, column: bytes}}}")
    usage = loaded.usage["default/Deployment/app"]
    assert usage.cpu.points(120_000)[1].tolist() == [0.5, 0.75]
    assert usage.memory.points(120_000)[1].tolist() == [100, 200]


def test_all_problems_of_all_files_at_once(folder):
    folder.write("t.csv", "time,app\n0,1\n60,-2\n120,\n")
    folder.write("bad.yaml", PLAIN + "duration: 1x\ntraffic: {app: {sum: [{file: t.csv}, {file: no.csv}]}}\n")
    assert len(folder.problems_of("bad.yaml")) == 1  # the scenario itself first
    folder.write("bad.yaml", PLAIN + "traffic:\n  app:\n    sum:\n    - file: t.csv\n    - {file: no.csv}\n    - 1\n")
    assert [problem.split(";")[0] for problem in folder.problems_of("bad.yaml")] == [
        "bad.yaml:14: traffic.default/app.sum[1].file: the trace cannot be read: no such file or directory",
        "t.csv:3: traffic.default/app.sum[0]: negative values",
        "t.csv:4: traffic.default/app.sum[0]: empty values",
    ]


def test_wide_files_give_traffic_to_their_services(folder, scenario):
    folder.write("sub/wide.csv", "time,app\n0,60\n60,120\n")
    loaded = scenario("traces: [{file: wide.csv, unit: requests, repeat: true}]")
    assert points(loaded)[1][:3] == [1, 2, 1]
    explicit = scenario("traces: [{file: wide.csv}]\ntraffic: {app: 5}")
    assert points(explicit) == ([0], [5])
    named = scenario("traces: [{file: wide.csv, services: {app: app}}]")
    assert points(named)[1] == [60, 120, 0]


def test_long_files_give_traffic_to_their_services(folder, scenario):
    folder.write("sub/long.csv", "time,svc,v\n0,app,3\n60,app,4\n")
    assert points(scenario("traces: [{file: long.csv, serviceColumn: svc, column: v}]"))[1] == [3, 4, 0]


@pytest.mark.parametrize(
    ("traces", "message"),
    [
        (
            "[{file: wide.csv}]",
            "wide.csv: traces[0]: 'ap' matches no service, did you mean \"app\"?; found column 'ap'",
        ),
        ("[{file: wide.csv, services: {aap: ap}}]", "'aap' matches no service, did you mean \"app\"?"),
        ("[{file: wide.csv, services: {app: app}, column: x}]", "column: no such column"),
        ("[{file: wide.csv, serviceColumn: svc}]", "serviceColumn: no such column"),
        ("[{file: no.csv}]", "no.csv"),
        ("[{}]", "traces[0]: no file"),
        ("5", "traces: wrong type; found 5"),
        ("[{file: wide.csv, services: {app: ap}, gap: x}]", 'unknown key, did you mean "gaps"?'),
    ],
)
def test_problems_with_files_of_many_services(folder, traces, message):
    folder.write("wide.csv", "time,ap\n0,1\n60,2\n")
    folder.write("bad.yaml", PLAIN + f"traces: {traces}\n")
    assert any(message in problem for problem in folder.problems_of("bad.yaml"))
