"""Pod classes of a run as the kinds of pods that the Cluster Autoscaler works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.controllers.cluster_autoscaler.drain_rules import Drainage, outcome
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.predicates import REJECT_STATIC
from capsim.controllers.scheduler.messages import is_blocking
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.static import matches_node, taint_text, untolerated
from capsim.engine.cluster_autoscaler.rules import Rules
from capsim.scenario.kubernetes.workload import Workload
from capsim.state.tables import I64
from capsim.units import parse_duration_ms

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

PREFIX = "cluster-autoscaler.kubernetes.io/"
GPU = "nvidia.com/gpu"
GPU_LABELS = ("cloud.google.com/gke-accelerator", "k8s.amazonaws.com/accelerator", "accelerator")
"""Labels by which clouds name a node's type of GPU."""
OWNERS = {"Deployment": "ReplicaSet", "Pod": ""}


class Kinds:
    """The kinds of one run; a row is a pod class."""

    def __init__(self, sim: Simulation, options: Options) -> None:
        self.options = options
        self.workloads = [sim.scenario.objects.workloads[w] for w in sim.state.classes.workload.tolist()]
        self.shapes = sim.names.shapes
        self.reasons = ["node(s) didn't match Pod's node affinity/selector"]
        self.rules = Rules(self.workloads)
        self.budgets = budgets(sim, self.workloads)
        self.table = self._build(sim)
        self.shape_domain = self.rules.shape_domains([shape.labels for shape in self.shapes])
        self.shape_gpu = [gpu_type(shape.labels) for shape in self.shapes]
        self.shape_labels = [dict(shape.labels) for shape in self.shapes]
        self.asked = self.table.shape_reason.copy()
        """What the pods themselves ask of shapes, volumes left out."""
        self.seen = -1
        """Version of the claims that the table knows of."""

    def _build(self, sim: Simulation) -> ca.Kinds:
        classes, listed = sim.state.classes, self.workloads
        rows = np.arange(len(listed), dtype=np.int64)
        bare = np.array([workload.kind == "Pod" for workload in listed], np.bool_)
        rules_at, rules, adds_at, adds = self.rules.arrays()
        return ca.Kinds(
            request=np.hstack([classes.request, sim.state.presence.attach]),
            packing=np.array([packing(workload) for workload in listed], np.int64).reshape(-1, 3),
            priority=classes.priority,
            similar=rows,
            owner=np.where(bare, -1, classes.workload),
            flags=np.array([flags(workload) for workload in listed], np.int64),
            delay_ms=np.array([delay_ms(workload) for workload in listed], np.int64),
            tolerates=classes.tolerates,
            shape_reason=self._static(listed),
            rules_at=rules_at,
            rules=rules,
            adds_at=adds_at,
            adds=adds,
            drain=np.zeros((len(listed), 2), np.int64),
            grace_ms=np.array([workload.template.termination_grace_s * 1000 for workload in listed], np.int64),
        )

    def _static(self, listed: Sequence[Workload]) -> I64:
        """[kinds, shapes]: -1, or why nodes of the shape do not take the pods."""
        table = np.full((len(listed), max(1, len(self.shapes))), -1, np.int64)
        known: dict[str, int] = {}
        for c, workload in enumerate(listed):
            t = workload.template
            key = repr((t.tolerations, sorted(t.node_selector.items()), t.affinity))
            if key in known:
                table[c] = table[known[key]]
                continue
            known[key] = c
            for s, shape in enumerate(self.shapes):
                taint = untolerated(t.tolerations, shape.taints)
                if taint is not None:
                    table[c, s] = REJECT_STATIC + self._reason(f"node(s) had untolerated taint {taint_text(taint)}")
                elif not matches_node(t, shape.labels):
                    table[c, s] = REJECT_STATIC
        return table

    def look_at_volumes(self, sim: Simulation) -> None:
        """Shapes on which volumes cannot be used, as VolumeBinding sees the template of a node; again after each
        binding."""
        book = sim.names.claims
        if book is None or book.version == self.seen:
            return
        self.seen = book.version
        self.table.shape_reason[:] = self.asked
        labels = [book.labels(shape.labels, "") for shape in self.shapes]
        for c, row in enumerate(sim.state.scheduling.rules.volume.tolist()):
            for s in range(len(labels)) if row >= 0 else ():
                told = int(sim.state.classes.shape_reason[c, s])
                blocked = told >= 0 and is_blocking(sim.names.reasons[told])
                why = told if blocked else book.verdict(row, labels[s])
                if self.asked[c, s] < 0 and why != PASS:
                    self.table.shape_reason[c, s] = REJECT_STATIC + self._reason(sim.names.reasons[why])

    def _reason(self, text: str) -> int:
        if text not in self.reasons:
            self.reasons.append(text)
        return self.reasons.index(text)

    def set_drain(self, desired: I64) -> None:
        """What a drain does with each kind, now that controllers want ``desired`` replicas."""
        for c, workload in enumerate(self.workloads):
            of = drainage(workload)
            covered = bool(self.budgets.size) and bool((self.budgets[:, c] == 1).any())
            for terminal in (0, 1):
                self.table.drain[c, terminal] = outcome(of, self.options, int(desired[c]), covered, bool(terminal))


def packing(workload: Workload) -> list[int]:
    """CPU milli, memory bytes and GPUs that a pod's containers request, init containers left out."""
    return [
        sum(container.requests.get(resource, 0) for container in workload.template.containers)
        for resource in ("cpu", "memory", GPU)
    ]


def flags(workload: Workload) -> int:
    """Bits of ``Kinds.flags``."""
    template = workload.template
    return (
        (ca.DAEMON if workload.kind == "DaemonSet" else 0)
        | (ca.MIRROR if "kubernetes.io/config.mirror" in template.annotations else 0)
        | (ca.WANTS_GPU if template.requests().get(GPU) else 0)
        | (ca.NO_PREEMPTION if template.preemption_policy == "Never" else 0)
    )


def delay_ms(workload: Workload) -> int:
    """Annotation pod-scale-up-delay, -1 where it is missing or not a duration (upstream then ignores it)."""
    try:
        return parse_duration_ms(workload.template.annotations[PREFIX + "pod-scale-up-delay"])
    except (KeyError, ValueError):
        return -1


def drainage(workload: Workload) -> Drainage:
    """What the drain rules look at."""
    annotations = workload.template.annotations
    excused = annotations.get(PREFIX + "safe-to-evict-local-volumes", "").split(",")
    return Drainage(
        owner_kind=OWNERS.get(workload.kind, workload.kind),
        daemonset=workload.kind == "DaemonSet",
        mirror="kubernetes.io/config.mirror" in annotations,
        safe_to_evict=annotations.get(PREFIX + "safe-to-evict", ""),
        local_storage=any(is_local(v) and v.get("name") not in excused for v in workload.template.volumes),
        system=workload.namespace == "kube-system",
    )


def is_local(volume: Mapping[str, Any]) -> bool:
    """hostPath, or an emptyDir that is not memory."""
    return "hostPath" in volume or ("emptyDir" in volume and (volume["emptyDir"] or {}).get("medium") != "Memory")


def gpu_type(labels: Mapping[str, str]) -> str | None:
    """A shape's type of GPU."""
    return next((labels[key] for key in GPU_LABELS if key in labels), None)


def budgets(sim: Simulation, workloads: Sequence[Workload]) -> I64:
    """[budgets, kinds]: 1 where a PodDisruptionBudget covers the pods."""
    from capsim.engine.cluster_autoscaler.rules import selects

    listed = sim.scenario.objects.pdbs
    return np.array(
        [
            [
                int(
                    pdb.namespace == w.namespace
                    and pdb.selector is not None
                    and selects(pdb.selector, w.template.labels)
                )
                for w in workloads
            ]
            for pdb in listed
        ],
        np.int64,
    ).reshape(len(listed), len(workloads))
