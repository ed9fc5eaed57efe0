"""How a benchmark measures: rounds of work between rounds of a fixed reference, and answers that must not differ.

The ratio of a round is its CPU time over the mean of the reference's before and after it; a benchmark's ratio is the
median of its rounds. Ratios are compared with the baseline; rates and times are for people and for targets.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks import reference

PER_SECOND = "/s"
TIMES = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
SHARE = 0.1
"""The reference runs for about this share of a round, on each side of it."""
MOST_LOOPS = 60


class Measure:
    """Measures one benchmark and writes down what ``benchmarks.compare`` reads (pytest-benchmark's extra_info)."""

    def __init__(self, benchmark: Any) -> None:
        self.benchmark = benchmark

    def __call__(
        self,
        work: Callable[..., Any],
        *,
        unit: str,
        amount: float = 1,
        target: float | None = None,
        prepare: Callable[[], tuple[Any, ...]] | None = None,
        rounds: int = 15,
        beside: reference.Work = reference.compiled,
        needs_data: bool = False,
    ) -> Any:
        """Run ``work(*prepare())`` for ``rounds`` rounds; returns its answer, the same in each.

        ``unit``: ``s``, ``ms``, ``us``, ``ns`` (per piece of work), or ``things/s``; a round is ``amount`` pieces.
        ``prepare`` is not measured. ``needs_data``: the benchmark is skipped where a data folder is absent.
        """
        answers: list[Any] = []
        marks: list[float] = []
        arguments = prepare or tuple
        warm = work(*arguments())
        loops = 1 if self.benchmark.disabled else loops_beside(work, arguments, beside)

        def ready() -> tuple[tuple[Any, ...], dict[str, Any]]:
            given = arguments()
            marks.append(reference.cpu_seconds(beside, loops))
            return given, {}

        def timed(*given: Any) -> None:
            answers.append(work(*given))

        self.benchmark.pedantic(timed, setup=ready, rounds=rounds)
        marks.append(reference.cpu_seconds(beside, loops))
        assert all(answer == warm for answer in answers), "rounds differ in their answers"
        if not self.benchmark.disabled:
            self.note(unit, amount, target, between(marks), needs_data)
        return warm

    def note(
        self, unit: str, amount: float, target: float | None, references: list[float], needs_data: bool = False
    ) -> None:
        """Write down the figures of the rounds, given the seconds of the reference beside each."""
        seconds = list(self.benchmark.stats.stats.data)
        self.benchmark.extra_info.update(figures(seconds, references, unit, amount, target), needs_data=needs_data)


def loops_beside(work: Callable[..., Any], arguments: Callable[[], tuple[Any, ...]], beside: reference.Work) -> int:
    """How often the reference runs on each side of a round."""
    given = arguments()
    began = time.process_time()
    work(*given)
    took = time.process_time() - began
    return max(1, min(MOST_LOOPS, round(SHARE * took / reference.cpu_seconds(beside, 2))))


def between(marks: list[float]) -> list[float]:
    """Means of neighbours: what the reference took around each round."""
    return [(before + after) / 2 for before, after in pairwise(marks)]


def figures(
    seconds: list[float], references: list[float], unit: str, amount: float, target: float | None
) -> dict[str, Any]:
    """Rate in ``unit``, target, ratio and its noise from the seconds of each round and of the reference beside it."""
    ratios = [took / beside for took, beside in zip(seconds, references, strict=True)]
    middle = statistics.median(seconds) / amount
    rate = 1 / middle if unit.endswith(PER_SECOND) else middle * TIMES[unit]
    ratio = statistics.median(ratios)
    return {
        "rate": rate,
        "unit": unit,
        "target": target,
        "lower_is_better": not unit.endswith(PER_SECOND),
        "ratio": ratio,
        "noise": noise(ratios),
        "rounds": len(ratios),
    }


def noise(ratios: list[float]) -> float:
    """Standard error of the median as a share of it, from the quartiles (a few disturbed rounds do not count)."""
    if len(ratios) < 3:
        return (max(ratios) - min(ratios)) / 2 / statistics.median(ratios)
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return 1.2533 * (high - low) / 1.349 / len(ratios) ** 0.5 / statistics.median(ratios)
