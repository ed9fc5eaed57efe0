"""A recording against its replay, one function for each kind of decision."""

from __future__ import annotations

from capsim.conformance.end_to_end_cluster import (
    CHANCE,
    compare_autoscaler,
    compare_failures,
    compare_pending,
    compare_pods,
)
from capsim.conformance.end_to_end_report import TOLERANCE_S, TimedReport
from capsim.conformance.end_to_end_run import Replayed, Sync, rescales
from capsim.conformance.end_to_end_scenario import Json

USAGE_TOLERANCE_RATIO = 0.02
"""Of a pod's usage: the recorded counters are read some milliseconds off their time."""
USAGE_TOLERANCE_MILLI = 10.0
"""Or 1 % of a core: a pod that starts or stops burning one 0.15 s earlier, seen over 15 s."""
UTILIZATION_TOLERANCE = 2
"""Whole percent: the same."""
RACE = "a sync that a scrape divides from its replay: the real period varies by some milliseconds"
RACE_S = 0.02
"""A scrape is read this much after its time at most."""
STATUS_LAG_S = 1.0
"""A recorded status is written this soon after its sync."""


def compare_run(case: str, recording: Json, replayed: Replayed, report: TimedReport) -> None:
    """Everything that is recorded of one run."""
    chance_s = compare_victims(case, replayed, report)
    removals_s = chance_s if "max" in recording["inputs"] else float("inf")
    for app in (entry["name"] for entry in recording["inputs"]["apps"]):
        compare_replicas(f"{case}/{app}", recording["derived"]["replicas"][app], rescales(replayed, app), report)
        compare_syncs(f"{case}/{app}", recording, app, replayed.syncs[app], removals_s, report)
    compare_pending(case, recording, replayed, chance_s, report)
    compare_pods(case, recording, replayed, chance_s, report)
    compare_failures(case, recording, replayed, chance_s, report)
    compare_autoscaler(case, recording, replayed, chance_s, report)


def compare_replicas(
    case: str, recorded: list[list[float]], simulated: list[tuple[float, int]], report: TimedReport
) -> None:
    """Every change of replicas: the same values in order, each within the tolerance."""
    changes = recorded[1:]
    report.decisions += max(len(changes), len(simulated))
    report.compare(case, "replicas", [value for _, value in changes], [value for _, value in simulated])
    for (a, value), (b, _) in zip(changes, simulated, strict=False):
        if abs(report.time("replica change", a, b)) > TOLERANCE_S:
            report.compare(case, f"replicas {value} at {a:.3f} s", f"within {TOLERANCE_S} s", f"{b:.3f} s")


def compare_syncs(
    case: str, recording: Json, app: str, syncs: list[Sync], removals_s: float, report: TimedReport
) -> None:
    """The metrics that each sync was given, and the status that it wrote where that changed.

    After ``removals_s`` chance decides which nodes are drained, and so when pods start anew.
    """
    scrapes_s = [event["t"] for event in recording["timeline"] if event["k"] == "scrape"]
    deleting_s = {row["pod"]: row["deleting"] for row in recording["derived"]["pods"] if "deleting" in row}
    for event in recording["timeline"]:
        if event["t"] > removals_s + TOLERANCE_S and event["k"] in ("metrics_query", "hpa"):
            report.not_supported(CHANCE)
            continue
        if event["k"] == "metrics_query" and event.get("sel") == f"app={app}" and syncs:
            sync = min(syncs, key=lambda s: abs(s.time_s - event["t"]))
            if divided(event["t"], sync.time_s, scrapes_s):
                report.not_supported(RACE)
                continue
            report.time("HPA sync", event["t"], sync.time_s)
            recorded = [
                (float(milli), float(at), float(window))
                for pod, (milli, at, window) in event["pods"].items()
                if deleting_s.get(pod, event["t"]) >= event["t"]  # the controller ignores what is being deleted
            ]
            compare_metrics(f"{case}@{event['t']:.3f}", recorded, sync, report)
        elif event["k"] == "hpa" and event.get("hpa") == app and event.get("conds"):
            earlier = [s for s in syncs if s.time_s <= event["t"] + STATUS_LAG_S]
            if earlier:
                compare_status(f"{case}@{event['t']:.3f}", event, earlier[-1], report)


def divided(recorded_s: float, simulated_s: float, scrapes_s: list[float]) -> bool:
    """Whether one of the two instants lies before a scrape and the other after it."""
    low, high = min(recorded_s, simulated_s) - RACE_S, max(recorded_s, simulated_s)
    return any(low <= at <= high for at in scrapes_s)


def compare_metrics(case: str, recorded: list[tuple[float, float, float]], sync: Sync, report: TimedReport) -> None:
    """One sync's input: as many pods, from the same scrape, with the same windows and usage."""
    report.decisions += 1
    if not report.compare(case, "pods with metrics", len(recorded), len(sync.pods)):
        return
    for a, b in zip(by_window(recorded), by_window(sync.pods), strict=True):
        room = max(USAGE_TOLERANCE_MILLI, USAGE_TOLERANCE_RATIO * a[0])
        if abs(a[0] - b[0]) > room or abs(a[1] - b[1]) > TOLERANCE_S or abs(a[2] - b[2]) > TOLERANCE_S:
            report.compare(case, "usage milli, sample s, window s", a, b)
            return


def by_window(pods: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Pods by window, then usage: names differ."""
    return sorted(pods, key=lambda pod: (round(pod[2]), pod[0]))


def compare_status(case: str, event: Json, sync: Sync, report: TimedReport) -> None:
    """Desired replicas, utilisation and the conditions' status and reason."""
    report.decisions += 1
    if "des" in event:
        report.compare(case, "desired replicas", event["des"], sync.desired)
    used = [metric["util"] for metric in event.get("metric", ()) if "util" in metric]
    if any(abs(a - b) > UTILIZATION_TOLERANCE for a, b in zip(used, sync.utilization, strict=False)):
        report.compare(case, "utilisation %", used, sync.utilization)
    for name, condition in event["conds"].items():
        report.compare(case, name, list(condition[:2]), sync.conditions.get(name))


def compare_victims(case: str, replayed: Replayed, report: TimedReport) -> float:
    """Classes of the victims; returns the time (s) from which chance decides, because victims could not be fed.

    Where pods were spread differently (a tie of the scheduler), siblings say nothing: states alone are compared.
    """
    chance_s = float("inf")
    for down in replayed.scale_downs:
        theirs, ours, what = down.recorded, down.simulated, "classes of victims"
        report.decisions += len(theirs)
        if not down.fed:
            chance_s = min(chance_s, down.time_s)
            report.not_supported(CHANCE, len(theirs))
            theirs, ours = [(state, 0, 0) for state, _, _ in theirs], [(state, 0, 0) for state, _, _ in ours]
            what = "states of victims"
        report.compare(f"{case}@{down.time_s:.3f}", what, theirs, ours)
    return chance_s
