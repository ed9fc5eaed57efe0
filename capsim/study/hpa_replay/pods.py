"""What one pod of the target requests and may use: from a manifest, or a line such as ``cpu=200m,limits.cpu=1``."""

from __future__ import annotations

import os
from typing import Any

from capsim.controllers.hpa.requests import MILLI
from capsim.errors import Problem, ScenarioError
from capsim.scenario.apply import sourced
from capsim.scenario.document import Mark, SourceList, SourceMap
from capsim.scenario.files import read_documents
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, identified

FORM = "a manifest with the target, or requests and limits such as cpu=200m,memory=64Mi,limits.cpu=500m"
KEYS = ("cpu", "memory", "limits.cpu", "limits.memory")


def read_sources(path: str, option: str, reading: Reading) -> list[Source]:
    """Objects of a manifest; problems go to ``reading``."""
    documents = read_documents(path, Mark("", 0))
    reading.problems += documents.problems
    found: list[Source] = []
    for document in documents.documents:
        found += identified(document, (SourceList([document], Mark(path, 1)), 0), reading)
    if not found and not reading.problems:
        reading.problems.append(Problem("holds no Kubernetes object", path, key=option, allowed=FORM))
    return found


def is_line(text: str) -> bool:
    """Whether ``--pods`` holds requests and limits, and not a path."""
    return "=" in text and not os.path.exists(text)


def resources_of(text: str) -> dict[str, dict[str, str]]:
    """``cpu=200m,limits.cpu=1`` as the resources of a container. Raises ScenarioError."""
    found: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for part in text.split(","):
        key, separator, value = part.strip().partition("=")
        if not separator or key.removeprefix("requests.") not in KEYS:
            problems.append(Problem("not a request or limit", key="--pods", found=repr(part), allowed=", ".join(KEYS)))
            continue
        kind, _, resource = key.rpartition(".")
        found.setdefault(kind or "requests", {})[resource] = value
    if problems:
        raise ScenarioError(problems)
    return found


def stand_in(target: Any, namespace: str, resources: dict[str, dict[str, str]]) -> Source:
    """A Deployment of the target's name with one container, for a target whose manifest is not given."""
    name = target.get("name") if isinstance(target, SourceMap) else None
    name = name if isinstance(name, str) and name else "target"
    labels = {"app": name}
    container = {"name": name, "resources": resources}
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    content = sourced(document, Mark("--pods", 0))
    return Source("apps", "Deployment", namespace, name, content)


def limit_milli(template: PodTemplate, resource: str, container: str | None = None) -> int:
    """Limit of one pod (or one container) in milli-cores or milli-bytes; 0: at least one container has none."""
    factor = MILLI.get(resource, 1000)
    if container is None and resource in template.pod_limits:
        return template.pod_limits[resource] * factor
    running = (*template.containers, *(init for init in template.init_containers if init.is_sidecar))
    chosen = [one for one in running if container is None or one.name == container]
    if not chosen or any(resource not in one.limits for one in chosen):
        return 0
    return sum(one.limits[resource] for one in chosen) * factor


def bare_container(template: PodTemplate, resource: str, container: str | None = None) -> str:
    """Name of the first container without a request, as upstream's error names it."""
    running = (*template.containers, *(init for init in template.init_containers if init.is_sidecar))
    return container or next((one.name for one in running if resource not in one.requests), "")
