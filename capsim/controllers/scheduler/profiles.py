"""Profiles of a KubeSchedulerConfiguration as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capsim.scenario.kube_scheduler import FitArgs, KubeSchedulerConfiguration, ResourceWeight
from capsim.state.tables import I64
from capsim.state.tables_scheduler import (
    LEAST_ALLOCATED,
    MOST_ALLOCATED,
    PROFILE_SETTINGS,
    REQUESTED_TO_CAPACITY,
    SCORE_PLUGINS,
    SET_BALANCED,
    SET_CURVE,
    SET_FIT,
    SET_PERCENTAGE,
    SET_STRATEGY,
    Profiles,
)

STRATEGIES = {
    "LeastAllocated": LEAST_ALLOCATED,
    "MostAllocated": MOST_ALLOCATED,
    "RequestedToCapacityRatio": REQUESTED_TO_CAPACITY,
}
MAX_SCORE_FACTOR = 10
"""Shape scores are 0 to 10, node scores 0 to 100."""


def compile_profiles(configuration: KubeSchedulerConfiguration, resources: Sequence[str]) -> Profiles:
    """Arrays of all profiles; ``resources`` are the names of the resource columns."""
    listed = configuration.profiles
    fits: list[FitArgs] = [profile.arguments("NodeResourcesFit") for profile in listed]
    scored = [rows_of(args.scoring_strategy.resources, resources) for args in fits]
    balanced = [rows_of(p.arguments("NodeResourcesBalancedAllocation").resources, resources) for p in listed]
    curves = [curve_of(args) for args in fits]
    setting = np.zeros((len(listed), PROFILE_SETTINGS), np.int64)
    weight = np.zeros((len(listed), SCORE_PLUGINS), np.int64)
    ignored = np.zeros((len(listed), len(resources)), np.int64)
    for p, profile in enumerate(listed):
        setting[p, SET_STRATEGY] = STRATEGIES[fits[p].scoring_strategy.type]
        setting[p, SET_FIT] = len(scored[p])
        setting[p, SET_BALANCED] = len(balanced[p])
        setting[p, SET_CURVE] = len(curves[p])
        setting[p, SET_PERCENTAGE] = configuration.percentage(profile)
        weight[p] = list(profile.weights().values())
        ignored[p] = [int(is_ignored(fits[p], name)) for name in resources]
        if "NodeResourcesFit" in profile.filters_off():
            ignored[p] = 1
    return Profiles(
        weight=weight,
        setting=setting,
        fit=padded(scored, 2),
        balanced=padded(balanced, 2)[:, :, 0].copy(),
        curve=padded(curves, 2),
        ignored=ignored,
    )


def rows_of(weights: Sequence[ResourceWeight], resources: Sequence[str]) -> list[tuple[int, int]]:
    """(resource column, weight) of those resources that exist in the run."""
    return [(resources.index(w.name), w.weight) for w in weights if w.name in resources]


def curve_of(args: FitArgs) -> list[tuple[int, int]]:
    """Points of the shape, scores 0 to 100."""
    ratio = args.scoring_strategy.requested_to_capacity_ratio
    return [(point.utilization, point.score * MAX_SCORE_FACTOR) for point in ratio.shape] if ratio else []


def is_ignored(args: FitArgs, name: str) -> bool:
    """Whether the filter does not look at an extended resource."""
    return name in args.ignored_resources or ("/" in name and name.split("/")[0] in args.ignored_resource_groups)


def padded(rows: Sequence[Sequence[tuple[int, int]]], width: int) -> I64:
    """Lists of different lengths as one array."""
    longest = max([1, *(len(row) for row in rows)])
    table = np.zeros((len(rows), longest, width), np.int64)
    for i, row in enumerate(rows):
        for k, pair in enumerate(row):
            table[i, k] = pair
    return table
