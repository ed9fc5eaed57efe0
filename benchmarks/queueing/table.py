"""The error table of docs/fidelity.md: ``python -m benchmarks.queueing.table`` writes it into the page.

Reads the simulated points (``simulate.py`` says how they are made) and asks capsim for the same.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.queueing.model import MEASURES, journey, overload, stationary
from benchmarks.queueing.simulate import FOLDER

PAGE = FOLDER.parents[1] / "docs" / "fidelity.md"
BEGIN, END = "<!-- queueing table: begin -->", "<!-- queueing table: end -->"
BOUNDS = {"mean": 0.05, "p95": 0.10, "p99": 0.15}
"""Largest relative error of a first-come-first-served station up to a utilisation of 0.8; twice that up to 0.95."""
OVERLOAD_BOUNDS = {"mean": 0.06, "p95": 0.10, "p99": 0.15}
"""Likewise in a step overload, in every interval before, during and after it."""
JOURNEY_BOUNDS = BOUNDS
"""Likewise of journeys end to end, up to a utilisation of 0.8; twice that above."""
Row = dict[str, Any]


def simulated(kind: str) -> list[Row]:
    """All points of one kind."""
    with (FOLDER / f"simulated-{kind}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def errors(kind: str) -> list[Row]:
    """Every stationary point with the relative errors of mean and percentiles in place of the values."""
    found = []
    for row in simulated(kind):
        model = stationary(row)
        found.append({**row, **{m: model[m] / float(row[m]) - 1.0 for m in MEASURES}})
    return found


@cache
def overload_errors() -> list[Row]:
    """Every interval of the step overload likewise."""
    rows = simulated("transient")
    found = []
    for servers, scv in dict.fromkeys((row["servers"], row["scv"]) for row in rows):
        mine = [row for row in rows if (row["servers"], row["scv"]) == (servers, scv)]
        model = overload(int(servers), float(scv))
        for row in mine:
            said = model[float(row["at"])]
            relative = {m: said[m] / float(row[m]) - 1.0 for m in MEASURES}
            found.append({**row, **relative})
    return found


@cache
def journey_errors() -> list[Row]:
    """Every journey likewise."""
    found = []
    for row in simulated("journeys"):
        said = journey(row["policy"], float(row["scv"]), float(row["utilization"]))
        found.append({**row, **{m: said[m] / float(row[m]) - 1.0 for m in MEASURES}})
    return found


def worst(rows: Iterable[Row], measure: str) -> float:
    """Largest absolute error."""
    return max(abs(row[measure]) for row in rows)


def _line(label: str, rows: list[Row]) -> str:
    requests = min(int(float(row["requests"])) for row in rows)
    cells = " | ".join(f"{100 * worst(rows, m):.1f} %" for m in MEASURES)
    return f"| {label} | {len(rows)} | {requests:.0e} | {cells} |".replace("e+0", "e")


def lines() -> Iterator[str]:
    """The block between the markers."""
    yield "Largest error of capsim against the simulation (`benchmarks/queueing`: written apart, request by request):"
    yield ""
    yield "| station | points | requests each, at least | mean | p50 | p95 | p99 |"
    yield "|---|---|---|---|---|---|---|"
    fcfs = errors("fcfs")
    for scv in ("0.25", "1", "4"):
        for low, high in ((0.0, 0.8), (0.8, 0.95)):
            mine = [r for r in fcfs if r["scv"] == scv and low < float(r["utilization"]) <= high]
            upto = "up to 0.8" if high == 0.8 else "0.9 and 0.95"
            yield _line(f"first come, first served, 1, 2, 8, 64 servers, scv {scv}, utilisation {upto}", mine)
    sharing = errors("ps")
    for slots in (False, True):
        for high in (0.8, 0.95):
            mine = [
                r for r in sharing if (r["slots"] != "0") == slots and (float(r["utilization"]) > 0.8) == (high > 0.8)
            ]
            name = "at most 4 (8) requests share 1 (2) cores" if slots else "processor sharing, 1 and 4 cores"
            yield _line(f"{name}, scv 0.25, 1, 4, utilisation {'0.5 and 0.8' if high == 0.8 else high}", mine)
    for kind, name in (("pods", "lines"), ("pods-ps", "sharing cores")):
        behind = errors(kind)
        for policy in dict.fromkeys(r["policy"] for r in behind):
            mine = [r for r in behind if r["policy"] == policy]
            yield _line(f"4 and 16 pods ({name}) behind {policy}, scv 0.25, 1, 4, utilisation 0.5, 0.8, 0.9", mine)
    text = "step overload 0.5 → 1.5 → 0.5, intervals of 20 service times before, during and after, 1 and 8 servers, scv"
    for scv in ("0.25", "1", "4"):
        yield _line(f"{text} {scv}", [r for r in overload_errors() if r["scv"] == scv])
    found = journey_errors()
    for case in dict.fromkeys(r["policy"] for r in found):
        mine = [r for r in found if r["policy"] == case]
        yield _line(f"journey end to end, {case} (`networks.py`), scv 0.25, 1, 4, utilisation 0.5 and 0.8", mine)


def promises() -> str:
    """What the tests hold these errors to."""
    fcfs, overload, journeys = (_bounds(b) for b in (BOUNDS, OVERLOAD_BOUNDS, JOURNEY_BOUNDS))
    return (
        f"Bounds that tests hold these to: first come, first served, up to a utilisation of 0.8, {fcfs}, above twice "
        f"that; step overload {overload}; journeys {journeys}."
    )


def _bounds(bounds: dict[str, float]) -> str:
    return ", ".join(f"{measure} {100 * bound:.0f} %" for measure, bound in bounds.items())


def block() -> str:
    """The text between the markers."""
    return "\n".join([BEGIN, *lines(), "", promises(), END])


def main(page: Path = PAGE) -> None:
    """Write the block into the page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(before + block() + after, encoding="utf-8")


if __name__ == "__main__":
    main()
