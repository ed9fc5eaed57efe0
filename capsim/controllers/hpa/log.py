"""The log of recommendations: runs of equal values in a ring, one ring per HPA.

Upstream keeps (value, time) of every sync and looks at those inside its windows; a run (value, first, last) answers the
same questions: is there an entry with this value not older than a cutoff? Upstream overwrites one expired entry per
sync, this log drops all expired runs: neither is looked at again.
"""

from __future__ import annotations

from capsim.controllers.hpa.tables import (
    LOG_FIRST_MS,
    LOG_LAST_MS,
    LOG_VALUE,
    NO_TIME,
    R_LOG_FIRST,
    R_LOG_LENGTH,
    R_LOG_OPEN,
    R_LOGGED,
    R_OVERFLOW,
    S_DOWN_WINDOW_MS,
    S_UP_WINDOW_MS,
)
from capsim.jit import inline_kernel, kernel


@inline_kernel
def longest_window_ms(specs, h):
    """How far back the log of HPA ``h`` is looked at."""
    return max(specs.row[h, S_UP_WINDOW_MS], specs.row[h, S_DOWN_WINDOW_MS])


@inline_kernel
def drop_expired(state, h, cutoff_ms):
    """Drop the runs that ended before ``cutoff_ms``."""
    capacity = state.log.shape[1]
    first, length = state.row[h, R_LOG_FIRST], state.row[h, R_LOG_LENGTH]
    while length > 0 and state.log[h, first, LOG_LAST_MS] < cutoff_ms:
        first = first + 1 if first + 1 < capacity else 0
        length -= 1
    state.row[h, R_LOG_FIRST] = first
    state.row[h, R_LOG_LENGTH] = length


@inline_kernel
def append(state, h, now_ms, value):
    """Log ``value`` at ``now_ms``: extend the last run or open a new one. A full ring counts in R_OVERFLOW."""
    capacity = state.log.shape[1]
    first, length = state.row[h, R_LOG_FIRST], state.row[h, R_LOG_LENGTH]
    if length > 0:
        last = (first + length - 1) % capacity
        if state.log[h, last, LOG_VALUE] == value:
            state.log[h, last, LOG_LAST_MS] = now_ms
            return
    if length == capacity:
        # Never with the capacity that spec.log_capacity() gives; the oldest run is lost, and the face says so.
        state.row[h, R_OVERFLOW] += 1
        first = (first + 1) % capacity
        length -= 1
        state.row[h, R_LOG_FIRST] = first
    slot = (first + length) % capacity
    state.log[h, slot, LOG_VALUE] = value
    state.log[h, slot, LOG_FIRST_MS] = now_ms
    state.log[h, slot, LOG_LAST_MS] = now_ms
    state.row[h, R_LOG_LENGTH] = length + 1


@inline_kernel
def open_log(state, h, now_ms, current):
    """The first sync of an HPA logs the replicas that it found."""
    if state.row[h, R_LOG_OPEN] == 0:
        state.row[h, R_LOG_OPEN] = 1
        append(state, h, now_ms, current)


@inline_kernel
def record(specs, state, h, now_ms, value):
    """Log the recommendation of a sync, after the log was looked at.

    Dropping comes last: the run that goes on is never dropped, however short the window.
    """
    append(state, h, now_ms, value)
    drop_expired(state, h, now_ms - longest_window_ms(specs, h))
    state.row[h, R_LOGGED] = 1


@inline_kernel
def highest_since(state, h, cutoff_ms, value):
    """(largest value logged since ``cutoff_ms`` or now, last time of that value; NO_TIME if it is only now's)."""
    capacity = state.log.shape[1]
    slot = state.row[h, R_LOG_FIRST]
    last_ms = NO_TIME
    for _ in range(state.row[h, R_LOG_LENGTH]):
        if state.log[h, slot, LOG_LAST_MS] >= cutoff_ms:
            logged = state.log[h, slot, LOG_VALUE]
            if logged > value or (logged == value and last_ms != NO_TIME):
                value = logged
                last_ms = state.log[h, slot, LOG_LAST_MS]
        slot = slot + 1 if slot + 1 < capacity else 0
    return value, last_ms


@inline_kernel
def lowest_since(state, h, cutoff_ms, value):
    """(smallest value logged since ``cutoff_ms`` or now, last time of that value; NO_TIME if it is only now's)."""
    capacity = state.log.shape[1]
    slot = state.row[h, R_LOG_FIRST]
    last_ms = NO_TIME
    for _ in range(state.row[h, R_LOG_LENGTH]):
        if state.log[h, slot, LOG_LAST_MS] >= cutoff_ms:
            logged = state.log[h, slot, LOG_VALUE]
            if logged < value or (logged == value and last_ms != NO_TIME):
                value = logged
                last_ms = state.log[h, slot, LOG_LAST_MS]
        slot = slot + 1 if slot + 1 < capacity else 0
    return value, last_ms


@kernel
def extend_log(specs, state, h, last_tick_ms):
    """Bring the log to what it would be had every sync up to ``last_tick_ms`` run with the inputs of the last one.

    Call it when an HPA that slept wakes, with the time of its tick before, and before a snapshot.
    """
    row = state.row
    if row[h, R_LOGGED] != 0:
        # The last run is what the last sync logged, and stays alive at every tick.
        last = (row[h, R_LOG_FIRST] + row[h, R_LOG_LENGTH] - 1) % state.log.shape[1]
        state.log[h, last, LOG_LAST_MS] = last_tick_ms
        drop_expired(state, h, last_tick_ms - longest_window_ms(specs, h))
