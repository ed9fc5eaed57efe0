"""Counter-based random numbers: every draw is a pure function of (seed, stream, entity, event number).

32-bit mixing inside int64 with multipliers below 2**31, so that compiled and plain Python agree to the bit (uint64
behaves differently in the two). An entity is the hash of a namespaced name, never an array index: changing one
workload does not disturb the noise of the others.

Mixing function: two rounds of multiply-xorshift in the manner of splitmix / lowbias32 (C. Wellons, "hash prospector"),
with odd 31-bit multipliers.
"""

from __future__ import annotations

import math
import zlib

from capsim.jit import inline_kernel, kernel, shared_kernel

_MASK = 0xFFFFFFFF
_M1 = 0x7FEB352D
_M2 = 0x46CA6B35
_GOLDEN = 0x1E3779B9
TWO_PI = 2.0 * math.pi

STREAM_PHASE = 1
STREAM_BOOT = 2
STREAM_START = 3
STREAM_TIE = 4
STREAM_VICTIM = 5
STREAM_TRAFFIC = 6
STREAM_EXPANDER = 7
STREAM_REGISTER = 8
STREAM_HOUSEKEEPING = 9
STREAM_CONNECTION = 10
STREAM_FAULT = 21
STREAM_RUN = 11
STREAM_FAILURE = 12
STREAM_MISSED_SCRAPE = 22


def name_hash(name: str) -> int:
    """Stable 31-bit hash of a namespaced name (CRC-32, folded)."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


@shared_kernel
def mix32(x: int) -> int:
    """Mix the low 32 bits of ``x``; int64 in [0, 2**32)."""
    x &= _MASK
    x = ((x ^ (x >> 16)) * _M1) & _MASK
    x = ((x ^ (x >> 15)) * _M2) & _MASK
    return x ^ (x >> 16)


@shared_kernel
def draw(seed: int, stream: int, entity: int, event: int) -> int:
    """A 32-bit draw, int64 in [0, 2**32)."""
    x = mix32(seed + _GOLDEN)
    x = mix32(x ^ ((stream * _GOLDEN) & _MASK))
    x = mix32((x + entity) & _MASK)
    return mix32((x ^ event) + _GOLDEN)


@inline_kernel
def uniform(seed: int, stream: int, entity: int, event: int) -> float:
    """A float64 in the open interval (0, 1)."""
    return (draw(seed, stream, entity, event) + 0.5) / 4294967296.0


@kernel
def normal(seed: int, stream: int, entity: int, event: int) -> float:
    """A standard normal float64 (Box and Muller 1958, cosine branch)."""
    radius = math.sqrt(-2.0 * math.log(uniform(seed, stream, entity, 2 * event)))
    return radius * math.cos(TWO_PI * uniform(seed, stream, entity, 2 * event + 1))
