"""Pods and nodes of a recording against its replay: pending pods, texts of the scheduler, scale-ups, scale-downs."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from capsim.conformance.end_to_end_report import TOLERANCE_S, TimedReport
from capsim.conformance.end_to_end_run import Replayed
from capsim.conformance.end_to_end_scenario import Json
from capsim.engine.event_frame import messages_of
from capsim.state import eventlog as e
from capsim.state import tables as t

END_S = 2.5
"""What happens so soon before the end of a recording is not compared: it may be cut off."""
WAITING_S = 1.0
"""A pod that is bound later than this was pending, not merely on its way."""
CHANCE = "after a scale-down whose victims could not be fed: pods were spread differently"
NODE_EVENT = "FailedScheduling said again for a node event that gave no room (docs/decisions/0002)"
REPEAT = "a repeated FailedScheduling that upstream's event recorder may have kept to itself (event series)"
TAINT = re.compile(r"untolerated taint(\(s\)| \{[^}]*\})")
COUNTED = re.compile(r"(\d+) node\(s\) had untolerated taint\(s\)")


def end_of(recording: Json, chance_s: float) -> float:
    """Time (s) up to which pods and nodes are compared."""
    return min(float(recording["inputs"]["end_s"]) - END_S, chance_s)


def up_to(times_s: Iterable[Any], end_s: float) -> list[float]:
    """Sorted times of what happened after the start of the load and before ``end_s``."""
    return sorted(float(at) for at in times_s if at is not None and 0.0 < at < end_s)


def compare_pods(case: str, recording: Json, replayed: Replayed, chance_s: float, report: TimedReport) -> None:
    """Pods of the apps: created, bound, Ready, deleted, gone; as many, each within the tolerance."""
    end_s = end_of(recording, chance_s)
    frame = replayed.recording.pods
    frame = frame[frame["namespace"] == "default"]
    columns = {
        "created": "created_ms",
        "scheduled": "scheduled_ms",
        "ready": "ready_ms",
        "deleting": "deleted_ms",
        "gone": "gone_ms",
    }
    for key, column in columns.items():
        recorded = [row.get(key) for row in recording["derived"]["pods"]]
        simulated = up_to(replayed.seconds(frame[column]), end_s)
        report.times(case, f"pod {key}", up_to(recorded, end_s), simulated)
        late = sum(at is not None and at >= chance_s for at in recorded)
        report.not_supported(CHANCE, late)


def compare_pending(case: str, recording: Json, replayed: Replayed, chance_s: float, report: TimedReport) -> None:
    """From when to when each pending pod waited: so the set and number of them at any time."""
    end_s = end_of(recording, chance_s)
    waits = [
        (row["created"], min(row.get("scheduled", end_s), row.get("deleting", end_s), end_s))
        for row in recording["derived"]["pods"]
    ]
    frame = replayed.recording.pods
    frame = frame[frame["namespace"] == "default"]
    ends = frame["scheduled_ms"].fillna(frame["deleted_ms"]).fillna(replayed.sim.scenario.duration_ms)
    shift = replayed.shift_ms
    ours = [((int(a) - shift) / 1000, min((int(b) - shift) / 1000, end_s)) for a, b in zip(frame["created_ms"], ends)]
    theirs, mine = ([w for w in sorted(side) if w[0] > 0 and w[1] - w[0] > WAITING_S] for side in (waits, ours))
    report.times(case, "pending from", [a for a, _ in theirs], [a for a, _ in mine])
    report.times(case, "pending until", sorted(b for _, b in theirs), sorted(b for _, b in mine))


def as_recorded(message: str) -> str:
    """A message of v1.34 in the words of v1.36, which does not name taints: nodes with different ones are one count."""
    message = TAINT.sub("untolerated taint(s)", message)
    counts = [int(count) for count in COUNTED.findall(message)]
    if len(counts) > 1:
        first, rest = COUNTED.sub("", message).split(": ", 1)
        reasons, tail = rest.split(". ", 1)
        listed = [part for part in reasons.split(", ") if part.strip()]
        listed = sorted([*listed, f"{sum(counts)} node(s) had untolerated taint(s)"])
        message = f"{first}: {', '.join(listed)}. {tail}"
    return message


def compare_failures(case: str, recording: Json, replayed: Replayed, chance_s: float, report: TimedReport) -> None:
    """FailedScheduling: each recorded event at its time with its text, and no further ones but repeats."""
    end_s = end_of(recording, chance_s)
    changes = sorted(event["t"] for event in recording["timeline"] if event["k"] == "node" and event["t"] > 0)
    theirs, ours = recorded_failures(recording, end_s), simulated_failures(replayed, end_s)
    for message in sorted({*theirs, *ours}):
        left = sorted(ours.get(message, []))
        for at_s, _ in sorted(theirs.get(message, [])):
            match = min(left, key=lambda other: abs(other[0] - at_s), default=None)
            if match is not None and abs(match[0] - at_s) <= TOLERANCE_S:
                report.decisions += 1
                report.time("FailedScheduling", at_s, match[0])
                left.remove(match)
            elif follows(at_s, changes):
                report.not_supported(NODE_EVENT)
            else:
                report.decisions += 1
                report.compare(case, f"FailedScheduling at {at_s:.3f} s", message, None)
        first = {pod: at for at, pod in sorted(ours.get(message, []), reverse=True)}
        repeats = [at for at, pod in left if at > first[pod]]
        report.not_supported(REPEAT, len(repeats))
        for at_s, _ in (row for row in left if row[0] not in repeats):
            report.decisions += 1
            report.compare(case, f"FailedScheduling at {at_s:.3f} s", None, message)


Failures = dict[str, list[tuple[float, str]]]
"""Text -> (time s, pod) of each event."""


def recorded_failures(recording: Json, end_s: float) -> Failures:
    """Recorded FailedScheduling events."""
    found: Failures = {}
    for event in recording["timeline"]:
        if event.get("reason") == "FailedScheduling" and 0 < event["t"] < end_s:
            found.setdefault(event["msg"], []).append((event["t"], event["obj"]))
    return found


def simulated_failures(replayed: Replayed, end_s: float) -> Failures:
    """The replay's, with texts as the recording has them."""
    texts = messages_of(replayed.sim)
    found: Failures = {}
    for at_ms, kind, workload, ordinal, text, _ in replayed.events:
        if kind == e.LOG_FAILED_SCHEDULING and 0 < at_ms / 1000 < end_s:
            found.setdefault(as_recorded(texts[text]), []).append((at_ms / 1000, f"{workload}/{ordinal}"))
    return found


def follows(at_s: float, times_s: list[float]) -> bool:
    """Whether something of the sorted list happened within half a second before."""
    i = bisect.bisect_right(times_s, at_s + 0.05)
    return i > 0 and at_s - times_s[i - 1] < 0.5


def compare_autoscaler(case: str, recording: Json, replayed: Replayed, chance_s: float, report: TimedReport) -> None:
    """Scale-ups in the same loop, nodes registered, Ready, tainted for deletion and gone."""
    end_s = end_of(recording, chance_s)
    compare_scale_ups(case, recording, replayed, end_s, report)
    frame = replayed.recording.nodes
    known = {node["name"] for node in recording["inputs"]["nodes"]}
    theirs = node_times(recording, known)
    columns = {"registered": "registered_ms", "ready": "ready_ms", "tainted": "deleting_ms", "gone": "gone_ms"}
    for kind, column in columns.items():
        report.times(case, f"node {kind}", up_to(theirs[kind], end_s), up_to(replayed.seconds(frame[column]), end_s))
        report.not_supported(CHANCE, sum(at >= chance_s for at in theirs[kind]))


def node_times(recording: Json, known: set[str]) -> dict[str, list[float]]:
    """When nodes that the autoscaler added were registered and Ready, and when any node was tainted and gone."""
    found: dict[str, list[float]] = {"registered": [], "ready": [], "tainted": [], "gone": []}
    tainted = set()
    for event in recording["timeline"]:
        if event["k"] == "cloud" and event["what"] in ("registered", "ready"):
            found[event["what"]].append(event["t"])
        if event["k"] != "node":
            continue
        marked = any(taint.startswith("ToBeDeletedByClusterAutoscaler") for taint in event.get("taints", ()))
        if marked and event["node"] not in tainted:
            tainted.add(event["node"])
            found["tainted"].append(event["t"])
        if event["what"] == "gone":
            found["gone"].append(event["t"])
    return found


def compare_scale_ups(case: str, recording: Json, replayed: Replayed, end_s: float, report: TimedReport) -> None:
    """Each scale-up: as many nodes, in the same loop of the autoscaler."""
    loops = [event["t"] for event in recording["timeline"] if event["k"] == "ca_loop"]
    theirs = [
        (bisect.bisect_right(loops, event["t"]), event["delta"], event["t"])
        for event in recording["timeline"]
        if event["k"] == "cloud" and event["what"] == "increase" and 0 < event["t"] < end_s
    ]
    period = int(replayed.sim.state.clock.params[t.P_CA_PERIOD])
    asked = Counter(up_to(replayed.seconds(replayed.recording.nodes["requested_ms"]), end_s))
    first_s = next((at for at in loops if at >= -replayed.shift_ms / 1000), 0.0)
    before = bisect.bisect_left(loops, first_s)
    ours = [(before + 1 + round((at - first_s) * 1000 / period), nodes, at) for at, nodes in sorted(asked.items())]
    report.decisions += max(len(theirs), len(ours))
    report.compare(case, "scale-ups (loop, nodes)", [x[:2] for x in theirs], [x[:2] for x in ours])
    for a, b in zip(theirs, ours, strict=False):
        report.time("scale-up", a[2], b[2])
