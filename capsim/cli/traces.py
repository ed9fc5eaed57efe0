"""``capsim traces``: commands about trace files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsim.cli.failures import reported, wrong_usage

traces = typer.Typer(name="traces", help="Look at trace files.", no_args_is_help=True)
READ = "How to read it"


@traces.callback()
def _group() -> None:
    """Look at trace files."""


@traces.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A trace file: .csv, .csv.gz or .parquet.")],
    column: Annotated[str | None, typer.Option(help="Only this column.", rich_help_panel=READ)] = None,
    time: Annotated[str | None, typer.Option(help="Column of the times.", rich_help_panel=READ)] = None,
    service_column: Annotated[
        str | None, typer.Option(help="Long files: column that names the service.", rich_help_panel=READ)
    ] = None,
    interval: Annotated[str | None, typer.Option(help="Time from row to row, as 1m.", rich_help_panel=READ)] = None,
    zone: Annotated[str, typer.Option(help="Zone of times that name none.", rich_help_panel=READ)] = "UTC",
    events: Annotated[
        bool, typer.Option("--events", help="Every row is one request; count them.", rich_help_panel=READ)
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The picture (default: FILE.png beside the file).")] = None,
    no_figure: Annotated[bool, typer.Option("--no-figure", help="Draw nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Span, step, oddities, peaks and cycles of a trace file, and a picture."""
    with reported():
        import json

        from capsim.report.trace_text import lines
        from capsim.scenario.series import FileSeries
        from capsim.scenario.traces.inspection import inspect as inspect_file

        options = FileSeries(
            file=str(file),
            column=column,
            time=time,
            service_column=service_column,
            interval_ms=_interval_ms(interval),
            zone=zone,
            unit="events" if events else None,
        )
        found = inspect_file(options)
        if as_json:
            typer.echo(json.dumps(found.as_dict(), indent=2))
        else:
            typer.echo("\n".join(lines(found)))
        if not no_figure:
            place = _draw(found, out or file.with_name(f"{file.name}.png"))
            typer.echo(f"picture: {place}", err=as_json)


def _interval_ms(text: str | None) -> int | None:
    from capsim.units import DURATION_FORMS, parse_duration_ms

    try:
        interval_ms = None if text is None else parse_duration_ms(text)
    except ValueError:
        raise wrong_usage(f"--interval: not a duration; found {text!r}; allowed: {DURATION_FORMS}") from None
    if interval_ms == 0:
        raise wrong_usage("--interval: it is 0s; allowed: a duration above 0s")
    return interval_ms


def _draw(found: object, place: Path) -> Path:
    from capsim.errors import OutputError
    from capsim.report.trace_picture import draw
    from capsim.scenario.traces.inspection import Inspection

    assert isinstance(found, Inspection)
    try:
        draw(found, place)
    except OSError as problem:
        reason = problem.strerror or problem
        raise OutputError(f"cannot write {place}: {reason}; name another place with --out, or --no-figure") from problem
    return place
