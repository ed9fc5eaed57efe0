"""``capsim capacity``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from capsim.cli.failures import reported, seconds
from capsim.cli.run import announce_compilation, loading


def capacity(
    scenario: Annotated[Path, typer.Argument(help="A scenario file, or a directory that holds a scenario.yaml.")],
    until: Annotated[
        Literal["pending", "lost"],
        typer.Option(help="What must not happen: a Pending pod, or also lost requests (0.1 %)."),
    ] = "pending",
    wait: Annotated[str, typer.Option(help="Pods may wait so long, as 3m while nodes boot.")] = "0s",
    most: Annotated[float, typer.Option("--max", min=0.0625, help="Largest multiple that is tried.")] = 64.0,
    precision: Annotated[float, typer.Option(min=0.0001, max=1.0, help="Relative precision of the answer.")] = 0.02,
    seeds: Annotated[int, typer.Option(min=1, help="Every multiple must hold with so many seeds.")] = 1,
    overlays: Annotated[list[Path] | None, typer.Option("-f", "--file", help="Overlay.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="a.b.c=value.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every multiple that was tried.")] = False,
) -> None:
    """The largest multiple of the traffic without a Pending pod (bisection), and what gives way first."""
    with reported():
        with loading():
            import capsim.engine.run  # noqa: F401  numba and the kernels
            from capsim.scenario import load

            loaded = load(scenario, overlays=overlays or [], sets=sets or [])
        from capsim.study.capacity import capacity as bisect
        from capsim.study.capacity_words import multiple, sentences

        announce_compilation()
        tell = None
        if sys.stderr.isatty():

            def tell(at: float, holds: bool) -> None:
                typer.echo(f"{multiple(at)}: {'holds' if holds else 'does not hold'}", err=True)

        wait_s = seconds("--wait", wait)
        found = bisect(
            loaded, until=until, wait_s=wait_s, most=most, precision_ratio=precision, seeds=seeds, progress=tell
        )
        if as_json:
            import json

            typer.echo(json.dumps(found.to_json(), indent=2))
            return
        for line in sentences(found):
            typer.echo(line)
