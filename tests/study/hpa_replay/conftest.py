"""Small HPAs and metrics files, and the way to the real recordings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsim.study.hpa_replay.replay import World
from capsim.study.hpa_replay.study import Options, replay_history

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 10
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
"""
PODS_HPA = HPA.replace(
    "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}",
    "{type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: '10'}}}",
)


@pytest.fixture
def ask(tmp_path):
    """Replay CSV text (or a file) with an HPA; options as of :class:`Options`."""

    def replayed(metrics: str | Path, hpa: str | Path = HPA, **options):
        manifest = tmp_path / "hpa.yaml"
        if isinstance(hpa, Path):
            manifest = hpa
        else:
            manifest.write_text(hpa)
        file = metrics
        if isinstance(metrics, str):
            file = tmp_path / "usage.csv"
            file.write_text(metrics)
        given = {
            "replicas": "replicas",
            "pods": "cpu=100m,limits.cpu=200m",
            "world": World(startup_ms=15_000),
            **options,
        }
        return replay_history(Options(str(manifest), str(file), **given))

    return replayed


@pytest.fixture
def rows():
    """CSV text of one value per minute with a column of replicas."""

    def text(values, replicas=1, head="time,cpu,replicas", step_s=60):
        counts = [replicas] * len(values) if isinstance(replicas, int) else replicas
        lines = [f"{i * step_s},{value},{count}" for i, (value, count) in enumerate(zip(values, counts))]
        return "\n".join([head, *lines]) + "\n"

    return text


@pytest.fixture
def shared():
    """A file of the recordings beside the repository; the test is skipped where they are not."""
    root = Path(os.environ.get("CAPSIM_SHARED", Path(__file__).resolve().parents[4] / "shared"))

    def path(name: str) -> Path:
        found = root / "data" / name
        if not found.exists():
            pytest.skip(f"needs the recordings: data/{name} beside the repository or below $CAPSIM_SHARED")
        return found

    return path
