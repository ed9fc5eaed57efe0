"""What both the world and the Job controller write down of a Job."""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables_jobs import J_FAILED, J_IN_A_ROW, J_LAST_FAILURE_MS, Jobs


@inline_kernel
def note_failures(jobs: Jobs, w, count, now):
    """So many pods have failed."""
    jobs.setting[w, J_FAILED] += count
    jobs.setting[w, J_IN_A_ROW] += count
    jobs.setting[w, J_LAST_FAILURE_MS] = now
