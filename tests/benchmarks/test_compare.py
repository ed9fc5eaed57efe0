"""The comparison with the baseline passes and fails when it should, and every benchmark can be imported."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.baseline import Figure, judge, merged, read_baseline, read_report, write_baseline
from benchmarks.compare import BASELINE, PARTS, all_parts, main

FOLDER = Path(BASELINE).parent
MODULES = sorted(FOLDER.rglob("*.py"))
NAME = "benchmarks/frequent/test_heap.py::test_heap"
FIGURE = Figure(rate=2e6, unit="events/s", target=1e6, lower_is_better=False, ratio=4.0, noise=0.01)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_benchmarks_can_be_imported(path):
    if path.name == "ciw_points.py":
        pytest.importorskip("ciw", reason="ciw is used in an environment of its own: benchmarks/queueing/ciw_points.py")
    parts = path.relative_to(FOLDER.parent).with_suffix("").parts
    importlib.import_module(".".join(part for part in parts if part != "__init__"))


def test_every_part_has_benchmarks():
    for part in PARTS:
        assert list((FOLDER / part).glob("test_*.py")), part


def test_the_default_run_of_pytest_does_not_collect_them(pytestconfig):
    assert not {"benchmarks", "."} & set(pytestconfig.getini("testpaths"))


def test_the_baseline_names_benchmarks_that_exist():
    for name, figure in read_baseline(BASELINE).items():
        path, function = name.split("::")
        assert f"def {function.split('[')[0]}(" in (FOLDER.parent / path).read_text(encoding="utf-8")
        assert figure.ratio > 0


@pytest.mark.parametrize(
    ("ratio", "noise", "kind"),
    [
        (4.0, 0.0, "same"),
        (4.5, 0.0, "same"),
        (4.7, 0.0, "worse"),
        (4.7, 0.05, "same"),
        (5.2, 0.5, "worse"),
        (3.0, 0.0, "better"),
    ],
)
def test_verdicts(ratio, noise, kind):
    (verdict,) = judge({NAME: replace(FIGURE, noise=0.0)}, {NAME: replace(FIGURE, ratio=ratio, noise=noise)})
    assert verdict.kind == kind
    assert verdict.fails == (kind == "worse")


def test_a_benchmark_that_is_not_measured():
    assert [v.kind for v in judge({NAME: FIGURE}, {})] == ["missing"]
    assert judge({NAME: FIGURE}, {}, whole=False) == []
    assert [v.kind for v in judge({NAME: replace(FIGURE, needs_data=True)}, {})] == ["no data"]
    assert [v.kind for v in judge({}, {NAME: FIGURE})] == ["new"]


def test_noise_between_runs_counts():
    both = merged([{NAME: FIGURE}, {NAME: replace(FIGURE, ratio=5.0)}])
    assert both[NAME].ratio == 4.5
    assert both[NAME].noise == pytest.approx(0.5 / 4.5)


def test_targets():
    assert FIGURE.meets_target
    assert not replace(FIGURE, lower_is_better=True).meets_target
    assert replace(FIGURE, target=None).meets_target is None


def test_figures_of_rounds():
    found = measure.figures([0.2, 0.4, 0.2], [0.1, 0.2, 0.1], "ms", 2, 150)
    assert found["rate"] == pytest.approx(100)
    assert found["ratio"] == pytest.approx(2)
    assert found["noise"] == pytest.approx(0)
    assert found["lower_is_better"]
    assert measure.figures([0.5], [0.1], "pods/s", 10, None)["rate"] == pytest.approx(20)
    assert measure.between([1.0, 3.0, 5.0]) == [2.0, 4.0]
    assert measure.noise([1.0, 1.0, 9.0, 1.0, 1.0]) == 0.0, "a disturbed round does not count"


def test_reports_of_pytest_benchmark():
    entry = {"fullname": NAME, "extra_info": {**FIGURE.__dict__, "pods": 3}, "stats": {}}
    assert read_report({"benchmarks": [entry, {"fullname": "other", "extra_info": {}}]}) == {NAME: FIGURE}


def test_the_command(tmp_path, capsys):
    """It fails on what stays worse, passes on what was worse once, and refreshes."""
    path = tmp_path / "baseline.json"
    write_baseline(path, {NAME: FIGURE}, {})
    assert main([], run=found(4.1), path=path) == 0
    assert "nothing is worse" in capsys.readouterr().out
    assert main([], run=found(5.2), path=path) == 1
    assert f"missing:\n{NAME}" in capsys.readouterr().out
    assert main([], run=found(5.2, 4.0, 4.0), path=path) == 0, "the median of three"
    assert main(["--refresh", "--repeats", "1"], run=found(5.2), path=path) == 0
    assert main([], run=found(5.2), path=path) == 0
    assert json.loads(path.read_text())["machine"]["python"]


def found(*ratios: float):
    """A run of the suite that finds one benchmark with these ratios in turn."""
    left = list(ratios)

    def run(what: list[str]):
        if what != [NAME] and what != all_parts()[:1]:
            return {}
        return {NAME: replace(FIGURE, ratio=left.pop(0) if len(left) > 1 else left[0])}

    return run
