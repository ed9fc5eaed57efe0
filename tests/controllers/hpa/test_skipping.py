"""Skipping syncs equals executing them: the same decisions at every tick and the same bytes at the end.

The inputs change rarely and the replicas follow the decisions, as in a simulation. The skipping run executes a tick
only if an input changed or ``next_change_ms`` has come.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import compile_specs, new_state

PERIOD_MS = 15_000
H = 1
LAG = {"type": "External", "external": {"metric": {"name": "lag"}, "target": {"type": "Value", "value": "1"}}}

policy = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Pods", "Percent"]),
        "value": st.integers(1, 120),
        "periodSeconds": st.sampled_from([15, 40, 60, 300, 1800]),
    }
)
rules = st.fixed_dictionaries(
    {},
    optional={
        "stabilizationWindowSeconds": st.sampled_from([0, 14, 60, 300, 1000]),
        "selectPolicy": st.sampled_from(["Max", "Min", "Disabled"]),
        "policies": st.lists(policy, min_size=1, max_size=3),
    },
)
behaviors = st.one_of(st.none(), st.fixed_dictionaries({"scaleUp": rules, "scaleDown": rules}))
# (ticks until the next change, proposal; None: the metric fails, replicas set by hand or None)
phases = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.one_of(st.none(), st.integers(0, 30)),
        st.one_of(st.none(), st.none(), st.none(), st.integers(0, 30)),
    ),
    min_size=1,
    max_size=12,
)


class Run:
    """One HPA in a loop with its target; ``skipping`` or not."""

    def __init__(self, behavior, skipping):
        spec = {"minReplicas": 1, "maxReplicas": 25, "behavior": behavior, "metrics": [LAG]}
        # The HPA between two others, which nobody touches.
        self.specs = compile_specs([{"maxReplicas": 3, "behavior": {}}, spec, {"maxReplicas": 3}])
        self.state = new_state(self.specs, PERIOD_MS)
        self.skipping = skipping
        self.current = 5
        self.inputs = None
        self.wake_ms = 0
        self.last_skipped_ms = -1
        self.executed = 0

    def tick(self, now_ms, proposal):
        inputs = (self.current, proposal)
        if self.skipping and inputs == self.inputs and now_ms < self.wake_ms:
            self.last_skipped_ms = now_ms
            return
        self.catch_up()
        self.executed += 1
        step = k.begin_sync(self.specs, self.state, H, now_ms, self.current)
        if step == c.GATHER:
            error = c.ERROR_UNAVAILABLE if proposal is None else c.NO_ERROR
            self.state.metric[self.specs.row[H, t.S_METRIC_FIRST]] = proposal or 0, 0, -1, error
        desired = k.finish_sync(self.specs, self.state, H, now_ms, self.current, step, True)
        self.inputs = inputs
        self.wake_ms = k.wake_ms(self.specs, self.state, H, now_ms, self.current)
        self.current = int(desired)

    def catch_up(self):
        if self.last_skipped_ms >= 0:
            k.sleep_until(self.specs, self.state, H, self.last_skipped_ms)
            self.last_skipped_ms = -1

    def bytes(self):
        return b"".join(table.tobytes() for table in self.state)


def play(behavior, drawn, offset_ms):
    runs = Run(behavior, False), Run(behavior, True)
    now_ms = offset_ms
    for ticks, proposal, by_hand in drawn:
        for run in runs:
            run.current = run.current if by_hand is None else by_hand
        for _ in range(ticks):
            for run in runs:
                run.tick(now_ms, proposal)
            assert runs[0].current == runs[1].current
            status = slice(t.R_DESIRED, t.R_LOGGED + 1)
            assert runs[0].state.row[H, status].tolist() == runs[1].state.row[H, status].tolist()
            now_ms += PERIOD_MS
    runs[1].catch_up()
    return runs


@given(behaviors, phases, st.integers(0, PERIOD_MS))
def test_skipped_equals_unskipped(behavior, drawn, offset_ms):
    plain, skipping = play(behavior, drawn, offset_ms)
    assert plain.bytes() == skipping.bytes()
    assert plain.state.row[H, t.R_OVERFLOW] == 0
    untouched = new_state(plain.specs, PERIOD_MS)
    assert plain.state.row[::2].tolist() == untouched.row[::2].tolist()
    assert not plain.state.log[::2].any()


def test_quiet_hours_cost_nothing():
    plain, skipping = play(None, [(1000, 5, None)], 0)
    assert plain.executed == 1000
    assert skipping.executed == 1


def test_a_held_scale_down_sleeps_until_the_window_ends():
    _, skipping = play(None, [(4, 5, None), (60, 3, None)], 0)
    # First sync; the change; the end of the window, where it scales; and one sync with the new size.
    assert skipping.executed == 4
    assert skipping.current == 3


def test_catching_up_twice_changes_nothing():
    _, skipping = play(None, [(40, 5, None)], 0)
    before = skipping.bytes()
    k.sleep_until(skipping.specs, skipping.state, H, 39 * PERIOD_MS)
    assert skipping.bytes() == before
