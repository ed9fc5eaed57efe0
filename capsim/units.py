"""Quantities and durations as Kubernetes writes them, to and from integers in base units.

CPU is in millicores, memory and storage in bytes, time in milliseconds. Rounding is upstream's: up, away from zero
(k8s.io/apimachinery/pkg/api/resource: `MilliValue()` and `Value()`).
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

Number = int | float | Decimal

_SUFFIX = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)")
_LARGEST = 2**63 - 1

_DURATION_MS = {
    "d": Decimal(86_400_000), "h": Decimal(3_600_000), "m": Decimal(60_000), "s": Decimal(1000), "ms": Decimal(1),
    "us": Decimal("0.001"), "µs": Decimal("0.001"), "μs": Decimal("0.001"), "ns": Decimal("0.000001"),
}  # fmt: skip
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ms|us|µs|μs|ns|d|h|m|s)")

QUANTITY_FORMS = "a Kubernetes quantity such as 2, 0.5, 100m, 512Mi, 8Gi, 1G, 1e3"
DURATION_FORMS = "a duration such as 250ms, 15s, 10m, 1h30m, 2d, or a number of seconds"


def parse_quantity(text: str | Number) -> Decimal:
    """The number a Kubernetes quantity stands for, in base units (cores, bytes, pieces).

    >>> parse_quantity("100m"), parse_quantity("8Gi"), parse_quantity("1e3"), parse_quantity(0.5)
    (Decimal('0.100'), Decimal('8589934592'), Decimal('1E+3'), Decimal('0.5'))

    Raises ValueError for anything that the API server would refuse, and above 2^63 - 1.
    Source: k8s.io/apimachinery/pkg/api/resource/quantity.go (ParseQuantity).
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, float, Decimal)):
        raise ValueError(f"not a quantity: {text!r}")
    value = _parse_quantity_text(text) if isinstance(text, str) else _finite(text)
    if abs(value) > _LARGEST:
        raise ValueError("a quantity is at most 2^63 - 1 (about 9.2E)")
    return value


@lru_cache(maxsize=4096)
def _parse_quantity_text(text: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, exponent, suffix = match.groups()
    return Decimal(number + exponent) if exponent else Decimal(number) * _SUFFIX[suffix or ""]


def _finite(number: Number) -> Decimal:
    if not math.isfinite(number):
        raise ValueError(f"not a quantity: {number}")
    return number if isinstance(number, Decimal) else Decimal(repr(number))


def cpu_milli(text: str | Number) -> int:
    """Millicores of a CPU quantity in cores, rounded up like Kubernetes' MilliValue().

    >>> cpu_milli("100m"), cpu_milli(2), cpu_milli("0.0001")
    (100, 2000, 1)
    """
    return _ceil(parse_quantity(text) * 1000)


def memory_bytes(text: str | Number) -> int:
    """Whole base units (bytes, pieces) of a quantity, rounded up like Kubernetes' Value().

    >>> memory_bytes("8Gi"), memory_bytes("1500m")
    (8589934592, 2)
    """
    return _ceil(parse_quantity(text))


def _ceil(value: Decimal) -> int:
    # Upstream rounds away from zero.
    magnitude = int(abs(value).to_integral_value(rounding=ROUND_CEILING))
    return -magnitude if value < 0 else magnitude


def parse_duration_ms(text: str | Number) -> int:
    """Milliseconds of a duration: Go's form plus `d`, or a number of seconds; rounded up to a whole millisecond.

    >>> parse_duration_ms("1h30m"), parse_duration_ms("250ms"), parse_duration_ms("2d"), parse_duration_ms(15)
    (5400000, 250, 172800000, 15000)

    Raises ValueError for text of another form, negative values and anything beyond 2^63 - 1 ns (292 years).
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, float, Decimal)):
        raise ValueError(f"not a duration: {text!r}")
    total_ms = _parse_duration_text(text.strip()) if isinstance(text, str) else _finite(text) * 1000
    if total_ms < 0:
        raise ValueError("a duration is not negative")
    if total_ms > _LARGEST // 10**6:
        raise ValueError("a duration is at most 292 years")
    return _ceil(total_ms)


def _parse_duration_text(text: str) -> Decimal:
    if re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", text):
        return Decimal(text) * 1000
    if text.startswith("-") and _DURATION_PART.match(text, 1):
        raise ValueError("a duration is not negative")
    total_ms, position = Decimal(0), 0
    while position < len(text) and (match := _DURATION_PART.match(text, position)):
        total_ms += Decimal(match[1]) * _DURATION_MS[match[2]]
        position = match.end()
    if not text or position < len(text):
        raise ValueError(f"not a duration: {text!r}")
    return total_ms


def format_duration(duration_ms: int) -> str:
    """The shortest exact text of a duration; `parse_duration_ms` reads it back.

    >>> format_duration(5_400_000), format_duration(15_018), format_duration(0), format_duration(172_800_000)
    ('1h30m', '15s18ms', '0s', '2d')
    """
    sign, rest = ("-", -duration_ms) if duration_ms < 0 else ("", duration_ms)
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{unit}"
    return sign + (text or "0s")


def format_milli(value_milli: int) -> str:
    """A quantity in thousandths as Kubernetes writes it: exact.

    >>> format_milli(1500), format_milli(2000), format_milli(0)
    ('1500m', '2', '0')
    """
    return str(value_milli // 1000) if value_milli % 1000 == 0 else f"{value_milli}m"


def quantity_bytes(value_bytes: int) -> str:
    """The exact binary quantity of a number of bytes; `memory_bytes` reads it back.

    >>> quantity_bytes(8 * 2**30), quantity_bytes(1536 * 2**20), quantity_bytes(1000)
    ('8Gi', '1536Mi', '1000')
    """
    for suffix in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
        size = int(_SUFFIX[suffix])
        if value_bytes and value_bytes % size == 0:
            return f"{value_bytes // size}{suffix}"
    return str(value_bytes)


def format_bytes(value_bytes: float) -> str:
    """Bytes for people, to three significant digits.

    >>> format_bytes(8 * 2**30), format_bytes(5_700_000_000), format_bytes(0)
    ('8 GiB', '5.31 GiB', '0 B')
    """
    size, unit = abs(float(value_bytes)), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if size < 999.5:
            break
        size, unit = size / 1024, larger
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    text = f"{size:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{'-' if value_bytes < 0 else ''}{text} {unit}"
