"""``capsim compare``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.failures import reported
from capsim.errors import OutputError

if TYPE_CHECKING:
    from capsim.study.compare import Comparison

FIGURES = Path("runs") / "compare"
OUTPUT = "Output"
WIDE = 140


def compare(
    run_a: Annotated[Path, typer.Argument(help="Run folder, batch folder, or a scenario's folder in a batch.")],
    run_b: Annotated[Path, typer.Argument(help="What to compare it with.")],
    markdown: Annotated[
        Path | None, typer.Option(help="Write a page with every measure.", rich_help_panel=OUTPUT)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every measure as JSON.", rich_help_panel=OUTPUT)
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Print equal measures too.", rich_help_panel=OUTPUT)] = False,
    figure: Annotated[
        Path | None,
        typer.Option(help="PNG (default: beside the page, or runs/compare/A-B.png).", rich_help_panel=OUTPUT),
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw nothing.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Two runs (or batches) side by side: every measure, what exceeds the noise of the seeds, and one picture."""
    with reported():
        from capsim.study.compare import compare as compare_folders

        found = compare_folders(run_a, run_b)
        place = figure or _beside(markdown) or FIGURES / f"{run_a.resolve().name}-{run_b.resolve().name}.png"
        pictures = [] if no_figures else _draw(found, place)
        if markdown is not None:
            _write(markdown, found, pictures)
        _show(found, pictures, as_json=as_json, every=every)


def _beside(markdown: Path | None) -> Path | None:
    return None if markdown is None else markdown.with_suffix(".png")


def _draw(found: Comparison, place: Path) -> list[Path]:
    """One picture per scenario; none (and a word why) when series were not kept and would come out differently now."""
    from capsim.study.pictures import draw_pair

    several = len(found.pairs) > 1
    pictures = []
    for pair in found.pairs:
        path = place.with_name(f"{place.stem}-{pair.name}{place.suffix}") if several else place
        if draw_pair(found, pair, path):
            pictures.append(path)
        else:
            typer.echo(f"no picture of {pair.name}: its runs have no series (batch --frames keeps them)", err=True)
    return pictures


def _write(page: Path, found: Comparison, pictures: list[Path]) -> None:
    from capsim.study.compare_words import markdown

    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        shown = [Path(os.path.relpath(path, page.parent)) for path in pictures]
        page.write_text(markdown(found, shown), encoding="utf-8")
    except OSError as problem:
        raise OutputError(f"cannot write {page}: {problem.strerror or problem}") from problem


def _show(found: Comparison, pictures: list[Path], *, as_json: bool, every: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps(found.to_json(), indent=2))
        return
    from rich.console import Console

    from capsim.study.compare_words import show

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE  # a file or a pipe has no width of its own
    show(found, console, every)
    for path in pictures:
        console.print(f"  Picture: {path}", style="dim", soft_wrap=True, markup=False)
