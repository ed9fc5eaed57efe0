"""ResourceQuotas and LimitRanges as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.build.names import Names
from capsim.scenario.pod_quota import always_refused, charged, counts, in_order
from capsim.scenario.scenario import Scenario
from capsim.state.tables import NEVER
from capsim.state.tables_admission import BURST_COLUMNS, Admission

if TYPE_CHECKING:
    from capsim.engine.state import State


def build_admission(scenario: Scenario, names: Names) -> Admission:
    """Tables of the quotas as they are now; texts that are new are added to ``names.refusals``."""
    listed, quotas = scenario.objects.workloads, in_order(scenario.objects.quotas)
    holders = [w for w in range(len(listed)) if w not in names.members and listed[w].kind != "CronJob"]
    said = {w: words for w in holders if (words := always_refused(scenario.objects, listed[w]))}
    width = max((len(quota.hard) for quota in quotas), default=0)
    rows = len(listed) if quotas or said else 0
    pairs = [(q, w) for q, quota in enumerate(quotas) for w in holders if counts(quota, listed[w])]
    charge = np.zeros((len(pairs), width), np.int64)
    for e, (q, w) in enumerate(pairs):
        charge[e, : len(quotas[q].hard)] = [charged(key, listed[w].template) for key in quotas[q].hard]
    hard = np.full((len(quotas), width), -1, np.int64)
    for q, quota in enumerate(quotas):
        hard[q, : len(quota.hard)] = list(quota.hard.values())
    text = np.full(rows, -1, np.int64)
    for w, sentence in said.items():
        if sentence not in names.refusals:
            names.refusals.append(sentence)
        text[w] = names.refusals.index(sentence)
    owners = np.array([w for _, w in pairs], np.int64)
    return Admission(
        start=offsets(owners, rows),
        entry=np.argsort(owners, kind="stable").astype(np.int64),
        pair=np.array(pairs, np.int64).reshape(len(pairs), 2),
        quota_start=offsets(np.array([q for q, _ in pairs], np.int64), len(quotas)),
        charge=charge,
        hard=hard,
        text=text,
        burst=np.zeros((rows, BURST_COLUMNS), np.int64),
        bucket_us=np.zeros(3, np.int64),
    )


def offsets(rows: np.ndarray, count: int) -> np.ndarray:
    """Where each of ``count`` rows begins among entries that are sorted by row."""
    found: np.ndarray = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])[: count + 1]
    return found.astype(np.int64)


def room_for(state: State, w: int) -> int:
    """How many more pods of row ``w`` admission lets in now."""
    return tightest(state, w)[0]


def tightest(state: State, w: int) -> tuple[int, int]:
    """(how many more pods of row ``w`` admission lets in now, row of the quota that lets in no more, -1: none)."""
    a = state.admission
    if a.start.shape[0] == 1:
        return NEVER, -1
    if a.text[w] >= 0:
        return 0, -1
    room, tight = NEVER, -1
    pods = state.workloads.count[:, 1:].sum(axis=1)
    for e in a.entry[a.start[w] : a.start[w + 1]].tolist():
        q = int(a.pair[e, 0])
        mine = slice(int(a.quota_start[q]), int(a.quota_start[q + 1]))
        used = (a.charge[mine] * pods[a.pair[mine, 1]][:, None]).sum(axis=0)
        asked = (a.hard[q] >= 0) & (a.charge[e] > 0)
        left = int(((a.hard[q] - used)[asked] // a.charge[e][asked]).min()) if asked.any() else NEVER
        if left < room:
            room, tight = left, q
    return max(0, room), tight
