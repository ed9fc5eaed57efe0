"""When and why one pod was pending: which nodes refused it, what was missing, and what would have helped."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from capsim.engine.drive import Simulation
from capsim.errors import OutputError
from capsim.scenario.scenario import Scenario
from capsim.study.explain.nodes import Refusal, refusals, remedies
from capsim.study.explain.subject import choose

MOST_LOOKS = 6
"""Attempts that are looked at: the first ones and the last."""


@dataclass(frozen=True)
class Attempt:
    """A scheduling attempt that failed: upstream's message, and each node's refusal, the closest first."""

    time_ms: int
    message: str
    nodes: list[Refusal]
    remedies: list[str]


@dataclass(frozen=True)
class PodStory:
    """A pod's life; times in ms of the run, None: it did not happen. ``told``: (time ms, reason, message) of what the
    Cluster Autoscaler said of it."""

    name: str
    workload: str
    requests: dict[str, int]
    created_ms: int
    scheduled_ms: int | None
    ready_ms: int | None
    deleted_ms: int | None
    node: str | None
    pending_s: float
    attempts: list[Attempt]
    told: list[tuple[int, str, str]]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def explain_pod(folder: str | Path, scenario: Scenario, name: str) -> PodStory:
    """The story of pod ``name`` of a run folder; raises ScenarioError when the run had no such pod."""
    pods, events = frames(Path(folder))
    full = pods["namespace"] + "/" + pods["name"]
    key = choose("pod", name, full.tolist())
    row = pods[full == key].iloc[0]
    mine = events[events["object"] == f"Pod/{key}"]
    failed = mine[mine["reason"] == "FailedScheduling"]
    told = mine[mine["source"] == "cluster-autoscaler"]
    sim = Simulation(scenario)
    w = row_of(sim, str(row["workload"]), key.rpartition("/")[2])
    looks = [(int(at), str(text)) for at, text in zip(failed["time_ms"], failed["message"], strict=True)]
    if not looks and row["reason"]:
        looks = [(max(0, int(row["created_ms"])), str(row["reason"]))]
    return PodStory(
        name=key,
        workload=str(row["workload"]),
        requests=sim.scenario.objects.workloads[w].template.requests(),
        created_ms=int(row["created_ms"]),
        scheduled_ms=optional(row["scheduled_ms"]),
        ready_ms=optional(row["ready_ms"]),
        deleted_ms=optional(row["deleted_ms"]),
        node=None if pd.isna(row["node"]) else str(row["node"]),
        pending_s=float(row["pending_s"]),
        attempts=[attempt(sim, w, at, text) for at, text in thinned(looks)],
        told=[(int(row[0]), str(row[1]), str(row[2])) for row in told[["time_ms", "reason", "message"]].to_numpy()],
    )


def row_of(sim: Simulation, workload: str, pod: str) -> int:
    """The row that pod ``pod`` of ``workload`` belongs to: of several revisions the one that its name tells."""
    rows = sim.names.rows(sim.names.workloads.index(workload))
    return next((r for r in rows if pod.startswith(sim.names.workloads[r].rpartition("/")[2] + "-")), rows[0])


def attempt(sim: Simulation, w: int, at_ms: int, message: str) -> Attempt:
    """The cluster as it was right after a failed attempt."""
    sim.advance(at_ms)
    found = refusals(sim, w)
    return Attempt(at_ms, message, found, remedies(sim, w, found))


def thinned(looks: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Attempts whose message differs from the one before, and the last; not more than a few."""
    kept = [look for i, look in enumerate(looks) if i == 0 or look[1] != looks[i - 1][1]]
    if looks and looks[-1] not in kept:
        kept.append(looks[-1])
    return kept if len(kept) <= MOST_LOOKS else [*kept[: MOST_LOOKS - 1], kept[-1]]


def optional(value: Any) -> int | None:
    """A nullable integer of a frame."""
    return None if pd.isna(value) else int(value)


def frames(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pods and events of a run folder; raises OutputError when they cannot be read."""
    import pyarrow as pa

    try:
        return pd.read_parquet(folder / "pods.parquet"), pd.read_parquet(folder / "events.parquet")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise OutputError(f"{folder} is not a readable run folder: {error}") from error
