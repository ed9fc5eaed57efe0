"""The command line: parsing and printing only; one file per command.

Everything heavy is imported inside the commands: ``capsim --help`` answers in a fraction of a second.

Exit codes: 0 done; 1 a conformance mismatch; 2 wrong input (command line, scenario, manifests); 3 the run failed;
4 the output could not be written; 130 interrupted (the partial result was written).
"""

from __future__ import annotations

import typer

from capsim.cli.batch import batch
from capsim.cli.capacity import capacity
from capsim.cli.compare import compare
from capsim.cli.conformance import conformance
from capsim.cli.explain import explain
from capsim.cli.fit import fit
from capsim.cli.hpa import hpa
from capsim.cli.import_charts import argo, helm, kustomize
from capsim.cli.import_history import history, queries
from capsim.cli.importing import importing, kube
from capsim.cli.init import init
from capsim.cli.report import report
from capsim.cli.run import run
from capsim.cli.schema import schema
from capsim.cli.traces import traces
from capsim.cli.validate import validate
from capsim.cli.warm import warm
from capsim.cli.whatif import whatif

EPILOG = (
    "Exit codes: 0 done, 1 conformance mismatch, 2 wrong input, 3 run failed, 4 output not written, 130 interrupted"
)

app = typer.Typer(
    name="capsim",
    help="Capacity planning and autoscaling for Kubernetes, simulated in virtual time.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, whatif, capacity, fit, batch, compare, report, init, validate, warm, schema, conformance, explain):
    app.command()(command)
app.add_typer(hpa)
app.add_typer(traces)
for importer in (kube, helm, kustomize, argo, history, queries):
    importing.command()(importer)
app.add_typer(importing)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed

        try:
            typer.echo(f"capsim {installed('capsim')}")
        except PackageNotFoundError:
            typer.echo("capsim, from a checkout that is not installed")
        raise typer.Exit


def main() -> None:
    """Entry point of ``capsim`` and ``python -m capsim``."""
    app()
