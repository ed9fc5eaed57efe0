"""One variant of the HPA over one recording: arrays for the kernels in, a series and the conditions out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import messages
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import compile_specs, new_state
from capsim.errors import Problem, ScenarioError
from capsim.study.hpa_replay import loop as k
from capsim.study.hpa_replay.pods import bare_container
from capsim.study.hpa_replay.question import Question, Variant
from capsim.study.hpa_replay.recording import Recording, pod_metrics

I64 = NDArray[np.int64]
MOST_SYNCS = 5_000_000


@dataclass(frozen=True)
class World:
    """What a replay assumes of the cluster around the HPA."""

    startup_ms: int = 30_000
    """From the decision to a pod that is ready."""
    capacity: int | None = None
    """Pods that find room on the nodes; the others stay Pending. None: all of them."""
    resolution_ms: int = 15_000
    """Time from sample to sample of the metrics API (metrics-server: --metric-resolution)."""


@dataclass(frozen=True)
class Failure:
    """Syncs that could not get a metric, all for one reason; times in ms since the first row."""

    message: str
    syncs: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True)
class Replayed:
    """A variant, replayed. ``syncs``: one row per sync, columns of :mod:`capsim.study.hpa_replay.loop`."""

    variant: Variant
    syncs: I64
    sync_ms: int
    conditions: list[messages.Condition]
    failures: list[Failure] = field(default_factory=list)

    @property
    def times_ms(self) -> I64:
        """Times of the syncs, ms since the first row."""
        return np.arange(len(self.syncs), dtype=np.int64) * self.sync_ms


def replay(question: Question, variant: Variant, recording: Recording, world: World) -> Replayed:
    """What a variant would have decided. Raises ScenarioError when the recording is too long for its sync period."""
    settings = variant.settings
    count = int(recording.times_ms[-1] // settings.sync_period_ms) + 1
    if count > MOST_SYNCS:
        found = f"{count:,} syncs from first to last row"
        raise ScenarioError(
            Problem("the recording is too long", recording.file, found=found, allowed=f"{MOST_SYNCS:,}")
        )
    specs = compile_specs([variant.spec], settings)
    state = new_state(specs, settings.sync_period_ms)
    pod = _pod(variant, recording)
    cohorts = np.zeros((count + 1, 2), np.int64)
    cohorts[0] = (k.SETTLED_MS, _initial(variant, recording))
    syncs = np.zeros((count, k.OUT_COLUMNS), np.int64)
    capacity = k.ROOMY if world.capacity is None else world.capacity
    cells = np.array([settings.sync_period_ms, world.resolution_ms, world.startup_ms, capacity], np.int64)
    k.replay_syncs(specs, state, recording.times_ms, recording.demand_milli, pod, cells, cohorts, syncs)
    failures = _failures(question, variant, syncs, settings.sync_period_ms)
    row = [int(cell) for cell in state.row[0]]
    last = failures[-1].message if failures and row[t.R_OUTCOME] == c.FAILED_METRICS else ""
    conditions = messages.conditions(row, variant.metrics, last)
    return Replayed(variant, syncs, settings.sync_period_ms, conditions, failures)


def _pod(variant: Variant, recording: Recording) -> I64:
    found = pod_metrics(variant.metrics, variant.template)
    if [one.key for one in found] != [one.key for one in recording.metrics]:
        keys = ", ".join(one.key for one in recording.metrics)
        message = "a change may not add, remove or rename metrics"
        raise ScenarioError(Problem(message, key=f"--set {variant.label}", allowed=f"the metrics as given: {keys}"))
    return np.array([(one.request_milli, one.limit_milli, one.shared) for one in found], np.int64)


def _initial(variant: Variant, recording: Recording) -> int:
    """Pods at the start: the recorded ones, else minReplicas; at least one, since an HPA is off while there is none."""
    if recording.replicas is not None:
        return max(int(np.ceil(recording.replicas[0])), 1)
    return max(int(variant.spec["minReplicas"]), 1)


def _failures(question: Question, variant: Variant, syncs: I64, sync_ms: int) -> list[Failure]:
    """Failed syncs by reason, with upstream's words, in the order of their first time."""
    failed = np.flatnonzero((syncs[:, k.OUTCOME] == c.FAILED_METRICS) | (syncs[:, k.OUTCOME] == c.PARTIAL))
    found: dict[tuple[int, int, int], list[int]] = {}
    for index in failed:
        reason = (int(syncs[index, k.METRIC]), int(syncs[index, k.ERROR]), int(syncs[index, k.OUTCOME]))
        found.setdefault(reason, []).append(int(index))
    return [
        Failure(_message(question, variant, metric, error), len(rows), rows[0] * sync_ms, rows[-1] * sync_ms)
        for (metric, error, _), rows in found.items()
    ]


def _message(question: Question, variant: Variant, metric: int, error: int) -> str:
    spec = variant.metrics[metric]
    about = messages.source(spec)
    container = bare_container(variant.template, str(about.get("name", "")), about.get("container"))
    inner = messages.calculator_error(spec, error, question.namespace, pod=f"{question.target}-…", container=container)
    return messages.invalid_metrics(1, len(variant.metrics), messages.metric_error(spec, inner))
