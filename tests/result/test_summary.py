"""The summary of a run whose answers are known by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from capsim.result.summary.model import Summary
from capsim.result.summary.reference import markdown
from tests.result import story

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "summary.md"


@pytest.fixture(scope="module")
def summary() -> Summary:
    return story.result().summary


def test_peaks(summary):
    peaks = summary.peaks
    assert (peaks.pods, peaks.pods_at_ms, peaks.pods_bound) == (10, 255_000, 8)
    assert (peaks.pods_pending, peaks.pods_pending_at_ms) == (2, 255_000)
    assert (peaks.nodes, peaks.nodes_at_ms, peaks.nodes_at_start, peaks.nodes_at_end) == (3, 0, 3, 3)
    assert peaks.rps == 600


def test_pending(summary):
    assert (summary.pending.pods, summary.pending.pod_seconds, summary.pending.longest_s) == (2, 1920.0, 960.0)
    (row,) = summary.pending.workloads
    assert (row.workload, row.peak, row.never_placed, row.still_pending) == (story.APP, 2, 2, 0)
    assert (row.first_ms, row.last_ms) == story.PENDING_MS
    assert row.reason == story.REASON


def test_still_pending_at_the_end():
    pods = story.pods()
    waiting = pods["reason"] != ""
    pods.loc[waiting, ["deleted_ms", "gone_ms"]] = pd.NA
    (row,) = story.result(pods=pods).summary.pending.workloads
    assert (row.never_placed, row.still_pending, row.last_ms) == (2, 2, story.HOUR_MS)


def test_zero_pending(summary):
    need = summary.zero_pending
    assert (need.nodes, need.more, need.node_group, need.at_ms, need.estimate) == (4, 1, "worker", 255_000, True)


def test_nobody_waited():
    pods = story.pods()
    summary = story.result(pods=pods[pods["reason"] == ""].reset_index(drop=True)).summary
    assert summary.pending.pods == 0
    assert summary.peaks.pods_pending_at_ms is None
    assert not summary.zero_pending.estimate
    assert "scheduling" not in {limit.kind for limit in summary.limits}


def test_limits_in_order_of_time(summary):
    assert [(limit.kind, limit.at_ms, limit.seconds) for limit in summary.limits] == [
        ("cpu-limit", 180_000, 60.0),
        ("hpa-max", 240_000, 660.0),
        ("scheduling", 255_000, 960.0),
    ]


def test_backlog_below_the_cpu_limit_is_blamed_on_the_nodes():
    series = story.series()
    series["workloads"]["cpu_used_milli_max"] *= 0.9
    kinds = {limit.kind for limit in story.result(series=series).summary.limits}
    assert "node-cpu" in kinds
    assert "cpu-limit" not in kinds


def test_use(summary):
    assert summary.cpu.allocatable == 5850
    # 16 of 60 minutes with 8 pods, 44 with 2, 500m each, and 1600m of system pods.
    assert summary.cpu.requested == pytest.approx((16 * 4000 + 44 * 1000) / 60 + 1600)
    # 11 minutes of 6.0 cores, one of 2.0, 48 of 0.6.
    assert summary.cpu.used == pytest.approx((11 * 6000 + 2000 + 48 * 600) / 60)
    assert summary.cpu.peak_requested_ratio == pytest.approx(5600 / 5850)


def test_traffic(summary):
    assert summary.traffic.offered_requests == pytest.approx(12 * 60 * 600 + 48 * 60 * 60)
    assert summary.traffic.lost_requests == pytest.approx(300 * 60)
    assert summary.traffic.backlog_peak_requests == 12_000
    assert summary.traffic.backlog_seconds == 60
    assert summary.traffic.backlog_request_seconds == pytest.approx(6000 * 60)


def test_cost(summary):
    assert summary.cost.node_hours == 3
    assert summary.cost.run_usd == pytest.approx(3 * story.PRICE_USD)
    assert summary.cost.month_usd == pytest.approx(3 * 730 * story.PRICE_USD)


def test_partial_run_counts_only_what_was_reached():
    facts = {**story.facts(), "reached_ms": 600_000, "partial": True}
    series = {name: frame[frame["time_ms"] < 600_000] for name, frame in story.series().items()}
    summary = story.result(facts=facts, series=series).summary
    assert summary.partial
    assert summary.traffic.offered_requests == pytest.approx(180 * 60 + 420 * 600)
    (row,) = summary.pending.workloads
    assert (row.still_pending, row.last_ms) == (2, 600_000)


def test_a_last_interval_that_is_cut_weighs_less():
    facts = {**story.facts(), "reached_ms": 210_000}
    series = {name: frame[frame["time_ms"] < 210_000] for name, frame in story.series().items()}
    assert story.result(facts=facts, series=series).summary.traffic.offered_requests == pytest.approx(
        180 * 60 + 30 * 600
    )


def test_reference_page_is_up_to_date():
    assert REFERENCE.read_text(encoding="utf-8") == markdown(), (
        "python -m capsim.result.summary.reference > docs/reference/summary.md"
    )
