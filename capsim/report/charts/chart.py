"""What a chart shows, before it is drawn: layers of values held over intervals of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Form = Literal["area", "line", "thick", "dashed"]
NOBODY: tuple[Times, Times] = (np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Layer:
    """Values (n) that hold from one edge to the next (n + 1 edges, ms since the start of the run).

    An area reaches from 0 to its values; ``colour`` is a name of the palette; ``extremes`` are what a reader is told
    of the smallest and largest value, which in a stack are those of the layer alone.
    """

    label: str
    colour: str
    form: Form
    edges_ms: Times
    values: Floats
    extremes: tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """Layers from back to front on a common axis that starts at 0; ``waiting_ms`` are shaded spans (starts, ends)."""

    title: str
    unit: str
    layers: tuple[Layer, ...]
    end_ms: int
    waiting_ms: tuple[Times, Times] = NOBODY
    whole: bool = False
    """Only whole numbers on the axis."""

    @property
    def top(self) -> float:
        """The largest value of any layer; 1 when there is nothing above 0."""
        return max((float(layer.values.max()) for layer in self.layers if len(layer.values)), default=0.0) or 1.0

    @property
    def legend(self) -> list[Layer]:
        """Areas from the bottom of the stack to its top, then lines."""
        areas = [layer for layer in self.layers if layer.form == "area"]
        return [*reversed(areas), *(layer for layer in self.layers if layer.form != "area")]


def layer(label: str, colour: str, form: Form, edges_ms: Times, values: npt.ArrayLike) -> Layer:
    """A layer of its own, not part of a stack."""
    numbers = np.asarray(values, np.float64)
    return Layer(label, colour, form, edges_ms, numbers, _extremes(numbers))


def stack(edges_ms: Times, parts: Sequence[tuple[str, str, npt.ArrayLike]]) -> list[Layer]:
    """(label, colour, values) from the bottom up, as areas from back to front; parts that are 0 throughout fall out."""
    found: list[Layer] = []
    below = np.zeros(len(edges_ms) - 1)
    for label, colour, values in parts:
        numbers = np.asarray(values, np.float64)
        if found and not numbers.any():
            continue
        below = below + numbers
        found.append(Layer(label, colour, "area", edges_ms, below, _extremes(numbers)))
    return found[::-1]


def _extremes(values: Floats) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
