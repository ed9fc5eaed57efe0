"""Takes out of a dump of a live cluster what the simulated controllers create themselves."""

from __future__ import annotations

from typing import Any

from capsim.scenario.document import SourceMap
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source

HASH_LABEL = "pod-template-hash"


def without_owned(sources: list[Source], reading: Reading) -> list[Source]:
    """All objects but the ReplicaSets and Pods whose owner is among the objects too; those are noted."""
    present = {(s.kind, s.namespace, s.name) for s in sources}
    kept = []
    for source in sources:
        owner = _owner(source) if source.kind in ("ReplicaSet", "Pod") else None
        if owner is None or not _is_present(owner, source, present):
            kept.append(source)
            continue
        reading.kinds[source.kind] = reading.kinds.get(source.kind, 0) + 1
        reading.others.append((source.kind, source.namespace, source.name, "ignored"))
        text = "created again by its owner, which is here too"
        reading.note("ignored", source.kind, text, source.content.mark, source.object_name)
    return kept


def _owner(source: Source) -> tuple[str, str] | None:
    """(kind, name) of the controller that owns an object."""
    references: Any = source.get("metadata", "ownerReferences")
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, SourceMap) and reference.get("controller"):
            return str(reference.get("kind")), str(reference.get("name"))
    return None


def _is_present(owner: tuple[str, str], source: Source, present: set[tuple[str, str, str]]) -> bool:
    kind, name = owner
    if (kind, source.namespace, name) in present:
        return True
    # The ReplicaSet may be missing from the dump while its Deployment is there: its name is <deployment>-<hash>.
    suffix = f"-{source.get('metadata', 'labels', HASH_LABEL)}"
    is_derived = kind == "ReplicaSet" and name.endswith(suffix)
    return is_derived and ("Deployment", source.namespace, name.removesuffix(suffix)) in present
