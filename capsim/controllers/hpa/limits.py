"""How fast replicas may change: scale events, policies, and the limits that follow from them.

Upstream: ``storeScaleEvent``, ``calculateScaleUpLimitWithScalingRules`` and its relatives, v1.36. Both lists of events
enter both limits. An event may be overwritten once it is older than the longest policy of its own direction, even where
the other direction would still count it: slots are therefore kept and reused in upstream's order.
"""

from __future__ import annotations

from capsim.controllers.hpa.arithmetic import INT32_MAX, INT32_MIN, ceil_int32, trunc_int32
from capsim.controllers.hpa.codes import (
    LIMITED_NOT,
    LIMITED_SCALE_DOWN,
    LIMITED_SCALE_UP,
    LIMITED_TOO_FEW,
    LIMITED_TOO_MANY,
)
from capsim.controllers.hpa.tables import (
    EVENT_CHANGE,
    EVENT_MS,
    NEVER,
    PODS_POLICY,
    POLICY_PERIOD_MS,
    POLICY_TYPE,
    POLICY_VALUE,
    R_DOWN_EVENTS,
    R_OVERFLOW,
    R_UP_EVENTS,
    S_BEHAVIOR,
    S_DOWN_END,
    S_DOWN_FIRST,
    S_DOWN_LONGEST_MS,
    S_DOWN_SELECT,
    S_LIMIT_FACTOR,
    S_LIMIT_FLOOR,
    S_MAX,
    S_MIN,
    S_UP_END,
    S_UP_FIRST,
    S_UP_LONGEST_MS,
    S_UP_SELECT,
    SELECT_DISABLED,
    SELECT_MIN,
)
from capsim.jit import inline_kernel


@inline_kernel
def changed_since(events, h, count, cutoff_ms):
    """Pods added (or removed) by the events after ``cutoff_ms``."""
    pods = 0
    for i in range(count):
        if events[h, i, EVENT_MS] > cutoff_ms:
            pods += events[h, i, EVENT_CHANGE]
    return pods


@inline_kernel
def start_of_period(state, h, cutoff_ms, current):
    """Replicas at ``cutoff_ms`` as the events tell it, beginning from ``current`` replicas now."""
    added = changed_since(state.up, h, state.row[h, R_UP_EVENTS], cutoff_ms)
    removed = changed_since(state.down, h, state.row[h, R_DOWN_EVENTS], cutoff_ms)
    return current - added + removed


@inline_kernel
def scale_up_limit(specs, state, h, now_ms, current):
    """The most replicas that the scaleUp policies allow now."""
    select = specs.row[h, S_UP_SELECT]
    if select == SELECT_DISABLED:
        return current
    limit = INT32_MAX if select == SELECT_MIN else INT32_MIN
    for p in range(specs.row[h, S_UP_FIRST], specs.row[h, S_UP_END]):
        base = start_of_period(state, h, now_ms - specs.policy[p, POLICY_PERIOD_MS], current)
        value = specs.policy[p, POLICY_VALUE]
        if specs.policy[p, POLICY_TYPE] == PODS_POLICY:
            proposed = base + value
        else:
            proposed = ceil_int32(float(base) * (1.0 + float(value) / 100.0))
        limit = min(limit, proposed) if select == SELECT_MIN else max(limit, proposed)
    return max(limit, current)


@inline_kernel
def scale_down_limit(specs, state, h, now_ms, current):
    """The fewest replicas that the scaleDown policies allow now."""
    select = specs.row[h, S_DOWN_SELECT]
    if select == SELECT_DISABLED:
        return current
    limit = INT32_MIN if select == SELECT_MIN else INT32_MAX
    for p in range(specs.row[h, S_DOWN_FIRST], specs.row[h, S_DOWN_END]):
        base = start_of_period(state, h, now_ms - specs.policy[p, POLICY_PERIOD_MS], current)
        value = specs.policy[p, POLICY_VALUE]
        if specs.policy[p, POLICY_TYPE] == PODS_POLICY:
            proposed = base - value
        else:
            proposed = trunc_int32(float(base) * (1.0 - float(value) / 100.0))
        limit = max(limit, proposed) if select == SELECT_MIN else min(limit, proposed)
    return min(limit, current)


@inline_kernel
def limit_by_behavior(specs, state, h, now_ms, current, wanted):
    """(replicas, LIMITED_* code): ``wanted`` held within policies, min and max."""
    if wanted > current:
        limit = scale_up_limit(specs, state, h, now_ms, current)
        highest = specs.row[h, S_MAX]
        code = LIMITED_TOO_MANY
        if highest > limit:
            highest = limit
            code = LIMITED_SCALE_UP
        if wanted > highest:
            return highest, code
    elif wanted < current:
        limit = scale_down_limit(specs, state, h, now_ms, current)
        lowest = specs.row[h, S_MIN]
        code = LIMITED_TOO_FEW
        if lowest < limit:
            lowest = limit
            code = LIMITED_SCALE_DOWN
        if wanted < lowest:
            return lowest, code
    return wanted, LIMITED_NOT


@inline_kernel
def limit_by_default(specs, h, current, wanted):
    """(replicas, LIMITED_* code) without behavior: at most double, at least four, within min and max."""
    lowest, highest = specs.row[h, S_MIN], specs.row[h, S_MAX]
    fastest = max(specs.row[h, S_LIMIT_FACTOR] * current, specs.row[h, S_LIMIT_FLOOR])
    code = LIMITED_TOO_MANY
    if highest > fastest:
        highest = fastest
        code = LIMITED_SCALE_UP
    if wanted < lowest:
        return lowest, LIMITED_TOO_FEW
    if wanted > highest:
        return highest, code
    return wanted, LIMITED_NOT


@inline_kernel
def put_event(events, h, count, cutoff_ms, now_ms, pods):
    """Store an event in the last slot older than ``cutoff_ms``, else in a new one; the number of slots, or -1."""
    slot = count
    for i in range(count):
        if events[h, i, EVENT_MS] < cutoff_ms:
            slot = i
    if slot == events.shape[1]:
        return -1
    events[h, slot, EVENT_MS] = now_ms
    events[h, slot, EVENT_CHANGE] = pods
    return max(count, slot + 1)


@inline_kernel
def store_scale_event(specs, state, h, now_ms, before, after):
    """Remember a change of replicas, where behavior will look at it. A full table counts in R_OVERFLOW."""
    if specs.row[h, S_BEHAVIOR] == 0:
        return
    if after > before:
        cutoff_ms = now_ms - specs.row[h, S_UP_LONGEST_MS]
        count = put_event(state.up, h, state.row[h, R_UP_EVENTS], cutoff_ms, now_ms, after - before)
        if count >= 0:
            state.row[h, R_UP_EVENTS] = count
    else:
        cutoff_ms = now_ms - specs.row[h, S_DOWN_LONGEST_MS]
        count = put_event(state.down, h, state.row[h, R_DOWN_EVENTS], cutoff_ms, now_ms, before - after)
        if count >= 0:
            state.row[h, R_DOWN_EVENTS] = count
    if count < 0:
        state.row[h, R_OVERFLOW] += 1


@inline_kernel
def next_expiry_ms(events, h, count, period_ms, now_ms):
    """When the next event leaves a window of ``period_ms``, or NEVER."""
    soonest_ms = NEVER
    for i in range(count):
        leaves_ms = events[h, i, EVENT_MS] + period_ms
        if now_ms < leaves_ms and leaves_ms < soonest_ms:
            soonest_ms = leaves_ms
    return soonest_ms


@inline_kernel
def next_limit_change_ms(specs, state, h, first, end, now_ms):
    """When one of the policies ``first:end`` next sees another start of its period, or NEVER."""
    soonest_ms = NEVER
    for p in range(first, end):
        period_ms = specs.policy[p, POLICY_PERIOD_MS]
        soonest_ms = min(soonest_ms, next_expiry_ms(state.up, h, state.row[h, R_UP_EVENTS], period_ms, now_ms))
        soonest_ms = min(soonest_ms, next_expiry_ms(state.down, h, state.row[h, R_DOWN_EVENTS], period_ms, now_ms))
    return soonest_ms
