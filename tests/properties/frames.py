"""Everything that a run leaves, in a form that can be compared exactly."""

from __future__ import annotations

import hashlib
import io

import pandas as pd

from capsim.engine.run import collect
from capsim.result import Result, write

COUNTERS_OF_SYNCS = ("hpa_syncs", "hpa_syncs_skipped")
TECHNICAL = ("wall_seconds", "instants")
"""Wall-clock times, and a counter that an interrupted instant enters twice."""


def outcome(sim) -> dict:
    """Frames and counters of a simulation, as far as it has come."""
    result = collect(sim)
    facts = {name: value for name, value in result.facts.items() if name not in TECHNICAL}
    return {**result.series, "pods": result.pods, "nodes": result.nodes, "events": result.events, "facts": facts}


def assert_same(one: dict, other: dict, ignore: tuple[str, ...] = ()) -> None:
    """Equal to the last bit."""
    assert one.keys() == other.keys()
    for name in one:
        if name == "facts":
            left, right = ({k: v for k, v in o["facts"].items() if k not in ignore} for o in (one, other))
            assert left == right, sorted(set(left.items()) ^ set(right.items()))
        else:
            pd.testing.assert_frame_equal(one[name], other[name], check_exact=True, obj=name)


def parquet_digest(sim, folder) -> str:
    """Digest of all files of the run folder but run.json, which holds wall-clock times."""
    frames = collect(sim)
    parts = {name: getattr(frames, name) for name in ("series", "pods", "nodes", "events", "facts")}
    write(Result(scenario=sim.scenario, **parts), folder / "out")
    digest = hashlib.sha256()
    files = [path for path in sorted((folder / "out").rglob("*")) if path.is_file() and path.name != "run.json"]
    assert len(files) >= 8
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def digest(sim) -> str:
    """Digest of every frame of a simulation."""
    found = hashlib.sha256()
    for name, frame in outcome(sim).items():
        if name != "facts":
            buffer = io.BytesIO()
            frame.to_parquet(buffer)
            found.update(name.encode() + buffer.getvalue())
    return found.hexdigest()
