"""Everything that happens by itself in a run: the events, and what the groups' schedules say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.scenario.cron import due_ms
from capsim.scenario.event import TimedEvent
from capsim.scenario.scheduled_size import Resize

if TYPE_CHECKING:
    from capsim.scenario.scenario import Scenario


def in_time(scenario: Scenario) -> list[TimedEvent]:
    """All of them in the order in which they happen; of those at one time the schedules' come first."""
    return sorted([*scheduled(scenario), *scenario.events], key=lambda event: event.at_ms)


def scheduled(scenario: Scenario) -> list[TimedEvent]:
    """The sizes that the groups get by the clock."""
    return [
        TimedEvent(at_ms=at_ms, resize=Resize(group=group.name, min=action.min, max=action.max, size=action.size))
        for group in scenario.node_groups
        for action in group.schedule
        for at_ms in due_ms(action.cron, action.time_zone, scenario.start, scenario.duration_ms)
    ]
