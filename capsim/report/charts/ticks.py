"""Round numbers on axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from capsim.report.axis import TimeAxis

MOST = 8
HEADROOM = 1.07
STEPS = {
    "s": (1, 2, 5, 10, 15, 20, 30, 60),
    "min": (1, 2, 5, 10, 15, 20, 30, 60),
    "h": (0.5, 1, 2, 3, 4, 6, 8, 12, 24),
    "days": (0.5, 1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 60, 100, 200, 365),
}


@dataclass(frozen=True)
class Tick:
    """A mark at ``share`` (0 to 1) of an axis."""

    share: float
    label: str


def time_ticks(axis: TimeAxis) -> list[Tick]:
    """At most ``MOST`` + 1 marks, in the unit of the axis, from 0 on."""
    end = axis.at(max(axis.end_ms, 1))
    steps = STEPS[axis.unit]
    step = next((step for step in steps if end / step <= MOST), steps[-1] * math.ceil(end / steps[-1] / MOST))
    return [Tick(number * step / end, f"{number * step:g}") for number in range(int(end / step + 1e-9) + 1)]


def value_ticks(top: float, whole: bool = False) -> tuple[list[Tick], float]:
    """Two to six marks from 0, and the value at the upper end of the axis: a little above ``top``."""
    step, high = _round_step(top, whole), top * HEADROOM
    return [Tick(index * step / high, _number(index * step)) for index in range(int(high / step + 1e-9) + 1)], high


def _round_step(top: float, whole: bool) -> float:
    power = 10.0 ** math.floor(math.log10(top / 5.0))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if top / (factor * power) <= 5.0)
    return max(step, 1.0) if whole else step


def _number(value: float) -> str:
    """As short as it can be read.

    >>> _number(0.0), _number(2500.0), _number(1_500_000.0), _number(0.025)
    ('0', '2,500', '1.5 M', '0.025')
    """
    for unit, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if value >= factor:
            return f"{value / factor:g} {unit}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
