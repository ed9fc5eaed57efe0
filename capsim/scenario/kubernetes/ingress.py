"""Ingresses and their classes: which paths of which hosts go to which Services, and who routes them.

Annotations of controllers (rewrites, rate limits, session cookies) are not modelled; an Ingress that is a canary of
another one (`nginx.ingress.kubernetes.io/canary`) is left out and listed. TLS is a matter of what a request costs the
controller's pods.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import Field

from capsim.scenario.document import SourceList, SourceMap, describe, mark_of
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.model import Model, Switch, Text

PATH_TYPES = ("Exact", "Prefix", "ImplementationSpecific")
CLASS = "kubernetes.io/ingress.class"
"""The annotation that named the class before `spec.ingressClassName` did."""
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
CANARY = "nginx.ingress.kubernetes.io/canary"
GROUP = "alb.ingress.kubernetes.io/group.name"
"""Ingresses of one group share a load balancer (AWS Load Balancer Controller)."""
KEPT = (CLASS, DEFAULT_CLASS, CANARY, GROUP)
"""Annotations that are read; an import keeps them."""


class KIngressClass(Model):
    """An IngressClass: the name of a controller."""

    name: Text = Field(description="Name.")
    controller: Text = Field("", description="Who routes, such as k8s.io/ingress-nginx.")
    default: Switch = Field(False, description="Whether Ingresses that name no class are of this one.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata: dict[str, Any] = {"name": self.name}
        if self.default:
            metadata["annotations"] = {DEFAULT_CLASS: "true"}
        spec = {"controller": self.controller} if self.controller else {}
        return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": metadata, "spec": spec}


class IngressBackend(Model):
    """The Service that answers; in the Ingress's own namespace."""

    service: Text = Field(description="Name of the Service.")
    port: Text | int | None = Field(None, description="Number or name of its port; no effect on capacity.")

    def manifest(self) -> dict[str, Any]:
        """The backend as a manifest writes it."""
        port = {"number" if isinstance(self.port, int) else "name": self.port}
        return {"service": {"name": self.service, **({} if self.port is None else {"port": port})}}


class IngressPath(Model):
    """One path of one host."""

    host: Text = Field("", description="Host, `*.example.com` for one label more; empty: every host.")
    path: Text = Field("/", description="Path.")
    path_type: Literal["Exact", "Prefix", "ImplementationSpecific"] = Field("Prefix", description="How it is compared.")
    backend: IngressBackend = Field(description="Where its requests go.")


class KIngress(Model):
    """An Ingress."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    class_name: Text = Field("", description="Its IngressClass; empty: none, no controller looks at it.")
    group: Text = Field("", description="Ingresses with one load balancer together (AWS).")
    paths: list[IngressPath] = Field([], description="All paths, in the order of its rules.")
    default_backend: IngressBackend | None = Field(None, description="For what no rule matches.")

    @property
    def key(self) -> str:
        """namespace/Ingress/name."""
        return f"{self.namespace}/Ingress/{self.name}"

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace}
        if self.group:
            metadata["annotations"] = {GROUP: self.group}
        spec: dict[str, Any] = {"ingressClassName": self.class_name} if self.class_name else {}
        if self.default_backend is not None:
            spec["defaultBackend"] = self.default_backend.manifest()
        if self.paths:
            spec["rules"] = [_rule(path) for path in self.paths]
        return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def _rule(path: IngressPath) -> dict[str, Any]:
    entry = {"path": path.path, "pathType": path.path_type, "backend": path.backend.manifest()}
    return ({"host": path.host} if path.host else {}) | {"http": {"paths": [entry]}}


coverage("Ingress", "apiVersion kind metadata spec status")
coverage("IngressSpec", "ingressClassName defaultBackend rules")
coverage("IngressRule", "host http")
coverage("HTTPIngressRuleValue", "paths")
coverage("HTTPIngressPath", "path pathType backend")
coverage("IngressBackend", "service resource")
coverage("IngressServiceBackend", "name port")
coverage("IngressClass", "apiVersion kind metadata spec")
coverage("IngressClassSpec", "controller")


@reads("networking.k8s.io", "IngressClass", {"v1": "IngressClass", "v1beta1": "IngressClass"},
       into="ingress_classes", order=40, namespaced=False)  # fmt: skip
def read_ingress_class(source: Source, reading: Reading) -> KIngressClass:
    """Reads an IngressClass."""
    annotations = source.get("metadata", "annotations") or {}
    default = str(annotations.get(DEFAULT_CLASS, "")).lower() == "true"
    return KIngressClass(name=source.name, controller=source.get("spec", "controller") or "", default=default)


@reads("networking.k8s.io", "Ingress", {"v1": "Ingress", "v1beta1": None}, into="ingresses")
def read_ingress(source: Source, reading: Reading) -> KIngress | None:
    """Reads an Ingress; None when it cannot be read, or is a canary."""
    annotations = source.get("metadata", "annotations") or {}
    if str(annotations.get(CANARY, "")).lower() == "true":
        text = "a canary: all requests are taken to go to the Ingress beside it"
        reading.note("not_modelled", "Ingress canary", text, source.content.mark, source.object_name)
        return None
    paths: list[IngressPath] = []
    known = len(reading.problems)
    for place in _paths(source, reading):
        if (path := _path(place, source, reading)) is not None:
            paths.append(path)
    holder = source.content.get("spec")
    key = "defaultBackend" if source.get("spec", "defaultBackend") is not None else "backend"
    default = _backend(holder, key, f"spec.{key}", source, reading) if isinstance(holder, SourceMap) else None
    if len(reading.problems) > known:
        return None
    reading.marks[f"{source.namespace}/Ingress/{source.name}"] = source.content.mark
    return KIngress(
        namespace=source.namespace,
        name=source.name,
        class_name=_class_of(source, annotations, reading),
        group=str(annotations.get(GROUP) or ""),
        paths=paths,
        default_backend=default,
    )


def _class_of(source: Source, annotations: Any, reading: Reading) -> str:
    """Its own name of a class, else the annotation, else the class that is the default."""
    named = source.get("spec", "ingressClassName") or annotations.get(CLASS)
    defaults = [one.name for one in reading.models.get("ingress_classes", []) if one.default]
    return str(named or (defaults[0] if defaults else ""))


class _Place(NamedTuple):
    """A path before it is read: its rule's host, the mapping, and the path of keys for messages."""

    host: str
    entry: SourceMap
    label: str


def _paths(source: Source, reading: Reading) -> list[_Place]:
    """Every path of every rule; rules without a path (only a host) send all to the default backend."""
    found = []
    rules = source.get("spec", "rules")
    for r, rule in enumerate(rules if isinstance(rules, SourceList) else []):
        label = f"spec.rules[{r}]"
        if not isinstance(rule, SourceMap):
            reading.problem(source.object_name, label, "not a rule", (rules, r), describe(rule), "a mapping")
            continue
        host = rule.get("host") or ""
        http = rule.get("http")
        entries = http.get("paths") if isinstance(http, SourceMap) else None
        for p, entry in enumerate(entries if isinstance(entries, SourceList) else []):
            inner = f"{label}.http.paths[{p}]"
            if isinstance(entry, SourceMap):
                found.append(_Place(str(host), entry, inner))
            else:
                reading.problem(source.object_name, inner, "not a path", (entries, p), describe(entry), "a mapping")
    return found


def _path(place: _Place, source: Source, reading: Reading) -> IngressPath | None:
    entry, label = place.entry, place.label
    backend = _backend(entry, "backend", f"{label}.backend", source, reading, needed=True)
    kind = entry.get("pathType") or ("ImplementationSpecific" if "pathType" not in entry else None)
    path = entry.get("path") or "/"
    if kind not in PATH_TYPES:
        found = describe(entry.get("pathType"))
        reading.problem(source.object_name, f"{label}.pathType", "unknown", (entry, "pathType"), found,
                        ", ".join(PATH_TYPES))  # fmt: skip
        return None
    if not isinstance(path, str) or (not path.startswith("/") and kind != "ImplementationSpecific"):
        found, allowed = describe(path), "a path that begins with /"
        reading.problem(source.object_name, f"{label}.path", "not a path", (entry, "path"), found, allowed)
        return None
    if backend is None:
        return None
    if kind == "ImplementationSpecific":
        text = "pathType ImplementationSpecific is compared like Prefix"
        reading.note("guessed", "Ingress pathType", text, mark_of(entry, "path"), source.object_name)
    return IngressPath(host=place.host, path=path, path_type=kind, backend=backend)


def _backend(
    holder: SourceMap, key: str, label: str, source: Source, reading: Reading, *, needed: bool = False
) -> IngressBackend | None:
    """The Service of a backend; a resource (a bucket, say) is listed as not modelled."""
    backend = holder.get(key)
    if backend is None and not needed:
        return None
    values = backend if isinstance(backend, SourceMap) else SourceMap()
    if isinstance(values.get("resource"), SourceMap):
        text = "a resource backend: its requests reach no Service"
        reading.note("not_modelled", "IngressBackend.resource", text, mark_of(values, "resource"), source.object_name)
        return None
    service = values.get("service")
    port: Any = None
    if isinstance(service, SourceMap):
        name, given = service.get("name"), service.get("port")
        port = (given.get("number") or given.get("name")) if isinstance(given, SourceMap) else None
    else:
        name, port = values.get("serviceName"), values.get("servicePort")  # v1beta1
    if not isinstance(name, str) or not name:
        reading.problem(source.object_name, label, "a backend without a Service", (holder, key), describe(backend),
                        "service: {name: …, port: {number: …}}")  # fmt: skip
        return None
    return IngressBackend(service=name, port=port if isinstance(port, (int, str)) else None)
