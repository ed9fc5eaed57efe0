"""Objects as an API server returns them, as short as the tests need them."""

from __future__ import annotations


def node(name, labels=None, cpu="4", memory="16Gi", taints=(), ready=True, **more):
    """A Node that keeps 100m and 1 GiB for itself."""
    capacity = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "100Gi", **more}
    allocatable = {**capacity, "cpu": f"{int(cpu) * 1000 - 100}m", "memory": f"{int(memory[:-2]) - 1}Gi"}
    status = {
        "capacity": capacity,
        "allocatable": allocatable,
        "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
    }
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {"taints": list(taints)},
        "status": status,
    }


def spec(cpu="100m", memory="128Mi", **more):
    """A pod spec of one container."""
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {"containers": [container], **more}


def workload(kind, name, replicas=2, version="apps/v1", pod=None, owner=None):
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet of shop."""
    labels = {"app": name}
    body = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod or spec()}}
    if kind != "DaemonSet":
        body["replicas"] = replicas
    metadata = {"name": name, "namespace": "shop", **owned(owner)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": body}


def owned(owner):
    """ownerReferences of (version, kind, name)."""
    if owner is None:
        return {}
    version, kind, name = owner
    return {"ownerReferences": [{"apiVersion": version, "kind": kind, "name": name, "controller": True}]}


def pod(name, on="n1", owner=None, labels=None, phase="Running", body=None, **metadata):
    """A Pod of shop."""
    inner = {**(body or spec()), **({"nodeName": on} if on else {})}
    about = {"name": name, "namespace": "shop", "labels": labels or {"app": "web"}, **owned(owner), **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": inner, "status": {"phase": phase}}


def pods(owner, count, nodes=("n1",), **more):
    """Several pods of an owner, one node after another."""
    name = owner[2]
    return [pod(f"{name}-{i}", nodes[i % len(nodes)], owner, **more) for i in range(count)]


def hpa(name, kind="Deployment", version="apps/v1", target=60, now=None):
    """An HPA on CPU."""
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
    }
    status = {}
    if now is not None:
        current = {"name": "cpu", "current": {"averageUtilization": now, "averageValue": "1"}}
        status = {"currentMetrics": [{"type": "Resource", "resource": current}]}
    body = {
        "scaleTargetRef": {"apiVersion": version, "kind": kind, "name": name},
        "maxReplicas": 9,
        "metrics": [metric],
    }
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": body,
            "status": status}  # fmt: skip
