"""Checks of what HorizontalPodAutoscalers ask for, and of who shares their pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.merge import suggestion
from capsim.scenario.metrics import described_service, identifier, source_of
from capsim.scenario.rivals import counted_workloads, rivals
from capsim.scenario.scenario import Scenario

Fail = Callable[[tuple[Any, ...], str, str, str], None]
Note = Callable[[str, str, str, str], None]
"""Section of the inventory, field, text, object."""
FIELD = "HorizontalPodAutoscaler.metrics"


class MetricChecks:
    """Checks the HPAs of one scenario; ``fail`` takes a path of the scenario, ``note`` the name of an object."""

    def __init__(self, scenario: Scenario, fail: Fail, note: Note) -> None:
        self.scenario, self.fail, self.note = scenario, fail, note

    def run(self) -> None:
        """All checks."""
        asked = set()
        applied = [event.apply.object for event in self.scenario.events if event.apply is not None]
        for hpa in [*self.scenario.objects.hpas, *(one for one in applied if isinstance(one, Hpa))]:
            self._to_zero(hpa)
            for metric in hpa.metrics:
                asked.add(identifier(metric)[1])
                self._metric(hpa, metric)
        for name in self.scenario.metrics:
            if name not in asked:
                known = sorted(asked - {""})
                text = f"no HorizontalPodAutoscaler asks for it{suggestion(name, known)}"
                self.note("warnings", f"metrics.{name}", text, "")
        self._rivals()

    def _to_zero(self, hpa: Hpa) -> None:
        if hpa.min_replicas == 0 and not self.scenario.control_plane.kube_controller_manager.hpa_scale_to_zero:
            message = f"HorizontalPodAutoscaler {hpa.key} has minReplicas 0, which needs the feature gate"
            path = ("controlPlane", "kubeControllerManager", "HPAScaleToZero")
            self.fail(path, message, "minReplicas 0", "HPAScaleToZero: true, or minReplicas of 1 or more")

    def _metric(self, hpa: Hpa, metric: dict[str, Any]) -> None:
        kind, name = identifier(metric)
        if not name:
            self._container(hpa, metric)
            return
        spec = self.scenario.metrics.get(name)
        if spec is None:
            known = list(self.scenario.metrics)
            text = (
                f"nothing serves the {kind} metric {name}{suggestion(name, known)}: it fails at every sync; "
                f"say under `metrics` what it measures"
            )
            self.note("warnings", FIELD, text, hpa.key)
            return
        if kind == "Pods" and spec.series is not None:
            self.fail(("metrics", name, "series"), f"{hpa.key} asks for it per pod", "a series", "measures")
        elif kind == "Pods" and hpa.target_key in self.scenario.usage:
            text = f"the pods of {hpa.target_key} have replayed usage and serve no requests: {name} is 0"
            self.note("warnings", FIELD, text, hpa.key)
        source = source_of(self.scenario.metrics, hpa, metric)
        if kind != "Pods" and spec.series is None:
            service = source.service if source is not None else None
            if service is None or service not in self.scenario.services:
                found = service or described_service(hpa, metric) or "no service"
                allowed = ", ".join(list(self.scenario.services)[:10]) or "a service of the scenario"
                self.fail(("metrics", name, "of"), f"{hpa.key} asks for it: of which service?", found, allowed)
        body = metric[kind[:1].lower() + kind[1:]]
        if (body.get("metric") or {}).get("selector"):
            text = f"the selector of metric {name} is not looked at"
            self.note("not_modelled", f"{FIELD}.selector", text, hpa.key)

    def _container(self, hpa: Hpa, metric: dict[str, Any]) -> None:
        name = (metric.get("containerResource") or {}).get("container")
        workload = next((w for w in self.scenario.objects.workloads if w.key == hpa.target_key), None)
        if name is None or workload is None:
            return
        template = workload.template
        known = [c.name for c in (*template.containers, *(c for c in template.init_containers if c.is_sidecar))]
        if name not in known:
            text = f"the pods have no container {name}{suggestion(name, known)}: the metric fails at every sync"
            self.note("warnings", FIELD, text, hpa.key)

    def _rivals(self) -> None:
        if self.scenario.control_plane.kube_controller_manager.release == "1.15":
            return  # whose HPAs did not look
        hpas, workloads = self.scenario.objects.hpas, self.scenario.objects.workloads
        found = rivals(hpas, workloads)
        for h, hpa in enumerate(hpas):
            mine = [rival for rival in found if rival.hpa == h]
            if mine:
                pods = ", ".join(dict.fromkeys(workloads[rival.shared].key for rival in mine))
                others = ", ".join(dict.fromkeys(hpas[rival.other].key for rival in mine))
                text = (
                    f"AmbiguousSelector: the pods of {pods} are also those of {others}; while they exist, none scales"
                )
                self.note("warnings", "HorizontalPodAutoscaler.scaleTargetRef", text, hpa.key)
        shared = {(rival.hpa, rival.shared) for rival in found}
        for h, counted in enumerate(counted_workloads(hpas, workloads)):
            for w in counted:
                if workloads[w].key != hpas[h].target_key and (h, w) not in shared:
                    text = f"its selector also matches the pods of {workloads[w].key}: upstream's HPA counts them, too"
                    self.note("not_modelled", "Deployment.selector", text, hpas[h].target_key)
