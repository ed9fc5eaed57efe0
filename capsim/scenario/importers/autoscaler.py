"""The Cluster Autoscaler of a dump: its flags from its Deployment, the sizes of groups from its status ConfigMap."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec, flag_name
from capsim.scenario.importers.redact import mapping, sequence

WITHOUT_EFFECT = frozenset(
    {
        "v", "logtostderr", "alsologtostderr", "stderrthreshold", "cloud-provider", "cloud-config", "kubeconfig",
        "namespace", "leader-elect", "leader-elect-lease-duration", "leader-elect-renew-deadline", "address",
        "leader-elect-resource-lock", "leader-elect-resource-name", "leader-elect-resource-namespace", "cluster-name",
        "write-status-configmap", "status-config-map-name", "profiling", "kube-client-qps", "kube-client-burst",
        "aws-use-static-instance-list", "max-inactivity", "max-failing-time", "emit-per-nodegroup-metrics",
        "record-duplicated-events", "skip_headers", "vmodule", "log-file",
    }
)  # fmt: skip
"""Flags about how it runs, not about what it decides."""
_NODES = re.compile(r"(\d+):(\d+):(.+)")
_OLD_STATUS = re.compile(r"Name:\s+(\S+)\s+Health:.*?\(minSize=(\d+), maxSize=(\d+)\)", re.DOTALL)
_NEW_STATUS = re.compile(r"- name:\s*(\S+).*?maxSize:\s*(\d+)\s*\n\s*minSize:\s*(\d+)", re.DOTALL)


class AutoscalerSeen(NamedTuple):
    """Flags by upstream's names: those that the scenario takes, and what is to be said of the others."""

    object_name: str
    flags: dict[str, Any]
    groups: dict[str, tuple[int, int]]
    """(min, max) of `--nodes=min:max:name`."""
    discovery: str
    ignored: list[str]
    not_modelled: list[str]
    guessed: list[str]


def autoscaler_seen(content: dict[str, Any]) -> AutoscalerSeen | None:
    """The flags of a Deployment that runs the Cluster Autoscaler, else None. Only known flags are kept."""
    metadata, spec = mapping(content.get("metadata")), mapping(content.get("spec"))
    pod = mapping(mapping(spec.get("template")).get("spec"))
    for container in sequence(pod.get("containers")):
        words = [str(w) for key in ("command", "args") for w in sequence(mapping(container).get(key))]
        image = str(mapping(container).get("image", ""))
        if re.search(r"(^|/)cluster-autoscaler([:@-]|$)", image) or any(
            w.endswith("cluster-autoscaler") for w in words[:3]
        ):
            name = f"{metadata.get('namespace', 'default')}/Deployment/{metadata.get('name')}"
            return _flags(name, words)
    return None


def _flags(name: str, words: list[str]) -> AutoscalerSeen:
    seen = AutoscalerSeen(name, {}, {}, "", [], [], [])
    known = {flag_name(attribute) for attribute in ClusterAutoscalerSpec.model_fields}
    discovery = ""
    at = 0
    while at < len(words):
        flag, joined, value = words[at].partition("=")
        at += 1
        if not flag.startswith("-") or flag.strip("-") == "":
            continue
        flag = flag.lstrip("-")
        if not joined and at < len(words) and not words[at].startswith("-"):
            value, joined = words[at], "="
            at += 1
        value = value.strip().strip("\"'")
        if flag == "nodes" and (match := _NODES.fullmatch(value)):
            seen.groups[match[3]] = (int(match[1]), int(match[2]))
        elif flag == "node-group-auto-discovery":
            discovery = value
        elif flag in known:
            _known(flag, value if joined else "true", seen)
        elif flag in WITHOUT_EFFECT:
            seen.ignored.append(flag)
        else:
            seen.not_modelled.append(flag)
    return seen._replace(discovery=discovery)


def _known(flag: str, text: str, seen: AutoscalerSeen) -> None:
    value = _value(text)
    try:
        ClusterAutoscalerSpec.model_validate({flag: value}, by_alias=True, by_name=False)
    except ValueError:
        if flag == "expander":
            seen.guessed.append(f"expander {text} is not modelled: least-waste stands for it")
        else:
            seen.not_modelled.append(flag)
        return
    seen.flags[flag] = value


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else text


def group_sizes(status: str) -> dict[str, tuple[int, int]]:
    """(min, max) of each node group in the status that the Cluster Autoscaler writes (text up to 1.29, YAML since)."""
    old = {name: (int(low), int(high)) for name, low, high in _OLD_STATUS.findall(status)}
    new = {name: (int(low), int(high)) for name, high, low in _NEW_STATUS.findall(status)}
    return new or old
