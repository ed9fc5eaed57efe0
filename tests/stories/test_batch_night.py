"""Jobs in the valley that a shop's traffic leaves, and the same Jobs in its busiest hours."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.stories.conftest import ROOT

HOUR_MS = 3_600_000


@pytest.fixture
def days(told):
    return told("batch-night/scenario"), told(
        "batch-night/scenario",
        "objects.CronJob.render.spec.schedule='0 13 * * *'",
        "objects.CronJob.backup.spec.schedule='*/30 12-16 * * *'",
        "objects.CronJob.report.spec.schedule='0 15 * * *'",
    )


def of(run, name):
    return run.pods[run.pods["workload"] == f"default/CronJob/{name}"]


def took_ms(run, name):
    return of(run, name)["gone_ms"].max() - of(run, name)["created_ms"].min()


def test_at_night_nobody_waits_and_by_day_jobs_and_shop_do(days):
    night, day = days
    assert night.waited.empty
    assert set(day.waited["workload"]) >= {"default/CronJob/render", "default/Deployment/shop"}
    assert took_ms(day, "render") > took_ms(night, "render") + HOUR_MS / 4
    for run in days:
        done = run.events[run.events["reason"] == "Completed"]["object"].str.extract(r"^Job/default/(\w+)-")[0]
        assert done.value_counts().to_dict() == {"backup": 10, "render": 1, "report": 1}
        assert len(of(run, "report")) == 16
        assert len(of(run, "render")) > 120  # some failed, and were tried again
    picture = night.path.parent / "batch-night.png"
    figure = ["scenarios/batch-night/figure.py", night.path, day.path, "--out", picture]
    subprocess.run([sys.executable, *figure], cwd=ROOT, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")
