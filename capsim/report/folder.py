"""The run folder with its picture."""

from __future__ import annotations

from pathlib import Path

from capsim.result import Result, write

OVERVIEW = "figures/overview.png"


def save(result: Result, directory: str | Path, *, figures: bool = True) -> Path:
    """Write data, summary and (unless ``figures=False``) ``figures/overview.png``; returns the folder.

    Raises :class:`capsim.errors.OutputError` when it cannot be written; what was there before is then unchanged.
    """
    return write(result, Path(directory), {OVERVIEW: lambda path: _draw(result, path)} if figures else None)


def _draw(result: Result, path: Path) -> None:
    from capsim.report.overview import draw  # matplotlib takes 0.3 s to import

    draw(result, path)
