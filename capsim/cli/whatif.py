"""``capsim whatif``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported, seconds
from capsim.cli.run import announce_compilation, loading

RUNS = "What to run"
OUTPUT = "Output"
WIDE = 120


def whatif(
    scenario: Annotated[Path, typer.Argument(help="A scenario file, or a directory that holds a scenario.yaml.")],
    changes: Annotated[
        list[str],
        typer.Argument(
            help="node-loss[=N|NODE], zone-loss[=ZONE], drain=NODE (each with @TIME), traffic=1.5x, hpa.target=60, "
            "hpa.max=20, nodes=8x4cpu-16Gi, nodes.GROUP=+2, replicas.NAME=5, daemonset=+200Mi; several: all at once."
        ),
    ],
    seeds: Annotated[
        int,
        typer.Option(min=1, help="Runs of each side: the scenario's seed and those after it.", rich_help_panel=RUNS),
    ] = 3,
    wait: Annotated[
        str, typer.Option(help="Pods may wait so long, as 3m while nodes boot.", rich_help_panel=RUNS)
    ] = "0s",
    overlays: Annotated[
        list[Path] | None, typer.Option("-f", "--file", help="Overlay for both sides.", rich_help_panel=RUNS)
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="a.b.c=value for both sides.", rich_help_panel=RUNS)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every measure as JSON.", rich_help_panel=OUTPUT)
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Print every measure.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """A scenario with and without a change, same seeds: who waits, how full, how dear, and a sentence that decides."""
    with reported():
        wait_s = seconds("--wait", wait)
        from capsim.study.executors import early_workers

        announce_compilation()
        workers = early_workers(2 * seeds)
        with loading():
            from capsim.scenario import load
            from capsim.study.changes import changed

            change = changed(load(scenario, overlays=overlays or [], sets=sets or []), changes)
        with runs_bar("simulating") as progress:
            from capsim.study.whatif import whatif as compare

            found = compare(change, seeds, progress=progress, wait_s=wait_s, executor=workers)
        if as_json:
            import json

            typer.echo(json.dumps(found.to_json(), indent=2))
            return
        from rich.console import Console

        from capsim.study.whatif_words import show

        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = WIDE  # a file or a pipe has no width of its own
        show(found, console, every)


@contextmanager
def runs_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Runs done; None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
