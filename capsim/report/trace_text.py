"""What a trace file holds, in words."""

from __future__ import annotations

from collections.abc import Iterator

from capsim.scenario.traces.inspection import Inspection, SeriesFacts
from capsim.units import format_duration

SHOWN = 20


def lines(inspection: Inspection) -> Iterator[str]:
    """The file, then each series (the first 20)."""
    times = f"times from column {inspection.time_column!r}, {inspection.time_format}"
    if inspection.zones:
        times += f", zone {', '.join(zone or f'{inspection.zone} (none named)' for zone in inspection.zones)}"
    yield f"{inspection.file}: {inspection.format}, {inspection.rows:,} rows, " + (
        times if inspection.time_column else "no column of times"
    )
    if inspection.other_columns:
        yield f"not numbers, left out: {', '.join(inspection.other_columns[:SHOWN])} (--column NAME says why)"
    for facts in inspection.series[:SHOWN]:
        yield ""
        yield from _series(facts, inspection.is_clock)
    if len(inspection.series) > SHOWN:
        yield f"\n{len(inspection.series) - SHOWN} more series: --column names one, --json has all"


def _series(facts: SeriesFacts, is_clock: bool) -> Iterator[str]:
    yield f"{facts.name}"
    usual = format_duration(facts.interval_ms) + ("" if facts.even else ", uneven")
    yield f"  span    {facts.start} to {facts.end} ({format_duration(facts.span_ms)}), a row every {usual}"
    odd = [
        f"{oddity.count:,} {name} (line{'s' * (len(oddity.lines) > 1)} {', '.join(map(str, oddity.lines))}"
        f"{' …' * (oddity.count > len(oddity.lines))})"
        for name, oddity in facts.oddities.items()
        if oddity.count
    ]
    longest = f"; longest gap {format_duration(facts.longest_gap_ms)}" if facts.longest_gap_ms else ""
    yield f"  odd     {'; '.join(odd) or 'nothing'}{longest}"
    if not facts.peaks:
        return
    yield f"  mean    {facts.mean:,.6g}; the peak is {facts.peak_to_mean_ratio:.3g} times the mean"
    for number, peak in enumerate(facts.peaks, 1):
        yield f"  {'peaks' if number == 1 else '     '}   {number}. {peak.value:,.6g} at {peak.time}"
    yield f"  cycle   {_cycle(facts, is_clock)}"


def _cycle(facts: SeriesFacts, is_clock: bool) -> str:
    if facts.busiest_hour is None:
        return "cannot be told from less than a day"
    hours = f"{facts.busiest_hour:02d}:00 UTC, quietest {facts.quietest_hour:02d}:00"
    parts = [f"busiest hour {hours}" if is_clock else f"busiest hour {hours[:5]} of the 24 after the first row"]
    if facts.day_repeats_ratio is not None:
        parts.append(f"the mean day explains {facts.day_repeats_ratio:.0%} of the variation")
    if facts.week_repeats_ratio is not None:
        parts.append(f"the mean week {facts.week_repeats_ratio:.0%}")
    if facts.weekend_factor is not None:
        parts.append(f"weekends {facts.weekend_factor:.2f} times weekdays")
    return "; ".join(parts)
