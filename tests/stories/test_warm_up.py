"""Cold JVM pods behind an HPA: their CPU asks for more of them. Twice the traffic needs ten pods instead of five."""

from __future__ import annotations

import pandas as pd


def replicas(run):
    """Most replicas wanted, and those wanted at the end."""
    frame = pd.read_parquet(run.path / "series" / "workloads.parquet")
    return int(frame["desired_replicas_max"].max()), int(frame["desired_replicas"].iloc[-1])


def test_cold_pods_make_the_hpa_overshoot(told):
    most, last = replicas(told("warm-up/scenario"))
    assert most >= 20
    assert last <= 11


def test_the_cpu_of_the_start_alone_does_not(told):
    """Samples of pods that are not Ready count for nothing, nor a window that begins before Ready."""
    assert replicas(told("warm-up/scenario", "workloads.shop.warmUp=null")) == (10, 10)


def test_pods_that_are_warm_before_they_are_ready_do_not(told):
    assert replicas(told("warm-up/warmed")) == (10, 10)


def test_patience_of_the_hpa_covers_it(told):
    assert replicas(told("warm-up/patient")) == (10, 10)


def test_the_cpu_initialization_period_does_not_cover_it(told):
    """Upstream ignores CPU within the period only until a Ready pod has one whole window of samples."""
    flag = "controlPlane.kubeControllerManager.horizontal-pod-autoscaler-cpu-initialization-period"
    assert replicas(told("warm-up/scenario", f"{flag}=15m")) == replicas(told("warm-up/scenario"))
