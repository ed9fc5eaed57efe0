"""Self-heal: spec.replicas is set back to what Git says, each time a little later.

Source: Argo CD 3, controller/appcontroller.go (``autoSync``, ``shouldSelfHeal``): a change is noticed by a watch and
synced at once; a further attempt waits ``timeout x factor^(attempts - 1)``, at most the cap, from the last one;
attempts are forgotten when the last one lies back by the cooldown.

Not modelled: sync windows, retries of failed syncs, the periodic resync (a watch misses nothing here).
"""

from __future__ import annotations

from capsim.controllers.workloads.replicas import set_desired
from capsim.jit import inline_kernel, kernel
from capsim.state.eventlog import LOG_SELF_HEAL, log_event
from capsim.state.marks import PODS_CHANGED, touch
from capsim.state.tables import NEVER, P_SCALE_TO_POD, Clock, Log, Marks, Wheels, Workloads
from capsim.state.tables_adapter import (
    H_ATTEMPTS,
    H_CAP_MS,
    H_COOLDOWN_MS,
    H_DUE_MS,
    H_FACTOR_MILLI,
    H_GIT,
    H_LAST_MS,
    H_REFRESH_MS,
    H_RESETS,
    H_WAIT_MS,
    SelfHeal,
)


@inline_kernel
def wait_ms(heal: SelfHeal, attempts):
    """Time between the last attempt and the next, after ``attempts`` of them."""
    if attempts == 0:
        return 0
    wait = float(heal.settings[H_WAIT_MS])
    for _ in range(attempts - 1):
        wait = min(wait * heal.settings[H_FACTOR_MILLI] / 1000.0, float(heal.settings[H_CAP_MS]))
    return min(int(wait), heal.settings[H_CAP_MS])


@kernel
def notice(workloads: Workloads, heal: SelfHeal, w, now):
    """The replicas of ``w`` were changed: plan when they are set back, if they have to be."""
    row = heal.row
    if row[w, H_GIT] < 0 or workloads.desired[w] == row[w, H_GIT]:
        return
    last = row[w, H_LAST_MS]
    if last >= 0 and now - last >= heal.settings[H_COOLDOWN_MS]:
        row[w, H_ATTEMPTS] = 0
    due = now + heal.settings[H_REFRESH_MS]
    if last >= 0:
        due = max(due, last + wait_ms(heal, row[w, H_ATTEMPTS]))
    if row[w, H_DUE_MS] == NEVER:
        row[w, H_DUE_MS] = due
    heal.next_ms[0] = min(heal.next_ms[0], row[w, H_DUE_MS])


@kernel
def set_back(clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, heal: SelfHeal, log: Log, now):
    """Every workload that is due; the log has room for one event a workload."""
    soonest = NEVER
    for w in range(heal.row.shape[0]):
        if heal.row[w, H_DUE_MS] <= now:
            heal.row[w, H_DUE_MS] = NEVER
            git = heal.row[w, H_GIT]
            if workloads.desired[w] != git:
                log_event(clock, log, now, LOG_SELF_HEAL, w, workloads.desired[w], git, 0)
                set_desired(clock, wheels, workloads, marks, w, git, now + max(1, clock.params[P_SCALE_TO_POD]))
                touch(marks, w, PODS_CHANGED)
                heal.row[w, H_LAST_MS] = now
                heal.row[w, H_ATTEMPTS] += 1
                heal.row[w, H_RESETS] += 1
        soonest = min(soonest, heal.row[w, H_DUE_MS])
    heal.next_ms[0] = soonest
