"""``capsim import helm``, ``kustomize`` and ``argo``: what deploys an application, one base and an overlay each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli.failures import reported, wrong_usage
from capsim.cli.importing import AsJson, Name, Namespace, Nodes, Out, finish, options_of, quick

if TYPE_CHECKING:
    from capsim.scenario.importers.stream import Input

ENVIRONMENTS = "Environments"


def helm(
    source: Annotated[str, typer.Argument(help="A chart (needs helm), or what helm template printed: a file, or -.")],
    values: Annotated[
        list[Path] | None, typer.Option("-f", "--values", help="Values file of the base (a chart only).")
    ] = None,
    envs: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            help="dev=values-dev.yaml: an overlay (rendered output: dev=rendered-dev.yaml).",
            rich_help_panel=ENVIRONMENTS,
        ),
    ] = None,
    release: Annotated[str, typer.Option(help="Name of the release.")] = "release",
    out: Out = Path("imported"),
    name: Name = None,
    nodes: Nodes = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
) -> None:
    """A scenario from a Helm chart or its rendered output; values per environment become overlays."""
    with reported():
        from capsim.scenario.importers.rendering import is_chart, rendered

        common = [str(file) for file in values or []]
        base = rendered(source, common, release, namespace)
        others: dict[str, Input] = {}
        for env, file in _environments(envs).items():
            own = is_chart(source)
            others[env] = rendered(source, [*common, file], release, namespace) if own else file
        _import(base, others, out, name, nodes, namespace, as_json=as_json)


def kustomize(
    source: Annotated[str, typer.Argument(help="A kustomization (needs kustomize or kubectl), its output, or -.")],
    envs: Annotated[
        list[str] | None,
        typer.Option("--env", help="dev=overlays/dev (or its output): an overlay.", rich_help_panel=ENVIRONMENTS),
    ] = None,
    out: Out = Path("imported"),
    name: Name = None,
    nodes: Nodes = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
) -> None:
    """A scenario from a kustomization or its output; overlays per environment become overlays."""
    with reported():
        from capsim.scenario.importers.rendering import rendered

        others = {env: rendered(path) for env, path in _environments(envs).items()}
        _import(rendered(source), others, out, name, nodes, namespace, as_json=as_json)


def argo(
    applications: Annotated[list[str], typer.Argument(help="Files with Argo CD Applications.")],
    repo: Annotated[Path | None, typer.Option(help="Checkout that their paths are in (default: the files').")] = None,
    out: Out = Path("imported"),
    name: Name = None,
    nodes: Nodes = None,
    as_json: AsJson = False,
) -> None:
    """A scenario from Argo CD Applications whose path is in a checkout here: charts, kustomizations or manifests."""
    with reported():
        from capsim.scenario.importers.argo import sources_of

        inputs, namespace = sources_of(applications, None if repo is None else str(repo))
        options = options_of(out, name, nodes, namespace, [])
        with quick():
            from capsim.scenario.importers.assemble import imported

            made = imported(inputs, options)
        finish(made, out, as_json=as_json)


def _environments(texts: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts or []:
        env, separator, value = text.partition("=")
        if not separator or not value or not env.replace("-", "").isalnum() or env in ("scenario", "placement"):
            raise wrong_usage(f"--env: found {text!r}; allowed: NAME=FILE, such as dev=values-dev.yaml")
        found[env] = value
    return found


def _import(
    base: Input,
    others: dict[str, Input],
    out: Path,
    name: str | None,
    nodes: str | None,
    namespace: str,
    *,
    as_json: bool,
) -> None:
    options = options_of(out, name, nodes, namespace, [])
    with quick():
        from capsim.scenario.importers.assemble import imported
        from capsim.scenario.importers.environments import write_overlay

        made = imported([base], options)
        environments = {env: imported([other], options) for env, other in others.items()}
    finish(made, out, as_json=as_json)
    for env, other in environments.items():
        path = write_overlay(made, other, env, out)
        for problem in other.findings.problems:
            typer.echo(f"{env}: {problem}", err=True)
        typer.echo(f"Overlay: capsim run {out} -f {path}", err=as_json)
