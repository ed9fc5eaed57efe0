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

hpa = typer.Typer(name="hpa", help="HorizontalPodAutoscalers on recorded metrics.", no_args_is_help=True)


@hpa.callback()
def _group() -> None:
    """HorizontalPodAutoscalers on recorded metrics."""


@hpa.command()
def replay(
    manifest: Annotated[Path, typer.Option("--hpa", help="Manifest with the HPA.", rich_help_panel=ASK)],
    metrics: Annotated[
        Path, typer.Option("--metrics", help="CSV (plain or .gz) or Parquet: a row per time.", rich_help_panel=METRICS)
    ],
    name: Annotated[str | None, typer.Option(help="Which HPA, if the file has several.", rich_help_panel=ASK)] = None,
    pods: Annotated[
        str | None,
        typer.Option(
            help="Manifest of the target, or cpu=200m,limits.cpu=500m; default: from the HPA's file.",
            rich_help_panel=ASK,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A change to compare, such as spec.metrics.cpu.target.averageUtilization=60 (several with commas).",
            rich_help_panel=ASK,
        ),
    ] = None,
    flags: Annotated[
        list[str] | None,
        typer.Option("--flag", help="horizontal-pod-autoscaler-… of the controller.", rich_help_panel=ASK),
    ] = None,
    replicas: Annotated[
        str | None,
        typer.Option(help="Recorded ready pods: a number or a column; or unknown.", rich_help_panel=METRICS),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="[METRIC=]COLUMN; none: not recorded.", rich_help_panel=METRICS),
    ] = None,
    units: Annotated[
        list[str] | None,
        typer.Option(
            "--unit",
            help="[METRIC=]UNIT: 1, 10m, percent, ratio, limit-percent, requests*100m, counter.",
            rich_help_panel=METRICS,
        ),
    ] = None,
    pers: Annotated[
        list[str] | None,
        typer.Option("--per", help="[METRIC=]pod (default) or total.", rich_help_panel=METRICS),
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of the times.", rich_help_panel=METRICS)] = None,
    time_unit: Annotated[
        str | None, typer.Option(help="One unit of plain numbers of time, such as 1m.", rich_help_panel=METRICS)
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of times that name none.", rich_help_panel=METRICS)] = "UTC",
    interval: Annotated[str | None, typer.Option(help="Time from row to row.", rich_help_panel=METRICS)] = None,
    gaps: Annotated[
        str, typer.Option(help="Missing rows and values: refuse, hold, zero, linear, missing.", rich_help_panel=METRICS)
    ] = "refuse",
    service: Annotated[str | None, typer.Option(help="Whose rows, in long files.", rich_help_panel=METRICS)] = None,
    service_column: Annotated[
        str | None, typer.Option(help="Column that names the service.", rich_help_panel=METRICS)
    ] = None,
    startup: Annotated[str, typer.Option(help="From the decision to a ready pod.", rich_help_panel=WORLD)] = "30s",
    capacity: Annotated[
        int | None, typer.Option(min=1, help="Pods that find room; others stay Pending.", rich_help_panel=WORLD)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.", rich_help_panel=OUTPUT)] = False,
    series: Annotated[
        Path | None, typer.Option(help="Write the series: .csv or .parquet.", rich_help_panel=OUTPUT)
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Write the picture: .png.", rich_help_panel=OUTPUT)] = None,
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
        _report(replay_history(options), as_json, series, figure)


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
