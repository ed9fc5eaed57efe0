"""Pods that admission refuses: FailedCreate, and when the controller tries again.

Source: kubernetes v1.36 staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota (CheckRequest),
pkg/controller/controller_utils.go and replicaset/replica_set.go (slowStartBatch: batches of 1, 2, 4, ...; when one has
an error the rest of the burst is not tried), client-go util/workqueue (a failed sync is repeated after 5 ms x 2^n, at
most 1000 s, and not before the queue's token bucket lets it; of a Job after 1 s x 2^n, at most 60 s:
job_controller.go). A change of the workload or of its pods makes it try at once.

What a quota has left is counted from the pods that exist. Upstream's quota controller does so when a pod is gone, a
moment later.

Not modelled: quotas of objects other than pods; finished pods of Jobs for count/pods, because they are gone here; pods
on a silent node count until they are gone (upstream forgets them at the next full resync).
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.eventlog import LOG_FAILED_CREATE, log_event
from capsim.state.tables import NEVER, POD_DOWN, POD_PENDING, Clock, Log, Workloads
from capsim.state.tables_admission import (
    B_AREA,
    B_BATCH,
    B_COUNT,
    B_FAILURES,
    B_FIRST_MS,
    B_HELD,
    B_HELD_MS,
    B_LAST_MS,
    B_LEFT,
    B_PEAK,
    B_REFUSED,
    B_RETRY_MS,
    B_SINCE_MS,
    B_TO_TRY,
    B_WHY,
    QUEUE_DAEMON_SETS,
    QUEUE_JOBS,
    Admission,
)

FIRST_MS, MOST_MS = 5, 1_000_000
BUCKET_INTERVAL_US, BUCKET_BURST = 100_000, 100
"""DefaultTypedControllerRateLimiter: back-off of an item, and a bucket of 10 items a second for all of a queue."""
JOB_FIRST_MS, JOB_MOST_MS = 1_000, 60_000
"""DefaultJobApiBackOff, MaxJobApiBackOff."""
BURST, DAEMON_BURST = 500, 250
"""BurstReplicas and MaxPodCreateDeletePerSync; of DaemonSets."""
COLUMNS = 1024
"""LOG_FAILED_CREATE carries ``quota * COLUMNS + bound``."""


@inline_kernel
def is_asked(admission: Admission, w):
    """Whether admission can refuse pods of ``w``."""
    if admission.start.shape[0] == 1:
        return False
    return admission.start[w] < admission.start[w + 1] or admission.text[w] >= 0


@inline_kernel
def is_held(admission: Admission, w):
    """Whether pods of ``w`` are missing because they were refused."""
    return admission.start.shape[0] > 1 and admission.burst[w, B_HELD] > 0


@kernel
def used_of(workloads: Workloads, admission: Admission, q, k):
    """What the pods that exist count against bound ``k`` of quota ``q``."""
    used = 0
    for e in range(admission.quota_start[q], admission.quota_start[q + 1]):
        if admission.charge[e, k] > 0:
            w = admission.pair[e, 1]
            count = 0
            for state in range(POD_PENDING, POD_DOWN + 1):
                count += workloads.count[w, state]
            used += admission.charge[e, k] * count
    return used


@separate_kernel
def is_refused(clock: Clock, workloads: Workloads, admission: Admission, log: Log, w, owner, ordinal, now):
    """Whether a pod of ``w`` is refused now; it is told with the name that ``ordinal`` gives it.

    ``owner``: row of the controller, ``w`` itself unless its pods are of several revisions.

    The log has room for a row for each bound of a quota.
    """
    why = -1
    if admission.text[w] >= 0:
        why = -1 - admission.text[w]
        log_event(clock, log, now, LOG_FAILED_CREATE, w, ordinal, why, 0)
    else:
        found = False
        for i in range(admission.start[w], admission.start[w + 1]):
            e = admission.entry[i]
            q = admission.pair[e, 0]
            for k in range(admission.hard.shape[1]):
                if admission.hard[q, k] >= 0 and admission.charge[e, k] > 0:
                    used = used_of(workloads, admission, q, k)
                    if used + admission.charge[e, k] > admission.hard[q, k]:
                        found = True
                        log_event(clock, log, now, LOG_FAILED_CREATE, w, ordinal, q * COLUMNS + k, used)
            if found:
                why = q
                break
        if not found:
            return False
    b = admission.burst
    b[owner, B_WHY] = why
    b[owner, B_COUNT] += 1
    b[owner, B_LAST_MS] = now
    if b[owner, B_COUNT] == 1:
        b[owner, B_FIRST_MS] = now
    return True


@inline_kernel
def set_held(admission: Admission, w, held, now):
    """So many pods of ``w`` are missing from now on because of refusals."""
    b = admission.burst
    if b[w, B_HELD] > 0:
        b[w, B_AREA] += b[w, B_HELD] * (now - b[w, B_SINCE_MS])
        b[w, B_HELD_MS] += now - b[w, B_SINCE_MS]
    b[w, B_HELD] = held
    b[w, B_SINCE_MS] = now
    b[w, B_PEAK] = max(b[w, B_PEAK], held)


@inline_kernel
def forget_burst(admission: Admission, w, now):
    """Nothing of ``w`` is missing: the sync succeeded."""
    if admission.start.shape[0] > 1:
        b = admission.burst
        b[w, B_LEFT] = 0
        b[w, B_FAILURES] = 0
        if b[w, B_HELD] > 0:
            set_held(admission, w, 0, now)


@inline_kernel
def back_off_ms(failures, first_ms, most_ms):
    """How long the next sync waits after so many that failed in a row."""
    wait = first_ms
    for _ in range(failures - 1):
        if wait >= most_ms:
            break
        wait *= 2
    return min(wait, most_ms)


@inline_kernel
def from_bucket_ms(admission: Admission, queue, now):
    """When the token bucket of a work queue lets its next item go."""
    if queue < 0:
        return now
    bucket = admission.bucket_us
    allowed_us = bucket[queue] - (BUCKET_BURST - 1) * BUCKET_INTERVAL_US
    bucket[queue] = max(bucket[queue], now * 1000) + BUCKET_INTERVAL_US
    return max(now, (allowed_us + 999) // 1000)


@kernel
def after_attempt(admission: Admission, w, refused, missing, size, pace_ms, queue, now):
    """Count an attempt to create one of the ``missing`` pods of controller ``w``; returns when it goes on.

    ``size``: pods that a sync which begins now tries. ``queue``: the controller's. ``pace_ms``: when its client may
    send the next request.
    """
    b = admission.burst
    if b[w, B_LEFT] == 0:
        b[w, B_LEFT] = min(size, DAEMON_BURST if queue == QUEUE_DAEMON_SETS else BURST)
        b[w, B_BATCH] = b[w, B_TO_TRY] = 1
        b[w, B_REFUSED] = 0
    b[w, B_LEFT] -= 1
    b[w, B_TO_TRY] -= 1
    left = missing
    if refused:
        b[w, B_REFUSED] += 1
    else:
        left -= 1
    failed = b[w, B_REFUSED] > 0
    set_held(admission, w, left if failed or b[w, B_FAILURES] > 0 else 0, now)
    if b[w, B_TO_TRY] > 0:
        return pace_ms
    if failed:
        b[w, B_LEFT] = 0
        b[w, B_REFUSED] = 0
        b[w, B_FAILURES] += 1
        if queue == QUEUE_JOBS:
            again_ms = now + back_off_ms(b[w, B_FAILURES], JOB_FIRST_MS, JOB_MOST_MS)
        else:
            again_ms = now + back_off_ms(b[w, B_FAILURES], FIRST_MS, MOST_MS)
        again_ms = max(again_ms, from_bucket_ms(admission, queue, now))
        if b[w, B_RETRY_MS] > now:  # the queue keeps the earlier of two times
            again_ms = min(again_ms, b[w, B_RETRY_MS])
        b[w, B_RETRY_MS] = again_ms
        return again_ms
    b[w, B_BATCH] = b[w, B_TO_TRY] = min(2 * b[w, B_BATCH], b[w, B_LEFT])
    if b[w, B_LEFT] > 0:
        return pace_ms
    b[w, B_FAILURES] = 0
    set_held(admission, w, 0, now)
    return pace_ms if left > 0 else NEVER
