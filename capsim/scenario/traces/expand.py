"""`traces:` at the top of a scenario: files whose columns (or names in a column) are services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from capsim.errors import Problem, ScenarioError
from capsim.scenario.document import Mark, SourceList, SourceMap, describe, mark_of
from capsim.scenario.files import relative_to
from capsim.scenario.names import Keys, without_kind
from capsim.scenario.traces.columns import suggestion
from capsim.scenario.traces.header import Header, read_header
from capsim.scenario.traces.table import Wanted, read_table
from capsim.scenario.traces.where import Where, listed

ALLOWED = "a list of trace files: [{file: week.csv, unit: requests}, …]"


def expand_traces(root: SourceMap, services: Iterable[str], workloads: Iterable[str]) -> list[Problem]:
    """Turns each column of the files under `traces` into `traffic` of its service; returns what is wrong with them.

    Services that have their own entry under `traffic` keep it.
    """
    traces = root.get("traces")
    if traces is None:
        return []
    if not isinstance(traces, SourceList):
        mark = mark_of(root, "traces")
        return [Problem("wrong type", mark.file, mark.line or None, "traces", describe(traces), ALLOWED)]
    declared = root.get("services")
    own = [name if "/" in name else f"default/{name}" for name in declared] if isinstance(declared, SourceMap) else []
    known = Keys(dict.fromkeys([*services, *own, *map(without_kind, workloads)]))
    expansion = _Expansion(root, known)
    for index, entry in enumerate(traces):
        expansion.add(entry, f"traces[{index}]", mark_of(traces, index))
    return expansion.problems


class _Expansion:
    """Adds entries to `traffic`."""

    def __init__(self, root: SourceMap, known: Keys) -> None:
        self.known = known
        self.problems: list[Problem] = []
        found = root.get("traffic")
        self.traffic: SourceMap = found.copy() if isinstance(found, SourceMap) else SourceMap(mark=root.mark)
        if found is None or isinstance(found, SourceMap):
            root.put("traffic", self.traffic, mark_of(root, "traffic"))
        self._taken = {key for name in self.traffic for key in known.matching(name)}

    def add(self, entry: Any, path: str, mark: Mark) -> None:
        """All services of one file."""
        if not isinstance(entry, SourceMap) or not isinstance(entry.get("file"), str):
            found = describe(entry.get("file")) if isinstance(entry, SourceMap) else describe(entry)
            self.problems.append(Problem("no file", mark.file, mark.line or None, path, found, "file: week.csv, …"))
            return
        at = mark_of(entry, "file")
        where = Where(relative_to(at, entry["file"]), path, at.file, at.line or None)
        try:
            chosen = self._given(entry) or self._all(entry, where)
        except ScenarioError as error:
            self.problems += error.problems
            return
        for service, name in chosen.items():
            self._put(entry, service, name, where)

    def _put(self, entry: SourceMap, service: str, name: str, where: Where) -> None:
        keys = self.known.matching(service)
        if not keys:
            short = [key.rpartition("/")[2] for key in self.known]
            message = f"{service!r} matches no service{suggestion(service, short)}"
            self.problems.append(
                where.in_trace(message, None, f"column {name!r}", f"{listed(short)}, or services: {{service: column}}")
            )
        elif keys[0] not in self._taken:
            copy = entry.copy()
            copy.pop("services", None)
            key = "service" if "serviceColumn" in entry else "column"
            copy.put(key, name, mark_of(entry, "services"))
            self.traffic.put(keys[0] if len(keys) == 1 else service, copy, mark_of(entry, "file"))
            self._taken.add(keys[0])

    def _given(self, entry: SourceMap) -> dict[str, str]:
        services = entry.get("services")
        return {str(k): str(v) for k, v in services.items()} if isinstance(services, SourceMap) else {}

    def _all(self, entry: SourceMap, where: Where) -> dict[str, str]:
        """Every column but that of the times, or every name in the column of services."""
        header = read_header(where)
        time = entry.get("time") or header.time_name()
        column = entry.get("serviceColumn")
        if column is None:
            return {name: name for name in header.names if name != time}
        if column not in header.kinds:
            message = f"no such column{suggestion(str(column), header.names)}"
            raise ScenarioError(where.in_scenario(message, "serviceColumn", repr(column), listed(header.names)))
        return {name: name for name in _services(header, str(column), where)}


def _services(header: Header, column: str, where: Where) -> tuple[str, ...]:
    return read_table(header, Wanted((), None, column), where).services
