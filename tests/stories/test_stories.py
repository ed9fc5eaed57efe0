"""The example scenarios, run as a user runs them: by the command line, into a folder, which is then read back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from capsim.result import read

ROOT = Path(__file__).resolve().parents[2]
APP10 = "default/Deployment/app10"
# As recorded from kube-scheduler v1.34 with the same nodes and pods.
NO_ROOM = (
    "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, "
    "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
)
NO_ROOM_SELF_MANAGED = (
    "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "3 Insufficient cpu. no new claims to deallocate, preemption: 0/4 nodes are available: "
    "1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod."
)

pytestmark = pytest.mark.plain


def command(*words):
    return [sys.executable, "-m", "capsim", *map(str, words)]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(scenario, folder, *words):
    line = command("run", scenario, "--out", folder, "--no-figures", *words)
    done = subprocess.run(line, env=environment(), cwd=folder.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return read(folder)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The run folder of an example, run once."""
    found = {}

    def of(name):
        if name not in found:
            found[name] = run(ROOT / "scenarios" / f"{name}.yaml", tmp_path_factory.mktemp("story") / name)
        return found[name]

    return of


def replicas(result):
    """Sizes that the Deployment took, in order."""
    events = result.events[result.events["reason"] == "ScalingReplicaSet"]
    steps = events["message"].str.extract(r"from (\d+) to (\d+)$").astype(int)
    assert (steps[0].iloc[1:].to_numpy() == steps[1].iloc[:-1].to_numpy()).all()
    return steps[1].tolist()


def app10_at(result, at_ms):
    """Pods of app10 that exist at a time: (all, bound)."""
    pods = result.pods[(result.pods["workload"] == APP10) & (result.pods["created_ms"] <= at_ms)]
    pods = pods[pods["gone_ms"].isna() | (pods["gone_ms"] > at_ms)]
    return len(pods), int((pods["scheduled_ms"] <= at_ms).sum())


def failures(result):
    return result.events[result.events["reason"] == "FailedScheduling"]


@pytest.mark.parametrize(("name", "message"), [("app10", NO_ROOM), ("app10-selfmanaged", NO_ROOM_SELF_MANAGED)])
def test_eight_of_ten_pods_are_bound(story, name, message):
    result = story(name)
    sizes = replicas(result)
    assert sizes[-2:] == [10, 2]
    assert sizes[:-1] == sorted(sizes[:-1])
    assert app10_at(result, 14 * 60_000) == (10, 8)
    assert set(failures(result)["message"]) == {message}
    assert failures(result)["object"].nunique() == 2
    waited = result.pods[result.pods["scheduled_ms"].isna()]
    assert waited["reason"].tolist() == [message] * 2
    assert (waited["pending_s"] > 900).all()
    # Tried at once, then only when the queue of unschedulable pods is flushed: after more than 5 minutes, every 30 s.
    per_pod = failures(result).groupby("object")["time_ms"]
    assert (per_pod.first() < 300_000).all()
    assert all(300_000 <= gap <= 331_000 for _, times in per_pod for gap in times.diff().dropna())


def test_with_an_autoscaler_a_node_comes_and_goes(story):
    result = story("app10-autoscaled")
    new = result.nodes[result.nodes["requested_ms"] > 0].iloc[0]
    helped = result.pods[result.pods["node"] == new["name"]]
    helped = helped[helped["workload"] == APP10].iloc[:2]
    assert (helped["scheduled_ms"] - new["ready_ms"]).between(0, 200).all()
    assert (helped["ready_ms"] - helped["scheduled_ms"] == 5000).all()
    assert app10_at(result, int(new["ready_ms"]) + 1000) == (10, 10)
    triggered = result.events[result.events["reason"] == "TriggeredScaleUp"]
    assert triggered["message"].iloc[0] == "pod triggered scale-up: [{worker 3->4 (max: 6)}]"
    # Unneeded since the HPA came down and the surplus pods were gone; deleted ten minutes later, drained or empty.
    gone = result.nodes[result.nodes["gone_ms"].notna()].iloc[0]
    down = result.events[result.events["message"].str.endswith("to 2", na=False)]["time_ms"]
    unneeded_ms = down[down < gone["deleting_ms"]].max()
    assert 600_000 <= gone["deleting_ms"] - unneeded_ms <= 640_000
    assert 10_000 <= gone["gone_ms"] - gone["deleting_ms"] <= 40_000


def test_by_hand_everything_takes_its_time(story):
    result = story("app10-manual")
    assert replicas(result) == [10, 2]
    assert app10_at(result, 10 * 60_000) == (10, 8)
    assert app10_at(result, 26 * 60_000) == (10, 10)
    assert (result.nodes["ready_ms"].max(), len(result.nodes)) == (25 * 60_000, 4)
    told = result.events[result.events["reason"] == "ScenarioEvent"]
    assert told["time_ms"].tolist() == [300_000, 300_000, 1_800_000]


def test_a_single_host_serves_what_it_can(story):
    result = story("single-host")
    assert failures(result).empty
    series = result.series["workloads"].groupby("time_ms")[["rps", "served_rps", "lost_rps", "cpu_used_milli"]].sum()
    rush = series.loc[240_000:840_000]
    assert (rush["rps"] == 600).all()
    # 3.9 of 4 vCPU are allocatable, and a request costs 10 ms.
    assert rush["served_rps"].to_numpy() == pytest.approx(390)
    assert rush["cpu_used_milli"].to_numpy() == pytest.approx(3900)
    total = series[["rps", "served_rps", "lost_rps"]].sum() * 15.0
    assert total["rps"] == pytest.approx(total["served_rps"] + total["lost_rps"], rel=1e-3)


def test_the_changed_hpa_target_is_seen(story, tmp_path):
    scenario = tmp_path / "changed.yaml"
    text = (ROOT / "scenarios" / "app10" / "hpa.yaml").read_text()
    changed = tmp_path / "hpa.yaml"
    changed.write_text(text.replace("averageUtilization: 75", "averageUtilization: 40"))
    manifests = [ROOT / "scenarios" / "app10" / name for name in ("deployment.yaml", "system.yaml")]
    listed = "\n".join(f"  - {path}" for path in [*manifests, changed])
    scenario.write_text(f"apiVersion: capsim/v1\nextends: {ROOT / 'scenarios' / 'app10.yaml'}\nmanifests:\n{listed}\n")
    result = run(scenario, tmp_path / "out")
    assert app10_at(result, 0) == (3, 3)
    assert app10_at(story("app10"), 0) == (2, 2)


LONG = """\
apiVersion: capsim/v1
extends: {app10}
name: long
duration: 10000d
sampleInterval: 30d
controlPlane:
  metricsServer: {{metric-resolution: 1s}}
"""


def interrupted(scenario, folder, after_s):
    """(output, seconds from the interrupt to the end) of a run that gets SIGINT."""
    line = command("run", scenario, "--out", folder, "--no-figures")
    child = subprocess.Popen(
        line,
        env=environment(),
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    try:
        time.sleep(after_s)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        asked = time.perf_counter()
        output, _ = child.communicate(timeout=60)
        return output.decode(), time.perf_counter() - asked
    finally:
        child.kill()


def test_an_interrupt_leaves_what_was_simulated_so_far(story, tmp_path):
    assert not story("app10").partial  # the code is compiled by now
    scenario = tmp_path / "long.yaml"
    scenario.write_text(LONG.format(app10=ROOT / "scenarios" / "app10.yaml"))
    folder = tmp_path / "out"
    for after_s in (4.0, 12.0, 30.0):  # on a slow machine the first may come before the simulation has begun
        output, took_s = interrupted(scenario, folder, after_s)
        if (folder / "run.json").is_file():
            break
    result = read(folder)
    assert result.partial, output
    assert 0 < result.facts["reached_ms"] < result.scenario.duration_ms
    assert took_s < 2.0
    assert result.series["totals"]["time_ms"].max() < result.facts["reached_ms"]
    assert result.summary.pending.pods == 2
