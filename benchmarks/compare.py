"""Runs the benchmarks and compares them with the baseline: ``python -m benchmarks.compare [WHAT ...] [--refresh]``.

Exit codes: 0 nothing is worse, 1 something is worse or missing, 2 a benchmark failed (its answer was wrong).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.baseline import (
    Figure,
    Figures,
    Verdict,
    judge,
    merged,
    read_baseline,
    read_report,
    write_baseline,
)

HERE = Path(__file__).parent
ROOT = HERE.parent
BASELINE = HERE / "baseline.json"
PARTS = ("frequent", "targeted", "simulation", "compile")
TRIES = 2
"""How often a benchmark that looks worse is measured again before it counts as worse."""

Run = Callable[[list[str]], Figures]


class BenchmarkFailed(Exception):
    """pytest did not end well."""


def measured(what: list[str]) -> Figures:
    """Run benchmarks (paths or ids of pytest) in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["--benchmark-enable", f"--benchmark-json={report}", "--benchmark-columns=median,rounds", "-q"]
        command = [sys.executable, "-m", "pytest", *what, *options, "-p", "no:cacheprovider", "-p", "no:xdist"]
        command += ["-W", "ignore::pytest_benchmark.logger.PytestBenchmarkWarning"]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchmarkFailed(done.stdout + done.stderr)
        print(*(line for line in done.stdout.splitlines() if line.startswith("SKIPPED")), sep="\n", end="")
        return read_report(json.loads(report.read_text(encoding="utf-8"))) if report.is_file() else {}


def suite(what: list[str], run: Run) -> Figures:
    """All figures, each part in its own process."""
    found: Figures = {}
    for part in what:
        print(f"measuring {part} ...", flush=True)
        found.update(run([part]))
    return found


def compared(before: Figures, what: list[str], whole: bool, run: Run) -> tuple[Figures, list[Verdict]]:
    """Figures and verdicts; what looks worse is measured again, and the median of all tries counts."""
    runs = [suite(what, run)]
    verdicts = judge(before, runs[0], whole)
    for _ in range(TRIES):
        suspects = [verdict.name for verdict in verdicts if verdict.kind == "worse"]
        if not suspects:
            break
        print(f"measuring again: {', '.join(suspects)}", flush=True)
        runs.append(run(suspects))
        verdicts = judge(before, merged(runs), whole)
    return merged(runs), verdicts


def machine() -> dict[str, str]:
    """Where the figures come from."""
    import numba
    import numpy

    return {
        "processor": _processor(),
        "python": platform.python_version(),
        "numba": numba.__version__,
        "numpy": numpy.__version__,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def row(name: str, figure: Figure, verdict: Verdict | None) -> str:
    """One line of the table."""
    short = name.removeprefix("benchmarks/").replace("test_", "").replace(".py::", " ")
    aim = ""
    if figure.target is not None:
        sign = "<=" if figure.lower_is_better else ">="
        aim = f"{sign} {figure.target:,.5g} {'met' if figure.meets_target else 'MISSED'}"
    said = ""
    if verdict is not None:
        said = (
            verdict.kind if verdict.kind == "new" else f"{verdict.kind} {verdict.change:+.0%} of {verdict.allowed:.0%}"
        )
    return (
        f"{short:58} {figure.rate:>13,.5g} {figure.unit:12} {aim:20} {figure.ratio:>9.4g} ±{figure.noise:4.0%}  {said}"
    )


def table(found: Figures, verdicts: list[Verdict]) -> str:
    """All figures with their verdicts, then what was not measured."""
    by_name = {verdict.name: verdict for verdict in verdicts}
    lines = [f"{'':58} {'rate':>13} {'unit':12} {'target':20} {'ratio':>9} noise  against the baseline"]
    lines += [row(name, found[name], by_name.get(name)) for name in sorted(found)]
    lines += [f"{name}: {verdict.kind}" for name, verdict in by_name.items() if name not in found]
    return "\n".join(lines)


def refresh(what: list[str], repeats: int, run: Run, path: Path = BASELINE) -> Figures:
    """Measure ``repeats`` times and write the baseline; figures of other benchmarks stay when only a part is run."""
    found = merged([suite(what, run) for _ in range(repeats)])
    kept = read_baseline(path) if path.is_file() and set(what) != set(all_parts()) else {}
    write_baseline(path, {**kept, **found}, machine())
    return found


def all_parts() -> list[str]:
    """The folders of the suite."""
    return [f"benchmarks/{part}" for part in PARTS]


def arguments(given: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.splitlines()[0])
    parser.add_argument(
        "what", nargs="*", help=f"{', '.join(PARTS)}, or files and ids as pytest takes them; default all"
    )
    parser.add_argument("--refresh", action="store_true", help="write the baseline instead of comparing with it")
    parser.add_argument("--repeats", type=int, default=3, help="with --refresh: how often the suite runs")
    return parser.parse_args(given)


def main(given: list[str] | None = None, run: Run = measured, path: Path = BASELINE) -> int:
    """The command."""
    chosen = arguments(given)
    what = [f"benchmarks/{name}" if name in PARTS else name for name in chosen.what] or all_parts()
    whole = set(what) == set(all_parts())
    try:
        if chosen.refresh:
            print(table(refresh(what, chosen.repeats, run, path), []))
            return 0
        found, verdicts = compared(read_baseline(path), what, whole, run)
    except BenchmarkFailed as failure:
        print(failure, file=sys.stderr)
        return 2
    print(table(found, verdicts))
    worse = [verdict.name for verdict in verdicts if verdict.fails]
    print("\n".join(["FAILED, worse than the baseline or missing:", *worse]) if worse else "nothing is worse")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
