"""Fixed pieces of work: what a time is divided by, so that figures of a busy or a slower machine can be compared.

Two of them, because code that is compiled and code that is interpreted do not slow down alike when the machine is busy.
Never change them: every ratio of the baseline would change its meaning.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from capsim.jit import entry

CELLS = 1 << 15
STEPS = 2_500_000
WORDS = 6_000
_table = (np.arange(CELLS, dtype=np.int64) * 7919) % CELLS


@entry
def mill(table, steps):
    """Integer mixing, dependent loads from 256 KiB and branches that cannot be foreseen, as in the engine."""
    x = 12345
    total = 0
    for _ in range(steps):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        i = table[(x >> 7) & (CELLS - 1)]
        if i & 1:
            total += table[i]
        else:
            total -= x & 15
    return total


def compiled() -> int:
    """About 3 ms of compiled work."""
    return int(mill(_table, STEPS))


def interpreted() -> int:
    """About 3 ms of dictionaries, strings and small arrays in plain Python."""
    counts: dict[str, int] = {}
    for i in range(WORDS):
        word = f"w{i * 7919 % 613}"
        counts[word] = counts.get(word, 0) + len(word)
    row = np.arange(64, dtype=np.int64)
    for _ in range(300):
        row = np.where(row > 31, row - 1, row + 1)
    return sum(counts.values()) + int(row.sum())


Work = Callable[[], int]


def cpu_seconds(work: Work, loops: int) -> float:
    """CPU seconds of one loop of ``work``, measured over ``loops``."""
    return _seconds(work, loops, time.process_time)


def wall_seconds(work: Work, loops: int) -> float:
    """Wall seconds, likewise."""
    return _seconds(work, loops, time.perf_counter)


def _seconds(work: Work, loops: int, clock: Callable[[], float]) -> float:
    began = clock()
    for _ in range(loops):
        work()
    return (clock() - began) / loops
