"""``capsim schema``."""

from __future__ import annotations

import typer

from capsim.cli.failures import reported


def schema() -> None:
    """Print the JSON Schema of scenario files (for editors: yaml-language-server and the like)."""
    with reported():
        import json

        from capsim.scenario import json_schema

        typer.echo(json.dumps(json_schema(), indent=2))
