"""A sync as one line of text."""

from __future__ import annotations

from capsim.study.explain.hpa import MetricSeen, Sync
from capsim.units import format_bytes, format_duration, format_milli


def line(sync: Sync) -> str:
    """Time, metrics, what was recommended, what became of it, and why."""
    head = f"{format_duration(sync.time_ms):>12}  {sync.current} replicas ({sync.ready} Ready"
    head += f", {sync.waiting} not yet)" if sync.waiting else ")"
    seen = "; ".join(metric_text(metric) for metric in sync.metrics)
    return "  ".join(part for part in (head, seen + uncounted(sync), outcome(sync)) if part)


def uncounted(sync: Sync) -> str:
    """`` (6 pods counted, 2 unready)`` where some pods' metrics did not count."""
    pods = sync.counted
    if pods is None or not pods["unready"] + pods["missing"]:
        return ""
    left = [f"{pods[name]} {name}" for name in ("unready", "missing") if pods[name]]
    return f" ({pods['counted']} pods counted, {', '.join(left)})"


def metric_text(metric: MetricSeen) -> str:
    """``cpu resource 88% / 75% = 1.17 -> 3``, or why there is no value."""
    if metric.value is None:
        return metric.error
    name = metric.name.removesuffix(" utilization (percentage of request)")
    values = f"{amount(metric, metric.value)} / {amount(metric, metric.target)}"
    ratio = f" = {metric.ratio:.2f}" if metric.ratio is not None else ""
    return f"{name} {values}{ratio} -> {metric.proposal}"


def amount(metric: MetricSeen, value: int) -> str:
    """A value in the unit of its metric."""
    if metric.is_percent:
        return f"{value}%"
    if metric.name.startswith("memory"):
        return format_bytes(value / 1000)
    return format_milli(value)


def outcome(sync: Sync) -> str:
    """What stabilisation, policies and limits made of the recommendation, in upstream's words."""
    said = {condition.type: condition for condition in sync.conditions}
    if sync.recommended is None:
        active = said.get("ScalingActive")
        if sync.desired == sync.current and active is not None and active.status == "False":
            return f"stays {sync.current}: {active.message}"
        return change(sync, sync.reason)
    parts = [f"recommended {sync.recommended}"]
    if sync.stabilized is not None and sync.stabilized != sync.recommended:
        parts.append(f"stabilised to {sync.stabilized} (recent recommendations)")
    limited = said.get("ScalingLimited")
    if limited is not None and limited.status == "True":
        parts.append(f"limited to {sync.desired}: {limited.message}")
    able = said.get("AbleToScale")
    parts.append(change(sync, sync.reason if sync.desired != sync.current else able.message if able else ""))
    return ", ".join(parts)


def change(sync: Sync, why: str) -> str:
    """The step in replicas and its reason."""
    step = f"stays {sync.current}" if sync.desired == sync.current else f"{sync.current} => {sync.desired}"
    return f"{step}: {why}" if why else step
