"""Ctrl-C in mid-run: what was simulated so far is written, and says that it is partial."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONG = ("--set", "duration=36500d", "--set", "sampleInterval=1d")


def test_an_interrupted_run_is_written_as_partial(tmp_path):
    (tmp_path / "warm").mkdir()
    command = [sys.executable, "-m", "capsim", "run", "scenarios/app10.yaml", "--no-figures"]
    subprocess.run([*command, "--out", str(tmp_path / "warm")], cwd=ROOT, check=True, capture_output=True)
    run = subprocess.Popen(
        [*command, *LONG, "--out", str(tmp_path / "long")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    time.sleep(3.0)
    assert run.poll() is None
    run.send_signal(signal.SIGINT)
    text, _ = run.communicate(timeout=10)
    assert run.returncode == 130
    assert "PARTIAL" in text
    written = json.loads((tmp_path / "long" / "run.json").read_text())
    assert written["partial"] is True
    assert 0 < written["facts"]["reached_ms"] < 36500 * 86_400_000
