"""``capsim fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported
from capsim.cli.run import announce_compilation, loading

WIDE = 140


def fit(
    scenario: Annotated[Path, typer.Argument(help="A scenario file, or a directory that holds a scenario.yaml.")],
    workloads: Annotated[list[str] | None, typer.Argument(help="Only these workloads (default: all).")] = None,
    podspec: Annotated[
        Path | None, typer.Option(help="A file with a pod (or workload) that is not there yet: how many of it fit.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Stop at so many (0: no limit).")] = 0,
    overlays: Annotated[list[Path] | None, typer.Option("-f", "--file", help="Overlay.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="a.b.c=value.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: counts by node too.")] = False,
) -> None:
    """How many more replicas of each workload fit now, before one is Pending: the scheduler, tried until it says no."""
    with reported():
        with loading():
            from capsim.scenario import load
            from capsim.study.fit import fit as count_more
            from capsim.study.fit import with_podspec

            loaded = load(scenario, overlays=overlays or [], sets=sets or [])
        names = list(workloads or [])
        if podspec is not None:
            loaded, added = with_podspec(loaded, str(podspec))
            names += added
        announce_compilation()
        found = count_more(loaded, names or None, limit)
        if as_json:
            import json

            typer.echo(json.dumps([item.to_json() for item in found], indent=2))
            return
        from rich.console import Console

        from capsim.study.fit_words import show

        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = WIDE  # a file or a pipe has no width of its own
        show(found, console)
