"""When the next loop could differ from the one that was just executed.

A loop that left the autoscaler as it found it, and the cluster too, will do so again for as long as the cluster does
not change and no timer of the autoscaler runs out. ``fingerprint`` is all that a loop can change; ``next_change_ms`` is
the first time at which a timer could.
"""

from __future__ import annotations

from typing import Any

from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler
from capsim.controllers.cluster_autoscaler.pending import YOUNG_GPU_MS
from capsim.controllers.cluster_autoscaler.removal import LONG_TERMINATING_MS
from capsim.controllers.cluster_autoscaler.resource_limits import DELETION_MS
from capsim.controllers.cluster_autoscaler.status import LoopStatus
from capsim.controllers.cluster_autoscaler.tables import INSTANCES_REFRESH_MS, STABLE_MS
from capsim.controllers.cluster_autoscaler.view import View, World
from capsim.state.tables import NEVER

LOOKED = ("NotNeeded", "NoOptionsAvailable", "Successful")
"""Results of the scale-up of a loop after which the next one may have nothing to decide."""


def fingerprint(scaler: Autoscaler) -> Any:
    """Everything that a loop may change and that a later loop reads, times of the loop itself left out.

    Left to the caller: ``scaler.found`` (a loop that found nothing did not move the cursor, and finds nothing again),
    and the times of unremovable nodes (``engine/cluster_autoscaler/rechecks.py``).
    """
    state, planner, deletions = scaler.state, scaler.planner, scaler.deletions
    return (
        scaler.cursor,
        frozenset(scaler.candidates),
        tuple((one.slot, one.since_ms) for one in planner.unneeded.values()),
        repr(state.requests),
        repr(state.backoff.groups),
        tuple(sorted(state.unregistered)),
        repr(state.wrong),
        tuple(state.targets),
        (scaler.last_up_ms, scaler.last_down_ms, scaler.last_fail_ms),
        (len(deletions.tasks), deletions.started, len(deletions.empty), len(deletions.drained)),
    )


def is_settled(status: LoopStatus) -> bool:
    """Whether the loop ran to its end without a decision that the next one has to take again."""
    return _is_quiet(status) and not status.results and status.scale_down != "NodeDeleteStarted"


def _is_quiet(status: LoopStatus) -> bool:
    """Whether the loop ran to its end and added no node."""
    quiet = status.scale_up.result in ("NotNeeded", "NoOptionsAvailable")
    return quiet and not status.why_not and not status.error


def next_change_ms(scaler: Autoscaler, view: View, world: World) -> int:
    """The earliest time after this loop at which a timer could make another one differ, but for unremovable nodes'."""
    now = view.now_ms
    times = [*_of_scale_down(scaler, view), *_of_state(scaler, view, world), *_of_pods(scaler, view)]
    times += [*_of_leaving(view), *_of_deletions(view)]
    return min((at for at in times if at > now), default=NEVER)


def steady_until_ms(scaler: Autoscaler, view: View) -> int:
    """Until when compiled loops may go on, whatever nodes do: they know the other timers, and no pod waits in vain."""
    times = [*_of_back_off(scaler), *_of_leaving(view)]
    return min((at for at in times if at > view.now_ms), default=NEVER)


def only_looks_next(status: LoopStatus) -> bool:
    """Whether the next loops only look, as long as all pods fit on the nodes that are there or coming.

    Deletions may go on meanwhile."""
    return status.started and not status.why_not and not status.error and status.scale_up.result in LOOKED


def _of_scale_down(scaler: Autoscaler, view: View) -> list[int]:
    o, planner = scaler.options, scaler.planner
    times = [
        scaler.last_up_ms + o.delay_after_add_ms,
        scaler.last_down_ms + o.delay_after_delete_ms,
        scaler.last_fail_ms + o.delay_after_failure_ms,
    ]
    for one in planner.unneeded.values():
        group = int(view.nodes.group[one.slot])
        if group >= 0:
            times += [one.since_ms + int(view.group_option(group, name)) + 1 for name in ("unneeded_ms", "unready_ms")]
    delays = {"up": o.delay_after_add_ms, "down": o.delay_after_delete_ms, "failed": o.delay_after_failure_ms}
    for what, delay in delays.items():
        times += [at + delay for at in scaler.recent[what].values()]
    return times


def _of_deletions(view: View) -> list[int]:
    marked = view.nodes.deleted_ms[view.listed]
    return [at + DELETION_MS for at in marked[marked >= 0].tolist()]


def _of_back_off(scaler: Autoscaler) -> list[int]:
    rests = scaler.state.backoff.groups.values()
    return [at + 1 for rest in rests for at in (rest.until_ms, rest.failed_ms + scaler.options.backoff_reset_ms)]


def _of_state(scaler: Autoscaler, view: View, world: World) -> list[int]:
    state, o = scaler.state, scaler.options
    times = [request.expected_ms + 1 for request in state.requests.values()] + _of_back_off(scaler)
    for _, group, since in state.unregistered.values():
        times.append(since + int(view.group_option(group, "provision_ms")) + 1)
    for group, wrong in state.wrong.items():
        times.append(wrong.since_ms + int(view.group_option(group, "provision_ms")) + 1)
    for slot in state.total.not_started:
        times.append(int(view.nodes.created_ms[slot]) + o.max_node_startup_ms)
    if scaler.upcoming is None or scaler.upcoming:  # nodes to come are like the first that is Ready for long
        changed = view.nodes.changed_ms[view.listed]
        times += (changed[changed + STABLE_MS >= view.now_ms] + STABLE_MS + 1).tolist()
    if any(state.cache.get(g) != world.instances(g) for g in range(view.groups)):
        times.append((view.now_ms // INSTANCES_REFRESH_MS + 1) * INSTANCES_REFRESH_MS)
    return times


def _of_pods(scaler: Autoscaler, view: View) -> list[int]:
    pods, kinds = view.pods, view.kinds
    kind = pods.kind[view.pending]
    created = pods.created_ms[view.pending]
    times = (created + scaler.options.new_pod_scale_up_delay_ms + 1).tolist()
    return times + (created + kinds.delay_ms[kind] + 1).tolist() + (created + YOUNG_GPU_MS).tolist()


def _of_leaving(view: View) -> list[int]:
    pods, kinds = view.pods, view.kinds
    leaving = view.bound[pods.deleted_ms[view.bound] >= 0]
    times: list[int] = (
        pods.deleted_ms[leaving] + kinds.grace_ms[pods.kind[leaving]] + LONG_TERMINATING_MS + 1
    ).tolist()
    return times


def note_refresh(scaler: Autoscaler, at_ms: int) -> None:
    """The lists of machines were refreshed by a loop at ``at_ms`` that Python did not execute, and were up to date."""
    due = at_ms // INSTANCES_REFRESH_MS * INSTANCES_REFRESH_MS
    scaler.state.refreshed_ms = max(scaler.state.refreshed_ms, due)


def pass_over(scaler: Autoscaler, passed: int, last_ms: int, period_ms: int) -> None:
    """Bring the autoscaler to where ``passed`` loops that were not executed would have left it.

    ``last_ms``: time of the last of them. They renewed the same hints, and found the lists of machines as they are.
    """
    if passed <= 0:
        return
    note_refresh(scaler, last_ms)
    if scaler.planner.latest_ms > -NEVER // 2:
        scaler.planner.interval_ms = min(scaler.planner.interval_ms, period_ms)
    scaler.planner.latest_ms = last_ms
