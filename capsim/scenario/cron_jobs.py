"""Schedules of CronJobs as kube-controller-manager reads them.

Source: github.com/robfig/cron v3, ParseStandard: five fields, names of months and days, ranges, steps, `?` for `*`, and
the descriptors @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from capsim.scenario.cron import NAMED, check_cron, due_ms

FORMS = "five fields such as `30 2 * * 1-5`, @hourly, @daily, @weekly, @monthly, @yearly or @every 90m"
_FIELD = re.compile(r"[0-9a-z*?,/-]+", re.IGNORECASE)
_MIXED = re.compile(r"[0-9][a-z]|[a-z][0-9]", re.IGNORECASE)
_EVERY = re.compile(r"@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def fields_of(schedule: str) -> str | timedelta:
    """The five fields of a schedule, or its interval. Raises ValueError with what is wrong."""
    text = schedule.strip()
    if text.startswith(("TZ=", "CRON_TZ=")):
        raise ValueError("a time zone does not belong into the schedule: use timeZone")
    every = _EVERY.fullmatch(text)
    if every and any(every.groups()):
        hours, minutes, seconds = (int(part or 0) for part in every.groups())
        span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if span < timedelta(seconds=1):
            raise ValueError("an interval of less than a second")
        return span
    text = NAMED.get(text, text)
    parts = text.split()
    if text.startswith("@"):
        raise ValueError("an unknown descriptor")
    if len(parts) != 5:
        raise ValueError(f"{len(parts)} fields instead of 5")
    wrong = [part for part in parts if not _FIELD.fullmatch(part) or _MIXED.search(part)]
    wrong += [part for part in parts[:3] if re.search("[a-z]", part, re.IGNORECASE)]
    if wrong:
        raise ValueError(f"not a field: {wrong[0]}")
    return check_cron(" ".join(part.replace("?", "*") for part in parts))


def times_ms(schedule: str, time_zone: str, start: datetime, duration_ms: int) -> list[int]:
    """When a schedule is due from ``start`` on, ms since then; an interval counts from there."""
    parsed = fields_of(schedule)
    if isinstance(parsed, timedelta):
        step = round(parsed.total_seconds() * 1000)
        return list(range(step, duration_ms, step))
    return list(due_ms(parsed, time_zone, start, duration_ms))
