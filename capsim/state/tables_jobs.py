"""What the Job controller keeps; both tables have a row for every workload, others' rows are unused.

A CronJob has a row of its own in ``Workloads`` (kind ``KIND_CRON``, without pods) and one for each Job that can run at
the same time (kind ``KIND_JOB``), which one run after the other takes.
"""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import F64, I64

# Columns of Jobs.setting. J_COMPLETIONS is -1 for a work queue, J_DEADLINE_MS NEVER for none.
(J_PARALLEL, J_COMPLETIONS, J_INDEXED, J_BACKOFF_LIMIT, J_DEADLINE_MS, J_FAILS_MILLION) = range(6)
# Columns of Jobs.setting that change.
(J_STATE, J_STARTED_MS, J_SUCCEEDED, J_FAILED, J_IN_A_ROW, J_LAST_FAILURE_MS, J_ACTIVE) = range(6, 13)
"""J_ACTIVE: pods that the last sync left; fewer now were lost. J_IN_A_ROW: failures since the last success."""
JOB_COLUMNS = 13
# Values of J_STATE. STOPPED: its pods are deleted, then it is idle.
JOB_IDLE, JOB_RUNNING, JOB_COMPLETE, JOB_FAILED, JOB_STOPPED = 0, 1, 2, 3, 4
# Values of Jobs.done.
INDEX_OPEN, INDEX_DONE = 0, 1
INDEX_BITS = 20
"""A pod of an Indexed Job has the ordinal ``serial << INDEX_BITS | index``: a retry draws other numbers."""


class Jobs(NamedTuple):
    """Jobs of the run."""

    setting: I64
    """[W, JOB_COLUMNS]"""
    run: F64
    """[W, 5]: kind, mean, standard deviation, min, max of the time from Ready to the end of a pod, ms."""
    index_start: I64
    """[W + 1] offsets into ``done``."""
    done: I64
    """Which indexes of Indexed Jobs have succeeded."""
