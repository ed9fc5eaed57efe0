"""``capsim explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from capsim.cli.failures import reported, wrong_usage


def explain(
    folder: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run folder, as `capsim run` writes it.")],
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="hpa/NAME, pod/NAME, workload/NAME (or hpa/NAMESPACE/NAME), node/NAME, scale-up/TIME."
        ),
    ],
    at: Annotated[str | None, typer.Option(help="Only the HPA's last sync at or before this time (3m15s).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Say why an HPA decided so, why a pod was pending or refused, why a node stayed or went, why a group grew."""
    with reported():
        import json

        from capsim.study.explain.subject import open_run, parse

        kind, name = parse(what)
        if at is not None and kind != "hpa":
            raise wrong_usage("--at is for hpa/NAME")
        at_ms = _time(at)
        scenario, reached_ms = open_run(folder)
        found: Any
        if kind == "hpa":
            from capsim.study.explain.hpa import explain_hpa
            from capsim.study.explain.hpa_words import line

            syncs = explain_hpa(scenario, name, reached_ms, at_ms)
            found, lines = [sync.as_dict() for sync in syncs], [line(sync) for sync in syncs]
        elif kind == "workload":
            from capsim.study.explain.workload import explain_workload, workload_lines

            refused = explain_workload(scenario, name, reached_ms)
            found, lines = refused.as_dict(), workload_lines(refused)
        elif kind == "node":
            from dataclasses import asdict

            from capsim.study.explain.autoscaler import explain_node, node_line

            steps = explain_node(scenario, name, reached_ms)
            found, lines = [asdict(step) for step in steps], [node_line(step) for step in steps]
        elif kind == "scale-up":
            from capsim.study.explain.autoscaler import explain_scale_up, scale_up_lines

            seen = explain_scale_up(scenario, _time(name, "scale-up/TIME") or 0, reached_ms)
            found, lines = seen.as_dict(), scale_up_lines(seen)
        else:
            from capsim.study.explain.pod import explain_pod
            from capsim.study.explain.pod_words import story

            pod = explain_pod(folder, scenario, name)
            found, lines = pod.as_dict(), story(pod)
        typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines) or "no sync by then")


def _time(text: str | None, what: str = "--at") -> int | None:
    from capsim.units import parse_duration_ms

    try:
        return None if text is None else parse_duration_ms(text)
    except ValueError as error:
        raise wrong_usage(f"{what}: {error}") from error
