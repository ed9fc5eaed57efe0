"""Objects for the workloads of a dump as the scenario can hold them.

A kind that scenarios know is taken as it is (a Job that runs is not: how far it has come is not in a dump). Of one that
they do not know (yet), the pods are there as those of a ReplicaSet of the same name: they load the nodes as they do
now, and are replaced when they are lost. What the real controller would do beyond that is listed as not modelled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from capsim.scenario.importers.build import copied
from capsim.scenario.importers.collect import Dump, Item
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.owners import Members, Root
from capsim.scenario.importers.pods import owner_of, pod_object
from capsim.scenario.importers.redact import mapping, sequence
from capsim.scenario.kubernetes.labels import selects
from capsim.scenario.kubernetes.pod_reading import amounts
from capsim.scenario.kubernetes.registry import is_workload

GROUPS = {
    "Deployment": "apps", "ReplicaSet": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "Job": "batch",
    "CronJob": "batch", "ReplicationController": "", "Pod": "",
}  # fmt: skip
STANDS_FOR = "capsim.io/stands-for"
"""Label of a ReplicaSet that stands for something else."""
RUNS_TO_AN_END = ("Job", "CronJob")


class Chosen(NamedTuple):
    """One workload of the scenario: the object, where it came from, and the pods that belong to it."""

    content: dict[str, Any]
    group: str
    kind: str
    namespace: str
    name: str
    file: str
    line: int
    root: Root
    members: Members | None

    @property
    def key(self) -> str:
        """namespace/Kind/name in the scenario."""
        return f"{self.namespace}/{self.kind}/{self.name}"


def chosen_workloads(dump: Dump, roots: dict[Root, Members], log: Log) -> list[Chosen]:
    """All workloads: those with an object first, in the order of the dump, then those that only pods tell of."""
    owning = {(pod.namespace, pod.owner.name) for pod in dump.pods.values() if pod.owner is not None}
    items = {}
    for item in dump.of_kind(*GROUPS):
        if GROUPS[item.kind] != item.group:
            continue  # another kind of the same name: listed with the kinds that are not modelled
        if _is_root(item, dump, owning):
            items[Root(item.namespace, item.kind, item.name)] = item
        else:
            text = "made by its owner (or empty): its pods count there"
            log.note("ignored", item.kind, text, f"{item.namespace}/{item.kind}/{item.name}", item.file, item.line)
    taken = {root.key for root, item in items.items() if is_workload(item.group, item.kind)}
    result = []
    for root, item in items.items():
        pods = roots.get(root)
        made = _from_object(item, root, pods, taken, log)
        if made is not None:
            result.append(made)
    for root, pods in roots.items():
        if root not in items and pods.running:
            result.append(_from_pods(dump, root, pods, taken, log))
    return result


def _is_root(item: Item, dump: Dump, owning: set[tuple[str, str]]) -> bool:
    owner = owner_of(mapping(item.content.get("metadata")))
    if owner is None or item.kind not in ("ReplicaSet", "Job"):
        return True
    if item.kind == "Job" or (GROUPS.get(owner.kind, ""), owner.kind, item.namespace, owner.name) in dump.items:
        return False
    # Its owner is not in the dump: it is one itself while it holds replicas and no pods say more.
    replicas = mapping(item.content.get("spec")).get("replicas")
    return bool(replicas) and (item.namespace, item.name) not in owning


def _from_object(item: Item, root: Root, pods: Members | None, taken: set[str], log: Log) -> Chosen | None:
    content = copied(item.content)
    content.pop("status", None)
    if item.kind == "CronJob":
        if pods is not None and pods.running:
            text = "its pods that run are left out: the next Jobs start on schedule"
            log.note("not_modelled", item.kind, text, root.key, item.file, item.line)
        return Chosen(content, item.group, item.kind, item.namespace, item.name, item.file, item.line, root, None)
    if is_workload(item.group, item.kind) and item.kind != "Job":
        return Chosen(content, item.group, item.kind, item.namespace, item.name, item.file, item.line, root, pods)
    replicas = mapping(content.get("spec")).get("replicas", 1)
    if item.kind in RUNS_TO_AN_END:
        replicas = len(pods.running) if pods is not None else 0
        text = "runs to an end: " + (
            "its running pods hold their place for the whole run, further ones are not started"
            if replicas
            else "it has no running pod here, and none is started"
        )
        log.note("not_modelled", item.kind, text, root.key, item.file, item.line)
        if not replicas:
            return None
    else:
        text = "its pods are there as those of a ReplicaSet: order, identity and volumes are not modelled"
        log.note("not_modelled", item.kind, text, root.key, item.file, item.line)
    template = mapping(mapping(content.get("spec")).get("template"))
    selector = _label_selector(mapping(mapping(content.get("spec")).get("selector")))
    made = _replica_set(root, _free(root, taken), template, replicas if isinstance(replicas, int) else 1, selector)
    return Chosen(
        made, "apps", "ReplicaSet", root.namespace, made["metadata"]["name"], item.file, item.line, root, pods
    )


def _from_pods(dump: Dump, root: Root, pods: Members, taken: set[str], log: Log) -> Chosen:
    first = pods.running[0]
    spec = pods.usual_spec()
    template = dump.specs.template(spec)
    if root.kind == "Pod":
        made = pod_object(first, dump.specs, root.name)
        return Chosen(made, "", "Pod", root.namespace, root.name, first.file, first.line, root, pods)
    if is_workload(GROUPS.get(root.kind, root.kind), root.kind) and root.kind not in RUNS_TO_AN_END:
        made = _owner_object(root, template, len(pods.running))
        source = f"its pods: the {root.kind} itself is not in the files"
        log.guess(f"{root.kind} objects made up", source, "likely", f"kubectl get {root.kind.lower()}s -A -o yaml")
        taken.add(root.key)
        group = GROUPS[root.kind]
        return Chosen(made, group, root.kind, root.namespace, root.name, first.file, first.line, root, pods)
    text = f"pods of a {root.kind} are there as those of a ReplicaSet: what their controller does is not modelled"
    log.note("not_modelled", root.kind, text, root.key, first.file, first.line)
    made = _replica_set(root, _free(root, taken), template, len(pods.running), {})
    return Chosen(
        made, "apps", "ReplicaSet", root.namespace, made["metadata"]["name"], first.file, first.line, root, pods
    )


def _label_selector(written: dict[str, Any]) -> dict[str, Any]:
    """A LabelSelector with text values; that of a ReplicationController is a mapping of labels."""
    labels = (
        mapping(written.get("matchLabels")) if "matchLabels" in written or "matchExpressions" in written else written
    )
    return {"matchLabels": {k: v for k, v in labels.items() if isinstance(v, str)}} if labels else {}


def _free(root: Root, taken: set[str]) -> str:
    name = root.name
    if f"{root.namespace}/ReplicaSet/{name}" in taken:
        name = f"{name}-{root.kind.lower()}"
    taken.add(f"{root.namespace}/ReplicaSet/{name}")
    return name


def _owner_object(root: Root, template: dict[str, Any], replicas: int) -> dict[str, Any]:
    made = _replica_set(root, root.name, template, replicas, {})
    made["kind"] = root.kind
    del made["metadata"]["labels"]
    if root.kind == "DaemonSet":
        del made["spec"]["replicas"]
    return made


def _replica_set(
    root: Root, name: str, template: dict[str, Any], replicas: int, selector: dict[str, Any]
) -> dict[str, Any]:
    own = copied(template)
    labels = {str(k): str(v) for k, v in mapping(mapping(own.get("metadata")).get("labels")).items()}
    own["metadata"] = {**mapping(own.get("metadata")), "labels": labels}
    if not labels or not selector or not selects(selector, labels):
        labels[STANDS_FOR] = _label_value(root.name)
        selector = {"matchLabels": {STANDS_FOR: labels[STANDS_FOR]}}
    metadata = {"name": name, "namespace": root.namespace, "labels": {STANDS_FOR: _label_value(root.kind)}}
    spec = {"replicas": replicas, "selector": selector, "template": own}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def _label_value(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text)[:63].strip("-_.")


def with_admitted(chosen: Chosen, dump: Dump, log: Log) -> Chosen:
    """The workload with what admission (sidecar injection, LimitRanges, VPA) made of its running pods.

    Containers and requests of the pods count where they differ from the template: new pods will be like them.
    """
    pods = chosen.members
    if chosen.kind == "Pod" or pods is None or not pods.running:
        return chosen
    usual = dump.specs.template(pods.usual_spec())["spec"]
    spec = mapping(mapping(mapping(chosen.content.get("spec")).get("template")).get("spec"))
    others = sum(pod.spec != pods.usual_spec() for pod in pods.running)
    if others and chosen.root.kind not in ("StatefulSet", *RUNS_TO_AN_END):
        what = "pods that differ from most of their workload's counted as if they were alike"
        log.guess(what, "several specs among its pods (a rollout, a vertical autoscaler)", "likely", count=others)
    if "priority" in usual and spec.get("priority") is None:
        spec["priority"] = usual["priority"]
    changed = [key for key in ("containers", "initContainers") if _sizes(spec, key) != _sizes(usual, key)]
    if mapping(usual.get("overhead")) != mapping(spec.get("overhead")) and usual.get("overhead"):
        changed.append("overhead")
    if not changed:
        return chosen
    for key in changed:
        spec[key] = usual.get(key, [])
    log.guess(
        "containers and requests of running pods taken instead of the template's",
        "the pods (sidecar injection, LimitRange or vertical autoscaler changed them)", "sure",
    )  # fmt: skip
    return chosen


def _sizes(spec: dict[str, Any], key: str) -> list[tuple[Any, ...]]:
    """Name, effective requests and restart policy of each container."""
    found = []
    for container in sequence(spec.get(key)):
        resources = mapping(mapping(container).get("resources"))
        try:
            requests = amounts(mapping(resources.get("limits"))) | amounts(mapping(resources.get("requests")))
        except (ValueError, TypeError):
            requests = {}
        found.append(
            (mapping(container).get("name"), sorted(requests.items()), mapping(container).get("restartPolicy"))
        )
    return found
