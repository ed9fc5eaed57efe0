"""report.html: one file, no scripts, nothing loaded from anywhere; the template escapes every text of the user."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from capsim.report import foundations, tables
from capsim.report.axis import time_axis
from capsim.report.charts.chart import Chart
from capsim.report.charts.cluster_charts import ClusterCharts, cluster_charts
from capsim.report.charts.network_charts import network_charts
from capsim.report.charts.palette import COLOURS
from capsim.report.charts.response_charts import response_charts
from capsim.report.charts.ticks import time_ticks
from capsim.report.charts.vector import HEIGHT, WIDTH, draw
from capsim.report.charts.workload_charts import WorkloadCharts, ranked, workload_charts
from capsim.report.heat_map import HeatMap, heat_map, shortened
from capsim.report.phrases import short_name, span
from capsim.report.tiles import tiles
from capsim.report.words import headline, words
from capsim.result import Result

OPEN = 3  # workloads whose charts are unfolded
_NUMBER_AND_UNIT = re.compile(r"(\d) (%|USD|GiB|MiB|cores?|nodes?|pods?|[MG]\b)")
DRAWN = 12  # workloads with charts; the others have their row in the table


@dataclass(frozen=True)
class Pictures:
    """Everything that is drawn, once for the page and once as PNG."""

    cluster: ClusterCharts
    workloads: list[WorkloadCharts]
    heat: HeatMap | None
    responses: list[Chart]
    network: list[Chart]


def pictures(result: Result) -> Pictures:
    """Describe the charts of a run."""
    drawn = workload_charts(result, ranked(result)[:DRAWN])
    return Pictures(cluster_charts(result), drawn, heat_map(result), response_charts(result), network_charts(result))


def render(result: Result, drawn: Pictures, folder: Path, resolved: str, changed: bool = False) -> str:
    """The page; ``folder`` is named in the command that repeats the run, ``resolved`` is the text of its scenario.

    ``changed`` says that this text is not that of the run.
    """
    summary, (text, left_out_bytes) = result.summary, foundations.shown_scenario(resolved)
    values: dict[str, Any] = {
        "summary": summary,
        "description": result.scenario.description,
        "headline": headline(summary),
        "simulated": span(summary.reached_ms / 1000),
        "asked": span(summary.duration_ms / 1000),
        "start": f"{result.scenario.start:%Y-%m-%d %H:%M} UTC",
        "tiles": tiles(summary),
        "lines": words(summary),
        "all_workloads": tables.workloads(result),
        "open": OPEN,
        "response_table": tables.responses(result),
        "objective_table": tables.objectives(result),
        "network_table": tables.network(result),
        "node_groups": tables.node_groups(result),
        "pending": tables.longest_pending(result),
        "reasons": tables.reasons(result),
        "simplified": foundations.simplified(result),
        "inventory": foundations.inventory(result),
        "commands": foundations.commands(result, folder),
        "provenance": foundations.provenance(result),
        "changed": changed,
        "scenario_text": text,
        "left_out_bytes": left_out_bytes,
        **_drawings(drawn, summary.reached_ms),
    }
    return _environment().get_template("report.html").render(values)


def _drawings(drawn: Pictures, end_ms: int) -> dict[str, Any]:
    axis = time_axis(end_ms)
    return {
        "palette": COLOURS,
        "width": WIDTH,
        "height": HEIGHT,
        "workloads": [(short_name(item.workload), [draw(chart) for chart in item.charts]) for item in drawn.workloads],
        "traffic": draw(drawn.cluster.traffic),
        "utilisation": [draw(chart) for chart in drawn.cluster.utilisation],
        "responses": [draw(chart) for chart in drawn.responses],
        "network": [draw(chart) for chart in drawn.network],
        "nodes": draw(drawn.cluster.nodes),
        "cost": [draw(chart) for chart in drawn.cluster.cost],
        "heat": drawn.heat,
        "heat_image": base64.b64encode(drawn.heat.image()).decode() if drawn.heat else "",
        "time_unit": axis.unit,
        "time_ticks": time_ticks(axis),
    }


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("capsim.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(kept=_kept, shortened=shortened)
    return made


def _kept(text: str) -> str:
    """Numbers are not torn from their unit at the end of a line; the template escapes what this returns."""
    return _NUMBER_AND_UNIT.sub("\\1\N{NO-BREAK SPACE}\\2", text)
