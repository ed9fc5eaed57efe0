"""What the Job controller keeps; both tables have a row for every workload, others' rows are unused.

A CronJob has a row of its own in ``Workloads`` (kind ``KIND_CRON``, without pods) and one for each Job that can run at
the same time (kind ``KIND_JOB``), which one run after the other takes.
"""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import F64, I64

# Columns of Jobs.setting. J_COMPLETIONS is -1 for a work queue, J_DEADLINE_MS NEVER for none.
(
    J_PARALLEL,
    J_COMPLETIONS,
    J_INDEXED,
    J_BACKOFF_LIMIT,
    J_DEADLINE_MS,
    J_FAILS_MILLION,
    J_INDEX_LIMIT,
    J_MOST_INDEXES,
    J_ON_FAILURE,
    J_ON_DISRUPTION,
    J_REPLACES_LATE,
    J_RESTARTS,
) = range(12)
"""J_INDEX_LIMIT: backoffLimitPerIndex, -1: none. J_MOST_INDEXES: maxFailedIndexes. J_ON_FAILURE, J_ON_DISRUPTION: what
podFailurePolicy makes of a pod that fails by itself, and of one that is evicted, preempted or lost. J_REPLACES_LATE 1:
podReplacementPolicy Failed. J_RESTARTS 1: restartPolicy OnFailure."""
# Columns of Jobs.setting that change.
(J_STATE, J_STARTED_MS, J_SUCCEEDED, J_FAILED, J_IN_A_ROW, J_LAST_FAILURE_MS, J_ACTIVE) = range(12, 19)
"""J_ACTIVE: pods that the last sync left; fewer now were lost. J_IN_A_ROW: failures since the last success."""
(J_FAILED_INDEXES, J_FATAL) = range(19, 21)
"""Indexes that have failed for good, and what made the Job fail at once (``1 + 3 x ordinal``,
one more for a disruption, two more for a pod that was killed; 0: nothing)."""
JOB_COLUMNS = 21
# What podFailurePolicy makes of a failure.
COUNT, IGNORE, FAIL_JOB, FAIL_INDEX = 0, 1, 2, 3
# Values of J_STATE. STOPPED: its pods are deleted, then it is idle.
JOB_IDLE, JOB_RUNNING, JOB_COMPLETE, JOB_FAILED, JOB_STOPPED = 0, 1, 2, 3, 4
# Columns of Jobs.indexes, and values of I_STATE.
I_STATE, I_FAILURES, I_LAST_MS, I_ACTIVE = 0, 1, 2, 3
"""I_ACTIVE 1: the last sync left a pod of the index."""
INDEX_COLUMNS = 4
INDEX_OPEN, INDEX_DONE, INDEX_FAILED = 0, 1, 2
INDEX_BITS = 20
"""A pod of an Indexed Job has the ordinal ``serial << INDEX_BITS | index``: a retry draws other numbers."""


class Jobs(NamedTuple):
    """Jobs of the run."""

    setting: I64
    """[W, JOB_COLUMNS]"""
    run: F64
    """[W, 5]: kind, mean, standard deviation, min, max of the time from Ready to the end of a pod, ms."""
    index_start: I64
    """[W + 1] offsets into ``indexes``."""
    indexes: I64
    """[indexes, INDEX_COLUMNS] of Indexed Jobs."""
    rule_start: I64
    """[W + 1] offsets into ``rule``."""
    rule: I64
    """[rules, 2]: indexes of a rule of successPolicy that have to succeed, and offset of its ranges in ``span``; a last
    row closes the ranges."""
    span: I64
    """[ranges, 2]: first and last index."""
