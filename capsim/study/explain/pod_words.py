"""A pod's story as text."""

from __future__ import annotations

from collections import Counter

from capsim.study.explain.nodes import quantity
from capsim.study.explain.pod import Attempt, PodStory
from capsim.units import format_duration

CLOSEST = 3
"""Nodes that are named for each attempt."""
ON_ITS_WAY_S = 1.0
"""A pod that is bound sooner was not pending, only on its way."""


def story(pod: PodStory) -> list[str]:
    """Lines: who, when, why, and what would have helped."""
    requests = ", ".join(f"{name} {quantity(name, amount)}" for name, amount in pod.requests.items()) or "nothing"
    lines = [f"pod/{pod.name} of {pod.workload}, requests {requests}", life(pod)]
    for attempt in pod.attempts:
        lines.extend(attempt_lines(attempt))
    lines.extend(f"{format_duration(at)}: {reason}: {message}" for at, reason, message in pod.told)
    if pod.attempts:
        helped = pod.attempts[-1].remedies
        lines.append("what would have helped: " + ("; ".join(helped) if helped else "nothing that the scenario has"))
    return lines


def life(pod: PodStory) -> str:
    """Created, bound, Ready, deleted."""
    began = "there at the start" if pod.created_ms < 0 else f"created at {format_duration(pod.created_ms)}"
    waited = format_duration(round(pod.pending_s * 1000))
    if pod.scheduled_ms is None:
        end = "" if pod.deleted_ms is None else f" until it was deleted at {format_duration(pod.deleted_ms)}"
        return f"{began}, pending for {waited}{end}; never bound"
    if pod.pending_s <= ON_ITS_WAY_S and not pod.attempts:
        return f"{began}, never pending: bound to {pod.node} within {waited}"
    return f"{began}, pending for {waited}, bound to {pod.node} at {format_duration(max(0, pod.scheduled_ms))}"


def attempt_lines(attempt: Attempt) -> list[str]:
    """One failed attempt: the message, how many nodes per reason, and which came closest."""
    counts = Counter(reason for node in attempt.nodes for reason in node.reasons)
    reasons = ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items()))
    lines = [f"{format_duration(attempt.time_ms)}: FailedScheduling: {attempt.message}"]
    if reasons:
        lines.append(f"  nodes by reason: {reasons}")
    closest = [node.text for node in attempt.nodes if node.short][:CLOSEST]
    if closest:
        lines.append(f"  closest: {'; '.join(closest)}")
    return lines
