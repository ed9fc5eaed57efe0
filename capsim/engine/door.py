"""The one door into the compiled state: every further entry would compile, and hold, its own copy of all kernels."""

from __future__ import annotations

from capsim.engine.actions import ACT_ADVANCE, act
from capsim.engine.loop import advance
from capsim.engine.state import State
from capsim.jit import entry


@entry
def call(s: State, what, a, b, c, d, now):
    """Carry out step ``what`` (``actions.ACT_*``) with its arguments; ACT_ADVANCE: advance to ``a``, budget ``b``."""
    if what == ACT_ADVANCE:
        return advance(s, a, b)
    return act(s, what, a, b, c, d, now)
