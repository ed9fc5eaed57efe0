"""The packaged examples: the same files as ``scenarios/`` of the repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from capsim.errors import OutputError, ScenarioError

PACKAGE = Path(__file__).resolve().parents[1]


def examples_folder() -> Path:
    """Where the examples are: inside an installed wheel, or beside the package in a checkout."""
    for folder in (PACKAGE / "examples", PACKAGE.parent / "scenarios"):
        if (folder / "app10.yaml").is_file():
            return folder
    raise ScenarioError(
        f"this installation has no examples: neither {PACKAGE / 'examples'} nor a checkout's scenarios/"
    )


def names() -> list[str]:
    """Names that ``capsim init`` accepts: scenario files, and folders that hold a scenario.yaml."""
    folder = examples_folder()
    return sorted(
        [*(path.stem for path in folder.glob("*.yaml")), *(p.parent.name for p in folder.glob("*/scenario.yaml"))]
    )


def copy_example(name: str, place: Path) -> tuple[list[Path], Path]:
    """Copy example ``name`` with everything it refers to into ``place``; returns the new files, and which to run.

    Raises :class:`ScenarioError` for an unknown name and :class:`OutputError` when a file is there already.
    """
    if name not in names():
        raise ScenarioError(f"no example {name!r}; there is: {', '.join(names())}")
    source, main = examples_folder(), f"{name}.yaml"
    if (source / name / "scenario.yaml").is_file():
        source, main = source / name, "scenario.yaml"
        files = sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    else:
        files = sorted(_needed(source / main))
    copies = [place / file.relative_to(source) for file in files]
    if there := [copy for copy in copies if copy.exists()]:
        raise OutputError(f"{there[0]} is there already; nothing was copied. Name another directory.")
    try:
        for file, copy in zip(files, copies, strict=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    except OSError as problem:
        raise OutputError(f"cannot write to {place}: {problem.strerror or problem}") from problem
    return copies, place / main


def _needed(scenario: Path) -> set[Path]:
    """The scenario file, what it extends, and the manifests of all of them."""
    import yaml

    document = yaml.safe_load(scenario.read_text(encoding="utf-8"))
    files = {scenario}
    extended = document.get("extends", [])
    for parent in [extended] if isinstance(extended, str) else extended:
        files |= _needed(scenario.parent / parent)
    for manifest in document.get("manifests", []):
        place = scenario.parent / manifest
        files |= set(place.rglob("*.yaml")) if place.is_dir() else {place}
    return files
