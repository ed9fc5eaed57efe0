"""How much traffic a scenario carries, in a sentence or two."""

from __future__ import annotations

from capsim.report.phrases import clock, percent
from capsim.study.capacity import Capacity


def sentences(found: Capacity) -> list[str]:
    """The answer, the first bottleneck, and what else has to be known."""
    what = "Pending pod" if found.until == "pending" else "Pending pod or lost requests"
    lines = []
    if found.largest is None:
        lines.append(f"Not even {multiple(found.first_failing)} of the traffic runs without a {what}.")
    elif found.first_failing is None:
        lines.append(f"At least {multiple(found.largest)} the traffic without a {what}: more was not tried (--max).")
    else:
        lines.append(f"{multiple(found.largest)} the traffic without a {what}; not {multiple(found.first_failing)}.")
    limit = found.bottleneck
    if limit is not None:
        lines.append(f"First bottleneck, at {clock(limit.at_ms)}: {limit.object}: {limit.text}.")
    losing = found.losing_from
    if found.first_failing is None and (held := found.held_by) is not None:
        lines.append(
            f"No pod waits because something else gives way, at {clock(held.at_ms)}: {held.object}: {held.text}."
        )
    if found.until == "pending" and losing is not None and (found.largest is None or losing <= found.largest):
        lost = next(t.lost_ratio for t in found.tries if t.multiple == losing)
        lines.append(
            f"Before that, requests are lost: {percent(lost)} at {multiple(losing)} (--until lost stops there)."
        )
    return lines


def multiple(value: float | None) -> str:
    """1.41x"""
    return "nothing" if value is None else f"{value:.3g}x"
