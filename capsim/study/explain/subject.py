"""What is to be explained: a run folder and one HPA, pod, node or scale-up of it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

from capsim.errors import Problem, ScenarioError
from capsim.scenario import load
from capsim.scenario.scenario import Scenario

KINDS = ("hpa", "pod", "workload", "node", "scale-up")
FORMS = "hpa/NAME, pod/NAME, workload/NAME, node/NAME, scale-up/TIME"
RESOLVED = "scenario.resolved.yaml"


def parse(text: str) -> tuple[str, str]:
    """``kind/name`` or ``kind/namespace/name`` -> (kind, name); raises ScenarioError for another form."""
    kind, _, name = text.partition("/")
    if kind not in KINDS or not name:
        raise ScenarioError(Problem("what is to be explained?", found=repr(text), allowed=FORMS))
    return kind, name


def open_run(folder: str | Path) -> tuple[Scenario, int]:
    """The scenario of a run folder and the time (ms) that its run reached; raises ScenarioError for another folder."""
    place = Path(folder)
    try:
        facts = json.loads((place / "run.json").read_text(encoding="utf-8"))["facts"]
        reached = int(facts["reached_ms"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScenarioError(
            Problem("not a run folder", str(place), found=str(error), allowed="a folder that `capsim run` wrote")
        ) from error
    return load(place / RESOLVED), reached


def choose(kind: str, name: str, known: Sequence[str]) -> str:
    """The one of ``known`` (``namespace/name``) that a name, with or without namespace, stands for.

    Raises ScenarioError when there is none, with the closest, or when the namespace must be said.
    """
    found = [full for full in known if name in (full, full.split("/", 1)[1])]
    if len(found) == 1:
        return found[0]
    if found:
        raise ScenarioError(Problem(f"several are called {name!r}", key=f"{kind}/{name}", allowed=", ".join(found)))
    names = list(dict.fromkeys([*known, *(full.split("/", 1)[1] for full in known)]))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {kind}/{close[0]}?" if close else listed(known)
    raise ScenarioError(Problem(f"there is no {kind} of that name", key=f"{kind}/{name}", allowed=hint))


def listed(names: Sequence[str], most: int = 8) -> str:
    """The first few of a list."""
    if not names:
        return "nothing: the run has none"
    more = f", … ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more
