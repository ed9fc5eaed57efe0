"""``capsim hpa replay`` from the command line."""

from __future__ import annotations

import json

import pytest

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 10
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
"""


@pytest.fixture
def replay(capsim, tmp_path):
    """The command on a small recording, with more words."""
    (tmp_path / "hpa.yaml").write_text(HPA)
    rows = "".join(f"{i * 60},{0.05 if i % 20 < 10 else 0.1},4\n" for i in range(60))
    (tmp_path / "usage.csv").write_text("time,cpu,replicas\n" + rows)
    base = ("hpa", "replay", "--hpa", "hpa.yaml", "--metrics", "usage.csv", "--pods", "cpu=100m,limits.cpu=500m")
    return lambda *words: capsim(*base, *words)


def test_a_table_with_every_change(replay):
    done = replay("--replicas", "replicas", "--set", "spec.metrics.cpu.target.averageUtilization=80")
    assert done.exit_code == 0, done.output
    assert "default/web over 1h: 4 to 8 replicas" in done.output
    assert "A: spec.metrics.cpu.target.averageUtilization=80" in done.output
    for word in ("recorded", "as given", "flaps", "under-provisioned", "time at maxReplicas"):
        assert word in done.output


def test_json_series_and_picture(replay, tmp_path):
    done = replay("--replicas", "4", "--json", "--series", "out/series.csv", "--figure", "out/picture.png")
    assert done.exit_code == 0, done.output
    document = json.loads(done.output)
    assert [one["label"] for one in document["measures"]] == ["recorded", "as given"]
    assert document["measures"][1]["max_replicas"] == 8
    assert (tmp_path / "out" / "series.csv").read_text().startswith("variant,time_ms,replicas,ready,pending,")
    assert (tmp_path / "out" / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "--replicas: recorded replica counts are needed"),
        (
            ("--replicas", "4", "--gaps", "guess"),
            2,
            "--gaps: found 'guess'; allowed: refuse, hold, zero, linear, missing",
        ),
        (("--replicas", "4", "--startup", "soon"), 2, "--startup: not a duration: 'soon'"),
        (("--replicas", "4", "--service", "cart"), 2, "--service and --service-column go together"),
        (("--replicas", "4", "--set", "spec.maxReplicas=0"), 2, "maxReplicas is below minReplicas"),
        (
            ("--replicas", "4", "--series", "a.xlsx"),
            2,
            "found 'a.xlsx'; allowed: a file that ends in .csv or .parquet",
        ),
        (("--replicas", "4", "--figure", "hpa.yaml/picture.png"), 4, "cannot write hpa.yaml/picture.png"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(replay, words, code, said):
    done = replay(*words)
    assert done.exit_code == code, done.output
    assert said in done.output
    assert "Traceback" not in done.output


def test_failing_metrics_are_told(replay):
    done = replay("--replicas", "4", "--pods", "memory=1Gi")
    assert done.exit_code == 0
    assert "FailedGetResourceMetric" in done.output
