"""A progress bar that appears only when a run takes long enough to wonder."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int], None]
PATIENCE_S = 1.0


@contextmanager
def progress_bar(duration_ms: int) -> Iterator[Progress | None]:
    """A callable for the engine: it is told the simulated time that was reached, in ms; None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(duration_ms)
    try:
        yield bar.reached
    finally:
        bar.close()


class _Bar:
    """Starts rich only after some patience: its import and first frame cost more than a short run."""

    def __init__(self, duration_ms: int) -> None:
        self._duration_ms = duration_ms
        self._since = time.perf_counter()
        self._close: Callable[[], None] | None = None
        self._update: Progress | None = None

    def reached(self, time_ms: int) -> None:
        if self._update is None and time.perf_counter() - self._since > PATIENCE_S:
            self._open()
        if self._update is not None:
            self._update(time_ms)

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True)
        task = bar.add_task("simulating", total=self._duration_ms)
        bar.start()
        self._update = lambda time_ms: bar.update(task, completed=time_ms)
        self._close = bar.stop

    def close(self) -> None:
        if self._close is not None:
            self._close()
