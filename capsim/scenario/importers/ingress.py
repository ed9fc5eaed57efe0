"""Who routes the Ingresses of a dump: the Service whose address they show, or load balancers of the cloud."""

from __future__ import annotations

from typing import Any

from capsim.scenario.importers.collect import Dump, Item
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.redact import mapping, sequence
from capsim.scenario.kubernetes.ingress import KIngress, KIngressClass

CLOUD = {
    "ingress.k8s.aws/alb", "eks.amazonaws.com/alb", "azure/application-gateway", "alb", "gce", "gce-internal",
    "azure-application-gateway",
}  # fmt: skip
"""Controllers, and names of classes without an IngressClass, that make a load balancer for each Ingress."""
OUTSIDE = ("LoadBalancer", "NodePort")
NAME_LABEL = "app.kubernetes.io/name"


def ingress_classes(
    dump: Dump, ingresses: list[KIngress], classes: list[KIngressClass], log: Log
) -> dict[str, dict[str, Any]]:
    """`ingressClasses` of a scenario; classes of which nobody is found are listed as not modelled."""
    controllers = {one.name: one.controller for one in classes}
    services = [s for s in dump.of_kind("Service") if mapping(s.content.get("spec")).get("type") in OUTSIDE]
    shown = {f"{i.namespace}/Ingress/{i.name}": _addresses(i) for i in dump.of_kind("Ingress")}
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(one.class_name for one in ingresses):
        mine = [one.key for one in ingresses if one.class_name == name]
        seen = set[str]().union(*(shown.get(key, set()) for key in mine))
        controller = controllers.get(name, "")
        by_address = [s for s in services if seen & _addresses(s)]
        by_name = [s for s in services if controller and _label(s) == controller.rpartition("/")[2]]
        what = f"Ingresses of class {name or '(none)'}"
        if name and (controller or name) in CLOUD:
            found[name] = {"loadBalancer": {}}
            log.guess(f"{what} have a load balancer each", f"controller {controller or name}", "likely",
                      "prices and limits under ingressClasses")  # fmt: skip
        elif name and len(by_address or by_name) == 1:
            service = (by_address or by_name)[0]
            found[name] = {"service": f"{service.namespace}/{service.name}"}
            source = "the address in their status" if by_address else f"the label {NAME_LABEL}"
            log.guess(f"{what} are routed by the pods of {service.namespace}/{service.name}", source, "likely")
        else:
            text = "who routes them was not found: their requests cost nothing on their way"
            log.note("not_modelled", what, text, mine[0], count=len(mine))
    return found


def _addresses(item: Item) -> set[str]:
    """Addresses that a Service or an Ingress has outside."""
    balancer = mapping(mapping(item.content.get("status")).get("loadBalancer"))
    entries = [mapping(entry) for entry in sequence(balancer.get("ingress"))]
    return {str(entry[key]) for entry in entries for key in ("ip", "hostname") if entry.get(key)}


def _label(service: Item) -> str:
    return str(mapping(mapping(service.content.get("spec")).get("selector")).get(NAME_LABEL, ""))
