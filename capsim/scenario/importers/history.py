"""Recorded usage in one long format: rows of time, namespace, workload, metric, value (CSV, Parquet, Prometheus' JSON).

Metrics: `cpu` in cores, of all pods of the workload together; `memory` in bytes, of each pod; `rps` in requests per
second. Docs: docs/guide/import.md. The queries that give them: capsim import queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from capsim.errors import Problem, ScenarioError
from capsim.scenario.importers.redact import mapping, sequence
from capsim.scenario.merge import suggestion
from capsim.scenario.names import Keys, PodLabels
from capsim.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("time", "namespace", "workload", "metric", "value")
METRICS = {"cpu": "cores, all pods together", "memory": "bytes, each pod", "rps": "requests per second"}
EPOCH_MS_FROM = 1e11
"""Numbers above it are milliseconds since 1970, below it seconds."""


@dataclass
class History:
    """Series by metric, and what was left out. Each frame: a column per workload key, a row per time (UTC)."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    """Rows of workloads that the scenario does not hold, by name."""
    dropped: int = 0
    """Rows without a value."""


def read_history(paths: Sequence[str], scenario: Scenario) -> History:
    """Reads files in the long format. Raises ScenarioError with every problem."""
    import pandas as pd

    frames, problems = [], []
    for path in paths:
        try:
            frames.append(_checked(_frame(path), path))
        except ScenarioError as error:
            problems += error.problems
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
            problems.append(Problem(f"cannot be read: {reason}", path, allowed="CSV, Parquet or JSON of Prometheus"))
    if problems:
        raise ScenarioError(problems)
    return _pivoted(pd.concat(frames, ignore_index=True), scenario)


def _frame(path: str) -> pd.DataFrame:
    import pandas as pd

    if path.endswith(".parquet"):
        return pd.read_parquet(path)
    if path.endswith((".json", ".json.gz")):
        return _prometheus(path)
    return pd.read_csv(path, dtype={name: str for name in COLUMNS if name not in ("value",)})


def _prometheus(path: str) -> pd.DataFrame:
    """An answer of Prometheus' query_range; the labels are the columns (without a metric, the file's name is it)."""
    import gzip
    from pathlib import Path

    import pandas as pd

    data = Path(path).read_bytes()
    try:
        answer = orjson.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except orjson.JSONDecodeError as error:
        raise ScenarioError(Problem("not JSON", path, error.lineno)) from None
    result = mapping(mapping(answer).get("data")).get("result")
    if not isinstance(result, list):
        raise ScenarioError(
            Problem("not an answer of Prometheus", path, None, "data.result", allowed="query_range's JSON")
        )
    stem = Path(path).name.split(".")[0]
    rows: list[tuple[Any, ...]] = []
    for series in result:
        labels = mapping(mapping(series).get("metric"))
        name = (labels.get("namespace", ""), labels.get("workload", ""), labels.get("metric") or stem)
        rows += [(float(time), *name, value) for time, value in sequence(mapping(series).get("values"))]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _checked(frame: pd.DataFrame, path: str) -> pd.DataFrame:
    import pandas as pd

    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns[:10]))
        raise ScenarioError(Problem("columns are missing", path, 1, ", ".join(missing), found, ", ".join(COLUMNS)))
    frame = frame[list(COLUMNS)].copy()
    strange = sorted(set(frame["metric"].astype(str)) - set(METRICS))
    if strange:
        allowed = ", ".join(f"{name} ({unit})" for name, unit in METRICS.items())
        hint = suggestion(strange[0], list(METRICS))
        raise ScenarioError(Problem("unknown metric" + hint, path, None, "metric", ", ".join(strange[:5]), allowed))
    values = pd.to_numeric(frame["value"], errors="coerce")
    wrong = values.isna() & frame["value"].notna() & (frame["value"].astype(str).str.lower() != "nan")
    wrong |= (values < 0) | (values == float("inf"))
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        found = str(frame["value"].iloc[row])
        raise ScenarioError(Problem("not a value", path, row + 2, "value", found, "a number, not negative"))
    frame["value"] = values
    frame["time"] = _times(frame["time"], path)
    return frame


def _times(times: pd.Series[Any], path: str) -> pd.Series[Any]:
    """UTC times of ISO 8601 texts, or of seconds or milliseconds since 1970."""
    import pandas as pd

    if str(times.dtype).startswith("datetime"):
        aware: pd.Series[Any] = times.dt.tz_localize("UTC") if times.dt.tz is None else times.dt.tz_convert("UTC")
        return aware
    numbers = pd.to_numeric(times, errors="coerce")
    if len(times) and numbers.notna().all():
        unit = "ms" if numbers.max() > EPOCH_MS_FROM else "s"
        return pd.to_datetime((numbers * (1 if unit == "ms" else 1000)).round().astype("int64"), unit="ms", utc=True)
    parsed = pd.to_datetime(times, utc=True, errors="coerce", format="ISO8601")
    if parsed.isna().any():
        row = int(parsed.isna().to_numpy().argmax())
        allowed = "2026-03-02T08:15:00Z, or seconds since 1970"
        raise ScenarioError(Problem("not a time", path, row + 2, "time", str(times.iloc[row]), allowed))
    return parsed


def _pivoted(frame: pd.DataFrame, scenario: Scenario) -> History:
    history = History(dropped=int(frame["value"].isna().sum()))
    frame = frame[frame["value"].notna()]
    keys = Keys(workload.key for workload in scenario.objects.workloads)
    pods = PodLabels(scenario.objects.workloads)
    served = {service.key: pods.selected(service.namespace, service.selector) for service in scenario.objects.services}
    names = frame["namespace"].astype(str) + "/" + frame["workload"].astype(str)
    known: dict[str, str] = {}
    for name, count in names.value_counts().items():
        matching = keys.matching(str(name)) or served.get(str(name), [])
        if len(matching) == 1:
            known[str(name)] = matching[0]
        else:
            history.unknown[str(name)] = int(count)
    frame = frame.assign(key=names.map(known)).dropna(subset=["key"])
    for metric in METRICS:
        part = frame[frame["metric"] == metric]
        if len(part):
            wide = part.pivot_table(index="time", columns="key", values="value", aggfunc="mean")
            history.frames[metric] = wide.sort_index()
    return history
