"""Which pods a recorded scale-down deleted, and the classes that upstream ranks them by."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]
SPREAD_S = 1.5
"""All deletions of one scale-down happen within it."""
UNBOUND, NOT_READY, READY = 0, 1, 2


class Pod(NamedTuple):
    """A pod that counts as a replica; times in seconds of whatever it came from."""

    key: int
    node: str | None
    created_s: float
    ready_s: float | None
    uid: int


def scale_downs(recording: Json) -> list[tuple[str, float]]:
    """(app, time s) of every recorded decrease of replicas."""
    found = []
    for app, changes in recording["derived"]["replicas"].items():
        for (_, before), (at_s, after) in itertools.pairwise(changes):
            if after < before:
                found.append((app, float(at_s)))
    return found


def recorded_pods(recording: Json, app: str, at_s: float) -> tuple[list[Pod], set[int]]:
    """The app's pods just before a scale-down, and the keys of those that it deleted."""
    pods, victims = [], set()
    for key, row in enumerate(recording["derived"]["pods"]):
        if row["app"] != app or row["created"] > at_s or row.get("deleting", at_s) < at_s:
            continue
        bound = row.get("scheduled", at_s + 1) <= at_s
        ready = row.get("ready")
        is_ready = ready is not None and ready <= at_s
        pods.append(Pod(key, row["node"] if bound else None, row["created"], ready if is_ready else None, key))
        if row.get("deleting", at_s + 2 * SPREAD_S) <= at_s + SPREAD_S:
            victims.add(key)
    return pods, victims


def classes_of(pods: list[Pod], victims: set[int], at_s: float) -> list[tuple[int, int, int]]:
    """Sorted classes of the victims: (unbound, not Ready or Ready; siblings on the node; age bucket)."""
    siblings = Counter(pod.node for pod in pods)
    return sorted(class_of(pod, siblings[pod.node], at_s) for pod in pods if pod.key in victims)


def class_of(pod: Pod, siblings: int, at_s: float) -> tuple[int, int, int]:
    """What ranks a pod before chance does (kubernetes pkg/controller, ActivePodsWithRanks)."""
    if pod.node is None:
        return UNBOUND, 0, 0
    since = pod.created_s if pod.ready_s is None else pod.ready_s
    bucket = int((at_s - since) * 1e9).bit_length() - 1
    return (NOT_READY if pod.ready_s is None else READY), siblings, bucket
