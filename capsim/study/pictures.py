"""The pictures of a batch and of a comparison: which numbers go into the figures of ``capsim.report.comparison``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pandas as pd

from capsim.errors import OutputError
from capsim.report.comparison import Side, SpreadPanel, draw_overlay, draw_spread
from capsim.study.batch import Batch
from capsim.study.compare import Comparison, Pair
from capsim.study.folders import Run
from capsim.study.measures import HEADLINES, Headline, number_text, runs_text

BATCH_FIGURE = "figures/comparison.png"
PERCENT = 100.0
DRAWN_SEEDS = 8  # more change the band little, and lean runs are simulated again for it


def draw_batch(done: Batch, out: Path) -> Path:
    """Write ``figures/comparison.png`` of a batch folder. Raises :class:`OutputError`."""
    path = out / BATCH_FIGURE
    runs = done.runs[done.runs["status"] != "failed"]
    panels = [_panel(runs, headline) for headline in HEADLINES if headline.key in runs.columns]
    try:
        path.parent.mkdir(exist_ok=True)
        names = runs["scenario"].nunique()
        title = f"{names} scenario{'' if names == 1 else 's'}, {runs_text(len(runs))}: bars are means, dots are runs"
        draw_spread(panels, title, path)
    except OSError as problem:
        raise OutputError(f"{problem.strerror or problem} while drawing {path}") from problem
    return path


def _panel(runs: pd.DataFrame, headline: Headline) -> SpreadPanel:
    values = {str(name): rows.dropna().tolist() for name, rows in runs.groupby("scenario", sort=False)[headline.key]}
    ratio = headline.unit == "ratio"
    labels = {name: number_text(fmean(numbers), headline.unit) for name, numbers in values.items() if numbers}
    return SpreadPanel(headline.label, "%" if ratio else headline.unit, values, labels, PERCENT if ratio else 1.0)


def draw_pair(comparison: Comparison, pair: Pair, path: Path) -> bool:
    """Draw the series of both sides over each other; False when a side's series were not kept and cannot be had.

    Raises :class:`OutputError`.
    """
    one, other = _side("A", comparison.a, pair.a), _side("B", comparison.b, pair.b)
    if not (one.totals and other.totals):
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_overlay(one, other, pair.name, path)
    except OSError as problem:
        raise OutputError(f"{problem.strerror or problem} while drawing {path}") from problem
    return True


def _side(label: str, name: str, runs: Sequence[Run]) -> Side:
    totals = [run.totals() for run in runs[:DRAWN_SEEDS]]
    seeds = runs_text(len(totals))
    text = f"{label}: {name}" + (f" (mean of {seeds}, band from min to max)" if len(totals) > 1 else "")
    return Side(text, [frame for frame in totals if frame is not None], min(run.end_ms for run in runs))
