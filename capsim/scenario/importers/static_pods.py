"""Static pods, which the kubelet runs from files (kube-proxy on GKE, etcd), as the scenario can hold them."""

from __future__ import annotations

from capsim.scenario.importers.collect import Dump
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.groups import Group
from capsim.scenario.importers.owners import Members, Root
from capsim.scenario.importers.pods import PodSeen
from capsim.scenario.importers.stand_ins import Chosen
from capsim.scenario.kubernetes.node import GROUP_LABEL

STATIC = "capsim.io/static-pod"


def without_static_pods(roots: dict[Root, Members], groups: list[Group], dump: Dump, log: Log) -> list[Chosen]:
    """Takes static pods that run on whole node groups out of `roots` and returns a DaemonSet for each.

    Others stay bare pods in their place. Either way they go with their node.
    """
    families: dict[tuple[str, str, int], list[tuple[Root, PodSeen]]] = {}
    for root, group in roots.items():
        for pod in group.running:
            if pod.mirror and root.kind == "Pod" and pod.node and pod.name.endswith(f"-{pod.node}"):
                base = pod.name.removesuffix(f"-{pod.node}")
                families.setdefault((pod.namespace, base, pod.spec), []).append((root, pod))
    made = []
    for (namespace, base, spec), members in families.items():
        covered = _whole_groups({pod.node for _, pod in members}, groups)
        if (
            len(members) < 2
            or not covered
            or (namespace, "DaemonSet", base) in {(r.namespace, r.kind, r.name) for r in roots}
        ):
            continue
        for root, _ in members:
            del roots[root]
        pods = [pod for _, pod in members]
        made.append(_daemonset(namespace, base, spec, pods, [] if len(covered) == len(groups) else covered, dump))
        text = "there as a DaemonSet: one on every node of its groups, new ones too"
        log.note("ignored", "static pods", text, f"{namespace}/Pod/{base}", pods[0].file, pods[0].line, len(pods))
    return made


def _whole_groups(nodes: set[str], groups: list[Group]) -> list[str]:
    """Names of the groups that consist of these nodes; empty when some are in no such group."""
    covered = [group for group in groups if all(node.name in nodes for node in group.nodes)]
    return [g.name for g in covered] if {n.name for g in covered for n in g.nodes} == nodes else []


def _daemonset(namespace: str, base: str, spec: int, pods: list[PodSeen], groups: list[str], dump: Dump) -> Chosen:
    template = dump.specs.template(spec)
    template["metadata"]["labels"][STATIC] = base
    pod = template["spec"]
    pod["tolerations"] = [{"operator": "Exists"}]
    if groups:
        expression = {"key": GROUP_LABEL, "operator": "In", "values": groups}
        terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
        pod["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    content = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": base, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {STATIC: base}}, "template": template},
    }
    group = Members()
    group.running = pods
    root = Root(namespace, "DaemonSet", base)
    return Chosen(content, "apps", "DaemonSet", namespace, base, pods[0].file, pods[0].line, root, group)
