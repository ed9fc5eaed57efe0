"""The volumes of a recorded case."""

from __future__ import annotations

from collections.abc import Sequence

from capsim.conformance.scheduler_objects import Json, labels_of, namespace_of
from capsim.controllers.scheduler.volumes import VolumeBinder, VolumeUse


class VolumeBook:
    """The binder of a case, and what it says by node slot."""

    def __init__(self, case: Json) -> None:
        self.binder = VolumeBinder(
            [(node["metadata"]["name"], labels_of(node)) for node in case["nodes"]],
            case.get("persistentVolumeClaims") or [],
            case.get("persistentVolumes") or [],
            case.get("storageClasses") or [],
            case.get("csiNodes") or [],
        )
        self.drivers = self.binder.drivers
        self.limits = self.binder.limits

    def of_pod(self, pod: Json) -> VolumeUse:
        """What a pod's volumes mean."""
        return self.binder.use_of(namespace_of(pod), pod["spec"].get("volumes") or [])

    def table(self, slots: Sequence[int], rows: int) -> list[list[int]]:
        """Extras.volume: verdicts by row and slot."""
        table = []
        for verdicts in self.binder.verdicts():
            row = [-1] * rows
            for slot, verdict in zip(slots, verdicts, strict=True):
                row[slot] = verdict
            table.append(row)
        return table
