"""Charts and kustomizations, rendered by the programs that define them, when they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from capsim.errors import ScenarioError
from capsim.scenario.importers.stream import Rendered

TIMEOUT_S = 300
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def is_chart(path: str) -> bool:
    """Whether something is a Helm chart rather than rendered output."""
    return os.path.isfile(os.path.join(path, "Chart.yaml")) or path.endswith(".tgz") or path.startswith("oci://")


def is_kustomization(path: str) -> bool:
    """Whether a folder is one that kustomize builds."""
    return any(os.path.isfile(os.path.join(path, name)) for name in KUSTOMIZATIONS)


def helm(
    chart: str, values: Sequence[str] = (), release: str = "release", namespace: str = "default",
    sets: Sequence[str] = (),
) -> Rendered:  # fmt: skip
    """`helm template`. Raises ScenarioError when helm is missing or fails."""
    words = ["helm", "template", release, chart, "--namespace", namespace]
    words += [word for file in values for word in ("--values", file)]
    words += [word for text in sets for word in ("--set", text)]
    instead = f"helm template {chart} | capsim import helm -"
    return Rendered(f"helm template {chart}", _output(words, chart, instead))


def kustomize(folder: str) -> Rendered:
    """`kustomize build`, or `kubectl kustomize`. Raises ScenarioError when neither is there or it fails."""
    words = ["kustomize", "build", folder] if shutil.which("kustomize") else ["kubectl", "kustomize", folder]
    instead = f"kustomize build {folder} | capsim import kustomize -"
    return Rendered(f"kustomize build {folder}", _output(words, folder, instead))


def _output(words: list[str], what: str, instead: str) -> bytes:
    program = shutil.which(words[0])
    if program is None:
        raise ScenarioError(f"{what}: {words[0]} is not installed here; where it is: {instead}")
    try:
        done = subprocess.run([program, *words[1:]], capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise ScenarioError(f"{what}: {words[0]} took longer than {TIMEOUT_S} s") from None
    except OSError as error:
        raise ScenarioError(f"{what}: {words[0]} cannot be run: {error.strerror or error}") from None
    if done.returncode:
        # The first line says what is wrong; more of it might quote values.
        reason = done.stderr.decode("utf-8", "replace").strip().split("\n")[0][:300]
        raise ScenarioError(f"{what}: {' '.join(words[:2])} failed: {reason or f'exit code {done.returncode}'}")
    return done.stdout


def rendered(
    source: str, values: Sequence[str] = (), release: str = "release", namespace: str = "default"
) -> str | Rendered:
    """What to read for a chart, a kustomization, or rendered output (a file, a folder, `-`)."""
    if is_chart(source):
        return helm(source, values, release, namespace)
    if values:
        raise ScenarioError(f"{source} is rendered output: values change a chart (a folder with a Chart.yaml)")
    if Path(source).is_dir() and is_kustomization(source):
        return kustomize(source)
    return source
