"""Claims of a run: which workloads have some, where their volumes are, and the classes that tell the scheduler.

Pods whose volumes are at the same place (a zone, a node, anywhere) are one class; those of a StatefulSet differ by
ordinal, all pods of another workload share their claims. Binding itself is ``controllers/scheduler/volumes.py``.

Sources: kubernetes v1.36 pkg/controller/statefulset (claims are named template-set-ordinal and stay when pods go),
external-provisioner v5 pkg/controller/topology.go (Immediate claims of a StatefulSet go round the zones).
Not modelled: generic ephemeral volumes; that a claim which pods share beside their own is attached somewhere.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from capsim.controllers.scheduler.messages import UNBOUND
from capsim.controllers.scheduler.program import ClassSpec
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.shapes import HOSTNAME, NODE_NAME, ZONES
from capsim.controllers.scheduler.volumes import ONE_POD, Key, VolumeBinder
from capsim.engine.build.names import Names
from capsim.scenario.kubernetes.storage import NOT_ATTACHED, StorageClass
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.storage import NEVER_ATTACHED
from capsim.state.tables import NEVER
from capsim.state.tables_volumes import H_FREE_MS, H_NODE, HELD_COLUMNS, SET_COLUMNS, Volumes, no_volumes

ASSUMED_PROVISIONER = "capsim.io/assumed"
ANY = "?"
"""Stands for the ordinal of a claim that does not exist yet."""
MANY = ("ReadWriteMany", "ReadOnlyMany")


@dataclass
class ClaimSet:
    """What the pods of one workload, and its revisions, claim."""

    namespace: str
    shared: tuple[str, ...]
    """Names of claims that all its pods have."""
    templates: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Claim templates: name and spec."""
    owner: str = ""
    first: int = 0
    most: int = 1
    """Ordinals to begin with."""
    rows: list[int] = field(default_factory=list)
    """Workloads whose pods have it."""
    sites: dict[str, int] = field(default_factory=dict)
    """Where volumes are -> site, from 1 on."""
    verdict_rows: list[int] = field(default_factory=list)
    """Row of Extras.volume of the open claims, and of each site."""

    @property
    def own(self) -> bool:
        """Whether each ordinal has claims of its own."""
        return bool(self.templates)

    def keys(self, ordinal: int | str) -> tuple[Key, ...]:
        """The claims of the pod with that ordinal."""
        named = [f"{name}-{self.owner}-{ordinal}" for name, _ in self.templates]
        return tuple((self.namespace, name) for name in (*self.shared, *named))


@dataclass
class ClaimBook:
    """What Python knows of the claims of a run; ``copy`` for snapshots."""

    binder: VolumeBinder
    storage: Any
    zones: list[str]
    sets: list[ClaimSet] = field(default_factory=list)
    set_of: dict[int, int] = field(default_factory=dict)
    verdict_keys: list[tuple[Key, ...] | None] = field(default_factory=list)
    """Claims that speak for each row of Extras.volume; None: the row is not in use."""
    classes: dict[tuple[int, int], int] = field(default_factory=dict)
    """(workload, site) -> class."""
    version: int = 0
    """How often verdicts have changed."""

    def copy(self) -> ClaimBook:
        """Another book in the same state."""
        twin = copy.copy(self)
        twin.binder, twin.verdict_keys = self.binder.copy(), list(self.verdict_keys)
        twin.sets = [replace(one, sites=dict(one.sites)) for one in self.sets]
        return twin

    # -- facts -------------------------------------------------------------------------------------------------------

    def labels(self, labels: Mapping[str, str], name: str) -> dict[str, str]:
        """Labels of a node as volumes see them: CSI drivers add the zone under keys of their own."""
        zone = next((labels[key] for key in ZONES if key in labels), None)
        own = {} if zone is None else dict.fromkeys(self.zone_keys, zone)
        return {**own, **labels, HOSTNAME: labels.get(HOSTNAME) or name, NODE_NAME: name}

    @cached_property
    def zone_keys(self) -> list[str]:
        """Keys ending in /zone that volumes and classes ask for."""
        found = set(ZONES[:1])
        for volume in self.binder.volumes.values():
            required = (volume["spec"].get("nodeAffinity") or {}).get("required") or {}
            for term in required.get("nodeSelectorTerms") or []:
                found.update(e["key"] for e in term.get("matchExpressions") or [] if e["key"].endswith("/zone"))
        for storage in self.binder.classes.values():
            for term in storage.get("allowedTopologies") or []:
                found.update(e["key"] for e in term.get("matchLabelExpressions") or [] if e["key"].endswith("/zone"))
        return sorted(found)

    def verdict(self, row: int, labels: Mapping[str, str]) -> int:
        """PASS, or why a node with these labels (``labels``) is refused by row ``row``."""
        keys = self.verdict_keys[row]
        return PASS if keys is None else self.binder.verdict(keys, labels)

    def known(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        """Those of the claims that there are."""
        return tuple(key for key in keys if key in self.binder.claims)

    def storage_class(self, key: Key) -> Mapping[str, Any] | None:
        """The class of a claim."""
        return self.binder.classes.get(self.binder.claims[key]["spec"].get("storageClassName") or "")

    def kept(self, key: Key) -> tuple[str, ...]:
        """Labels that nodes must share with the one that a volume was provisioned for."""
        storage = self.storage_class(key)
        if storage is None:
            return ()
        topology = self.storage.topology_of(storage["metadata"]["name"], storage["provisioner"])
        return {"zone": ZONES[:1], "node": (HOSTNAME,), "none": ()}[topology]

    def is_attached(self, keys: Sequence[Key]) -> bool:
        """Whether some of the claims' volumes have to be attached to a node."""
        for key in self.known(keys):
            volume = self.binder.volume(key)
            mounted = volume is not None and any(kind in volume["spec"] for kind in NOT_ATTACHED)
            if not mounted and (self.binder.driver(key) or "") not in NEVER_ATTACHED:
                return True
        return False

    def is_alone(self, keys: Sequence[Key]) -> bool:
        """Whether a volume serves one node at a time."""
        modes = [self.binder.claims[key]["spec"].get("accessModes") or [] for key in keys if key in self.binder.claims]
        return self.is_attached(keys) and not all(set(own) & set(MANY) for own in modes)

    # -- claims of ordinals ------------------------------------------------------------------------------------------

    def ensure(self, q: int, ordinal: int | str) -> tuple[Key, ...]:
        """The claims of an ordinal, made where they are missing; those that bind at once are bound if they can be."""
        one = self.sets[q]
        for name, spec in one.templates:
            key = (one.namespace, f"{name}-{one.owner}-{ordinal}")
            if key not in self.binder.claims:
                self.binder.claims[key] = {"metadata": {"name": key[1], "namespace": key[0]}, "spec": spec}
        keys = one.keys(ordinal)
        for key in keys:
            if ordinal != ANY and key in self.binder.claims and not self.binder.is_bound(key):
                self.bind_at_once(key)
        return keys

    def bind_at_once(self, key: Key) -> None:
        """Immediate binding: a volume that is there, or a new one in the zone that the provisioner picks."""
        storage = self.storage_class(key)
        if storage is not None and storage.get("volumeBindingMode") == "WaitForFirstConsumer":
            return
        if self.binder.bind_at_once(key):
            return
        allowed = [z for z in self.zones or [""] if self.binder.provisions(key, dict.fromkeys(self.zone_keys, z))]
        if allowed:
            zone = allowed[zone_choice(key[1], len(allowed))]
            labels = {ZONES[0]: zone} if zone else {}
            self.binder.provision(key, labels, self.kept(key))

    def why_blocked(self, q: int) -> str:
        """Why no node is tried for pods whose claims are not bound; empty: they are."""
        for key in self.ensure(q, ANY if self.sets[q].own else 0):
            if key not in self.binder.claims:
                return f'persistentvolumeclaim "{key[1]}" not found'
            storage = self.storage_class(key)
            waits = storage is not None and storage.get("volumeBindingMode") == "WaitForFirstConsumer"
            if not self.binder.is_bound(key) and not waits:
                return UNBOUND
        return ""

    def site_of(self, q: int, ordinal: int) -> int:
        """Where the volumes of an ordinal are: 0 while some claim is open, else a site, a new one if there is room."""
        one = self.sets[q]
        keys = self.ensure(q, ordinal)
        if not all(self.binder.is_bound(key) for key in keys if key in self.binder.claims):
            return 0
        if not one.own:
            return 1
        where = self.binder.where(keys)
        if where not in one.sites and len(one.sites) + 1 < len(one.verdict_rows):
            one.sites[where] = len(one.sites) + 1
            self.verdict_keys[one.verdict_rows[one.sites[where]]] = self.known(keys)
            self.version += 1
        return one.sites.get(where, -1)

    # -- classes -----------------------------------------------------------------------------------------------------

    def specs(self, base: list[ClassSpec]) -> list[ClassSpec]:
        """Classes of all workloads, then those of pods whose volumes are at each site; gives out rows and classes."""
        found = list(base)
        for q, one in enumerate(self.sets):
            blocked = self.why_blocked(q)
            attach = self.attach_counts(one.keys(ANY if one.own else 0))
            for w in one.rows:
                found[w] = replace(
                    base[w], volume_row=one.verdict_rows[0], attach=attach, claims=self.single(q), blocked=blocked
                )
                for site, row in enumerate(one.verdict_rows[1:], start=1):
                    self.classes[w, site] = len(found)
                    found.append(replace(found[w], volume_row=row, blocked=""))
        return found

    def workloads_of_classes(self, count: int) -> list[int]:
        """Workload of every class, of which the first ``count`` are the workloads' own."""
        return [*range(count), *(w for w, _ in self.classes)]

    def attach_counts(self, keys: Sequence[Key]) -> tuple[int, ...]:
        """Volumes to attach per driver."""
        drivers = [self.binder.driver(key) for key in self.known(keys)]
        return tuple(drivers.count(driver) for driver in self.binder.drivers)

    def single(self, q: int) -> tuple[int, ...]:
        """ReadWriteOncePod claims that all pods of a workload have; those of one ordinal have no rival."""
        shared = [(self.sets[q].namespace, name) for name in self.sets[q].shared]
        numbers = {key: i for i, key in enumerate(self.binder.claims)}
        claims = self.binder.claims
        return tuple(
            numbers[k] for k in shared if k in claims and ONE_POD in (claims[k]["spec"].get("accessModes") or [])
        )


def zone_choice(claim: str, zones: int) -> int:
    """The zone of a volume that is made at once: by the hash of its StatefulSet's name, and in turn by ordinal
    (external-provisioner, getPVCNameHashAndIndexOffset)."""
    base, dash, ordinal = claim.rpartition("-")
    offset = 0
    if dash and ordinal.isdigit():
        offset, claim = int(ordinal), base.rpartition("-")[2] if "-" in base else base
    hashed = 2166136261
    for byte in claim.encode():
        hashed = ((hashed * 16777619) & 0xFFFFFFFF) ^ byte
    return (hashed + offset) % zones


def claim_book(scenario: Scenario, names: Names, zones: Sequence[str]) -> ClaimBook | None:
    """The book of a scenario; None where no pod has a claim. ``zones``: of all nodes that are or may come."""
    sets, set_of = claim_sets(scenario, names)
    if not sets:
        return None
    objects = scenario.objects
    classes = [*objects.storage_classes] or assumed_classes(scenario)
    claims = [with_class(claim.manifest(), classes) for claim in objects.claims]
    drivers = {driver for group in scenario.node_groups for driver in group.attach_limits}
    binder = VolumeBinder(
        [], claims, [v.manifest() for v in objects.volumes], [c.manifest() for c in classes],
        [{"metadata": {"name": ""}, "spec": {"drivers": [{"name": d} for d in sorted(drivers)]}},
         *(node.manifest() for node in objects.csi_nodes)],
    )  # fmt: skip
    book = ClaimBook(binder, scenario.storage, sorted(set(zones)), sets, set_of)
    for q, one in enumerate(sets):
        one.templates = tuple((name, with_class({"spec": dict(spec)}, classes)["spec"]) for name, spec in one.templates)
        few = not objects.volumes and all(topology_of(book, key) != "node" for key in book.ensure(q, ANY))
        sites = min(one.most, len(book.zones) + 1) if few else one.most
        for site in range(1 + (sites if one.own else 0)):
            one.verdict_rows.append(len(book.verdict_keys))
            book.verdict_keys.append(book.known(book.ensure(q, ANY if one.own else 0)) if site == 0 else None)
    return book


def topology_of(book: ClaimBook, key: Key) -> str:
    """Where new volumes of a claim's class can be used; those of no class anywhere."""
    storage = book.storage_class(key) if key in book.binder.claims else None
    return "none" if storage is None else book.storage.topology_of(storage["metadata"]["name"], storage["provisioner"])


def claim_sets(scenario: Scenario, names: Names) -> tuple[list[ClaimSet], dict[int, int]]:
    """Sets of claims, and the set of each workload that has one."""
    found: dict[Any, ClaimSet] = {}
    set_of: dict[int, int] = {}
    listed = scenario.objects.workloads
    known = {(claim.namespace, claim.name) for claim in scenario.objects.claims}
    for w, workload in enumerate(listed):
        owner = listed[names.owners.get(w, w)]
        templates = {one["name"]: one["spec"] for one in owner.claim_templates}
        shared = shared_claims(workload, templates)
        if not known:  # a scenario without any claim: nobody wrote down what pods share
            shared = ()
        if not templates and not shared:
            continue
        key = (owner.key, "own") if templates else (workload.namespace, shared)
        if key not in found:
            most = most_ordinals(scenario, owner) if templates else 1
            found[key] = ClaimSet(
                workload.namespace, shared, tuple(templates.items()), owner.name, owner.first_ordinal, most
            )
        found[key].rows.append(w)
        set_of[w] = list(found).index(key)
    return list(found.values()), set_of


def shared_claims(workload: Workload, templates: Mapping[str, Any]) -> tuple[str, ...]:
    """Claims that the template's volumes name; a claim template of the same name takes the place of a volume."""
    listed = [v for v in workload.template.volumes if v.get("persistentVolumeClaim") and v.get("name") not in templates]
    return tuple(sorted({str(v["persistentVolumeClaim"].get("claimName")) for v in listed}))


def most_ordinals(scenario: Scenario, workload: Workload) -> int:
    """Replicas that a StatefulSet has at most, as far as the scenario says."""
    scaled = [event.scale.replicas for event in scenario.events if event.scale and event.scale.target == workload.key]
    hpas = [hpa.max_replicas for hpa in scenario.objects.hpas if hpa.target_key == workload.key]
    return max([1, workload.replicas, *scaled, *hpas])


def assumed_classes(scenario: Scenario) -> list[StorageClass]:
    """Classes of a scenario that has none, where nobody wrote down the storage: one for each name, and a default."""
    templates = [one["spec"] for workload in scenario.objects.workloads for one in workload.claim_templates]
    specs = [*templates, *(claim.spec for claim in scenario.objects.claims)]
    wanted = {str(spec["storageClassName"]) for spec in specs if spec.get("storageClassName")}
    return [
        StorageClass(
            name=name,
            provisioner=ASSUMED_PROVISIONER,
            binding_mode="WaitForFirstConsumer",
            is_default=name == "standard",
        )
        for name in sorted({"standard", *wanted})
    ]


def with_class(claim: dict[str, Any], classes: Sequence[StorageClass]) -> dict[str, Any]:
    """A claim with the default class where it names none (DefaultStorageClass admission)."""
    default = next((one.name for one in classes if one.is_default), None)
    if default is None or claim["spec"].get("storageClassName") is not None or claim["spec"].get("volumeName"):
        return claim
    return {**claim, "spec": {**claim["spec"], "storageClassName": default}}


def is_shared_at_start(scenario: Scenario, names: Names, one: ClaimSet) -> bool:
    """Whether recorded pods use the claims that they share on several nodes; then they can."""
    keys = {names.workloads[w] for w in one.rows}
    nodes = {node for key in keys for node in scenario.placement.get(key, {})}
    return not one.own and len(nodes) > 1


def build_volumes(book: ClaimBook | None, scenario: Scenario, names: Names, workloads: int) -> Volumes:
    """The table, nothing bound but what is; empty where no pod has a claim."""
    if book is None:
        return no_volumes()
    sets = book.sets
    most, sites = max(one.most for one in sets), max(len(one.verdict_rows) for one in sets)
    table = Volumes(
        set_of=np.full(workloads, -1, np.int64),
        setting=np.zeros((len(sets), SET_COLUMNS), np.int64),
        site=np.zeros((len(sets), most), np.int64),
        variant=np.full((workloads, sites), -1, np.int64),
        held=np.zeros((len(sets), most, HELD_COLUMNS), np.int64),
        wait_ms=np.array([scenario.storage.max_wait_for_unmount_duration_ms], np.int64),
    )
    table.held[:, :, H_NODE], table.held[:, :, H_FREE_MS] = -1, -NEVER
    storage = scenario.storage
    for q, one in enumerate(sets):
        keys = one.keys(ANY if one.own else 0)
        attach = storage.attach_delay_ms if book.is_attached(keys) else 0
        alone = book.is_alone(keys) and not is_shared_at_start(scenario, names, one)
        table.setting[q] = [one.own, one.first, attach, storage.detach_delay_ms, alone]
        for w in one.rows:
            table.set_of[w] = q
            table.variant[w, 0] = w
        for k in range(one.most if one.own else 1):
            table.site[q, k] = book.site_of(q, one.first + k)
    for (w, site), c in book.classes.items():
        table.variant[w, site] = c
    return table
