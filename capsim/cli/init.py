"""``capsim init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported


def init(
    name: Annotated[str, typer.Argument(help="Which example.")] = "app10",
    directory: Annotated[
        Path | None, typer.Argument(help="Where to put it (default: a new directory of the example's name).")
    ] = None,
) -> None:
    """Copy a packaged example (app10, app10-autoscaled, …), ready to edit and run."""
    with reported():
        from capsim.cli.examples import copy_example

        place = directory or Path(name)
        copies, main = copy_example(name, place)
        for path in copies:
            typer.echo(path)
        typer.echo(f"\nNext: capsim run {main}")
