"""emptyDir volumes of a pod template."""

from __future__ import annotations

from typing import NamedTuple

from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.units import memory_bytes


class EmptyDir(NamedTuple):
    """An emptyDir volume; ``size_limit_bytes`` 0: none."""

    name: str
    on_disk: bool
    size_limit_bytes: int


def empty_dirs(template: PodTemplate) -> list[EmptyDir]:
    """The emptyDir volumes of a template in their order; those of medium Memory are not on disk."""
    found = []
    for volume in template.volumes:
        if "emptyDir" in volume:
            source = volume["emptyDir"] or {}
            limit = memory_bytes(source.get("sizeLimit") or 0)
            found.append(EmptyDir(str(volume.get("name")), source.get("medium") in (None, ""), limit))
    return found
