"""What both the world and the Job controller write down of a Job."""

from __future__ import annotations

from capsim.jit import kernel
from capsim.state.tables_jobs import (
    FAIL_INDEX,
    FAIL_JOB,
    I_FAILURES,
    I_LAST_MS,
    I_STATE,
    IGNORE,
    INDEX_FAILED,
    J_FAILED,
    J_FAILED_INDEXES,
    J_FATAL,
    J_IN_A_ROW,
    J_INDEX_LIMIT,
    J_LAST_FAILURE_MS,
    Jobs,
)


@kernel
def note_failure(jobs: Jobs, w, index, action, fatal, now):
    """A pod of Job ``w`` (with ``index``, -1: none) has failed, and podFailurePolicy says what that means.

    ``fatal``: what is told of it if it fails the Job (``J_FATAL``).
    """
    s = jobs.setting
    if action == IGNORE:
        return
    if action == FAIL_JOB and s[w, J_FATAL] == 0:
        s[w, J_FATAL] = fatal
    s[w, J_FAILED] += 1
    if s[w, J_INDEX_LIMIT] < 0 or index < 0:
        s[w, J_IN_A_ROW] += 1
        s[w, J_LAST_FAILURE_MS] = now
        return
    i = jobs.index_start[w] + index
    jobs.indexes[i, I_FAILURES] += 1
    jobs.indexes[i, I_LAST_MS] = now
    if action == FAIL_INDEX or jobs.indexes[i, I_FAILURES] > s[w, J_INDEX_LIMIT]:
        jobs.indexes[i, I_STATE] = INDEX_FAILED
        s[w, J_FAILED_INDEXES] += 1
