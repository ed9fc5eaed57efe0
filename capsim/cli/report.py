"""``capsim report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run folder, as `capsim run` writes it.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the page (default: RUN_DIR/report.html).")] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Write no PNGs to RUN_DIR/figures.")] = False,
) -> None:
    """Write report.html: one page with answer, charts, who waited and why; opens offline, in any browser."""
    with reported():
        from capsim.report.write import write_report

        page, headline = write_report(folder, out, figures=not no_figures)
        typer.echo(headline)
        typer.echo(page)
