"""Policies and scale events, against a plain reference that keeps every event."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import compile_specs, new_state

policy = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Pods", "Percent"]),
        "value": st.integers(1, 150),
        "periodSeconds": st.sampled_from([15, 60, 300]),
    }
)
rules = st.fixed_dictionaries(
    {"selectPolicy": st.sampled_from(["Max", "Min", "Disabled"]), "policies": st.lists(policy, min_size=1, max_size=3)}
)
changes = st.lists(st.tuples(st.integers(1, 200), st.integers(0, 40)), max_size=25)


def tables(behavior, **limits):
    specs = compile_specs([{"minReplicas": 1, "maxReplicas": 50, "behavior": behavior, **limits}])
    return specs, new_state(specs, 1000)


class SlotEvents:
    """Upstream's own way: an event older than the longest policy of its direction is overwritten, the last first."""

    def __init__(self, rules):
        self.longest_s = max(policy["periodSeconds"] for policy in rules["policies"])
        self.events = []

    def add(self, now_s, pods):
        old = [i for i, (at_s, _) in enumerate(self.events) if at_s < now_s - self.longest_s]
        if old:
            self.events[old[-1]] = (now_s, pods)
        else:
            self.events.append((now_s, pods))

    def since(self, cutoff_s):
        return sum(pods for at_s, pods in self.events if at_s > cutoff_s)


def limit(rules, up, down, now_s, current, upwards):
    if rules["selectPolicy"] == "Disabled":
        return current
    found = []
    for policy in rules["policies"]:
        cutoff_s = now_s - policy["periodSeconds"]
        base, value = current - up.since(cutoff_s) + down.since(cutoff_s), policy["value"]
        if policy["type"] == "Pods":
            found.append(base + value if upwards else base - value)
        elif upwards:
            found.append(math.ceil(base * (1 + value / 100)))
        else:
            found.append(int(base * (1 - value / 100)))
    generous = max if upwards else min
    chosen = (generous if rules["selectPolicy"] == "Max" else (min if upwards else max))(found)
    return max(chosen, current) if upwards else min(chosen, current)


def reference(behavior, up, down, now_s, current, wanted):
    if wanted > current:
        most = min(limit(behavior["scaleUp"], up, down, now_s, current, True), 50)
        return min(wanted, most)
    if wanted < current:
        fewest = max(limit(behavior["scaleDown"], up, down, now_s, current, False), 1)
        return max(wanted, fewest)
    return wanted


@given(rules, rules, changes, st.integers(0, 80))
def test_limits_equal_the_reference(scale_up, scale_down, drawn, wanted):
    behavior = {"scaleUp": scale_up, "scaleDown": scale_down}
    specs, state = tables(behavior)
    up, down = SlotEvents(scale_up), SlotEvents(scale_down)
    now_s, current = 0, 5
    for pause_s, after in drawn:
        now_s += pause_s
        if after != current:
            k.store_event(specs, state, 0, now_s * 1000, current, after)
            (up if after > current else down).add(now_s, abs(after - current))
        current = after
        got, _ = k.limited(specs, state, 0, now_s * 1000, current, wanted, True)
        assert got == reference(behavior, up, down, now_s, current, wanted)
    assert state.row[0, t.R_OVERFLOW] == 0


@pytest.mark.plain
@pytest.mark.parametrize(
    ("current", "wanted", "expected"),
    [
        (1, 9, (4, c.LIMITED_SCALE_UP)),
        (3, 9, (6, c.LIMITED_SCALE_UP)),
        (30, 90, (50, c.LIMITED_TOO_MANY)),
        (3, 0, (1, c.LIMITED_TOO_FEW)),
        (3, 5, (5, c.LIMITED_NOT)),
    ],
)
def test_without_behavior(current, wanted, expected):
    assert k.limited(*tables(None), 0, 0, current, wanted, False) == expected


@pytest.mark.plain
def test_an_event_of_exactly_one_period_no_longer_counts():
    specs, state = tables({"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}})
    k.store_event(specs, state, 0, 0, 5, 8)
    assert k.limited(specs, state, 0, 59_999, 8, 20, True)[0] == 9
    assert k.limited(specs, state, 0, 60_000, 8, 20, True)[0] == 12


@pytest.mark.plain
def test_without_behavior_no_event_is_kept():
    specs, state = tables(None)
    k.store_event(specs, state, 0, 0, 5, 8)
    assert state.row[0, t.R_UP_EVENTS] == 0
