"""``figures/heat-map.png``."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from capsim.report.axis import time_axis
from capsim.report.charts.raster import DOTS_PER_INCH, WIDTH_INCHES, written
from capsim.report.heat_map import COLOURS, HeatMap, shortened
from capsim.result import Result

LABELS = 24
TITLE = 70  # letters


def heat_png(title: str, heat: HeatMap, result: Result) -> bytes:
    """Rows of nodes over time, with the scale of colours; 1100 pixels wide."""
    rows = len(heat.labels)
    height = 2.2 + min(0.28 * rows, 9.0)
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    panel = figure.add_axes((0.16, 0.55 / height, 0.7, 1 - 1.15 / height))
    axis = time_axis(result.summary.reached_ms)
    shape = (0.0, axis.at(axis.end_ms), rows - 0.5, -0.5)
    image = panel.imshow(
        np.ma.masked_invalid(heat.share),
        aspect="auto",
        extent=shape,
        cmap=COLOURS,
        vmin=0,
        vmax=1,
        interpolation="none",
    )
    shown = range(0, rows, -(-rows // LABELS))
    panel.set_yticks(list(shown), [shortened(heat.labels[row]) for row in shown], fontsize=8, parse_math=False)
    panel.set_xlabel(f"Time since the start of the run [{axis.unit}]")
    scale = figure.add_axes((0.88, 0.55 / height, 0.018, 1 - 1.15 / height))
    figure.colorbar(image, cax=scale, format=lambda value, _: f"{value * 100:.0f} %").set_label("CPU requested")
    figure.text(
        0.16, 1 - 0.15 / height, shortened(title, TITLE), fontsize=14, fontweight="bold", va="top", parse_math=False
    )
    return written(figure)
