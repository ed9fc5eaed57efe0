"""The shop: ten services, two node groups, a week; and its overlays for development, QA and production."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import capsim
from capsim.result import Result

SHOP = Path(__file__).resolve().parents[2] / "scenarios" / "shop"
SERVICES = {
    "gateway", "frontend", "checkout", "orders", "catalogue", "cart", "payment", "inventory", "users",
    "recommendations",
}  # fmt: skip
IN_MEMORY = {"catalogue", "recommendations"}
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FRIDAY, SATURDAY = 4, 5
SALE_MS = FRIDAY * DAY_MS + 18 * HOUR_MS


@cache
def shop(overlay: str = "") -> Result:
    """The run of a week (development: a day), once."""
    return capsim.run(capsim.load(SHOP, overlays=[SHOP / f"{overlay}.yaml"] if overlay else []))


def _nodes_by_hour(result):
    totals = result.series["totals"]
    return totals.groupby(totals["time_ms"] // HOUR_MS)["nodes_ready"].mean()


def _of(result, name):
    frame = result.series["workloads"]
    return frame[frame["workload"] == f"shop/Deployment/{name}"].reset_index(drop=True)


def test_ten_services_each_with_hpa_and_budget():
    objects = shop().scenario.objects
    assert {w.name for w in objects.workloads if w.namespace == "shop"} == SERVICES
    assert {hpa.name for hpa in objects.hpas} == {pdb.name for pdb in objects.pdbs} == SERVICES
    assert set(shop().scenario.traffic) == {f"shop/{name}" for name in SERVICES}


def test_services_follow_the_same_visitors():
    pages = _of(shop(), "frontend")["rps"]
    np.testing.assert_allclose(_of(shop(), "gateway")["rps"], 2.2 * pages, rtol=1e-9)
    np.testing.assert_allclose(_of(shop(), "payment")["rps"], 0.05 * pages, rtol=1e-9)


def test_weekends_are_busier():
    totals = shop().series["totals"]
    since_trough = totals["time_ms"] - 8 * HOUR_MS  # a day of traffic runs from trough to trough
    days = totals.groupby(since_trough // DAY_MS)["rps"].mean()
    assert days[SATURDAY] / days[1] == pytest.approx(1.2, rel=0.03)
    assert days.idxmax() in {SATURDAY, SATURDAY + 1}


def test_nodes_follow_the_day():
    hours = _nodes_by_hour(shop())
    for day in range(1, 7):
        night, evening = hours[day * 24 + 8], hours[day * 24 + 20]  # twelve hours from the peak, and at it
        assert evening > 2 * night
    assert shop().summary.peaks.nodes >= 15


def test_what_is_held_in_memory_has_nodes_of_its_own():
    pods = shop().pods
    ours = pods[(pods["namespace"] == "shop") & pods["node"].notna()]
    on_memory = ours["node"].str.startswith("memory-")
    in_memory = ours["workload"].str.rpartition("/")[2].isin(IN_MEMORY)
    assert (on_memory == in_memory).all()


def test_pods_wait_as_long_as_a_machine_boots():
    waited = shop().pods[shop().pods["reason"] != ""]
    assert len(waited) > 50
    assert 40 < waited["pending_s"].median() < 120  # 70 s of boot; other pods leave room earlier


def test_the_sale_is_the_busiest_hour_and_finds_the_limits():
    summary = shop().summary
    assert SALE_MS < summary.peaks.nodes_at_ms < SALE_MS + 2 * HOUR_MS
    assert SALE_MS < summary.peaks.pods_pending_at_ms < SALE_MS + HOUR_MS
    at_most = {limit.object for limit in summary.limits if limit.kind == "hpa-max"}
    assert {"shop/frontend", "shop/recommendations"} <= at_most


def test_no_request_is_lost():
    assert shop().summary.traffic.lost_requests == 0


def test_recommendations_take_half_a_minute_to_start():
    pods = shop().pods[shop().pods["workload"] == "shop/Deployment/recommendations"]
    started = pods[(pods["created_ms"] > 0) & pods["ready_ms"].notna()]
    seconds = (started["ready_ms"] - started["scheduled_ms"]).astype(float) / 1000
    assert seconds.mean() == pytest.approx(30, rel=0.1)
    assert seconds.std() == pytest.approx(5, rel=0.4)


def test_production_is_three_times_as_large():
    base, large = shop().summary, shop("production").summary
    assert large.name == "shop-production"
    assert large.traffic.offered_requests / base.traffic.offered_requests == pytest.approx(3, rel=0.01)
    assert 2.2 < large.cost.run_usd / base.cost.run_usd < 3.2  # larger clusters waste a smaller share
    assert large.cpu.used_ratio > base.cpu.used_ratio


def test_qa_and_development_are_small():
    qa, dev = shop("qa").summary, shop("dev").summary
    assert qa.cost.month_usd < shop().summary.cost.month_usd / 2
    assert qa.traffic.lost_requests == dev.traffic.lost_requests == 0
    assert (dev.peaks.nodes, dev.pending.pods, dev.duration_ms) == (2, 0, DAY_MS)
    assert shop("dev").scenario.cluster_autoscaler is None
    assert all(row.peak_desired == 1 for row in dev.workloads if row.workload.startswith("shop/"))


@pytest.mark.parametrize("overlay", ["", "production", "qa", "dev"])
def test_nobody_waits_for_ever(overlay):
    pending = shop(overlay).summary.pending
    assert not any(row.still_pending and row.longest_s > 86_400 for row in pending.workloads)


@pytest.mark.parametrize("overlay", ["", "dev"])
def test_the_resolved_scenario_is_the_same(overlay, tmp_path):
    scenario = shop(overlay).scenario
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(scenario.dump_resolved())
    assert capsim.load(resolved) == scenario
