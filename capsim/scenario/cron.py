"""Cron expressions: when something is due by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from capsim.scenario.merge import suggestion
from capsim.scenario.model import problem

ALLOWED = "five fields (minute, hour, day, month, weekday) such as '0 7 * * 1-5', or @hourly, @daily, @weekly, @monthly"
NAMED = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip


def zone_of(name: str) -> ZoneInfo:
    """A time zone of the IANA database; an error for a validator when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(available_timezones())
        raise problem(
            f"no such time zone {name!r}" + suggestion(name, known), "UTC, Europe/Berlin, America/New_York, …"
        ) from None


def check_cron(expression: str) -> str:
    """The expression; an error for a validator when it is none."""
    fields(expression)
    return expression


@cache
def fields(expression: str) -> str:
    """The five fields of an expression."""
    text = NAMED.get(expression.strip(), expression.strip())
    if len(text.split()) != 5:
        raise problem(f"{expression!r} is no cron expression: not five fields", ALLOWED)
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise problem(f"{expression!r} is no cron expression: {error}", ALLOWED) from None
    return text


def due_ms(expression: str, zone: str, start: datetime, duration_ms: int) -> Iterator[int]:
    """Times in ms since ``start`` (aware) at which the expression is due, before ``duration_ms``.

    By the clock of ``zone``, as cron does it around changes of summer time: a time that is left out is due right after
    the gap, one that comes twice is due once.
    """
    begin = start.astimezone(zone_of(zone))
    last = start + timedelta(milliseconds=duration_ms)
    # The first candidate of cronsim lies after its start, and a run may begin on one.
    for at in CronSim(fields(expression), begin - timedelta(seconds=1)):
        if at.astimezone(UTC) >= last:
            return
        yield max(0, int((at.astimezone(UTC) - start).total_seconds() * 1000))
