"""Measures: the numbers of a summary by name, each with its unit, for tables over many runs.

A measure is named by its path in ``summary.json`` (``docs/reference/summary.md``): ``pending.longest_s``. Items of
lists are named by what they are about, not by position: ``workloads[default/Deployment/app10].peak_ready``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from capsim.report.phrases import count, percent, span
from capsim.units import format_bytes

Measures = dict[str, float]
ECHOES = frozenset({"name", "seed", "duration_ms", "partial", "sample_interval_ms"})
"""Keys of a summary that repeat what was asked for: no measures."""
IDENTITIES = ("workload", "node_group", "kind", "object")
"""Keys that name an item of a list, in the order in which they are joined."""
UNITS = {
    "ms": "ms",
    "s": "s",
    "seconds": "s",
    "usd": "USD",
    "ratio": "ratio",
    "hours": "h",
    "rps": "requests/s",
    "requests": "requests",
    "milli": "mCPU",
    "bytes": "bytes",
}


@dataclass(frozen=True)
class Headline:
    """A measure that belongs in the short table and the picture. ``better``: which direction people want."""

    key: str
    label: str
    unit: str
    better: Literal["lower", "higher", ""] = "lower"


HEADLINES = (
    Headline("peaks.pods", "Peak pods", "pods", ""),
    Headline("pending.pods", "Pods that waited", "pods"),
    Headline("pending.longest_s", "Longest wait", "s"),
    Headline("peaks.nodes", "Peak nodes", "nodes", ""),
    Headline("cpu.used_ratio", "CPU used", "ratio", "higher"),
    Headline("traffic.lost_ratio", "Requests lost", "ratio"),
    Headline("cost.month_usd", "Cost per month", "USD"),
)


def measures_of(summary: Mapping[str, Any]) -> Measures:
    """Every number of a summary (the content of ``summary.json``); null is left out, true and false are no numbers.

    >>> measures_of({"name": "a", "seed": 1, "cost": {"run_usd": 2.0, "groups": [{"node_group": "w", "run_usd": 2.0}]}})
    {'cost.run_usd': 2.0, 'cost.groups[w].run_usd': 2.0}
    """
    own = {key: value for key, value in summary.items() if key not in ECHOES}
    return dict(_leaves(own, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                yield from _leaves(item, f"{path}[{_identity(item)}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, float(value)


def _identity(item: Mapping[str, Any]) -> str:
    return " ".join(str(item[key]) for key in IDENTITIES if key in item)


def unit_of(key: str) -> str:
    """Unit of a measure, from the end of its name; a plain count has none.

    >>> unit_of("pending.longest_s"), unit_of("cpu.used"), unit_of("memory.used"), unit_of("peaks.nodes")
    ('s', 'mCPU', 'bytes', '')
    """
    last = key.rpartition(".")[2]
    if last in {"allocatable", "requested", "used"}:
        return "mCPU" if key.startswith("cpu") else "bytes"
    words = last.split("_")
    if words[-1] == "seconds" and len(words) > 1:
        return {"pod": "pod × s", "request": "request × s"}.get(words[-2], "s")
    return UNITS.get(words[-1], "")


def number_text(value: float, unit: str) -> str:
    """A value as people read it.

    >>> number_text(0.034, "ratio"), number_text(956.0, "s"), number_text(27.0, "nodes"), number_text(1234.5, "USD")
    ('3.4 %', '15m56s', '27', '$1,234')
    >>> number_text(2.4, "pods"), number_text(0.09576, "USD"), number_text(-0.5, "ratio")
    ('2.4', '$0.0958', '-50 %')
    """
    if value < 0:
        return "-" + number_text(-value, unit)
    value = abs(value)  # -0.0
    if unit == "ratio":
        return percent(value)
    if unit in {"s", "ms"}:
        return span(value if unit == "s" else value / 1000.0)
    if unit == "USD":
        return f"${_money(value)}"
    if unit == "bytes":
        return format_bytes(round(value))
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _money(usd: float) -> str:
    if usd >= 1000:
        return f"{usd:,.0f}"
    return f"{usd:.2f}" if usd >= 1 or usd == 0 else f"{usd:.3g}"


def runs_text(number: int) -> str:
    """``1 run``, ``5 runs``."""
    return count(number, "run")
