"""Writes the cluster of the tutorial: what kubectl prints of a small shop on EKS, and a day of its metrics.

    python -m benchmarks.first_hour scenarios/first-hour

Nothing in it is recorded from anybody: names, sizes and traffic are made up here, the same bytes every time.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from benchmarks.dump import CREATED, ZONES, metadata, owner_reference

NAMESPACE = "shop"
DAY_S, STEP_S = 86_400, 600
START = 1_772_409_600
"""2026-03-02T00:00:00Z, a Monday."""
LETTERS = "bcdfghjklmnpqrstvwxz2456789"
# name, replicas, requests (millicores, MiB), HPA (min, max, target %, now %), requests per second and CPU-ms of each
SERVICES: tuple[tuple[str, int, tuple[int, int], tuple[int, int, int, int] | None, float, float], ...] = (
    ("frontend", 6, (500, 512), (3, 16, 60, 57), 220.0, 7.0),
    ("cart", 4, (300, 256), (2, 10, 60, 55), 90.0, 6.0),
    ("checkout", 2, (400, 512), (2, 8, 60, 48), 18.0, 18.0),
    ("catalogue", 4, (500, 3072), (2, 8, 65, 60), 160.0, 7.0),
    ("payment", 2, (250, 256), None, 9.0, 12.0),
    ("emails", 1, (100, 128), None, 0.0, 0.0),
)
ON_MEMORY_NODES = ("catalogue",)
WITH_SIDECAR = ("checkout",)


def node(number: int, group: str) -> dict[str, Any]:
    """An m7i.xlarge or r7i.xlarge as EKS reports it."""
    kind, memory = ("m7i.xlarge", 15_896_788) if group == "general" else ("r7i.xlarge", 32_137_740)
    zone, name = ZONES[number % 3], f"ip-10-0-{number}-{17 + 31 * number}.eu-central-1.compute.internal"
    labels = {
        "eks.amazonaws.com/capacityType": "ON_DEMAND", "eks.amazonaws.com/nodegroup": group,
        "k8s.io/cloud-provider-aws": f"{7919 * (number + 1):032x}", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": kind,
        "topology.kubernetes.io/region": "eu-central-1", "topology.kubernetes.io/zone": zone,
    }  # fmt: skip
    capacity = {
        "cpu": "4",
        "ephemeral-storage": "20959212Ki",
        "hugepages-2Mi": "0",
        "memory": f"{memory}Ki",
        "pods": "58",
    }
    rest = {"cpu": "3920m", "ephemeral-storage": "18242267924", "memory": f"{memory - 1_017_856}Ki"}
    taints = [{"effect": "NoSchedule", "key": "pool", "value": "memory"}] if group == "memory" else []
    conditions = [{"lastTransitionTime": CREATED, "reason": "KubeletReady", "status": "True", "type": "Ready"}]
    spec: dict[str, Any] = {"providerID": f"aws:///{zone}/i-{number:017x}", **({"taints": taints} if taints else {})}
    status = {"allocatable": {**capacity, **rest}, "capacity": capacity, "conditions": conditions}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata(name, labels=labels),
        "spec": spec,
        "status": status,
    }


def container(name: str, milli: int, mib: int, **more: Any) -> dict[str, Any]:
    """A container with requests; its environment holds a password that must not get far."""
    requests = {"cpu": f"{milli}m", "memory": f"{mib}Mi"}
    env = [{"name": "DATABASE_PASSWORD", "value": "correct-horse-battery-staple"}]
    return {"env": env, "image": f"registry.example/{name}:2.4.1", "name": name,
            "resources": {"limits": {"memory": f"{mib}Mi"}, "requests": requests}, **more}  # fmt: skip


def pod_spec(name: str, milli: int, mib: int) -> dict[str, Any]:
    """The spec in a template."""
    probe = {"failureThreshold": 3, "httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}
    spec: dict[str, Any] = {
        "containers": [container(name, milli, mib, readinessProbe=probe)],
        "restartPolicy": "Always",
    }
    if name in ON_MEMORY_NODES:
        spec["nodeSelector"] = {"eks.amazonaws.com/nodegroup": "memory"}
        spec["tolerations"] = [{"effect": "NoSchedule", "key": "pool", "operator": "Equal", "value": "memory"}]
    return spec


class Cluster:
    """Objects in order; pods get the emptiest node that they may use."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.items: list[dict[str, Any]] = []
        self.used: Counter[str] = Counter()
        self.nodes: dict[str, str] = {}

    def add(self, *items: dict[str, Any]) -> None:
        """Objects as they are."""
        self.items += items

    def letters(self, count: int) -> str:
        """A suffix as Kubernetes draws it."""
        return "".join(self.chance.choice(LETTERS) for _ in range(count))

    def pods(self, owner: tuple[str, str, str], namespace: str, names: list[str], spec: dict[str, Any],
             labels: dict[str, str], nodes: list[str | None]) -> None:  # fmt: skip
        """Running pods; a node of None is chosen."""
        version, kind, name = owner
        group = "memory" if spec.get("nodeSelector") else "general"
        milli = sum(int(c["resources"]["requests"]["cpu"][:-1]) for c in spec["containers"])
        for pod, chosen in zip(names, nodes, strict=True):
            place = chosen or min((n for n, of in self.nodes.items() if of == group), key=lambda n: self.used[n])
            self.used[place] += milli
            about = metadata(pod, namespace, labels=labels, ownerReferences=[owner_reference(version, kind, name)])
            full = {**spec, "nodeName": place, "priority": 0, "schedulerName": "default-scheduler"}
            conditions = [{"lastTransitionTime": CREATED, "status": "True", "type": "Ready"}]
            status = {"conditions": conditions, "phase": "Running", "qosClass": "Burstable", "startTime": CREATED}
            self.add({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": full, "status": status})

    def deployment(
        self, name: str, namespace: str, replicas: int, spec: dict[str, Any], admitted: dict[str, Any]
    ) -> None:
        """A Deployment, its ReplicaSet and its pods; `admitted` is the spec that its pods have."""
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": spec}
        selector = {"matchLabels": labels}
        made = {"replicas": replicas, "selector": selector, "strategy": {"type": "RollingUpdate"}, "template": template}
        status = {"availableReplicas": replicas, "readyReplicas": replicas, "replicas": replicas}
        self.add({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name, namespace), "spec": made,
                  "status": status})  # fmt: skip
        revision = self.letters(9)
        both = {**labels, "pod-template-hash": revision}
        about = metadata(f"{name}-{revision}", namespace, labels=both,
                         ownerReferences=[owner_reference("apps/v1", "Deployment", name)])  # fmt: skip
        inner = {
            "replicas": replicas,
            "selector": {"matchLabels": both},
            "template": {**template, "metadata": {"labels": both}},
        }
        self.add({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": about, "spec": inner, "status": status})
        names = [f"{name}-{revision}-{self.letters(5)}" for _ in range(replicas)]
        self.pods(("apps/v1", "ReplicaSet", f"{name}-{revision}"), namespace, names, admitted, both, [None] * replicas)

    def daemonset(self, name: str, milli: int, mib: int) -> None:
        """A DaemonSet of kube-system on every node."""
        labels = {"k8s-app": name}
        spec = {"containers": [container(name, milli, mib)], "priorityClassName": "system-node-critical",
                "tolerations": [{"operator": "Exists"}]}  # fmt: skip
        made = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec},
                "updateStrategy": {"type": "RollingUpdate"}}  # fmt: skip
        self.add(
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata(name, "kube-system"), "spec": made}
        )
        names = [f"{name}-{self.letters(5)}" for _ in self.nodes]
        self.pods(("apps/v1", "DaemonSet", name), "kube-system", names, spec, labels, list(self.nodes))


def hpa(name: str, low: int, high: int, target: int, now: int) -> dict[str, Any]:
    """An HPA on CPU with its status."""
    metric = {"name": "cpu", "target": {"averageUtilization": target, "type": "Utilization"}}
    current = {"name": "cpu", "current": {"averageUtilization": now, "averageValue": "0"}}
    spec = {
        "maxReplicas": high, "metrics": [{"resource": metric, "type": "Resource"}], "minReplicas": low,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
    }  # fmt: skip
    status = {"currentMetrics": [{"resource": current, "type": "Resource"}]}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata(name, NAMESPACE),
            "spec": spec, "status": status}  # fmt: skip


def cluster() -> list[dict[str, Any]]:
    """Everything that kubectl prints."""
    made = Cluster()
    made.add(*({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(n)} for n in (NAMESPACE, "kube-system")))
    for number, group in enumerate(["general"] * 5 + ["memory"] * 2):
        made.add(node(number, group))
        made.nodes[made.items[-1]["metadata"]["name"]] = group
    for name, milli, mib in (("aws-node", 50, 128), ("kube-proxy", 100, 64), ("node-exporter", 20, 64)):
        made.daemonset(name, milli, mib)
    dns = {"containers": [container("coredns", 100, 70)], "priorityClassName": "system-cluster-critical"}
    made.deployment("coredns", "kube-system", 2, dns, dns)
    scaler = {"containers": [container("cluster-autoscaler", 100, 600)], "priorityClassName": "system-cluster-critical"}
    scaler["containers"][0]["image"] = "registry.k8s.io/autoscaling/cluster-autoscaler:v1.33.0"  # type: ignore[index]
    scaler["containers"][0]["command"] = [  # type: ignore[index]
        "./cluster-autoscaler", "--cloud-provider=aws", "--expander=least-waste", "--scale-down-unneeded-time=5m",
        "--nodes=3:9:eks-general-8ec1f0a2", "--nodes=2:4:eks-memory-c4d1b7e9", "--v=4",
    ]  # fmt: skip
    made.deployment("cluster-autoscaler", "kube-system", 1, scaler, scaler)
    for name, replicas, (milli, mib), scaling, _, _ in SERVICES:
        spec = pod_spec(name, milli, mib)
        sidecar = {"containers": [*spec["containers"], container("proxy", 100, 128)]} if name in WITH_SIDECAR else {}
        made.deployment(name, NAMESPACE, replicas, spec, {**spec, **sidecar})
        service = {"ports": [{"port": 80, "targetPort": 8080}], "selector": {"app": name}, "type": "ClusterIP"}
        made.add({"apiVersion": "v1", "kind": "Service", "metadata": metadata(name, NAMESPACE), "spec": service})
        if scaling is not None:
            budget = {"minAvailable": "50%", "selector": {"matchLabels": {"app": name}}}
            made.add(hpa(name, *scaling), {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                     "metadata": metadata(name, NAMESPACE), "spec": budget})  # fmt: skip
    redis(made)
    finished(made)
    made.add(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "data": {"LOG_LEVEL": "info"},
            "metadata": metadata("settings", NAMESPACE),
        }
    )
    for number, item in enumerate(made.items):
        item["metadata"]["uid"] = f"{number:08x}-0000-4000-8000-{104729 * (number + 1):012x}"
    return made.items


def redis(made: Cluster) -> None:
    """A StatefulSet of three."""
    labels = {"app": "redis"}
    spec = {"containers": [container("redis", 300, 1024)],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-redis-0"}}]}  # fmt: skip
    inner = {"containers": spec["containers"]}
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}}},
    }
    made.add({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata("redis", NAMESPACE), "spec": {
        "replicas": 3, "selector": {"matchLabels": labels}, "serviceName": "redis",
        "template": {"metadata": {"labels": labels}, "spec": inner}, "volumeClaimTemplates": [claim]}})  # fmt: skip
    names = [f"redis-{i}" for i in range(3)]
    made.pods(("apps/v1", "StatefulSet", "redis"), NAMESPACE, names, spec, labels, [None] * 3)


def finished(made: Cluster) -> None:
    """A CronJob, and the pod of its last run."""
    inner = {"containers": [container("report", 500, 512)], "restartPolicy": "Never"}
    job = {"spec": {"template": {"spec": inner}}}
    made.add({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata("report", NAMESPACE),
              "spec": {"jobTemplate": job, "schedule": "0 3 * * *"}})  # fmt: skip
    about = metadata("report-29540700", NAMESPACE, ownerReferences=[owner_reference("batch/v1", "CronJob", "report")])
    made.add({"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": {"template": {"spec": inner}}})
    before = len(made.items)
    made.pods(("batch/v1", "Job", "report-29540700"), NAMESPACE, ["report-29540700-x7k2p"], inner, {}, [None])
    made.items[before]["status"]["phase"] = "Succeeded"


def history() -> list[str]:
    """A Monday in steps of ten minutes: requests follow the day, CPU follows the requests."""
    chance = random.Random(11)
    rows = ["time,namespace,workload,metric,value"]
    for second in range(0, DAY_S, STEP_S):
        hour = second / 3600
        day = 0.55 - 0.4 * math.cos((hour - 4) / 24 * 2 * math.pi) + 0.25 * math.exp(-(((hour - 20) / 1.2) ** 2))
        for name, _, (_, mib), _, peak, cost in SERVICES:
            rps = peak * day * chance.uniform(0.96, 1.04)
            cpu = 0.04 + rps * cost / 1000 * chance.uniform(0.97, 1.03)
            memory = mib * 2**20 * (0.55 + 0.1 * day)
            for metric, value in (("rps", rps), ("cpu", cpu), ("memory", memory)):
                if metric != "rps" or peak:
                    rows.append(f"{START + second},{NAMESPACE},{name},{metric},{value:.6g}")
    return rows


def texts() -> dict[str, str]:
    """The files by name."""
    listed = {"apiVersion": "v1", "items": cluster(), "kind": "List", "metadata": {"resourceVersion": ""}}
    dump = yaml.dump(listed, Dumper=_Plain, default_flow_style=False, width=10_000)
    return {"cluster.yaml": dump, "history.csv": "\n".join(history()) + "\n"}


class _Plain(yaml.SafeDumper):
    """Writes shared values in full, as kubectl does."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main() -> None:
    """Command line: the folder to write to."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
