"""Heat map of nodes: how much of each node's allocatable CPU its pods requested, over time.

Nodes that were never there together share a row (machines come and go, rows are as many as there were at once).
Computed from the pods' times on their nodes, so that it is exact however long the sample interval is.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capsim.report.charts.chart import Floats
from capsim.result import Result
from capsim.result.summary.spans import times_ms

COLUMNS = 240
ROWS = 48
LABEL_LETTERS = 24
COLOURS = "cividis"  # even steps of lightness, the same to all kinds of colour vision
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeatMap:
    """``share`` (rows × columns): requested / allocatable CPU, NaN where there was no node; ``labels`` of the rows."""

    share: Floats
    labels: list[str]
    nodes: int
    per_row: int
    """Machines that one row stands for; more than 1 when there are too many for a row each."""

    def image(self) -> bytes:
        """A PNG with one pixel per cell, transparent where there was no node."""
        from matplotlib import colormaps
        from matplotlib.image import imsave

        pixels = colormaps[COLOURS](np.nan_to_num(self.share))
        pixels[np.isnan(self.share), 3] = 0.0
        file = io.BytesIO()
        imsave(file, pixels, format="png", metadata={"Software": "capsim"})
        return file.getvalue()


def heat_map(result: Result) -> HeatMap | None:
    """The heat map of a run; None when no node was ever there or the run has no length."""
    end_ms = result.summary.reached_ms
    nodes = _present(result, end_ms)
    if nodes.empty or not end_ms:
        return None
    rows, count = _lanes(nodes)
    has = _means(rows, nodes["from_ms"], nodes["to_ms"], nodes["cpu_milli"], count, end_ms)
    of_node = pd.Series(rows, index=nodes["name"].to_numpy())
    of_node = of_node[~of_node.index.duplicated(keep="last")]
    pods = _placed(result, of_node, end_ms)
    wanted = _means(pods["row"], pods["from_ms"], pods["to_ms"], pods["cpu_milli"], count, end_ms)
    labels = _labels(nodes, rows, count)
    return _folded(wanted, has, labels, len(nodes))


def _present(result: Result, end_ms: int) -> pd.DataFrame:
    """Nodes that were Ready in the run: ``from_ms``, ``to_ms``, allocatable ``cpu_milli``; by group, then time."""
    scenario = result.scenario
    groups = {group.name: group.allocatable().get("cpu", 0) for group in scenario.node_groups}
    static = {node.name: node.allocatable.get("cpu", 0) for node in scenario.objects.nodes}
    nodes = result.nodes[["name", "node_group"]].astype(str)
    nodes["from_ms"] = times_ms(result.nodes["ready_ms"])
    nodes["to_ms"] = np.minimum(times_ms(result.nodes["gone_ms"]), end_ms)
    nodes["cpu_milli"] = [
        static.get(name, groups.get(group, 0)) for name, group in zip(nodes["name"], nodes["node_group"], strict=True)
    ]
    nodes = nodes[(nodes["from_ms"] < nodes["to_ms"]) & (nodes["cpu_milli"] > 0)]
    return nodes.sort_values(["node_group", "from_ms"], kind="stable")


def _lanes(nodes: pd.DataFrame) -> tuple[Ints, int]:
    """A row for each node: the first of its group that is free again; and how many rows there are."""
    free_ms: dict[str, list[int]] = {}
    first: dict[str, list[int]] = {}
    rows = np.zeros(len(nodes), np.int64)
    count = 0
    for index, (group, start, end) in enumerate(zip(nodes["node_group"], nodes["from_ms"], nodes["to_ms"])):
        ends, numbers = free_ms.setdefault(group, []), first.setdefault(group, [])
        lane = next((lane for lane, free in enumerate(ends) if free <= start), len(ends))
        if lane == len(ends):
            ends.append(end)
            numbers.append(count)
            count += 1
        ends[lane] = end
        rows[index] = numbers[lane]
    return rows, count


def _placed(result: Result, row_of_node: pd.Series, end_ms: int) -> pd.DataFrame:
    """Pods on those nodes: ``row``, ``from_ms``, ``to_ms`` and the ``cpu_milli`` that they request."""
    requests = {item.key: item.template.requests().get("cpu", 0) for item in result.scenario.objects.workloads}
    pods = result.pods[result.pods["node"].isin(row_of_node.index).to_numpy()]
    placed = pd.DataFrame(
        {
            "row": pods["node"].map(row_of_node).to_numpy(np.int64),
            "from_ms": times_ms(pods["scheduled_ms"]),
            "to_ms": np.minimum(times_ms(pods["gone_ms"]), end_ms),
            "cpu_milli": pods["workload"].astype(str).map(requests).fillna(0).to_numpy(np.float64),
        }
    )
    return placed[placed["from_ms"] < placed["to_ms"]]


def _means(
    row: Ints | pd.Series, from_ms: pd.Series, to_ms: pd.Series, milli: pd.Series, rows: int, end_ms: int
) -> Floats:
    """Sums of ``milli`` over the spans of each row, as means over the columns.

    A span that starts inside a column counts for the part of it that is left, and for all of the next columns, which
    the running sum brings; its end takes the same away.
    """
    sums = np.zeros(rows * (COLUMNS + 2))
    for times, sign in ((from_ms, 1.0), (to_ms, -1.0)):
        at = times.to_numpy(np.float64) / end_ms * COLUMNS
        column = np.floor(at).astype(np.int64)
        late, amount = at - column, sign * milli.to_numpy(np.float64)
        cell = np.asarray(row) * (COLUMNS + 2) + column
        sums += np.bincount(cell, amount * (1 - late), len(sums)) + np.bincount(cell + 1, amount * late, len(sums))
    return np.cumsum(sums.reshape(rows, COLUMNS + 2), axis=1)[:, :COLUMNS]


def _labels(nodes: pd.DataFrame, rows: Ints, count: int) -> list[str]:
    """The node's name, or the first's and how many followed it."""
    names: list[list[str]] = [[] for _ in range(count)]
    for name, row in zip(nodes["name"], rows, strict=True):
        names[row].append(name)
    return [row[0] if len(row) == 1 else f"{row[0]} +{len(row) - 1}" for row in names]


def _folded(wanted: Floats, has: Floats, labels: list[str], nodes: int) -> HeatMap:
    """At most ``ROWS`` rows: sums of neighbours where there are more."""
    per_row = -(-len(labels) // ROWS)
    starts = np.arange(0, len(labels), per_row)
    wanted, has = np.add.reduceat(wanted, starts), np.add.reduceat(has, starts)
    there = has > 1e-3 * has.max()
    share = np.where(there, wanted / np.where(there, has, 1.0), np.nan)
    return HeatMap(np.clip(share, 0.0, 1.0), [labels[start] for start in starts], nodes, per_row)


def shortened(text: str, letters: int = LABEL_LETTERS) -> str:
    """Cut in the middle: the names of nodes differ at both ends.

    >>> shortened("ip-10-0-12-34.eu-central-1.compute.internal +3")
    'ip-10-0-12-…internal +3'
    """
    half = (letters - 1) // 2
    return text if len(text) <= letters else f"{text[:half]}…{text[-half:]}"
