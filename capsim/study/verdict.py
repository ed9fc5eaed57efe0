"""The sentence that decides a what-if."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.report.phrases import clock, count, percent, span
from capsim.study.measures import number_text

if TYPE_CHECKING:
    from capsim.study.whatif import WhatIf

LOST_MATTERS = 0.001
"""A larger share of lost requests is a reason to say no."""


def verdict(found: WhatIf) -> str:
    """One sentence that decides, with the reason."""
    waited, before = (found.mean(side, "pending.pods") for side in (found.variant, found.baseline))
    lost = found.mean(found.variant, "traffic.lost_ratio")
    losing = lost > LOST_MATTERS and _more(found, "traffic.lost_ratio") > 0
    head = found.change.title
    patient = max(summary.pending.longest_s for summary in found.variant) <= found.wait_s
    if waited and patient and not losing:
        longest = span(max(summary.pending.longest_s for summary in found.variant))
        return f"{head} holds: {_wait(waited)} for a node that boots, none longer than {longest}.{_money(found)}"
    if _more(found, "pending.pod_seconds") > 0 or losing:
        return f"{head} does not hold: {_harm(found, waited, before, lost, losing)}.{_remedy(found)}{_money(found)}"
    if waited == 0:
        return f"{head} holds: no pod waits{_pods_lost(lost)}.{_money(found)}"
    if _more(found, "pending.pod_seconds") < 0:
        return f"{head} helps: {_waiting(found, waited, before)}{_pods_lost(lost)}.{_money(found)}"
    return f"{head} changes little: {_waiting(found, waited, before)}.{_money(found)}"


def _more(found: WhatIf, measure: str) -> int:
    """1: more of it than the noise of the seeds explains (one seed: than 5 %); -1: less; 0: neither."""
    item = next((item for item in found.differences if item.measure == measure), None)
    if item is None or item.difference is None or item.equal:
        return 0
    if found.none_to_some(measure):
        return 1
    if item.beyond_noise is False:
        return 0
    if item.beyond_noise is None and abs(item.difference) <= 0.05 * abs(item.a or 0.0):
        return 0
    return 1 if item.difference > 0 else -1


def _waiting(found: WhatIf, waited: float, before: float) -> str:
    total, total_before = (found.mean(side, "pending.pod_seconds") for side in (found.variant, found.baseline))
    longest = found.mean(found.variant, "pending.longest_s")
    without = f" (without it {_pods(before)}, {span(total_before)})" if before else ""
    return f"{_wait(waited)} for a node, together {span(total)}{without}, the longest {span(longest)}"


def _harm(found: WhatIf, waited: float, before: float, lost: float, losing: bool) -> str:
    parts = []
    if _more(found, "pending.pod_seconds") > 0:
        end = found.mean(found.variant, "still_pending")
        still = f", {number_text(end, '')} of them still at the end" if end else ""
        parts.append(_waiting(found, waited, before) + still)
    if losing:
        parts.append(f"{percent(lost)} of the requests are lost")
    limit = found.first_limit
    if limit is not None:
        parts.append(f"the first thing it runs into, at {clock(limit.at_ms)}, is {limit.object}: {limit.text}")
    return "; ".join(parts)


def _remedy(found: WhatIf) -> str:
    need = max((s.zero_pending for s in found.variant if s.zero_pending.more), key=lambda z: z.more or 0, default=None)
    if need is None or not need.more:
        return ""
    group = f" of {need.node_group}" if need.node_group else ""
    return f" {count(need.more, 'more node')}{group} would hold them (estimate)."


def _pods(number: float) -> str:
    return f"{number_text(number, '')} pod" + ("" if number == 1 else "s")


def _wait(number: float) -> str:
    return f"{_pods(number)} wait" + ("s" if number == 1 else "")


def _pods_lost(lost: float) -> str:
    return f", {percent(lost)} of the requests are lost" if lost > LOST_MATTERS else ""


def _money(found: WhatIf) -> str:
    costs = next((item for _, item in found.shown if item.measure == "cost.month_usd"), None)
    hours = next((item for _, item in found.shown if item.measure == "cost.node_hours"), None)
    item = costs if costs is not None and (costs.a or costs.b) else hours
    if item is None or item.difference is None or item.equal:
        return ""
    if item.beyond_noise is False:
        return " The difference in cost is within the noise of the seeds."
    what = "a month" if item is costs else "node-hours"
    amount = number_text(abs(item.difference), item.unit if item is costs else "")
    return f" It {'costs' if item is costs else 'takes'} {amount} {what} {'more' if item.difference > 0 else 'less'}."
