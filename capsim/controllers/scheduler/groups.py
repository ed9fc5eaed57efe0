"""Peer groups: sets of faces that some rule counts, each set kept once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from capsim.state.tables import I64


@dataclass
class GroupBook:
    """Interns groups by their members, and lists the groups of every class in the end."""

    keeps: list[int] = field(default_factory=list)
    members: list[dict[int, int]] = field(default_factory=list)
    """Face -> weight."""
    start: I64 = field(default_factory=lambda: np.zeros(1, np.int64))
    group: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    weight: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    _rows: dict[tuple[bool, frozenset[tuple[int, int]]], int] = field(default_factory=dict)

    def add(self, members: Mapping[int, int], keeps_terminating: bool) -> int:
        """Row of the group with these members (face -> how often each of its pods counts)."""
        key = (keeps_terminating, frozenset(members.items()))
        if key not in self._rows:
            self._rows[key] = len(self.members)
            self.members.append(dict(members))
            self.keeps.append(int(keeps_terminating))
        return self._rows[key]

    def close(self, faces: Sequence[int]) -> None:
        """List the groups of every class; ``faces`` are the classes' faces."""
        by_face: dict[int, list[tuple[int, int]]] = {}
        for g, members in enumerate(self.members):
            for face, weight in members.items():
                by_face.setdefault(face, []).append((g, weight))
        listed = [by_face.get(face, []) for face in faces]
        self.start = np.cumsum([0, *(len(groups) for groups in listed)]).astype(np.int64)
        self.group = np.array([g for groups in listed for g, _ in groups], np.int64)
        self.weight = np.array([w for groups in listed for _, w in groups], np.int64)
