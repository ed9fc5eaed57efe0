"""Replays one recorded scheduling case, pod by pod."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from capsim.conformance import Report
from capsim.conformance.scheduler_cluster import build
from capsim.conformance.scheduler_objects import Json
from capsim.conformance.scheduler_volumes import VolumeBook
from capsim.controllers.scheduler import doors, messages
from capsim.controllers.scheduler.reasons import (
    FIXED,
    HELPED_BY_PREEMPTION,
    INSUFFICIENT,
    PASS,
    REASON_FIT,
    REASON_NODE_NAME,
    plugin_of,
)
from capsim.state import tables_scheduler as ts
from capsim.state.tables import PODS

PLUGINS = (
    "TaintToleration",
    "NodeAffinity",
    "NodeResourcesFit",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
    "InterPodAffinity",
    "PodTopologySpread",
)
EPOCH_MS = 1_893_456_000_000
"""2030-01-01T00:00:00Z: pods that the recording bound start a second apart from here."""
UNRESOLVABLE, RESOLVABLE = "UnschedulableAndUnresolvable", "Unschedulable"


class Replay:
    """One case, one way."""

    def __init__(self, case: Json, report: Report, name: str, indexed: bool) -> None:
        self.case, self.report, self.name, self.indexed = case, report, name, indexed
        self.made = build(case, indexed)
        self.volumes: VolumeBook = self.made.volumes
        self.tables = self.made.tables
        self.node_of = {slot: i for i, slot in enumerate(self.made.slots)}
        self.nominate = (case.get("config") or {}).get("preemption") == "nominate"

    def run(self) -> None:
        """Queue order, then every result in turn."""
        expect = self.case["expect"]
        waiting = self.waiting()
        self.compare("queueOrder", expect["queueOrder"], [key for key, gated in waiting if not gated])
        self.compare("gated", sorted(expect.get("gated") or []), sorted(key for key, gated in waiting if gated))
        for position, result in enumerate(expect["results"], start=1):
            self.pod(result, position)

    def waiting(self) -> list[tuple[str, bool]]:
        """Pending pods in the order of the queue (PrioritySort: priority, then time), and whether they are gated."""
        first = len(self.case.get("pods") or [])
        classes = self.tables.classes
        rows = range(first, len(self.made.pod_keys))
        ordered = sorted(rows, key=lambda p: -int(classes.priority[self.tables.pods.pod_class[p]]))
        return [(self.made.pod_keys[p], bool(self.made.gates[p])) for p in ordered]

    def compare(self, what: str, expected: Any, got: Any) -> None:
        """Count a decision and compare it."""
        self.report.decisions += 1
        self.report.compare(self.name, what, expected, got)

    # ------------------------------------------------------------------------------------------------ one pod

    def pod(self, result: Json, position: int) -> None:
        """One attempt, and what follows from it."""
        p = self.made.rows[result["pod"]]
        n = self.attempt(result, p)
        if n >= 0:
            self.bind(p, n, position)
        elif self.made.blocked[p] is None:
            self.preempt(result, p, position)

    def attempt(self, result: Json, p: int) -> int:
        """Decide for one pod and compare all that was recorded of it; returns the node that was chosen."""
        name = result["pod"]
        blocked = self.made.blocked[p]
        if blocked is not None:
            nodes = len(self.case["nodes"])
            self.compare(f"{name} message", result.get("message"), messages.blocked(nodes, blocked))
            self.compare(f"{name} absent", (result.get("absentNodes") or {}).get("reasons"), [blocked])
            return -1
        scalar = self.tables.k.cycle.scalar
        start = int(scalar[ts.Y_START])
        doors.judge_nodes(self.tables, p)
        verdicts = self.tables.k.cycle.result.copy()
        slot = doors.decide(self.tables, p)
        best = []
        if slot >= 0:  # the recording takes the lowest index where upstream draws one
            ways = int(scalar[ts.Y_WAYS])
            best = sorted(self.node_of[doors.nth_best(self.tables, p, k)] for k in range(ways))
            slot = self.made.slots[best[0]]
        self.compare(f"{name} node", result.get("node"), best[0] if best else None)
        self.compare(f"{name} best", result.get("best"), best or None)
        if slot >= 0:
            if "feasible" in result:
                self.compare(f"{name} feasible count", len(result["feasible"]), int(scalar[ts.Y_FEASIBLE]))
        if "numNodesToFind" in result:
            total = len(self.case["nodes"])
            got = [int(scalar[ts.Y_ENOUGH]), start, int(scalar[ts.Y_START])]
            wanted = [result["numNodesToFind"], result["startIndex"], result["nextStartIndex"]]
            self.compare(f"{name} window", [min(wanted[0], total), *wanted[1:]], got)
        elif not self.took_nomination(p, slot):
            self.rejected(result, p, verdicts)
        if slot >= 0 and not self.indexed:
            self.scores(result, p)
        return slot

    def took_nomination(self, p: int, slot: int) -> bool:
        """Whether the pod runs where it was nominated to: no other node was looked at."""
        nominations = self.tables.k.nominations
        pairs = zip(nominations.pod.tolist(), nominations.node.tolist(), strict=True)
        return slot >= 0 and (p, slot) in list(pairs)[: int(nominations.count[0])]

    def rejected(self, result: Json, p: int, verdicts: Any) -> None:
        """Which nodes were refused by which plugin with which reasons."""
        found: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
        absent: set[str] = set()
        feasible = []
        for i, slot in enumerate(self.made.slots):
            reason = int(verdicts[slot, doors.COLUMN_REASON])
            if reason == PASS:
                feasible.append(i)
            elif reason == REASON_NODE_NAME:
                absent.add(FIXED[REASON_NODE_NAME][1])
            else:
                found.setdefault(self.refusal(p, slot, reason, int(verdicts[slot, doors.COLUMN_SHORT])), []).append(i)
        listed = [{"plugin": k[0], "code": k[1], "reasons": list(k[2]), "nodes": v} for k, v in found.items()]
        wanted = [dict(entry) for entry in result.get("rejected") or []]
        order = lambda entry: (entry["plugin"], entry["code"], entry["reasons"])  # noqa: E731
        self.compare(f"{result['pod']} rejected", sorted(wanted, key=order), sorted(listed, key=order))
        if "feasible" in result:
            self.compare(f"{result['pod']} feasible", result["feasible"], feasible)
        if "absentNodes" in result:
            self.compare(f"{result['pod']} absent", result["absentNodes"]["reasons"], sorted(absent))

    def refusal(self, p: int, slot: int, reason: int, short_bits: int) -> tuple[str, str, tuple[str, ...]]:
        """Plugin, code and texts of a refusal."""
        texts, resources = self.made.program.reasons, len(self.made.resources)
        if reason != INSUFFICIENT:
            code = RESOLVABLE if reason in HELPED_BY_PREEMPTION else UNRESOLVABLE
            return plugin_of(reason, resources), code, (texts[reason],)
        want, nodes = self.tables.classes.request[self.tables.pods.pod_class[p]], self.tables.nodes
        short = [r for r in range(resources) if short_bits >> r & 1]
        hopeless = any(r != PODS and want[r] > nodes.allocatable[slot, r] for r in short)
        reasons = tuple(sorted(texts[REASON_FIT + r] for r in short))
        return "NodeResourcesFit", UNRESOLVABLE if hopeless else RESOLVABLE, reasons

    def scores(self, result: Json, p: int) -> None:
        """Every plugin's weighted score on every feasible node; a plugin that was skipped has none."""
        if "scores" not in result:
            return
        doors.detail_scores(self.tables, p)
        table = self.tables.k.cycle.result
        slots = [self.made.slots[i] for i in result["feasible"]]
        skipped = self.skipped(p)
        got = {plugin: [int(table[n, k]) for n in slots] for k, plugin in enumerate(PLUGINS) if plugin not in skipped}
        self.compare(f"{result['pod']} scores", dict(sorted(result["scores"].items())), dict(sorted(got.items())))
        total = [int(table[n, doors.COLUMN_TOTAL]) for n in slots]
        self.compare(f"{result['pod']} total", result["total"], total)

    def skipped(self, p: int) -> set[str]:
        """Plugins whose PreScore says Skip."""
        c = int(self.tables.pods.pod_class[p])
        rules, skipped = self.tables.k.rules, set[str]()
        kinds = rules.rule[rules.start[c] : rules.start[c + 1], ts.K_KIND]
        profile = self.made.profile
        added = profile.arguments("NodeAffinity").added_affinity or {}
        prefers = added.get("preferredDuringSchedulingIgnoredDuringExecution")
        if not rules.flag[c] & ts.CLASS_PREFERS and not prefers:
            skipped.add("NodeAffinity")
        if not (kinds == ts.RULE_SOFT).any():
            skipped.add("PodTopologySpread")
        if self.tables.k.cycle.scalar[ts.Y_POD_SKIPPED]:
            skipped.add("InterPodAffinity")
        balanced = self.tables.k.profiles.balanced[0, : self.tables.k.profiles.setting[0, ts.SET_BALANCED]]
        if not self.tables.classes.request[c, balanced].any():
            skipped.add("NodeResourcesBalancedAllocation")
        return skipped

    def bind(self, p: int, slot: int, position: int) -> None:
        """The pod runs from now on."""
        nominations = self.tables.k.nominations
        for i in range(int(nominations.count[0])):
            if nominations.pod[i] == p:
                last = int(nominations.count[0]) - 1
                nominations.pod[i], nominations.node[i] = nominations.pod[last], nominations.node[last]
                nominations.count[0] = last
                break
        doors.settle_on(self.tables, p, slot, EPOCH_MS + 1000 * position)
        row = int(self.tables.k.rules.volume[self.tables.pods.pod_class[p]])
        if row >= 0 and self.volumes.binder.bind(row, self.node_of[slot]):
            rows = self.volumes.table(self.made.slots, self.tables.nodes.state.shape[0])
            self.tables.k.extras.volume[:] = np.array(rows, np.int64)
            self.tables.k.views.seen[:] = -1
            self.tables.k.views.view_seen[:] = -1

    # --------------------------------------------------------------------------------------------- preemption

    def preempt(self, result: Json, p: int, position: int) -> None:
        """Candidates, victims, the message and the retry."""
        counts, reasons = doors.count_reasons(self.tables, p), self.made.program.reasons
        if self.tables.k.rules.flag[self.tables.pods.pod_class[p]] & ts.CLASS_NEVER_PREEMPTS:
            best, message = -1, messages.not_eligible(counts, reasons, messages.NEVER)
        else:
            best = doors.find_victims(self.tables, p)
            dry_run = self.tables.preemption.counts.tolist()
            message = (
                messages.failed_scheduling(counts, reasons, dry_run)
                if best < 0
                else messages.preempting(counts, reasons)
            )
        self.compare(f"{result['pod']} message", result.get("message"), message)
        self.compare(f"{result['pod']} preempts", "preemption" in result, best >= 0)
        if best >= 0 and "preemption" in result:
            self.evict(result, p, best)
            if "retry" in result:
                n = self.attempt(result["retry"], p)
                if n >= 0:
                    self.bind(p, n, position)

    def evict(self, result: Json, p: int, best: int) -> None:
        """Compare the candidates; the pod is nominated to the first of the best, whose victims go at once."""
        wanted, found = result["preemption"], self.tables.preemption
        listed = [(self.candidate(k), self.ties(k, best)) for k in range(int(found.found[0]))]
        listed.sort(key=lambda pair: pair[0]["node"])
        self.compare(f"{result['pod']} candidates", wanted["candidates"], [entry for entry, _ in listed])
        chosen = [entry for entry, ties in listed if ties]
        self.compare(f"{result['pod']} best nodes", wanted["best"], [entry["node"] for entry in chosen])
        self.compare(f"{result['pod']} victims", wanted["victims"], chosen[0]["victims"])
        nominations = self.tables.k.nominations
        i = int(nominations.count[0])
        nominations.pod[i], nominations.node[i] = p, self.made.slots[chosen[0]["node"]]
        nominations.count[0] = i + 1
        if not self.nominate:
            for victim in chosen[0]["victims"]:
                doors.take_off(self.tables, self.made.rows[victim])

    def ties(self, k: int, best: int) -> bool:
        """Whether upstream's choice between two candidates is chance."""
        columns = slice(ts.V_VIOLATIONS, ts.V_START + 1)
        table = self.tables.preemption.candidate
        return bool((table[k, columns] == table[best, columns]).all())

    def candidate(self, k: int) -> dict[str, Any]:
        """A candidate as recorded."""
        found = self.tables.preemption
        row = found.candidate[k]
        first = int(row[ts.V_FIRST])
        rows: Sequence[int] = found.victims[first : first + int(row[ts.V_COUNT])].tolist()
        return {
            "node": self.node_of[int(row[ts.V_NODE])],
            "victims": [self.made.pod_keys[q] for q in rows],
            "pdbViolations": int(row[ts.V_VIOLATIONS]),
        }
