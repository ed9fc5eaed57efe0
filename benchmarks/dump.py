"""Generates what `kubectl get nodes,pods,deploy,… -A -o yaml` prints of a cluster: any size, the same bytes every time.

    python -m benchmarks.dump --nodes 5000 --pods 100000 --out /tmp/dump.yaml     (or .json)

The objects carry what those of a live EKS cluster do (status, owner references, injected volumes and tolerations), so
that a dump is as long as a real one: about 4 kB of YAML a pod.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CREATED = "2026-03-02T08:15:30Z"
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
SHAPES = ((250, 512), (500, 1024), (100, 256), (1000, 2048), (200, 768))
"""Requests of the workloads in turn: millicores and MiB."""


@dataclass(frozen=True)
class Plan:
    """How large the cluster is."""

    nodes: int
    pods: int
    pods_of_workload: int = 50
    seed: int = 1


def metadata(name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    """Metadata as the API server fills it."""
    place = {"namespace": namespace} if namespace else {}
    return {"creationTimestamp": CREATED, "name": name, **place, "resourceVersion": "184467", "uid": "@UID@", **more}


def node(number: int) -> dict[str, Any]:
    """An m7i.4xlarge of an EKS managed node group; every tenth is one of a second group."""
    group = "memory" if number % 10 == 9 else "general"
    kind = "r7i.4xlarge" if group == "memory" else "m7i.4xlarge"
    memory = 130_000_000 if group == "memory" else 64_000_000
    name = f"ip-10-{number // 65536}-{number // 256 % 256}-{number % 256}.eu-central-1.compute.internal"
    zone = ZONES[number % 3]
    labels = {
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/instance-type": kind, "beta.kubernetes.io/os": "linux",
        "eks.amazonaws.com/capacityType": "ON_DEMAND", "eks.amazonaws.com/nodegroup": group,
        "failure-domain.beta.kubernetes.io/region": "eu-central-1", "failure-domain.beta.kubernetes.io/zone": zone,
        "k8s.io/cloud-provider-aws": f"{number:032x}", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": kind,
        "topology.kubernetes.io/region": "eu-central-1", "topology.kubernetes.io/zone": zone,
    }  # fmt: skip
    capacity = {"cpu": "16", "ephemeral-storage": "104845292Ki", "hugepages-2Mi": "0", "memory": f"{memory}Ki"}
    allocatable = {**capacity, "cpu": "15890m", "ephemeral-storage": "95551679124", "memory": f"{memory - 3_200_000}Ki"}
    conditions = [
        {"lastHeartbeatTime": CREATED, "lastTransitionTime": CREATED, "message": "kubelet is posting ready status",
         "reason": "KubeletReady", "status": "True", "type": "Ready"},
    ]  # fmt: skip
    images = [{"names": [f"registry.example/app-{i}@sha256:{i:064x}"], "sizeBytes": 100_000_000 + i} for i in range(20)]
    status = {
        "addresses": [{"address": name, "type": "Hostname"}], "allocatable": {**allocatable, "pods": "110"},
        "capacity": {**capacity, "pods": "110"}, "conditions": conditions, "images": images,
        "nodeInfo": {"architecture": "amd64", "kubeletVersion": "v1.33.1-eks-7308294", "osImage": "Amazon Linux 2023"},
    }  # fmt: skip
    spec = {"providerID": f"aws:///{zone}/i-{number:017x}"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata(name, labels=labels),
        "spec": spec,
        "status": status,
    }


def template(name: str, cpu_milli: int, memory_mib: int) -> dict[str, Any]:
    """A pod template with one container, probes, a secret in its environment and a config volume."""
    container = {
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DATABASE_PASSWORD", "value": "hunter2-hunter2"}],
        "image": f"registry.example/{name}:1.24.7", "imagePullPolicy": "IfNotPresent",
        "livenessProbe": {"failureThreshold": 3, "httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 10},
        "name": "app", "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "readinessProbe": {"failureThreshold": 3, "httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5},
        "resources": {"limits": {"memory": f"{memory_mib}Mi"},
                      "requests": {"cpu": f"{cpu_milli}m", "memory": f"{memory_mib}Mi"}},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "volumeMounts": [{"mountPath": "/etc/app", "name": "config"}],
    }  # fmt: skip
    spec = {
        "containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": "Always",
        "schedulerName": "default-scheduler", "securityContext": {}, "terminationGracePeriodSeconds": 30,
        "volumes": [{"configMap": {"defaultMode": 420, "name": f"{name}-config"}, "name": "config"}],
    }  # fmt: skip
    return {"metadata": {"creationTimestamp": None, "labels": {"app": name}}, "spec": spec}


def deployment(name: str, namespace: str, replicas: int, cpu_milli: int, memory_mib: int) -> dict[str, Any]:
    """A Deployment with all of its replicas available."""
    spec = {
        "progressDeadlineSeconds": 600, "replicas": replicas, "revisionHistoryLimit": 10,
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"},
        "template": template(name, cpu_milli, memory_mib),
    }  # fmt: skip
    status = {"availableReplicas": replicas, "observedGeneration": 3, "readyReplicas": replicas, "replicas": replicas}
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name, namespace)}
    return {**head, "spec": spec, "status": status}


def replica_set(owner: dict[str, Any], revision: str) -> dict[str, Any]:
    """The ReplicaSet behind a Deployment."""
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    made = json.loads(json.dumps(owner))
    made["kind"] = "ReplicaSet"
    made["metadata"] = metadata(
        f"{name}-{revision}", namespace, labels={"app": name, "pod-template-hash": revision},
        ownerReferences=[owner_reference("apps/v1", "Deployment", name)],
    )  # fmt: skip
    made["spec"] = {key: made["spec"][key] for key in ("replicas", "selector", "template")}
    return made


def owner_reference(version: str, kind: str, name: str) -> dict[str, Any]:
    """Who controls an object."""
    return {
        "apiVersion": version,
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": kind,
        "name": name,
        "uid": "u",
    }


def pod(owner: dict[str, Any], revision: str) -> dict[str, Any]:
    """A Running pod of a Deployment; `@NAME@` and `@NODE@` stand for its name and its node."""
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    made = json.loads(json.dumps(owner["spec"]["template"]))
    spec = made["spec"]
    token = {
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        "name": "kube-api-access-x",
        "readOnly": True,
    }
    spec["containers"][0]["volumeMounts"].append(token)
    sources = [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
               {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}}]  # fmt: skip
    spec["volumes"].append({"name": "kube-api-access-x", "projected": {"defaultMode": 420, "sources": sources}})
    spec["nodeName"], spec["priority"], spec["preemptionPolicy"] = "@NODE@", 0, "PreemptLowerPriority"
    spec["tolerations"] = [
        {"effect": "NoExecute", "key": f"node.kubernetes.io/{what}", "operator": "Exists", "tolerationSeconds": 300}
        for what in ("not-ready", "unreachable")
    ]
    conditions = [
        {"lastProbeTime": None, "lastTransitionTime": CREATED, "status": "True", "type": kind}
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    statuses = [
        {"containerID": "containerd://" + "0123456789abcdef" * 4, "image": spec["containers"][0]["image"],
         "imageID": "registry.example/app@sha256:" + "0123456789abcdef" * 4, "lastState": {}, "name": "app",
         "ready": True, "restartCount": 0, "started": True, "state": {"running": {"startedAt": CREATED}}},
    ]  # fmt: skip
    status = {
        "conditions": conditions, "containerStatuses": statuses, "hostIP": "10.0.0.1", "phase": "Running",
        "podIP": "10.1.2.3", "qosClass": "Burstable", "startTime": CREATED,
    }  # fmt: skip
    about = metadata(
        "@NAME@", namespace, generateName=f"{name}-{revision}-", labels={"app": name, "pod-template-hash": revision},
        ownerReferences=[owner_reference("apps/v1", "ReplicaSet", f"{name}-{revision}")],
    )  # fmt: skip
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec, "status": status}


def texts(plan: Plan, as_json: bool) -> Iterator[str]:
    """The objects as texts, items of a List; a workload's pods are one text with its names put in."""
    chance = random.Random(plan.seed)
    names = []
    for number in range(plan.nodes):
        made = node(number)
        names.append(made["metadata"]["name"])
        yield item(made, as_json)
    turn = 0
    for number in range(-(-plan.pods // plan.pods_of_workload)):
        count = min(plan.pods_of_workload, plan.pods - number * plan.pods_of_workload)
        name, namespace = f"service-{number}", f"team-{number % 40}"
        owner = deployment(name, namespace, count, *SHAPES[number % len(SHAPES)])
        revision = f"{chance.getrandbits(36):09x}"
        yield item(owner, as_json)
        yield item(replica_set(owner, revision), as_json)
        whole = item(pod(owner, revision), as_json)
        for replica in range(count):
            turn += 1
            text = whole.replace("@NAME@", f"{name}-{revision}-{replica:05d}").replace("@UID@", f"{turn:032x}")
            yield text.replace("@NODE@", names[turn * 7 % len(names)])


def item(made: dict[str, Any], as_json: bool) -> str:
    """One item of a List, as kubectl indents it."""
    if as_json:
        return "\n".join("        " + line for line in json.dumps(made, indent=4).split("\n"))
    text = yaml.dump(made, Dumper=yaml.CSafeDumper, default_flow_style=False, width=10_000)
    lines = text.rstrip("\n").split("\n")
    return "- " + "\n  ".join(lines) + "\n"


def write(plan: Plan, path: Path) -> None:
    """The whole dump as one file, YAML or JSON by its name."""
    as_json = path.suffix == ".json"
    with path.open("w", encoding="utf-8") as file:
        if as_json:
            file.write('{\n    "apiVersion": "v1",\n    "items": [\n')
            for number, text in enumerate(texts(plan, True)):
                file.write(",\n" * bool(number) + text)
            file.write('\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')
        else:
            file.write("apiVersion: v1\nitems:\n")
            file.writelines(texts(plan, False))
            file.write('kind: List\nmetadata:\n  resourceVersion: ""\n')


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    write(Plan(asked.nodes, asked.pods), asked.out)


if __name__ == "__main__":
    main()
