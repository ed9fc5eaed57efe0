"""A folder of its own for each test, with a small scenario in it."""

from __future__ import annotations

import textwrap

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load
from tests.scenario.samples import DEPLOYMENT, HPA, SCENARIO, SERVICE


class Folder:
    """Files in a temporary folder that is the working directory."""

    def __init__(self, path):
        self.path = path
        self.write("app.yaml", "---\n".join([DEPLOYMENT, SERVICE, HPA]))
        self.write("scenario.yaml", SCENARIO)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return name

    def load(self, extra="", **options):
        """Loads the small scenario with further keys."""
        self.write("more.yaml", SCENARIO + textwrap.dedent(extra))
        return load("more.yaml", **options)

    def problems(self, extra="", **options):
        """The problems of the small scenario with further keys, as text."""
        with pytest.raises(ScenarioError) as caught:
            self.load(extra, **options)
        return [str(problem) for problem in caught.value.problems]

    def problems_of(self, path, **options):
        """The problems of a file, as text."""
        with pytest.raises(ScenarioError) as caught:
            load(path, **options)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)
