"""Replays the tables of upstream's own unit tests, from the replica calculator to whole syncs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capsim.conformance import Report
from capsim.conformance.hpa_single import replay_single
from capsim.conformance.hpa_timeline import SlotLog, Timeline, compare_sync
from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import ControllerSettings, compile_specs, new_state

Json = Mapping[str, Any]
NOW_MS = 100_000_000


def replay_upstream(tables: Json, report: Report) -> None:
    """Replay every table of the file; a table without a replay counts as unsupported."""
    for name, cases in tables.items():
        if not isinstance(cases, list):
            continue
        for case in cases:
            if name in REPLAYS:
                REPLAYS[name](case, report)
            else:
                report.cases += 1
                report.unsupported[f"table {name}"] += 1


def replay_reconcile(case: Json, report: Report) -> None:
    """One sync, compared with the recorded run of the test and with what the test expects."""
    report.cases += 1
    report.decisions += 1
    timeline = Timeline(case, fast=False)
    got = timeline.step(case["steps"][0]["in"])
    compare_sync(case["id"], case["out"], got, report)
    report.compare(case["id"], "expected desired", case["expected"]["desired"], got["desired"])
    for condition, value in case["expected"]["conds"].items():
        report.compare(case["id"], f"expected {condition}", value, timeline.conditions.get(condition))


def replay_limit_by_default(case: Json, report: Report) -> None:
    """Limits without behavior."""
    _replay_limit(case, _tables(case, None), report)


def replay_limit_by_behavior(case: Json, report: Report) -> None:
    """Limits by policies, with earlier scale events."""
    specs, state = _tables(case, {"scaleUp": case["scaleUp"], "scaleDown": case["scaleDown"]})
    up, down = case["up_events"], case["down_events"]
    state = state._replace(up=_events(up), down=_events(down))
    state.row[0, [t.R_UP_EVENTS, t.R_DOWN_EVENTS]] = len(up), len(down)
    _replay_limit(case, (specs, state), report)


def _replay_limit(case: Json, tables: tuple[t.HpaSpecs, t.HpaState], report: Report) -> None:
    report.cases += 1
    report.decisions += 1
    with_behavior = "scaleUp" in case
    replicas, code = k.limited(*tables, 0, NOW_MS, case["current"], case["desired"], with_behavior)
    got = [int(replicas), c.SCALING_LIMITED[int(code)][1]]
    report.compare(case["id"], "limit", [case["expected"], case["expected_condition"]], got)


def replay_stabilize(case: Json, report: Report) -> None:
    """Stabilisation against a log, with and without behavior."""
    report.cases += 1
    report.decisions += 1
    if "window_s" in case:
        windows_ms, behavior = [case["window_s"] * 1000], None
    else:
        windows_ms = [case["up_window_s"] * 1000, case["down_window_s"] * 1000]
        behavior = {
            "scaleUp": {"stabilizationWindowSeconds": case["up_window_s"]},
            "scaleDown": {"stabilizationWindowSeconds": case["down_window_s"]},
        }
    specs, state = _tables({"min": 1, "max": 1000}, behavior)
    entries = [(NOW_MS - age_ms, value) for value, age_ms in case["recs"]]
    for time_ms, value in sorted(entries):
        k.append_log(state, 0, time_ms, value)
    got = k.stabilized(specs, state, 0, NOW_MS, case.get("current", 1), case["desired"])
    report.compare(case["id"], "stabilized", case["expected"], int(got))
    slots = SlotLog(max(windows_ms), [time_ms for time_ms, _ in entries])
    slots.logged(NOW_MS)
    length = case.get("expected_log_len", len(case.get("expected_recs") or ()))
    if length:
        report.compare(case["id"], "log length", length, len(slots))
    _compare_log(case, state, max(windows_ms), report)


def _compare_log(case: Json, state: t.HpaState, window_ms: int, report: Report) -> None:
    """The runs hold what upstream's log would still be asked for: the entries inside the longest window."""
    alive = [value for value, age_ms in case["recs"] if age_ms <= window_ms] + [case["desired"]]
    first, length = state.row[0, [t.R_LOG_FIRST, t.R_LOG_LENGTH]]
    slots = (first + np.arange(length)) % state.log.shape[1]
    report.compare(case["id"], "log", sorted(set(alive)), sorted({int(v) for v in state.log[0, slots, t.LOG_VALUE]}))


def replay_store_event(case: Json, report: Report) -> None:
    """A scale event is stored, in a new slot or an expired one; then the change over 60 s, before it was stored."""
    report.cases += 1
    report.decisions += 1
    behavior = None if case["rules"] is None else {"scaleUp": case["rules"]}
    specs, state = _tables({"min": 1, "max": 1000}, behavior)
    state = state._replace(up=_events(case["prev"], spare=1))
    state.row[0, t.R_UP_EVENTS] = len(case["prev"])
    alive = [change for change, age_ms in case["prev"] if age_ms < 60_000]
    report.compare(case["id"], "change in 60 s", case["period_change_60s"], sum(alive))
    k.store_event(specs, state, 0, NOW_MS, 10, 10 + case["replica_change"])
    got = [int(change) for change in state.up[0, : state.row[0, t.R_UP_EVENTS], t.EVENT_CHANGE]]
    report.compare(case["id"], "events", [change for change, _ in case["expected_new_changes"]], got)


def _tables(case: Json, behavior: Json | None) -> tuple[t.HpaSpecs, t.HpaState]:
    settings = ControllerSettings(scale_up_limit_factor=case.get("scale_up_limit_factor", 2))
    spec = {"minReplicas": case["min"], "maxReplicas": case["max"], "behavior": behavior}
    specs = compile_specs([spec], settings)
    return specs, new_state(specs)


def _events(events: list[list[int]], spare: int = 0) -> Any:
    table = np.zeros((1, len(events) + spare, 2), np.int64)
    for i, (change, age_ms) in enumerate(events):
        table[0, i] = NOW_MS - age_ms, change
    return table


REPLAYS = {
    "replica_calculator": replay_single,
    "reconcile": replay_reconcile,
    "convert_no_behavior": replay_limit_by_default,
    "convert_behavior": replay_limit_by_behavior,
    "stabilize_no_behavior": replay_stabilize,
    "stabilize_behavior": replay_stabilize,
    "store_scale_event": replay_store_event,
}
