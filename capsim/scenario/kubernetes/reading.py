"""What is collected while Kubernetes objects are read: models, problems and notes."""

from __future__ import annotations

from typing import Any, Literal

from capsim.errors import Problem
from capsim.scenario.document import Mark, mark_of
from capsim.scenario.inventory import Line

Section = Literal["ignored", "not_modelled", "guessed", "warnings"]


class _Note:
    __slots__ = ("count", "field", "mark", "object", "text")

    def __init__(self, field: str, text: str, mark: Mark, object_name: str) -> None:
        self.field, self.text, self.mark, self.object, self.count = field, text, mark, object_name, 1


class Reading:
    """State of one reading. `lenient`: what only a whole cluster could settle is noted instead of refused."""

    def __init__(self, lenient: bool = False) -> None:
        self.lenient = lenient
        self.problems: list[Problem] = []
        self.models: dict[str, list[Any]] = {}
        self.failed: set[str] = set()
        self.kinds: dict[str, int] = {}
        self.others: list[tuple[str, str, str, str]] = []
        self.priority_classes: dict[str, int] = {}
        self.default_priority_class: str | None = None
        self.never_preempting: set[str] = set()
        self.namespaces: dict[str, dict[str, str]] = {}
        self.limits: dict[str, Any] = {}
        """Defaults of the LimitRanges of each namespace (``container_limits.ContainerLimits``)."""
        self.by_key: dict[str, Any] = {}
        self.marks: dict[str, Mark] = {}
        """Where objects stand that are looked at again when all are read, by key."""
        self._notes: dict[tuple[Section, str, str], _Note] = {}

    def add(self, into: str, model: Any) -> None:
        """Adds a model to a list of `KubeObjects` and makes workloads known by key."""
        self.models.setdefault(into, []).append(model)
        if into == "workloads":
            self.by_key[model.key] = model

    def note(self, section: Section, field: str, text: str, mark: Mark, object_name: str = "") -> None:
        """Adds to a list of the inventory; the same field and text again only raises the count."""
        key = (section, field, text)
        if key in self._notes:
            self._notes[key].count += 1
        else:
            self._notes[key] = _Note(field, text, mark, object_name)

    def lines(self, section: Section) -> list[Line]:
        """One section of the inventory, in the order of first occurrence."""
        return [
            Line(
                file=note.mark.file,
                line=note.mark.line,
                object=note.object,
                field=note.field,
                text=note.text if note.count == 1 else f"{note.text} ({note.count} times)",
            )
            for (kind, _, _), note in self._notes.items()
            if kind == section
        ]

    def problem(
        self, object_name: str, path: str, message: str, at: tuple[Any, Any], found: str = "", allowed: str = ""
    ) -> None:
        """Adds a problem with an object; `at` is the container and the key where it stands."""
        mark = mark_of(*at)
        key = f"{object_name}: {path}" if path else object_name
        self.problems.append(Problem(message, mark.file, mark.line or None, key, found, allowed))
