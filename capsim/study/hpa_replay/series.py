"""The series of a replay as one table: a row per variant and sync."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from capsim.controllers.hpa import codes as c
from capsim.study.hpa_replay import loop as k
from capsim.study.hpa_replay.measures import F64, rows_at
from capsim.study.hpa_replay.recording import Recording
from capsim.study.hpa_replay.replay import Replayed

OUTCOMES = {c.OK: "", c.PARTIAL: "some metrics failed", c.FAILED_METRICS: "metrics failed"}


def series(replays: Sequence[Replayed], recording: Recording, needed: F64 | None) -> pd.DataFrame:
    """Columns: variant, time_ms (since the first row), time (UTC, where the file has clock times), replicas (set by the
    sync), ready and pending pods (when it began), recommended (-1: none), needed, recorded_replicas, censored,
    at_limit, failure, and ``demand_NAME`` of each metric in cores, bytes or its own unit, of all pods together."""
    return pd.concat([_one(replayed, recording, needed) for replayed in replays], ignore_index=True)


def _one(replayed: Replayed, recording: Recording, needed: F64 | None) -> pd.DataFrame:
    rows, syncs = rows_at(recording, replayed.times_ms), replayed.syncs
    unknown = np.full(len(rows), np.nan)
    frame = pd.DataFrame({"variant": replayed.variant.label, "time_ms": replayed.times_ms})
    if recording.is_clock:
        frame["time"] = pd.to_datetime(replayed.times_ms + recording.start_ms, unit="ms", utc=True)
    frame["replicas"] = syncs[:, k.DESIRED]
    frame["ready"] = syncs[:, k.READY]
    frame["pending"] = syncs[:, k.WAITING]
    frame["recommended"] = syncs[:, k.RECOMMENDED]
    frame["needed"] = unknown if needed is None else needed[rows]
    frame["recorded_replicas"] = unknown if recording.replicas is None else recording.replicas[rows]
    frame["censored"] = recording.censored[rows]
    frame["at_limit"] = syncs[:, k.AT_LIMIT] == 1
    frame["failure"] = pd.Series(syncs[:, k.OUTCOME]).map(OUTCOMES).astype("str")
    for metric, demand in zip(recording.metrics, recording.demand_milli):
        values = demand[rows].astype(np.float64)
        frame[f"demand_{metric.key}"] = np.where(values == k.ABSENT, np.nan, values / 1000.0)
    return frame
