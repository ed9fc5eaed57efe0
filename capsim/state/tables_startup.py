"""How pods start where the scenario says it in parts: images, init containers, probes (``images`` in the scenario)."""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import F64, I64

# Kinds of steps.
STEP_PULL, STEP_RUN, STEP_START = 0, 1, 2
# Columns of a step: its kind and argument (image, or ms), then of a started container: first check and period of the
# startup probe (period 0: none), of the readiness probe, ms from its first success until Ready, and ms after which a
# startup or liveness probe gives the container up (NEVER: none).
X_KIND, X_ARGUMENT, X_STARTUP_DELAY, X_STARTUP_PERIOD, X_READY_DELAY, X_READY_PERIOD, X_READY_MORE, X_LIMIT = range(8)
STEP_COLUMNS = 8
ALWAYS = 1 << 40
"""Added to the image of a pull: the registry is asked although the image is there (imagePullPolicy: Always)."""


class Startup(NamedTuple):
    """Steps of every workload's pods, images and their layers, and what each node has of them."""

    start: I64
    """[W + 1] offsets into ``step``; empty: the workload's pods start in one duration."""
    step: I64
    """[S, STEP_COLUMNS]"""
    layer_start: I64
    """[I + 1] offsets into ``layer``."""
    layer: I64
    layer_bytes: I64
    """[L]"""
    have_ms: I64
    """[N, L] from when on the node has the layer, NEVER: it has not."""
    free_ms: I64
    """[N, lanes] when each of the pulls that go on at the same time is over."""
    rate: F64
    """[G] bytes per ms of one pull."""
    latency_ms: I64
    """[1] of one request to the registry."""
    burns: I64
    """[W] 1: the process uses CPU of its own until it is up (``world/warmth.py``); empty where none does."""
