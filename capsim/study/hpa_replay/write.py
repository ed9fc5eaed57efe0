"""The answer as files: JSON, the series as CSV or Parquet, and the picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from capsim.errors import OutputError
from capsim.study.hpa_replay.study import Answer
from capsim.study.hpa_replay.terminal import headline, remarks


def as_dict(answer: Answer) -> dict[str, Any]:
    """Question, measures, conditions and failures of every variant, for JSON (no NaN, no infinity)."""
    recording = answer.recording
    return {
        "hpa": f"{answer.question.namespace}/{answer.question.name}",
        "target": answer.question.target,
        "headline": headline(answer),
        "recording": {
            "file": recording.file,
            "rows": len(recording.censored),
            "duration_s": int(recording.times_ms[-1]) / 1000.0,
            "censored_rows": int(recording.censored.sum()),
            "notes": recording.notes,
        },
        "measures": [_finite(one.as_dict()) for one in answer.measures],
        "variants": [
            {
                "label": one.variant.label,
                "conditions": [condition._asdict() for condition in one.conditions],
                "failures": [vars(failure) for failure in one.failures],
            }
            for one in answer.replays
        ],
        "remarks": remarks(answer),
    }


def _finite(values: dict[str, object]) -> dict[str, object]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }


def write_series(answer: Answer, path: Path) -> None:
    """The series as CSV where the file is named so, else as Parquet. Raises OutputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            answer.series.to_csv(path, index=False)
        else:
            answer.series.to_parquet(path, index=False)
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from problem


def write_figure(answer: Answer, path: Path) -> None:
    """The picture as PNG. Raises OutputError."""
    from capsim.study.hpa_replay.figure import figure_png

    image = figure_png(answer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image)
    except OSError as problem:
        raise OutputError(f"cannot write {path}: {problem.strerror or problem}") from problem
