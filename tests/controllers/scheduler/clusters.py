"""Random clusters for tests: nodes of a few kinds, pods with every kind of rule, as plain Kubernetes objects."""

from __future__ import annotations

import random
from typing import Any

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
APPS = ("a", "b", "c")
SIZES = {"small:1": 2 * 10**7, "large:1": 2 * 10**9, "app:1": 5 * 10**8, "app:2": 7 * 10**8, "base:1": 3 * 10**8}
IMAGES = tuple(SIZES)


def node(name: str, draw: random.Random, zones: int, kinds: int) -> dict[str, Any]:
    """A node of one of ``kinds`` sizes in one of ``zones`` zones; some lack a zone, are tainted or cordoned."""
    kind = draw.randrange(kinds)
    labels = {HOST: name, "kind": f"k{kind}"}
    if draw.random() < 0.95:
        labels[ZONE] = f"z{draw.randrange(zones)}"
    spec: dict[str, Any] = {}
    if draw.random() < 0.1:
        effect = draw.choice(["NoSchedule", "PreferNoSchedule"])
        spec["taints"] = [{"key": "dedicated", "value": "x", "effect": effect}]
    if draw.random() < 0.03:
        spec["unschedulable"] = True
    cpu = (2, 4, 8, 16)[kind % 4]
    allocatable = {"cpu": str(cpu), "memory": f"{4 * cpu}Gi", "pods": str(draw.choice([8, 30, 110]))}
    images = [{"names": [name], "sizeBytes": size} for name, size in SIZES.items() if draw.random() < 0.2]
    status = {"allocatable": allocatable, "images": images}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": status}


def term(draw: random.Random) -> dict[str, Any]:
    """A pod affinity term."""
    selector = {"matchLabels": {"app": draw.choice(APPS)}}
    return {"labelSelector": selector, "topologyKey": draw.choice([ZONE, HOST, HOST])}


def constraint(draw: random.Random, app: str) -> dict[str, Any]:
    """A spread constraint of a pod."""
    return {
        "maxSkew": draw.choice([1, 1, 2, 4]),
        "topologyKey": draw.choice([ZONE, HOST]),
        "whenUnsatisfiable": draw.choice(["DoNotSchedule", "ScheduleAnyway", "ScheduleAnyway"]),
        "labelSelector": {"matchLabels": {"app": draw.choice([app, app, *APPS])}},
        "nodeTaintsPolicy": draw.choice(["Honor", "Ignore"]),
    }


def pod(name: str, draw: random.Random) -> dict[str, Any]:
    """A pod with any mixture of rules."""
    app = draw.choice(APPS)
    requests = {}
    if draw.random() < 0.9:
        requests["cpu"] = f"{draw.choice([0, 50, 100, 250, 500, 1000])}m"
    if draw.random() < 0.8:
        requests["memory"] = f"{draw.choice([64, 256, 512, 1024])}Mi"
    spec: dict[str, Any] = {"containers": [{"resources": {"requests": requests}}]}
    if draw.random() < 0.5:
        spec["containers"][0]["image"] = draw.choice(IMAGES)
        if draw.random() < 0.3:
            spec["containers"].append({"image": draw.choice(IMAGES)})
    affinity: dict[str, Any] = {}
    for kind, chance in (("podAffinity", 0.15), ("podAntiAffinity", 0.25)):
        if draw.random() < chance:
            affinity[kind] = {"requiredDuringSchedulingIgnoredDuringExecution": [term(draw)]}
        elif draw.random() < chance:
            preferred = [{"weight": draw.choice([1, 10, 100]), "podAffinityTerm": term(draw)}]
            affinity[kind] = {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
    if draw.random() < 0.15:
        expression = {"key": "kind", "operator": draw.choice(["In", "NotIn"]), "values": ["k0"]}
        preferred = [{"weight": 5, "preference": {"matchExpressions": [expression]}}]
        affinity["nodeAffinity"] = {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
    if affinity:
        spec["affinity"] = affinity
    if draw.random() < 0.4:
        spec["topologySpreadConstraints"] = [constraint(draw, app) for _ in range(draw.choice([1, 1, 2]))]
    if draw.random() < 0.2:
        spec["tolerations"] = [{"key": "dedicated", "operator": "Exists"}]
    if draw.random() < 0.05:
        spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 8080}]
    if draw.random() < 0.1:
        spec["nodeSelector"] = {"kind": "k1"}
    return {"metadata": {"name": name, "labels": {"app": app}}, "spec": spec}


def case(seed: int, nodes: int, kinds_of_pods: int, pods: int, zones: int = 3) -> dict[str, Any]:
    """A recording without expectations: ``pods`` pending pods of ``kinds_of_pods`` kinds; Services select some."""
    draw = random.Random(seed)
    listed = [node(f"n{i}", draw, zones, kinds=min(4, 1 + seed % 4)) for i in range(nodes)]
    kinds = [pod(f"kind-{k}", draw) for k in range(kinds_of_pods)]
    pending = []
    for i in range(pods):
        kind = draw.choice(kinds)
        pending.append({"metadata": {**kind["metadata"], "name": f"p{i}"}, "spec": kind["spec"]})
    services = [{"metadata": {"name": "a"}, "spec": {"selector": {"app": "a"}}}]
    return {"nodes": listed, "pending": pending, "services": services, "expect": {"results": []}}
