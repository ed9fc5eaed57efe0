"""The inventory of an import, for the terminal and as Markdown: what was read, guessed, ignored, what may matter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.errors import OutputError
from capsim.scenario.importers.findings import Findings, Totals
from capsim.scenario.inventory import Line
from capsim.units import format_bytes, format_milli

MOST_LINES = 12
"""Lines of a section in the terminal; the rest is in inventory.md."""
Rows = list[tuple[str, ...]]


def save(findings: Findings, folder: Path) -> list[Path]:
    """Write inventory.md and inventory.json. Raises OutputError."""
    page, data = folder / "inventory.md", folder / "inventory.json"
    try:
        page.write_text(markdown(findings), encoding="utf-8")
        data.write_text(json.dumps(findings.model_dump(), indent=2) + "\n", encoding="utf-8")
    except OSError as problem:
        raise OutputError(f"cannot write {folder}: {problem.strerror or problem}") from problem
    return [page, data]


def kinds_table(totals: Totals) -> tuple[tuple[str, ...], Rows]:
    """Objects, replicas, containers and containers without requests, by kind; kinds without templates at the end."""
    head = ("kind", "objects", "replicas", "containers", "without requests")
    rows: Rows = []
    for kind, number in totals.kinds.items():
        containers = totals.containers.get(kind)
        pods = kind == "Pod" and totals.pod_containers
        cells = (
            f"{totals.replicas[kind]:,}" if kind in totals.replicas else "",
            f"{containers:,}" if containers is not None else f"{pods:,}" if pods else "",
            f"{totals.containers_without_requests.get(kind, 0):,}" if containers is not None else "",
        )
        rows.append((kind, f"{number:,}", *cells))
    return head, rows


def groups_table(totals: Totals) -> tuple[tuple[str, ...], Rows]:
    """Nodes, pods, allocatable and requests by node group."""
    head = ("node group", "nodes", "ready", "pods", "CPU allocatable", "requested", "memory allocatable", "requested")
    rows: Rows = [
        (
            group.node_group, f"{group.nodes:,}", f"{group.ready:,}", f"{group.pods:,}",
            format_milli(group.allocatable_cpu_milli),
            _share(format_milli(group.requested_cpu_milli), group.requested_cpu_milli, group.allocatable_cpu_milli),
            format_bytes(group.allocatable_memory_bytes),
            _share(format_bytes(group.requested_memory_bytes), group.requested_memory_bytes,
                   group.allocatable_memory_bytes),
        )
        for group in totals.groups
    ]  # fmt: skip
    return head, rows


def daemons_table(totals: Totals) -> tuple[tuple[str, ...], Rows]:
    """What each DaemonSet costs on every node."""
    head = ("DaemonSet", "nodes", "CPU per node", "memory per node")
    rows: Rows = [
        (d.daemonset, f"{d.nodes:,}" if d.nodes else "", format_milli(d.cpu_milli), format_bytes(d.memory_bytes))
        for d in totals.daemonsets
    ]
    return head, rows


def totals_line(totals: Totals) -> str:
    """Files, objects and pods in a sentence."""
    text = f"{totals.objects:,} objects in {totals.documents:,} documents of {totals.files:,} files"
    if totals.pods:
        phases = ", ".join(f"{count:,} {phase}" for phase, count in totals.pods.items())
        requested = f"{format_milli(totals.requested_cpu_milli)} CPU, {format_bytes(totals.requested_memory_bytes)}"
        text += f"; pods: {phases} ({totals.pod_containers:,} containers), requesting {requested}"
    return text


def _share(text: str, part: int, whole: int) -> str:
    return f"{text} ({100 * part / whole:.0f} %)" if whole else text


def guess_rows(findings: Findings) -> Rows:
    """What was guessed, from what, how sure, and how it could be known better."""
    return [
        (
            guess.what + (f" ({guess.count:,} times)" if guess.count > 1 else ""),
            guess.source,
            guess.sure,
            guess.better,
        )
        for guess in findings.guessed
    ]


def _line(line: Line) -> str:
    where = f"{line.file}:{line.line}" if line.file and line.line else line.file
    about = line.object + (f" ({where})" if where else "")
    return f"{line.field}: {line.text}" + (f", first {about}" if about else "")


def show(findings: Findings, console: Console, folder: Path | None) -> None:
    """Print the inventory; long sections are cut, the whole is in the folder."""
    console.print(Text(totals_line(findings.totals), style="bold"))
    for head, rows in (kinds_table(findings.totals), groups_table(findings.totals), daemons_table(findings.totals)):
        if rows:
            console.print(Padding(_table(head, rows[:40]), (1, 0, 0, 2)))
    _section(console, "Understood", findings.understood, "green")
    if findings.guessed:
        console.print(Text("\nGuessed", style="bold yellow"))
        head = ("what", "from", "how sure", "better")
        console.print(Padding(_table(head, guess_rows(findings)[:MOST_LINES]), (0, 0, 0, 2)))
        _more(console, len(findings.guessed))
    _section(console, "Not modelled, may matter", [_line(line) for line in findings.not_modelled], "bold red")
    if findings.ignored:
        fields = ", ".join(dict.fromkeys(line.field for line in findings.ignored))
        console.print(Text("\nIgnored, no effect on capacity", style="bold"))
        console.print(Padding(Text(fields), (0, 0, 0, 2)))
    _section(console, "Problems", findings.problems, "bold red")
    if folder is not None:
        console.print(Text(f"\nScenario: {folder}/   Inventory: {folder}/inventory.md"), soft_wrap=True)
        console.print(Text(f"Next: capsim run {folder}   or   capsim fit {folder}"), soft_wrap=True)


def _section(console: Console, title: str, lines: list[str], style: str) -> None:
    if not lines:
        return
    console.print(Text(f"\n{title}", style=style))
    for line in lines[:MOST_LINES]:
        console.print(Padding(Text(line), (0, 0, 0, 2)))
    _more(console, len(lines))


def _more(console: Console, count: int) -> None:
    if count > MOST_LINES:
        console.print(Padding(Text(f"and {count - MOST_LINES} more in inventory.md", style="dim"), (0, 0, 0, 2)))


def _table(head: tuple[str, ...], rows: Rows) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    numeric = [all(not row[i] or row[i][0].isdigit() for row in rows) and i > 0 for i in range(len(head))]
    for name, right in zip(head, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def markdown(findings: Findings) -> str:
    """The whole inventory as a page."""
    parts = ["# What was imported", _escaped(totals_line(findings.totals)) + "."]
    parts.append("Sources: " + ", ".join(f"`{name}`" for name in findings.source))
    for title, (head, rows) in (
        ("Objects", kinds_table(findings.totals)),
        ("Node groups", groups_table(findings.totals)),
        ("DaemonSets", daemons_table(findings.totals)),
    ):
        if rows:
            parts += [f"## {title}", _markdown_table(head, rows)]
    parts += _markdown_list("Understood", findings.understood)
    if findings.guessed:
        parts += ["## Guessed", _markdown_table(("what", "from", "how sure", "better"), guess_rows(findings))]
    parts += _markdown_list("Not modelled, may matter", [_line(line) for line in findings.not_modelled])
    parts += _markdown_list("Ignored, no effect on capacity", [_line(line) for line in findings.ignored])
    parts += _markdown_list("Problems", findings.problems)
    return "\n\n".join(parts) + "\n"


def _markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    def lines() -> Iterator[str]:
        yield f"| {' | '.join(head)} |"
        yield "|" + "---|" * len(head)
        for row in rows:
            yield f"| {' | '.join(_escaped(cell) for cell in row)} |"

    return "\n".join(lines())


def _markdown_list(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "\n".join(f"* {_escaped(line)}" for line in lines)] if lines else []


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)
