"""Dumps in a temporary folder, imported."""

from __future__ import annotations

import json
import textwrap

import pytest
import yaml

from capsim.scenario import load
from capsim.scenario.importers.assemble import Options, imported
from capsim.scenario.importers.write import write_scenario


class Dumps:
    """Writes files, imports them, and loads the scenario that came out."""

    def __init__(self, path):
        self.path = path

    def write(self, name, content):
        """A file of objects (YAML or JSON by its name), or of text."""
        if not isinstance(content, (str, bytes)):
            listed = {"apiVersion": "v1", "kind": "List", "items": content}
            content = json.dumps(listed, indent=4) if name.endswith(".json") else yaml.safe_dump(listed)
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
        return str(path)

    def imported(self, *contents, **options):
        """What an import of these contents (or of the files that were written) gives."""
        names = [self.write(f"dump-{i}.yaml", content) for i, content in enumerate(contents)]
        return imported(names or [str(self.path)], Options(**options))

    def loaded(self, *contents, **options):
        """The scenario, written and loaded again, and the findings."""
        made = self.imported(*contents, **options)
        write_scenario(made, self.path / "scenario")
        return load(self.path / "scenario"), made.findings


@pytest.fixture
def dumps(tmp_path):
    return Dumps(tmp_path)
