"""Stories of HPAs: against self-heal, pinned by Pending pods, and on metrics that CPU does not show."""

from __future__ import annotations

import json

import pandas as pd


def summary(run):
    return json.loads((run.path / "summary.json").read_text(encoding="utf-8"))


def replicas(run, workload, column="desired_replicas"):
    """Mean of each sample interval, by time in seconds."""
    frame = pd.read_parquet(run.path / "series" / "workloads.parquet")
    rows = frame[frame["workload"] == f"default/Deployment/{workload}"]
    return pd.Series(rows[column].to_numpy(), index=rows["time_ms"] // 1000)


def test_self_heal_fights_the_hpa_and_the_summary_names_both(told):
    run = told("self-heal")
    resets = run.events[run.events["reason"] == "SelfHeal"]
    first = resets["time_ms"].iloc[0]
    rise = run.events[(run.events["reason"] == "SuccessfulRescale") & (run.events["time_ms"] > 180_000)][
        "time_ms"
    ].iloc[0]
    assert first == rise + 10 + 1000  # the HPA's update, then a refresh
    waits = resets["time_ms"].diff().dropna() / 1000
    # Each attempt waits three times as long as the one before, the first 2 s; an HPA sync may be later than that.
    for wait, least in zip(waits, [2, 6, 18, 54, 162, 300, 300], strict=False):
        assert wait >= least - 1
    assert waits.iloc[-1] >= 299
    assert "self-heal" in json.loads((run.path / "run.json").read_text(encoding="utf-8"))["thin_models"]
    (warning,) = summary(run)["warnings"]
    assert warning["kind"] == "self-heal"
    assert warning["count"] == len(resets)
    assert "default/Deployment/app10" in warning["text"]
    assert "against HPA default/app10" in warning["text"]
    quiet = told("self-heal", "selfHeal=[]")
    assert summary(quiet)["warnings"] == []
    assert summary(quiet)["traffic"]["lost_requests"] < summary(run)["traffic"]["lost_requests"]


def test_self_heal_costs_requests(told):
    """Read at the scrape: cAdvisor's delay makes the HPA later, with and without the fight."""
    at_the_scrape = "controlPlane.kubelet.housekeeping-interval=0"
    lost = summary(told("self-heal", at_the_scrape))["traffic"]["lost_requests"]
    quiet = told("self-heal", "selfHeal=[]", at_the_scrape)
    assert summary(quiet)["traffic"]["lost_requests"] < lost / 5


def test_pending_pods_pinned_the_hpa_before_1_16_and_do_not_today(told):
    """kubernetes#79158; traffic ends at 900 s, the stabilisation window is 300 s."""
    old = told("stuck-pending")
    assert replicas(old, "app10").iloc[-1] == 16
    assert replicas(old, "app10", "pending").iloc[-1] == 8
    today = told("stuck-pending", "controlPlane.kubeControllerManager.release=1.36")
    assert replicas(today, "app10")[1170] == 16
    assert replicas(today, "app10")[1275] == 2
    assert replicas(today, "app10", "pending").iloc[-1] == 0


def test_workers_follow_their_queue_and_the_web_tier_its_requests(told):
    run = told("queue-workers")
    worker, web = replicas(run, "worker"), replicas(run, "web")
    assert worker.loc[:585].eq(2).all()
    assert worker.max() >= 8  # 40 orders/s, 5 for each worker
    assert web[1500] == 8  # 300 requests/s, 40 for each pod
    assert worker.iloc[-1] == 2
    assert web.iloc[-1] == 2
    late = told(
        "queue-workers", "controlPlane.prometheus.scrape-interval=1m", "metrics.http_requests_per_second.rateWindow=5m"
    )
    reached = [series[series >= 8].index[0] for series in (web, replicas(late, "web"))]
    assert reached[1] >= reached[0] + 60
