"""FailedScheduling in kube-scheduler's words (v1.34)."""

from __future__ import annotations

import pytest

from capsim.controllers.scheduler.messages import failed_scheduling
from capsim.controllers.scheduler.reasons import reason_texts

REASONS = reason_texts(["cpu", "memory", "ephemeral-storage", "pods"], ["{dedicated: gpu}"])
NONE = "No preemption victims found for incoming pod"
HOPELESS = "Preemption is not helpful for scheduling"


def said(counts: dict[str, int], helped: int, hopeless: int) -> str:
    row = [counts.get(text, 0) for text in REASONS]
    return failed_scheduling([*row, helped, hopeless, helped + hopeless], REASONS)


def test_one_reason():
    assert said({"Insufficient cpu": 3}, 3, 0) == (
        "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, "
        f"preemption: 0/3 nodes are available: 3 {NONE}."
    )


def test_reasons_are_sorted_as_text():
    text = said({"Insufficient cpu": 3, "node(s) had untolerated taint {dedicated: gpu}": 1}, 3, 1)
    assert text == (
        "0/4 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 3 Insufficient cpu. "
        f"no new claims to deallocate, preemption: 0/4 nodes are available: 1 {HOPELESS}, 3 {NONE}."
    )


@pytest.mark.parametrize("reason", ["Too many pods", "Insufficient memory", "node(s) were unschedulable"])
def test_every_reason_has_its_words(reason):
    assert f"2 {reason}" in said({reason: 2}, 2, 0)


def test_no_nodes():
    assert failed_scheduling([0] * (len(REASONS) + 3), REASONS) == "no nodes available to schedule pods"
