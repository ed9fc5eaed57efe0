"""The one door into the compiled state: every further entry would compile, and hold, its own copy of all kernels.

Looking at the 350 arrays of a state takes numba 100 us: a door does it when it sees another state, not at each call.
"""

from __future__ import annotations

from capsim.engine.actions import ACT_ADVANCE, act
from capsim.engine.loop import advance
from capsim.engine.state import State
from capsim.jit import entry
from capsim.state.tables import I64
from capsim.table_ref import Packing, pack_into, unpack_kernel

unpack_state = unpack_kernel("State")


@entry
def pack(s: State, buffer: I64) -> int:
    """Note where the arrays of ``s`` are. Returns 0."""
    pack_into(s, buffer)
    return 0


@entry
def call(buffer: I64, what, a, b, c, d, now):
    """Carry out step ``what`` on the state that was packed into ``buffer``; see ``Door``."""
    s = unpack_state(buffer)
    if what == ACT_ADVANCE:
        return advance(s, a, b)
    return act(s, what, a, b, c, d, now)


class Door:
    """The way to the compiled state of one run."""

    def __init__(self) -> None:
        self._packing = Packing("State", pack)

    def __call__(self, state: State, what: int, a: int, b: int, c: int, d: int, now: int) -> int:
        """Carry out step ``what`` (``actions.ACT_*``); ACT_ADVANCE: advance to ``a``, budget ``b``."""
        return int(call(self._packing.of(state), what, a, b, c, d, now))
