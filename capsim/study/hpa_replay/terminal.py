"""The answer in the terminal: a sentence, a table of the variants, and what went wrong with metrics."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.study.hpa_replay.measures import FLAP_MS, Measures
from capsim.study.hpa_replay.question import AS_GIVEN
from capsim.study.hpa_replay.study import Answer
from capsim.units import format_duration

RECORDED = "recorded"
HEADS = (
    "pod-hours",
    "replicas: min / mean / max",
    "scale-ups, scale-downs",
    "flaps",
    "time at maxReplicas",
    "under-provisioned pod-hours",
    "over-provisioned pod-hours",
    "time at the CPU limit",
    "syncs that failed",
)


def show(answer: Answer, console: Console, files: list[str]) -> None:
    """Print the answer, and where its files are."""
    console.print(Text(headline(answer), style="bold cyan"))
    console.print(Padding(_table(answer.measures), (0, 0, 0, 2)))
    for name, one in zip(short_names(answer.measures), answer.measures, strict=True):
        if name != one.label:
            console.print(Padding(Text(f"{name}: {one.label}"), (0, 0, 0, 2)))
    for line in remarks(answer):
        console.print(Padding(Text(line, style="yellow"), (0, 0, 0, 2)))
    legend = f"under, over: ready pods against what the target as given needs; flap: a turn within {_short(FLAP_MS)}"
    console.print(Padding(Text(legend, style="dim"), (0, 0, 0, 2)))
    for file in files:
        console.print(Text(f"  {file}", style="dim"), soft_wrap=True)


def headline(answer: Answer) -> str:
    """What the HPA as given would have done, in a sentence."""
    question = answer.question
    base = next(one for one in answer.measures if one.label == AS_GIVEN)
    span = format_duration(round(int(answer.recording.times_ms[-1]) / 60_000) * 60_000)
    text = f"{question.namespace}/{question.name} over {span}: {base.min_replicas} to {base.max_replicas} replicas"
    text += f", {number(base.pod_hours)} pod-hours"
    recorded = answer.measures[0]
    if recorded.label == "recorded":
        text += f" (recorded: {recorded.min_replicas} to {recorded.max_replicas}, {number(recorded.pod_hours)})"
    return text


def remarks(answer: Answer) -> list[str]:
    """What the reader has to know: censored rows, mended rows, metrics that failed."""
    recording = answer.recording
    found = []
    censored = int(recording.censored.sum())
    if censored:
        share = 100.0 * censored / len(recording.censored)
        found.append(
            f"{censored} of {len(recording.censored)} rows ({share:.1f} %) are censored: the recorded pods sat at "
            "their CPU limit, the demand was at least what was recorded"
        )
    found += recording.notes
    return [*found, *_failures(answer)]


def _failures(answer: Answer) -> list[str]:
    """Failed syncs in upstream's words; what is the same for several variants is told once."""
    names = dict(zip((one.label for one in answer.measures), short_names(answer.measures), strict=True))
    who: dict[str, list[str]] = {}
    for replayed in answer.replays:
        reason = next((one.reason for one in replayed.conditions if one.type == "ScalingActive"), "")
        for failure in replayed.failures:
            text = (
                f"{failure.syncs} of {len(replayed.syncs)} syncs failed, first at {format_duration(failure.first_ms)} "
                f"(ScalingActive at the end: {reason}): {failure.message}"
            )
            who.setdefault(text, []).append(names[replayed.variant.label])
    return [f"{', '.join(labels)}: {text}" for text, labels in who.items()]


def _table(measures: list[Measures]) -> Table:
    """A column for each variant: labels of changes are long, so they stand below, by letter."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for one, name in zip(measures, short_names(measures), strict=True):
        table.add_column(name, justify="right", style="dim" if one.label == RECORDED else "")
    for head, *cells in zip(HEADS, *(_cells(one) for one in measures), strict=True):
        table.add_row(Text(head), *cells)
    return table


def short_names(measures: list[Measures]) -> list[str]:
    """``recorded`` and ``as given`` by name, changes by letter."""
    names: list[str] = []
    for one in measures:
        known = one.label in (RECORDED, AS_GIVEN)
        names.append(one.label if known else _letter(len(names) - sum(name in (RECORDED, AS_GIVEN) for name in names)))
    return names


def _letter(index: int) -> str:
    """A, B, … Z, A2, B2, …"""
    round_, place = divmod(index, 26)
    return chr(ord("A") + place) + (str(round_ + 1) if round_ else "")


def _cells(one: Measures) -> list[str]:
    return [
        number(one.pod_hours),
        f"{one.min_replicas} / {one.mean_replicas:.1f} / {one.max_replicas}",
        f"+{one.scale_ups} −{one.scale_downs}",
        str(one.flaps),
        f"{100 * one.at_max_ratio:.1f} %",
        number(one.under_pod_hours),
        number(one.over_pod_hours),
        "–" if one.at_limit_s is None else _short(one.at_limit_s * 1000),
        str(one.failed_syncs),
    ]


def number(value: float | None) -> str:
    """Three digits are enough, none are lost before the point."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _short(duration_ms: float) -> str:
    """A duration in one or two units."""
    step_ms = 60_000 if duration_ms >= 3_600_000 else 1000
    return format_duration(round(duration_ms / step_ms) * step_ms)
