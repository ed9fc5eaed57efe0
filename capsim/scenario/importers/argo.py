"""Argo CD Applications whose source is a folder on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import yaml

from capsim.errors import Problem, ScenarioError
from capsim.scenario.importers.redact import mapping, sequence
from capsim.scenario.importers.rendering import helm, is_chart, is_kustomization, kustomize
from capsim.scenario.importers.stream import Found, Input, Stream


def sources_of(paths: Sequence[str], repository: str | None) -> tuple[list[Input], str]:
    """What to read for the Applications in some files, and the namespace of the first.

    `repository`: the folder that their `path` is relative to (default: the nearest folder above the file that holds a
    `.git`, else the file's own). Raises ScenarioError when a source is not here.
    """
    stream = Stream(paths)
    found = [item for item in stream if item.content.get("kind") == "Application"]
    if not found:
        others = Problem(
            "no Argo CD Application there", ", ".join(paths), allowed="kind: Application, argoproj.io/v1alpha1"
        )
        raise ScenarioError([*stream.problems, others])
    inputs: list[Input] = []
    for item in found:
        spec = mapping(item.content.get("spec"))
        sources = [*sequence(spec.get("sources")), *([spec["source"]] if "source" in spec else [])]
        for source in sources:
            inputs += _inputs(mapping(source), item, repository)
    destination = mapping(mapping(found[0].content.get("spec")).get("destination"))
    return inputs, str(destination.get("namespace") or "default")


def _inputs(source: dict[str, Any], item: Found, repository: str | None) -> list[Input]:
    name = mapping(item.content.get("metadata")).get("name")
    if source.get("chart"):
        text = "a chart from a repository: helm template it, and import that"
        raise ScenarioError(Problem(f"Application {name}: {text}", item.file, item.line, "spec.source.chart"))
    if not source.get("path"):
        return []  # a source that only lends its values files
    root = repository or _repository(item.file)
    path = os.path.normpath(os.path.join(root, str(source["path"])))
    if not os.path.isdir(path):
        message = f"Application {name}: its folder is not here; --repo names the checkout"
        raise ScenarioError(Problem(message, item.file, item.line, "spec.source.path", path, "a folder"))
    if is_chart(path):
        return [_chart(path, mapping(source.get("helm")), item, str(name))]
    if is_kustomization(path):
        return [kustomize(path)]
    recurse = mapping(source.get("directory")).get("recurse")
    return (
        [path]
        if recurse
        else [os.path.join(path, f) for f in sorted(os.listdir(path)) if f.endswith((".yaml", ".yml", ".json"))]
    )


def _repository(file: str) -> str:
    folder = os.path.dirname(os.path.abspath(file))
    at = folder
    while not os.path.exists(os.path.join(at, ".git")):
        above = os.path.dirname(at)
        if above == at:
            return folder
        at = above
    return at


def _chart(path: str, options: dict[str, Any], item: Found, name: str) -> Input:
    namespace = str(mapping(mapping(item.content.get("spec")).get("destination")).get("namespace") or "default")
    values = [os.path.normpath(os.path.join(path, str(file))) for file in sequence(options.get("valueFiles"))]
    pairs = [mapping(pair) for pair in sequence(options.get("parameters"))]
    sets = [f"{pair.get('name')}={pair.get('value')}" for pair in pairs]
    release = str(options.get("releaseName") or name)
    inline = options.get("valuesObject") or options.get("values")
    if not inline:
        return helm(path, values, release, namespace, sets)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(inline if isinstance(inline, str) else yaml.safe_dump(inline))
        file.flush()
        return helm(path, [*values, file.name], release, namespace, sets)
