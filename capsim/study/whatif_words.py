"""A what-if in the terminal: the table, and the sentence that decides."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.report.phrases import count
from capsim.study.compare_words import BEYOND, WITHIN, change
from capsim.study.difference import Difference
from capsim.study.measures import number_text
from capsim.study.verdict import verdict
from capsim.study.whatif import WhatIf


def show(found: WhatIf, console: Console, every: bool = False) -> None:
    """Print the comparison and the sentence."""
    seeds = len(found.baseline)
    console.print(Text(f"{found.change.title}: {count(seeds, 'seed')}, the same on both sides", style="bold cyan"))
    for note in found.change.notes:
        console.print(Padding(Text(note, style="dim"), (0, 0, 0, 2)))
    rows = [(item.measure, item) for item in found.differences] if every else found.shown
    console.print(Padding(_table(rows), (0, 0, 0, 2)))
    if seeds > 1:
        text = f"{BEYOND} beyond the noise of the seeds (95 %), {WITHIN} within it; ±: half of the 95 % interval"
    else:
        text = "One seed: a difference may be noise (--seeds 3 measures it)"
    console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))
    console.print(Padding(Text(verdict(found), style="bold"), (1, 0, 0, 0)))


def _table(rows: list[tuple[str, Difference]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "baseline", "what if", "difference", "percent", "±", ""):
        table.add_column(name, justify="left" if name == "" else "right", overflow="fold")
    for label, item in rows:
        mark = {True: BEYOND, False: "" if item.equal else WITHIN, None: ""}[item.beyond_noise]
        noise = "" if item.noise is None or item.equal else _noise(item)
        style = "bold" if item.beyond_noise else "dim" if item.equal else ""
        cells = (label, _value(item.a, item.unit), _value(item.b, item.unit), *change(item), noise, mark)
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def _noise(item: Difference) -> str:
    text = number_text(item.noise or 0.0, item.unit)
    return text.replace("%", "points") if item.unit == "ratio" else text


def _value(value: float | None, unit: str) -> str:
    return "–" if value is None else number_text(value, unit)
