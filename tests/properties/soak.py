"""A soak: many random scenarios with everything on, each run in several ways that must come to the same.

    python -m tests.properties.soak --count 100 --seed 1

Every run is looked at again and again while it goes on (``checks.py``); requests and money are counted up; its run
folder is written. The run at once, from a snapshot, with tables of one row, with every sync executed, with the
scheduler's plain scan and its index must leave the same frames to the last bit. A scenario that fails is kept:

    python -m tests.properties.soak --replay soak-1-17.pickle

Exit code 1 when one failed.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from capsim.engine.build.assemble import SMALLEST
from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.result import Result, write
from capsim.state.tables import P_TREE_NODES
from tests.properties.checks import check
from tests.properties.claims import has_claims
from tests.properties.everything import everything
from tests.properties.frames import COUNTERS_OF_SYNCS, assert_same, outcome

WAYS = ("at-once", "snapshot", "one-row", "every-sync", "scan", "index")


RARE = (
    "Evicted", "NodeHasInsufficientMemory", "NodeHasDiskPressure", "FailedCreatePodSandBox", "FailedAttachVolume",
    "OOMKilled", "BackOff", "Preempted", "Killing", "CIDRNotAvailable",
)  # fmt: skip
"""Reasons of events that show that what is switched on has happened."""


def examine(scenario, looks: list[int], ways: tuple[str, ...] = WAYS) -> Counter:
    """Everything that must hold of a run of ``scenario``, looked at at ``looks`` (ms); what rare things happened in it.
    Raises AssertionError."""
    sim = Simulation(scenario)
    for until_ms in sorted(looks):
        sim.advance(until_ms)
        check(sim)
    sim.advance(scenario.duration_ms)
    check(sim)
    check_requests(sim)
    check_cost(sim)
    check_folder(sim)
    whole = outcome(sim)
    for way in ways:
        ignored = COUNTERS_OF_SYNCS if way == "every-sync" else ()
        try:
            assert_same(another_way(scenario, way, looks), whole, ignore=ignored)
        except AssertionError as error:
            raise AssertionError(f"run another way ({way}): {error}") from error
    happened = set(collect(sim).events["reason"])
    return Counter(reason for reason in RARE if reason in happened)


def another_way(scenario, way: str, looks: list[int]) -> dict:
    """What a run leaves that is made in another way, and must be the same."""
    how = {"one-row": {"capacity": SMALLEST}, "every-sync": {"skip_syncs": False}}.get(way, {})
    sim = Simulation(scenario, **how)
    if way in ("scan", "index"):
        sim.state.clock.params[P_TREE_NODES] = 10**6 if way == "scan" else 0
    if way == "snapshot":
        sim.advance(looks[0])
        before = sim.snapshot()
        sim.advance(scenario.duration_ms)
        sim.restore(before)
    sim.advance(scenario.duration_ms)
    return outcome(sim)


def check_requests(sim) -> None:
    """Of every workload: what arrived was served, was lost, or waits."""
    frame = collect(sim).series["workloads"]
    span_s = np.diff(np.append(frame["time_ms"].unique(), sim.scenario.duration_ms)) / 1000.0
    for w, name in enumerate(sim.names.workloads[: sim.names.shown]):
        if w in sim.names.usage:
            continue
        mine = frame[frame["workload"] == name]
        arrived, served, lost = (
            float((mine[column].to_numpy() * span_s).sum()) for column in ("rps", "served_rps", "lost_rps")
        )
        waiting = float(sim.state.physics.backlog[sim.names.rows(w)].sum())
        assert min(arrived, served, lost, waiting) >= 0.0, (name, arrived, served, lost, waiting)
        assert arrived == pytest.approx(served + lost + waiting, rel=2e-3, abs=5.0), name


def check_cost(sim) -> None:
    """The groups' cost is that of their nodes."""
    result = collect(sim)
    groups = result.series["node_groups"].groupby("node_group", observed=True)["cost_usd"].sum()
    nodes = result.nodes.groupby("node_group", observed=True)["cost_usd"].sum()
    for name, usd in groups.items():
        assert usd == pytest.approx(nodes.get(name, 0.0), rel=1e-9, abs=1e-9), name


def check_folder(sim) -> None:
    """The run folder is written, with its summary in words."""
    frames = collect(sim)
    parts = {name: getattr(frames, name) for name in ("series", "pods", "nodes", "events", "facts")}
    with tempfile.TemporaryDirectory() as place:
        write(Result(scenario=sim.scenario, **parts), Path(place) / "out")
        assert (Path(place) / "out" / "summary.json").stat().st_size > 0


def features(scenario) -> Counter:
    """What a scenario switches on, to see that a soak has seen everything."""
    objects = scenario.objects
    found = Counter({workload.kind for workload in objects.workloads})
    found.update({event.kind for event in scenario.events})
    groups, specs = scenario.node_groups, scenario.workloads.values()
    found.update(
        name
        for name, is_on in {
            "HPA": objects.hpas, "PDB": objects.pdbs, "autoscaler": scenario.cluster_autoscaler,
            "images": scenario.images is not None, "calls": any(s.calls for s in scenario.services.values()),
            "disks": any(s.empty_dirs for s in specs),
            "responses": any(s.service_time for s in specs), "SLOs": scenario.slos, "lifetimes": scenario.lifetimes,
            "L4": any(s.balancing.policy == "connection" for s in scenario.services.values()),
            "failures": any(g.failures for g in groups), "schedule": any(g.schedule for g in groups),
            "auto-repair": any(g.auto_repair_ms for g in groups), "self-heal": scenario.self_heal,
            "recorded": scenario.initial_state == "recorded", "usage": scenario.usage,
            "spread": any(w.template.topology_spread for w in objects.workloads),
            "affinity": any(w.template.affinity for w in objects.workloads), "claims": has_claims(scenario),
            "attach limits": any(g.attach_limits for g in groups), "podIPs": any(g.pod_ips for g in groups),
            "zones": any(len(g.zones) > 2 for g in groups),
            "network": any(s.network for s in scenario.services.values()),
        }.items()
        if is_on
    )  # fmt: skip
    return found


def shortened(text: str) -> str:
    """A traceback without the endless lines of frames that differ."""
    return "\n".join(line[:300] for line in text.splitlines())


def looks_at(scenario, data) -> list[int]:
    """Moments at which a run is looked at: any, and those at which much happens."""
    looks = data.draw(st.lists(st.integers(0, scenario.duration_ms), min_size=8, max_size=8, unique=True))
    looks += [look // 10_000 * 10_000 for look in looks]
    return looks + [event.at_ms + later for event in scenario.events for later in (0, 60, 20_000)]


def soak(count: int, number: int, ways: tuple[str, ...], place: Path) -> list[Path]:
    """``count`` scenarios drawn from seed ``number``; pickles of those that failed."""
    failed: list[Path] = []
    seen: Counter = Counter()
    began, done = time.perf_counter(), 0

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(everything(), st.data())
    def each(scenario, data):
        nonlocal done
        looks = looks_at(scenario, data)
        try:
            seen.update(examine(scenario, looks, ways))
        except Exception:  # whatever it is: told, kept, and the soak goes on
            path = place / f"soak-{number}-{done}.pickle"
            path.write_bytes(pickle.dumps((scenario, looks)))
            failed.append(path)
            print(f"\n{path}\n{shortened(traceback.format_exc())}", flush=True)
        seen.update(features(scenario))
        done += 1
        print(f"\r{done} of {count}, {len(failed)} failed, {time.perf_counter() - began:.0f} s", end="", flush=True)

    each()
    print("\n" + ", ".join(f"{name} {times}" for name, times in seen.most_common()))
    return failed


def main() -> int:
    """The command line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--count", type=int, default=100, help="Scenarios.")
    words.add_argument("--seed", type=int, default=1, help="Seed of the scenarios.")
    words.add_argument("--ways", default=",".join(WAYS), help="Other ways in which each is run.")
    words.add_argument("--keep", type=Path, default=Path(), help="Folder for scenarios that fail.")
    words.add_argument("--replay", type=Path, help="Run one of those again.")
    given_words = words.parse_args()
    ways = tuple(way for way in given_words.ways.split(",") if way)
    if given_words.replay is not None:
        examine(*pickle.loads(given_words.replay.read_bytes()), ways)
        return 0
    given_words.keep.mkdir(parents=True, exist_ok=True)
    return int(bool(soak(given_words.count, given_words.seed, ways, given_words.keep)))


if __name__ == "__main__":
    sys.exit(main())
