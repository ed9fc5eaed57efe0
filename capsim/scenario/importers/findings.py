"""What an import has to say: what was understood, what was guessed and how sure it is, what may matter.

The inventory is for people who will act on the result: nothing that was read and not used is missing here, and the
totals can be checked against kubectl.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capsim.scenario.inventory import Line
from capsim.scenario.model import Model, Text, WholeNumber

Sure = Literal["sure", "likely", "a guess"]


class Guess(Model):
    """A value that the files do not hold as such."""

    what: Text = Field(description="What was decided, with the value.")
    source: Text = Field(description="From what.")
    sure: Sure = Field(description="`sure`: it can hardly be otherwise; `likely`; `a guess`.")
    better: Text = Field("", description="How it could be known better.")
    count: WholeNumber = Field(1, description="How often.")


class GroupTotals(Model):
    """Nodes of one group, and what is requested on them; cpu in millicores, memory in bytes."""

    node_group: Text = Field(description="Name of the node group.")
    nodes: WholeNumber = Field(description="Nodes.")
    ready: WholeNumber = Field(description="Nodes that are Ready and not cordoned.")
    pods: WholeNumber = Field(description="Pods on them that are not finished.")
    capacity_cpu_milli: WholeNumber = Field(description="Sum of status.capacity, cpu.")
    capacity_memory_bytes: WholeNumber = Field(description="Sum of status.capacity, memory.")
    allocatable_cpu_milli: WholeNumber = Field(description="Sum of status.allocatable, cpu.")
    allocatable_memory_bytes: WholeNumber = Field(description="Sum of status.allocatable, memory.")
    requested_cpu_milli: WholeNumber = Field(description="Requests of the pods on them, cpu.")
    requested_memory_bytes: WholeNumber = Field(description="Requests of the pods on them, memory.")


class DaemonCost(Model):
    """What a DaemonSet takes from every node that it runs on."""

    daemonset: Text = Field(description="namespace/DaemonSet/name.")
    nodes: WholeNumber = Field(description="Nodes on which a pod of it was seen; 0 when the dump has no pods.")
    cpu_milli: WholeNumber = Field(description="Requested per node, cpu.")
    memory_bytes: WholeNumber = Field(description="Requested per node, memory.")


class Totals(Model):
    """Numbers to check against kubectl."""

    files: WholeNumber = Field(0, description="Files read.")
    documents: WholeNumber = Field(0, description="YAML or JSON documents; a List is one.")
    objects: WholeNumber = Field(0, description="Objects read (kubectl get … -A | wc -l).")
    kinds: dict[Text, WholeNumber] = Field({}, description="Objects by kind.")
    duplicates: dict[Text, WholeNumber] = Field({}, description="Objects that were in the files before, by kind.")
    replicas: dict[Text, WholeNumber] = Field({}, description="spec.replicas (Jobs: parallelism), by kind.")
    containers: dict[Text, WholeNumber] = Field({}, description="Containers in templates, by kind.")
    containers_without_requests: dict[Text, WholeNumber] = Field({}, description="Those without requests, by kind.")
    pods: dict[Text, WholeNumber] = Field({}, description="Pods by status.phase.")
    pod_containers: WholeNumber = Field(0, description="Containers of the Pod objects (init containers not counted).")
    requested_cpu_milli: WholeNumber = Field(0, description="Requests of all pods that are not finished, cpu.")
    requested_memory_bytes: WholeNumber = Field(0, description="The same for memory.")
    groups: list[GroupTotals] = Field([], description="Node groups.")
    daemonsets: list[DaemonCost] = Field([], description="What each DaemonSet costs per node.")


class Findings(Model):
    """The page at the end of an import."""

    source: list[Text] = Field([], description="What was read.")
    totals: Totals = Field(Totals(), description="Numbers to check against kubectl.")
    understood: list[Text] = Field([], description="What became part of the scenario.")
    guessed: list[Guess] = Field([], description="Values that the files do not hold as such.")
    ignored: list[Line] = Field([], description="Objects and fields without effect on capacity.")
    not_modelled: list[Line] = Field([], description="What may matter and is not modelled.")
    problems: list[Text] = Field([], description="What could not be read or is wrong, with file and line.")


class Log:
    """Collects findings while an import goes on."""

    def __init__(self) -> None:
        self.understood: list[str] = []
        self._guesses: dict[tuple[str, str, Sure, str], int] = {}
        self._lines: dict[str, dict[tuple[str, str], tuple[Line, int]]] = {"ignored": {}, "not_modelled": {}}

    def understand(self, text: str) -> None:
        """Something became part of the scenario."""
        self.understood.append(text)

    def guess(self, what: str, source: str, sure: Sure, better: str = "", count: int = 1) -> None:
        """A value that the files do not hold; the same one again raises its count."""
        key = (what, source, sure, better)
        self._guesses[key] = self._guesses.get(key, 0) + count

    def note(
        self, section: Literal["ignored", "not_modelled"], field: str, text: str, object_name: str = "",
        file: str = "", line: int = 0, count: int = 1,
    ) -> None:  # fmt: skip
        """A field or an object that is not used; the same again raises its count."""
        lines = self._lines[section]
        first, number = lines.get(
            (field, text), (Line(file=file, line=line, object=object_name, field=field, text=text), 0)
        )
        lines[field, text] = (first, number + count)

    def guesses(self) -> list[Guess]:
        """All guesses, the least sure first."""
        rank = {"a guess": 0, "likely": 1, "sure": 2}
        made = [Guess(what=w, source=s, sure=k, better=b, count=n) for (w, s, k, b), n in self._guesses.items()]
        return sorted(made, key=lambda guess: rank[guess.sure])

    def lines(self, section: Literal["ignored", "not_modelled"]) -> list[Line]:
        """One section, with counts."""
        return [
            line if count == 1 else line.replaced(text=f"{line.text} ({count:,} times)")
            for line, count in self._lines[section].values()
        ]
