"""Pods that come and go as they were recorded (``lifetimes`` in the scenario)."""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import I64


class Lifetimes(NamedTuple):
    """What was recorded, in order of time: A creations and deletions of L pods; A = 0 where nothing was."""

    due_ms: I64
    """[A]"""
    step: I64
    """[A] row of the recorded pod, times two; odd: it is deleted."""
    workload: I64
    """[L] the ReplicaSet that it belongs to."""
    pod: I64
    """[L, 2] its row in the pod table and its uid, -1: it was not created yet."""
