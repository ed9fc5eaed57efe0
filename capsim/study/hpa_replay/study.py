"""From options to answer: reads, replays every variant, measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from capsim.study.hpa_replay.columns import choices
from capsim.study.hpa_replay.measures import Measures, measure, measure_recorded, needed_pods
from capsim.study.hpa_replay.question import Question, metric_key, read_question
from capsim.study.hpa_replay.recording import MetricsFile, Recording, pod_metrics, read_recording
from capsim.study.hpa_replay.replay import Replayed, World, replay
from capsim.study.hpa_replay.series import series


@dataclass(frozen=True)
class Answer:
    """What the HPA would have done, as given and with every change."""

    question: Question
    recording: Recording
    replays: list[Replayed]
    measures: list[Measures]
    """The recorded replicas first, where they are known, then one for each variant."""
    series: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Options:
    """Everything that ``capsim hpa replay`` asks for, as text; times and durations in ms."""

    hpa: str
    metrics: str
    replicas: str | None = None
    name: str | None = None
    pods: str | None = None
    sets: Sequence[str] = ()
    flags: Sequence[str] = ()
    columns: Sequence[str] = ()
    units: Sequence[str] = ()
    pers: Sequence[str] = ()
    time: str | None = None
    service_column: str | None = None
    service: str | None = None
    gaps: str = "refuse"
    interval_ms: int | None = None
    zone: str = "UTC"
    time_unit_ms: int | None = None
    """One unit of a column of times that are plain numbers."""
    world: World = field(default_factory=World)


def replay_history(options: Options) -> Answer:
    """Answers a question. Raises ScenarioError with every problem of the HPA, of the options, or of the file."""
    question = read_question(options.hpa, options.name, options.pods, options.sets, options.flags)
    base = question.base
    keys = [metric_key(metric) for metric in base.metrics]
    file = MetricsFile(
        options.metrics, choices(keys, options.columns, options.units, options.pers), options.replicas, options.time,
        options.service_column, options.service, options.gaps, options.interval_ms, options.zone,
        options.time_unit_ms,
    )  # fmt: skip
    recording = read_recording(file, pod_metrics(base.metrics, base.template))
    replays = [replay(question, variant, recording, options.world) for variant in question.variants]
    needed = needed_pods(base, recording)
    recorded = measure_recorded(recording, base, needed)
    measures = [measure(one, recording, needed) for one in replays]
    frame = series(replays, recording, needed)
    return Answer(question, recording, replays, [*([recorded] if recorded else []), *measures], frame)
