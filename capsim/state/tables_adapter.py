"""The tables of what stands beside the control plane: the metrics adapter with its Prometheus, GitOps self-heal."""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import F64, I64

# What a series measures.
MEASURE_RPS, MEASURE_IN_FLIGHT, MEASURE_BACKLOG, MEASURE_RECORDED = 0, 1, 2, 3
# Columns of Adapter.series.
A_MEASURE, A_WORKLOAD, A_SOURCE, A_WINDOW_MS, A_NAME, A_LANE, A_TAKEN, A_SEEN_MS, A_LISTED, A_CURSOR, A_SINCE_MS = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
)
SERIES_COLUMNS = 11
# Cells of Adapter.settings.
A_INTERVAL_MS, A_LOOKBACK_MS, A_RELIST_MS, A_MAX_AGE_MS, A_NEXT_RELIST_MS = 0, 1, 2, 3, 4
ADAPTER_SETTINGS = 5


class Adapter(NamedTuple):
    """What Prometheus has scraped for custom and external metrics, one row a series (S of them), and what the adapter
    lists. A series is a measure of the pods of a workload, of a service, or a recorded one."""

    settings: I64
    """[ADAPTER_SETTINGS]: scrape interval, lookback, relist interval, max age, next relist."""
    due: I64
    """Tournament tree of the next scrapes."""
    series: I64
    """[S, SERIES_COLUMNS]: measure, workload (-1: not per pod), traffic source (-1: per pod), rate window, name,
    lane in ``pods``, scrapes so far, last scrape that saw anything (-1: none), listed by the adapter, and where the
    counter of arrivals stands: point of the source, time."""
    total: F64
    """[S]: counter of arrivals."""
    time_ms: I64
    """[S, K]: times of the last K scrapes (scrape i in slot i modulo K)."""
    value: F64
    """[S, K]: what they found, where the series is not per pod."""
    pods: F64
    """[P, lanes * K]: what they found of each pod; a pod's scrapes before it was Ready mean nothing."""
    metric: I64
    """[metrics of HPAs]: the series behind each, -1: none."""


# Columns of SelfHeal.row and cells of SelfHeal.settings.
H_GIT, H_DUE_MS, H_LAST_MS, H_ATTEMPTS, H_RESETS = 0, 1, 2, 3, 4
H_WAIT_MS, H_FACTOR_MILLI, H_CAP_MS, H_COOLDOWN_MS, H_REFRESH_MS = 0, 1, 2, 3, 4


class SelfHeal(NamedTuple):
    """Who sets ``spec.replicas`` back to what Git says; rows [W]."""

    settings: I64
    """[5]: first wait, factor in thousandths, longest wait, cooldown, time from a change to a sync."""
    next_ms: I64
    """[1]: when the first sync is due; NEVER."""
    row: I64
    """[W, 5]: replicas in Git (-1: not healed), next sync, last sync (-1: none), attempts in a row, syncs in all."""
