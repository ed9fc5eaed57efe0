"""How many more replicas fit, for the terminal: a table, or one workload as cluster-capacity prints it."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.result.summary.limits import short_reason
from capsim.study.fit import Fit
from capsim.units import format_bytes, format_milli

MOST_NODES = 10


def show(fits: list[Fit], console: Console) -> None:
    """Print them."""
    if len(fits) == 1:
        _show_one(fits[0], console)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name, right in (("workload", False), ("replicas", True), ("more", True), ("on nodes", True), ("CPU", True),
                        ("memory", True), ("then", False)):  # fmt: skip
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for fit in sorted(fits, key=lambda fit: fit.more):
        more = f"{fit.more:,}" + ("+" if fit.limited else "")
        cells = (fit.workload, f"{fit.replicas:,}", more, f"{len(fit.nodes):,}", *_request(fit), _short(fit))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    console.print(Text("Each workload alone, nothing preempted, no node added.", style="dim"))


def _short(fit: Fit) -> str:
    return "" if fit.limited or not fit.reason else short_reason(fit.reason)


def _request(fit: Fit) -> tuple[str, str]:
    return format_milli(fit.request_cpu_milli), format_bytes(fit.request_memory_bytes)


def _show_one(fit: Fit, console: Console) -> None:
    cpu, memory = _request(fit)
    console.print(Text(f"{fit.workload}: {fit.replicas:,} replicas, each requests {cpu} CPU and {memory}"))
    more = f"at least {fit.more:,}" if fit.limited else f"{fit.more:,}"
    console.print(Text(f"The cluster can schedule {more} more.", style="bold"))
    if fit.reason and not fit.limited:
        console.print(Text(f"Then: {fit.reason}"))
    for node, count in list(fit.nodes.items())[:MOST_NODES]:
        console.print(Padding(Text(f"{node}: {count:,}"), (0, 0, 0, 2)))
    if len(fit.nodes) > MOST_NODES:
        console.print(Padding(Text(f"and {len(fit.nodes) - MOST_NODES:,} more nodes (--json has all)"), (0, 0, 0, 2)))
