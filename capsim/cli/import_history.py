"""``capsim import history`` and ``queries``: recorded usage and traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported

UNKNOWN_SHOWN = 10


def history(
    scenario: Annotated[Path, typer.Argument(help="Folder of a scenario.")],
    files: Annotated[
        list[str],
        typer.Argument(help="CSV or Parquet (time, namespace, workload, metric, value), or Prometheus' JSON."),
    ],
) -> None:
    """Recorded CPU, memory and requests as an overlay: traffic and what a request costs, else the recorded use."""
    with reported():
        from capsim.errors import ScenarioError
        from capsim.scenario import load
        from capsim.scenario.importers.findings import Log
        from capsim.scenario.importers.history import read_history
        from capsim.scenario.importers.history_overlay import OVERLAY, write_history

        loaded = load(scenario)
        found = read_history(files, loaded)
        if not found.frames:
            names = ", ".join(list(found.unknown)[:UNKNOWN_SHOWN])
            raise ScenarioError(f"no row is about a workload of {scenario}; the files are about: {names or 'nothing'}")
        log = Log()
        write_history(found, loaded, scenario, log)
        load(scenario, overlays=[scenario / OVERLAY])
        for metric, frame in found.frames.items():
            rows, columns = frame.shape
            typer.echo(f"{metric}: {columns:,} workloads, {rows:,} times, {frame.index[0]} to {frame.index[-1]}")
        for guess in log.guesses():
            typer.echo(f"guessed ({guess.sure}): {guess.what}, {guess.source}")
        if found.unknown:
            rows = sum(found.unknown.values())
            names = ", ".join(list(found.unknown)[:UNKNOWN_SHOWN])
            typer.echo(f"left out: {rows:,} rows of {len(found.unknown):,} workloads that are not here: {names}")
        if found.dropped:
            typer.echo(f"left out: {found.dropped:,} rows without a value")
        typer.echo(f"Next: capsim run {scenario} -f {scenario / OVERLAY}")


def queries(
    server: Annotated[str, typer.Option(help="Prometheus, for the example.")] = "http://prometheus:9090",
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 7,
    step: Annotated[str, typer.Option(help="Time between values.")] = "1m",
) -> None:
    """The PromQL that gives what `capsim import history` reads."""
    from capsim.scenario.importers.queries import page

    typer.echo(page(server, days, step), nl=False)
