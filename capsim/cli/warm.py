"""``capsim warm``."""

from __future__ import annotations

import typer

from capsim.cli.failures import reported


def warm() -> None:
    """Compile the kernels into the cache now, so that the first run need not (a minute or two)."""
    with reported():
        import time

        from capsim.engine.run import warm as compile_all
        from capsim.kernel_cache import cache_root

        start = time.perf_counter()
        compile_all(report=typer.echo)
        typer.echo(f"ready after {time.perf_counter() - start:.1f} s; compiled kernels are in {cache_root()}")
