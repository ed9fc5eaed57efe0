"""Volumes of pods: which nodes their claims leave, what they attach, and the binding of claims to volumes.

Bound claims restrict to the volume's node affinity and zone labels; unbound ones of a WaitForFirstConsumer class to
nodes where a volume is available or can be provisioned; ReadWriteOncePod claims serve one pod; drivers limit how many
volumes a node attaches.

Source: kube-scheduler v1.34.1, plugins/volumebinding (binder.go), plugins/volumezone, plugins/volumerestrictions,
plugins/nodevolumelimits/csi.go. Not modelled: storage capacity tracking, in-tree volumes and their migration, a volume
that two pods of one node share (it is counted twice against the limit).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capsim.controllers.scheduler.messages import UNBOUND
from capsim.controllers.scheduler.reasons import PASS, REASON_BIND, REASON_VOLUME_NODE, REASON_VOLUME_ZONE
from capsim.controllers.scheduler.shapes import NODE_NAME, REGIONS, ZONES
from capsim.controllers.scheduler.static import term_matches
from capsim.scenario.kubernetes.labels import selects
from capsim.units import memory_bytes

Json = Mapping[str, Any]
Key = tuple[str, str]
"""Namespace and name of a claim."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"
ONE_POD = "ReadWriteOncePod"


@dataclass(frozen=True)
class VolumeUse:
    """What the volumes of a pod mean for its class."""

    row: int = -1
    """Row of Extras.volume, -1: no claims."""
    attach: tuple[int, ...] = ()
    claims: tuple[int, ...] = ()
    blocked: str | None = None
    """Why no node is even tried."""


class VolumeBinder:
    """Claims, volumes and storage classes of a cluster; ``nodes`` are (name, labels)."""

    def __init__(
        self,
        nodes: Sequence[tuple[str, Mapping[str, str]]],
        claims: Sequence[Json] = (),
        volumes: Sequence[Json] = (),
        classes: Sequence[Json] = (),
        csi_nodes: Sequence[Json] = (),
    ) -> None:
        self.nodes = [{**labels, NODE_NAME: name} for name, labels in nodes]
        self.claims = {(c["metadata"].get("namespace") or "default", c["metadata"]["name"]): c for c in claims}
        self.volumes = {v["metadata"]["name"]: v for v in volumes}
        self.classes = {c["metadata"]["name"]: c for c in classes}
        self.drivers = sorted(
            {v["spec"]["csi"]["driver"] for v in volumes if v["spec"].get("csi")}
            | {driver["name"] for node in csi_nodes for driver in (node.get("spec") or {}).get("drivers") or []}
        )
        self._limits = {node["metadata"]["name"]: (node.get("spec") or {}).get("drivers") or [] for node in csi_nodes}
        self._numbers = {key: i for i, key in enumerate(self.claims)}
        self._bound = {
            key: claim["spec"]["volumeName"] for key, claim in self.claims.items() if claim["spec"].get("volumeName")
        }
        self._provisioned: set[tuple[str, str]] = set()
        self.made: dict[str, Json] = {}
        """Volumes that were provisioned in a run; ``volumes`` are those of the start."""
        self.used: list[tuple[tuple[str, str], ...]] = []
        """Claims behind every row of the table."""

    def use_of(self, namespace: str, volumes: Sequence[Json]) -> VolumeUse:
        """What a pod's volumes mean; a row is added for every set of claims."""
        names = [v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")]
        if not names:
            return VolumeUse()
        keys = tuple((namespace, name) for name in names)
        for key in keys:
            if key not in self.claims:
                return VolumeUse(blocked=f'persistentvolumeclaim "{key[1]}" not found')
            if key not in self._bound and not self._waits(key):
                return VolumeUse(blocked=UNBOUND)
        if keys not in self.used:
            self.used.append(keys)
        attach = [0] * len(self.drivers)
        for key in keys:
            driver = self.driver(key)
            if driver in self.drivers:
                attach[self.drivers.index(driver)] += 1
        exclusive = [self._numbers[k] for k in keys if ONE_POD in (self.claims[k]["spec"].get("accessModes") or [])]
        return VolumeUse(self.used.index(keys), tuple(attach), tuple(exclusive))

    def limits(self, node: str) -> list[int]:
        """Most volumes of each driver on a node, -1: no limit."""
        counts = {d["name"]: (d.get("allocatable") or {}).get("count") for d in self._limits.get(node, [])}
        found = {name: int(count) for name, count in counts.items() if count is not None}
        return [found.get(driver, -1) for driver in self.drivers]

    def verdicts(self) -> list[list[int]]:
        """[row][node]: PASS, or the reason why the node cannot have the claims of the row."""
        return [[self.verdict(keys, labels) for labels in self.nodes] for keys in self.used]

    def bind(self, row: int, node: int) -> bool:
        """A pod with the claims of ``row`` was placed on ``node``: bind what was unbound; returns whether any was."""
        chosen = self._choices(self.used[row], self.nodes[node])
        for key, volume in (chosen or {}).items():
            if volume is None:
                self._provisioned.add(key)
            else:
                self._bound[key] = volume
        return bool(chosen)

    def is_bound(self, key: Key) -> bool:
        """Whether a claim has its volume."""
        return key in self._bound

    def bind_on(self, keys: Sequence[Key], labels: Mapping[str, str], kept: Mapping[Key, Sequence[str]]) -> bool:
        """Bind the open claims of ``keys`` for a node with ``labels``; what is provisioned can be used where the labels
        ``kept`` of a claim have the same values. Returns whether a volume was provisioned."""
        chosen = self._choices(keys, labels) or {}
        for key, volume in chosen.items():
            if volume is None:
                self.provision(key, labels, kept[key])
            else:
                self._bound[key] = volume
        return None in chosen.values()

    def bind_at_once(self, key: Key) -> bool:
        """Immediate binding to the smallest volume that serves a claim, wherever it is: whether there is one."""
        volume = self._smallest(key, None, {*self._bound.values()})
        if volume is not None:
            self._bound[key] = volume
        return volume is not None

    def provision(self, key: Key, labels: Mapping[str, str], kept: Sequence[str]) -> None:
        """A new volume for a claim, for nodes that have the labels ``kept`` in common with ``labels``."""
        spec = self.claims[key]["spec"]
        storage = self.classes[spec.get("storageClassName") or ""]
        about: dict[str, Any] = {"capacity": dict(spec.get("resources", {}).get("requests") or {})}
        about["csi"] = {"driver": storage["provisioner"]}
        asked = [{"key": k, "operator": "In", "values": [labels[k]]} for k in kept if k in labels]
        if asked:
            about["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": asked}]}}
        name = f"pvc/{key[0]}/{key[1]}"
        self.made[name] = {"metadata": {"name": name}, "spec": about}
        self._bound[key] = name

    def where(self, keys: Sequence[Key]) -> str:
        """Where the volumes of bound claims can be used, as text; claims without a volume here are bound anywhere."""
        found = []
        for key in keys:
            volume = self.volume(key)
            if volume is not None:
                labels = volume["metadata"].get("labels") or {}
                zones = [(name, labels[name]) for name in (*ZONES, *REGIONS) if name in labels]
                found.append((volume["spec"].get("nodeAffinity"), zones))
        return repr(found)

    def copy(self) -> VolumeBinder:
        """Another binder in the same state."""
        twin = copy.copy(self)
        twin._bound, twin.made, twin.claims = dict(self._bound), dict(self.made), dict(self.claims)
        return twin

    def volume(self, key: Key) -> Json | None:
        """The volume that a claim is bound to; None: none that is known."""
        name = self._bound.get(key, "")
        return self.volumes.get(name) or self.made.get(name)

    def _waits(self, key: tuple[str, str]) -> bool:
        storage = self.classes.get(self.claims[key]["spec"].get("storageClassName") or "")
        return storage is not None and storage.get("volumeBindingMode") == "WaitForFirstConsumer"

    def driver(self, key: tuple[str, str]) -> str | None:
        """Driver of a claim's volume, or of its class as long as it has none; None: neither names one."""
        volume = self.volume(key)
        if volume is not None:
            csi = volume["spec"].get("csi")
            return csi["driver"] if csi else None
        storage = self.classes.get(self.claims[key]["spec"].get("storageClassName") or "")
        return storage.get("provisioner") if storage else None

    def verdict(self, keys: Sequence[Key], labels: Mapping[str, str]) -> int:
        """PASS, or the reason why a node with these labels cannot have the claims."""
        bound = [volume for key in keys if (volume := self.volume(key)) is not None]
        if any(not _node_matches(volume, labels) for volume in bound):
            return REASON_VOLUME_NODE
        if self._choices(keys, labels) is None:
            return REASON_BIND
        return PASS if all(_zone_matches(volume, labels) for volume in bound) else REASON_VOLUME_ZONE

    def _choices(
        self, keys: Sequence[tuple[str, str]], labels: Mapping[str, str]
    ) -> dict[tuple[str, str], str | None] | None:
        """Volume for every unbound claim on a node (None: provisioned there); None when one cannot be served."""
        open_keys = [k for k in keys if k not in self._bound and k not in self._provisioned]
        chosen: dict[tuple[str, str], str | None] = {}
        taken = {*self._bound.values()}
        for key in sorted(open_keys, key=lambda k: _size(self.claims[k]["spec"].get("resources", {}).get("requests"))):
            volume = self._smallest(key, labels, taken)
            if volume is not None:
                taken.add(volume)
            elif not self.provisions(key, labels):
                return None
            chosen[key] = volume
        return chosen

    def _smallest(self, key: Key, labels: Mapping[str, str] | None, taken: set[str]) -> str | None:
        """The smallest available volume that serves a claim on a node (None: on any)."""
        spec = self.claims[key]["spec"]
        wanted = _size((spec.get("resources") or {}).get("requests"))
        best: tuple[int, str] | None = None
        for name, volume in self.volumes.items():
            about = volume["spec"]
            reserved = about.get("claimRef")
            if reserved is not None:
                if (reserved.get("namespace"), reserved.get("name")) != key:
                    continue
            elif name in taken or (volume.get("status") or {}).get("phase") not in (None, "Available"):
                continue
            size = _size(about.get("capacity"))
            fits = (
                name not in taken
                and size >= wanted
                and (about.get("storageClassName") or "") == (spec.get("storageClassName") or "")
                and set(spec.get("accessModes") or []) <= set(about.get("accessModes") or [])
                and (about.get("volumeMode") or "Filesystem") == (spec.get("volumeMode") or "Filesystem")
                and (spec.get("selector") is None or selects(spec["selector"], volume["metadata"].get("labels") or {}))
                and (labels is None or _node_matches(volume, labels))
            )
            if fits and (best is None or (size, name) < best):
                best = (size, name)
        return best[1] if best else None

    def provisions(self, key: tuple[str, str], labels: Mapping[str, str]) -> bool:
        """Whether the claim's class provisions volumes for a node."""
        storage = self.classes.get(self.claims[key]["spec"].get("storageClassName") or "")
        if storage is None or storage.get("provisioner") in (None, NO_PROVISIONER):
            return False
        allowed = storage.get("allowedTopologies") or []
        return not allowed or any(_topology_matches(term, labels) for term in allowed)


def _size(amounts: Mapping[str, Any] | None) -> int:
    return int(memory_bytes((amounts or {}).get("storage", 0)))


def _node_matches(volume: Json, labels: Mapping[str, str]) -> bool:
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or any(term_matches(term, labels) for term in required.get("nodeSelectorTerms") or [])


def _topology_matches(term: Json, labels: Mapping[str, str]) -> bool:
    return all(labels.get(e["key"]) in (e.get("values") or []) for e in term.get("matchLabelExpressions") or [])


def _zone_matches(volume: Json, labels: Mapping[str, str]) -> bool:
    """VolumeZone: the node is in one of the zones (`a__b`) and regions that the volume's labels name."""
    for key, value in (volume["metadata"].get("labels") or {}).items():
        if key in (*ZONES, *REGIONS):
            twins = ZONES if key in ZONES else REGIONS
            have = next((labels[twin] for twin in (key, *twins) if twin in labels), None)
            if have not in value.split("__"):
                return False
    return True
