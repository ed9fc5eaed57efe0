"""``capsim conformance``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported, wrong_usage


def conformance(
    suite: Annotated[str, typer.Argument(help="Which controller's decisions, for example hpa.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files (.json.gz) or directories of them; default: those of the project."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Replay recorded decisions of the real controllers and compare; exit code 1 on any mismatch."""
    with reported():
        import importlib

        suites = _suites()
        if suite not in suites:
            raise wrong_usage(f"unknown suite {suite!r}; there is: {', '.join(suites)}")
        outcome = importlib.import_module(f"capsim.conformance.{suite}").run(paths or [])
        typer.echo(outcome.to_json() if as_json else str(outcome))
        if outcome.mismatches:
            raise typer.Exit(1)


def _suites() -> list[str]:
    import pkgutil

    import capsim.conformance

    return sorted(module.name for module in pkgutil.iter_modules(capsim.conformance.__path__) if module.ispkg)
