"""Images that nobody uses any more, deleted where a disk fills.

Source: kubernetes v1.36 pkg/kubelet/images/image_gc_manager.go and eviction (reclaimNodeLevelResources): every five
minutes, where a disk's use has reached imageGCHighThresholdPercent, unused images go until it is down to
imageGCLowThresholdPercent; all of them go before a pod is evicted for the disk. Images that are younger than two
minutes stay. What a layer frees is free when the last image that has it is gone.

Not modelled: imageMaximumGCAge (off by default). The order is that in which images came, not in which they were used
last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.faults.filesystems import Filesystems
from capsim.state.tables import NEVER
from capsim.state.tables_startup import ALWAYS, STEP_PULL, X_ARGUMENT, X_KIND

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

PERIOD_MS = 300_000
"""ImageGCPeriod."""
YOUNG_MS = 120_000
"""imageMinimumGCAge."""


def collect(sim: Simulation, disks: Filesystems, n: int, used: float) -> float:
    """The kubelet of node ``n`` looks at how full its disk is, and makes room; returns the bytes that it frees."""
    kubelet, capacity = sim.scenario.control_plane.kubelet, disks.capacity[n]
    if not np.isfinite(disks.most[n]) or capacity <= 0:
        return 0.0
    available = disks.available(n, used)
    if 100 - available * 100 // int(capacity) < kubelet.image_gc_high_threshold_percent:
        return 0.0
    return free_space(sim, n, capacity * (100 - kubelet.image_gc_low_threshold_percent) / 100 - available)


def free_space(sim: Simulation, n: int, wanted: float) -> float:
    """Delete unused images of node ``n`` until ``wanted`` bytes are free; returns how many are."""
    startup = sim.state.startup
    freed = 0.0
    used = in_use(sim, n)
    for image in unused(sim, n, used):
        if freed >= wanted:
            break
        others = [i for i in range(images(sim)) if i != image and has(sim, n, i)]
        kept = {layer for i in others for layer in layers(sim, i)}
        own = [layer for layer in layers(sim, image) if layer not in kept]
        startup.have_ms[n, own] = NEVER
        hide(sim, n, image)
        freed += float(startup.layer_bytes[own].sum()) * sim.scenario.control_plane.kubelet.unpacked_image_ratio
    return freed


def images(sim: Simulation) -> int:
    """How many images there are."""
    return len(sim.state.startup.layer_start) - 1


def layers(sim: Simulation, image: int) -> list[int]:
    """Layers of an image."""
    startup = sim.state.startup
    found: list[int] = startup.layer[startup.layer_start[image] : startup.layer_start[image + 1]].tolist()
    return found


def has(sim: Simulation, n: int, image: int) -> bool:
    """Whether node ``n`` has, or pulls, the whole image."""
    return bool((sim.state.startup.have_ms[n, layers(sim, image)] < NEVER).all())


def in_use(sim: Simulation, n: int) -> set[int]:
    """Images of the pods that are on node ``n``."""
    s, found = sim.state, set()
    p = int(s.nodes.first_pod[n])
    while p >= 0:
        w = int(s.pods.workload[p])
        steps = s.startup.step[s.startup.start[w] : s.startup.start[w + 1]]
        found |= {int(step[X_ARGUMENT]) % ALWAYS for step in steps if step[X_KIND] == STEP_PULL}
        p = int(s.links.node_next[p])
    return found


def unused(sim: Simulation, n: int, used: set[int]) -> list[int]:
    """Images that may go, the one that came first before the others."""
    have = sim.state.startup.have_ms[n]
    came = {i: int(have[layers(sim, i)].max()) for i in range(images(sim)) if i not in used and has(sim, n, i)}
    return [i for i in sorted(came, key=lambda i: (came[i], i)) if came[i] <= sim.now_ms - YOUNG_MS]


def hide(sim: Simulation, n: int, image: int) -> None:
    """The node reports the image no more: ImageLocality and whatever else looks at the node."""
    s = sim.state
    row = s.scheduling.extras.image_group[image]
    if s.presence.on_node[row, n]:
        s.presence.on_node[row, n] = 0
        s.scheduling.extras.image_nodes[image] -= 1
        s.nodes.version[n] += 1
        s.scheduling.views.view_seen[:] = -1
