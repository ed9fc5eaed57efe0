"""The summary in the terminal: read in ten seconds."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.report.phrases import span
from capsim.report.words import headline, words
from capsim.result import Result
from capsim.result.thin import thin_models

STYLE = {"plain": "", "warning": "yellow"}


def show(result: Result, console: Console, folder: Path | None = None) -> None:
    """Print headline, answers, what is not modelled, and where the files are."""
    summary = result.summary
    console.print(_title(result))
    console.print(Padding(Text(headline(summary), style="bold"), (0, 0, 0, 2)))
    console.print(Padding(_table(result), (0, 0, 0, 2)))
    _show_inventory(result, console)
    if folder is not None:
        console.print(Text(f"  Files: {folder}/", style="dim"), soft_wrap=True)


def _title(result: Result) -> Text:
    summary = result.summary
    title = Text(summary.name, style="bold cyan")
    title.append(f"  {span(summary.reached_ms / 1000)} simulated, seed {summary.seed}", style="dim")
    if summary.partial:
        title.append(f"  PARTIAL: interrupted before {span(summary.duration_ms / 1000)}", style="bold red")
    return title


def _table(result: Result) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for line in words(result.summary):
        table.add_row(line.label, Text(line.text, style=STYLE[line.tone]))
    return table


def _show_inventory(result: Result, console: Console) -> None:
    inventory = result.scenario.inventory
    lines = [Text(f"Warning: {warning.object}: {warning.text}", style="yellow") for warning in inventory.warnings]
    thin = ", ".join(model.part for model in thin_models(result.scenario))
    lines.append(Text(f"Simplified, may matter: {thin} (thin_models in run.json)", style="dim"))
    for label, entries, style in (
        ("Not modelled, may matter", inventory.not_modelled, "yellow"),
        ("Guessed", inventory.guessed, "dim"),
        ("Ignored, no effect on capacity", inventory.ignored, "dim"),
    ):
        if entries:
            fields = list(dict.fromkeys(entry.field for entry in entries))
            shown = ", ".join(fields[:4]) + (", …" if len(fields) > 4 else "")
            lines.append(Text(f"{label}: {shown} ({len(entries)} in run.json)", style=style))
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2)))
