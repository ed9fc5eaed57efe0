"""Checks of rollouts that need the whole scenario: containers and revisions that must exist, requests within limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capsim.scenario.event import TimedEvent
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.merge import suggestion
from capsim.scenario.model import quantity_of
from capsim.scenario.revisions import History, histories, rolled_out
from capsim.scenario.rollout import Rollback, Rollout
from capsim.scenario.scenario import Scenario
from capsim.scenario.timeline import in_time


class Fault(NamedTuple):
    """A problem with the event of that index in the scenario."""

    path: tuple[str | int, ...]
    message: str
    found: str
    allowed: str


def rollout_faults(scenario: Scenario) -> list[Fault]:
    """Every problem; the events of a Deployment are followed in order of time, those with problems left out."""
    places = {id(event): index for index, event in enumerate(scenario.events)}
    found: list[Fault] = []

    def is_sound(history: History, event: TimedEvent) -> bool:
        wrong = [
            Fault(("events", places[id(event)], *fault.path), *fault[1:]) for fault in _faults(history, event, scenario)
        ]
        found.extend(wrong)
        return not wrong

    histories(scenario, is_sound)
    return found


def _faults(history: History, event: TimedEvent, scenario: Scenario) -> Iterator[Fault]:
    if event.rollout is not None:
        yield from _rollout(history, event.rollout, event.at_ms)
        yield from _mixed(history, scenario)
    elif event.rollback is not None:
        yield from _rollback(history, event.rollback)


def _mixed(history: History, scenario: Scenario) -> Iterator[Fault]:
    key = history.workload.key
    for event in in_time(scenario):
        if event.apply is not None and isinstance(event.apply.object, Workload) and event.apply.object.key == key:
            message = f"{key} is changed by `apply` too, which knows nothing of this"
            yield Fault(("rollout",), message, "", "one of rollout and apply for a Deployment")
            return


def _rollout(history: History, change: Rollout, at_ms: int) -> Iterator[Fault]:
    template = history.current.template
    names = [container.name for container in template.containers]
    if change.container is not None and change.container not in names:
        message = "no such container" + suggestion(change.container, names)
        yield Fault(("rollout", "container"), message, change.container, ", ".join(names))
        return
    name = change.container or names[0]
    container = next(c for c in rolled_out(history.current, change, at_ms).template.containers if c.name == name)
    for resource, limit in container.limits.items():
        request = container.requests.get(resource, 0)
        if request > limit:
            write = quantity_of(resource).write
            key = "requests" if resource in change.new_requests else "limits"
            message = f"the {resource} request would be more than the limit"
            yield Fault(("rollout", key), message, f"{write(request)} > {write(limit)}", f"at most {write(limit)}")


def _rollback(history: History, change: Rollback) -> Iterator[Fault]:
    if history.revision_before(change.to_revision) is None:
        numbers = [str(number) for number, r in enumerate(history.numbered, 1) if r >= 0]
        path = ("rollback", "toRevision") if change.to_revision else ("rollback",)
        found = str(change.to_revision or "")
        yield Fault(path, f"{history.workload.key} has no such revision by then", found, ", ".join(numbers))
