"""What the API server's admission asks of new pods: ResourceQuotas, and bounds that some template is beyond.

Without any of them all tables are empty, and nobody looks.
"""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import I64

# Columns of Admission.burst: a burst is what a controller tries to create in one sync, in batches of 1, 2, 4, ...
(B_LEFT, B_BATCH, B_TO_TRY, B_REFUSED, B_FAILURES, B_RETRY_MS) = range(6)
"""Attempts that are left of the burst, size of the batch and attempts left of it, refusals in it; syncs in a row that
failed, and when the last of them is tried again."""
(B_HELD, B_SINCE_MS, B_AREA, B_HELD_MS, B_PEAK, B_COUNT, B_FIRST_MS, B_LAST_MS, B_WHY) = range(6, 15)
"""Pods that are missing because of refusals, since when so many; pod-milliseconds and milliseconds before that; most
at once; refusals, the first and the last; ``-1 - text`` or row of the quota of the last one."""
BURST_COLUMNS = 15
QUEUE_REPLICA_SETS, QUEUE_STATEFUL_SETS, QUEUE_DAEMON_SETS, QUEUE_JOBS = 0, 1, 2, -1
"""Rows of Admission.bucket_us; the Job controller's queue has none."""


class Admission(NamedTuple):
    """Rows of quotas [Q], of pairs of a quota and a workload whose pods it counts [E], and of workloads [W]."""

    start: I64
    """[W + 1] offsets into ``entry``; [1] without any admission."""
    entry: I64
    """Pairs by workload: rows of ``pair``."""
    pair: I64
    """[E, 2]: quota and workload, by quota."""
    quota_start: I64
    """[Q + 1] offsets into ``pair``."""
    charge: I64
    """[E, K] what a pod of the workload counts against each bound of the quota."""
    hard: I64
    """[Q, K] bounds, -1: none."""
    text: I64
    """[W] which text refuses every pod of the workload (``Names.refusals``), -1: none."""
    burst: I64
    """[W, BURST_COLUMNS]"""
    bucket_us: I64
    """[3] token buckets of the work queues: theoretical arrival time of the next item, us."""
