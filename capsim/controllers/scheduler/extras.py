"""Host ports, images and volumes: what few clusters use, numbered.

Source: kube-scheduler v1.34.1, framework/types.go (HostPortInfo), plugins/imagelocality, plugins/nodevolumelimits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from capsim.scenario.kube_scheduler import Profile
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.state.tables import I64
from capsim.state.tables_scheduler import PART_LISTS, Extras

if TYPE_CHECKING:
    from capsim.controllers.scheduler.program import ClassSpec

ANY_ADDRESS = "0.0.0.0"
Port = tuple[str, str, int]
"""(IP, protocol, port)"""


@dataclass
class ExtraFacts:
    """Numbers of host ports, images and volume drivers."""

    ports: dict[Port, int] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    """Normalised name -> column; only images that some node has."""
    image_bytes: list[int] = field(default_factory=list)
    drivers: list[str] = field(default_factory=list)
    volume: list[list[int]] = field(default_factory=list)
    """[V][N]: PASS or reason."""

    def note_image(self, name: str, size_bytes: int) -> int:
        """Column of an image of a node."""
        if name not in self.images:
            self.images[name] = len(self.images)
            self.image_bytes.append(size_bytes)
        return self.images[name]


def normalised_image(name: str) -> str:
    """An image name with its tag: `:latest` where none is given."""
    return name if name.rfind(":") > name.rfind("/") else f"{name}:latest"


def host_ports(template: PodTemplate) -> list[Port]:
    """Host ports of containers and sidecars."""
    listed = [*template.containers, *(c for c in template.init_containers if c.is_sidecar)]
    found = chain.from_iterable(container.host_ports for container in listed)
    return [(ip or ANY_ADDRESS, protocol or "TCP", port) for ip, protocol, port in found]


def collide(a: Port, b: Port) -> bool:
    """Whether two host ports cannot be on one node."""
    return a[1:] == b[1:] and (a[0] == b[0] or ANY_ADDRESS in (a[0], b[0]))


def compile_parts(classes: Sequence[ClassSpec], profiles: Sequence[Profile], facts: ExtraFacts) -> tuple[I64, I64]:
    """Rules.part and Rules.part_start; numbers the host ports of all classes."""
    for one in classes:
        for port in host_ports(one.template):
            facts.ports.setdefault(port, len(facts.ports))
    parts: list[int] = []
    start = np.zeros((max(1, len(classes)), PART_LISTS + 1), np.int64)
    for c, one in enumerate(classes):
        own = host_ports(one.template)
        refused = [i for port, i in facts.ports.items() if any(collide(port, mine) for mine in own)]
        names = [c.image for c in (*one.template.init_containers, *one.template.containers)]
        images = [facts.images.get(normalised_image(name), -1) for name in names]
        off = "NodePorts" in profiles[c].filters_off()
        start[c, 0] = len(parts)
        for k, listed in enumerate(([facts.ports[port] for port in own], [] if off else refused, images)):
            parts += listed
            start[c, k + 1] = len(parts)
    return np.array(parts, np.int64), start


def empty_extras(facts: ExtraFacts, rows: int, groups: int) -> Extras:
    """Tables for ``rows`` node slots and ``groups`` peer groups; nodes have no images and no attach limits yet."""
    volume = np.full((len(facts.volume), rows), -1, np.int64)
    for v, row in enumerate(facts.volume):
        volume[v, : len(row)] = row
    return Extras(
        image_group=groups + np.arange(len(facts.images), dtype=np.int64),
        image_bytes=np.array(facts.image_bytes, np.int64),
        image_nodes=np.zeros(len(facts.images), np.int64),
        volume=volume,
        attach_limit=np.full((rows, len(facts.drivers)), -1, np.int64),
    )
