"""What-ifs in a word each: `traffic=1.5x`, `node-loss=2`, `hpa.target=60`. Each turns a scenario into another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from capsim.errors import Problem, ScenarioError
from capsim.report.phrases import span
from capsim.scenario import Scenario
from capsim.scenario.chaos import Drain, Fail
from capsim.scenario.event import TimedEvent
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.node import NodeObject
from capsim.scenario.kubernetes.pod import Container, PodTemplate, Toleration
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.manifests import NODES_FORM, node_groups
from capsim.scenario.merge import suggestion
from capsim.scenario.names import Keys
from capsim.scenario.series.scaled import scaled
from capsim.scenario.workload import UsageSpec
from capsim.units import DURATION_FORMS, cpu_milli, memory_bytes, parse_duration_ms

FORMS = {
    "node-loss": "node-loss, node-loss=3, node-loss=NODE: nodes gone at once (@10m: then)",
    "zone-loss": "zone-loss, zone-loss=ZONE: all nodes of a zone gone at once (@10m: then)",
    "drain": "drain=NODE: cordoned and drained (@10m: then)",
    "traffic": "traffic=1.5x, traffic.SERVICE=2x: traffic and recorded use times a factor",
    "hpa": "hpa.target=60, hpa.min=2, hpa.max=20, hpa.NAME.max=20: a field of every or one HPA",
    "nodes": "nodes=8x4cpu-16Gi (3..8x… grows): other nodes; nodes.GROUP=5: the size of a group",
    "replicas": "replicas.WORKLOAD=5: spec.replicas",
    "daemonset": "daemonset=+200Mi, +100m or +100m,+200Mi: one more DaemonSet on every node",
}
"""Every kind of change, and how it is written."""
EXTRA = "capsim-whatif"


@dataclass
class Changed:
    """A scenario after a change, what it is called, and what has to be known about it."""

    scenario: Scenario
    title: str
    baseline: Scenario
    """What it is compared with: the scenario before, started in the same way."""
    notes: list[str] = field(default_factory=list)


def changed(scenario: Scenario, texts: list[str]) -> Changed:
    """The scenario with all changes, one after another. Raises ScenarioError for a text that is none."""
    result = Changed(scenario, " ".join(texts), scenario)
    for text in texts:
        _apply(text, result)
    return result


def _apply(text: str, result: Changed) -> None:
    path, separator, value = text.partition("=")
    value, _, at = value.partition("@")
    if not separator:
        path, _, at = path.partition("@")
    kind, _, name = path.partition(".")
    change = _CHANGES.get(kind)
    if change is None:
        raise _problem(f"no such change{suggestion(kind, list(_CHANGES))}", text, "; ".join(FORMS.values()))
    change(_Asked(text, kind, name, value, at), result)


@dataclass(frozen=True)
class _Asked:
    """`kind.name=value@at`, as it was written."""

    text: str
    kind: str
    name: str
    value: str
    at: str

    def fail(self, message: str = "not understood", found: str = "") -> ScenarioError:
        """The problem with this change."""
        return _problem(message, found or self.text, FORMS[self.kind])

    def at_ms(self, scenario: Scenario) -> int:
        """When it happens: as written, else after a quarter of the run."""
        if not self.at:
            return scenario.duration_ms // 4
        try:
            return parse_duration_ms(self.at)
        except ValueError:
            raise _problem("not a time", self.at, DURATION_FORMS) from None


def _problem(message: str, found: str, allowed: str) -> ScenarioError:
    return ScenarioError(Problem(message, "whatif", None, "", repr(found), allowed))


# ------------------------------------------------------------------------------------------------------ nodes that go


def start_nodes(scenario: Scenario) -> dict[str, tuple[str, str]]:
    """Nodes of the start: name -> (node group, zone)."""
    found: dict[str, tuple[str, str]] = {}
    zones = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
    for node in scenario.objects.nodes:
        zone = next((node.labels[key] for key in zones if key in node.labels), "")
        found[node.name] = (node.group or "", zone)
    members = Counter(group for group, _ in found.values())
    for group in scenario.node_groups:
        for index in range(1, 1 + group.initial - members[group.name]):
            zone = group.zones[(index - 1) % len(group.zones)] if group.zones else ""
            found[group.node_name(index)] = (group.name, zone)
    return found


def _fullest(scenario: Scenario, nodes: dict[str, tuple[str, str]]) -> list[str]:
    """Node names, those with the most recorded pods first, then those of the largest group."""
    pods: Counter[str] = Counter()
    for placed in scenario.placement.values():
        pods.update(placed)
    sizes = Counter(group for group, _ in nodes.values())
    return sorted(nodes, key=lambda name: (-pods[name], -sizes[nodes[name][0]]))


def _node_loss(asked: _Asked, result: Changed) -> None:
    nodes = start_nodes(result.scenario)
    if asked.value in ("", *map(str, range(1, 100_000))):
        count = int(asked.value or 1)
        if count > len(nodes):
            raise asked.fail(f"there are {len(nodes)} nodes at the start", asked.value)
        names = _fullest(result.scenario, nodes)[:count]
    elif asked.value in nodes:
        names = [asked.value]
    else:
        raise asked.fail("no such node" + suggestion(asked.value, list(nodes)[:1000]), asked.value)
    _fail_nodes(asked, result, names)
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    result.notes.append(f"lost after {span(asked.at_ms(result.scenario) / 1000)}: {shown}")


def _zone_loss(asked: _Asked, result: Changed) -> None:
    nodes = start_nodes(result.scenario)
    zones = Counter(zone for _, zone in nodes.values() if zone)
    if not zones:
        raise asked.fail("no node has a zone (nodeGroups.zones, or the label topology.kubernetes.io/zone)")
    zone = asked.value or zones.most_common(1)[0][0]
    if zone not in zones:
        raise asked.fail("no such zone" + suggestion(zone, list(zones)), zone)
    _fail_nodes(asked, result, [name for name, (_, at) in nodes.items() if at == zone])
    when = span(asked.at_ms(result.scenario) / 1000)
    result.notes.append(f"zone {zone} ({zones[zone]} of {len(nodes)} nodes) lost after {when}")
    if result.scenario.cluster_autoscaler is not None:
        result.notes.append("new nodes may come up in that zone again: that a zone stays closed is not modelled")


def _fail_nodes(asked: _Asked, result: Changed, names: list[str]) -> None:
    at_ms = asked.at_ms(result.scenario)
    events = [TimedEvent(at_ms=at_ms, fail=Fail(node=name)) for name in names]
    result.scenario = result.scenario.model_copy(update={"events": [*result.scenario.events, *events]})


def _drain(asked: _Asked, result: Changed) -> None:
    nodes = start_nodes(result.scenario)
    if asked.value not in nodes:
        raise asked.fail("no such node" + suggestion(asked.value, list(nodes)[:1000]), asked.value)
    event = TimedEvent(at_ms=asked.at_ms(result.scenario), drain=Drain(node=asked.value))
    result.scenario = result.scenario.model_copy(update={"events": [*result.scenario.events, event]})


# ------------------------------------------------------------------------------------------------------------ traffic


def _traffic(asked: _Asked, result: Changed) -> None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(x|%)?", asked.value)
    if match is None:
        raise asked.fail()
    factor = float(match[1]) / (100 if match[2] == "%" else 1)
    result.scenario = with_traffic(result.scenario, factor, asked.name or None)


def with_traffic(scenario: Scenario, factor: float, service: str | None = None) -> Scenario:
    """The scenario with its traffic, and the CPU use that is recorded instead, times a factor; or that of one service.

    Raises ScenarioError when there is neither.
    """
    traffic, usage = dict(scenario.traffic), dict(scenario.usage)
    names = Keys([*traffic, *(key for key, spec in usage.items() if spec.cpu is not None)])
    chosen = set(names) if service is None else set(names.matching(service))
    if not chosen:
        known = ", ".join(list(names)[:10]) or "this scenario has neither traffic nor recorded CPU use"
        message = "no traffic to change" if service is None else "no traffic of that name"
        raise _problem(message, service or "traffic", known)
    for key in chosen & set(traffic):
        traffic[key] = scaled(traffic[key], factor)  # type: ignore[assignment]
    for key in chosen & set(usage):
        spec = usage[key]
        if spec.cpu is not None:
            usage[key] = UsageSpec.model_construct(cpu=scaled(spec.cpu, factor), memory=spec.memory)  # type: ignore[arg-type]
    return scenario.model_copy(update={"traffic": traffic, "usage": usage})


# ---------------------------------------------------------------------------------------------------------------- HPAs


def _hpa(asked: _Asked, result: Changed) -> None:
    name, _, field_name = asked.name.rpartition(".")
    try:
        value = int(asked.value.removesuffix("%"))
    except ValueError:
        raise asked.fail("not a whole number", asked.value) from None
    if field_name not in ("target", "min", "max") or value < 1:
        raise asked.fail()
    keys = Keys([hpa.key for hpa in result.scenario.objects.hpas])
    chosen = set(keys.matching(name)) if name else set(keys)
    if not chosen:
        raise asked.fail("no such HPA", name or "this scenario has no HPA")
    hpas = [_with_field(hpa, field_name, value) if hpa.key in chosen else hpa for hpa in result.scenario.objects.hpas]
    _update_objects(result, hpas=hpas)


def _with_field(hpa: Hpa, field_name: str, value: int) -> Hpa:
    if field_name == "max":
        return hpa.model_copy(update={"max_replicas": value, "min_replicas": min(hpa.min_replicas, value)})
    if field_name == "min":
        return hpa.model_copy(update={"min_replicas": value, "max_replicas": max(hpa.max_replicas, value)})
    return hpa.model_copy(update={"metrics": [_with_target(metric, value) for metric in hpa.metrics]})


def _with_target(metric: dict[str, Any], per_cent: int) -> dict[str, Any]:
    for part in ("resource", "containerResource"):
        body = metric.get(part)
        if body and body.get("name") == "cpu" and body["target"].get("type") == "Utilization":
            return {**metric, part: {**body, "target": {"type": "Utilization", "averageUtilization": per_cent}}}
    return metric


def _update_objects(result: Changed, **parts: Any) -> None:
    objects = result.scenario.objects.model_copy(update=parts)
    result.scenario = result.scenario.model_copy(update={"objects": objects})


# --------------------------------------------------------------------------------------------------------------- nodes


def _nodes(asked: _Asked, result: Changed) -> None:
    if asked.name:
        _group_size(asked, result)
        return
    groups, problem = node_groups(asked.value)
    if problem is not None:
        raise _problem("not a node shape", asked.value, NODES_FORM)
    from capsim.scenario.cluster import NodeGroup

    price = _price_per_core(result.scenario)
    made = [NodeGroup.model_validate(group, by_alias=True, by_name=False) for group in groups]
    if price:
        made = [g.model_copy(update={"price_per_hour_usd": price * g.instance.cpu_milli / 1000}) for g in made]
        result.notes.append(f"new nodes cost what the present ones do per CPU: {price:.4f} USD an hour")
    _update_objects(result, nodes=[])
    result.scenario = result.scenario.model_copy(update={"node_groups": made})
    _start_declared(result)


def _price_per_core(scenario: Scenario) -> float:
    """USD per hour and CPU, over the nodes of the start; 0 without prices."""
    counts = Counter(group for group, _ in start_nodes(scenario).values())
    cores = sum(counts[g.name] * g.instance.cpu_milli / 1000 for g in scenario.node_groups if g.price_per_hour_usd)
    usd = sum(counts[g.name] * g.price_per_hour_usd for g in scenario.node_groups)
    return usd / cores if cores else 0.0


def _start_declared(result: Changed) -> None:
    """Recorded places mean nothing once the nodes or what runs on them are others: both sides start as declared."""
    if result.scenario.initial_state == "recorded":
        declared = {"initial_state": "declared", "placement": {}}
        result.scenario = result.scenario.model_copy(update=declared)
        result.baseline = result.baseline.model_copy(update=declared)
        result.notes.append("on both sides pods start where the scheduler puts them, not where they were recorded")


def _group_size(asked: _Asked, result: Changed) -> None:
    groups = {group.name: group for group in result.scenario.node_groups}
    group = groups.get(asked.name)
    if group is None:
        raise asked.fail("no such node group" + suggestion(asked.name, list(groups)), asked.name)
    if not re.fullmatch(r"[+-]?\d+", asked.value):
        raise asked.fail("not a number of nodes", asked.value)
    members = [node for node in result.scenario.objects.nodes if node.group == group.name]
    before = max(group.initial, len(members))
    count = before + int(asked.value) if asked.value[0] in "+-" else int(asked.value)
    if count < 0:
        raise asked.fail("fewer than no nodes", asked.value)
    bounds = {"initial": count, "min": min(group.min, count) if group.min < group.max else count}
    bounds["max"] = max(group.max, count) if group.min < group.max else count
    groups[asked.name] = group.model_copy(update=bounds)
    if count < len(members):
        _without_nodes(result, members[count:])
    result.scenario = result.scenario.model_copy(update={"node_groups": list(groups.values())})


def _without_nodes(result: Changed, gone: list[NodeObject]) -> None:
    names = {node.name for node in gone}
    _update_objects(result, nodes=[node for node in result.scenario.objects.nodes if node.name not in names])
    placement = {
        key: {node: count for node, count in nodes.items() if node not in names}
        for key, nodes in result.scenario.placement.items()
    }
    kept = {key: nodes for key, nodes in placement.items() if nodes}
    result.scenario = result.scenario.model_copy(update={"placement": kept})
    result.notes.append(f"pods of the {len(gone)} nodes that are not there look for a place at the start")


# ----------------------------------------------------------------------------------------------------------- workloads


def _replicas(asked: _Asked, result: Changed) -> None:
    keys = Keys([w.key for w in result.scenario.objects.workloads if w.kind != "DaemonSet"]).matching(asked.name)
    if len(keys) != 1 or not asked.value.isdigit():
        found = " or ".join(keys) if len(keys) > 1 else asked.name
        raise asked.fail("no such workload" if not keys else "not understood" if len(keys) == 1 else "ambiguous", found)
    count = int(asked.value)
    workloads = [
        w.model_copy(update={"replicas": count}) if w.key == keys[0] else w for w in result.scenario.objects.workloads
    ]
    _update_objects(result, workloads=workloads)
    placed = result.scenario.placement.get(keys[0], {})
    if sum(placed.values()) > count:
        result.scenario = result.scenario.model_copy(
            update={"placement": {k: n for k, n in result.scenario.placement.items() if k != keys[0]}}
        )


def _daemonset(asked: _Asked, result: Changed) -> None:
    requests: dict[str, int] = {}
    for part in asked.value.split(","):
        text = part.strip().removeprefix("+")
        try:
            if re.search(r"\d([KMGTPE]i?|k)?$", text) and text[-1] not in "m" and not text[-1].isdigit():
                requests["memory"] = memory_bytes(text)
            else:
                requests["cpu"] = cpu_milli(text)
        except ValueError:
            raise asked.fail("not a quantity", part) from None
    if any(amount < 0 for amount in requests.values()) or not requests:
        raise asked.fail()
    workload = Workload(
        kind="DaemonSet",
        namespace="default",
        name=EXTRA,
        replicas=0,
        selector={"matchLabels": {"app": EXTRA}},
        template=PodTemplate(
            labels={"app": EXTRA},
            containers=(Container(name="agent", requests=requests),),
            tolerations=(Toleration(operator="Exists"),),
        ),
    )
    _update_objects(result, workloads=[*result.scenario.objects.workloads, workload])
    _start_declared(result)


_CHANGES: dict[str, Callable[[_Asked, Changed], None]] = {
    "node-loss": _node_loss,
    "zone-loss": _zone_loss,
    "drain": _drain,
    "traffic": _traffic,
    "hpa": _hpa,
    "nodes": _nodes,
    "replicas": _replicas,
    "daemonset": _daemonset,
}
