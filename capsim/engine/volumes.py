"""Claims in a run: they are bound when the scheduler has found a node, and what that means for later pods.

Rare steps, in Python over the tables: the first pod of each claim (``bind_for``), new nodes, the pods of the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.scheduler.reasons import PASS
from capsim.engine.actions import ACT_ATTACH
from capsim.engine.growth import longer, wider
from capsim.errors import RunError
from capsim.state.tables import NEVER, NODE_FREE, POD_READY
from capsim.state.tables_volumes import H_FREE_MS, H_NODE, H_USERS, Q_FIRST, Q_OWN

if TYPE_CHECKING:
    from capsim.engine.build.volumes import ClaimBook
    from capsim.engine.drive import Simulation


def bind_for(sim: Simulation, p: int) -> None:
    """Pod ``p`` found a node: bind its open claims there; its volumes are attached when they are provisioned."""
    if bind(sim, p):
        volumes, q = sim.state.scheduling.volumes, book_of(sim).set_of[int(sim.state.pods.workload[p])]
        volumes.held[q, place_of(sim, q, p), H_FREE_MS] = sim.now_ms + sim.scenario.storage.provision_delay_ms
    sim.make_room(heap=2)
    sim.act(ACT_ATTACH, p)


def bind(sim: Simulation, p: int) -> bool:
    """Bind the claims of pod ``p``, which has a node; returns whether a volume had to be made."""
    s, book = sim.state, book_of(sim)
    w, n = int(s.pods.workload[p]), int(s.pods.node[p])
    q = book.set_of[w]
    place = place_of(sim, q, p)
    ordinal = int(s.pods.ordinal[p])
    keys = [key for key in book.ensure(q, ordinal) if key in book.binder.claims]
    made = book.binder.bind_on(keys, labels_of(sim, n), {key: book.kept(key) for key in keys})
    site = book.site_of(q, ordinal)
    if site < 0:
        name = sim.names.workloads[w]
        raise RunError(f"{name}: volumes of more pods than its replicas, its HPA and the scenario's events ask for")
    s.scheduling.volumes.site[q, place] = site
    if book.sets[q].own and site > 0:
        s.pods.pod_class[p] = s.scheduling.volumes.variant[w, site]
    rows = [book.sets[q].verdict_rows[site if book.sets[q].own else 0]]
    if not made:  # a volume that was free is taken: what is open looks again
        rows += [r for r, keys in enumerate(book.verdict_keys) if keys and not all(map(book.binder.is_bound, keys))]
    book.version += 1
    fill(sim, sorted(set(rows)), range(len(s.nodes.uid)))
    return made


def fill(sim: Simulation, rows: list[int], slots: range | list[int]) -> None:
    """Verdicts of some rows on some node slots; what the index knows of the classes that have them is forgotten."""
    s, book = sim.state, book_of(sim)
    for n in slots:
        if s.nodes.state[n] != NODE_FREE:
            labels = labels_of(sim, n)
            for row in rows:
                s.scheduling.extras.volume[row, n] = book.verdict(row, labels)
    views = s.scheduling.views
    touched = np.isin(s.scheduling.rules.volume, rows)
    signatures = s.classes.signature[touched]
    views.seen[signatures] = -1
    views.view_seen[np.isin(views.signature, signatures)] = -1


def new_node(sim: Simulation, n: int) -> None:
    """What a new node means for every set of claims, and how many volumes it attaches."""
    book = sim.names.claims
    if book is None:
        return
    extras, group = sim.state.scheduling.extras, int(sim.state.nodes.group[n])
    name = sim.names.node(group, int(sim.state.nodes.ordinal[n]))
    own = next((one.limits for one in sim.scenario.objects.csi_nodes if one.name == name), {})
    extras.attach_limit[n] = group_limits(sim, group, own)
    fill(sim, list(range(len(book.verdict_keys))), [n])


def group_limits(sim: Simulation, group: int, own: Mapping[str, int] | None = None) -> list[int]:
    """Volumes of each driver that a node of a group attaches, -1: any number; ``own``: what its CSINode says."""
    groups = sim.scenario.node_groups
    limits = {**(groups[group].attach_limits if group < len(groups) else {}), **(own or {})}
    return [limits.get(driver, -1) for driver in book_of(sim).binder.drivers]


def labels_of(sim: Simulation, n: int) -> dict[str, str]:
    """Labels of a node as volumes see them."""
    nodes = sim.state.nodes
    name = sim.names.node(int(nodes.group[n]), int(nodes.ordinal[n]))
    return book_of(sim).labels(sim.names.shapes[int(nodes.shape[n])].labels, name)


def book_of(sim: Simulation) -> ClaimBook:
    """The claims of the run; some pod has one."""
    assert sim.names.claims is not None
    return sim.names.claims


def place_of(sim: Simulation, q: int, p: int) -> int:
    """Column of a pod's claims."""
    setting = sim.state.scheduling.volumes.setting[q]
    return int(sim.state.pods.ordinal[p] - setting[Q_FIRST]) if setting[Q_OWN] else 0


def class_at_start(sim: Simulation, w: int) -> int:
    """Class of the next pod of workload ``w``."""
    volumes = sim.state.scheduling.volumes
    q = book_of(sim).set_of[w]
    if not volumes.setting[q, Q_OWN]:
        return w
    place = int(sim.state.workloads.next_ordinal[w] - volumes.setting[q, Q_FIRST])
    return int(volumes.variant[w, volumes.site[q, place]])


def settle(sim: Simulation, p: int) -> None:
    """A pod of the start has had its volumes for long, if it is Ready."""
    s = sim.state
    if s.pods.state[p] != POD_READY:
        return
    volumes, q = s.scheduling.volumes, book_of(sim).set_of[int(s.pods.workload[p])]
    place = place_of(sim, q, p)
    if volumes.site[q, place] == 0:
        bind(sim, p)
    held = s.scheduling.volumes.held[q, place]
    held[H_NODE] = s.nodes.uid[s.pods.node[p]]
    held[H_USERS] += 1


def in_order(sim: Simulation, w: int, targets: list[int]) -> list[int]:
    """Nodes of a recorded StatefulSet's pods in the order of its ordinals: each where its volumes are, if it can."""
    book = book_of(sim)
    one, left = book.sets[book.set_of[w]], list(targets)
    found = []
    for k in range(len(targets)):
        keys = book.ensure(book.set_of[w], one.first + k)
        fits = [n for n in left if book.binder.verdict(keys, labels_of(sim, n)) == PASS]
        found.append((fits or left)[0])
        left.remove(found[-1])
    return found


def grow(sim: Simulation) -> None:
    """Rows for more ordinals of StatefulSets with claims, twice as many."""
    s, book = sim.state, book_of(sim)
    old = s.scheduling.volumes.site.shape[1]
    volumes = s.scheduling.volumes
    own = (volumes.set_of >= 0) & (volumes.setting[volumes.set_of, Q_OWN] == 1)
    most = max(2 * old, int(s.workloads.desired[own].max(initial=0)))
    held = np.stack([longer(one, most) for one in volumes.held])
    held[:, old:, H_NODE], held[:, old:, H_FREE_MS] = -1, -NEVER
    volumes = volumes._replace(site=wider(volumes.site, most), held=np.ascontiguousarray(held))
    for q, one in enumerate(book.sets):
        for k in range(old, most) if one.own else ():
            volumes.site[q, k] = max(0, book.site_of(q, one.first + k))
    sim.state = s._replace(scheduling=s.scheduling._replace(volumes=volumes))
    fill(sim, list(range(len(book.verdict_keys))), range(len(s.nodes.uid)))
