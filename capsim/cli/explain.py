"""``capsim explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from capsim.cli.failures import reported, wrong_usage


def explain(
    folder: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run folder, as `capsim run` writes it.")],
    what: Annotated[str, typer.Argument(metavar="WHAT", help="hpa/NAME or pod/NAME (or hpa/NAMESPACE/NAME).")],
    at: Annotated[str | None, typer.Option(help="Only the HPA's last sync at or before this time (3m15s).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Say why an HPA decided as it did, sync by sync, or why a pod was pending; runs the scenario again."""
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
        else:
            from capsim.study.explain.pod import explain_pod
            from capsim.study.explain.pod_words import story

            pod = explain_pod(folder, scenario, name)
            found, lines = pod.as_dict(), story(pod)
        typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines) or "no sync by then")


def _time(text: str | None) -> int | None:
    from capsim.units import parse_duration_ms

    try:
        return None if text is None else parse_duration_ms(text)
    except ValueError as error:
        raise wrong_usage(f"--at: {error}") from error
