"""Self-heal against Argo CD's rule for its waits, and against an HPA."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim import run
from capsim.scenario import ArgoCdSpec, ControlPlaneSpec, SelfHealSpec
from capsim.scenario.event import TimedEvent
from tests.engine.clusters import cluster, deployment

pytestmark = pytest.mark.plain
END_MS = 3_600_000


def resets(changes_ms, **flags):
    """When a deployment of 2, scaled to another number at each of the times, is set back."""
    a = deployment("a", 2)
    events = [{"at_ms": at, "scale": {"target": a.key, "replicas": 3 + i % 2}} for i, at in enumerate(changes_ms)]
    scenario = cluster(
        [a],
        duration_ms=END_MS,
        events=[TimedEvent.model_validate(event, by_name=True) for event in events],
        self_heal=[SelfHealSpec(target=a.key)],
        control_plane=ControlPlaneSpec(phases="zero", argo_cd=ArgoCdSpec(**flags)),
    )
    events = run(scenario).events
    return events[events.reason == "SelfHeal"].time_ms.tolist()


def expected(changes_ms, timeout=2000, factor=3, cap=300_000, cooldown=330_000, refresh=1000):
    """Argo CD's rule in plain Python: one drift at a time; nothing to heal while it is as in Git."""
    found, attempts, last, due = [], 0, None, None
    for at in [*changes_ms, END_MS + 1]:
        if due is not None and due < at:
            found.append(due)
            attempts, last, due = attempts + 1, due, None
        if due is None and at <= END_MS:
            if last is not None and at - last >= cooldown:
                attempts = 0
            wait = min(timeout * factor ** (attempts - 1), cap) if attempts else 0
            due = max(at + refresh, last + wait if last is not None else 0)
    return [time for time in found if time <= END_MS]


def test_waits_grow_and_are_forgotten():
    changes = [10_000, 15_000, 20_000, 40_000, 100_000, 700_000]
    assert resets(changes) == expected(changes) == [11_000, 16_000, 22_000, 41_000, 101_000, 701_000]


changes_s = st.sets(st.integers(1, 900), min_size=1, max_size=12)


@given(changes_s, st.sampled_from([1.0, 3.0]), st.sampled_from([5000, 60_000]))
@settings(max_examples=15)
def test_every_change_is_healed_by_the_rule(seconds, factor, timeout):
    changes = [second * 1000 for second in sorted(seconds)]
    flags = {"self_heal_backoff_factor": factor, "self_heal_backoff_timeout_ms": timeout}
    assert resets(changes, **flags) == expected(changes, timeout=timeout, factor=factor)
