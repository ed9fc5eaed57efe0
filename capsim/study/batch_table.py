"""A batch in the terminal: one row per scenario, the headline measures with their spread, then what failed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.study.batch import Batch
from capsim.study.measures import HEADLINES, Headline, number_text, runs_text
from capsim.study.work import Outcome

ROWS = 60
MESSAGE_LINES = 6


def show(done: Batch, console: Console, out: Path, asked: int) -> None:
    """Print the table, the failures, and where the files are; ``asked``: how many runs the batch was to have."""
    console.print(_title(done, asked))
    if not done.summary.empty:
        console.print(Padding(_table(done), (0, 0, 0, 2)))
    for failure in done.failures:
        console.print(Padding(_failure(failure), (0, 0, 0, 2)))
    console.print(Text(f"  Files: {out}/", style="dim"), soft_wrap=True)


def spread_text(row: pd.Series, unit: str) -> str:
    """The mean, below it min – max; the mean alone where all runs agree."""
    mean = number_text(row["mean"], unit)
    low, high = number_text(row["min"], unit), number_text(row["max"], unit)
    return mean if low == high else f"{mean}\n{low} – {high}"


def _title(done: Batch, asked: int) -> Text:
    statuses = [outcome.status for outcome in done.outcomes]
    parts = [f"{statuses.count('done')} simulated"]
    if kept := statuses.count("kept"):
        parts.append(f"{kept} done before")
    title = Text(f"Batch of {runs_text(asked)}", style="bold cyan")
    title.append(f"  {', '.join(parts)}", style="dim")
    if failed := statuses.count("failed"):
        title.append(f"  {failed} failed", style="bold red")
    if done.interrupted:
        title.append(
            f"  INTERRUPTED: {runs_text(asked - len(statuses))} left; the same command goes on", style="bold red"
        )
    return title


def _table(done: Batch) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("scenario", no_wrap=True)
    table.add_column("runs", justify="right")
    by_scenario = dict(list(done.summary.groupby("scenario", sort=False)))
    shown = [headline for headline in HEADLINES if (done.summary["measure"] == headline.key).any()]
    for headline in shown:
        table.add_column(headline.label.lower(), justify="right")
    for name, rows in list(by_scenario.items())[:ROWS]:
        measures = rows.set_index("measure")
        cells = [_cell(measures, headline) for headline in shown]
        table.add_row(Text(str(name)), f"{measures['runs'].max():.0f}", *cells)
    if len(by_scenario) > ROWS:
        table.add_row(Text(f"… {len(by_scenario) - ROWS} more in summary.csv", style="dim"))
    return table


def _cell(measures: pd.DataFrame, headline: Headline) -> str:
    rows = measures[measures.index == headline.key]
    return spread_text(rows.iloc[0], headline.unit) if len(rows) else "–"


def _failure(failure: Outcome) -> Text:
    lines = failure.message.splitlines()
    more = f"\n… {len(lines) - MESSAGE_LINES} more in batch.json" if len(lines) > MESSAGE_LINES else ""
    text = Text(f"{failure.scenario} failed: ", style="bold red")
    text.append("\n".join(lines[:MESSAGE_LINES]) + more, style="not bold default")
    return text
