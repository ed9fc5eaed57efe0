"""Replays timelines: the syncs of one HPA in order, each against its snapshot.

Each timeline is replayed twice: every sync pod by pod, and as a simulation does it, with equal pods merged and with the
syncs skipped that cannot change anything; a skipped sync is compared with the recorded one all the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from capsim.conformance import Report
from capsim.conformance.hpa_case import gather, masked, settings_of, unavailable_text
from capsim.conformance.hpa_snapshot import Cluster
from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import messages
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import compile_specs, new_state

Json = Mapping[str, Any]

TARGET = "Deployment/ns/d"
REFUSED = {"scale_get": "scale unavailable", "scale_update": "scale update refused"}


class SlotLog:
    """How long upstream's own log of recommendations is: one slot per entry, expired ones reused one by one.

    capsim keeps runs of equal values instead, so the recorded ``rec_len`` is compared with what the times of the logged
    syncs make of it.
    """

    def __init__(self, window_ms: int, times_ms: list[int] | None) -> None:
        self.window_ms = window_ms
        self.times_ms = times_ms

    def opened(self, now_ms: int) -> bool:
        """The first sync logs the replicas that it found; says whether this is it."""
        first = self.times_ms is None
        if first:
            self.times_ms = [now_ms]
        return first

    def logged(self, now_ms: int) -> None:
        """A sync logs its recommendation."""
        assert self.times_ms is not None
        expired = [i for i, time_ms in enumerate(self.times_ms) if time_ms < now_ms - self.window_ms]
        if expired:
            self.times_ms[expired[-1]] = now_ms
        else:
            self.times_ms.append(now_ms)

    def __len__(self) -> int:
        return len(self.times_ms or ())


class Timeline:
    """One HPA, its state, and the cluster that the snapshots describe."""

    def __init__(self, case: Json, fast: bool) -> None:
        self.case = case
        self.fast = fast
        self.metrics: list[Json] = case["hpa_defaulted"]["metrics"]
        self.cluster = Cluster(case["containers"], case["config"]["gate_PodLevelResources"])
        self.specs = compile_specs([case["hpa"]], settings_of(case["config"]))
        self.state = new_state(self.specs, _shortest_ms(case["steps"]))
        self.conditions = {name: list(value) for name, value in (case.get("init_conditions") or {}).items()}
        self.slots = SlotLog(int(self.specs.row[0, [t.S_UP_WINDOW_MS, t.S_DOWN_WINDOW_MS]].max()), None)
        self.inputs: Any = None
        self.shown = False
        self.wake_ms = 0
        self.last_skipped_ms: int | None = None
        self._start(case)

    def _start(self, case: Json) -> None:
        row = self.state.row[0]
        row[t.R_DESIRED] = case.get("init_desired", 0)
        if self.conditions.get("ScaledToZero"):
            row[t.R_ZERO] = c.ZERO_YES if self.conditions["ScaledToZero"][0] == "True" else c.ZERO_NO
        if case.get("init_recs") is not None:
            now_ms = case["steps"][0]["in"]["t"]
            entries = [(now_ms - age_ms, value) for value, age_ms in case["init_recs"]]
            row[t.R_LOG_OPEN] = 1
            for time_ms, value in sorted(entries):
                k.append_log(self.state, 0, time_ms, value)
            self.slots.times_ms = [time_ms for time_ms, _ in entries]

    def step(self, snap: Json) -> dict[str, Any]:
        """One sync; returns what it decided in the form of the recordings."""
        self.cluster.update(snap)
        now_ms, current = snap["t"], snap["spec"]
        if self.cluster.failing("scale_get"):
            self._wake()
            k.fail_sync(self.state, 0)
            self.inputs = None
            return self._out(current, current, self.shown)
        if self.fast and self._sleeps(snap):
            self.last_skipped_ms = now_ms
            if self.state.row[0, t.R_LOGGED]:
                self.slots.logged(now_ms)
            return self._out(current, current, self.shown)
        self._wake()
        opened = self.slots.opened(now_ms)
        step = k.begin_sync(self.specs, self.state, 0, now_ms, current)
        if step == c.GATHER:
            self._propose(snap)
        accepted = not self.cluster.failing("scale_update")
        desired = int(k.finish_sync(self.specs, self.state, 0, now_ms, current, step, accepted))
        if self.state.row[0, t.R_LOGGED]:
            self.slots.logged(now_ms)
        self.inputs = self._inputs(snap, self.state.metric) if step == c.GATHER else None
        self.wake_ms = int(k.wake_ms(self.specs, self.state, 0, now_ms, current))
        out = self._out(current, desired if accepted else current, step == c.GATHER)
        if opened and out["rec"] is None:
            out["rec"] = current
        return out

    def _propose(self, snap: Json) -> None:
        for m, metric in enumerate(self.metrics):
            gather(self.cluster, self.specs, self.state, m, metric, self.fast)
            k.propose_metric(self.specs, self.state, 0, m, snap["spec"], snap["status"])

    def _inputs(self, snap: Json, proposals: Any) -> Any:
        return snap["spec"], self.cluster.failing("scale_update"), proposals[:, [t.P_REPLICAS, t.P_ERROR]].tolist()

    def _sleeps(self, snap: Json) -> bool:
        """Whether this sync may be skipped: same proposals, same replicas, and nothing has left a window."""
        if self.inputs is None or snap["t"] >= self.wake_ms:
            return False
        before = self.state.metric.copy()
        self._propose(snap)
        if self._inputs(snap, self.state.metric) == self.inputs:
            return True
        np.copyto(self.state.metric, before)
        return False

    def _wake(self) -> None:
        if self.last_skipped_ms is not None:
            k.sleep_until(self.specs, self.state, 0, self.last_skipped_ms)
            self.last_skipped_ms = None

    def _out(self, current: int, spec: int, gathered: bool) -> dict[str, Any]:
        row = [int(cell) for cell in self.state.row[0]]
        proposals = self.state.metric
        self.shown = gathered  # a sync that cannot read the scale leaves the status as it is
        kinds = [int(kind) for kind in self.specs.metric[:, t.M_KIND]]
        outcome = row[t.R_OUTCOME]
        failed = outcome in (c.FAILED_GET_SCALE, c.FAILED_METRICS, c.FAILED_UPDATE_SCALE)
        rescaled = spec != current and not failed
        winner = row[t.R_METRIC]
        reason = messages.rescale_reason(row[t.R_REASON], self.metrics[winner] if winner >= 0 else None)
        return {
            "desired": row[t.R_DESIRED],
            "new_spec": spec,
            "rescaled": rescaled or None,
            "rec": row[t.R_RECOMMENDATION] if row[t.R_LOGGED] else None,
            "rec_len": len(self.slots) or None,
            "conds": self._changed_conditions(row),
            "reason": messages.rescale_message(spec, reason) if rescaled else None,
            "events": messages.warnings(row, proposals, kinds) or None,
            "metrics": [_shown(proposal) for proposal in proposals.tolist()] if gathered else None,
            "error": self._error(row, proposals),
        }

    def _changed_conditions(self, row: list[int]) -> dict[str, list[str]] | None:
        now = {found.type: [found.status, found.reason] for found in messages.conditions(row, self.metrics)}
        changed = {name: value for name, value in now.items() if self.conditions.get(name) != value}
        self.conditions = now
        return changed or None

    def _error(self, row: list[int], proposals: Any) -> str | None:
        outcome = row[t.R_OUTCOME]
        if outcome == c.FAILED_GET_SCALE:
            return f"failed to query scale subresource for {TARGET}: {REFUSED['scale_get']}"
        if outcome == c.FAILED_UPDATE_SCALE:
            return f"failed to rescale {TARGET}: {REFUSED['scale_update']}"
        if outcome not in (c.FAILED_METRICS, c.PARTIAL):
            return None
        first = row[t.R_FIRST_INVALID]
        metric, code = self.metrics[first], int(proposals[first, t.P_ERROR])
        inner = messages.calculator_error(metric, code, "ns", unavailable_text(metric))
        text = messages.invalid_metrics(row[t.R_INVALID], len(self.metrics), messages.metric_error(metric, inner))
        if outcome == c.FAILED_METRICS:
            text = f"failed to compute desired number of replicas based on listed metrics for {TARGET}: {text}"
        return masked(text)


def _shown(proposal: list[int]) -> list[int | None] | None:
    if proposal[t.P_ERROR] != c.NO_ERROR:
        return None
    return [proposal[t.P_VALUE], proposal[t.P_UTILIZATION] if proposal[t.P_UTILIZATION] >= 0 else None]


def _shortest_ms(steps: list[Json]) -> int:
    times_ms = [step["in"]["t"] for step in steps]
    return min((b - a for a, b in itertools.pairwise(times_ms) if b > a), default=1000)


def replay_timeline(case: Json, report: Report) -> None:
    """Replay one timeline in both ways and compare every sync."""
    report.cases += 1
    for fast in (False, True):
        timeline = Timeline(case, fast)
        for i, step in enumerate(case["steps"]):
            report.decisions += 1
            name = f"{case['id']}[{i}]" + ("/skipping" if fast else "")
            compare_sync(name, step.get("out") or case["out"], timeline.step(step["in"]), report)


def compare_sync(name: str, recorded: Json, got: dict[str, Any], report: Report) -> None:
    """Count the differences of one sync, field by field."""
    for field, value in got.items():
        expected = recorded.get(field)
        report.compare(name, field, masked(expected) if field == "error" else expected, value)
