"""Names in a scenario brought to their canonical form: `namespace/name`, `namespace/Kind/name`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capsim.errors import Problem
from capsim.scenario.call_names import resolve_names
from capsim.scenario.document import SourceList, SourceMap, describe, mark_of
from capsim.scenario.ingress_routes import IngressRoutes
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.merge import merged, suggestion
from capsim.scenario.metrics import described_service, identifier
from capsim.scenario.names import Keys, PodLabels, without_kind

WORKLOAD_KINDS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")
SCALABLE = ("Deployment", "ReplicaSet", "StatefulSet")
ROLLS = ("rollout", "rollback", "pauseRollout", "resumeRollout")
"""Events that a Deployment is the target of."""
NOT_YET = ("ReplicationController",)


class References:
    """Resolves the names of one tree against its objects; the tree is changed in place, problems are collected."""

    def __init__(self, root: SourceMap, objects: KubeObjects, reading: Reading) -> None:
        self.root, self.objects, self.reading = root, objects, reading
        failed = sorted(
            name for name in reading.failed if name.count("/") == 2 and name.split("/")[1] in WORKLOAD_KINDS
        )
        self.workloads = Keys([*(w.key for w in objects.workloads), *failed])
        self._failed_services = {without_kind(name) for name in reading.failed if "/Service/" in name}
        self.services = Keys([*(s.key for s in objects.services), *sorted(self._failed_services)])
        self._service_objects = {s.key: s for s in objects.services}
        self._pods = PodLabels(objects.workloads)
        failed_hpas = [without_kind(name) for name in reading.failed if "/HorizontalPodAutoscaler/" in name]
        self.hpas = Keys([*(h.key for h in objects.hpas), *sorted(failed_hpas)])

    def resolve(self) -> None:
        """Canonical keys of services, workloads, traffic and usage; targets of events; workloads of services."""
        self._rename("workloads", self._workload)
        self._rename("usage", self._workload)
        self._rename("placement", self._workload)
        self._rename("lifetimes", self._workload)
        self._rename("services", self._declared_service)
        services = self.root.get("services")
        if isinstance(services, SourceMap):
            for key in services:
                self.services.add(key)
        ingress = IngressRoutes(self.root, self.objects, self.reading)
        urls = ingress.take_urls()
        self._rename("traffic", self._service)
        ingress.put_urls(urls)
        ingress.add_calls(self._service)
        named = resolve_names(self.root, self._service)
        self._phases()
        for key in self._map("services"):
            self._service_workloads(key, self._map("services"))
        self._services_of_traffic()
        self._services_of_names(named)
        self._targets()
        self._self_heal()
        self._metrics()
        self._traffic_or_usage()

    def _map(self, key: str) -> SourceMap:
        value = self.root.get(key)
        return value if isinstance(value, SourceMap) else SourceMap(mark=self.root.mark)

    def _fail(self, at: tuple[Any, Any], key: str, message: str, found: str = "", allowed: str = "") -> None:
        mark = mark_of(*at)
        self.reading.problems.append(Problem(message, mark.file, mark.line or None, key, found, allowed))

    def _rename(self, section: str, resolver: Callable[[str, tuple[Any, Any], str], str | None]) -> None:
        old = self.root.get(section)
        if not isinstance(old, SourceMap):
            return
        new = SourceMap(mark=old.mark)
        for name, value in old.items():
            key = resolver(name, (old, name), f"{section}.{name}") or name
            mark = mark_of(old, name)
            if key in new:
                if new.marks[key].file == mark.file:
                    self._fail(
                        (old, name), f"{section}.{name}", "given twice", f"{key}, also on line {new.marks[key].line}"
                    )
                value = merged(new[key], value, (section, key))
            new.put(key, value, mark)
        self.root.put(section, new, mark_of(self.root, section))

    def _workload(self, name: str, at: tuple[Any, Any], path: str) -> str | None:
        return self._one(name, self.workloads, at, path, "workload")

    def _one(self, name: str, known: Keys, at: tuple[Any, Any], path: str, what: str) -> str | None:
        found = known.matching(name)
        if len(found) == 1:
            return found[0]
        if found:
            self._fail(at, path, f"ambiguous {what}", describe(name), " or ".join(found))
            return None
        others = Keys(f"{o[1]}/{o[0]}/{o[2]}" for o in self.reading.others if o[0] in NOT_YET)
        if what == "workload" and others.matching(name):
            message = f"{others.matching(name)[0].split('/')[1]}s are not modelled yet"
            self._fail(at, path, message, describe(name), ", ".join(WORKLOAD_KINDS))
            return None
        short = [key.rpartition("/")[2] for key in known]
        hint = suggestion(name.rpartition("/")[2], short) if "/" not in name else suggestion(name, list(known))
        self._fail(
            at, path, f"no such {what}{hint}", describe(name), ", ".join(list(known)[:10]) or f"no {what} is defined"
        )
        return None

    def _declared_service(self, name: str, at: tuple[Any, Any], path: str) -> str | None:
        """A key under `services` may name a Service object, or declare a service of its own."""
        found = self.services.matching(name)
        if len(found) > 1:
            return self._one(name, self.services, at, path, "service")
        if found:
            return found[0]
        return name if name.count("/") == 1 else f"default/{name}"

    def _service(self, name: str, at: tuple[Any, Any], path: str) -> str | None:
        if not self.services.matching(name) and len(workloads := self.workloads.matching(name)) == 1:
            key = without_kind(workloads[0])
            text = f"no Service {name}: its traffic goes to {workloads[0]}"
            self.reading.note("guessed", path, text, mark_of(*at), workloads[0])
            services = self._map("services")
            services.put(key, _workload_list([workloads[0]], mark_of(*at)), mark_of(*at))
            self.root.put("services", services, services.mark)
            self.services.add(key)
            return key
        return self._one(name, self.services, at, path, "service")

    def _service_workloads(self, key: str, services: SourceMap) -> None:
        """Canonical workloads of a declared service, or those that its Service object selects."""
        entry = services[key]
        if entry is None:
            entry = SourceMap(mark=mark_of(services, key))
            services[key] = entry
        if not isinstance(entry, SourceMap):
            return
        given = entry.get("workloads")
        if isinstance(given, SourceList):
            self._resolve_list(given, f"services.{key}.workloads")
        elif given is None:
            selected = self._selected(key, (services, key), f"services.{key}")
            if selected is not None:
                copy = entry.copy()
                copy.put("workloads", SourceList(selected, mark_of(services, key)), mark_of(services, key))
                services[key] = copy

    def _resolve_list(self, names: SourceList, path: str) -> None:
        for index, name in enumerate(names):
            if isinstance(name, str):
                names[index] = self._workload(name, (names, index), f"{path}[{index}]") or name

    def _selected(self, key: str, at: tuple[Any, Any], path: str) -> list[str] | None:
        if key in self._failed_services:
            return None
        service = self._service_objects.get(key)
        if service is None:
            self._fail(at, path, "no workloads: there is no Service object of that name", "", "workloads: [name, …]")
            return None
        found = self._pods.selected(service.namespace, service.selector)
        if not found and not self.reading.failed:
            text = ", ".join(f"{k}={v}" for k, v in service.selector.items()) or "no selector"
            self._fail(
                at, path, "the Service selects no workload", text, "a selector that matches pods, or workloads: […]"
            )
            return None
        return found

    def _services_of_traffic(self) -> None:
        traffic = self._map("traffic")
        for key in traffic:
            self._serve(key, mark_of(traffic, key))

    def _services_of_names(self, named: list[tuple[str, tuple[Any, Any]]]) -> None:
        """Services that calls, journeys and SLOs name, and nothing else does."""
        for key, at in named:
            services = self._map("services")
            if key not in services:
                services.put(key, SourceMap(mark=mark_of(*at)), mark_of(*at))
                self.root.put("services", services, services.mark)
                self._service_workloads(key, services)

    def _targets(self) -> None:
        events = self.root.get("events")
        for index, event in enumerate(events if isinstance(events, SourceList) else []):
            for kind in ("scale", "crash", "hang", *ROLLS) if isinstance(event, SourceMap) else ():
                action = event.get(kind)
                if isinstance(action, SourceMap) and isinstance(action.get("target"), str):
                    self._target(kind, action, f"events[{index}].{kind}.target")

    def _target(self, kind: str, action: SourceMap, path: str) -> None:
        key = self._workload(action["target"], (action, "target"), path)
        if key is None:
            return
        if kind == "scale":
            self._scalable(key, action, path)
            return
        if kind in ("crash", "hang"):
            action["target"] = key
            return
        own = key.split("/")[1]
        if own != "Deployment" and (own not in ("StatefulSet", "DaemonSet") or kind not in ("rollout", "rollback")):
            allowed = "a Deployment" if "Rollout" in kind else "a Deployment, StatefulSet or DaemonSet"
            self._fail((action, "target"), path, f"{kind}: not of a {own}", key, allowed)
        action["target"] = key

    def _scalable(self, key: str, action: SourceMap, path: str) -> None:
        kind = key.split("/")[1]
        if kind not in SCALABLE:
            allowed = "a Deployment, ReplicaSet or StatefulSet"
            self._fail((action, "target"), path, f"a {kind} cannot be scaled", key, allowed)
        action["target"] = key

    def _self_heal(self) -> None:
        entries = self.root.get("selfHeal")
        for index, entry in enumerate(entries if isinstance(entries, SourceList) else []):
            if isinstance(entry, SourceMap) and isinstance(entry.get("target"), str):
                path = f"selfHeal[{index}].target"
                key = self._workload(entry["target"], (entry, "target"), path)
                if key is not None:
                    self._scalable(key, entry, path)

    def _metrics(self) -> None:
        """Services that metrics look at, by name or because an Object metric describes them."""
        metrics = self._map("metrics")
        for name, entry in metrics.items():
            if isinstance(entry, SourceMap) and isinstance(entry.get("of"), str):
                key = self._service(entry["of"], (entry, "of"), f"metrics.{name}.of")
                if key is not None:
                    entry["of"] = key
                    self._serve(key, mark_of(entry, "of"))
        for hpa in self.objects.hpas:
            for metric in hpa.metrics:
                described = described_service(hpa, metric)
                if described is not None and identifier(metric)[1] in metrics:
                    self._serve(described, self.root.mark)

    def _serve(self, key: str, mark: Any) -> None:
        """A service that is looked at has workloads, also where it gets no traffic."""
        services = self._map("services")
        if key in self.services and key not in services:
            services.put(key, SourceMap(mark=mark), mark)
            self.root.put("services", services, services.mark)
            self._service_workloads(key, services)

    def _phases(self) -> None:
        control = self._map("controlPlane")
        phases = control.get("phases")
        hpa = phases.get("hpa") if isinstance(phases, SourceMap) else None
        if not isinstance(phases, SourceMap) or not isinstance(hpa, SourceMap):
            return
        renamed = SourceMap(mark=hpa.mark)
        for name, value in hpa.items():
            key = self._one(name, self.hpas, (hpa, name), f"controlPlane.phases.hpa.{name}", "HorizontalPodAutoscaler")
            renamed.put(key or name, value, mark_of(hpa, name))
        phases["hpa"] = renamed

    def _traffic_or_usage(self) -> None:
        """Usage of CPU is either computed from traffic or replayed, never both."""
        services, usage = self._map("services"), self._map("usage")
        for service in self._map("traffic"):
            entry = services.get(service)
            for key in entry.get("workloads") or [] if isinstance(entry, SourceMap) else []:
                recorded = usage.get(key)
                if isinstance(recorded, SourceMap) and recorded.get("cpu") is not None:
                    message = f"{key} has recorded CPU and traffic (of {service})"
                    self._fail((recorded, "cpu"), f"usage.{key}.cpu", message, "", "one of traffic and usage.cpu")


def _workload_list(keys: list[str], mark: Any) -> SourceMap:
    entry = SourceMap(mark=mark)
    entry.put("workloads", SourceList(keys, mark), mark)
    return entry
