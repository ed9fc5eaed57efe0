"""``capsim run``."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.failures import INTERRUPTED, reported, wrong_usage
from capsim.errors import OutputError

if TYPE_CHECKING:
    from capsim.result import Result
    from capsim.scenario import Scenario

RUNS = Path("runs")
IN = "What to run"
CHANGE = "Changes"
OUT = "Output"


def run(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="A scenario file, a directory that holds a scenario.yaml, or manifests (with --nodes, --rps)."
        ),
    ],
    nodes: Annotated[
        str | None, typer.Option(help="Manifests only: node shape, as 3x2cpu-8Gi.", rich_help_panel=IN)
    ] = None,
    rps: Annotated[
        float | None, typer.Option(help="Manifests only: requests/s to each Service.", rich_help_panel=IN)
    ] = None,
    overlays: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", help="Overlay, merged like Helm values.", rich_help_panel=CHANGE),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="a.b.c=value; named list items by name.", rich_help_panel=CHANGE),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all random numbers.", rich_help_panel=CHANGE)] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder (default: runs/NAME).", rich_help_panel=OUT)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print summary.json instead of words.", rich_help_panel=OUT)
    ] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw nothing.", rich_help_panel=OUT)] = False,
) -> None:
    """Simulate, print a summary and write a run folder (data, summary, resolved scenario, picture)."""
    with reported():
        with loading():
            import capsim.engine.run  # noqa: F401  numba and the kernels
            from capsim.result import check_writable

            scenario = _scenario(paths, nodes, rps, overlays or [], sets or [], seed)
        folder = out or Path(scenario.output.directory or RUNS / scenario.name)
        check_writable(folder)
        result = _simulate(scenario)
        try:
            _write(result, folder, figures=scenario.output.figures and not no_figures)
        except OutputError:
            _show(result, None, as_json=as_json)  # the answer is worth printing even where it cannot be kept
            raise
        _show(result, folder, as_json=as_json)
        if result.partial:
            raise typer.Exit(INTERRUPTED)


@contextmanager
def loading() -> Iterator[None]:
    """Libraries make a million objects that stay: to look for garbage among them takes 0.3 s of 1.8 s."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _scenario(
    paths: list[Path], nodes: str | None, rps: float | None, overlays: list[Path], sets: list[str], seed: int | None
) -> Scenario:
    from capsim.scenario import from_manifests, load

    if nodes is None and rps is None:
        if len(paths) > 1:
            raise wrong_usage("one scenario at a time; for manifests give --nodes and --rps, for overlays -f")
        return load(paths[0], overlays=overlays, sets=sets, seed=seed)
    if nodes is None or rps is None:
        raise wrong_usage("manifests need both --nodes (as 3x2cpu-8Gi) and --rps")
    return from_manifests(paths, nodes=nodes, rps=rps, overlays=overlays, sets=sets, seed=seed)


def _simulate(scenario: Scenario) -> Result:
    from capsim.cli.progress import progress_bar
    from capsim.result.run import run as run_scenario

    announce_compilation()
    with progress_bar(scenario.duration_ms) as progress:
        return run_scenario(scenario, progress=progress)


def announce_compilation() -> None:
    """A word before the first run on a machine, which takes minutes longer."""
    from capsim.kernel_cache import is_cold

    if is_cold():
        typer.echo("First run on this machine: compiling the simulator, a minute or two, once …", err=True)


def _write(result: Result, folder: Path, *, figures: bool) -> None:
    from capsim.report import save

    save(result, folder, figures=figures and not result.partial)


def _show(result: Result, folder: Path | None, *, as_json: bool) -> None:
    if as_json:
        typer.echo(result.summary.model_dump_json(indent=2))
        return
    from rich.console import Console

    from capsim.report.terminal import show

    show(result, Console(highlight=False), folder)
