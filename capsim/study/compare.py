"""The comparison of two runs, or of two batches scenario by scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from capsim.errors import ScenarioError
from capsim.study.difference import CONFIDENCE, Difference, differences
from capsim.study.folders import Run, runs_in
from capsim.study.measures import HEADLINES

SAME_INPUT = ("duration_ms", "sample_interval_ms")


@dataclass(frozen=True)
class Pair:
    """One scenario on both sides."""

    name: str
    a: Sequence[Run]
    b: Sequence[Run]

    @cached_property
    def differences(self) -> list[Difference]:
        """Every measure, the headlines first."""
        found = differences({run.seed: run.measures for run in self.a}, {run.seed: run.measures for run in self.b})
        rank = {headline.key: place for place, headline in enumerate(HEADLINES)}
        return sorted(found, key=lambda difference: rank.get(difference.measure, len(rank)))

    @property
    def noise_known(self) -> bool:
        """Both sides have at least two seeds."""
        return min(len(self.a), len(self.b)) > 1

    @property
    def cautions(self) -> list[str]:
        """Why the numbers may not be comparable."""
        found = []
        for key in SAME_INPUT:
            values = [sorted({run.summary[key] for run in side}) for side in (self.a, self.b)]
            if values[0] != values[1]:
                found.append(f"{key} differs: {values[0]} and {values[1]}")
        if len({run.provenance.get("capsim") for run in [*self.a, *self.b]}) > 1:
            found.append("the runs were made by different versions of capsim")
        if any(run.summary.get("partial") for run in [*self.a, *self.b]):
            found.append("a run was interrupted: its numbers are those of the part that was simulated")
        return found


@dataclass(frozen=True)
class Comparison:
    """Two folders, the scenarios that they have in common, and those that only one has."""

    a: str
    b: str
    pairs: list[Pair]
    only_a: list[str]
    only_b: list[str]

    def to_json(self) -> dict[str, Any]:
        """All of it, with every measure, as plain values."""
        return {
            "a": self.a,
            "b": self.b,
            "only_a": self.only_a,
            "only_b": self.only_b,
            "confidence": CONFIDENCE,
            "scenarios": [_pair_json(pair) for pair in self.pairs],
        }


def compare(a: Path, b: Path) -> Comparison:
    """Compare two run folders, or two batch folders scenario by scenario.

    Where each side has one scenario those two are compared, whatever their names. Raises
    :class:`capsim.errors.ScenarioError` when a folder holds no finished run or the two have no scenario in common.
    """
    left, right = runs_in(a), runs_in(b)
    if len(left) == len(right) == 1:
        (name_a, runs_a), (name_b, runs_b) = *left.items(), *right.items()
        name = name_a if name_a == name_b else f"{name_a} and {name_b}"
        return Comparison(str(a), str(b), [Pair(name, runs_a, runs_b)], [], [])
    common = [name for name in left if name in right]
    if not common:
        raise ScenarioError(
            f"{a} and {b} have no scenario in common: {', '.join(left)} and {', '.join(right)}. "
            f"Name the folder of one scenario on each side, such as {a / next(iter(left))}."
        )
    pairs = [Pair(name, left[name], right[name]) for name in common]
    return Comparison(str(a), str(b), pairs, [n for n in left if n not in right], [n for n in right if n not in left])


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "scenario": pair.name,
        "seeds_a": [run.seed for run in pair.a],
        "seeds_b": [run.seed for run in pair.b],
        "cautions": pair.cautions,
        "measures": [
            {
                "measure": item.measure,
                "unit": item.unit,
                "a": item.a,
                "b": item.b,
                "difference": item.difference,
                "change_ratio": item.change_ratio,
                "noise": item.noise,
                "beyond_noise": item.beyond_noise,
            }
            for item in pair.differences
        ],
    }
