"""Traffic of hosts and paths brought to Services, and Ingress controllers that route it, in the tree of a scenario.

A key of `traffic` that is a URL becomes the Service that answers it. A controller with pods calls the Services of its
Ingresses: one of them for each request, as often as they have traffic (`ingress: true`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capsim.errors import Problem
from capsim.scenario.document import Mark, SourceList, SourceMap, describe, mark_of
from capsim.scenario.ingress import SCHEMES, answering, backends, shadowed
from capsim.scenario.kubernetes.ingress import KIngress
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.merge import suggestion

Resolver = Callable[[str, tuple[Any, Any], str], str | None]
Entry = tuple[str, Any, Mark]


class IngressRoutes:
    """Ingresses of one tree; the tree is changed in place, problems are collected in the reading."""

    def __init__(self, root: SourceMap, objects: KubeObjects, reading: Reading) -> None:
        self.root, self.objects, self.reading = root, objects, reading
        self.services = {service.key for service in objects.services}

    def _map(self, key: str) -> SourceMap:
        value = self.root.get(key)
        return value if isinstance(value, SourceMap) else SourceMap(mark=self.root.mark)

    def _fail(self, mark: Mark, key: str, message: str, found: str = "", allowed: str = "") -> None:
        self.reading.problems.append(Problem(message, mark.file, mark.line or None, key, found, allowed))

    def take_urls(self) -> list[Entry]:
        """Takes the URLs out of `traffic`, so that what is left are names of services."""
        traffic = self._map("traffic")
        taken = [(key, traffic[key], mark_of(traffic, key)) for key in traffic if key.startswith(SCHEMES)]
        if taken:
            rest = SourceMap({k: v for k, v in traffic.items() if not k.startswith(SCHEMES)}, traffic.mark)
            rest.marks = dict(traffic.marks)
            self.root.put("traffic", rest, mark_of(self.root, "traffic"))
        return taken

    def put_urls(self, taken: list[Entry]) -> None:
        """Puts the traffic of URLs back under the Services that answer them; those of one Service are added up."""
        traffic = self._map("traffic")
        terms: dict[str, list[Entry]] = {}
        for url, series, mark in taken:
            found = answering(self.objects.ingresses, url)
            if found is None:
                hosts = dict.fromkeys(p.host or "*" for one in self.objects.ingresses for p in one.paths)
                allowed = f"hosts and paths of Ingresses: {', '.join(hosts) or 'there is none'}"
                self._fail(mark, f"traffic.{url}", "no Ingress has a rule for this URL", describe(url), allowed)
                continue
            key = f"{found[0].namespace}/{found[1].service}"
            if key in traffic:
                message = "traffic by URL of a Service that has traffic by name"
                self._fail(mark, f"traffic.{url}", message, key, "one of them, or a `sum`")
                continue
            terms.setdefault(key, []).append((url, series, mark))
        for key, found_terms in terms.items():
            first = found_terms[0]
            value = first[1]
            if len(found_terms) > 1:
                value = SourceMap(mark=first[2])
                value.put("sum", SourceList([series for _, series, _ in found_terms], first[2]), first[2])
            traffic.put(key, value, first[2])

    def add_calls(self, resolver: Resolver) -> None:
        """Calls of the controllers to the Services that they route to, and notes about Ingresses without one."""
        classes = self._map("ingressClasses")
        in_use = list(dict.fromkeys(one.class_name for one in self.objects.ingresses if one.class_name))
        routed: set[str] = set()
        for name, entry in classes.items():
            mine = [one for one in self.objects.ingresses if one.class_name == name]
            if not mine:
                message = "no Ingress is of this class" + suggestion(name, in_use)
                self._fail(mark_of(classes, name), f"ingressClasses.{name}", message, "", ", ".join(in_use) or "none")
            self._missing_services(mine)
            service = entry.get("service") if isinstance(entry, SourceMap) else None
            if isinstance(service, str):
                key = resolver(service, (entry, "service"), f"ingressClasses.{name}.service")
                if key is not None:
                    entry["service"] = key
                    self._route(key, mine, routed, mark_of(classes, name))
        self._not_routed(classes)

    def _missing_services(self, ingresses: list[KIngress]) -> None:
        for ingress in ingresses:
            for key in backends(ingress):
                if key in self.services or f"{ingress.namespace}/Service/{ingress.name}" in self.reading.failed:
                    continue
                text, mark = "an Ingress routes to a Service that does not exist", self._mark(ingress)
                if self.reading.lenient:
                    self.reading.note("not_modelled", f"Ingress backend {key}", text, mark, ingress.key)
                else:
                    allowed = ", ".join(sorted(self.services)[:10]) or "no Service is defined"
                    self._fail(mark, f"{ingress.key}: spec.rules", text, key, allowed)

    def _mark(self, ingress: KIngress) -> Mark:
        return self.reading.marks.get(ingress.key, self.root.mark)

    def _route(self, controller: str, ingresses: list[KIngress], routed: set[str], mark: Mark) -> None:
        """One call more of ``controller``: to one of the Services with traffic that no one routes yet."""
        services, traffic = self._map("services"), self._map("traffic")
        entry = services.get(controller)
        entry = entry.copy() if isinstance(entry, SourceMap) else SourceMap(mark=mark)
        calls = entry.get("calls")
        calls = calls.copy() if isinstance(calls, SourceList) else SourceList([], mark)
        routed |= _routed(calls)
        found = [key for one in ingresses for key in backends(one)]
        chosen = [key for key in dict.fromkeys(found) if key in traffic and key not in routed and key != controller]
        if not chosen:
            return
        routed.update(chosen)
        choices = [SourceMap({"service": key, "ingress": True}, mark) for key in chosen]
        calls.append(SourceMap({"oneOf": SourceList(choices, mark)}, mark))
        entry.put("calls", calls, mark)
        services.put(controller, entry, mark)
        self.root.put("services", services, services.mark)

    def _not_routed(self, classes: SourceMap) -> None:
        """Ingresses that nothing is made of, and paths that are never reached."""
        known = {one.name for one in self.objects.ingress_classes}
        for ingress in self.objects.ingresses:
            name, mark = ingress.class_name, self._mark(ingress)
            if name not in classes:
                text = "its requests cost nothing on their way to the Services: name its class under ingressClasses"
                self.reading.note("not_modelled", f"Ingress of class {name or '(none)'}", text, mark, ingress.key)
            if name and known and name not in known:
                text = "no IngressClass has this name: no controller may look at it"
                self.reading.note("warnings", f"spec.ingressClassName {name}", text, mark, ingress.key)
        for one in shadowed(self.objects.ingresses):
            text = f"never reached: {one.first.key} has the same path of the same host"
            field = f"path {one.path.host}{one.path.path}"
            self.reading.note("warnings", field, text, self._mark(one.ingress), one.ingress.key)


def _routed(calls: SourceList) -> set[str]:
    """Services that calls already route to (a resolved scenario)."""
    found: set[str] = set()
    for call in calls:
        choices = call.get("oneOf") if isinstance(call, SourceMap) else None
        for one in [call, *(choices if isinstance(choices, SourceList) else [])]:
            if isinstance(one, SourceMap) and one.get("ingress") is True:
                found.add(str(one.get("service")))
    return found
