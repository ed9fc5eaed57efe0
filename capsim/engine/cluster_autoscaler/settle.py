"""Nodes for everything that is pending at the start of a settled cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler
from capsim.controllers.cluster_autoscaler.pending import to_help
from capsim.controllers.cluster_autoscaler.scale_up import ScaleUp
from capsim.controllers.cluster_autoscaler.simulation import build, room_for
from capsim.engine.cluster_autoscaler.world import EngineWorld

if TYPE_CHECKING:
    from capsim.engine.cluster_autoscaler.turn import Turn


class DryWorld(EngineWorld):
    """Notes what would be asked of the cloud."""

    def __init__(self, world: EngineWorld) -> None:
        self.__dict__.update(world.__dict__)
        self.asked: list[tuple[int, int]] = []

    def increase(self, group: int, count: int) -> str:
        """Note it."""
        self.asked.append((group, count))
        return ""


def next_growth(turn: Turn) -> list[tuple[int, int]]:
    """(group, nodes) that one scale-up would add for what is pending now, however young; empty: nothing helps."""
    world = DryWorld(turn.world)
    view = world.refresh(0)
    scaler = Autoscaler(turn.scaler.options, 0)
    templates = scaler.templates.update(view, view.listed, 0)
    scaler.state.update(view, world, view.nodes.ready)
    sim = build(view, {}, templates, [], 0, int(np.maximum(view.maximum, 0).sum()) + 2)
    waiting = to_help(sim, room_for(scaler.pending_hints, len(view.pods.uid)), [])
    if not len(waiting):
        return []
    attempt = ScaleUp(sim, scaler.state, world, templates, view.listed.tolist(), scaler.setting(view, world))
    attempt.run(waiting, lambda group, count: None)
    return world.asked
