"""``capsim conformance``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported, wrong_usage

RECORDED = Path(__file__).resolve().parents[2] / "tests" / "conformance" / "data"  # of a checkout


def conformance(
    suite: Annotated[str, typer.Argument(help="Which controller's decisions, for example hpa.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Recordings (.json, .json.gz), or directories of them; default: those of the checkout."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Replay recorded decisions of the real controllers and compare; exit code 1 on any mismatch."""
    with reported():
        import importlib
        import json

        if suite not in suites():
            raise wrong_usage(f"unknown suite {suite!r}; there is: {', '.join(suites())}")
        try:
            report = importlib.import_module(f"capsim.conformance.{suite}").run(paths or _recorded(suite))
        except (FileNotFoundError, ValueError) as problem:
            raise wrong_usage(str(problem)) from problem
        typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else report.text())
        if report.mismatches:
            raise typer.Exit(1)


def suites() -> list[str]:
    """Modules of capsim.conformance, without the parts that they are made of (``hpa``, not ``hpa_case``)."""
    import pkgutil

    import capsim.conformance

    names = {module.name for module in pkgutil.iter_modules(capsim.conformance.__path__)}
    return sorted(name for name in names if not any(name.startswith(f"{other}_") for other in names))


def _recorded(suite: str) -> list[Path]:
    place = RECORDED / suite
    if not place.is_dir():
        raise wrong_usage("name files or directories of recordings")
    return [place]
