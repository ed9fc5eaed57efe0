"""FailedScheduling events in kube-scheduler v1.34's words.

Source: framework/types.go (FitError.Error): counts per reason sorted as text, then what preemption found.
"""

from __future__ import annotations

from collections.abc import Sequence

UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NEVER = "not eligible due to preemptionPolicy=Never."
TERMINATING = "not eligible due to a terminating pod on the nominated node."


def counted(counts: Sequence[int], texts: Sequence[str]) -> str:
    """`2 Insufficient cpu, 1 Too many pods`: what is counted at least once, sorted as text."""
    return ", ".join(sorted(f"{count} {text}" for count, text in zip(counts, texts, strict=False) if count > 0))


def unavailable(nodes: int, reasons: str) -> str:
    """`0/3 nodes are available: 3 Insufficient cpu.`"""
    return f"0/{nodes} nodes are available: {reasons}."


def failed_scheduling(counts: Sequence[int], reasons: Sequence[str], dry_run: Sequence[int] | None = None) -> str:
    """The message of a pod that fits nowhere and finds no victims.

    ``counts`` are those of a diagnosis: per reason, then nodes that preemption could have helped, nodes that it could
    not, and all nodes. ``dry_run``: the same of the search for victims, where it was made.
    """
    nodes = counts[-1]
    if nodes == 0:
        return "no nodes available to schedule pods"
    why = next((text for count, text in zip(counts[:-3], reasons, strict=False) if count and is_blocking(text)), None)
    if why is not None:
        return blocked(nodes, why)
    found = counts if dry_run is None else dry_run
    helped, hopeless = found[-3:-1]
    shown = [*(dry_run[:-3] if dry_run is not None else ()), helped, hopeless]
    words = [*(reasons if dry_run is not None else ()), NO_VICTIMS, NOT_HELPFUL]
    return (
        f"{unavailable(nodes, counted(counts[:-3], reasons))} no new claims to deallocate, "
        f"preemption: {unavailable(nodes, counted(shown, words))}"
    )


def is_blocking(text: str) -> bool:
    """Whether a reason is one for which no node is even tried."""
    return text.startswith((UNBOUND, "persistentvolumeclaim "))


def preempting(counts: Sequence[int], reasons: Sequence[str]) -> str:
    """The message of a pod for which others are preempted."""
    return unavailable(counts[-1], counted(counts[:-3], reasons))


def not_eligible(counts: Sequence[int], reasons: Sequence[str], why: str) -> str:
    """The message of a pod that may not preempt."""
    return f"{preempting(counts, reasons)} no new claims to deallocate, preemption: {why}"


def blocked(nodes: int, why: str) -> str:
    """The message of a pod for which no node is tried (PreFilter)."""
    return f"{unavailable(nodes, why)} not found"
