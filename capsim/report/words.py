"""The summary in words: one sentence first, then one line per question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from capsim.report.phrases import clock, count, milliseconds, percent, requests, share, short_name, span
from capsim.result.summary.limits import short_reason
from capsim.result.summary.model import (
    HeldBack,
    Limit,
    NetworkSummary,
    ObjectiveSummary,
    PendingWorkload,
    ResourceUse,
    ResponseSummary,
    Summary,
)
from capsim.units import format_bytes

NAMED = 3  # so many workloads are named, the others counted
NAMED_LIMITS = 4


Tone = Literal["plain", "warning"]


@dataclass(frozen=True)
class Line:
    """One question and its answer; ``tone`` says whether it is a reason to worry."""

    label: str
    text: str
    tone: Tone = "plain"


def headline(summary: Summary) -> str:
    """The whole run in one sentence or two."""
    parts = [_pending_sentence(summary) if summary.pending.pods else _quiet_sentence(summary)]
    if summary.held_back:
        parts.append(_held_sentence(summary.held_back))
    if summary.traffic.lost_ratio >= 0.0005:
        parts.append(f"{percent(summary.traffic.lost_ratio)} of the requests were lost.")
    return " ".join(parts)


def words(summary: Summary) -> list[Line]:
    """The answers, most wanted first."""
    lines = [Line("Peak", _peak(summary))]
    lines += [_pending(row) for row in summary.pending.workloads[:NAMED]]
    if len(summary.pending.workloads) > NAMED:
        others = len(summary.pending.workloads) - NAMED
        lines.append(Line("", f"and pods of {count(others, 'more workload')}: summary.json names them", "warning"))
    if not summary.pending.pods:
        lines.append(Line("Pending", "nobody waited for a node"))
    lines += [_held_back(row) for row in summary.held_back[:NAMED]]
    if len(summary.held_back) > NAMED:
        others = len(summary.held_back) - NAMED
        lines.append(
            Line("", f"and pods of {count(others, 'more workload')}: see held_back in summary.json", "warning")
        )
    lines += [
        Line("Zero Pending", _zero_pending(summary)),
        Line("Bottleneck", _bottleneck(summary.limits), "warning" if summary.limits else "plain"),
        Line("CPU", _use(summary.cpu, f"{summary.cpu.allocatable / 1000:.3g} cores")),
        Line("Memory", _use(summary.memory, format_bytes(summary.memory.allocatable))),
    ]
    if summary.traffic.offered_requests:
        lines.append(
            Line("Requests", _traffic(summary), "warning" if summary.traffic.lost_requests >= 0.5 else "plain")
        )
    lines += _answers(summary)
    lines.append(Line("Cost", _cost(summary)))
    lines += [Line("Network" if row is summary.network[0] else "", *_network(row)) for row in summary.network[:NAMED]]
    if len(summary.network) > NAMED:
        lines.append(Line("", f"and {len(summary.network) - NAMED} more: see network in summary.json"))
    lines += [Line("Warning", warning.text, "warning") for warning in summary.warnings[:NAMED]]
    if len(summary.warnings) > NAMED:
        lines.append(Line("", f"and {len(summary.warnings) - NAMED} more: see warnings in summary.json", "warning"))
    return lines


def _answers(summary: Summary) -> list[Line]:
    """Response times (journeys first, of the services those that are asked most), then SLOs."""
    timed = [row for row in summary.responses if row.p99_ms is not None]
    shown = sorted(timed, key=lambda row: (row.kind != "journey", -(row.p99_ms or 0.0)))[:NAMED]
    lines = [Line("Responses" if row is shown[0] else "", _response(row)) for row in shown]
    if len(timed) > len(shown):
        lines.append(Line("", f"and {len(timed) - len(shown)} more: summary.json has them"))
    return lines + [Line("SLO", _objective(row), "plain" if row.met else "warning") for row in summary.objectives]


def _response(row: ResponseSummary) -> str:
    failed = f", {percent(row.failed_ratio)} failed" if row.failed_ratio >= 0.0005 else ""
    worst = f"; worst p99 {milliseconds(row.worst_p99_ms or 0.0)} at {clock(row.worst_at_ms or 0)}"
    times = f"mean {milliseconds(row.mean_ms or 0.0)}, p95 {milliseconds(row.p95_ms or 0.0)}"
    return f"{short_name(row.name)}: {times}, p99 {milliseconds(row.p99_ms or 0.0)}{worst}{failed}"


def _objective(row: ObjectiveSummary) -> str:
    target = f"{100 * row.objective_ratio:g} %" + ("" if row.below_ms is None else f" within {row.below_ms} ms")
    said = "met" if row.met else "missed"
    ratio = row.budget_used_ratio
    used = "none" if ratio < 1e-5 else percent(ratio) if ratio < 10 else f"{ratio:,.0f} times"
    burn = f"{row.worst_hour_burn_rate:.3g}" if row.worst_hour_burn_rate >= 1e-3 else "0"
    return (
        f"{row.name} ({target}): {said}, {100 * row.good_ratio:.4g} % good; {used} of the error budget used, "
        f"{row.minutes_violated:.3g} min violated, worst hour burns {burn} times the budget"
    )


def _network(row: NetworkSummary) -> tuple[str, Tone]:
    """One service's network in words, and whether something is wrong with it."""
    said = [f"{format_bytes(row.cross_zone_bytes)} between zones (${row.cross_zone_usd:,.2f})"]
    if row.load_balancer_usd:
        said.append(f"load balancer ${row.load_balancer_usd:,.2f}")
    said.append(f"${row.month_usd:,.0f} a month")
    wrong = []
    if row.refused_requests >= 0.5:
        wrong.append(f"{requests(row.refused_requests)} refused by the load balancer")
    if row.dropped_requests >= 0.5:
        wrong.append(f"{requests(row.dropped_requests)} dropped at nodes without a pod")
    if row.overloaded_pod_seconds >= 0.5:
        hot = f"the busiest pod gets {row.hottest_pod_ratio:.3g} times the mean"
        wrong.append(f"{hot}, {span(row.overloaded_pod_seconds)} of pods above capacity by that")
    return f"{short_name(row.service)}: {', '.join([*said, *wrong])}", "warning" if wrong else "plain"


def _pending_sentence(summary: Summary) -> str:
    pending, first = summary.pending, summary.pending.workloads[0]
    who = f"{count(pending.pods, 'pod')} of {short_name(first.workload)}"
    if len(pending.workloads) > 1:
        who = f"{count(pending.pods, 'pod')} of {len(pending.workloads)} workloads"
    never = sum(row.never_placed for row in pending.workloads)
    outcome = "" if not never else ", and never got one" if never == pending.pods else f", and {never} never got one"
    held = summary.zero_pending.nodes
    cure = f" With {count(held, 'node')} nobody would have waited (estimate)." if held is not None else ""
    if held is not None and held < summary.peaks.nodes:  # the cluster was larger at another time
        cure = (
            f" When most waited, {count(summary.zero_pending.more or 0, 'more node')} would have held them (estimate)."
        )
    return (
        f"{who} waited for a node, the longest {span(pending.longest_s)}{outcome} ({_main_cause(first.reason)}).{cure}"
    )


def _main_cause(message: str) -> str:
    """What there was too little of, if that is part of the message; else all of it."""
    causes = short_reason(message).split(", ")
    return ", ".join([cause for cause in causes if "Insufficient" in cause] or causes)


def _quiet_sentence(summary: Summary) -> str:
    return (
        f"No pod waited for a node: at most {count(summary.peaks.pods, 'pod')} on {count(summary.peaks.nodes, 'node')}."
    )


def _peak(summary: Summary) -> str:
    scaled = [row for row in summary.workloads if row.peak_desired > 0][:NAMED]
    wanted = [f"{short_name(row.workload)}: {row.peak_desired} pods wanted, {row.peak_ready} ready" for row in scaled]
    peaks = summary.peaks
    nodes = f"{count(peaks.nodes, 'node')}"
    if peaks.nodes != peaks.nodes_at_start or peaks.nodes != peaks.nodes_at_end:
        nodes += f" (from {peaks.nodes_at_start}, at {clock(peaks.nodes_at_ms)}; {peaks.nodes_at_end} at the end)"
    total = f"{count(peaks.pods, 'pod')} in all, system pods included"
    return "; ".join([*wanted, total, nodes])


def _pending(row: PendingWorkload) -> Line:
    times = f"the longest {span(row.longest_s)}, {clock(row.first_ms)} to {clock(row.last_ms)}"
    end = f"; {row.still_pending} still waiting at the end" if row.still_pending else ""
    text = f"{count(row.pods, 'pod')} of {short_name(row.workload)} ({row.peak} at once), {times}{end}\n{row.reason}"
    return Line("Pending", text, "warning")


def _held_sentence(rows: list[HeldBack]) -> str:
    first = rows[0]
    who = f"{count(first.peak, 'pod')} of {short_name(first.workload)}"
    if len(rows) > 1:
        who = f"{count(sum(row.peak for row in rows), 'pod')} of {len(rows)} workloads"
    verb = "were" if sum(row.peak for row in rows) > 1 else "was"
    return f"{who} {verb} refused, the longest for {span(max(row.seconds for row in rows))} ({first.by})."


def _held_back(row: HeldBack) -> Line:
    end = f"; {row.still} still missing at the end" if row.still else ""
    text = (
        f"up to {count(row.peak, 'pod')} of {short_name(row.workload)} refused by {row.by}, "
        f"for {span(row.seconds)} from {clock(row.first_ms)} on{end}"
    )
    return Line("Held back", text, "warning")


def _zero_pending(summary: Summary) -> str:
    need = summary.zero_pending
    if not summary.pending.pods:
        return f"{count(summary.peaks.nodes, 'node')}, as it was"
    if need.nodes is None:
        return need.note
    when = "" if need.nodes >= summary.peaks.nodes else f" at {clock(need.at_ms or 0)}, when most waited"
    held = f"{count(need.nodes, 'node')} ({need.more} more of {need.node_group})"
    return f"{held}{when} would have held everyone: an estimate"


def _bottleneck(limits: list[Limit]) -> str:
    if not limits:
        return "none"
    named = [
        f"at {clock(limit.at_ms)} {_who(limit)}: {limit.text} ({span(limit.seconds)})"
        for limit in limits[:NAMED_LIMITS]
    ]
    others = len(limits) - NAMED_LIMITS
    more = f"\nand {others} more: see limits in summary.json" if others > 0 else ""
    return "\nthen ".join([f"first {named[0]}", *named[1:]]) + more


def _who(limit: Limit) -> str:
    return f"HPA {short_name(limit.object)}" if limit.kind == "hpa-max" else short_name(limit.object)


def _use(use: ResourceUse, allocatable: str) -> str:
    return (
        f"{share(use.requested_ratio)} of {allocatable} requested (peak {share(use.peak_requested_ratio)}), "
        f"{share(use.used_ratio)} used (peak {share(use.peak_used_ratio)})"
    )


def _traffic(summary: Summary) -> str:
    seen = summary.traffic
    text = f"{requests(seen.served_requests)} of {requests(seen.offered_requests)} served"
    text += (
        f", {requests(seen.lost_requests)} lost ({percent(seen.lost_ratio)})"
        if seen.lost_requests >= 0.5
        else ", none lost"
    )
    if seen.backlog_seconds:
        text += f"; backlog up to {requests(seen.backlog_peak_requests)}, for {span(seen.backlog_seconds)}"
    return text


def _cost(summary: Summary) -> str:
    cost = summary.cost
    hours = f"{cost.node_hours:,.0f}" if cost.node_hours >= 100 else f"{cost.node_hours:.3g}"
    if not cost.run_usd:
        return f"{hours} node-hours; no prices given"
    return f"{cost.month_usd:,.0f} USD per month ({cost.run_usd:,.2f} USD for {hours} node-hours in this run)"
