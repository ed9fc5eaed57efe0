"""``capsim import``: scenarios from what people have."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.failures import reported, wrong_usage

if TYPE_CHECKING:
    from capsim.scenario.importers.assemble import Imported, Options

importing = typer.Typer(
    name="import", help="Make a scenario of a cluster's dump, a chart, recorded usage.", no_args_is_help=True
)
WIDE = 150
OUT = "Output"
KNOWN = "What the files do not say"

Out = Annotated[Path, typer.Option(help="Folder for the scenario.", rich_help_panel=OUT)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the inventory as JSON.", rich_help_panel=OUT)]
Name = Annotated[str | None, typer.Option(help="Name of the scenario (default: the folder's).", rich_help_panel=OUT)]
Nodes = Annotated[
    str | None, typer.Option(help="Files without nodes: their shape, as 3x4cpu-16Gi.", rich_help_panel=KNOWN)
]
Namespace = Annotated[str, typer.Option(help="For objects that name no namespace.", rich_help_panel=KNOWN)]
Prices = Annotated[
    list[str] | None,
    typer.Option(
        "--price", help="USD per hour of a machine type or node group, as m7i.xlarge=0.2016.", rich_help_panel=KNOWN
    ),
]


@importing.callback()
def _group() -> None:
    """Make a scenario of a cluster's dump, a chart, recorded usage."""


def kube(
    paths: Annotated[
        list[str], typer.Argument(help="Files, folders or globs of kubectl's output (YAML, JSON, .gz), or -.")
    ],
    out: Out = Path("imported"),
    name: Name = None,
    nodes: Nodes = None,
    namespace: Namespace = "default",
    prices: Prices = None,
    as_json: AsJson = False,
) -> None:
    """A scenario from `kubectl get nodes,pods,deploy,… -A -o yaml` (or json): objects, node groups, placement."""
    with reported():
        options = options_of(out, name, nodes, namespace, prices or [])
        with quick(), reading_bar() as progress:
            from capsim.scenario.importers.assemble import imported

            made = imported(paths, options, progress)
        finish(made, out, as_json=as_json)


def options_of(out: Path, name: str | None, nodes: str | None, namespace: str, prices: list[str]) -> Options:
    """What the command line adds to the files."""
    from capsim.scenario.importers.assemble import Options

    found: dict[str, float] = {}
    for text in prices:
        key, _, usd = text.rpartition("=")
        try:
            found[key] = float(usd)
        except ValueError:
            key = ""
        if not key or not 0 <= found[key] < float("inf"):
            raise wrong_usage(f"--price: found {text!r}; allowed: TYPE=USD per hour, such as m7i.xlarge=0.2016")
    return Options(name or out.resolve().name or "imported", namespace, nodes, found)


@contextmanager
def quick() -> Iterator[None]:
    """No search for garbage while millions of objects come and go: what is left behind is freed at once anyway."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def reading_bar() -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over the bytes of the files; None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def finish(made: Imported, out: Path, *, as_json: bool) -> None:
    """Write the scenario and its inventory, check that it loads, and print the inventory."""
    from capsim.errors import ScenarioError
    from capsim.report.import_page import save, show
    from capsim.scenario.importers.write import write_scenario

    found = made.findings
    if not made.objects and not made.nodes:
        raise ScenarioError([*found.problems, "nothing to simulate: no workload, no node"])
    write_scenario(made, out)
    save(found, out)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE  # a file or a pipe has no width of its own
    show(found, console, out)
