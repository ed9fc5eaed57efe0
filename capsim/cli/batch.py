"""``capsim batch``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.failures import INTERRUPTED, reported

if TYPE_CHECKING:
    from capsim.study.batch import Batch, Progress
    from capsim.study.work import Outcome

OUT = Path("runs") / "batch"
RUNS = "What to run"
OUTPUT = "Output"
WIDE = 160
STARTING = "starting workers (the first time on a machine: compiling, a minute or two)"


def batch(
    scenarios: Annotated[
        list[Path], typer.Argument(help="Scenario files, or directories that hold a scenario.yaml; patterns too.")
    ],
    seeds: Annotated[
        int, typer.Option(help="Runs per scenario: its own seed and those that follow it.", rich_help_panel=RUNS)
    ] = 1,
    overlays: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", help="Overlay for every scenario.", rich_help_panel=RUNS),
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="a.b.c=value for every scenario.", rich_help_panel=RUNS)
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes (default: one per core).", rich_help_panel=RUNS)
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Repeat runs that the folder has already.", rich_help_panel=RUNS)
    ] = False,
    out: Annotated[Path, typer.Option(help="Batch folder.", rich_help_panel=OUTPUT)] = OUT,
    frames: Annotated[
        bool, typer.Option("--frames", help="Keep every run's series, pods and events.", rich_help_panel=OUTPUT)
    ] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw nothing.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Simulate many scenarios with many seeds on all cores: one table, one picture; done runs are not repeated."""
    with reported():
        from capsim.study.executors import prepare

        if jobs != 1 and len(scenarios) * seeds > 1:
            prepare()
        from capsim.study.cases import cases_of

        cases = cases_of([str(path) for path in scenarios], seeds, [str(path) for path in overlays or []], sets or [])
        with _progress_bar(len(cases)) as progress:
            from capsim.study.batch import batch as run_batch

            done = run_batch(
                cases, out, jobs=jobs, frames=frames, again=again, command=tuple(sys.argv), progress=progress
            )
        _picture(done, out, draw=not no_figures)
        _show(done, out, len(cases))
        if done.interrupted:
            raise typer.Exit(INTERRUPTED)
        if done.exit_code:
            raise typer.Exit(done.exit_code)


@contextmanager
def _progress_bar(total: int) -> Iterator[Progress | None]:
    """Runs done, and the time that is left; None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _teller(bar, bar.add_task(STARTING, total=total))


def _teller(bar: object, task: object) -> Callable[[Outcome], None]:
    def tell(outcome: Outcome) -> None:
        bar.update(task, advance=1, description=f"simulating {outcome.scenario}")  # type: ignore[attr-defined]
        if outcome.status == "failed":
            bar.console.print(f"failed: {outcome.scenario}", style="red", markup=False)  # type: ignore[attr-defined]

    return tell


def _picture(done: Batch, out: Path, *, draw: bool) -> None:
    if not draw or done.summary.empty:
        return
    from capsim.study.pictures import draw_batch

    draw_batch(done, out)


def _show(done: Batch, out: Path, asked: int) -> None:
    from rich.console import Console

    from capsim.study.batch_table import show

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE  # a file or a pipe has no width of its own
    show(done, console, out, asked)
