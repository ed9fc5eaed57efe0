"""The key numbers of a run, as tiles: six at most, each with what it means."""

from __future__ import annotations

from dataclasses import dataclass

from capsim.report.phrases import count, percent, share, span
from capsim.result.summary.model import Summary


@dataclass(frozen=True)
class Tile:
    """One number; ``warning`` marks a reason to worry."""

    label: str
    value: str
    note: str
    warning: bool = False


def tiles(summary: Summary) -> list[Tile]:
    """Most wanted first."""
    found = [_pending(summary), _nodes(summary)]
    if summary.pending.pods:
        found.append(_zero_pending(summary))
    found.append(_use(summary))
    if summary.traffic.offered_requests:
        found.append(_lost(summary))
    return [*found, _cost(summary)]


def _pending(summary: Summary) -> Tile:
    pending = summary.pending
    if not pending.pods:
        return Tile("Longest wait", "none", "no pod was Pending for want of a node")
    note = f"{count(pending.pods, 'pod')} waited for a node, {summary.peaks.pods_pending:,} at once at most"
    return Tile("Longest wait", span(pending.longest_s), note, warning=True)


def _nodes(summary: Summary) -> Tile:
    peaks = summary.peaks
    note = f"{peaks.nodes_at_start} at the start, {peaks.nodes_at_end} at the end"
    return Tile("Nodes, peak", f"{peaks.nodes:,}", f"{note}; {count(peaks.pods, 'pod')} at most")


def _zero_pending(summary: Summary) -> Tile:
    need = summary.zero_pending
    if need.nodes is None:
        return Tile("More nodes needed", "–", "no number of nodes would have helped", warning=True)
    note = f"of {need.node_group}, when most pods waited: {need.nodes} in all (estimate)"
    return Tile("More nodes needed", f"+{need.more}", note)


def _use(summary: Summary) -> Tile:
    note = f"{share(summary.cpu.used_ratio)} used; memory {share(summary.memory.requested_ratio)} requested"
    return Tile("CPU requested", share(summary.cpu.requested_ratio), f"of allocatable, mean; {note}")


def _lost(summary: Summary) -> Tile:
    traffic = summary.traffic
    lost = traffic.lost_requests >= 0.5
    waited = f"some waited for CPU during {span(traffic.backlog_seconds)}" if traffic.backlog_seconds else "none waited"
    return Tile("Requests lost", percent(traffic.lost_ratio) if lost else "none", waited, warning=lost)


def _cost(summary: Summary) -> Tile:
    cost = summary.cost
    hours = f"{cost.node_hours:,.1f} node-hours"
    if not cost.run_usd:
        return Tile("Cost", "–", f"{hours}; no prices given")
    return Tile("Cost per month", f"{cost.month_usd:,.0f} USD", f"{cost.run_usd:,.2f} USD for {hours} in this run")
