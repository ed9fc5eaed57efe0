"""Which revisions each Deployment will ever have: known when a scenario is read, because its events are.

A template that a Deployment had before is the same ReplicaSet, as upstream finds it again (EqualIgnoreHash).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from capsim.errors import Problem, ScenarioError
from capsim.scenario.event import TimedEvent
from capsim.scenario.kubernetes.pod import Container, PodTemplate
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.rollout import PauseRollout, Rollback, Rollout
from capsim.scenario.scenario import Scenario
from capsim.scenario.timeline import in_time
from capsim.scenario.workload import ContainerBehaviour, WorkloadSpec

RESTARTED = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True)
class Revision:
    """One version of a Deployment's pods and how they behave."""

    template: PodTemplate
    behaviour: WorkloadSpec


@dataclass
class History:
    """The revisions of one Deployment in the order in which they are first asked for, and who asks for which."""

    workload: Workload
    revisions: list[Revision]
    steps: dict[int, int] = field(default_factory=dict)
    """Index of the event in order of time -> index of the revision that the Deployment has from then on."""
    numbered: list[int] = field(default_factory=list)
    """Revision by number; 0 stands for numbers that have moved on."""

    @property
    def current(self) -> Revision:
        """The revision that the Deployment has by now."""
        return self.revisions[self.numbered[-1]]

    def go_to(self, revision: int) -> None:
        """A revision becomes the newest: it takes the next number and loses the one that it had."""
        if self.numbered[-1] != revision:
            self.numbered = [-1 if r == revision else r for r in self.numbered]
            self.numbered.append(revision)

    def revision_before(self, number: int) -> int | None:
        """The revision of that number (from 1), or with 0 the one before the current; None when there is none."""
        if number:
            found = self.numbered[number - 1] if number <= len(self.numbered) else -1
            return found if found >= 0 else None
        return next((r for r in reversed(self.numbered[:-1]) if r >= 0), None)


def histories(
    scenario: Scenario, is_sound: Callable[[History, TimedEvent], bool] = lambda history, event: True
) -> dict[str, History]:
    """Histories of the Deployments that an event rolls out, rolls back, pauses, or whose template it changes.

    Events that are not ``is_sound`` are passed over. Raises ScenarioError where a container does not exist.
    """
    found: dict[str, History] = {}
    workloads = {workload.key: workload for workload in scenario.objects.workloads}
    for index, (event, target) in enumerate(_changes(scenario)):
        if target is None or target not in workloads:
            continue
        if target not in found:
            workload = workloads[target]
            first = Revision(workload.template, scenario.workloads.get(target, WorkloadSpec()))
            found[target] = History(workload, [first], numbered=[0])
        if is_sound(found[target], event):
            _follow(found[target], index, event)
    return found


def _changes(scenario: Scenario) -> Iterator[tuple[TimedEvent, str | None]]:
    """Every event in order of time, with the Deployment that it rolls out, if it does."""
    for event in in_time(scenario):
        action = event.action
        if isinstance(action, (Rollout, Rollback, PauseRollout)):
            yield event, action.target
        elif event.apply is not None and isinstance(event.apply.object, Workload):
            yield event, event.apply.object.key
        else:
            yield event, None


def _follow(history: History, index: int, event: TimedEvent) -> None:
    if event.rollout is not None:
        history.go_to(_revision(history, rolled_out(history.current, event.rollout, event.at_ms)))
    elif event.rollback is not None:
        before = history.revision_before(event.rollback.to_revision)
        if before is not None:
            history.go_to(before)
    elif event.apply is not None and isinstance(event.apply.object, Workload):
        history.go_to(
            _revision(history, Revision(event.apply.object.template, history.current.behaviour), applied=True)
        )
    history.steps[index] = history.numbered[-1]


def _revision(history: History, wanted: Revision, applied: bool = False) -> int:
    """The index of a revision, added where it is new; an applied template says nothing of behaviour."""
    for index, revision in enumerate(history.revisions):
        if revision.template == wanted.template and (applied or revision.behaviour == wanted.behaviour):
            return index
    history.revisions.append(wanted)
    return len(history.revisions) - 1


def rolled_out(before: Revision, change: Rollout, at_ms: int) -> Revision:
    """The revision that a rollout makes of the one before; when neither image nor resources change, a restart."""
    index = container_index(before.template, change.container)
    old = before.template.containers[index]
    new = Container(
        **{
            **dict(old),
            "image": old.image if change.image is None else change.image,
            "requests": {**old.requests, **change.new_requests},
            "limits": {**old.limits, **change.new_limits},
        }
    )
    containers = tuple(new if i == index else c for i, c in enumerate(before.template.containers))
    update: dict[str, object] = {"containers": containers}
    if new == old:
        update["annotations"] = {**before.template.annotations, RESTARTED: str(at_ms)}
    return Revision(before.template.model_copy(update=update), _behaviour(before.behaviour, old.name, change))


def container_index(template: PodTemplate, name: str | None) -> int:
    """Place of a container; the first without a name. Raises ScenarioError when there is none of that name."""
    names = [container.name for container in template.containers]
    if name is not None and name not in names:
        raise ScenarioError(Problem("no such container", key="rollout.container", found=name, allowed=", ".join(names)))
    return 0 if name is None else names.index(name)


def _behaviour(before: WorkloadSpec, container: str, change: Rollout) -> WorkloadSpec:
    names = ("cpu_per_request_milli", "idle_cpu_milli", "memory_base_bytes", "memory_per_inflight_bytes")
    given = {name: getattr(change, name) for name in names if getattr(change, name) is not None}
    containers = dict(before.containers)
    containers[container] = containers.get(container, ContainerBehaviour()).model_copy(update=given)
    update: dict[str, object] = {"containers": containers}
    if change.startup_time is not None:
        update["startup_time"] = change.startup_time
    if change.termination_time_ms is not None:
        update["termination_time_ms"] = change.termination_time_ms
    return before.model_copy(update=update)
