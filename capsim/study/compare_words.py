"""A comparison in words: the rows that the terminal and Markdown show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capsim.study.compare import Comparison, Pair
from capsim.study.difference import Difference
from capsim.study.measures import number_text, runs_text

BEYOND, WITHIN = "●", "≈"
HEAD = ("measure", "A", "B", "difference", "percent")


def row(item: Difference) -> tuple[str, ...]:
    """Measure, both values, difference, percent, and the mark: ● beyond the noise of the seeds, ≈ within it."""
    mark = {True: BEYOND, False: "" if item.equal else WITHIN, None: ""}[item.beyond_noise]
    return (item.measure, _value(item.a, item.unit), _value(item.b, item.unit), *change(item), mark)


def change(item: Difference) -> tuple[str, str]:
    """The difference with its sign (of shares: in percentage points), and in percent of A."""
    if item.difference is None:
        return "only B" if item.a is None else "only A", ""
    if item.equal:
        return "=", ""
    sign = "+" if item.difference > 0 else "-"
    percent = "" if item.change_ratio is None else f"{100 * item.change_ratio:+,.3g} %"
    text = number_text(abs(item.difference), item.unit)
    return sign + (text.replace("%", "points") if item.unit == "ratio" else text), percent


def show(comparison: Comparison, console: Console, every: bool = False) -> None:
    """Print what differs (``every``: all measures), scenario by scenario."""
    console.print(Text(f"A  {comparison.a}\nB  {comparison.b}", style="bold"))
    for pair in comparison.pairs:
        console.print(Text(f"\n{_title(pair)}", style="bold cyan"))
        for caution in pair.cautions:
            console.print(Padding(Text(f"Caution: {caution}", style="yellow"), (0, 0, 0, 2)))
        shown = [item for item in pair.differences if every or not item.equal]
        if shown:
            console.print(Padding(_table(pair, shown), (0, 0, 0, 2)))
        if equal := len(pair.differences) - len(shown):
            console.print(Padding(Text(f"{equal} measures are equal (--all shows them)", style="dim"), (0, 0, 0, 2)))
        console.print(Padding(Text(noise_words(pair), style="dim"), (0, 0, 0, 2)))
    for line in _missing(comparison):
        console.print(Text(line, style="yellow"))


def noise_words(pair: Pair) -> str:
    """What the marks mean, or why there are none."""
    if pair.noise_known:
        return (
            f"{BEYOND} beyond the noise of the seeds (95 %: one in twenty measures without any difference is marked "
            f"too), {WITHIN} within it"
        )
    return "One seed on a side: a difference may be noise. capsim batch --seeds 5 measures how large that is."


def markdown(comparison: Comparison, figures: Sequence[PurePath] = ()) -> str:
    """The comparison as a page: every scenario with all measures; ``figures`` are shown, one per scenario."""
    parts = [f"# {_code(comparison.a)} and {_code(comparison.b)}"]
    for place, pair in enumerate(comparison.pairs):
        parts.append(f"## {_escaped(_title(pair))}")
        parts += [f"**Caution:** {_escaped(caution)}" for caution in pair.cautions]
        if place < len(figures):
            parts.append(f"![A and B over time](<{figures[place].as_posix()}>)")
        parts.append("\n".join(_markdown_table(pair)))
        parts.append(noise_words(pair))
    return "\n\n".join([*parts, *_missing(comparison)]) + "\n"


def _markdown_table(pair: Pair) -> Iterator[str]:
    yield f"| {' | '.join(HEAD)} | |"
    yield "|---|---:|---:|---:|---:|---|"
    for item in pair.differences:
        name, *cells = row(item)
        yield f"| {_code(name)} | {' | '.join(cells)} |"


def _table(pair: Pair, shown: Sequence[Difference]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in HEAD:
        table.add_column(name, justify="left" if name == "measure" else "right", overflow="fold")
    table.add_column("")
    for item in shown:
        style = "bold" if item.beyond_noise else "dim" if item.equal else ""
        table.add_row(*(Text(cell, style=style) for cell in row(item)))
    return table


def _title(pair: Pair) -> str:
    return f"{pair.name}: {runs_text(len(pair.a))} and {runs_text(len(pair.b))}"


def _missing(comparison: Comparison) -> list[str]:
    sides = (("A", comparison.only_a), ("B", comparison.only_b))
    return [f"Only {side} has: {_escaped(', '.join(names))}" for side, names in sides if names]


def _value(value: float | None, unit: str) -> str:
    return "–" if value is None else number_text(value, unit)


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)
