"""``capsim report``: the page beside the run's data, and its pictures as PNG."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from capsim.errors import OutputError
from capsim.report.charts.raster import png
from capsim.report.page import Pictures, pictures, render
from capsim.report.run_folder import open_run, resolved
from capsim.report.words import headline
from capsim.result import Result

PAGE = "report.html"
PANELS = 4  # workloads in the picture of replicas


def write_report(folder: str | Path, out: str | Path | None = None, *, figures: bool = True) -> tuple[Path, str]:
    """Write the page (``out``, else ``report.html`` in the folder) and ``figures/*.png``; returns page and headline.

    Everything is drawn before the first file is written. Raises :class:`capsim.errors.ScenarioError` for a damaged
    folder and :class:`capsim.errors.OutputError` when a file cannot be written.
    """
    place = Path(folder)
    page = Path(out) if out is not None else place / PAGE
    result = open_run(place)
    drawn = pictures(result)
    text = render(result, drawn, place, *resolved(place, result))
    images = _images(result, drawn) if figures else {}
    for name, image in images.items():
        _write(place / name, image)
    _write(page, text.encode("utf-8", "replace"))
    if names := [*images, *([PAGE] if out is None else [])]:
        _register(place, names)
    return page, headline(result.summary)


def _images(result: Result, drawn: Pictures) -> dict[str, bytes]:
    name, cluster = result.summary.name, drawn.cluster
    shown = [item.charts for item in drawn.workloads[:PANELS]]
    several = len(shown) > 1
    replicas = [charts[-1] for charts in shown]
    found = {
        "figures/utilisation.png": png(f"{name}: utilisation", cluster.utilisation),
        "figures/nodes-and-cost.png": png(f"{name}: nodes and cost", [cluster.nodes, *cluster.cost]),
    }
    above = [cluster.traffic] if several or not shown else list(shown[0][:-1])
    if above or replicas:
        found["figures/replicas.png"] = png(f"{name}: traffic and replicas", [*above, *replicas])
    if drawn.responses:
        found["figures/responses.png"] = png(f"{name}: response times", drawn.responses)
    if drawn.network:
        found["figures/network.png"] = png(f"{name}: network", drawn.network)
    if drawn.heat is not None:
        from capsim.report.heat_figure import heat_png

        found["figures/heat-map.png"] = heat_png(f"{name}: CPU requested on each node", drawn.heat, result)
    return found


def _write(path: Path, content: bytes) -> None:
    """Beside its place first: a full disk leaves the old file."""
    stage = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, stage = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(stage, 0o666 & ~_umask())
        os.replace(stage, path)
    except OSError as problem:
        if stage:
            Path(stage).unlink(missing_ok=True)
        text = f"cannot write {path}: {problem.strerror or problem}; choose another place with --out"
        raise OutputError(text) from problem


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _register(folder: Path, names: list[str]) -> None:
    """Add the files to those that run.json lists: the next run into this folder removes them, being stale then."""
    path = folder / "run.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    files = {**document.get("files", {}), **{name: (folder / name).stat().st_size for name in names}}
    document["files"] = dict(sorted(files.items()))
    _write(path, (json.dumps(document, indent=2) + "\n").encode())
