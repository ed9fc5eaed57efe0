"""``capsim batch``: what it prints, writes and returns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP10 = ROOT / "scenarios" / "app10.yaml"
SHORT = ("--set", "duration=20m")


def test_table_files_and_picture(capsim):
    done = capsim("batch", APP10, ROOT / "scenarios" / "single-host.yaml", "--seeds", 2, "--jobs", 1, *SHORT)
    assert done.exit_code == 0, done.output
    assert "Batch of 4 runs" in done.output
    assert "longest wait" in done.output
    assert Path("runs/batch/figures/comparison.png").stat().st_size > 10_000
    assert Path("runs/batch/summary.csv").read_text().startswith("scenario,measure,unit,runs,mean,min,max,std\n")
    again = capsim("batch", APP10, ROOT / "scenarios" / "single-host.yaml", "--seeds", 2, "--jobs", 1, *SHORT)
    assert "0 simulated, 4 done before" in again.output


def test_a_failing_scenario_is_said_and_the_exit_code_too(capsim):
    Path("wrong.yaml").write_text("apiVersion: capsim/v1\nnoSuchKey: 1\n")
    done = capsim("batch", "wrong.yaml", APP10, "--jobs", 1, "--out", "here", "--no-figures", *SHORT)
    assert done.exit_code == 2
    assert "1 simulated" in done.output
    assert "1 failed" in done.output
    assert "noSuchKey" in done.output
    assert "Traceback" not in done.output
    assert not Path("here/figures").exists()


def test_nothing_but_failures(capsim):
    done = capsim("batch", "missing.yaml", "--jobs", 1)
    assert done.exit_code == 2
    assert "missing.yaml" in done.output


@pytest.mark.parametrize("words", [("--seeds", "0"), ("--jobs", "0"), ()])
def test_wrong_usage(capsim, words):
    done = capsim("batch", *([APP10, *words] if words else []))
    assert done.exit_code == 2


def test_a_folder_that_cannot_be_written(capsim):
    Path("file").write_text("")
    done = capsim("batch", APP10, "--jobs", 1, "--out", "file/batch")
    assert done.exit_code == 4
    assert "cannot write to file/batch" in done.output


def test_ctrl_c_keeps_what_is_done(tmp_path):
    words = ["batch", str(APP10), "--seeds", "3000", "--jobs", "2", "--out", str(tmp_path), "--no-figures"]
    run = subprocess.Popen(
        [sys.executable, "-m", "capsim", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )  # fmt: skip
    try:
        out, err = _interrupted(run, tmp_path)
    finally:
        run.kill()
    assert run.returncode == 130, out + err
    assert "INTERRUPTED" in out
    assert "Traceback" not in err
    recorded = json.loads((tmp_path / "batch.json").read_text())
    assert recorded["interrupted"] is True
    assert 1 <= len(recorded["runs"]) < 3000  # a run may be written and not told yet


def _interrupted(run, folder):
    """What it printed, when it was interrupted after three runs."""
    end = time.monotonic() + 150
    while len(list(folder.glob("app10/seed-*/run.json"))) < 3 and run.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all processes
    return run.communicate(timeout=60)
