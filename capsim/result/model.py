"""Result: the frames of one run, with what is needed to repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from capsim.result.summary import Summary, summarise
from capsim.scenario import Scenario


@dataclass(frozen=True)
class Result:
    """The outcome of one run. All times are ms since the start of the run; columns carry their unit in their name.

    ``docs/reference/frames.md`` lists every column with unit and meaning. ``capsim.report.save`` writes the run folder,
    ``capsim.result.read`` reads it back.
    """

    scenario: Scenario
    """What was run, resolved."""
    series: dict[str, pd.DataFrame]
    """``workloads``, ``node_groups``, ``totals``: a row per sample interval (and workload, or node group)."""
    pods: pd.DataFrame
    """A row per pod: when created, scheduled, ready, deleted, gone, where, and how long it waited and why."""
    nodes: pd.DataFrame
    """A row per node: when requested, registered, ready, deleted, gone, node-hours and cost."""
    events: pd.DataFrame
    """Events as Kubernetes words them, in order of time."""
    facts: dict[str, Any]
    """Counters of the engine, ``reached_ms`` and ``partial``; holds wall-clock times, so it differs between runs."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Versions, seed, scenario hash, command line: see :func:`capsim.result.provenance.provenance`."""

    @cached_property
    def summary(self) -> Summary:
        """Peaks, Pending, limits, use, requests and cost: ``docs/reference/summary.md`` documents each number."""
        return summarise(self.scenario, self.series, self.pods, self.nodes, self.events, self.facts)

    @property
    def partial(self) -> bool:
        """True when the run was interrupted: everything up to ``facts["reached_ms"]`` is there."""
        return bool(self.facts.get("partial", False))

    def cost(self) -> pd.DataFrame:
        """Cost per node group: ``node_group, node_hours, run_usd, month_usd`` (a month is 730 h)."""
        columns = ["node_group", "node_hours", "run_usd", "month_usd"]
        return pd.DataFrame([group.model_dump() for group in self.summary.cost.groups], columns=columns)
