"""``capsim validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.failures import reported, show

if TYPE_CHECKING:
    from capsim.scenario import Line


def validate(
    files: Annotated[list[Path], typer.Argument(help="Scenario files, or directories that hold a scenario.yaml.")],
) -> None:
    """Check scenario files: all problems at once, each with file, line, key, what was found and what is allowed."""
    with reported():
        from capsim.errors import ScenarioError
        from capsim.scenario import load

        failed = False
        for file in files:
            try:
                scenario = load(file)
            except ScenarioError as error:
                failed = True
                show(error)
            else:
                typer.echo(f"{file}: ok")
                for kind in ("warnings", "not_modelled", "guessed", "ignored"):
                    for entry in getattr(scenario.inventory, kind):
                        typer.echo(f"  {kind.replace('_', ' ')}: {_text(entry)}")
        if failed:
            raise typer.Exit(ScenarioError.exit_code)


def _text(entry: Line) -> str:
    where = f"{entry.file}:{entry.line}" if entry.file and entry.line else entry.file
    return ": ".join(part for part in (where, entry.object, entry.field, entry.text) if part)
