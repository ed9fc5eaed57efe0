"""``capsim hpa replay``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.failures import reported, wrong_usage

if TYPE_CHECKING:
    from capsim.study.hpa_replay.study import Answer

ASK = "The HPA"
METRICS = "The recorded metrics"
WORLD = "The cluster"
OUTPUT = "Output"
GAPS = ("refuse", "hold", "zero", "linear", "missing")

Manifest = Annotated[Path, typer.Option("--hpa", help="Manifest with the HPA.", rich_help_panel=ASK)]
MetricsFile = Annotated[
    Path, typer.Option("--metrics", help="CSV (plain or .gz) or Parquet: a row per time.", rich_help_panel=METRICS)
]
Texts = list[str] | None
Name = Annotated[str | None, typer.Option(help="Which HPA, if the file has several.", rich_help_panel=ASK)]
PODS = "Manifest of the target, or cpu=200m,limits.cpu=500m; default: from the HPA's file."
Pods = Annotated[str | None, typer.Option(help=PODS, rich_help_panel=ASK)]
SETS = "A change to compare: spec.metrics.cpu.target.averageUtilization=60 (several: with commas). Repeat for a table."
Sets = Annotated[Texts, typer.Option("--set", help=SETS, rich_help_panel=ASK)]
Flags = Annotated[
    Texts, typer.Option("--flag", help="horizontal-pod-autoscaler-…=… of the controller.", rich_help_panel=ASK)
]
REPLICAS = "Recorded ready pods: a number or a column; unknown with --per total."
Replicas = Annotated[str | None, typer.Option(help=REPLICAS, rich_help_panel=METRICS)]
Columns = Annotated[
    Texts, typer.Option("--column", help="[METRIC=]COLUMN; none: not recorded.", rich_help_panel=METRICS)
]
UNITS = "[METRIC=]UNIT: 1, 10m, percent, ratio, limit-percent, requests*100m, counter."
Units = Annotated[Texts, typer.Option("--unit", help=UNITS, rich_help_panel=METRICS)]
Pers = Annotated[Texts, typer.Option("--per", help="[METRIC=]pod (default) or total.", rich_help_panel=METRICS)]
Time = Annotated[str | None, typer.Option(help="Column of the times.", rich_help_panel=METRICS)]
TimeUnit = Annotated[str | None, typer.Option(help="Unit of plain numbers of time: 1m.", rich_help_panel=METRICS)]
Zone = Annotated[str, typer.Option(help="Time zone of times that name none.", rich_help_panel=METRICS)]
Interval = Annotated[str | None, typer.Option(help="Time from row to row.", rich_help_panel=METRICS)]
Gaps = Annotated[str, typer.Option(help=f"Missing rows and values: {', '.join(GAPS)}.", rich_help_panel=METRICS)]
Service = Annotated[str | None, typer.Option(help="Whose rows, in long files.", rich_help_panel=METRICS)]
ServiceColumn = Annotated[str | None, typer.Option(help="Column that names the service.", rich_help_panel=METRICS)]
Startup = Annotated[str, typer.Option(help="From the decision to a ready pod.", rich_help_panel=WORLD)]
Capacity = Annotated[
    int | None, typer.Option(min=1, help="Pods that find room; others stay Pending.", rich_help_panel=WORLD)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.", rich_help_panel=OUTPUT)]
SeriesFile = Annotated[Path | None, typer.Option(help="Write the series: .csv or .parquet.", rich_help_panel=OUTPUT)]
Picture = Annotated[Path | None, typer.Option(help="Write the picture: .png.", rich_help_panel=OUTPUT)]

hpa = typer.Typer(name="hpa", help="HorizontalPodAutoscalers on recorded metrics.", no_args_is_help=True)


@hpa.callback()
def _group() -> None:
    """HorizontalPodAutoscalers on recorded metrics."""


@hpa.command()
def replay(
    manifest: Manifest,
    metrics: MetricsFile,
    name: Name = None,
    pods: Pods = None,
    sets: Sets = None,
    flags: Flags = None,
    replicas: Replicas = None,
    columns: Columns = None,
    units: Units = None,
    pers: Pers = None,
    time: Time = None,
    time_unit: TimeUnit = None,
    zone: Zone = "UTC",
    interval: Interval = None,
    gaps: Gaps = "refuse",
    service: Service = None,
    service_column: ServiceColumn = None,
    startup: Startup = "30s",
    capacity: Capacity = None,
    as_json: AsJson = False,
    series: SeriesFile = None,
    figure: Picture = None,
) -> None:
    """What this HPA would have done on recorded metrics, as given and with changes."""
    with reported():
        if gaps not in GAPS:
            raise wrong_usage(f"--gaps: found {gaps!r}; allowed: {', '.join(GAPS)}")
        if (service is None) != (service_column is None):
            raise wrong_usage("--service and --service-column go together")
        from capsim.study.hpa_replay.replay import World
        from capsim.study.hpa_replay.study import Options, replay_history

        world = World(_duration_ms("--startup", startup, least_ms=0), capacity)
        options = Options(
            str(manifest), str(metrics), replicas, name, pods, sets or (), flags or (), columns or (), units or (),
            pers or (), time, service_column, service, gaps,
            _duration_ms("--interval", interval) if interval else None, zone,
            _duration_ms("--time-unit", time_unit) if time_unit else None, world,
        )  # fmt: skip
        _check_outputs(series, figure)
        _report(replay_history(options), as_json, series, figure)


def _check_outputs(series: Path | None, figure: Path | None) -> None:
    """Refuses names of files before the work is done."""
    for option, path, forms in (("--series", series, (".csv", ".parquet")), ("--figure", figure, (".png",))):
        if path is not None and path.suffix not in forms:
            raise wrong_usage(f"{option}: found {str(path)!r}; allowed: a file that ends in {' or '.join(forms)}")


def _duration_ms(option: str, text: str, least_ms: int = 1) -> int:
    from capsim.units import DURATION_FORMS, parse_duration_ms

    try:
        duration_ms = parse_duration_ms(text)
    except ValueError as problem:
        raise wrong_usage(f"{option}: {problem}; allowed: {DURATION_FORMS}") from problem
    if duration_ms < least_ms:
        raise wrong_usage(f"{option}: found {text!r}; allowed: {least_ms}ms or more")
    return duration_ms


def _report(answer: Answer, as_json: bool, series: Path | None, figure: Path | None) -> None:
    from capsim.study.hpa_replay.write import as_dict, write_figure, write_series

    if series is not None:
        write_series(answer, series)
    if figure is not None:
        write_figure(answer, figure)
    if as_json:
        import json

        typer.echo(json.dumps(as_dict(answer), indent=2, allow_nan=False))
        return
    from rich.console import Console

    from capsim.study.hpa_replay.terminal import show

    show(answer, Console(highlight=False), [f"written: {path}" for path in (series, figure) if path is not None])
