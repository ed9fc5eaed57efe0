"""Regenerates fields.json, the names and types of the fields of the kinds that are read, from the official client.

Run it after a new Kubernetes release, in an environment that has the `kubernetes` package:

    pip install kubernetes && python -m capsim.scenario.kubernetes.update_fields
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("fields.json")
ROOTS = (
    "V1Deployment", "V1ReplicaSet", "V1DaemonSet", "V1Pod", "V1Service", "V1HorizontalPodAutoscaler",
    "V2HorizontalPodAutoscaler", "V1PodDisruptionBudget", "V1PriorityClass", "V1Namespace", "V1Node", "V1StatefulSet",
    "V1Job", "V1CronJob", "V1LimitRange", "V1ResourceQuota",
    "V1PersistentVolumeClaim", "V1PersistentVolume", "V1StorageClass", "V1CSINode",
    "V1Ingress", "V1IngressClass",
)  # fmt: skip
QUANTITIES = {
    "requests", "limits", "overhead", "capacity", "allocatable", "sizeLimit", "divisor", "averageValue", "tolerance",
    "targetAverageValue", "default", "defaultRequest", "max", "min", "maxLimitRequestRatio", "hard",
}  # fmt: skip
"""The client types quantities as strings; the API takes numbers too."""
SIMPLE = {"str": "string", "int": "integer", "bool": "boolean", "object": "any", "datetime": "any", "float": "number"}
NOT_READ = re.compile(r"^V\d\w*Status$|^V1ObjectMeta$")


def _reference(client_type: str, field: str, owner: str) -> str:
    """`List[V1Container]` -> `[]Container`; what is not read becomes `any`."""
    if match := re.fullmatch(r"[Ll]ist\[(.*)\]", client_type):
        return "[]" + _reference(match[1], field, owner)
    if match := re.fullmatch(r"[Dd]ict[\[(]str, (.*)[\])]", client_type):
        return "{}" + _reference(match[1], field, owner)
    if client_type == "str" and (field in QUANTITIES or (field == "value" and owner == "V2MetricTarget")):
        return "quantity"
    if client_type == "V1NodeStatus":
        return "NodeStatus"
    return SIMPLE.get(client_type) or ("any" if NOT_READ.match(client_type) else _short(client_type))


def _short(name: str) -> str:
    return name.removeprefix("V1") if name != "V1HorizontalPodAutoscaler" else name


def table(client: Any) -> dict[str, dict[str, str]]:
    """Type -> field -> type reference, for everything reachable from the kinds that are read."""
    found: dict[str, dict[str, str]] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if _short(name) in found:
            continue
        model = getattr(client, name)
        keys = model.attribute_map
        fields = {keys[a]: _reference(t, keys[a], name) for a, t in model.openapi_types.items()}
        if name == "V1NodeStatus":
            fields = {key: kind if kind == "{}quantity" else "any" for key, kind in fields.items()}
        found[_short(name)] = dict(sorted(fields.items()))
        references = [t for a, t in model.openapi_types.items() if fields[keys[a]] != "any"]
        waiting += [
            inner for t in references for inner in re.findall(r"\b(?:Core)?V\d\w+", t) if hasattr(client, inner)
        ]
    return {key: value for key, value in sorted(found.items()) if key != "NodeStatus" or value}


def main() -> None:
    """Writes fields.json beside this file."""
    client = importlib.import_module("kubernetes.client")
    version = importlib.import_module("kubernetes").__version__
    source = f"kubernetes-client/python {version} (Apache-2.0)"
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in table(client).items())
    FILE.write_text(f'{{"source": {json.dumps(source)}, "types": {{\n{lines}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
